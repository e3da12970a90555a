"""Examples that need an optional package are skipped where the package cannot be imported."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
NEEDS = {
    "docs/scipy.md": "scipy",
    "docs/curvature.md": "scipy",
    "docs/implicit.md": "scipy",
    "docs/sparse.md": "scipy",
    "autograd_lite/sparsity/colouring.py": "scipy",
    "autograd_lite/sparsity/derivatives.py": "scipy",
    "docs/sklearn.md": "sklearn",
    "docs/onnx.md": "onnx",
    "docs/distributed.md": "mpi4py.MPI",
}
"""By file, the module that its examples import. A file that imports it at its top needs no line here."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Import the module only where its examples run: some take seconds."""
    needed = NEEDS.get(item.path.relative_to(ROOT).as_posix())
    if needed is not None:
        try:
            import_module(needed)
        except (ImportError, RuntimeError):  # RuntimeError: mpi4py without a library of MPI
            pytest.skip(f"{needed} cannot be imported")
