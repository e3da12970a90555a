"""What the programs share: their command line, and their data."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

import nn
from autograd_lite.errors import AutogradLiteError, FileError

Array = npt.NDArray[Any]
Pictures = tuple[Array, Array]
Item = TypeVar("Item")


def main(
    name: str,
    title: str | None,
    run: Callable[[bool, int, Path], object],
    arguments: Sequence[str] | None = None,
) -> int:
    """Read the command line and call `run(quick, seed, out)`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"python -m examples.{name}", description=(title or "").partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a smaller version of it, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same numbers (0)")
    parser.add_argument("--out", type=Path, default=Path("out", name), help=f"where files go (out/{name})")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        run(options.quick, options.seed, options.out)
    except (AutogradLiteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"seed {options.seed}, {time.perf_counter() - start:.0f} s")
    return 0


def shown(items: Iterable[Item], title: str, total: int | None = None) -> Iterable[Item]:
    """The items one by one, with a bar on a terminal, and nothing elsewhere."""
    bar: Iterable[Item] = tqdm(items, title, total, leave=False, disable=None)
    return bar


@contextmanager
def resumable(folder: Path) -> Iterator[Callable[..., nn.History]]:
    """Within it, a program trains by `fit(name, trainer, X, y, epochs=...)`, and may be stopped at any time.

    Started again, the program resumes the stage of that name after its last epoch, and ends with the same
    numbers. The folder holds the checkpoints, and is removed when the program has ended.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def fit(name: str, trainer: nn.Trainer, *data: Any, **options: Any) -> nn.History:
        checkpoint = folder / f"{name}.safetensors"
        trainer.callbacks.append(nn.ModelCheckpoint(checkpoint))
        if checkpoint.exists():
            trainer.resume(checkpoint)
        return trainer.fit(*data, **options)

    try:
        yield fit
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from here, or anew without {folder}")
        raise SystemExit(130) from None
    shutil.rmtree(folder)


def handwriting(quick: bool) -> tuple[Pictures, Pictures]:
    """Digits for training and for the test, as pairs of pictures (n, 1, height, width) and labels.

    These are MNIST's, if the files are on this machine or can be downloaded. Otherwise, and in the quick
    version, they are the small ones that come with `nn`.
    """
    if not quick:
        try:
            train, test = (nn.datasets.load_mnist(split, download=True) for split in ("train", "test"))
            print(f"data: MNIST, {len(train[1]):,} digits of 28x28 to learn from, {len(test[1]):,} to test")
            return train, test
        except FileError:
            print("data: MNIST is not on this machine and cannot be downloaded, so the digits of 8x8 instead")
    else:
        print("data: the digits of 8x8 that come with nn")
    train, test = (nn.datasets.load_digits(split) for split in ("train", "test"))
    return (train[0].reshape(-1, 1, 8, 8), train[1]), (test[0].reshape(-1, 1, 8, 8), test[1])


def rows_of_digits(quick: bool) -> tuple[Pictures, str]:
    """Up to 10,000 of these digits for training, as rows of pixels, and what they are."""
    (X, y), _ = handwriting(quick)
    X, y = X[:10_000].reshape(min(len(X), 10_000), -1), y[:10_000]
    return (X, y), "10,000 digits of MNIST" if X.shape[1] == 784 else "the 8x8 digits"


def shakespeare(quick: bool) -> str:
    """A million characters of Shakespeare, or in the quick version, and if they are not to be had, an act."""
    if not quick:
        try:
            text = nn.datasets.load_shakespeare(download=True)
            print(f"data: Shakespeare, {len(text):,} characters")
            return text
        except FileError:
            print("data: Shakespeare is not on this machine and cannot be downloaded, so one act instead")
    else:
        print("data: the first act of Coriolanus, which comes with nn")
    return nn.datasets.load_shakespeare("first act")


def count_pairs(codes: Array, unread: Array) -> float:
    """How surprising a text is, in nats for each character, if one has counted in another what follows what.

    A model that uses more than the last character should do better.
    """
    characters = int(max(codes.max(), unread.max())) + 1
    counts = np.ones((characters, characters))  # no pair is impossible
    np.add.at(counts, (codes[:-1], codes[1:]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[unread[:-1], unread[1:]])))


def choose(scores: Array, temperature: float, rng: np.random.Generator) -> Array:
    """Draw a class from the softmax of scores / temperature, of shape (..., classes).

    With Gumbel noise added to each score, the index of the largest is such a draw. The probabilities
    need not be computed.
    """
    noise = rng.gumbel(size=scores.shape)
    return np.asarray((scores / temperature + noise).argmax(axis=-1))
