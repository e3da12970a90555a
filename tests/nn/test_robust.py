import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, OptionError, ShapeError, UnsupportedError
from autograd_lite.testing import check_grads
from nn import robust
from nn.arrays import as_array
from nn.robust import bounds
from nn.robust.balls import BALLS
from nn.robust.bounds import RULES

POINTS = 2000
SLACK = 1e-12  # bounds and model add up the same products in another order, in float64


def batch_norm(axes):
    """With running values and weights of both signs."""
    layer = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[axes](3).double()
    rng = np.random.default_rng(0)
    layer.running_mean, layer.running_var = rng.normal(size=3), rng.uniform(0.5, 2, 3)
    layer.weight.data, layer.bias.data = np.array([1.5, -2.0, 0.3]), rng.normal(size=3)
    return layer.eval()


def prelu(*slopes):
    layer = nn.PReLU(len(slopes)).double()
    layer.weight.data = np.array(slopes)
    return layer


VOLUMES = {3: (3, 7), 4: (3, 5, 6), 5: (3, 3, 4, 3)}
LAYERS = {
    "Linear": (lambda: nn.Linear(6, 5), 2),
    "Linear of sequences": (lambda: nn.Linear(7, 5, bias=False), 3),
    "Conv1d": (lambda: nn.Conv1d(3, 4, 3, stride=2, padding=1), 3),
    "Conv2d": (lambda: nn.Conv2d(3, 6, 3, padding="same", groups=3), 4),
    "Conv2d, reflecting": (lambda: nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect", bias=False), 4),
    "Conv3d": (lambda: nn.Conv3d(3, 2, 2), 5),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(3, 2, 3, stride=2), 3),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(3, 2, 3, padding=1), 4),
    "BatchNorm1d": (lambda: batch_norm(1), 3),
    "BatchNorm2d": (lambda: batch_norm(2), 4),
    "BatchNorm3d": (lambda: batch_norm(3), 5),
    "ReLU": (nn.ReLU, 2),
    "ReLU6": (nn.ReLU6, 2),
    "Hardtanh": (nn.Hardtanh, 2),
    "Hardsigmoid": (nn.Hardsigmoid, 2),
    "LTU": (nn.LTU, 2),
    "Sign": (nn.Sign, 2),
    "SELU": (nn.SELU, 2),
    "Tanh": (nn.Tanh, 2),
    "ScaledTanh": (nn.ScaledTanh, 2),
    "Softsign": (nn.Softsign, 2),
    "LogSigmoid": (nn.LogSigmoid, 2),
    "Tanhshrink": (nn.Tanhshrink, 2),
    "Hardshrink": (nn.Hardshrink, 2),
    "Softshrink": (nn.Softshrink, 2),
    "Maxout": (lambda: nn.Maxout(2), 2),
    "Sigmoid": (nn.Sigmoid, 2),
    "Sigmoid, falling": (lambda: nn.Sigmoid(steepness=-2.0), 2),
    "LeakyReLU": (nn.LeakyReLU, 2),
    "LeakyReLU, turning": (lambda: nn.LeakyReLU(-0.5), 2),
    "PReLU": (lambda: prelu(0.25), 2),
    "PReLU, turning": (lambda: prelu(-0.7, 0.2, -0.1), 4),
    "ELU": (nn.ELU, 2),
    "ELU, turning": (lambda: nn.ELU(-0.8), 2),
    "CELU": (lambda: nn.CELU(2.0), 2),
    "GELU": (nn.GELU, 2),
    "GELU by tanh": (lambda: nn.GELU("tanh"), 2),
    "SiLU": (nn.SiLU, 2),
    "Mish": (nn.Mish, 2),
    "Hardswish": (nn.Hardswish, 2),
    "Softplus": (nn.Softplus, 2),
    "Softplus with a step": (lambda: nn.Softplus(beta=2.0, threshold=0.5), 2),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, stride=2, padding=1), 3),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), 4),
    "MaxPool3d": (lambda: nn.MaxPool3d(2), 5),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d(2), 4),
    "AvgPool1d": (lambda: nn.AvgPool1d(2, padding=1), 3),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), 4),
    "AvgPool2d, negative": (lambda: nn.AvgPool2d(2, divisor_override=-3), 4),
    "AvgPool3d": (lambda: nn.AvgPool3d(2, stride=1), 5),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d(2), 5),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), 3),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 4)), 4),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), 4),
    "Identity": (nn.Identity, 2),
    "Flatten": (nn.Flatten, 4),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 3)), 2),
    "ZeroPad1d": (lambda: nn.ZeroPad1d(1), 3),
    "ZeroPad2d": (lambda: nn.ZeroPad2d(1), 4),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(1, 2.0), 3),
    "ConstantPad2d": (lambda: nn.ConstantPad2d(1, -2.0), 4),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(1), 3),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(1), 4),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d(1), 3),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(1), 4),
    "CircularPad1d": (lambda: nn.CircularPad1d(1), 3),
    "CircularPad2d": (lambda: nn.CircularPad2d(1), 4),
    "Dropout": (lambda: nn.Dropout().eval(), 2),
    "Dropout2d": (lambda: nn.Dropout2d().eval(), 4),
    "AlphaDropout": (lambda: nn.AlphaDropout().eval(), 2),
    "Sequential": (lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4), nn.GELU()), 2),
}


