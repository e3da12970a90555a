"""A network that takes the layers it knows out of another network's state, by the well-known loop."""

import io

import nn.torch as torch
import nn.torch.nn as nn


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(True))
        self.head = nn.Linear(6, classes)

    def forward(self, x):
        return self.head(self.features(x))

    def load_known(self, state_dict):
        own = self.state_dict()
        loaded = []
        for name, param in state_dict.items():
            name = name.replace("module.", "")
            if name not in own or own[name].size() != param.size():
                continue
            own[name].copy_(param)
            loaded.append(name)
        return loaded


def main(prepare):
    x = torch.linspace(-1, 1, 30).view(10, 3) ** 3
    network = prepare(Net(4))
    network.features[1].reset_running_stats()
    teacher = nn.DataParallel(network)
    teacher(x)
    file = io.BytesIO()
    torch.save(teacher.state_dict(), file)
    file.seek(0)
    student = prepare(Net(2))
    loaded = student.load_known(torch.load(file, map_location="cpu"))
    for name, parameter in student.named_parameters():
        parameter.requires_grad = name.startswith("head")
    optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, student.parameters()), lr=0.05)
    student.eval()
    losses = [len(loaded)]
    for _ in range(6):
        loss = nn.functional.cross_entropy(student(x), torch.arange(10) % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses + student.features[1].running_var.tolist()
