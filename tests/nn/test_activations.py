import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError, ShapeError
from tests.helpers import check_both_orders, second_order

X = np.random.default_rng(0).permutation(np.linspace(-7.3, 7.1, 24)).reshape(4, 6)
LAYERS = [
    nn.Threshold(0.4, -1.0), nn.Hardtanh(), nn.Hardtanh(-2, 0.5), nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(),
    nn.LeakyReLU(0.3), nn.RReLU().eval(), nn.ELU(), nn.ELU(0.4), nn.CELU(), nn.CELU(0.4), nn.SELU(),
    nn.Softplus(), nn.Softplus(2.0, 3.0), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Sigmoid(),
    nn.LogSigmoid(), nn.Tanh(), nn.Softsign(), nn.Hardsigmoid(), nn.Hardswish(), nn.Hardshrink(),
    nn.Hardshrink(1.0), nn.Softshrink(), nn.Softshrink(1.0), nn.Tanhshrink(), nn.Softmax(), nn.Softmax(0),
    nn.Softmin(-1), nn.LogSoftmax(1), nn.GLU(), nn.GLU(0), nn.PReLU(), nn.PReLU(6, 0.1),
]  # fmt: skip
OURS = [nn.ScaledTanh(), nn.Maxout(3), nn.Maxout(2, dim=0), nn.Sigmoid(steepness=3.0)]


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize("layer", LAYERS + OURS, ids=str)
def test_derivatives(layer, along):
    check_both_orders(layer.double(), (X,), along)
    for p in layer.parameters():
        check_both_orders(lambda w: nn.functional.prelu(X, w), (p.numpy(),), along)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Implicit dimension:UserWarning")  # PyTorch's, at dim=None
@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("shape", [(4, 6), (24,), (2, 2, 6), (1, 2, 2, 6)], ids=str)
def test_values_and_gradients_are_those_of_torch(torch, layer, shape):
    if isinstance(layer, nn.PReLU) and layer.num_parameters > 1 and shape != (4, 6):
        pytest.skip("six slopes are for six channels")
    if len(shape) == 1 and getattr(layer, "dim", None) == 1:
        pytest.skip("there is no axis 1")
    if isinstance(layer, nn.GLU) and shape[layer.dim] % 2:
        pytest.skip("an odd axis has no halves")
    options = {k: v for k, v in vars(layer).items() if k[0] != "_" and k not in ("training", "steepness")}
    theirs = getattr(torch.nn, type(layer).__name__)(**options).double().train(layer.training)
    if isinstance(layer, nn.PReLU):
        theirs.load_state_dict({"weight": torch.tensor(layer.double().weight.numpy())})
    # Bounds of the pieces are among the points, and so are huge numbers.
    points = X.copy()
    points.flat[:9] = [0.0, -1.0, 1.0, -3.0, 3.0, 0.5, -0.5, 60.0, -60.0]
    x = ag.Tensor(points.reshape(shape), requires_grad=True)
    twin = torch.tensor(x.numpy(), requires_grad=True)
    y, y_twin = layer(x), theirs(twin)
    np.testing.assert_allclose(y.numpy(), y_twin.detach().numpy(), rtol=1e-9, atol=1e-13)
    (y * np.cos(np.arange(y.size)).reshape(y.shape)).sum().backward()
    (y_twin * torch.cos(torch.arange(y.size, dtype=torch.float64)).reshape(y.shape)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), twin.grad.numpy(), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS + OURS, ids=str)
def test_float32_stays_float32_and_huge_numbers_do_no_harm(layer):
    x = ag.Tensor(np.array([[-1e4, 1e4, -100, 100, 0, 1]], np.float32), requires_grad=True)
    layer.float()
    if isinstance(layer, (nn.GLU, nn.Maxout)):
        x = ag.Tensor(np.repeat(x.numpy(), 2, axis=0), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert np.isfinite(y.numpy()).all() and np.isfinite(x.grad.numpy()).all()


def test_steps_carry_no_gradient():
    x = ag.Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    assert nn.LTU()(x).tolist() == [0, 1, 1]
    assert nn.Sign()(x).tolist() == [-1, 0, 1]
    assert not isinstance(nn.LTU()(x), ag.Tensor)


def test_slopes_are_drawn_in_training():
    nn.manual_seed(0)
    layer = nn.RReLU(0.2, 0.4)
    slopes = -layer(np.full(10_000, -1.0))
    assert 0.2 <= slopes.min() < 0.201 and 0.399 < slopes.max() <= 0.4
    assert layer.eval()(np.array([-1.0])) == pytest.approx(-0.3)


def test_scaled_tanh_of_the_lectures():
    assert nn.ScaledTanh()(np.array(1.0)) == pytest.approx(1.7159 * np.tanh(2 / 3))
    assert repr(nn.Sigmoid(3.0)) == "Sigmoid(steepness=3.0)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Maxout(4)(X), ShapeError, "6 features cannot be put into groups of 4"),
        (lambda: nn.GLU()(X[:, :3]), ShapeError, "cannot be halved"),
        (lambda: nn.PReLU(5)(X), ShapeError, r"weight has shape \(5,\); expected \(1,\) or.*\(6,\)"),
        (lambda: nn.GELU("fast")(X), OptionError, '"none" or "tanh"'),
        (lambda: nn.Hardtanh(1, -1)(X), OptionError, "min_val < max_val"),
    ],
)
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
