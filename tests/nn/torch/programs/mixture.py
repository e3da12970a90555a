"""Maximum likelihood: a mixture of normals, and the parameters of gamma, beta and Dirichlet families."""

import numpy as np

import nn.torch as torch
import nn.torch.distributions as D


def fit(parameters, log_likelihood, steps=15):
    optimizer, losses = torch.optim.Adam(parameters, lr=0.05), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -log_likelihood()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(prepare):
    numbers = np.random.default_rng(3)
    points = np.concatenate([numbers.normal(-2, 0.5, (20, 2)), numbers.normal(1, 1.0, (30, 2))])
    points = torch.tensor(points, dtype=torch.float32)
    logits = torch.zeros(3, requires_grad=True)
    means = torch.tensor([[-1.0, 0.0], [0.5, 0.5], [0.0, -1.0]], requires_grad=True)
    factors = torch.eye(2).repeat(3, 1, 1).requires_grad_()

    def of_mixture():
        parts = D.MultivariateNormal(means, scale_tril=torch.tril(factors))
        return D.MixtureSameFamily(D.Categorical(logits=logits), parts).log_prob(points).mean()

    losses = fit([logits, means, factors], of_mixture)
    positive = torch.tensor(numbers.gamma(3.0, 0.5, 40), dtype=torch.float32)
    a, b = (torch.tensor(1.0, requires_grad=True) for _ in range(2))
    losses += fit([a, b], lambda: D.Gamma(a.exp(), b.exp()).log_prob(positive).mean())
    losses += fit([a, b], lambda: D.Beta(a.exp(), b.exp()).log_prob(positive / (1 + positive)).mean())
    simplex = torch.tensor(numbers.dirichlet([2.0, 1.0, 4.0], 30), dtype=torch.float32)
    c = torch.zeros(3, requires_grad=True)
    losses += fit([c], lambda: D.Dirichlet(c.exp()).log_prob(simplex).mean())
    return losses