def box(ndim, seed, width=1.5):
    """Bounds around one random input; some entries are known exactly."""
    rng = np.random.default_rng(seed)
    shape = (1, *VOLUMES.get(ndim, (6,)))
    centre, radius = rng.normal(size=shape), width * rng.random(shape)
    radius[rng.random(shape) < 0.1] = 0
    return centre - radius, centre + radius


def inside(lower, upper, seed):
    """Random points of a box: some anywhere in it, some in its corners."""
    rng = np.random.default_rng(seed)
    share = rng.random((POINTS, *lower.shape[1:]))
    share[: POINTS // 2] = share[: POINTS // 2].round()
    return lower + share * (upper - lower)


@pytest.mark.parametrize(("make", "ndim"), LAYERS.values(), ids=LAYERS)
def test_no_point_of_the_box_leaves_the_bounds(make, ndim):
    nn.manual_seed(0)
    layer = make()
    layer = layer.double() if list(layer.parameters()) else layer
    layer.eval()
    for seed in range(2):
        low, high = box(ndim, seed)
        lower, upper = map(as_array, robust.interval_bounds(layer, low, high))
        assert (lower <= upper).all()
        with ag.no_grad():
            outputs = as_array(layer(inside(low, high, seed)))
        assert lower.shape[1:] == outputs.shape[1:]
        assert (outputs >= lower - SLACK).all() and (outputs <= upper + SLACK).all()


def test_every_rule_is_tried():
    tried = {type(make()).__name__ for make, _ in LAYERS.values()}
    assert {kind.__name__ for kind in RULES} - {"Residual"} == tried  # that one is of the docstring


OTHERS = ("Linear", "Maxout", "Unflatten", "Sequential")
ELEMENTWISE = [name for name, (_, ndim) in LAYERS.items() if ndim == 2 and name not in OTHERS]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_bounds_of_an_elementwise_function_are_its_extremes(name):
    layer = LAYERS[name][0]()
    layer = layer.double() if list(layer.parameters()) else layer
    rng = np.random.default_rng(0)
    low = rng.uniform(-4, 3, 50)
    high = low + rng.uniform(0, 3, 50)
    fine = low + np.linspace(0, 1, 20001)[:, None] * (high - low)
    lower, upper = robust.interval_bounds(layer, low[None], high[None])
    with ag.no_grad():
        values = as_array(layer(fine))
    close = dict(rtol=0, atol=3e-4)  # two steps of the grid, between which a function may turn or jump
    np.testing.assert_allclose(as_array(lower)[0], values.min(axis=0), **close)
    np.testing.assert_allclose(as_array(upper)[0], values.max(axis=0), **close)


def test_bounds_of_one_affine_layer_are_reached():
    nn.manual_seed(0)
    layer = nn.Linear(6, 5).double()
    low, high = box(2, 0)
    lower, upper = (as_array(y)[0] for y in robust.interval_bounds(layer, low, high))
    corners = np.where(layer.weight.numpy() > 0, high, low)
    np.testing.assert_allclose(upper, np.diag(layer(corners).numpy()))
    corners = np.where(layer.weight.numpy() > 0, low, high)
    np.testing.assert_allclose(lower, np.diag(layer(corners).numpy()))


def lenet():
    nn.manual_seed(1)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3), nn.LeakyReLU(0.1), nn.AvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 10),
    ).double()  # fmt: skip


def test_a_whole_network_is_enclosed_and_a_point_is_itself():
    model = lenet().eval()
    X, _ = nn.datasets.load_digits("test")
    x = X[:1].astype(float)
    for eps in (0.01, 0.2):
        low, high = np.clip(x - eps, 0, 1), np.clip(x + eps, 0, 1)
        lower, upper = (as_array(y) for y in robust.interval_bounds(model, low, high))
        with ag.no_grad():
            outputs = model(inside(low, high, 0)).numpy()
        assert (outputs >= lower - SLACK).all() and (outputs <= upper + SLACK).all()
    lower, upper = (as_array(y) for y in robust.interval_bounds(model, x, x))
    np.testing.assert_allclose(lower, model(x).numpy(), atol=1e-12)
    np.testing.assert_allclose(upper, model(x).numpy(), atol=1e-12)


