"""Files of other programs, damaged and hostile files, and names that no file can have."""

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import safetensors.numpy

import nn
import visualize
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DataFileError, DTypeError, FileError
from nn.datasets.images import read_idx
from tests.helpers import in_threads, python


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# -- nn.save and nn.load ---------------------------------------------------------------------------


def stored(**arrays):
    """A safetensors file of (dtype, shape, bytes), put together by hand."""
    header, content = {}, b""
    for name, (dtype, shape, raw) in arrays.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(content), len(content) + len(raw)],
        }
        content += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def test_bfloat16_becomes_float32(path):
    values = np.array([1.0, -2.5, 3.140625, np.inf, 0.0], np.float32)
    path.write_bytes(stored(x=("BF16", [5], (values.view("<u4") >> 16).astype("<u2").tobytes())))
    x = nn.load(path)["x"]
    assert x.dtype == np.float32 and x.tolist() == values.tolist()


@pytest.mark.torch
def test_bfloat16_of_pytorch(path):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    weight = torch.randn(3, 4).to(torch.bfloat16)
    save_file({"weight": weight, "step": torch.tensor(3)}, path)
    loaded = nn.load(path)
    np.testing.assert_array_equal(loaded["weight"], weight.float().numpy())
    assert loaded["step"] == 3


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_a_dtype_that_numpy_has_not(path, dtype):
    path.write_bytes(stored(x=("U8", [2], b"\0\0"), y=(dtype, [2], b"\0\0")))
    with pytest.raises(DTypeError, match=rf"'y' in .* is of dtype {dtype}, which NumPy lacks.*v\.float\(\)"):
        nn.load(path)


@pytest.mark.torch
@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_of_torch_save_is_known(path, legacy):
    torch = pytest.importorskip("torch")
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(DataFileError, match=r"as torch\.save writes it.*safetensors\.torch\.save_file\("):
        nn.load(path)


def test_files_of_numpy_are_known(path):
    for write in (np.save, np.savez):
        with open(path, "wb") as file:
            write(file, np.ones(2))
        with pytest.raises(DataFileError, match=r"write np\.load\(path\)"):
            nn.load(path)


def test_keys_that_are_no_text(path):
    for state in ({"a\ud800": np.ones(1)}, {"a": {"b\udfff": np.ones(1)}}):
        with pytest.raises(DataError, match="the key .* has a character that UTF-8 cannot encode"):
            nn.save(state, path)
    assert not path.exists()
    nn.save({"a\0b": np.ones(1)}, path)
    assert list(nn.load(path)) == ["a\0b"]
    nn.save({"note": "a\ud800b", "x": 1}, path)
    assert nn.load(path) == {"note": "a\ud800b", "x": 1}


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_names_that_no_file_can_have(name, tmp_path):
    graph = visualize.draw(Tensor(2.0, requires_grad=True, name="x") * 3)
    model = nn.Linear(1, 1)
    where = os.path.join(tmp_path, name)
    for use in (
        lambda: nn.save({}, where),
        lambda: nn.load(where),
        lambda: nn.save_checkpoint(where, model),
        lambda: nn.load_checkpoint(where, model),
        lambda: graph.save(f"{where}.dot"),
        lambda: nn.utils.save_image(np.zeros((3, 2, 2)), f"{where}.png"),
        lambda: nn.CSVLogger(where),
        lambda: nn.ModelCheckpoint(where),
        lambda: nn.datasets.load_csv(where),
        lambda: nn.datasets.load_mnist(root=where),
        lambda: nn.datasets.load_cifar10(root=where),
        lambda: nn.datasets.CharText.from_file(where, 3),
    ):
        with pytest.raises(FileError, match="can be named"):
            use()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "a\x1bb"])
@pytest.mark.parametrize("ending", ["dot", "html"])
def test_names_of_tensors_that_no_file_can_hold(name, ending, tmp_path):
    graph = visualize.draw(Tensor(2.0, requires_grad=True, name=name) * 3)
    content = graph.save(tmp_path / f"graph.{ending}").read_bytes().decode()
    assert name not in content and not {"\0", "\x1b"} & set(content)


def test_four_threads_save_to_one_path(path):
    errors = []

    def work(k):
        try:
            for _ in range(10):
                nn.save({"x": np.full(20_000, k)}, path)
                assert len(set(nn.load(path)["x"].tolist())) == 1
        except BaseException as error:
            errors.append(error)

    in_threads(work, range(4))
    assert errors == [] and os.listdir(path.parent) == [path.name]


def test_a_home_is_needed_only_where_something_is_kept():
    program = """
import pathlib
def home(): raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = home
import nn, visualize
try:
    nn.datasets.load_mnist()
except nn.datasets.files.MissingFilesError as error:
    print(error)
"""
    done = python("-c", program, unset=("AUTOGRAD_LITE_DATA", "XDG_CACHE_HOME"))
    assert done.stdout.startswith("there is no home folder") and "root=..." in done.stdout, done.stderr


