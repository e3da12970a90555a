"""Sharpness-aware minimization around a base optimizer, with a schedule that defines `get_lr`."""

from nn.torch.optim.lr_scheduler import _LRScheduler

import nn.torch as torch
import nn.torch.nn as nn


class SAM(torch.optim.Optimizer):
    """Step to the worst point nearby, then from the old point along the gradient there."""

    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups
        self.defaults.update(self.base_optimizer.defaults)

    @torch.no_grad()
    def first_step(self):
        norms = [p.grad.norm(p=2) for group in self.param_groups for p in group["params"]]
        norm = torch.norm(torch.stack(norms), p=2)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["old_p"] = p.data.clone()
                p.add_(p.grad * (group["rho"] / (norm + 1e-12)).to(p))
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.data = self.state[p]["old_p"]
        self.base_optimizer.step()
        self.zero_grad()


class Warmup(_LRScheduler):
    """A linear rise to the base rates."""

    def __init__(self, optimizer, steps):
        self.steps = steps
        super().__init__(optimizer)

    def get_lr(self):
        return [rate * min(1.0, (self.last_epoch + 1) / self.steps) for rate in self.base_lrs]


def main(prepare):
    x = torch.linspace(-2, 2, 24).view(-1, 2)
    y = (x.prod(dim=1, keepdim=True) > 1).float()
    model = prepare(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)))
    optimizer = SAM(model.parameters(), torch.optim.SGD, lr=0.5, momentum=0.9)
    schedule = Warmup(optimizer.base_optimizer, 5)
    criterion = nn.BCEWithLogitsLoss()
    losses = []
    for _ in range(12):
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.first_step()
        criterion(model(x), y).backward()
        optimizer.second_step()
        schedule.step()
        losses.append(loss.item())
    return losses
