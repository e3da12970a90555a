"""The pytest plugin: a fixture `check_grads`, there in every test once autograd-lite is installed.

def test_my_function(check_grads):
    check_grads(my_function, (np.linspace(0.1, 1.0, 5),))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def check_grads() -> Callable[..., None]:
    """`autograd_lite.testing.check_grads`, imported only when a test asks for it."""
    from autograd_lite import testing

    return testing.check_grads
