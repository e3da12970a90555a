"""Plots show the given data, or the values of a formula."""

from __future__ import annotations

import importlib
import io

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, DTypeError, OptionError, RendererError
from visualize import (
    LayerWatch,
    activation_functions,
    confusion_matrix,
    decision_regions,
    feature_maps,
    heat,
    learning_curves,
    learning_rate_curve,
    learning_rate_schedules,
    loss_surface,
    misclassified,
    weight_images,
)

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.3, 0.6, 0.9],
    "val_loss": [2.2, 1.2, 0.8],
    "val_accuracy": [0.2, 0.5, 0.8],
}


pytest.importorskip("matplotlib")


def test_a_panel_for_each_metric_with_both_curves():
    figure = learning_curves(HISTORY)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    for axes in figure.axes:
        metric = axes.get_ylabel()
        curves = {line.get_label(): line for line in axes.get_lines()}
        assert list(curves) == ["training", "validation"]
        np.testing.assert_array_equal(curves["training"].get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(curves["training"].get_ydata(), HISTORY[metric])
        np.testing.assert_array_equal(curves["validation"].get_ydata(), HISTORY[f"val_{metric}"])


def test_only_training():
    (axes,) = learning_curves({"loss": [1.0], "val_loss": []}).axes
    assert [line.get_label() for line in axes.get_lines()] == ["training"]


@pytest.mark.parametrize("epochs", [1, 3, 100])
def test_the_axis_begins_with_epoch_1(epochs):
    (axes,) = learning_curves({"loss": [1.0] * epochs}).axes
    left, right = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if left <= tick <= right]
    assert shown
    assert 1 <= min(shown) <= max(shown) <= epochs


@pytest.mark.parametrize("wrong", [[1, 2, 3], None, {"loss": 2.0}, {"loss": "falling"}])
def test_what_is_no_history(wrong):
    with pytest.raises(DTypeError, match=r"learning_curves\(\{'loss': \[2.3, 0.9\]\}\)"):
        learning_curves(wrong)


def test_the_figure_can_be_written_and_is_not_pyplots():
    figure = learning_curves(HISTORY)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    assert figure.canvas.manager is None


@pytest.mark.parametrize("empty", [{}, {"loss": []}])
def test_an_empty_history(empty):
    with pytest.raises(DataError, match="history is empty"):
        learning_curves(empty)


def test_without_matplotlib_the_error_names_the_install(monkeypatch):
    def missing(name, *args):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RendererError, match="pip install matplotlib"):
        learning_curves(HISTORY)


def test_the_loss_over_the_learning_rate():
    (axes,) = learning_rate_curve(np.geomspace(1e-6, 1, 7), range(7)).axes
    (line,) = axes.get_lines()
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(line.get_xdata(), np.geomspace(1e-6, 1, 7))
    np.testing.assert_array_equal(line.get_ydata(), range(7))


@pytest.mark.parametrize(("rates", "losses"), [([], []), ([0.1], [1, 2]), ([0, 0.1], [1, 2]), (0.1, 1)])
def test_what_is_no_curve_of_rates(rates, losses):
    with pytest.raises(DataError, match=r"learning_rate_curve\(\*curve\)"):
        learning_rate_curve(rates, losses)


# -- early stopping and schedules ------------------------------------------------------------------


def test_the_epoch_of_early_stopping_is_marked_counted_from_1():
    for axes in learning_curves(HISTORY, best_epoch=1).axes:
        (mark,) = [line for line in axes.get_lines() if line.get_label().startswith("best")]
        assert mark.get_label() == "best: epoch 2"
        assert set(mark.get_xdata()) == {2}


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_best_epoch_that_is_none(wrong):
    with pytest.raises(OptionError, match="from 0 to 2"):
        learning_curves(HISTORY, best_epoch=wrong)


def schedule(factory=nn.optim.lr_scheduler.StepLR, **options):
    return factory(nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=1.0), **options)