# -- proofs: every step is rounded outward -----------------------------------------------------------


@pytest.mark.parametrize(("make", "ndim"), LAYERS.values(), ids=LAYERS)
def test_proven_bounds_are_those_of_the_tape_and_a_little_wider(make, ndim):
    nn.manual_seed(0)
    layer = make()
    layer = (layer.double() if list(layer.parameters()) else layer).eval()
    low, high = box(ndim, 0)
    plain = [as_array(y) for y in robust.interval_bounds(layer, low, high)]
    with ag.no_grad():
        proven = [as_array(y) for y in robust.interval_bounds(layer, low, high)]
        outputs = as_array(layer(inside(low, high, 0)))
    np.testing.assert_allclose(proven, plain, rtol=1e-12, atol=1e-13)
    assert (proven[0] <= plain[0] + 1e-16).all() and (proven[1] >= plain[1] - 1e-16).all()
    assert proven[0].shape[1:] == outputs.shape[1:]


def exact(x):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(x, float))


def exact_bounds(model, low, high):
    """Bounds of linear layers and relus, by fractions."""
    low, high = exact(low), exact(high)
    for layer in model:
        if isinstance(layer, nn.Linear):
            W, b = exact(layer.weight.numpy()), exact(layer.bias.numpy())
            up, down = np.maximum(W, 0).T, np.minimum(W, 0).T
            low, high = low @ up + high @ down + b, high @ up + low @ down + b
        else:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
    return low, high


def exact_differences(last, y, low, high):
    W, b = exact(last.weight.numpy()), exact(last.bias.numpy())
    rows, shift = W - W[y], b - b[y]
    return high @ np.maximum(rows, 0).T + low @ np.minimum(rows, 0).T + shift


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_proven_bounds_hold_for_exact_arithmetic(dtype):
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 3)).to(dtype)
    missed = 0
    for seed in range(4):
        low, high = (x.astype(dtype) for x in box(2, seed))
        truth = exact_bounds(model, low, high)
        with ag.no_grad():
            proven = [as_array(y) for y in robust.interval_bounds(model, low, high)]
            worst = as_array(robust.worst_logits(model, low, high, np.array([1])))
        assert (proven[0] <= truth[0]).all() and (proven[1] >= truth[1]).all()
        np.testing.assert_allclose(proven, np.array(truth, float), rtol=1e-13, atol=1e-13)
        inner = exact_bounds(model[:-1], low, high)
        differences = exact_differences(model[-1], 1, *inner)
        assert (worst >= differences).all()
        np.testing.assert_allclose(worst, differences.astype(float), rtol=1e-13, atol=1e-13)
        plain = [as_array(y) for y in robust.interval_bounds(model, low, high)]
        missed += np.sum(plain[0] > truth[0]) + np.sum(plain[1] < truth[1])
    assert missed  # bounds on the tape are rounded to the nearest float


def test_a_rule_of_ones_own_is_rounded_outward_too(monkeypatch):
    class Twice(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x) * 0.1 + x

    monkeypatch.setattr(bounds, "RULES", dict(RULES))

    @robust.bounds_rule(Twice)
    def twice(layer, lower, upper):
        low, high = robust.interval_bounds(layer.inner, lower, upper)
        return low * 0.1 + lower, high * 0.1 + upper

    low, high = np.linspace(-0.7, 0.3, 9)[None], np.linspace(0.1, 0.9, 9)[None]
    with ag.no_grad():
        proven = robust.interval_bounds(nn.Sequential(Twice(nn.ReLU())), low, high)
    truth = [np.maximum(exact(x), 0) * Fraction(0.1) + exact(x) for x in (low, high)]
    assert (as_array(proven[0]) <= truth[0]).all() and (as_array(proven[1]) >= truth[1]).all()
    np.testing.assert_allclose([as_array(x) for x in proven], np.array(truth, float), rtol=1e-15)


def test_bounds_are_differentiable():
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    low, high = box(2, 3)
    width = high - low + 0.1
    check_grads(lambda low, width: robust.worst_logits(model, low, low + width, np.array([1])), (low, width))

    def of_weights(w):
        model[0].weight.data = w.data if isinstance(w, ag.Tensor) else w
        return robust.interval_bounds(model, low, high)[1].sum()

    w0 = model[0].weight.numpy().copy()
    of_weights(w0).backward()
    gradient = model[0].weight.grad.numpy()
    direction = np.random.default_rng(0).normal(size=w0.shape)
    with ag.no_grad():
        difference = (of_weights(w0 + 1e-6 * direction) - of_weights(w0 - 1e-6 * direction)).item() / 2e-6
    assert (gradient * direction).sum() == pytest.approx(difference, rel=1e-6)