# -- archives and IDX files ------------------------------------------------------------------------


def idx(shape, content, axes=None):
    axes = len(shape) if axes is None else axes
    return bytes([0, 0, 8, axes]) + struct.pack(f">{len(shape)}I", *shape) + content


@pytest.mark.parametrize(
    "content",
    [
        idx((1,) * 70, b"x"),
        idx((2, 2), b"abc"),
        idx((2, 2), b"abcde"),
        idx((2, 2), b"abcd")[:-7],
        idx((), b"", axes=0),
        idx((2**32 - 1,) * 3, b"abc"),
        idx((3,), b"abc")[:3],
        b"",
        b"\0\0\x0d\1" + bytes(8),
    ],
    ids=["70 axes", "short", "long", "half a header", "no axes", "huge", "3 bytes", "empty", "floats"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx_files(tmp_path, content, packed):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataFileError, match="is damaged|is not an IDX file"):
        read_idx(path)
    path.write_bytes(gzip.compress(content)[:-5])
    with pytest.raises(DataFileError):
        read_idx(path)


def test_no_more_is_unpacked_than_the_header_says(tmp_path):
    """A gigabyte of zeros in a megabyte, behind a header that says four bytes."""
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(idx((2, 2), b""))
        for _ in range(64):
            file.write(bytes(1 << 20))
    counted = []

    class Counting(gzip.GzipFile):
        def read(self, size=-1):
            content = super().read(size)
            counted.append(len(content))
            return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gzip, "GzipFile", Counting)
        with pytest.raises(DataFileError, match="holds more"):
            read_idx(path)
    assert sum(counted) < 100


def cifar_member(name, content=b"", **more):
    info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


RECORD = bytes([3]) + bytes(3072)


