"""Text as integer codes, and tables from CSV files."""

from __future__ import annotations

import csv
import math
import os
import reprlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, FileError, OptionError
from autograd_lite.files import checked_path

from ..data import Dataset
from . import files

__all__ = ["CharText", "load_csv", "load_shakespeare"]

Array = npt.NDArray[Any]

SHAKESPEARE = "tinyshakespeare.txt"
SHAKESPEARE_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_MD5 = "6fb458f1232090904fb40fe944165e91"
FIRST_ACT = Path(__file__).with_name("coriolanus-act-1.txt")


class CharText(Dataset):
    """A text cut into pieces, for a model that predicts the next character.

    Sample i is `(x, y)`: x holds the codes of `length` characters from position i * stride on, and y the code
    of each next character.

    Args:
        text: the text.
        length: the length of a piece.
        stride: the distance between the beginnings of two pieces.
        vocabulary: the characters with a code; by default the sorted characters of the text.

    Attributes:
        vocabulary: the characters; the code of the k-th character is k.
        codes: the codes of the whole text.

    Raises:
        DataError: the text has no more than `length` characters, or a character is not in the vocabulary.

    Example:
        >>> import nn
        >>> data = nn.datasets.CharText("abcab", length=3)
        >>> [(data.decode(x), data.decode(y)) for x, y in data]
        [('abc', 'bca'), ('bca', 'cab')]
    """

    is_random = False

    def __init__(
        self, text: str, length: int, stride: int = 1, vocabulary: Iterable[str] | None = None
    ) -> None:
        if len(text) <= length or length < 1 or stride < 1:
            raise DataError(
                f"CharText: a text of {len(text)} characters has no pieces of {length} with a next character"
            )
        self.vocabulary = sorted(set(text)) if vocabulary is None else list(vocabulary)
        self._numbers = {character: k for k, character in enumerate(self.vocabulary)}
        self.length, self.stride = length, stride
        self.codes = self.encode(text)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], length: int, stride: int = 1) -> CharText:
        """Read the text from a UTF-8 file."""
        return cls(_text(path), length, stride)

    def encode(self, text: str) -> Array:
        """The codes of the characters of a text."""
        try:
            return np.array([self._numbers[character] for character in text], np.int64)
        except KeyError as error:
            raise DataError(f"the character {error} is not in the vocabulary") from None

    def decode(self, codes: Iterable[int]) -> str:
        """The text of a sequence of codes."""
        return "".join(self.vocabulary[int(k)] for k in codes)

    def __len__(self) -> int:
        return (len(self.codes) - 1 - self.length) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"piece {index} of {len(self)}")
        start = index % len(self) * self.stride
        return self.codes[start : start + self.length], self.codes[start + 1 : start + self.length + 1]


def load_shakespeare(
    part: str = "all", root: str | os.PathLike[str] | None = None, download: bool = False
) -> str:
    """Scenes of Shakespeare's plays, a million characters in the form "NAME:", speech, empty line.

    Args:
        part: "all", or "first act" for the beginning, the first act of Coriolanus (35,108 characters),
            which is part of this package.
        root: the folder with the file `tinyshakespeare.txt`. By default the folder in the environment
            variable AUTOGRAD_LITE_DATA (or its subfolder `text`), then the cache.
        download: download a missing file into the cache.

    Raises:
        FileError: the file is missing, or the download has failed.
        DataError: the file is not UTF-8 text.
        OptionError: `part` has another value.

    Source:
        The selection "tiny Shakespeare" of A. Karpathy's char-rnn, 2015.

    Example:
        >>> import nn
        >>> print(nn.datasets.load_shakespeare("first act")[:60])
        First Citizen:
        Before we proceed any further, hear me speak.
    """
    if part == "first act":
        return _text(FIRST_ACT)
    if part != "all":
        raise OptionError(f'load_shakespeare({part!r}): expected "all" or "first act"')
    paths = files.find("text", [SHAKESPEARE], root)
    if paths is None:
        if not download:
            raise files.not_found("text", [SHAKESPEARE], root)
        paths = [(Path(root) if root else files.cache_folder() / "text") / SHAKESPEARE]
        files.download(SHAKESPEARE_URL, paths[0], SHAKESPEARE_MD5)
    return _text(paths[0])


def _text(path: str | os.PathLike[str]) -> str:
    path = checked_path("the text", path)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from error


