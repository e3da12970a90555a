"""Short programs in PyTorch's manner, run with our modules and, where PyTorch is installed, with its own.

Each program is a function of the modules `torch`, `torch.nn` and `torch.nn.functional`, and of a random
generator for the data and the initial values. It returns numbers, which must agree.
"""

import numpy as np
import pytest

import nn.functional
from nn import torch as ours

MODULES = ours, ours.nn, nn.functional


def started(torch, model, rng):
    """The model in double precision with drawn initial values."""
    model = model.double()
    for p in model.parameters():
        p.data = torch.tensor(rng.uniform(-0.4, 0.4, size=tuple(p.shape)))
    return model


def trained(torch, model, loss_of, steps=6, lr=0.05):
    """The losses of some steps of Adam."""
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def spatial_transformer(torch, nn, F, rng):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.localization = nn.Sequential(
                nn.Conv2d(1, 2, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True)
            )
            self.fc_loc = nn.Sequential(nn.Linear(2 * 3 * 3, 8), nn.ReLU(True), nn.Linear(8, 3 * 2))
            self.fc = nn.Linear(64, 3)

        def stn(self, x):
            xs = self.localization(x)
            theta = self.fc_loc(xs.view(-1, 2 * 3 * 3)).view(-1, 2, 3)
            grid = F.affine_grid(theta, x.size(), align_corners=False)
            return F.grid_sample(x, grid, align_corners=False)

        def forward(self, x):
            return F.log_softmax(self.fc(self.stn(x).view(-1, 64)), dim=1)

    model = started(torch, Net(), rng)
    model.fc_loc[2].weight.data.zero_()
    model.fc_loc[2].bias.data = torch.tensor([1, 0.1, 0, 0, 0.9, 0], dtype=torch.float64)
    x, y = torch.tensor(rng.normal(size=(4, 1, 8, 8))), torch.tensor([0, 1, 2, 1])
    return trained(torch, model, lambda net: F.nll_loss(net(x), y), lr=0.01)


def pruning(torch, nn, F, rng):
    if torch is ours:
        from nn.utils import prune
    else:
        from torch.nn.utils import prune

    class EverySecond(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2))
    model = started(torch, model, rng)
    prune.l1_unstructured(model[0], name="bias", amount=3)
    prune.ln_structured(model[0], name="weight", amount=0.5, n=2, dim=0)
    EverySecond.apply(model[2], "weight")
    assert list(dict(model[2].named_buffers())) == ["weight_mask"]
    history = [type(hook).__name__ for hook in model[2]._forward_pre_hooks.values()]
    assert history == ["EverySecond"]
    prune.l1_unstructured(model[2], name="weight", amount=0.25)
    (container,) = (h for h in model[2]._forward_pre_hooks.values() if h._tensor_name == "weight")
    assert [type(method).__name__ for method in container] == ["EverySecond", "L1Unstructured"]
    pairs = ((model[2], "weight"), (model[4], "weight"))
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.2)
    x, y = torch.tensor(rng.normal(size=(5, 6))), torch.tensor(rng.normal(size=(5, 2)))
    losses = trained(torch, model, lambda net: F.mse_loss(net(x), y))
    zeros = [int((model[i].weight == 0).sum()) for i in (0, 2, 4)]
    for layer in (model[0], model[2], model[4]):
        prune.remove(layer, "weight")
    assert not model[2]._forward_pre_hooks
    return [*losses, *zeros, model(x).sum().item()]


def siamese(torch, nn, F, rng):
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d(), nn.ReLU())
            self.head = nn.LazyLinear(4)

        def forward(self, x):
            return self.head(torch.flatten(self.features(x), 1))

    a, b, c = (torch.tensor(rng.normal(size=(4, 2, 6, 6))) for _ in range(3))
    model = Branch()
    model(a.float())  # the first batch tells the sizes
    model.features[1].reset_running_stats()
    model = started(torch, model, rng)
    same = torch.tensor([1, -1, 1, -1])
    triplet = nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: 1 - F.cosine_similarity(x, y))

    def loss_of(net):
        left, right, other = net(a), net(b), net(c)
        return triplet(left, right, other) + F.cosine_embedding_loss(left, right, same, margin=0.1)

    return [*trained(torch, model, loss_of), model.features[1].running_mean.sum().item()]


