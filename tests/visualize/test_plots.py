"""Learning curves."""

from __future__ import annotations

import importlib
import io

import numpy as np
import pytest

from autograd_lite.errors import DataError, DTypeError, RendererError
from visualize import learning_curves, learning_rate_curve

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
