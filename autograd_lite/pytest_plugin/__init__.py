"""The pytest plugin under its name in the package: `pytest -p autograd_lite.pytest_plugin`.

The plugin itself, `autograd_lite_pytest`, is installed beside the package.
"""

from .autograd_lite_pytest import check_grads

__all__ = ["check_grads"]