@pytest.mark.parametrize(
    ("info", "content"),
    [
        cifar_member("test_batch.bin", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        cifar_member("test_batch.bin", type=tarfile.LNKTYPE, linkname="cifar-10-batches-bin/other"),
        cifar_member("test_batch.bin", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        cifar_member("test_batch.bin", type=tarfile.DIRTYPE),
        cifar_member("test_batch.bin", RECORD[:-1]),
        cifar_member("test_batch.bin", bytes([10]) + bytes(3072)),
        cifar_member("other.bin", RECORD),
    ],
    ids=["link", "hard link", "device", "folder", "short", "label 10", "missing"],
)
def test_damaged_and_special_members_of_the_archive(tmp_path, info, content):
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.addfile(info, io.BytesIO(content))
    with pytest.raises(DataFileError, match="is damaged"):
        nn.datasets.load_cifar10("test", root=tmp_path)


def test_an_archive_that_goes_on_and_on(tmp_path, monkeypatch):
    monkeypatch.setattr("nn.datasets.images.ARCHIVE", 1 << 20)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for info, content in (cifar_member("a", bytes(4 << 20)), cifar_member("test_batch.bin", RECORD)):
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(DataFileError, match="holds more than the archive that was published"):
        nn.datasets.load_cifar10("test", root=tmp_path)


PICTURES = np.zeros((3, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    "arrays",
    [
        {"x_test": PICTURES, "y_test": [1, 2]},
        {"x_test": PICTURES, "y_test": [1.0, np.nan, 2.0]},
        {"x_test": PICTURES, "y_test": [1, 2, 10]},
        {"x_test": PICTURES, "y_test": [1, -1, 2]},
        {"x_test": PICTURES, "y_test": [1.5, 1, 2]},
        {"x_test": PICTURES, "y_test": ["a", "b", "c"]},
        {"x_test": PICTURES[..., 0], "y_test": [1, 2, 3]},
        {"x_test": PICTURES.astype(float), "y_test": [1, 2, 3]},
        {"x_test": PICTURES},
        {"x_test": PICTURES, "y_test": np.array([1, None, 2], object)},
        {"x_test": np.zeros((70_000, 32, 32, 3), np.uint8)[:0].reshape(0, 32, 32, 3), "y_test": [1]},
    ],
    ids=["length", "nan", "ten", "negative", "half", "text", "shape", "floats", "missing", "objects", "none"],
)
def test_selections_that_do_not_fit(tmp_path, arrays):
    np.savez(tmp_path / "cifar10-11k.npz", **arrays)
    with pytest.raises(DataFileError, match="is damaged"):
        nn.datasets.load_cifar10("test", root=tmp_path)


@pytest.mark.parametrize("shape", [(10**12, 32, 32, 3), (5, 32, 32, 3)])
def test_a_selection_whose_header_says_more_than_it_holds(tmp_path, shape):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "cifar10-11k.npz", "w") as archive:
        archive.writestr("x_test.npy", head.getvalue() + bytes(100))
        archive.writestr("y_test.npy", b"")
    with pytest.raises(DataFileError, match="is damaged"):
        nn.datasets.load_cifar10("test", root=tmp_path)


def test_every_torn_selection_and_archive_is_told(tmp_path):
    rng = np.random.default_rng(0)
    np.savez_compressed(tmp_path / "cifar10-11k.npz", x_test=PICTURES, y_test=[1, 2, 3])
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        info, content = cifar_member("test_batch.bin", RECORD)
        archive.addfile(info, io.BytesIO(content))
    for name in ("cifar-10-binary.tar.gz", "cifar10-11k.npz"):  # the first is looked for first
        whole = (tmp_path / name).read_bytes()
        for _ in range(60):
            torn = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.5 else whole)
            torn[rng.integers(len(torn))] ^= int(rng.integers(1, 256))
            (tmp_path / name).write_bytes(torn)
            try:
                X, y = nn.datasets.load_cifar10("test", root=tmp_path)
            except DataFileError:
                continue
            assert X.shape == (len(y), 3, 32, 32) and set(y) <= set(range(10))
        (tmp_path / name).unlink()


# -- numbers in tables -----------------------------------------------------------------------------


def targets(tmp_path, *cells, **options):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"1,{cell}\n" for cell in cells))
    return nn.datasets.load_csv(path, target="b", **options)[1]


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        (("9007199254740993", "1"), "f4", [2**53 + 1, 1]),
        (("9223372036854775807", "-9223372036854775808"), "f4", [2**63 - 1, -(2**63)]),
        (("1e20", "2"), "f8", [1e20, 2.0]),
        (("inf", "1"), "f4", [np.inf, 1.0]),
        (("1.5", "-inf"), "f4", [1.5, -np.inf]),
        (("1e3", "4"), "f4", [1000, 4]),
        (("18446744073709551616", "1"), "f4", [2.0**64, 1.0]),
    ],
)
def test_targets_keep_their_value(tmp_path, cells, dtype, expected):
    y = targets(tmp_path, *cells, dtype=dtype)
    assert y.tolist() == expected and y.dtype == (np.int64 if isinstance(expected[0], int) else dtype)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("1e20", "2"), "'1e20' is beyond int64, and float32 would round it"),
        (("100000000000000000001", "2"), "'100000000000000000001' is beyond int64"),
        (("1e40", "1.5"), "'1e40' is not a number that float32 can hold"),
        (("1e400", "1.5"), "'1e400' is not a number that float32 can hold"),
        (("-nan", "1"), "'-nan' is not a number"),
    ],
)
def test_targets_that_would_become_others(tmp_path, cells, message):
    with pytest.raises(DataError, match=f"line 2, target 'b': {message}"):
        targets(tmp_path, *cells)


def test_inputs_keep_their_value_or_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n-nan,9007199254740993\n+NaN,-1\n")
    X = nn.datasets.load_csv(path, missing=0.0, dtype=np.int64)
    assert X.tolist() == [[0, 2**53 + 1], [0, -1]]
    with pytest.raises(DataError, match=r"line 2, column 'a': '-nan' is not a number; give missing=0\.0"):
        nn.datasets.load_csv(path)
    for cell, dtype in (
        ("1e40", "f4"),
        ("1.5", "i8"),
        ("1e20", "i8"),
        ("inf", "i8"),
        ("300", "u1"),
        ("-1", "u1"),
    ):
        path.write_text(f"a\n{cell}\n")
        with pytest.raises(DataError, match=f"line 2, column 'a': '{cell}' is not a number that"):
            nn.datasets.load_csv(path, dtype=dtype)


def test_what_is_saved_is_what_other_programs_read(path):
    nn.save({"x": np.arange(3.0)}, path)
    assert safetensors.numpy.load_file(path)["x"].tolist() == [0, 1, 2]


def test_paths_that_the_system_cannot_look_up(tmp_path, monkeypatch):
    state, picture = {"w": np.ones(2)}, visualize.draw(Tensor(1.0, requires_grad=True) * 2.0)
    long = "/".join(["b" * 200] * 30)
    (tmp_path / "file").touch()
    for path, said in ((long, "name too long"), (tmp_path / "file" / "x", "Not a directory")):
        for save in (lambda path: nn.save(state, path), lambda path: picture.save(f"{path}.dot")):
            with pytest.raises(FileError, match=said):
                save(path)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for call in (
        lambda: nn.save(state, "w.safetensors"),
        lambda: nn.load("w.safetensors"),
        lambda: picture.save("w.dot"),
    ):
        with pytest.raises(FileError, match="w"):
            call()
