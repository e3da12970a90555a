"""The 8x8 digits."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, FileError, OptionError

__all__ = ["load_digits"]

Array = npt.NDArray[Any]

FILE = Path(__file__).with_name("digits-8x8.npz")
SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"
TEST = 360  # a fifth of the 1797 digits is test data

REPAIR = "install the package again: python -m pip install --force-reinstall --no-deps autograd-lite"


def load_digits(split: str | None = None) -> tuple[Array, Array]:
    """The 8x8 handwritten digits: small enough to train on in seconds.

    Args:
        split: None gives all 1797 digits, "train" 1437 of them, "test" the other 360. The split is
            random but always the same.

    Returns:
        `(X, y)`: X float32 in 0 ... 1 of shape (n, 64), row by row from the top; y int64 of shape
        (n,), the digits.

    Raises:
        DataError: the data file is damaged, or `split` is unknown.
        FileError: the data file is missing.

    Source:
        E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (the test part), UCI Machine
        Learning Repository, 1998, CC BY 4.0.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.load_digits()
        >>> X.shape, y[:5]
        ((1797, 64), array([0, 1, 2, 3, 4]))
    """
    if split not in {None, "train", "test"}:
        raise OptionError(f'load_digits({split!r}): expected "train", "test", or None for all')
    with np.load(io.BytesIO(_content())) as file:
        X = file["images"].reshape(-1, 64).astype(np.float32) / 16
        y = file["labels"].astype(np.int64)
    if split is None:
        return X, y
    order = np.random.default_rng(0).permutation(len(y))
    chosen = order[:TEST] if split == "test" else order[TEST:]
    return X[chosen], y[chosen]


def _content() -> bytes:
    """The bytes of the file, checked against its checksum."""
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {FILE}: {error.strerror}; {REPAIR}") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(f"{FILE} is damaged (its checksum is not the one it was published with); {REPAIR}")
    return content
