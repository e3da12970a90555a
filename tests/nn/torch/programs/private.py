"""Private training: the gradient of each sample is clipped before the gradients are averaged."""

import nn.torch.nn.functional as F
import numpy as np

import nn.torch as torch
import nn.torch.nn as nn
from nn.torch.func import functional_call, grad_and_value, vmap


def main(prepare, epochs=12):
    model = prepare(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    numbers = np.random.default_rng(2)
    x = torch.tensor(numbers.normal(size=(24, 4)).astype(np.float32))
    y = torch.tensor(numbers.integers(0, 3, 24))
    parameters = {k: v.detach() for k, v in model.named_parameters()}

    def loss_of_one(parameters, sample, target):
        prediction = functional_call(model, parameters, (sample.unsqueeze(0),))
        return F.cross_entropy(prediction, target.unsqueeze(0))

    each = vmap(grad_and_value(loss_of_one), in_dims=(None, 0, 0), randomness="different")
    results = []
    for _ in range(epochs):
        gradients, losses = each(parameters, x, y)
        squares = torch.stack([g.flatten(1).pow(2).sum(1) for g in gradients.values()]).sum(0)
        scale = (0.5 / squares.sqrt()).clamp(max=1.0)
        with torch.no_grad():
            for name, g in gradients.items():
                shape = (-1,) + (1,) * (g.dim() - 1)
                parameters[name] = parameters[name] - 0.5 * (g * scale.view(shape)).mean(0)
        results.append(losses.mean().item())
    return results
