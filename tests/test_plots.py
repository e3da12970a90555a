"""Matplotlib takes Tensors, recorded ones too; for other libraries the error says what to write."""

import functools

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import UnsupportedError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

N = np.linspace(0.0, 2.0, 6)
M = np.outer(N, N)


@pytest.fixture(params=["recorded", "leaf", "constant", "float32"])
def make(request):
    def tensor(values):
        if request.param == "recorded":
            return ag.Tensor(values, requires_grad=True) * 1.0
        dtype = np.float32 if request.param == "float32" else None
        return ag.Tensor(values, request.param == "leaf", dtype)

    return tensor


@pytest.fixture
def axes():
    figure, axes = plt.subplots(figsize=(3, 2), dpi=50)
    yield axes
    plt.close(figure)


@functools.cache
def picture_of_arrays(draw):
    figure, axes = plt.subplots(figsize=(3, 2), dpi=50)
    draw(axes, lambda values: np.asarray(values, float))
    picture = pixels(axes)
    plt.close(figure)
    return picture


def pixels(axes):
    axes.figure.canvas.draw()
    return np.asarray(axes.figure.canvas.buffer_rgba()).copy()


PLOTS = {
    "plot": lambda axes, t: axes.plot(t(N)),
    "plot of two": lambda axes, t: axes.plot(t(N), t(N) ** 2, "o-"),
    "plot of x alone": lambda axes, t: axes.plot(t(N), N),
    "plot of a matrix": lambda axes, t: axes.plot(t(M)),
    "plot of losses": lambda axes, t: axes.plot([t(v) for v in N]),
    "plot of rows": lambda axes, t: axes.plot([t(row) for row in M]),
    "semilogy": lambda axes, t: axes.semilogy(t(N) + 1),
    "scatter": lambda axes, t: axes.scatter(t(N), t(N) ** 2),
    "scatter in colours": lambda axes, t: axes.scatter(t(N), N, c=t(N), s=t(10 * N + 1)),
    "imshow": lambda axes, t: axes.imshow(t(M)),
    "imshow of colours": lambda axes, t: axes.imshow(t(np.stack([M, M, M], -1) / 4)),
    "pcolormesh": lambda axes, t: axes.pcolormesh(t(M)),
    "contour": lambda axes, t: axes.contour(t(M)),
    "hist": lambda axes, t: axes.hist(t(N)),
    "hist of several": lambda axes, t: axes.hist([t(N), t(N) * 2], bins=3),
    "bar": lambda axes, t: axes.bar(t(N), t(N)),
    "bar of numbers": lambda axes, t: axes.bar(["a", "b"], [t(1.0), t(2.0)]),
    "barh": lambda axes, t: axes.barh(t(N), t(N)),
    "errorbar": lambda axes, t: axes.errorbar(t(N), t(N), yerr=t(N) / 4),
    "fill_between": lambda axes, t: axes.fill_between(t(N), t(N) - 1, t(N) + 1),
    "fill_between a number": lambda axes, t: axes.fill_between(N, t(0.5), t(N)),
    "step": lambda axes, t: axes.step(t(N), t(N)),
    "stem": lambda axes, t: axes.stem(t(N), t(N)),
    "quiver": lambda axes, t: axes.quiver(t(N), t(N), t(N), t(N)),
    "boxplot": lambda axes, t: axes.boxplot(t(M)),
    "axhline": lambda axes, t: axes.axhline(t(0.5)),
    "vlines": lambda axes, t: axes.vlines(t(N), 0, t(N)),
    "text": lambda axes, t: axes.text(t(0.5), t(0.25), "here"),
    "annotate": lambda axes, t: axes.annotate("here", (t(0.5), t(0.25))),
    "limits": lambda axes, t: axes.set_xlim(t(0.5), t(1.5)),
    "ticks": lambda axes, t: axes.set_xticks(t(N)),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("draw", PLOTS.values(), ids=PLOTS)
def test_a_picture_of_tensors_is_that_of_their_arrays(draw, make, axes):
    expected = picture_of_arrays(draw)
    draw(axes, make)
    if make(N).dtype == float:
        np.testing.assert_array_equal(pixels(axes), expected)
    else:
        assert pixels(axes).shape == expected.shape


def test_three_dimensions(make):
    figure = plt.figure()
    axes = figure.add_subplot(projection="3d")
    axes.plot(make(N), make(N), make(N))
    axes.scatter(make(N), make(N), make(N))
    axes.plot_surface(M, M.T, make(M))
    figure.canvas.draw()
    plt.close(figure)


def test_a_picture_from_inside_of_a_differentiated_function(axes):
    def f(x):
        axes.plot(x, x**2)
        axes.axhline(x[0])
        axes.scatter(x, x)
        return np.sum(x**2)

    np.testing.assert_array_equal(ag.grad(f)(N), 2 * N)


def test_what_is_drawn_stays_on_the_tape(axes):
    x = ag.Tensor(N, requires_grad=True)
    y = x * x
    axes.plot(x, y)
    pixels(axes)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * N)


@pytest.mark.parametrize("cut", [np.asarray, np.array, np.ma.masked_array, lambda x: np.array([x, x])])
def test_a_computation_is_still_not_cut(cut):
    with pytest.raises(UnsupportedError):
        cut(ag.Tensor(N, requires_grad=True))


def test_other_libraries_are_named_with_what_to_give_them():
    pandas, special = pytest.importorskip("pandas"), pytest.importorskip("scipy.special")
    metrics = pytest.importorskip("sklearn.metrics")
    x = ag.Tensor(N, requires_grad=True)
    for name, read in [
        ("pandas", lambda: pandas.Series(x).sum()),
        ("sklearn", lambda: metrics.mean_squared_error(N, x)),
        ("scipy", lambda: special.logsumexp(x)),
    ]:
        with pytest.raises(UnsupportedError, match=rf"^{name} reads plain arrays.*x\.detach\(\)\.numpy\(\)"):
            read()
    plain = x.detach().numpy()
    assert pandas.Series(plain).sum() == N.sum()
    assert metrics.mean_squared_error(N, plain) == 0
