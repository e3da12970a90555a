"""REINFORCE in a corridor: step to the right end; a discount makes short walks better."""

import nn.torch.nn.functional as F
import numpy as np

import nn.torch as torch
import nn.torch.nn as nn
from nn.torch.distributions import Categorical
from nn.torch.optim import Adam


class Corridor:
    length = 5

    def reset(self):
        self.place = 0
        return self.state()

    def state(self):
        return np.eye(self.length, dtype=np.float32)[self.place]

    def step(self, action):
        self.place = max(0, self.place + (1 if action == 1 else -1))
        done = self.place == self.length - 1
        return self.state(), 1.0 if done else -0.1, done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(Corridor.length, 16)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)


def main(prepare, episodes=12):
    policy = prepare(Policy())
    optimizer = Adam(policy.parameters(), lr=2e-2)
    env, eps, gamma, losses = Corridor(), np.finfo(np.float32).eps.item(), 0.95, []
    for _ in range(episodes):
        state, entropies = env.reset(), []
        for _ in range(30):
            probs = policy(torch.from_numpy(state).float().unsqueeze(0))
            m = Categorical(probs)
            action = m.sample()
            policy.saved_log_probs.append(m.log_prob(action))
            entropies.append(m.entropy())
            state, reward, done = env.step(action.item())
            policy.rewards.append(reward)
            if done:
                break
        running, returns = 0, []
        for r in policy.rewards[::-1]:
            running = r + gamma * running
            returns.insert(0, running)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        policy_loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns, strict=True)]
        optimizer.zero_grad()
        loss = torch.cat(policy_loss).sum() - 0.01 * torch.stack(entropies).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        del policy.rewards[:]
        del policy.saved_log_probs[:]
    return losses
