"""A critic with a gradient penalty, which differentiates the backward pass of a Function."""

import numpy as np

import nn.torch as torch
import nn.torch.nn as nn
from nn.torch import autograd
from nn.torch.autograd import Function, Variable


class SwishFunction(Function):
    """x * sigmoid(x), which keeps only its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * (s * (1 + x * (1 - s)))


class RoundSTE(Function):
    """Rounding to a grid, with the gradient of the identity."""

    @staticmethod
    def forward(ctx, x, steps):
        return torch.round(x * steps) / steps

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.clone(), None


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 12), nn.Linear(12, 1)

    def forward(self, x):
        return self.second(SwishFunction.apply(self.first(x)))


def gradient_penalty(critic, real, fake, alpha):
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(between)
    ones = Variable(torch.ones(real.shape[0], 1), requires_grad=False)
    gradients = autograd.grad(
        outputs=score,
        inputs=between,
        grad_outputs=ones,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def main(prepare, epochs=15):
    critic = prepare(Critic())
    generator = prepare(nn.Linear(2, 2))
    optimizers = [torch.optim.Adam(m.parameters(), lr=5e-3, betas=(0.5, 0.9)) for m in (critic, generator)]
    numbers, losses = np.random.default_rng(1), []
    for _ in range(epochs):
        real, noise, alpha = (
            torch.tensor(numbers.normal(size=shape).astype(np.float32)) for shape in ((8, 2), (8, 2), (8, 1))
        )
        fake = RoundSTE.apply(generator(noise), 4)
        loss = critic(fake.detach()).mean() - critic(real + 2).mean()
        loss = loss + 10 * gradient_penalty(critic, real.data + 2, fake.data, torch.sigmoid(alpha))
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        of_generator = -critic(RoundSTE.apply(generator(noise), 4)).mean()
        of_generator.backward()
        optimizers[1].step()
        losses += [loss.item(), of_generator.item()]
    return losses
