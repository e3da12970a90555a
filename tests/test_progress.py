"""What takes over a second shows a bar on a terminal, and writes nothing where there is none."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.datasets.images import scaled

ROOT = Path(__file__).parents[1]

PROGRAMS = {
    "a dataset": ("import nn; nn.datasets.load_mnist('test')", "t10k-images"),
    "its numbers": ("import nn; nn.datasets.load_mnist('test')", "from bytes to numbers"),
    "an animation": (
        "import visualize; visualize.backprop_steps(lambda x: x * x, 3.0).save('steps.gif')",
        "pictures",
    ),
    "an epoch of a program": (
        "import numpy as np, nn; from examples.char_lstm import CharLSTM, train_epoch; m = CharLSTM(5, 4); "
        "train_epoch(m, nn.optim.SGD(m.parameters(), lr=0.1), np.arange(2001) % 5, 10, 10)",
        "one epoch",
    ),
    "a search for a rate": (
        "import numpy as np, nn; m = nn.Linear(2, 1); nn.lr_range_test(m, nn.MSELoss(), "
        "nn.optim.SGD(m.parameters(), lr=0.1), np.ones((9, 2)), np.ones((9, 1)), steps=20)",
        "learning rates",
    ),
    "predictions": (
        "import time, numpy as np, nn; m = nn.Linear(2, 1); o = nn.optim.SGD(m.parameters(), lr=0.1); "
        "m.register_forward_hook(lambda *_: time.sleep(0.3)); t = nn.Trainer(m, nn.MSELoss(), o); "
        "t.predict(np.ones((8, 2)), batch_size=1)",
        "predict",
    ),
    "a loss surface": (
        "import visualize; visualize.loss_surface(lambda p: p @ p, {'SGD': [[2.0, 1.0], [1.0, 0.5]]})",
        "loss surface",
    ),
}
"""A program, and what its bar is called."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Digits enough for a bar, in files like those of MNIST."""
    images = np.random.default_rng(0).integers(0, 256, (2000, 28, 28), np.uint8)
    for name, array in (("images-idx3", images), ("labels-idx1", np.arange(2000, dtype=np.uint8) % 10)):
        head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        with gzip.open(tmp_path / f"t10k-{name}-ubyte.gz", "wb", 1) as file:
            file.write(head + array.tobytes())
    return tmp_path


def needed(program: str) -> None:
    """Skip what has no library to draw with."""
    if "visualize" in program:
        pytest.importorskip("matplotlib")
    if ".gif" in program:
        pytest.importorskip("PIL")
        if not shutil.which("dot"):
            pytest.importorskip("pygraphviz")


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "AUTOGRAD_LITE_DATA": str(folder), "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}


@pytest.mark.few(4)
@pytest.mark.skipif(sys.platform == "win32", reason="terminals are made by the operating system's pty")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_bar_on_a_terminal(name: str, folder: Path) -> None:
    import fcntl
    import termios

    program, title = PROGRAMS[name]
    needed(program)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=folder,
        env=environment(folder),
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 1 << 16):
            seen += piece
    except OSError:  # how Linux says that nobody writes to this terminal any more
        pass
    os.close(ours)
    assert child.wait() == 0, seen.decode()
    assert f"\r{title}" in seen.decode() and "%|" in seen.decode()
    assert seen.decode().endswith("\r")  # the bar is gone when the work is done


@pytest.mark.few(4)
@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_where_there_is_no_terminal(name: str, folder: Path) -> None:
    program, title = PROGRAMS[name]
    needed(program)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=folder, env=environment(folder), check=True
    )
    assert title not in (done.stdout + done.stderr).decode() and b"%|" not in done.stderr


def test_numbers_of_pictures_are_those_of_one_division() -> None:
    rng = np.random.default_rng(0)
    for shape in ((4001, 3, 2), (4001, 3, 2, 3), (0, 3, 2)):
        bytes_ = rng.integers(0, 256, shape, np.uint8)
        X, _ = scaled((bytes_, np.zeros(len(bytes_), np.int64)))
        channels = np.moveaxis(bytes_, -1, 1) if bytes_.ndim == 4 else bytes_[:, None]
        assert X.dtype == np.float32 and X.flags.c_contiguous
        np.testing.assert_array_equal(X, channels.astype(np.float32) / np.float32(255))


def test_the_files_of_the_test_are_read_as_they_are(folder: Path) -> None:
    X, y = nn.datasets.load_mnist("test", folder)
    assert X.shape == (2000, 1, 28, 28) and y[:11].tolist() == [*range(10), 0]
