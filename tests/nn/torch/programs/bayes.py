"""A Bayesian net: each weight has a normal posterior, trained on the evidence lower bound."""

import nn.torch.nn.functional as F
import numpy as np

import nn.torch as torch
import nn.torch.nn as nn
from nn.torch import distributions as dist
from nn.torch.distributions.kl import kl_divergence


class BayesLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.mu = nn.Parameter(torch.empty(out_features, in_features))
        self.rho = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.normal_(self.mu, 0.0, 0.1)
        nn.init.constant_(self.rho, -3.0)
        self.register_buffer("prior_scale", torch.tensor(1.0))

    def posterior(self):
        return dist.Normal(self.mu, F.softplus(self.rho))

    def forward(self, x):
        weight = self.posterior().rsample()
        return F.linear(x, weight, self.bias)

    def kl(self):
        prior = dist.Normal(torch.zeros_like(self.mu), self.prior_scale)
        return kl_divergence(self.posterior(), prior).sum()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = BayesLinear(1, 12), BayesLinear(12, 1)
        self.log_noise = nn.Parameter(torch.tensor(-1.0))

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))

    def elbo(self, x, y):
        noise = dist.LogNormal(self.log_noise, 0.1).mean
        likelihood = dist.Independent(dist.StudentT(4.0, self(x), noise), 1)
        return likelihood.log_prob(y).sum() - 0.1 * (self.hidden.kl() + self.out.kl())


def main(prepare, epochs=20):
    net = prepare(Net())
    optimizer = torch.optim.SGD(net.parameters(), lr=2e-3, momentum=0.9)
    x = torch.linspace(-2, 2, 30).unsqueeze(1)
    y = torch.sin(2 * x)
    losses = []
    for _ in range(epochs):
        loss = -net.elbo(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        band = torch.stack([net(x[:3]) for _ in range(4)])
    return losses + np.asarray(band.mean(0)).ravel().tolist() + band.std(dim=0).flatten().tolist()
