"""Class activation maps: hooks on activations and gradients, and a hook that changes a gradient."""

import nn.torch.nn.functional as F

import nn.torch as torch
import nn.torch.nn as nn


class GradCAM:
    def __init__(self, model, layer):
        self.model, self.gradient, self.activation = model, None, None
        layer.register_forward_hook(self.keep)

    def keep(self, module, inputs, output):
        self.activation = output.detach()
        output.register_hook(self.receive)

    def receive(self, gradient):
        scale = gradient.abs().max(dim=1, keepdim=True)[0].clamp(min=1e-6)
        self.gradient = gradient / scale
        return self.gradient

    def __call__(self, x, k):
        score = self.model(x)[:, k].sum()
        self.model.zero_grad()
        score.backward()
        weights = self.gradient.mean(dim=(2, 3), keepdim=True)
        cam = F.relu((weights * self.activation).sum(1, keepdim=True))
        return F.interpolate(cam, size=x.shape[2:], mode="bilinear", align_corners=False)


def main(prepare):
    seen = []
    model = prepare(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    )
    model[4].register_full_backward_hook(lambda m, gi, go: seen.append(gi[0].std(dim=1).sum().item()))
    x = torch.cos(torch.arange(128.0)).view(2, 1, 8, 8)
    cam = GradCAM(model, model[0])(x, 1)
    return [*seen, *cam.flatten()[::16].tolist(), model[0].weight.grad.norm().item()]
