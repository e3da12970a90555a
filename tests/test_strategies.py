"""Arrays for gradient checks: within bounds, without ties, away from kinks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_lite.errors import OptionError
from autograd_lite.strategies import arrays, broadcastable
from autograd_lite.testing import check_grads, gradient_test

few = settings(max_examples=40, deadline=None, derandomize=True)


@few
@given(arrays(max_dims=2, low=-1.0, high=3.0, away_from=[0.0, 1.0]))
def test_no_ties_and_no_kinks(x: Any) -> None:
    assert x.ndim <= 2 and x.dtype == np.float64
    assert x.size == 0 or (x.min() > -1 and x.max() < 3)
    gaps = np.diff(np.sort(x.ravel()))
    assert (gaps > 1e-3).all()
    assert (np.abs(x) > 1e-3).all() and (np.abs(x - 1) > 1e-3).all()


@few
@given(arrays((2, 3), dtype=np.float32, away_from=[0.0]))
def test_functions_with_kinks_can_be_checked(x: Any) -> None:
    assert x.shape == (2, 3) and x.dtype == np.float32
    check_grads(lambda x: np.max(np.abs(x)) + np.sum(np.sort(x, axis=1)[:, 0]), x, order=1)


@few
@given(broadcastable(3, max_dims=2))
def test_shapes_broadcast(xs: Any) -> None:
    np.broadcast_shapes(*(x.shape for x in xs))
    check_grads(lambda a, b, c: a * b + np.sin(c), xs, order=1)


@few
@given(st.data())
def test_ties_on_demand(data: Any) -> None:
    assert data.draw(arrays((30,), ties=True)).shape == (30,)


def test_bounds_leave_room() -> None:
    with pytest.raises(OptionError, match="low < high"):
        arrays(low=1.0, high=1.0)


@gradient_test(np.array([0.5, 2.0]), (np.array([0.5]), 3.0), order=2)
def test_a_function_is_its_own_test(x: Any, width: Any = 1.0) -> Any:  # noqa: PT028  (no fixture)
    return width * np.tanh(x / width)


SUITE = """
import numpy as np, autograd_lite as ag
from autograd_lite.testing import gradient_test

@ag.primitive
def double(x):
    return 2 * x

ag.defvjp(double, lambda g, y, x: g)

@gradient_test(0.5, np.ones(3))
def test_wrong(x):
    return np.sin(double(x))

@gradient_test(0.5)
def test_right(x):
    return np.sin(x)

def test_fixture(check_grads):
    check_grads(np.cos, (0.3,))
"""


def test_what_a_user_sees(tmp_path: Any, pytestconfig: pytest.Config) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE)
    plugin = pytestconfig.pluginmanager.hasplugin("autograd_lite")
    options = ["-q", "-p", "no:cacheprovider", *([] if plugin else ["-p", "autograd_lite.pytest_plugin"])]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
    )
    assert "2 failed, 2 passed" in run.stdout
    assert "test_wrong[0.5]" in run.stdout and "test_wrong[float64 (3,)]" in run.stdout
    assert "to blame:        the rule of double(float64 ()), recorded at" in run.stdout
