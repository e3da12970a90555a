"""Pages that need an optional package are skipped where the package is not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

NEEDS = {"scipy.md": "scipy", "sklearn.md": "sklearn", "onnx.md": "onnx"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pages."""
    for item in items:
        package = NEEDS.get(item.path.name)
        if package is not None and find_spec(package) is None:
            item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))
