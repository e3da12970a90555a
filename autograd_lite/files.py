"""Files are written whole or not at all: the only module that writes files.

>>> import os, tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     write(os.path.join(folder, "notes.txt"), b"all of it")
...     os.listdir(folder)
['notes.txt']
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import DTypeError, FileError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["append", "checked_path", "replacing", "write"]

STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""The beginnings of paths that name open files, whatever kind of file they are."""

FLAGS = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NEW = os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)

HOUR = 3600.0


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file, see `replacing`.

    Args:
        path: the file.
        content: all bytes of the file.

    Raises:
        OSError: the file cannot be written. An older file of that name is unchanged.
    """
    with replacing(path) as file:
        file.write(content)


def append(path: str | os.PathLike[str], content: bytes) -> None:
    """Add bytes to the end of a file, in one call of the system; a new file if there is none.

    Args:
        path: the file.
        content: the bytes, e.g. whole records.

    Raises:
        OSError: the file cannot be written.
    """
    with open(path, "ab", buffering=0) as file:
        file.write(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing; the new file replaces the old one at the end of the block, not before.

    Until then it is a draft in the same folder: on Linux without a name, elsewhere under a random name.
    After an exception the draft is removed, and the old file is unchanged. If a process is killed, its draft
    is removed when the same file is next written.

    A file keeps its permissions and, where the system allows it, its owner. A link stays a link, and the
    file that it points to is replaced. Pipes and devices are written to directly.

    Args:
        path: the file.

    Raises:
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(os.path.join(folder, "table.csv")) as file:
        ...         _ = file.write(b"epoch,loss")
        ...         file.flush()
        ...         print("table.csv" in os.listdir(folder))
        ...     print(os.listdir(folder))
        False
        ['table.csv']
    """
    before = _found(path)
    if os.fspath(path).startswith(STREAMS) or (before and not stat.S_ISREG(before.st_mode)):
        with open(path, "wb") as file:  # `open` refuses a folder
            yield file
        return
    target = os.path.realpath(path)
    if os.path.islink(target):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    folder, name = os.path.split(target)
    stem = f".autograd-lite-{zlib.crc32(os.fsencode(name)):08x}-"
    _sweep(folder, stem)
    draft = os.path.join(folder, f"{stem}{secrets.token_hex(8)}.draft")
    try:
        with _opened(draft, 0o600 if before else 0o666) as file:
            yield file
            file.flush()
            _settle(file.fileno(), draft, before)
            if fcntl is None:  # Windows cannot move an open file
                file.close()
            os.replace(draft, target)
    finally:
        try:  # noqa: SIM105 - an interrupt could come while `suppress` is called
            os.unlink(draft)
        except FileNotFoundError:
            pass
    _synchronize(folder)


def checked_path(who: str, path: str | os.PathLike[str]) -> Path:
    """Check a path that a user has given.

    Args:
        who: the function that was given the path, for messages.
        path: the path.

    Raises:
        DTypeError: `path` is no path.
        FileError: no file can have this name.

    Example:
        >>> checked_path("nn.load", "a\\0b")
        Traceback (most recent call last):
        autograd_lite.errors.FileError: nn.load: no file can be named 'a\\x00b', with the character '\\x00'
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(text, str):
        raise DTypeError(f"{who}: expected the path of a file, a str or a Path, got {path!r}")
    try:
        os.fsencode(text)
        bad = "\0" if "\0" in text else ""
    except UnicodeEncodeError as error:
        bad = text[error.start]
    if bad:
        raise FileError(f"{who}: no file can be named {text!r}, with the character {bad!r}")
    return Path(text)


# -- drafts ----------------------------------------------------------------------------------------


def _found(path: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:  # writing will fail for the same reason, with an error
        return None


def _opened(draft: str, mode: int) -> IO[bytes]:
    """Open the draft, without a name where the system can do that, and locked while it is open."""
    folder = os.path.dirname(draft)
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        with suppress(OSError):  # the file system does not support O_TMPFILE
            return _locked(os.open(folder, FLAGS | os.O_TMPFILE, mode))
    while True:
        file = _locked(os.open(draft, FLAGS | NEW, mode))
        if fcntl is None or os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process removed the draft before it was locked


def _locked(number: int) -> IO[bytes]:
    """Lock an open file. The lock ends with the process, so a sweep sees which drafts are abandoned."""
    file = open(number, "wb")  # noqa: SIM115 - the caller closes the file
    if fcntl is not None:
        with suppress(OSError):  # on a file system without locks, drafts are never swept
            fcntl.flock(number, fcntl.LOCK_EX)
    return file


def _settle(number: int, draft: str, before: os.stat_result | None) -> None:
    """Give the draft the owner and permissions of the old file, write it to disk, and give it a name."""
    if before and hasattr(os, "fchmod"):
        for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
            with suppress(OSError):
                os.fchown(number, owner, group)
        os.fchmod(number, stat.S_IMODE(before.st_mode))
    os.fsync(number)
    if fcntl is not None and not os.fstat(number).st_nlink:
        folder = os.open(os.path.dirname(draft), os.O_RDONLY)
        try:  # given a folder, `link` follows the link in /proc to the open file
            os.link(f"/proc/self/fd/{number}", os.path.basename(draft), dst_dir_fd=folder)
        finally:
            os.close(folder)


def _sweep(folder: str, stem: str) -> None:
    """Remove the drafts of one file whose process has ended."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(stem):
                with suppress(OSError):
                    _remove_abandoned(os.path.join(folder, name))


def _remove_abandoned(draft: str) -> None:
    if fcntl is None:
        if time.time() - os.stat(draft).st_mtime > HOUR:
            os.unlink(draft)
        return
    number = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the writer runs
        if stat.S_ISREG(os.fstat(number).st_mode):
            os.unlink(draft)
    finally:
        os.close(number)


def _synchronize(folder: str) -> None:
    """Write the folder, and so the new name, to disk, where the system can do that."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
