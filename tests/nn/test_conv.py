"""Convolution, pooling, padding and resizing as functions and layers, beside PyTorch's."""

import itertools

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812

rng = np.random.default_rng(0)
SIZES = {1: (12,), 2: (9, 10), 3: (5, 6, 5)}

CONVOLUTIONS = [
    (name, {"in_channels": 4, "out_channels": 6, "kernel_size": 3, **options})
    for name in ("Conv1d", "Conv2d", "Conv3d")
    for options in (
        {}, {"stride": 2}, {"padding": 1, "bias": False}, {"dilation": 2}, {"groups": 2},
        {"kernel_size": 4, "padding": "same"}, {"padding": "same", "dilation": 2, "kernel_size": 2},
        {"padding": "valid"}, {"padding": 2, "padding_mode": "reflect"},
        {"padding": 2, "padding_mode": "replicate", "stride": 2},
        {"padding": "same", "padding_mode": "circular", "kernel_size": 2},
    )
] + [
    ("Conv2d", {"in_channels": 4, "out_channels": 8, "kernel_size": (3, 2), "stride": (1, 2),
                "padding": (0, 1), "dilation": (2, 1), "groups": 4, "padding_mode": "circular"}),
    ("Conv2d", {"in_channels": 4, "out_channels": 6, "kernel_size": 1}),
    *[
        (name, {"in_channels": 4, "out_channels": 6, "kernel_size": 3, **options})
        for name in ("ConvTranspose1d", "ConvTranspose2d")
        for options in (
            {}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2, "bias": False},
            {"groups": 2}, {"stride": 3, "kernel_size": 2}, {"dilation": 2, "output_padding": 1},
            {"padding": 2},
        )
    ],
    ("ConvTranspose2d", {"in_channels": 4, "out_channels": 4, "kernel_size": (3, 2), "stride": (2, 1),
                         "padding": (0, 1), "output_padding": (1, 0), "groups": 2, "dilation": (1, 3)}),
]  # fmt: skip

