import os

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, FileError

ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "every other": np.arange(10)[::2],
    "reversed": np.arange(4.0)[::-1],
    "broadcast": np.broadcast_to(np.float16(1.5), (2, 2)),
    "number": np.array(7),
    "empty": np.zeros((0, 3)),
    "mask": np.array([True, False]),
    "bytes": np.arange(3, dtype=np.uint8),
    "big-endian": np.arange(3, dtype=">f8"),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_what_is_loaded_is_what_was_saved(path):
    nn.save(ARRAYS, path)
    loaded = nn.load(path)
    assert set(loaded) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array, err_msg=name, strict=name != "big-endian")
    loaded["matrix"][0] = 9  # it can be written into


def test_a_model_comes_back(path):
    model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    nn.save(model.state_dict(), str(path))
    twin.load_state_dict(nn.load(str(path)))
    np.testing.assert_array_equal(twin.weight.numpy(), model.weight.numpy())


def test_tensors_are_saved_as_their_values(path):
    nn.save({"x": Tensor([1.0, 2.0], requires_grad=True)}, path)
    assert nn.load(path)["x"].tolist() == [1, 2]


def test_a_file_is_replaced_whole_and_nothing_else_stays_behind(path):
    nn.save({"x": np.zeros(1000)}, path)
    nn.save({"x": np.ones(2)}, path)
    assert nn.load(path)["x"].tolist() == [1, 1]
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupted_write_leaves_the_old_file(path, monkeypatch):
    nn.save({"x": np.ones(2)}, path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        nn.save({"x": np.zeros(1000)}, path)
    assert nn.load(path)["x"].tolist() == [1, 1]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("place", ["missing/model.safetensors", "."])
def test_a_place_that_cannot_be_written(tmp_path, place):
    with pytest.raises(FileError, match="cannot write"):
        nn.save({"x": np.ones(2)}, tmp_path / place)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (nn.ReLU(), r"model\.state_dict\(\)"),
        ({"x": {"y": np.ones(1)}}, "x is a dict"),
        ({"x": "text"}, "x is a str"),
        ({"x": np.ones(2, np.longdouble)}, "cannot store"),
    ],
)
def test_what_cannot_be_saved(path, state, message):
    with pytest.raises(DTypeError, match=message):
        nn.save(state, path)
    assert not path.exists()


def test_a_file_that_is_not_there(path):
    with pytest.raises(OSError, match=r"model\.safetensors does not exist"):
        nn.load(path)


@pytest.mark.parametrize("keep", [0, 4, 20, -1])
def test_a_file_that_was_cut_off(path, keep):
    nn.save(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"model\.safetensors .* is cut off"):
        nn.load(path)


def test_a_file_of_another_kind(path):
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(ValueError, match="no safetensors file"):
        nn.load(path)
