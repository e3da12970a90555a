"""The one writer: a file is there whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from autograd_lite import files
from autograd_lite.errors import DTypeError, FileError
from tests.helpers import in_threads

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")


@pytest.fixture(params=["nameless", "named"])
def path(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file, written by a draft without a name, and as where the system has none of these."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return tmp_path / "file.bin"


def test_a_file_is_written_and_written_anew(path: Path) -> None:
    for content in (b"first", b"", b"x" * 3_000_000):
        files.write(path, content)
        assert path.read_bytes() == content and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_what_breaks_off_leaves_what_was_there(path: Path, error: type[BaseException]) -> None:
    files.write(path, b"old")

    def torn() -> None:
        with files.replacing(path) as file:
            file.write(b"half of")
            raise error

    with pytest.raises(error):
        torn()
    assert path.read_bytes() == b"old" and os.listdir(path.parent) == [path.name]


@posix
def test_permissions_stay_and_new_files_follow_the_mask(path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)
    for mode in (0o600, 0o664, 0o400):
        path.chmod(mode)
        files.write(path, b"again")
        assert stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() == b"again"


@posix
def test_a_link_stays_and_its_target_is_replaced(path: Path) -> None:
    (path.parent / "deep").mkdir()
    target = path.parent / "deep" / "target"
    path.symlink_to("deep/target")
    for content in (b"made", b"replaced"):  # first it leads to nothing
        files.write(path, content)
        assert path.is_symlink() and target.read_bytes() == content
        assert os.listdir(target.parent) == ["target"]
    loop = path.with_name("loop")
    loop.symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        files.write(loop, b"")


@posix
def test_pipes_and_devices_are_written_to_as_they_are(path: Path) -> None:
    files.write("/dev/null", b"gone")
    assert not Path("/dev/null").is_file()
    os.mkfifo(path)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(path.read_bytes()))
    thread.start()
    files.write(path, b"through")
    thread.join()
    assert read == [b"through"] and stat.S_ISFIFO(path.stat().st_mode)


@posix
def test_standard_output_is_no_file_to_replace(tmp_path: Path) -> None:
    program = "from autograd_lite import files; files.write('/dev/stdout', b'one\\n'); print('two')"
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, env=environment())
    assert b"two" in (tmp_path / "out").read_bytes() and os.listdir(tmp_path) == ["out"]


def test_four_threads_that_write_one_file(path: Path) -> None:
    """Always one whole file, and no draft of which another one takes away."""
    contents = [bytes([i]) * 200_000 for i in range(4)]
    errors: list[BaseException] = []

    def work(content: bytes) -> None:
        try:
            for _ in range(25):
                files.write(path, content)
                assert path.read_bytes() in contents
        except BaseException as error:
            errors.append(error)

    in_threads(work, contents)
    assert errors == [] and os.listdir(path.parent) == [path.name]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folder for folder in sys.path if folder)}


def kills(path: Path, times: int) -> None:
    """Kill processes that write one file again and again, each at another moment."""
    for k in range(times):
        child = os.fork()
        if not child:
            try:
                for i in range(10_000):
                    files.write(path, bytes([i % 250]) * 1_000_000)
            finally:
                os._exit(1)
        time.sleep(0.002 + 0.0003 * (k * 37 % 100))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        content = path.read_bytes() if path.exists() else b""
        assert content == content[:1] * len(content) and len(content) in (0, 1_000_000)
        assert len(os.listdir(path.parent)) <= 2  # the file, and the draft of one that was killed
    files.write(path, b"last")
    assert os.listdir(path.parent) == [path.name]


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    kills(path, 20)


@posix
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_hundred_kills_leave_a_whole_file(path: Path) -> None:
    kills(path, 100)


@posix
def test_the_draft_of_a_living_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "file.bin"
    path.touch(0o600)
    with files.replacing(path) as file:
        file.write(b"slow")
        files.write(path, b"quick")
        assert path.read_bytes() == b"quick"
        (draft,) = (name for name in os.listdir(tmp_path) if name != path.name)
        assert stat.S_IMODE((tmp_path / draft).stat().st_mode) & 0o077 == 0
    assert path.read_bytes() == b"slow" and os.listdir(tmp_path) == [path.name]


@posix
def test_nobody_can_have_a_draft_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are random; and where one was guessed, no link is gone through."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)
    victim, path = tmp_path / "victim", tmp_path / "file.bin"
    victim.write_bytes(b"dear")
    with files.replacing(path):
        (draft,) = (name for name in os.listdir(tmp_path) if name.endswith(".draft"))
    (tmp_path / draft).symlink_to(victim)
    with pytest.raises(FileExistsError):
        files.write(path, b"x")
    assert victim.read_bytes() == b"dear"


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", Path("folder") / "a\0b"])
def test_names_that_no_file_can_have(name: Any) -> None:
    with pytest.raises(FileError, match=r"^nn\.save: no file can be named .*, with the character '"):
        files.checked_path("nn.save", name)


@pytest.mark.parametrize("name", [3, None, b"bytes", ["list"]])
def test_what_is_no_path(name: Any) -> None:
    with pytest.raises(DTypeError, match="expected the path of a file"):
        files.checked_path("nn.save", name)


# An interrupt between the opening of a file and the `with` around it leaves closing to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that interrupts")
def test_an_interrupt_at_any_moment_leaves_no_draft(path: Path) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    hits = 0
    files.write(path, b"y" * 500_000)
    try:
        for k in range(60):
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0001 * (k % 30))
            try:
                while True:
                    files.write(path, b"y" * 500_000)
            except KeyboardInterrupt:
                hits += 1
            assert set(os.listdir(path.parent)) <= {path.name}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits == 60 and path.read_bytes() == b"y" * 500_000
