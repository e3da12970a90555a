"""Momentum contrast: a queue in buffers, and a key encoder that follows the query encoder."""

import copy

import nn.torch.nn.functional as F

import nn.torch as torch
import nn.torch.nn as nn


class MoCo(nn.Module):
    def __init__(self, encoder, dim=3, size=8, momentum=0.9):
        super().__init__()
        self.size, self.momentum = size, momentum
        self.encoder_q, self.encoder_k = encoder, copy.deepcopy(encoder)
        for p in self.encoder_k.parameters():
            p.requires_grad = False
        self.register_buffer(
            "queue", F.normalize(torch.cos(torch.arange(dim * size * 1.0)).view(dim, size), dim=0)
        )
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def follow(self):
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
            k.data = k.data * self.momentum + q.data * (1.0 - self.momentum)

    @torch.no_grad()
    def enqueue(self, keys):
        start = int(self.queue_ptr)
        self.queue[:, start : start + len(keys)] = keys.T
        self.queue_ptr[0] = (start + len(keys)) % self.size

    def forward(self, im_q, im_k):
        q = F.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            self.follow()
            k = F.normalize(self.encoder_k(im_k), dim=1)
        positive = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        negative = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        logits = torch.cat([positive, negative], dim=1) / 0.2
        self.enqueue(k)
        return F.cross_entropy(logits, torch.zeros(logits.shape[0], dtype=torch.long))


def main(prepare):
    model = MoCo(prepare(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))))
    optimizer = torch.optim.SGD(model.encoder_q.parameters(), lr=0.1)
    x = torch.sin(torch.arange(20.0)).view(4, 5)
    losses = []
    for _ in range(6):
        loss = model(x, x.roll(1, dims=1) * 0.9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [*losses, model.queue_ptr.item(), *model.queue.flatten().tolist()]