def test_schedules_are_drawn_and_stay_where_they_are():
    halves = schedule(step_size=1, gamma=0.5)
    falls = schedule(nn.optim.lr_scheduler.ExponentialLR, gamma=0.1)
    (axes,) = learning_rate_schedules({"halves": halves, "falls": falls}, steps=3).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert lines["halves"] == [1, 0.5, 0.25]
    np.testing.assert_allclose(lines["falls"], [1, 0.1, 0.01])
    assert halves.get_last_lr() == [1.0]
    assert halves.optimizer.param_groups[0]["lr"] == 1.0


def test_what_is_no_schedule():
    with pytest.raises(DTypeError, match="'float'.*StepLR"):
        learning_rate_schedules(0.1, 3)
    with pytest.raises(DTypeError, match="follows a metric"):
        learning_rate_schedules(schedule(nn.optim.lr_scheduler.ReduceLROnPlateau), 3)
    with pytest.raises(OptionError, match="positive integer"):
        learning_rate_schedules(schedule(step_size=1), 0)


# -- functions -------------------------------------------------------------------------------------


def test_activations_are_drawn_with_their_derivatives():
    """sin and cos; 1 and 2 x; and of a module."""
    figure = activation_functions({"sine": np.sin, "square": np.square, "ReLU": nn.ReLU()}, -2, 2)
    assert [axes.get_title() for axes in figure.axes] == ["sine", "square", "ReLU"]
    for axes, value, slope in zip(
        figure.axes,
        (np.sin, np.square, lambda x: np.maximum(x, 0)),
        (np.cos, lambda x: 2 * x, lambda x: 1.0 * (x > 0)),
        strict=True,
    ):
        lines = {line.get_label(): line for line in axes.get_lines()}
        x = lines["f(x)"].get_xdata()
        assert (x[0], x[-1]) == (-2, 2)
        np.testing.assert_allclose(lines["f(x)"].get_ydata(), value(x), rtol=1e-12)
        np.testing.assert_allclose(lines["f′(x)"].get_ydata(), slope(x), rtol=1e-12)


@pytest.mark.parametrize("wrong", [[], [3], {"f": "sin"}])
def test_what_is_no_activation(wrong):
    with pytest.raises(DTypeError, match="expected functions"):
        activation_functions(wrong)


XY = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (lambda X: X[:, 0] - 0.5, {}),
        (lambda X: X[:, :1], {"threshold": 0.5}),
        (lambda X: np.stack([0.5 - X[:, 0], X[:, 0] - 0.5], axis=1), {}),
        (lambda X: (X[:, 0] > 0.5).astype(int), {}),
        (lambda X: ag.Tensor(X, requires_grad=True)[:, 0] - 0.5, {}),
    ],
)
def test_regions_of_each_kind_of_classifier(model, options):
    """Right of 1/2 is class 1; one of the four points says otherwise."""
    (axes,) = decision_regions(model, XY, np.array([0, 1, 1, 1]), resolution=20, **options).axes
    region = np.asarray(axes.collections[0].get_array()).reshape(20, 20)
    assert (region[:, :10] == 0).all() and (region[:, 10:] == 1).all()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["0", "1", "1 wrong"]
    np.testing.assert_array_equal(axes.collections[-1].get_offsets(), [[0, 1]])


def test_a_network_of_float32_is_asked_in_float32():
    model = nn.Linear(2, 3)
    figure = decision_regions(
        model, XY.astype(np.float32), np.array([0, 1, 2, 0]), names="abc", resolution=10
    )
    assert {"a", "b", "c"} <= {text.get_text() for text in figure.axes[0].get_legend().get_texts()}


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((4, 3)), [0, 1, 0, 1]),
        (XY, [0, 1]),
        (XY, [0.0, 1.0, 0.0, 1.0]),
        (np.ones((0, 2)), np.ones(0, int)),
    ],
)
def test_what_has_no_regions(X, y):
    with pytest.raises(DataError, match=r"points of shape \(n, 2\) and n integers"):
        decision_regions(lambda X: X[:, 0], X, y)