def test_layers_that_bounds_cannot_tell_are_refused():
    x = np.ones((2, 3))
    with pytest.raises(UnsupportedError, match="no rule for Softmax.*bounds_rule"):
        robust.interval_bounds(nn.Sequential(nn.Linear(3, 3).double(), nn.Softmax(1)), x, x)
    with pytest.raises(UnsupportedError, match="eval"):
        robust.interval_bounds(nn.BatchNorm1d(3), x, x)
    with pytest.raises(UnsupportedError, match="mean of the batch"):
        robust.interval_bounds(nn.BatchNorm1d(3, track_running_stats=False).eval(), x, x)
    with pytest.raises(UnsupportedError, match="random"):
        robust.interval_bounds(nn.Dropout(), x, x)
    with pytest.raises(UnsupportedError, match="indices"):
        robust.interval_bounds(nn.MaxPool1d(2, return_indices=True), x[None], x[None])

    class Squared(nn.ReLU):
        def forward(self, x):
            return x * x

    with pytest.raises(UnsupportedError, match="no rule for Squared"):
        robust.interval_bounds(Squared(), x, x)
    hooked = nn.ReLU()
    handle = hooked.register_forward_hook(lambda module, args, y: -y)
    with pytest.raises(UnsupportedError, match="hooks"):
        robust.interval_bounds(hooked, x, x)
    handle.remove()
    robust.interval_bounds(hooked, x, x)
    with pytest.raises(DataError, match="swapped"):
        robust.interval_bounds(nn.ReLU(), x, x - 1)
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(3,\)"):
        robust.interval_bounds(nn.ReLU(), x, x[0])


def test_a_pruned_layer_is_bounded_by_what_is_left():
    nn.manual_seed(0)
    layer = nn.utils.prune.l1_unstructured(nn.Linear(6, 5).double(), "weight", amount=0.5)
    low, high = box(2, 0)
    pruned = robust.interval_bounds(layer, low, high)
    plain = robust.interval_bounds(nn.utils.prune.remove(layer, "weight"), low, high)
    np.testing.assert_array_equal(as_array(pruned[0]), as_array(plain[0]))


# -- attacks ---------------------------------------------------------------------------------------


def trained(loss_of, epochs=12, seed=0):
    """A small network for the digits, and what `loss_of(model, X, y, step)` made of it."""
    X, y = nn.datasets.load_digits("train")
    nn.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    loader = nn.DataLoader(nn.TensorDataset(X, y), 64, shuffle=True)
    for epoch in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss_of(model, inputs, targets, epoch / epochs).backward()
            optimizer.step()
    return model


def accuracy(model, X, y):
    with ag.no_grad():
        return float((model(X).numpy().argmax(axis=1) == y).mean())


def plain(model, X, y, progress):
    return nn.functional.cross_entropy(model(X), y)


@pytest.fixture(scope="module")
def usual():
    return trained(plain)


@pytest.fixture(scope="module")
def digits():
    return nn.datasets.load_digits("test")


RADII = {0: 6, 1: 2.5, 2: 0.7, math.inf: 0.1}


@pytest.mark.parametrize("norm", RADII)
def test_attacks_stay_in_their_ball_and_range(usual, digits, norm):
    X, y = digits
    eps = RADII[norm]
    moved = robust.pgd(usual, X, y, eps, norm=norm)
    change = (moved - X).reshape(len(X), -1)
    sizes = np.linalg.norm(change, norm, axis=1)
    assert moved.dtype == X.dtype and moved.shape == X.shape
    assert sizes.max() <= eps * (1 + 1e-5) + 1e-7  # float32
    assert np.median(sizes) > 0.9 * eps
    assert moved.min() >= 0 and moved.max() <= 1
    assert all(p.grad is None and p.requires_grad for p in usual.parameters())
    assert all(module.training for module in usual.modules())


def test_attacks_lower_the_accuracy_the_more_the_stronger(usual, digits):
    X, y = digits
    nn.manual_seed(0)
    clean = accuracy(usual, X, y)
    noise = np.clip(X + np.random.default_rng(0).uniform(-0.1, 0.1, X.shape), 0, 1).astype(X.dtype)
    fast = accuracy(usual, robust.fgsm(usual, X, y, 0.1), y)
    strong = accuracy(usual, robust.pgd(usual, X, y, 0.1, steps=20), y)
    print(f"clean {clean:.3f}, noise {accuracy(usual, noise, y):.3f}, FGSM {fast:.3f}, PGD {strong:.3f}")
    assert clean > 0.95 and accuracy(usual, noise, y) > 0.9
    assert strong <= fast < 0.7 * clean
    lengths = [accuracy(usual, robust.pgd(usual, X, y, eps, norm=2), y) for eps in (0.0, 0.3, 0.8)]
    assert lengths[0] == clean and lengths[0] > lengths[1] > lengths[2]


