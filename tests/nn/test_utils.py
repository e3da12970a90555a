import math

import numpy as np
import pytest

import nn
from autograd_lite.errors import AnomalyError, DataError, OptionError, ShapeError
from autograd_lite.testing import check_grads


def params(seed=0):
    rng = np.random.default_rng(seed)
    made = [nn.Parameter(rng.normal(size=shape)) for shape in [(3, 2), (4,), ()]]
    for p in made[:2]:
        p.grad = 3 * rng.normal(size=p.shape)
    return made


@pytest.mark.parametrize("norm", [1.0, 2.0, 3.0, math.inf])
def test_a_clipped_norm_is_the_largest_allowed_and_directions_stay(norm):
    ps = params()
    before = np.concatenate([p.grad.numpy().ravel() for p in ps[:2]])
    total = nn.utils.clip_grad_norm_(ps, 0.7, norm)
    assert total == pytest.approx(np.linalg.norm(before, norm))
    after = np.concatenate([p.grad.numpy().ravel() for p in ps[:2]])
    assert np.linalg.norm(after, norm) == pytest.approx(0.7, rel=1e-5)
    np.testing.assert_allclose(after / before, after[0] / before[0])
    assert ps[2].grad is None


def test_small_gradients_stay_as_they_are():
    ps = params()
    before = ps[0].grad.numpy().copy()
    nn.utils.clip_grad_norm_(iter(ps), 1e6)
    np.testing.assert_array_equal(ps[0].grad.numpy(), before)


def test_values_are_cut():
    ps = params()
    before = ps[0].grad.numpy().copy()
    nn.utils.clip_grad_value_(ps, 0.5)
    np.testing.assert_array_equal(ps[0].grad.numpy(), np.clip(before, -0.5, 0.5))
    with pytest.raises(OptionError, match="clip_value=-1"):
        nn.utils.clip_grad_value_(ps, -1)


def test_what_is_not_finite_is_told_on_demand():
    ps = params()
    ps[1].grad = np.array([1, np.nan, 2, 3])
    assert math.isnan(nn.utils.clip_grad_norm_(ps, 1.0))
    with pytest.raises(AnomalyError, match="nan"):
        nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)


def test_vectors_and_back():
    ps, others = params(), params(1)
    vector = nn.utils.parameters_to_vector(ps)
    assert vector.shape == (11,)
    nn.utils.vector_to_parameters(vector, others)
    for p, q in zip(ps, others, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    (vector**2).sum().backward()
    np.testing.assert_allclose(ps[0].grad.numpy() - params()[0].grad.numpy(), 2 * ps[0].numpy())
    with pytest.raises(ShapeError, match=r"shape \(3,\), expected \(11,\)"):
        nn.utils.vector_to_parameters(np.zeros(3), ps)


def test_penalties():
    a, b = np.array([1.0, -2.0]), np.array([[0.5]])
    check_grads(lambda a, b: nn.utils.l1_penalty([a, b], 0.3) + nn.utils.l2_penalty([a, b], 0.2), (a, b))
    assert float(nn.utils.l1_penalty([a, b], 2.0)) == 7.0
    assert float(nn.utils.l2_penalty([a, b], 2.0)) == 10.5


def test_averages_of_weights():
    w = nn.Parameter(np.array([0.0, 1.0]))
    mean = nn.utils.ExponentialMovingAverage([w], decay=0.5)
    for value in ([2.0, 1.0], [4.0, 1.0]):
        w.data = np.array(value)
        mean.update()
    with pytest.raises(ZeroDivisionError), mean.applied():
        assert w.numpy().tolist() == [2.5, 1.0]
        raise ZeroDivisionError
    assert w.numpy().tolist() == [4.0, 1.0]
    with pytest.raises(OptionError, match="decay=2"):
        nn.utils.ExponentialMovingAverage([w], decay=2)


def test_running_means_go_on_from_a_checkpoint(tmp_path):
    def halfway():
        w = nn.Parameter(np.array([1.0, 5.0]))
        return w, nn.utils.ExponentialMovingAverage([w], decay=0.7)

    w, mean = halfway()
    model = nn.Linear(1, 1)
    w.data = np.array([2.0, 1 / 3])
    mean.update()
    nn.save_checkpoint(tmp_path / "run", model, mean=mean)
    twin, other = halfway()
    nn.load_checkpoint(tmp_path / "run", model, mean=other)
    for parameter, average in ((w, mean), (twin, other)):
        parameter.data = np.array([3.0, 4.0])
        average.update()
    np.testing.assert_array_equal(mean.averages, other.averages)
    with pytest.raises(DataError, match=r"averages of shapes \[\(2,\)\], the parameters have \[\(3,\)\]"):
        nn.utils.ExponentialMovingAverage([nn.Parameter(np.ones(3))]).load_state_dict(mean.state_dict())


@pytest.mark.torch
@pytest.mark.parametrize("norm", [1.0, 2.0, math.inf])
def test_clipping_is_that_of_torch(torch, norm):
    ps = params()
    twins = [torch.tensor(p.numpy(), requires_grad=True) for p in ps]
    for p, twin in zip(ps, twins, strict=True):
        if p.grad is not None:
            twin.grad = torch.tensor(p.grad.numpy())
    total = torch.nn.utils.clip_grad_norm_(twins, 1.5, norm)
    assert nn.utils.clip_grad_norm_(ps, 1.5, norm) == pytest.approx(total.item(), rel=1e-12)
    for p, twin in zip(ps[:2], twins, strict=False):
        np.testing.assert_allclose(p.grad.numpy(), twin.grad.numpy(), rtol=1e-12)