# -- images ----------------------------------------------------------------------------------------


def images(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_weights_are_images_of_the_first_layer():
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 4))
    figure = weight_images(model, shape=(2, 3))
    np.testing.assert_array_equal(np.stack(images(figure)), model[0].weight.numpy().reshape(4, 2, 3))
    assert figure.get_suptitle() == "0.weight"
    kernels = np.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(np.stack(images(weight_images(kernels))), kernels.reshape(6, 2, 2))
    assert len(images(weight_images(kernels, count=4))) == 4


def test_all_images_are_on_one_scale_around_0():
    figure = weight_images(np.array([[1.0, -2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]]))
    assert {axes.images[0].get_clim() for axes in figure.axes if axes.images} == {(-2.0, 2.0)}


def test_feature_maps_are_what_the_layer_gives():
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU())
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 4)).astype(np.float32)
    expected = model[0](x).numpy()[0]
    np.testing.assert_array_equal(np.stack(images(feature_maps(model, x))), expected)
    np.testing.assert_array_equal(np.stack(images(feature_maps(model, x, "1"))), np.maximum(expected, 0))
    assert not model[0]._hooks["after"]


def test_what_has_no_images():
    with pytest.raises(DataError, match=r"shape=\(height, width\)"):
        weight_images(np.ones((3, 5)))
    with pytest.raises(DataError, match="no parameter with two axes"):
        weight_images(nn.ReLU())
    with pytest.raises(DTypeError, match=r"feature_maps\(model, x\)"):
        feature_maps(np.sin, np.ones((1, 1, 4, 4)))
    with pytest.raises(OptionError, match="'0', '1'"):
        feature_maps(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), np.ones((1, 2)), "conv")
    with pytest.raises(OptionError, match="no layer returns images"):
        feature_maps(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), np.ones((1, 2)))


def test_mistakes_are_shown_with_what_is_true_and_what_was_said():
    pictures = np.arange(16.0).reshape(4, 1, 2, 2)
    figure = misclassified(pictures, [0, 1, 2, 0], np.eye(3)[[0, 2, 2, 1]], names=["cat", "dog", "eel"])
    assert [axes.get_title() for axes in figure.axes if axes.images] == ["dog, not eel", "cat, not dog"]
    np.testing.assert_array_equal(np.stack(images(figure)), pictures[[1, 3], 0])
    assert figure.get_suptitle() == "2 of 4 are wrong (true, not predicted)"


def test_no_mistakes():
    with pytest.raises(DataError, match="no image to show"):
        misclassified(np.ones((1, 4)), [0], [0])
    with pytest.raises(DataError, match="2 images and 1 classes"):
        misclassified(np.ones((2, 4)), [0], [1])


def test_the_confusion_matrix_has_counts_and_shares_of_rows():
    """Three of class 0, one taken for 2; class 1 is never there; class 2 always right."""
    (axes, _) = confusion_matrix([0, 0, 0, 2], [0, 0, 2, 2], names=["a", "b", "c"]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[2 / 3, 0, 1 / 3], [0, 0, 0], [0, 0, 1]])
    assert [text.get_text() for text in axes.texts] == ["2", "", "1", "", "", "", "", "", "1"]
    assert axes.get_title() == "75.0% of 4 are right"
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("target", "predicted"), [([], []), ([0, 1], [0]), ([0.0], [0.0]), ([-1], [0]), ([[0]], [[0]])]
)
def test_what_are_no_classes(target, predicted):
    with pytest.raises(DataError, match="integers from 0 on"):
        confusion_matrix(target, predicted)


# -- inside of a network ---------------------------------------------------------------------------