def test_of_a_linear_model_the_worst_point_is_known():
    # For W of two rows the loss grows along w_1 - w_0; within a ball that is where an attack must end.
    model = nn.Linear(5, 2).double()
    x, y = np.full((3, 5), 0.5), np.array([0, 0, 1])
    d = (model.weight.numpy()[1] - model.weight.numpy()[0]) * np.array([1, 1, -1])[:, None]
    expected = {math.inf: 0.1 * np.sign(d), 2: 0.1 * d / np.linalg.norm(d, axis=1, keepdims=True)}
    expected[1] = 0.1 * np.sign(d) * (np.abs(d) == np.abs(d).max(axis=1, keepdims=True))
    for norm, change in expected.items():
        for labels, targeted in ((y, False), (1 - y, True)):  # of two classes, there is one to reach
            options = dict(steps=20, step_size=1.0, norm=norm, clip=None, targeted=targeted)
            np.testing.assert_allclose(robust.pgd(model, x, labels, 0.1, **options) - x, change, atol=1e-12)
    np.testing.assert_allclose(
        robust.fgsm(model, x, 1 - y, 0.1, targeted=True) - x, expected[math.inf], atol=1e-12
    )
    np.testing.assert_allclose(robust.fgsm(model, x, y, 0.1) - x, expected[math.inf], atol=1e-12)


def test_few_entries_of_a_linear_model_are_the_best_of_all_pairs():
    nn.manual_seed(0)
    model = nn.Linear(6, 2).double()
    x = np.random.default_rng(0).random((4, 6))
    d = model.weight.numpy()[1] - model.weight.numpy()[0]
    for steps in (1, 2, 7):
        moved = robust.pgd(model, x, np.zeros(4, int), 2, steps=steps, norm=0)
        assert (np.count_nonzero(moved - x, axis=1) == 2).all()
        best = np.full(4, -np.inf)
        for pair in itertools.combinations(range(6), 2):
            for ends in itertools.product((0, 1), repeat=2):
                tried = x.copy()
                tried[:, pair] = ends
                best = np.maximum(best, (tried - x) @ d)
        np.testing.assert_allclose((moved - x) @ d, best, atol=1e-12)


def test_a_sum_of_changes_uses_the_next_entry_where_the_range_of_the_first_ends():
    model = nn.Linear(3, 2).double()
    model.weight.data = np.array([[0.0, 0.0, 0.0], [3.0, 2.0, -1.0]])
    x = np.array([[0.9, 0.5, 0.5]])
    change = robust.pgd(model, x, [0], 0.3, steps=50, norm=1, random_start=False) - x
    most = 3 * 0.1 + 2 * 0.2  # 0.1 is the room of the first entry
    assert 0.95 * most < change @ model.weight.numpy()[1] <= most + 1e-12


def test_projections_are_the_nearest_points_of_the_ball():
    rng = np.random.default_rng(0)
    change = rng.normal(size=(5, 2, 3)) * np.array([0.01, 1, 1, 2, 2])[:, None, None]
    near = BALLS[1](1.5, 1, None).project(change)
    sizes = np.abs(change).reshape(5, -1)
    for row, got, before in zip(sizes, near, change, strict=True):
        low, high = 0.0, row.max()  # the threshold by bisection: sizes less by it add up to 1.5
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(row - middle, 0).sum() > 1.5 else (low, middle)
        threshold = high if row.sum() > 1.5 else 0
        expected = np.sign(before) * np.maximum(np.abs(before) - threshold, 0)
        np.testing.assert_allclose(got, expected, atol=1e-12)
    for norm in (1, 2, math.inf):
        np.testing.assert_array_equal(BALLS[norm](0, 1, (0, 1)).project(change), 0)
        same = BALLS[norm](9, 1, (0, 1)).project(0.1 * change)
        np.testing.assert_allclose(same, 0.1 * change, rtol=1e-15)