def siren(torch, nn, F, rng):
    class Sine(nn.Module):
        def __init__(self, w0=3.0):
            super().__init__()
            self.w0 = w0

        def forward(self, x):
            return torch.sin(self.w0 * x)

    model = started(
        torch, nn.Sequential(nn.Linear(2, 8), Sine(), nn.Linear(8, 8), Sine(), nn.Linear(8, 1)), rng
    )
    image = torch.tensor(rng.normal(size=(1, 1, 4, 4)))
    points = F.affine_grid(
        torch.tensor([[[1.0, 0, 0], [0, 1, 0]]]).double(), (1, 1, 4, 4), align_corners=True
    )
    wanted = F.interpolate(image, size=(4, 4), mode="bicubic", align_corners=True).view(-1, 1)
    inputs = points.view(-1, 2)
    return trained(torch, model, lambda net: F.mse_loss(net(inputs), wanted), lr=0.01)


def kan(torch, nn, F, rng):
    class Layer(nn.Module):
        """Each edge is a sum of B-splines of degree 1 and a SiLU."""

        def __init__(self, inputs, outputs, knots=5):
            super().__init__()
            self.register_buffer("grid", torch.linspace(-1, 1, knots))
            self.scale = knots // 2
            self.coefficients = nn.ParameterDict(
                {
                    "spline": nn.Parameter(torch.zeros(outputs, inputs, knots)),
                    "base": nn.Parameter(torch.zeros(outputs, inputs)),
                }
            )

        def forward(self, x):
            hats = F.relu(1 - torch.abs(x.unsqueeze(-1) - torch.as_tensor(self.grid)) * self.scale)
            spline = torch.einsum("nik,oik->no", hats, self.coefficients["spline"])
            return spline + F.linear(F.silu(x), self.coefficients["base"])

    model = started(torch, nn.Sequential(Layer(2, 3), Layer(3, 1)), rng)
    x = torch.tensor(rng.uniform(-1, 1, size=(12, 2)))
    y = torch.sin(3 * x[:, :1]) * x[:, 1:]
    return trained(torch, model, lambda net: F.mse_loss(net(x), y))


def words_in_bags(torch, nn, F, rng):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.EmbeddingBag(10, 4, mode="sum", padding_idx=0)
            self.heads = nn.ModuleDict(
                {"topic": nn.utils.weight_norm(nn.Linear(4, 3)), "tone": nn.Linear(4, 2)}
            )
            self.heads.pop("tone")

        def forward(self, text, offsets, weights):
            return self.heads["topic"](self.words(text, offsets, weights))

    model = started(torch, Net(), rng)
    text, offsets = torch.tensor([1, 2, 0, 4, 4, 9, 3]), torch.tensor([0, 3, 3])
    weights, y = torch.tensor(rng.normal(size=7)), torch.tensor([2, 0, 1])
    losses = trained(torch, model, lambda net: F.cross_entropy(net(text, offsets, weights), y))
    return [*losses, *(float(value.sum()) for value in model.state_dict().values())]


PROGRAMS = siren, spatial_transformer, siamese, kan, pruning, words_in_bags


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_learns(program):
    losses = program(*MODULES, np.random.default_rng(0))[:6]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning", "ignore:Lazy modules:UserWarning")
@pytest.mark.few(3)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_gives_the_numbers_of_pytorch(program, torch):
    here = program(*MODULES, np.random.default_rng(0))
    there = program(torch, torch.nn, torch.nn.functional, np.random.default_rng(0))
    np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-9)