def load_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    columns: Sequence[str | int] | None = None,
    delimiter: str = ",",
    header: bool = True,
    dtype: npt.DTypeLike = np.float32,
    missing: float | None = None,
) -> Any:
    """Read numbers from a CSV file.

    Args:
        path: the path of the file, in UTF-8.
        target: the target column, by name or index. A column without any number holds class names; the
            classes are numbered in the order of their names.
        columns: the input columns; by default all but the target.
        delimiter: the separator of cells.
        header: True if the first line holds the names of the columns.
        dtype: the dtype of the inputs.
        missing: the value for missing inputs: empty cells, NA and NaN. By default they are errors.

    Returns:
        X of shape (rows, columns). With `target` the pair `(X, y)`: y holds floats of `dtype`, or int64
        classes.

    Raises:
        FileError: the file cannot be read.
        DataError: a cell is missing or not a number, a line has another number of cells, or the header is
            missing. The message names the line and the column.
        OptionError: a column does not exist.

    Example:
        >>> import nn, tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "iris.csv"
        >>> _ = path.write_text("length,width,species\\n5.1,3.5,setosa\\n7.0,3.2,versicolor\\n")
        >>> nn.datasets.load_csv(path, target="species")
        (array([[5.1, 3.5], [7. , 3.2]], dtype=float32), array([0, 1]))
    """
    path = checked_path("load_csv", path)
    names, rows = _table(path, delimiter, header)
    goal = None if target is None else _place(target, names, path)
    places = (
        [i for i in range(len(names)) if i != goal]
        if columns is None
        else [_place(c, names, path) for c in columns]
    )
    kind, where = np.dtype(dtype), f"{path}, line {{}}, column {{!r}}"
    X = np.empty((len(rows), len(places)), kind)
    for j, i in enumerate(places):
        cells_of = [(n, cells[i], _number(path, n, names[i], cells[i], missing)) for n, cells in rows]
        X[:, j] = _kept(where, names[i], cells_of, kind)
    if goal is None:
        return X
    return X, _targets(path, names[goal], [(n, cells[goal]) for n, cells in rows], X.dtype)


def _table(path: Path, delimiter: str, header: bool) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each row with its line number."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = [(i, line) for i, line in enumerate(csv.reader(file, delimiter=delimiter), 1) if line]
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if len(lines) <= header:
        raise DataError(f"{path} has no rows")
    names = [name.strip() for name in lines[0][1]] if header else [str(i) for i in range(len(lines[0][1]))]
    rows = lines[1:] if header else lines
    if header and all(_parsed(name) is not None for name in names):
        raise DataError(f"{path}: the first line holds numbers where the names should be; write header=False")
    for number, cells in rows:
        if len(cells) != len(names):
            raise DataError(f"{path}, line {number}: {len(cells)} cells, expected {len(names)}")
    return names, rows


def _place(column: str | int, names: list[str], path: Any) -> int:
    if column in names:
        return names.index(column)
    if isinstance(column, int) and -len(names) <= column < len(names):
        return column % len(names)
    raise OptionError(f"{path} has no column {column!r}; it has {', '.join(names)}")


def _parsed(cell: str) -> float | None:
    """The number in a cell, or None. Python's underscores, as in 1_000, are not accepted."""
    if "_" in cell:
        return None
    for kind in (int, float):  # int first: it keeps all digits
        with suppress(ValueError):
            return kind(cell)
    return None


def _kept(where: str, name: str, cells: list[tuple[int, str, float]], dtype: np.dtype[Any]) -> Array:
    """Numbers cast to a dtype. Fractions may be rounded; numbers that the dtype cannot hold are refused."""
    if dtype.kind in "iuf":
        least, most = _range(dtype)
        for line, cell, number in cells:
            if isinstance(number, int) or math.isfinite(number):
                fits = least <= number <= most and (dtype.kind == "f" or number == int(number))
            else:  # inf from a cell with digits is a number beyond the range of floats
                fits = dtype.kind == "f" and not any(character.isdigit() for character in cell)
            if not fits:
                raise DataError(
                    f"{where.format(line, name)}: {reprlib.repr(cell.strip())} is not a number that {dtype} "
                    "can hold; give another dtype=..., or repair the file"
                )
    return np.array([number for _, _, number in cells], dtype)


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The smallest and the largest number of a dtype, as Python numbers."""
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def _number(path: Any, line: int, name: str, cell: str, missing: float | None) -> float:
    value = _parsed(cell)
    absent = cell.strip().lower().lstrip("+-") in ("", "na", "n/a", "nan")
    if absent and missing is not None:
        return missing
    if absent or value is None:
        what = f"{cell!r} is not a number" if cell.strip() else "the cell is empty"
        repair = "give missing=0.0 or another value for it" if absent else "repair the file"
        raise DataError(
            f"{path}, line {line}, column {name!r}: {what}; {repair}, or leave the column out with "
            "columns=[...]"
        )
    return value


def _targets(path: Any, name: str, cells: list[tuple[int, str]], dtype: Any) -> Array:
    """Numbers if all cells are numbers; classes if no cell is a number."""
    numbers = [_parsed(cell) for _, cell in cells]
    numeric = any(number is not None for number in numbers)
    for (line, cell), number in zip(cells, numbers, strict=True):
        if not cell.strip() or (numeric and (number is None or number != number)):
            what = f"{cell!r} is not a number, as other cells are" if cell.strip() else "the cell is empty"
            raise DataError(f"{path}, line {line}, target {name!r}: {what}; repair the file")
    if not numeric:
        return np.unique([cell.strip() for _, cell in cells], return_inverse=True)[1].astype(np.int64)
    given = [(line, cell, n or 0) for (line, cell), n in zip(cells, numbers, strict=True)]
    whole = all("." not in cell and math.isfinite(n) and n == int(n) for _, cell, n in given)
    where = f"{path}, line {{}}, target {{!r}}"
    if whole and all(-(2**63) <= n < 2**63 for _, _, n in given):
        return np.array([int(n) for _, _, n in given], np.int64)
    values = _kept(where, name, given, dtype)
    for (line, cell, n), value in zip(given, values.tolist(), strict=True):
        if whole and n != value:
            raise DataError(
                f"{where.format(line, name)}: {reprlib.repr(cell.strip())} is beyond int64, and {dtype} "
                "would round it; give another dtype=..., or write it with a point, as 1.0e20, to allow that"
            )
    return values
