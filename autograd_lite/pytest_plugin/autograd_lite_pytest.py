"""The pytest plugin: the fixture `check_grads`, available in every test once autograd-lite is installed.

def test_my_function(check_grads):
    check_grads(my_function, (np.linspace(0.1, 1.0, 5),))

pytest imports its plugins at every start, even if no test differentiates. So this file is installed beside
the package, whose import would load NumPy and the engine. The fixture imports the package when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def check_grads() -> Callable[..., None]:
    """check_grads(f, args): fail the test if a derivative of f at args is wrong (autograd_lite.testing)."""
    from autograd_lite import testing

    return testing.check_grads
