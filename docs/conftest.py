"""Pages that need an optional package are skipped where the package is not installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

NEEDS = {
    "scipy.md": "scipy",
    "sparse.md": "scipy",
    "sklearn.md": "sklearn",
    "onnx.md": "onnx",
    "distributed.md": "mpi4py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pages."""
    for item in items:
        sparse = item.path.parent.name == "sparsity" and item.path.name in ("colouring.py", "derivatives.py")
        package = "scipy" if sparse else NEEDS.get(item.path.name)
        if package is not None and not _is_there(package):
            item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))


def _is_there(package: str) -> bool:
    """Whether a package can be used; mpi4py also needs a library of MPI."""
    if find_spec(package) is None:
        return False
    try:
        import_module({"mpi4py": "mpi4py.MPI"}.get(package, package))
    except (ImportError, RuntimeError):
        return False
    return True
