"""Programs that are run twice, by PyTorch and by `nn.torch`, and must learn the same.

Each takes the library as `torch`. Weights come from NumPy, so that both begin alike.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import nn.torch
from nn.torchvision import models

pytestmark = pytest.mark.torch


def drawn(model: Any, torch: Any, seed: int = 0) -> Any:
    """The model with weights that do not depend on the library."""
    numbers, state = np.random.default_rng(seed), {}
    for name, value in model.state_dict().items():
        shape = tuple(value.shape)
        fresh = numbers.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))
        kept = "running" in name or "num_batches" in name
        state[name] = value if kept else torch.tensor(fresh.astype(np.float32))
    model.load_state_dict(state)
    return model


def both(real: Any, program: Any, *args: Any, tolerance: float = 1e-5) -> None:
    expected, found = program(real, *args), program(nn.torch, *args)
    assert len(expected) == len(found) > 0
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# -- a graph network on a small graph --------------------------------------------------------------

EDGES = np.array([[0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0, 3], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0, 5, 3, 0]])
FEATURES = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
CLASSES = np.array([0, 0, 1, 1, 2, 2])


def graph_network(torch: Any, dense: bool = False) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    times = torch.matmul if dense else torch.spmm

    class GraphConvolution(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(inputs, outputs))
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x: Any, adjacency: Any) -> Any:
            return times(adjacency, x @ self.weight) + self.bias

    class GCN(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.gc1, self.gc2 = GraphConvolution(4, 8), GraphConvolution(8, 3)

        def forward(self, x: Any, adjacency: Any) -> Any:
            x = F.relu(self.gc1(x, adjacency))
            return F.log_softmax(self.gc2(x, adjacency), dim=1)

    loops = np.concatenate([EDGES, [np.arange(6)] * 2], axis=1)
    ones = torch.ones(loops.shape[1])
    adjacency = torch.sparse_coo_tensor(torch.tensor(loops), ones, (6, 6)).coalesce()
    degree = torch.sparse.sum(adjacency, 1).to_dense()
    rows = adjacency.indices()[0]
    adjacency = torch.sparse_coo_tensor(
        adjacency.indices(), adjacency.values() / degree[rows], (6, 6)
    ).coalesce()
    adjacency = adjacency.to_dense() if dense else adjacency
    x, labels = torch.tensor(FEATURES), torch.tensor(CLASSES)
    model = drawn(GCN(), torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.nll_loss(model(x, adjacency), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def graph_attention(torch: Any) -> list[float]:
    """Weights of edges that are learned: gradients flow to the values of the sparse matrix."""
    x = torch.tensor(FEATURES)
    scores = torch.tensor(np.linspace(-1, 1, EDGES.shape[1]), requires_grad=True)
    edges = torch.tensor(EDGES)
    for _ in range(3):
        attention = torch.sparse.softmax(torch.sparse_coo_tensor(edges, scores, (6, 6)).coalesce(), dim=1)
        out = torch.sparse.mm(attention, x.double())
        loss = (out * out).sum()
        (g,) = torch.autograd.grad(loss, [scores])
        scores = (scores - 0.1 * g).detach().requires_grad_()
    return [*scores.tolist(), loss.item()]


def test_a_graph_network_learns_the_same_from_a_dense_matrix() -> None:
    np.testing.assert_allclose(graph_network(nn.torch), graph_network(nn.torch, dense=True), rtol=1e-5)


@pytest.mark.slow  # PyTorch takes seconds for its first sparse matrix
@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_graph_network(torch: Any) -> None:
    both(torch, graph_network)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sparse")
def test_learned_edges(torch: Any) -> None:
    both(torch, graph_attention)


# -- a siamese net on a ResNet ---------------------------------------------------------------------


def resnet(torch: Any) -> Any:
    """A small ResNet: ours from `nn.torchvision`, for PyTorch written out, with the same names."""
    if torch is nn.torch:
        return models.ResNet(models.BasicBlock, [1, 1, 1, 1], num_classes=8)
    nn_ = torch.nn

    class Block(nn_.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn_.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn_.BatchNorm2d(outputs)
            self.conv2 = nn_.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn_.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1:
                conv = nn_.Conv2d(inputs, outputs, 1, stride, bias=False)
                self.downsample = nn_.Sequential(conv, nn_.BatchNorm2d(outputs))

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            return torch.relu(y + (x if self.downsample is None else self.downsample(x)))

    class Net(nn_.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn_.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1, self.maxpool = nn_.BatchNorm2d(64), nn_.MaxPool2d(3, 2, 1)
            self.layer1, self.layer2 = nn_.Sequential(Block(64, 64, 1)), nn_.Sequential(Block(64, 128, 2))
            self.layer3, self.layer4 = nn_.Sequential(Block(128, 256, 2)), nn_.Sequential(Block(256, 512, 2))
            self.fc = nn_.Linear(512, 8)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.mean(dim=(2, 3)))

    return Net()


PAIRS = np.random.default_rng(2).normal(size=(2, 4, 3, 32, 32)).astype(np.float32)
SAME = np.array([1.0, 0.0, 1.0, 0.0], np.float32)


def siamese(torch: Any, steps: int) -> list[float]:
    F = torch.nn.functional
    model = drawn(resnet(torch), torch)
    left, right, same = torch.tensor(PAIRS[0]), torch.tensor(PAIRS[1]), torch.tensor(SAME)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        distance = F.pairwise_distance(F.normalize(model(left), dim=1), F.normalize(model(right), dim=1))
        loss = (same * distance**2 + (1 - same) * torch.clamp(1 - distance, min=0) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3])
def test_a_siamese_net(steps: int, torch: Any) -> None:
    tolerance = steps**2 * 1e-4  # float32 through batch norm of four images, and back
    both(torch, siamese, steps, tolerance=tolerance)


# -- a Hamiltonian net -----------------------------------------------------------------------------


def hamiltonian(torch: Any) -> list[float]:
    nn = torch.nn

    class HNN(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)
            )

        def forward(self, x: Any) -> Any:
            (g,) = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)
            return torch.stack([g[:, 1], -g[:, 0]], dim=1)

    numbers = np.random.default_rng(3)
    states = numbers.normal(size=(32, 2)).astype(np.float32)
    x = torch.tensor(states, requires_grad=True)
    flow = torch.tensor(np.stack([states[:, 1], -np.sin(states[:, 0])], axis=1))  # a pendulum
    model = drawn(HNN(), torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(10):
        loss = ((model(x) - flow) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_hamiltonian_net(torch: Any) -> None:
    both(torch, hamiltonian)


# -- a checkpoint that is saved there and resumed here ---------------------------------------------

X = np.random.default_rng(4).normal(size=(30, 5)).astype(np.float32)
Y = (X[:, 0] - X[:, 1] > 0).astype(np.int64)


class Run:
    """A model, an optimizer and a schedule of one library, trained epoch by epoch."""

    def __init__(self, torch: Any, optimizer: str, schedule: str, options: dict[str, Any]) -> None:
        self.torch, nn = torch, torch.nn
        layers = nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
        self.model = drawn(nn.Sequential(*layers), torch)
        self.optimizer = getattr(torch.optim, optimizer)(self.model.parameters(), lr=0.05)
        self.schedule = getattr(torch.optim.lr_scheduler, schedule)(self.optimizer, **options)
        self.parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}

    def train(self, epochs: int) -> list[float]:
        torch, losses = self.torch, []
        x, y = torch.tensor(X), torch.tensor(Y)
        for _ in range(epochs):
            for batch in range(0, 30, 10):
                self.optimizer.zero_grad()
                out = self.model(x[batch : batch + 10])
                loss = torch.nn.functional.cross_entropy(out, y[batch : batch + 10])
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
            if type(self.schedule).__name__ == "ReduceLROnPlateau":
                self.schedule.step(losses[-1] + len(losses))
            else:
                self.schedule.step()
        return [*losses, self.optimizer.param_groups[0]["lr"]]

    def save(self, epoch: int) -> io.BytesIO:
        file = io.BytesIO()
        states = {name: part.state_dict() for name, part in self.parts.items()}
        self.torch.save({"epoch": epoch, "args": {"lr": 0.05, "name": "run"}, **states}, file)
        file.seek(0)
        return file

    def resume(self, file: io.BytesIO) -> int:
        checkpoint = self.torch.load(file, map_location="cpu")
        for name, part in self.parts.items():
            part.load_state_dict(checkpoint[name])
        return int(checkpoint["epoch"])


CHECKPOINTS: list[tuple[str, str, dict[str, Any]]] = [
    ("Adam", "StepLR", {"step_size": 2, "gamma": 0.5}),
    ("SGD", "MultiStepLR", {"milestones": [1, 4]}),
    ("AdamW", "CosineAnnealingLR", {"T_max": 8}),
    ("RMSprop", "ConstantLR", {"total_iters": 5}),
    ("NAdam", "ExponentialLR", {"gamma": 0.9}),
    ("Adagrad", "LinearLR", {}),
    ("Adadelta", "PolynomialLR", {"total_iters": 9}),
    ("Adamax", "LambdaLR", {"lr_lambda": lambda epoch: 0.8**epoch}),
    ("RAdam", "CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("SGD", "ReduceLROnPlateau", {"patience": 1, "factor": 0.5}),
    ("Rprop", "OneCycleLR", {"max_lr": 0.1, "total_steps": 12, "cycle_momentum": False}),
]


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("optimizer", "schedule", "options"), CHECKPOINTS, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_checkpoint_of_pytorch_is_resumed_here(
    optimizer: str, schedule: str, options: dict[str, Any], torch: Any
) -> None:
    there, here = (Run(library, optimizer, schedule, options) for library in (torch, nn.torch))
    there.train(3)
    assert here.resume(there.save(3)) == 3
    np.testing.assert_allclose(here.train(3), there.train(3), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_weights_from_here_are_loaded_there(optimizer: str, torch: Any) -> None:
    here, there = (Run(library, optimizer, "StepLR", {"step_size": 2}) for library in (nn.torch, torch))
    here.train(2)
    file = io.BytesIO()
    nn.torch.save({"model": nn.torch.tensors.torched(here.model.state_dict())}, file)
    file.seek(0)
    there.model.load_state_dict(torch.load(file)["model"])
    x = X[:4]
    expected = here.model.eval()(nn.torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(
        there.model.eval()(torch.tensor(x)).detach().numpy(), expected, rtol=1e-5, atol=1e-6
    )