@pytest.mark.parametrize("norm", RADII)
def test_larger_changes_fool_more_and_a_chosen_class_is_harder(usual, digits, norm):
    X, y = (part[:120] for part in digits)
    nn.manual_seed(0)
    target = (y + np.random.default_rng(0).integers(1, 10, len(y))) % 10
    shares = []
    for scale in (0, 0.5, 1, 2):
        options = dict(eps=scale * RADII[norm], norm=norm, steps=10)
        left = 1 - accuracy(usual, robust.pgd(usual, X, y, **options), y)
        aimed = accuracy(usual, robust.pgd(usual, X, target, **options, targeted=True), target)
        shares.append((left, aimed))
    left, aimed = np.transpose(shares)
    assert left[0] < 0.05 and aimed[0] < 0.05
    assert (np.diff(left) >= 0).all() and (np.diff(aimed) >= 0).all() and (aimed <= left).all()
    assert left[-1] > 0.7 and aimed[-1] > 0.3


def test_the_shortest_change_of_a_linear_model_is_known():
    nn.manual_seed(0)
    model = nn.Linear(5, 4).double()
    W, b = model.weight.numpy(), model.bias.numpy()
    X = np.random.default_rng(0).normal(size=(6, 5))
    z = X @ W.T + b
    y = z.argmax(axis=1)
    gaps = z[np.arange(6), y][:, None] - z
    apart = np.linalg.norm(W[y][:, None] - W, axis=2)
    distance = np.where(gaps > 0, gaps / np.where(apart > 0, apart, 1), np.inf).min(axis=1)
    options = dict(clip=None, searches=6, steps=50, lr=0.1)
    moved = robust.carlini_wagner(model, X, y, **options)
    lengths = np.linalg.norm(moved - X, axis=1)
    assert (model(moved).numpy().argmax(axis=1) != y).all()
    assert (lengths >= distance).all() and (lengths < 1.1 * distance).all()
    aimed = robust.carlini_wagner(
        model, X, (y + 1) % 4, targeted=True, clip=None, searches=8, steps=80, lr=0.05
    )
    assert (model(aimed).numpy().argmax(axis=1) == (y + 1) % 4).all()
    sure = robust.carlini_wagner(model, X, y, confidence=0.5, **options)
    scores = model(sure).numpy()
    others = np.where(np.arange(4) == y[:, None], -np.inf, scores).max(axis=1)
    margins = scores[np.arange(6), y] - others
    assert (margins < -0.5).all() and (margins > -0.75).all()


def test_carlini_wagner_needs_shorter_changes_than_projected_gradients(usual, digits):
    X, y = (part[:40] for part in digits)
    right = usual(X).numpy().argmax(axis=1) == y
    X, y = X[right], y[right]
    moved = robust.carlini_wagner(usual, X, y, steps=50, searches=5)
    assert moved.dtype == X.dtype and moved.min() >= 0 and moved.max() <= 1
    assert accuracy(usual, moved, y) == 0
    found = np.full(len(X), np.inf)
    for eps in np.geomspace(1.5, 0.1, 12):
        by_steps = robust.pgd(usual, X, y, eps, steps=20, norm=2)
        wrong = usual(by_steps).numpy().argmax(axis=1) != y
        found = np.where(wrong, np.linalg.norm(by_steps - X, axis=1), found)
    lengths = np.linalg.norm(moved - X, axis=1)
    assert np.median(lengths) < np.median(found) and np.mean(lengths < found) > 0.8
    target = (y + 1) % 10
    aimed = robust.carlini_wagner(usual, X, target, targeted=True, steps=50, searches=5)
    assert accuracy(usual, aimed, target) > 0.9
    assert np.median(np.linalg.norm(aimed - X, axis=1)) > np.median(lengths)


def test_an_attack_that_fails_leaves_the_input_as_it_was():
    model = nn.Linear(3, 2).double()
    model.weight.data, model.bias.data = np.zeros((2, 3)), np.array([1.0, 0.0])
    x = np.random.default_rng(0).random((2, 3))
    np.testing.assert_array_equal(robust.carlini_wagner(model, x, [0, 0], searches=2, steps=3), x)