OTHERS = [
    *[
        (name, {"kernel_size": 2, **options})
        for name in ("MaxPool1d", "MaxPool2d")
        for options in (
            {}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 3, "stride": 1, "padding": 1},
            {"dilation": 3}, {"kernel_size": 3, "stride": 2, "ceil_mode": True},
            {"kernel_size": 3, "padding": 1, "ceil_mode": True}, {"stride": 3, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "dilation": 2, "ceil_mode": True},
        )
    ],
    *[
        (name, {"kernel_size": 2, **options})
        for name in ("AvgPool1d", "AvgPool2d")
        for options in (
            {}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 3, "padding": 1},
            {"kernel_size": 3, "padding": 1, "count_include_pad": False},
            {"kernel_size": 3, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
        )
    ],
    ("MaxPool2d", {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}),
    ("AvgPool2d", {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "divisor_override": 5}),
    *[
        ("MaxPool3d", {"kernel_size": 2, **options})
        for options in (
            {}, {"kernel_size": (1, 3, 2), "stride": (1, 2, 1), "padding": (0, 1, 1)},
            {"stride": (1, 2, 3), "ceil_mode": True, "dilation": (1, 2, 1)},
        )
    ],
    *[
        ("AvgPool3d", {"kernel_size": 2, **options})
        for options in (
            {}, {"kernel_size": 3, "padding": 1, "count_include_pad": False}, {"divisor_override": 3},
            {"kernel_size": (2, 3, 1), "stride": 2, "padding": (1, 1, 0), "ceil_mode": True},
        )
    ],
    *[("AdaptiveAvgPool3d", {"output_size": size}) for size in (1, (2, 3, 5), (None, 2, 1))],
    ("LPPool2d", {"norm_type": 2, "kernel_size": 2}),
    ("LPPool2d", {"norm_type": 2, "kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("LPPool2d", {"norm_type": 4.0, "kernel_size": (2, 3), "stride": (1, 2)}),
    *[("AdaptiveAvgPool1d", {"output_size": size}) for size in (1, 4, 5, 12, 17)],
    *[(name, {"output_size": size}) for name in ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
      for size in (1, 3, (3, 5), (4, 7), (None, 2), (11, 4))],
    *[(f"{name}Pad1d", {"padding": pad}) for name in ("Reflection", "Replication", "Circular", "Zero")
      for pad in (2, (0, 3))],
    *[(f"{name}Pad2d", {"padding": pad}) for name in ("Reflection", "Replication", "Circular", "Zero")
      for pad in (2, (1, 0, 3, 2))],
    ("ZeroPad2d", {"padding": (-1, 2, 1, -3)}),
    ("ConstantPad1d", {"padding": (1, 2), "value": 3.5}),
    ("ConstantPad2d", {"padding": 1, "value": -1.0}),
    *[("Upsample", {"mode": mode, **size}) for mode in ("nearest", "nearest-exact", "bilinear")
      for size in ({"scale_factor": 2}, {"scale_factor": (1.5, 0.7)}, {"size": (4, 23)}, {"size": 7},
                   {"size": (18, 30)})],
    ("Upsample", {"mode": "bilinear", "scale_factor": 2, "align_corners": True}),
    ("Upsample", {"mode": "bilinear", "size": (1, 13), "align_corners": True}),
    ("Flatten", {}), ("Flatten", {"start_dim": 2}), ("Flatten", {"start_dim": 0, "end_dim": 1}),
    ("Unflatten", {"dim": 1, "unflattened_size": (2, 2)}),
    ("Unflatten", {"dim": -1, "unflattened_size": (5, -1)}), ("Identity", {}),
]  # fmt: skip


def axes_of(name):
    return int(name[-2]) if name[-1] == "d" else 2


def image(name, batch=(3,), channels=4):
    shape = (*batch, channels, *SIZES[axes_of(name)])
    return rng.permutation(np.linspace(-2.0, 2.0, np.prod(shape))).reshape(shape)


@pytest.mark.few(3)
@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")  # PyTorch's
@pytest.mark.parametrize("batch", [(3,), ()], ids=["batch", "single"])
@pytest.mark.parametrize(("name", "options"), CONVOLUTIONS + OTHERS, ids=str)
def test_values_and_gradients_are_those_of_torch(torch, name, options, batch):
    if not batch and name in {"Upsample", "Flatten", "Unflatten"}:
        pytest.skip("takes batches only")
    theirs, ours = getattr(torch.nn, name)(**options).double(), getattr(nn, name)(**options).double()
    assert repr(ours) == repr(theirs)
    ours.load_state_dict(theirs.state_dict())
    x = ag.Tensor(image(name, batch), requires_grad=True)
    twin = torch.tensor(x.numpy(), requires_grad=True)
    y, y_twin = ours(x), theirs(twin)
    np.testing.assert_allclose(y.numpy(), y_twin.detach().numpy(), rtol=1e-10, atol=1e-12)
    (y * np.cos(np.arange(y.size)).reshape(y.shape)).sum().backward()
    (y_twin * torch.cos(torch.arange(y.size, dtype=torch.float64)).reshape(y.shape)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), twin.grad.numpy(), rtol=1e-9, atol=1e-11)
    for (key, p), (their_key, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert key == their_key
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("name", "options"), CONVOLUTIONS + OTHERS, ids=str)
def test_float32_stays_float32(name, options):
    layer = getattr(nn, name)(**options)
    x = ag.Tensor(image(name).astype(np.float32), requires_grad=True)
    y = layer(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert {p.grad.dtype for p in (x, *layer.parameters())} == {np.dtype(np.float32)}
    assert layer(x.numpy()[:0] if name != "Unflatten" else x.numpy()).dtype == np.float32


@pytest.mark.few(3)
@pytest.mark.parametrize(("name", "options"), OTHERS, ids=str)
def test_derivatives(name, options):
    layer = getattr(nn, name)(**options)
    check_grads(layer, (image(name, batch=(1,), channels=4) + 0.013,), order=1, eps=1e-4)


@pytest.mark.parametrize(("name", "options"), [
    *[case for case in OTHERS if case[0] in {"LPPool2d", "Upsample"}][::3],
    ("AdaptiveAvgPool2d", {"output_size": (4, 7)}),
], ids=str)  # fmt: skip
def test_second_derivatives(name, options):
    layer = getattr(nn, name)(**options)
    check_grads(lambda x: np.sin(layer(x)), (image(name, batch=(1,), channels=1),), order=2, eps=1e-3)


@pytest.mark.torch
@pytest.mark.parametrize("options", [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "dilation": (2, 1)}, {"kernel_size": 3, "stride": 2, "ceil_mode": True},
], ids=str)  # fmt: skip
def test_indices_of_the_largest_are_those_of_torch(torch, options):
    x = image("2d")
    y, indices = F.max_pool2d(ag.Tensor(x, requires_grad=True), **options, return_indices=True)
    expected, their_indices = torch.nn.functional.max_pool2d(torch.tensor(x), **options, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), expected.numpy())
    np.testing.assert_array_equal(indices, their_indices.numpy())
    y, indices = F.max_pool1d(x[0, 0], 3, return_indices=True)
    expected, their_indices = torch.nn.functional.max_pool1d(torch.tensor(x[0, 0]), 3, return_indices=True)
    np.testing.assert_array_equal(indices, their_indices.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("size", [3, (4, 7), (9, 1)])
def test_indices_of_adaptive_pooling_are_those_of_torch(torch, size):
    x = image("2d")
    y, indices = nn.AdaptiveMaxPool2d(size, return_indices=True)(x)
    expected, their_indices = torch.nn.AdaptiveMaxPool2d(size, return_indices=True)(torch.tensor(x))
    np.testing.assert_array_equal(y, expected.numpy())
    np.testing.assert_array_equal(indices, their_indices.numpy())


@pytest.mark.torch
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), [(2, 1, 0, 1), ((3, 2), 2, 1, (1, 2))])
def test_windows_as_columns_are_those_of_torch(torch, kernel, stride, padding, dilation):
    x = image("2d")
    columns = F.unfold(x, kernel, dilation, padding, stride)
    expected = torch.nn.functional.unfold(torch.tensor(x), kernel, dilation, padding, stride)
    np.testing.assert_array_equal(columns, expected.numpy())
    back = torch.nn.functional.fold(expected, (9, 10), kernel, dilation, padding, stride)
    np.testing.assert_allclose(F.fold(columns, (9, 10), kernel, dilation, padding, stride), back.numpy())
    check_grads(lambda x: F.unfold(x, kernel, dilation, padding, stride) ** 2, (x[:1, :1],), order=1)
    check_grads(lambda c: F.fold(c, (9, 10), kernel, dilation, padding, stride) ** 2, (columns[:1],), order=1)
    with pytest.raises(ShapeError, match="fold expects columns"):
        F.fold(columns[:, 1:], (9, 10), kernel, dilation, padding, stride)


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(1, 2), (2, 1, 0, 3), (1, 0, 2, 2, 3, 1)], ids=str)
def test_padding_is_that_of_torch(torch, mode, pad):
    x = rng.normal(size=(2, 3, 4, 5, 6)[: 2 + len(pad) // 2])
    expected = torch.nn.functional.pad(torch.tensor(x), pad, mode=mode).numpy()
    np.testing.assert_array_equal(F.pad(x, pad, mode=mode), expected)
    check_grads(lambda x: F.pad(x, pad, mode=mode) ** 2, (x,), order=1)


def test_an_output_of_a_wanted_size():
    layer = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
    x = image("2d").astype(np.float32)
    assert layer(x, output_size=(18, 19)).shape == (3, 2, 18, 19)
    with pytest.raises(ShapeError, match=r"size \(17, 19\) to \(18, 20\), not \(19, 19\)"):
        layer(x, output_size=(19, 19))


def test_a_pixel_that_is_not_finite_stays_in_its_windows():
    x = image("2d")
    x[:, :, 4, 5] = np.inf
    for f in (
        lambda x: F.interpolate(x, size=(20, 23), mode="bilinear", align_corners=True),
        lambda x: F.adaptive_avg_pool2d(x, (4, 7)),
        lambda x: F.unfold(x, 2),
    ):
        y = f(x)
        assert not np.isnan(y).any()
        assert np.isfinite(y).mean() > 0.7


def test_weights_start_as_those_of_torch():
    nn.manual_seed(0)
    for layer, fan in ((nn.Conv2d(16, 64, 5), 400), (nn.ConvTranspose2d(64, 16, 5, groups=2), 200)):
        for p in layer.parameters():
            assert p.dtype == np.float32
            assert 0.8 / fan**0.5 < np.abs(p.numpy()).max() <= 1 / fan**0.5
            assert p.numpy().std() == pytest.approx(1 / (3 * fan) ** 0.5, rel=0.25)


@pytest.mark.parametrize(("layer", "shape", "match"), [
    (nn.Conv2d(3, 8, 3), (3, 5), r"Conv2d\(3, 8.*input of shape \(N, 3, H, W\) or \(3, H, W\), got \(3, 5\)"),
    (nn.Conv2d(1, 8, 3), (64, 28, 28), r"x\[:, None\]"),
    (nn.Conv2d(1, 8, 3), (64, 784), r"x\.reshape\(len\(x\), 1, height, width\)"),
    (nn.Conv2d(3, 8, 3), (2, 9, 9, 3), r"np\.moveaxis\(x, -1, 1\)"),
    (nn.Conv2d(3, 8, 5, padding=1), (2, 3, 2, 9), r"does not fit into \(2, 9\), padded to \(4, 11\)"),
    (nn.Conv1d(3, 8, 3), (2, 4, 9), r"\(N, 3, L\) or \(3, L\), got \(2, 4, 9\)"),
    (nn.Conv2d(3, 8, 3, padding=4, padding_mode="reflect"), (2, 3, 4, 9), "at most 3 entries"),
    (nn.ConvTranspose2d(3, 8, 3), (2, 4, 9, 9), r"\(N, 3, H, W\)"),
    (nn.ConvTranspose2d(3, 8, 1, padding=4), (2, 3, 9, 8), "padding=\\(4, 4\\) leaves something"),
    (nn.MaxPool2d(3), (2, 3, 2, 9), r"MaxPool2d\(kernel_size=3.*\(3, 3\) does not fit into \(2, 9\)"),
    (nn.AvgPool1d(2), (3,), r"\(N, C, L\) or \(C, L\), got \(3,\)"),
    (nn.AdaptiveAvgPool2d(1), (3, 4), "AdaptiveAvgPool2d.*expects input"),
    (nn.ZeroPad2d(1), (3, 4), r"expects input of shape \(N, C, H, W\)"),
    (nn.Upsample(size=3, mode="bilinear"), (2, 3, 4), "expects input of shape"),
    (nn.Flatten(), (3,), "expects axes 1 to -1"),
    (nn.Unflatten(1, (2, 3)), (4, 5), "to make up axis 1"),
], ids=str)  # fmt: skip
def test_inputs_that_do_not_fit_name_the_layer_and_what_it_expects(layer, shape, match):
    x = ag.Tensor(np.zeros(shape, np.float32), requires_grad=True)
    with pytest.raises(ShapeError, match=match):
        layer(x)
    with pytest.raises(ShapeError, match="Sequential.1"):
        nn.Sequential(nn.Identity(), layer)(x)


@pytest.mark.parametrize(("make", "match"), [
    (lambda: nn.Conv2d(3, 8, 0), "kernel_size=0.*at least 1"),
    (lambda: nn.Conv2d(3, 8, (3, 3, 3)), "a tuple of 2"),
    (lambda: nn.Conv2d(3, 8, 3, stride=1.5), "stride=1.5"),
    (lambda: nn.Conv2d(3, 8, 3, padding=-1), "padding=-1.*at least 0"),
    (lambda: nn.Conv2d(3, 8, 3, padding="full"), '"same" or "valid"'),
    (lambda: nn.Conv2d(3, 8, 3, padding="same", stride=2), "at stride 1 only"),
    (lambda: nn.Conv2d(3, 8, 3, groups=2), "multiples of groups"),
    (lambda: nn.Conv2d(3, 8, 3, padding_mode="mirror"), 'padding_mode=\'mirror\'.*"reflect"'),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect"), "zeros"),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding="same"), "expected an int for each axis"),
    (lambda: nn.ConvTranspose2d(3, 8, 3, output_padding=1)(np.zeros((1, 3, 4, 4))), "less than the stride"),
    (lambda: nn.MaxPool2d(2, padding=2)(np.zeros((1, 1, 9, 9))), "at most half"),
    (lambda: nn.MaxPool2d(True), "kernel_size=True"),
    (lambda: F.avg_pool2d(np.zeros((1, 1, 4, 4)), 2, divisor_override=0), "divisor_override"),
    (lambda: F.conv2d(np.zeros((1, 4, 5, 5)), np.zeros((8, 2, 3, 3)), groups=0), "groups=0"),
    (lambda: F.pad(np.zeros((2, 3)), (1, 2, 3)), "has 3 entries"),
    (lambda: F.pad(np.zeros((2, 3)), (1, 2), mode="mirror"), "mode='mirror'"),
    (lambda: F.pad(np.zeros((2, 3)), (1, 2), mode="reflect", value=1.0), "a value is for"),
    (lambda: nn.ZeroPad2d((1, 2)), r"\(left, right, top, bottom\)"),
    (lambda: F.interpolate(np.zeros((1, 1, 4)), size=3, scale_factor=2), "exactly one"),
    (lambda: F.interpolate(np.zeros((1, 1, 4)), size=3, mode="cubic"), "mode='cubic'"),
    (lambda: F.interpolate(np.zeros((1, 1, 4)), size=3, align_corners=True), "linear modes"),
    (lambda: F.interpolate(np.zeros((1, 1, 4)), size=(3, 3)), "expected a positive number"),
    (lambda: nn.Unflatten(1, (-1, -1)), "at most one"),
])  # fmt: skip
def test_options_that_cannot_be(make, match):
    with pytest.raises(OptionError, match=match):
        make()


@pytest.mark.parametrize(("call", "match"), [
    (lambda x: F.conv2d(x, np.zeros((8, 4, 3))), "weight of shape"),
    (lambda x: F.conv2d(x, np.zeros((8, 2, 3, 3)), groups=3), "multiple of groups=3"),
    (lambda x: F.conv2d(x, np.zeros((8, 4, 3, 3)), np.zeros(4)), r"bias of shape \(8,\), got \(4,\)"),
    (lambda x: F.pad(x, (1,) * 10), "for 5 axes"),
    (lambda x: F.pad(x, (-3, -3)), "cuts more off"),
    (lambda x: F.pad(x, (6, 0), mode="circular"), "at most 5"),
])  # fmt: skip
def test_arrays_that_do_not_fit(call, match):
    with pytest.raises(ShapeError, match=match):
        call(np.zeros((2, 4, 5, 5)))


def test_lists_are_taken_for_arrays():
    assert nn.Conv1d(1, 2, 2)([[1.0, 2.0, 3.0]]).shape == (2, 2)
    assert F.max_pool1d([[1.0, 2.0, 3.0, 5.0]], 2).tolist() == [[2.0, 5.0]]


def test_the_cost_that_a_summary_tells():
    """As many products as there are terms in the sums of the definition."""
    model = nn.Sequential(nn.Conv2d(2, 6, 3, stride=2, groups=2), nn.ConvTranspose2d(6, 4, (2, 3), stride=2))
    rows = nn.summary(model, np.zeros((5, 2, 9, 11), np.float32)).rows
    assert rows[1].multiply_adds == 5 * 6 * 4 * 5 * (1 * 3 * 3)
    assert rows[2].multiply_adds == 5 * 6 * 4 * 5 * (4 * 2 * 3)


def test_a_small_network_learns_to_tell_stripes():
    """Horizontal from vertical ones, at any place."""
    nn.manual_seed(0)
    places = np.arange(8)
    images = [np.zeros((1, 8, 8), np.float32) for _ in range(16)]
    for i, (k, down) in enumerate(itertools.product(places, (False, True))):
        images[i][0, :, k] = 1
        images[i] = images[i].swapaxes(1, 2) if down else images[i]
    X, y = np.stack(images), np.arange(16) % 2
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
