"""A normalizing flow: coupling layers and library transforms, trained on two arcs by maximum likelihood."""

import numpy as np

import nn.torch as torch
import nn.torch.nn as nn
from nn.torch.distributions import Independent, Normal, TransformedDistribution, constraints
from nn.torch.distributions.transforms import AffineTransform, Transform


class Coupling(Transform):
    bijective = True
    domain = constraints.real_vector
    codomain = constraints.real_vector

    def __init__(self, net, flip):
        super().__init__(cache_size=1)
        self.net, self.flip = net, flip

    def _split(self, x):
        a, b = x[..., :1], x[..., 1:]
        return (b, a) if self.flip else (a, b)

    def _join(self, a, b):
        return torch.cat([b, a] if self.flip else [a, b], dim=-1)

    def _parameters(self, a):
        shift, log_scale = self.net(a).chunk(2, dim=-1)
        return shift, torch.tanh(log_scale)

    def _call(self, x):
        a, b = self._split(x)
        shift, log_scale = self._parameters(a)
        return self._join(a, b * log_scale.exp() + shift)

    def _inverse(self, y):
        a, b = self._split(y)
        shift, log_scale = self._parameters(a)
        return self._join(a, (b - shift) * torch.exp(-log_scale))

    def log_abs_det_jacobian(self, x, y):
        return self._parameters(self._split(x)[0])[1].sum(-1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2)) for _ in range(3)
        )
        self.loc = nn.Parameter(torch.zeros(2))
        self.log_scale = nn.Parameter(torch.zeros(2))

    def dist(self):
        base = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        steps = [Coupling(net, flip=i % 2 == 1) for i, net in enumerate(self.nets)]
        steps.append(AffineTransform(self.loc, self.log_scale.exp(), event_dim=1))
        return TransformedDistribution(base, steps)


def arcs(n):
    t = np.linspace(0, np.pi, n)
    upper = np.stack([np.cos(t), np.sin(t)], 1)
    lower = np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1)
    return np.concatenate([upper, lower]).astype(np.float32)


def main(prepare, epochs=25):
    flow = prepare(Flow())
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    data, losses = torch.from_numpy(arcs(40)), []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = -flow.dist().log_prob(data).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        samples = flow.dist().sample((5,))
        losses += samples.flatten().tolist() + flow.dist().log_prob(samples).tolist()
    return losses
