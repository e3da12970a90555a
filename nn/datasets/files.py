"""Find data files in a given folder, in the folder of an environment variable, or in the download cache."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograd_lite.errors import FileError
from autograd_lite.files import checked_path, replacing

__all__ = ["MissingFilesError", "bar", "cache_folder", "download", "find"]

VARIABLE = "AUTOGRAD_LITE_DATA"
ATTEMPTS = 3


class MissingFilesError(FileError):
    """The files of a dataset are not on this machine."""


def cache_folder() -> Path:
    """The folder of downloaded data: `autograd-lite` in the user's cache folder.

    Raises:
        FileError: the user has no home folder.
    """
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    try:
        return Path(base or Path.home() / ".cache") / "autograd-lite"
    except RuntimeError as error:  # no HOME, and no entry in the system's list of users
        raise MissingFilesError(
            f"there is no home folder to keep data in; name a folder with root=..., or set {VARIABLE}"
        ) from error


def find(name: str, files: Sequence[str], root: str | os.PathLike[str] | None) -> list[Path] | None:
    """The paths of a dataset's files, all in one folder; None if they are not on this machine.

    Args:
        name: the name of the dataset, and of a subfolder that may hold the files.
        files: the names of the files.
        root: the only folder to search; by default the folder in the environment variable
            AUTOGRAD_LITE_DATA, then the cache.
    """
    given = root or os.environ.get(VARIABLE)
    bases = [checked_path(f"the folder of {name}", given)] if given else []
    if root is None:
        with suppress(MissingFilesError):
            bases.append(cache_folder())
    for base in bases:
        for folder in (base, base / name):
            paths = [folder / file for file in files]
            if all(path.is_file() for path in paths):
                return paths
    return None


def not_found(name: str, files: Sequence[str], root: str | os.PathLike[str] | None) -> MissingFilesError:
    """The error for missing files."""
    place = root or os.environ.get(VARIABLE) or cache_folder()
    return MissingFilesError(
        f"{name} is not in {place}: expected {', '.join(files)} there or in {Path(place) / name}; name "
        f"another folder with root=..., set {VARIABLE}, or download it with download=True"
    )


def download(url: str, path: Path, md5: str, quiet: bool = False) -> None:
    """Download a file, verify its checksum, and only then move it to its path.

    Args:
        url: the source.
        path: the destination; missing folders are made.
        md5: the published checksum.
        quiet: show no progress bar.

    Raises:
        FileError: three attempts have failed, or the checksum differs.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"cannot make the folder {path.parent}: {error.strerror}; give another root=..."
        ) from error
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(attempt)
        try:
            with replacing(path) as file:
                digest = _fetch(url, file.write, path.name, quiet)
                if digest != md5:
                    raise OSError(f"its checksum is {digest}, expected {md5}")
            return
        except OSError as error:  # URLError is an OSError
            problem = str(error)
    raise FileError(
        f"cannot download {url}: {problem}; fetch it another way, put it into {path.parent}, and try again"
    )


def _fetch(url: str, write: Callable[[bytes], object], title: str, quiet: bool) -> str:
    """Pass the content of a URL to `write`, piece by piece; return its checksum."""
    from urllib.request import urlopen  # here, to keep `import nn` fast

    digest = hashlib.md5(usedforsecurity=False)
    with urlopen(url, timeout=30) as response:
        size = int(response.headers.get("Content-Length") or 0) or None
        with bar(title, size, quiet, leave=True) as shown:
            while piece := response.read(1 << 16):
                write(piece)
                digest.update(piece)
                shown.update(len(piece))
    return digest.hexdigest()


def bar(title: str, size: int | None, quiet: bool = False, leave: bool = False) -> Any:
    """A progress bar for so many bytes on a terminal, and nothing elsewhere.

    Args:
        quiet: nothing on a terminal, too.
        leave: whether the bar stays on the terminal in the end.
    """
    from tqdm import tqdm  # here, so that `import nn` is fast

    return tqdm(desc=title, total=size, unit="B", unit_scale=True, leave=leave, disable=quiet or None)
