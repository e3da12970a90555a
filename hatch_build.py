"""The build hook: compiles the native kernels where there is a C compiler. Without one, nothing is missing.

A wheel with the library is for one platform and any Python, as the library uses nothing of Python. A wheel
without the library is for all platforms. An editable installation gets the library in the source tree.
`AUTOGRAD_LITE_NATIVE=0` leaves the library out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

FOLDER = "nn/kernels/native"


class NativeKernels(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the library to a wheel, or to the source tree of an editable installation."""

    scratch: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library; a failure is one line."""
        if os.environ.get("AUTOGRAD_LITE_NATIVE") == "0":
            return
        folder = Path(self.root, FOLDER)
        sys.path.insert(0, str(folder))
        try:
            from build import LIBRARY, BuildError, build
        finally:
            sys.path.remove(str(folder))
        if version == "editable":
            target = folder / LIBRARY
        else:
            self.scratch = tempfile.TemporaryDirectory()
            target = Path(self.scratch.name, LIBRARY)
        try:
            build(target)
        except (BuildError, OSError) as problem:
            self.app.display_warning(f"autograd-lite without native kernels, NumPy computes all: {problem}")
            self._clean()
            return
        if version != "editable":
            build_data["force_include"][str(target)] = f"{FOLDER}/{LIBRARY}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the library that was packed."""
        self._clean()

    def _clean(self) -> None:
        if self.scratch is not None:
            self.scratch.cleanup()


def _platform() -> str:
    """This platform; `manylinux` and `musllinux` would promise more than was checked."""
    return next(tag for tag in platform_tags() if not tag.startswith(("manylinux", "musllinux")))