@pytest.mark.torch
def test_attacks_are_those_of_a_program_in_torch(torch):
    ours = lenet()[:-3]
    ours = nn.Sequential(*ours, nn.Linear(8, 10).double()).eval()
    t = torch.nn
    theirs = t.Sequential(
        t.Unflatten(1, (1, 8, 8)),
        t.Conv2d(1, 4, 3, padding=1), t.BatchNorm2d(4), t.ReLU(), t.MaxPool2d(2),
        t.Conv2d(4, 8, 3), t.LeakyReLU(0.1), t.AvgPool2d(2), t.Flatten(), t.Dropout(0.5), t.Linear(8, 10),
    ).double().eval()  # fmt: skip
    theirs.load_state_dict({name: torch.tensor(value) for name, value in ours.state_dict().items()})
    X, y = nn.datasets.load_digits("test")
    X, y, eps = X[:50].astype(float), y[:50], 0.1
    start, labels = torch.tensor(X), torch.tensor(y)

    def gradient(x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(t.functional.cross_entropy(theirs(x), labels), x)[0]

    expected = (start + eps * gradient(start).sign()).clamp(0, 1)
    np.testing.assert_allclose(robust.fgsm(ours, X, y, eps), expected.numpy(), atol=1e-12)
    moved = start
    for _ in range(4):
        moved = moved + 0.04 * gradient(moved).sign()
        moved = (start + (moved - start).clamp(-eps, eps)).clamp(0, 1)
    got = robust.pgd(ours, X, y, eps, steps=4, step_size=0.04, random_start=False)
    np.testing.assert_allclose(got, moved.numpy(), atol=1e-12)
    moved = start
    for _ in range(4):
        g = gradient(moved)
        change = moved + 0.3 * g / g.flatten(1).norm(dim=1).view(-1, 1) - start
        length = change.norm(dim=1, keepdim=True)
        moved = (start + change * (0.7 / length).clamp(max=1)).clamp(0, 1)
    got = robust.pgd(ours, X, y, 0.7, steps=4, step_size=0.3, norm=2, random_start=False)
    np.testing.assert_allclose(got, moved.numpy(), atol=1e-9)


def test_a_random_start_is_even_over_the_ball():
    model = nn.Linear(3, 2).double()
    model.weight.data = np.zeros((2, 3))  # no gradient: what comes out is the start
    nn.manual_seed(0)
    X, y = np.full((20000, 3), 0.5), np.zeros(20000, int)
    radii = np.linalg.norm(robust.pgd(model, X, y, 0.2, norm=2) - X, axis=1) / 0.2
    np.testing.assert_allclose(np.quantile(radii**3, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.015)
    sums = np.abs(robust.pgd(model, X, y, 0.2, norm=1) - X).sum(axis=1) / 0.2
    np.testing.assert_allclose(np.quantile(sums**3, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.015)
    cube = (robust.pgd(model, X, y, 0.2) - X) / 0.2
    np.testing.assert_allclose(np.quantile(cube, [0.25, 0.5, 0.75]), [-0.5, 0, 0.5], atol=0.02)


def test_an_attack_uses_the_model_as_in_use_and_leaves_it_as_it_was():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)).double()
    model[0].requires_grad_(False)
    model[1].eval()
    state = model.state_dict()
    x, y = np.random.default_rng(0).random((6, 4)), np.zeros(6, int)
    with ag.no_grad():
        first = robust.fgsm(model, x, y, 0.1)
    np.testing.assert_array_equal(first, robust.fgsm(model, x, y, 0.1))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    assert [module.training for module in model] == [True, False, True, True]
    assert [p.requires_grad for p in model.parameters()] == [False] * 2 + [True] * 4


def test_mistakes_in_attacks_are_told():
    model, x, y = nn.Linear(4, 2).double(), np.ones((2, 4)), np.zeros(2, int)
    with pytest.raises(OptionError, match="eps=-1"):
        robust.fgsm(model, x, y, -1)
    with pytest.raises(OptionError, match="norm=3"):
        robust.pgd(model, x, y, 0.1, norm=3)
    with pytest.raises(OptionError, match="norm=0, clip=None.*clip="):
        robust.pgd(model, x, y, 1, norm=0, clip=None)
    with pytest.raises(OptionError, match="norm=0, step_size=0.1.*leave"):
        robust.pgd(model, x, y, 1, norm=0, step_size=0.1)
    with pytest.raises(OptionError, match="confidence=-1"):
        robust.carlini_wagner(model, x, y, confidence=-1)
    with pytest.raises(OptionError, match="searches=0"):
        robust.carlini_wagner(model, x, y, searches=0)
    with pytest.raises(ShapeError, match="carlini_wagner: needs logits"):
        robust.carlini_wagner(model, x, [0])
    with pytest.raises(OptionError, match="steps=0"):
        robust.pgd(model, x, y, 0.1, steps=0)
    with pytest.raises(OptionError, match="pair"):
        robust.pgd(model, x, y, 0.1, clip=(1, 0))
    for call in (robust.fgsm, robust.pgd, robust.certified):
        with pytest.raises(OptionError, match="from 2.0 to 2.0.*clip=None"):
            call(model, 2 * x, y, 0.1)
    with pytest.raises(ShapeError, match="classes"):
        robust.certified(model, x, np.zeros((2, 1), int), 0.1)
    with pytest.raises(OptionError, match="classes 0 to 1, got 0 to 2"):
        robust.certified(model, x, np.array([0, 2]), 0.1)


# -- defences --------------------------------------------------------------------------------------

EPS = 0.1


def adversarial(model, X, y, progress):
    return nn.functional.cross_entropy(model(robust.pgd(model, X, y, EPS, steps=5)), y)


def proven(model, X, y, progress):
    """The box grows to twice the size that is asked for, as Gowal et al. advise."""
    eps = 2 * EPS * min(1, 2 * progress)
    worst = robust.worst_logits(model, np.clip(X - eps, 0, 1), np.clip(X + eps, 0, 1), y)
    return nn.functional.cross_entropy(worst, y)


def test_adversarial_training_makes_robust(usual, digits):
    X, y = digits
    nn.manual_seed(1)
    trained_so = trained(adversarial)
    before, after = (accuracy(m, robust.pgd(m, X, y, EPS, steps=20), y) for m in (usual, trained_so))
    clean = accuracy(trained_so, X, y)
    print(f"robust accuracy {before:.3f} usual, {after:.3f} after adversarial training; clean {clean:.3f}")
    assert after > before + 0.2
    assert clean > 0.9


def test_certified_training_proves_what_attacks_cannot_break(usual, digits):
    X, y = digits
    nn.manual_seed(1)
    model = trained(proven, epochs=20)
    clean, proof = accuracy(model, X, y), robust.certified_accuracy(model, X, y, EPS)
    attacked = accuracy(model, robust.pgd(model, X, y, EPS, steps=20), y)
    print(f"clean {clean:.3f}, attacked {attacked:.3f}, proven {proof:.3f}")
    assert clean >= attacked >= proof
    assert proof > 0.5 > robust.certified_accuracy(usual, X, y, EPS)
    sure = robust.certified(model, X, y, EPS)
    rng = np.random.default_rng(0)
    for _ in range(50):  # 50 corners of each box
        corner = np.clip(X + rng.choice([-EPS, EPS], X.shape), 0, 1).astype(X.dtype)
        with ag.no_grad():
            assert (model(corner).numpy().argmax(axis=1) == y)[sure].all()


def test_rows_differences_are_tighter_than_bounds_of_the_rows(usual, digits):
    X, y = digits
    low, high = np.clip(X - 0.02, 0, 1), np.clip(X + 0.02, 0, 1)
    with ag.no_grad():
        tight = as_array(robust.worst_logits(usual, low, high, y))
        # The same model with an Identity at its end does not end in a linear layer.
        loose = as_array(robust.worst_logits(nn.Sequential(*usual, nn.Identity()), low, high, y))
    assert (tight <= loose + 1e-4).all()
    assert (tight < 0).all(axis=1, where=np.arange(10) != y[:, None]).mean() > (
        (loose < 0).all(axis=1, where=np.arange(10) != y[:, None]).mean()
    )
    np.testing.assert_allclose(tight[np.arange(len(y)), y], 0, atol=1e-5)


class Noisy(nn.Module):
    """The mean probabilities of a model under 32 draws of noise: an attack on the smoothed model."""

    def __init__(self, model, sigma):
        self.model, self.sigma = model, sigma

    def forward(self, x):
        rng = np.random.default_rng(0)
        draws = (self.model(x + self.sigma * rng.normal(size=x.shape)) for _ in range(32))
        return np.log(sum(nn.functional.softmax(z, dim=-1) for z in draws) / 32)


def noisy(model, X, y, progress):
    noise = nn.random.generator.standard_normal(X.shape, np.float32)
    return nn.functional.cross_entropy(model(X + 0.25 * noise), y)


@pytest.mark.slow
def test_no_attack_within_a_certified_radius_changes_the_smoothed_class(usual, digits):
    X, y = (part[:40] for part in digits)
    nn.manual_seed(0)
    model = trained(noisy)
    classes, radii = robust.certify(model, X, 0.25, samples=1000)
    proven = np.flatnonzero(classes == y)
    assert len(proven) > 20 and np.median(radii[proven]) > 0.25
    within = [robust.pgd(Noisy(model, 0.25), X[i : i + 1], y[i : i + 1], radii[i], norm=2) for i in proven]
    after = robust.smoothed(model, np.concatenate(within), 0.25, samples=1000)
    assert np.mean(after != y[proven]) <= 0.05  # alpha = 0.001, and some are too close to tell
    beyond = [
        robust.pgd(Noisy(model, 0.25), X[i : i + 1], y[i : i + 1], 6 * radii[i], norm=2) for i in proven
    ]
    assert np.mean(robust.smoothed(model, np.concatenate(beyond), 0.25) != y[proven]) > 0.5  # it can attack
    usually = robust.certify(usual, X, 0.25, samples=1000)
    assert np.sum(usually[1][usually[0] == y]) < np.sum(radii[proven])