def test_a_watch_keeps_outputs_and_gradients_of_each_layer():
    """y = 2 x: the outputs are 2 x, and d sum(y^2)/dy = 2 y."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Identity())
    model[0].weight.data[...] = 2
    with LayerWatch(model) as watch:
        for x in (1.0, 3.0):
            np.sum(np.square(model(np.array([[x]], np.float32)))).backward()
    assert [float(a[0]) for a in watch.activations["0"]] == [2, 6]
    assert [float(g[0]) for g in watch.gradients["0"]] == [4, 12]
    model(np.ones((1, 1), np.float32))
    assert len(watch.activations["0"]) == 2


def test_a_watch_can_look_now_and_then_and_keeps_a_sample_only():
    model = nn.Sequential(nn.Identity())
    with LayerWatch(model, every=3) as watch:
        for i in range(7):
            model(np.full(5000, float(i)))
    assert [float(a[0]) for a in watch.activations["0"]] == [0, 3, 6]
    assert {a.size for a in watch.activations["0"]} == {1000}


def test_histograms_are_darker_where_there_is_more():
    model = nn.Sequential(nn.Identity())
    with LayerWatch(model) as watch:
        for x in ([0.0, 0.0, 0.0, 10.0], [0.0, 10.0, 10.0, 10.0]):
            model(np.array(x))
    (axes,) = watch.histograms(bins=10).axes
    image = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(image[[0, -1]] ** 2, [[0.75, 0.25], [0.25, 0.75]])
    assert axes.get_title() == "0 Identity"
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), [0, 10])


def test_gradients_are_shown_by_their_logarithm_and_zeros_left_out():
    model = nn.Sequential(nn.Identity())
    with LayerWatch(model) as watch:
        x = ag.Tensor(np.ones(3), requires_grad=True)
        np.sum(model(x) * np.array([0.0, 1e-3, -1e-5])).backward()
    (axes,) = watch.histograms("gradients").axes
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [-4.0])


def test_what_a_watch_cannot_do():
    watch = LayerWatch(nn.Sequential(nn.Identity()))
    with pytest.raises(DataError, match="no gradients were kept.*and backward"):
        watch.histograms("gradients")
    with pytest.raises(OptionError, match="'activations' or 'gradients'"):
        watch.histograms("weights")
    with pytest.raises(DTypeError, match=r"LayerWatch\(model\)"):
        LayerWatch(np.sin)
    with pytest.raises(OptionError, match="positive integer"):
        LayerWatch(nn.ReLU(), every=0)


# -- loss surfaces ---------------------------------------------------------------------------------


def test_two_parameters_are_drawn_as_they_are():
    path = np.array([[2.0, 1.0], [1.0, 0.5], [0.0, 0.0]])
    figure = loss_surface(lambda p: p[0] ** 2 + p[1] ** 2, {"SGD": path}, resolution=15)
    axes = figure.axes[0]
    line = axes.get_lines()[0]
    np.testing.assert_allclose(np.stack(line.get_data(), axis=1), path)
    assert line.get_label() == "SGD"
    left, right = axes.get_xlim()
    assert left < 0 and right > 2


def test_many_parameters_are_drawn_along_the_directions_of_the_paths():
    """A path in a plane of four dimensions: the plane is found, and lengths in it are kept."""
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(4, 2)))[0].T
    flat = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [5.0, 2.0]])
    asked = []

    def loss(p):
        asked.append(p)
        return np.sum(p**2)

    figure = loss_surface(loss, {"Adam": flat @ plane + 1.0}, resolution=5)
    drawn = np.stack(figure.axes[0].get_lines()[0].get_data(), axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(drawn, axis=0), axis=1), np.linalg.norm(np.diff(flat, axis=0), axis=1)
    )
    assert {p.shape for p in asked} == {(4,)} and len(asked) == 25
    aside = np.stack(asked) - 1.0
    np.testing.assert_allclose(aside @ plane.T @ plane, aside, atol=1e-12)
    assert figure.axes[0].get_xlabel() == "first direction"


def test_directions_can_be_given():
    e = np.eye(3)
    figure = loss_surface(lambda p: p @ p, {"a": np.stack([e[0], e[1]])}, (e[0], e[1]), resolution=5)
    drawn = np.stack(figure.axes[0].get_lines()[0].get_data(), axis=1)
    np.testing.assert_allclose(drawn[0] - drawn[1], [1, -1])
    with pytest.raises(DataError, match=r"two arrays of shape \(3,\)"):
        loss_surface(lambda p: p @ p, {"a": e[:2]}, (e[0], e[1][:2]))


@pytest.mark.parametrize(
    "wrong", [{"a": [1.0, 2.0]}, {"a": [[1.0]]}, {"a": np.ones((0, 2))}, {"a": XY, "b": np.ones((2, 3))}]
)
def test_what_are_no_paths(wrong):
    with pytest.raises(DataError, match=r"\(steps, n\)"):
        loss_surface(lambda p: 0.0, wrong)


def test_paths_need_names():
    with pytest.raises(DTypeError, match="paths by name"):
        loss_surface(lambda p: 0.0, [XY])


# -- pictures --------------------------------------------------------------------------------------


def test_nothing_is_cut_off():
    """All that is drawn, texts included, lies inside of the figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU())
    figures = [
        learning_curves(HISTORY, best_epoch=1),
        activation_functions([np.tanh, ag.relu]),
        decision_regions(lambda X: X[:, 0] - 0.5, XY, np.array([0, 1, 1, 1]), names=["a long name", "b"]),
        weight_images(np.arange(30.0).reshape(3, 10) - 15, shape=(2, 5)),
        feature_maps(model, np.ones((1, 1, 4, 4), np.float32)),
        misclassified(np.ones((3, 4)), [0, 1, 2], [1, 1, 0], names=["aubergine", "b", "cucumber"]),
        confusion_matrix([0, 1, 2], [0, 1, 1], names=["aubergine", "b", "cucumber"]),
        loss_surface(lambda p: p @ p, {"SGD": XY}, resolution=5),
        learning_rate_schedules(schedule(step_size=1), 5),
    ]
    for figure in figures:
        FigureCanvasAgg(figure).draw()
        width, height = figure.get_size_inches()
        box = figure.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


