"""Files of PyTorch: written and read without it, and nothing in a file is run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
import nn.torch as at
import nn.torch.tensors as tensors_of_torch
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, FileError, UnsupportedError
from nn.torch.pickle_reader import ForbiddenNameError, read


def written(value: Any) -> io.BytesIO:
    file = io.BytesIO()
    at.save(value, file)
    file.seek(0)
    return file


def there_and_back(value: Any) -> Any:
    return at.load(written(value))


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal in structure, kinds, dtypes, shapes and numbers."""
    if isinstance(a, Tensor) or hasattr(a, "detach"):
        a, b = (np.asarray(x.detach().numpy()) for x in (a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


PLAIN: dict[str, Any] = {
    "numbers": [0, 1, 255, 256, -1, 2**31, -(2**70), 1.5, float("inf"), 1j, True, False, None],
    "texts": ("", "é\n", b"\0\xff", "\ud800"),
    "keys": {0: "a", (1, 2): "b", None: "c", 2.5: "d"},
    "ordered": OrderedDict(z=1, a=OrderedDict()),
    "set": {1, "x"},
    "arrays": [np.arange(6).reshape(2, 3).T, np.float32(2), np.zeros((0, 3)), np.array(["ab", "c"])],
    "dtype": at.float32,
    "several dtypes": [at.int64, at.bool],
    "device": at.device("cpu"),
}


@pytest.mark.parametrize("key", PLAIN)
def test_data_comes_back(key: str) -> None:
    assert same(PLAIN[key], there_and_back(PLAIN[key]))


def test_swapped_bytes_become_native() -> None:  # as in NumPy's own pickles
    assert same(np.arange(3, dtype="f4"), there_and_back(np.arange(3, dtype=">f4")))
    assert same(np.arange(3, dtype="f4"), there_and_back(Tensor(np.arange(3, dtype=">f4"))))


@pytest.mark.parametrize(
    "dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8", "c16"]
)
def test_tensors_of_every_dtype_come_back(dtype: str) -> None:
    x = np.arange(6).reshape(2, 3).astype(dtype)
    tensors = [Tensor(x), Tensor(x.T), Tensor(x[:, ::2]), Tensor(x[::-1]), Tensor(x[1, 1]), Tensor(x[:0])]
    back = there_and_back(tensors)
    assert same(tensors, back)
    assert all(type(t) is tensors_of_torch.Tensor for t in back)


def test_parameters_and_gradients() -> None:
    state = {"p": nn.Parameter(np.ones(2)), "frozen": nn.Parameter(np.ones(2), False)}
    state["leaf"] = Tensor(np.ones(2), requires_grad=True)
    back = there_and_back(state)
    assert [isinstance(x, nn.Parameter) for x in back.values()] == [True, True, False]
    assert [x.requires_grad for x in back.values()] == [True, False, True]


def test_sparse_tensors() -> None:
    x = at.sparse_coo_tensor([[0, 1, 0], [1, 0, 1]], [1.0, 2.0, 3.0], (2, 3))
    back = there_and_back([x, x.coalesce()])
    assert back[0].to_dense().tolist() == [[0, 4, 0], [2, 0, 0]]
    assert [y.is_coalesced() for y in back] == [False, True]


def test_shared_objects_stay_shared() -> None:
    inner: list[Any] = [1]
    inner.append(inner)
    x = Tensor(np.ones(2))
    back = there_and_back({"a": inner, "b": inner, "x": x, "y": x})
    assert back["a"] is back["b"] is back["a"][1]
    assert back["x"] is back["y"]


def test_views_are_written_once() -> None:
    base = Tensor(np.zeros(1000))
    alone, four = (len(written([base[i:] for i in range(n)]).getvalue()) for n in (1, 4))
    assert four < alone + 2000


def test_a_path_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    at.save({"w": at.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises(
        DTypeError, match=r"\['model'\] is a Linear.*torch.save\(model.state_dict\(\), path\)"
    ):
        at.save({"w": at.zeros(2), "model": nn.Linear(1, 1)}, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.pt"]
    assert at.load(path, map_location="cpu")["w"].tolist() == [1, 1]


def test_the_same_data_gives_the_same_bytes() -> None:
    assert written(PLAIN["keys"]).getvalue() == written(PLAIN["keys"]).getvalue()


def test_safetensors_are_read_and_written_by_their_ending(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    at.save({"w": np.ones(2), "epoch": 3}, path)
    assert nn.load(path)["epoch"] == at.load(path)["epoch"] == 3


@pytest.mark.parametrize(
    ("value", "repair"),
    [
        (nn.Linear(1, 1), "state_dict"),
        (nn.optim.SGD([nn.Parameter(np.ones(1))]), r"save its state_dict\(\)"),
        (Path("x"), "save the numbers|vars"),
        (len, "data only"),
        (type("Series", (), {"dtype": np.dtype("f8"), "shape": (2,)})(), "vars"),
        (np.array([None]), "expected numbers"),
        (Tensor(np.ones(1, np.longdouble)), "PyTorch lacks"),
        (10**1000, "str"),
    ],
)
def test_what_is_no_data_is_refused(value: Any, repair: str) -> None:
    with pytest.raises(DTypeError, match=repair):
        written([value])


def test_deep_nesting_is_an_error() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(DataError, match="nested too deeply"):
        written(value)


# -- files that want more, or are damaged ----------------------------------------------------------


class Evil:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def archive(pickled: bytes, **records: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        for name, content in {"data.pkl": pickled, "version": b"3\n", **records}.items():
            z.writestr(f"archive/{name}", content)
    file.seek(0)
    return file


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.mkdir, eval, exec, getattr, __import__, np.load])
def test_no_function_is_called(tmp_path: Path, protocol: int, function: Any) -> None:
    place = tmp_path / "made"
    argument = f"__import__('os').mkdir({str(place)!r})" if function in (eval, exec) else str(place)
    content = pickle.dumps({"a": Evil(function, argument)}, protocol)
    with pytest.raises(DataError, match="only data is read|builds no data"):
        at.load(archive(content))
    assert not place.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"(S'x'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'x'\no.",  # OBJ
        b"\x82\x01.",  # EXT1
        b"\x80\x02cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R.",
        b"\x80\x02X\x01\x00\x00\x00a}X\x01\x00\x00\x00bK\x01sb.",  # a state for a string
        b"\x80\x02]K\x01s.",
        b"\x80\x02K\x01)R.",
        b"\x80\x02(t0.",
        b"\x80\x02e.",
        b"",
    ],
)
def test_pickles_that_do_more_than_build_data(content: bytes) -> None:
    with pytest.raises(DataError):
        at.load(archive(content))


def test_the_error_names_what_is_forbidden() -> None:
    with pytest.raises(ForbiddenNameError, match=r"os\.system|posix\.system"):
        read(pickle.dumps(os.system), {}, id, 10)


def test_a_small_file_cannot_ask_for_much_memory() -> None:
    many = b"\x80\x02](" + b"K\x01" * 1000 + b"eq\x00" + b"0c__builtin__\nset\nh\x00\x85R" * 1000 + b"."
    with pytest.raises(DataError, match="copies more entries"):
        at.load(archive(many))
    for size, steps in ((2**40, 1), (2**40, 0)):
        pieces = (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        )
        pieces += b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00\x8a\x06" + struct.pack("<q", size)[:6]
        pieces += b"\x85K" + bytes([steps]) + b"\x85\x89Nt" + b"R."
        with pytest.raises(DataError, match="does not lie in its storage"):
            at.load(archive(pieces, **{"data/0": b"\0\0\0\0"}))


def test_compressed_archives_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data.pkl", b"\x80\x02N.")
    file.seek(0)
    with pytest.raises(DataError, match="compressed"):
        at.load(file)


SAMPLE = {
    "w": Tensor(np.arange(3.0)),
    "p": nn.Parameter(np.ones(1)),
    "n": [1, "a", (None, 2.5)],
    "a": np.ones(1),
}


def is_refused(file: io.BytesIO) -> bool:
    """Whether a file gives an error of ours, and no data; anything else ends the test."""
    try:
        at.load(file)
    except (DataError, DTypeError):
        return True
    return False


def test_cut_files_are_refused() -> None:
    content = written(SAMPLE).getvalue()
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(DataError):
            at.load(io.BytesIO(content[:end]))


def flipped(step: int) -> set[bool]:
    """The file with one bit flipped at a time: whether some are refused, and whether some give data."""
    content, found = written(SAMPLE).getvalue(), set()
    for place in range(0, len(content), step):
        for bit in (1, 0x80):
            damaged = bytearray(content)
            damaged[place] ^= bit
            found.add(is_refused(io.BytesIO(damaged)))
    return found


def test_flipped_bits_give_an_error_of_ours_or_data() -> None:
    assert flipped(23) == {True, False}


@pytest.mark.slow
def test_every_flipped_byte_gives_an_error_of_ours_or_data() -> None:
    assert flipped(1) == {True, False}


def fuzzed_pickles(count: int) -> int:
    """Damaged pickles in sound archives, where no checksum helps; how many were refused."""
    with zipfile.ZipFile(written(SAMPLE)) as z:
        pickled = z.read("archive/data.pkl")
        records = {n.removeprefix("archive/"): z.read(n) for n in z.namelist() if "/data/" in n}
    numbers, refused = np.random.default_rng(0), 0
    for _ in range(count):
        damaged = bytearray(pickled)
        for place in numbers.integers(len(damaged), size=numbers.integers(1, 4)):
            damaged[place] = numbers.integers(256)
        refused += is_refused(archive(bytes(damaged), **records))
    return refused


def test_damaged_pickles_are_refused_or_give_data() -> None:
    assert 0 < fuzzed_pickles(100) <= 100


@pytest.mark.slow
def test_many_damaged_pickles_are_refused_or_give_data() -> None:
    assert 0 < fuzzed_pickles(5000) <= 5000


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    for content, says in ((pickle.dumps(1), "a pickle"), (b"abc", "no file of torch.save"), (b"", "no file")):
        with pytest.raises(DataError, match=says):
            at.load(io.BytesIO(content))
    with pytest.raises(FileError, match="does not exist"):
        at.load(tmp_path / "nothing.pt")
    with pytest.raises(UnsupportedError, match="no device 'cuda'"):
        at.load(written(1), map_location="cuda")


# -- both ways, with PyTorch -----------------------------------------------------------------------


def by_torch(value: Any, **options: Any) -> io.BytesIO:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save(value, file, **options)
    file.seek(0)
    return file


def torch_sample(torch: Any) -> dict[Any, Any]:
    base = torch.arange(6.0)
    kinds = "float64 float32 float16 int64 int32 int16 int8 uint8 bool complex64 complex128".split()  # noqa: SIM905
    views = {"view": base[2:].view(2, 2).t(), "steps": base[::2], "expanded": base[:1].expand(3)}
    return {
        **{name: torch.ones(2, dtype=getattr(torch, name)) for name in kinds},
        **views,
        "base": base,
        "0-d": torch.tensor(3),
        "empty": torch.zeros(0, 3),
        "conj": (1j * torch.ones(2)).conj(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "facts": (1, -2, 2.5, None, True, "x", b"y", torch.Size([2, 3]), 2j),
        5: OrderedDict(a=[{}]),
    }


@pytest.mark.torch
@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_pytorch_are_read(legacy: bool) -> None:
    torch = pytest.importorskip("torch")
    sample = torch_sample(torch)
    back = at.load(by_torch(sample, _use_new_zipfile_serialization=not legacy))
    sample["facts"] = tuple(at.Size(x) if isinstance(x, torch.Size) else x for x in sample["facts"])
    sample["conj"] = sample["conj"].resolve_conj()
    assert same(sample, back)
    assert type(back["parameter"]) is at.nn.Parameter


@pytest.mark.torch
def test_sizes_and_dtypes_come_back_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    file = by_torch({"size": torch.Size([2, 3]), "dtypes": [torch.float32, torch.bool, torch.int64]})
    back = at.load(file)
    assert type(back["size"]) is at.Size and back["size"] == (2, 3)
    assert all(a is b for a, b in zip(back["dtypes"], [at.float32, at.bool, at.int64], strict=True))
    file = io.BytesIO()
    at.save(back, file)
    file.seek(0)
    again = torch.load(file)
    assert type(again["size"]) is torch.Size and again["dtypes"] == [torch.float32, torch.bool, torch.int64]


@pytest.mark.torch
def test_files_of_pytorch_in_newer_dtypes_and_protocols() -> None:
    torch = pytest.importorskip("torch")
    kinds = [torch.uint16, torch.uint32, torch.uint64]
    for protocol in range(2, 6):
        back = at.load(by_torch([torch.ones(2, dtype=k) for k in kinds], pickle_protocol=protocol))
        assert [x.dtype for x in back] == [np.uint16, np.uint32, np.uint64]
    half = torch.tensor([1.0, 3.140625, float("inf")], dtype=torch.bfloat16)
    assert same(at.load(by_torch(half)), half.float())
    with pytest.raises(DTypeError, match=r"float8_e5m2"):
        at.load(by_torch(torch.ones(1).to(torch.float8_e5m2)))


@pytest.mark.torch
@pytest.mark.parametrize("legacy", [False, True])
def test_whole_modules_of_pytorch_are_refused(legacy: bool) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(DataError, match=r"torch\.nn\.modules\.linear\.Linear.*state_dict"):
        at.load(by_torch(torch.nn.Linear(1, 1), _use_new_zipfile_serialization=not legacy))


@pytest.mark.torch
@pytest.mark.slow  # PyTorch takes seconds for its first sparse matrix
@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_tensors_go_both_ways() -> None:
    torch = pytest.importorskip("torch")
    dense = [[0.0, 2.0], [3.0, 0.0]]
    coo = torch.tensor(dense).to_sparse()
    for there in (coo, coo.to_sparse_csr()):
        here = at.load(by_torch(there))
        assert here.layout == str(there.layout) and here.to_dense().tolist() == dense
        assert torch.load(written(here)).to_dense().tolist() == dense


@pytest.mark.torch
def test_pytorch_reads_our_files() -> None:
    torch = pytest.importorskip("torch")
    x = np.arange(6.0).reshape(2, 3)
    value = {
        "t": [
            Tensor(x),
            Tensor(x.T),
            Tensor(x[::-1]),
            Tensor(x[:0]),
            Tensor(x[1, 1]),
            Tensor(np.ones(2, np.uint16)),
        ],
        "p": nn.Parameter(x),
        **{k: PLAIN[k] for k in ("numbers", "keys", "ordered")},
        "texts": ("", "é\n", b"\0\xff"),
    }
    back = torch.load(written(value), weights_only=True)
    assert same(value, back)
    assert isinstance(back["p"], torch.nn.Parameter) and back["p"].requires_grad
    assert same(PLAIN["arrays"], torch.load(written(PLAIN["arrays"]), weights_only=False))


@pytest.mark.torch
def test_cut_and_flipped_legacy_files_are_safe() -> None:
    torch = pytest.importorskip("torch")
    content = by_torch({"w": torch.arange(3.0)}, _use_new_zipfile_serialization=False).getvalue()
    for end in range(20, len(content) - 1, 31):
        with pytest.raises(DataError):
            at.load(io.BytesIO(content[:end]))
    found = set()
    for place in range(0, len(content), 7):
        damaged = content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :]
        found.add(is_refused(io.BytesIO(damaged)))
    assert True in found