# -- heat ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [np.array, lambda x: ag.Tensor(x, requires_grad=True) * 1, np.ndarray.tolist]
)
def test_heat_shows_the_numbers_of_a_small_matrix(make):
    figure = heat(make(np.array([[1.0, -2.0, 0.5], [0.0, np.nan, 1e-3]])))
    axes, _ = figure.axes
    assert [text.get_text() for text in axes.texts] == ["1", "-2", "0.5", "0", "nan", "0.001"]
    (image,) = axes.images
    assert image.get_clim() == (-2, 2)  # so that 0 is white
    np.testing.assert_array_equal(image.get_array().data[0], [1.0, -2.0, 0.5])


@pytest.mark.parametrize(
    ("shape", "images", "texts"),
    [((), 1, 1), ((12,), 1, 12), ((13,), 1, 0), ((1, 40), 1, 0), ((2, 3, 4, 5), 6, 0), ((70, 2, 2), 64, 0)],
)
def test_heat_of_any_shape(shape, images, texts):
    *panes, _ = heat(ag.Tensor(np.ones(shape), name="w")).axes
    assert len(panes) == images
    assert sum(len(axes.texts) for axes in panes) == texts
    assert all(axes.images[0].get_clim() == (0, 1) for axes in panes)


def test_heat_says_what_it_shows():
    figure = heat(ag.Tensor(np.ones((70, 2, 2), np.float32), name="w"))
    assert figure.get_suptitle() == "w, shape (70, 2, 2), float32 (64 of 70)"
    assert [axes.get_title() for axes in heat(np.ones((2, 2, 1, 1))).axes[:4]] == [
        "0, 0", "0, 1", "1, 0", "1, 1",
    ]  # fmt: skip


@pytest.mark.parametrize("x", [np.ones((0, 3)), np.array([1j]), ["a"]])
def test_heat_refuses_what_has_no_real_numbers(x):
    with pytest.raises(DataError, match=r"heat: an array of .* expected one or more real numbers"):
        heat(x)
