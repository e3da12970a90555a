import os

import numpy as np
import pytest
import safetensors.numpy

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


TREE = {
    "model": {"0.weight": np.ones((2, 3), np.float32), "0.bias": np.zeros(2)},
    "model.0": {"weight": np.arange(3)},  # called as the one above
    "state": {0: {"step": 3, "exp_avg": np.array([0.1])}, 1: {}},
    "betas": (0.9, 0.999),
    "rates": [0.1, 1 / 3, float("inf"), 5e-324, np.float32(0.1), np.int64(3)],
    "words": ["größer", "", None, True],
    "seed": 2**127 - 1,
    7: [[], (), {}],
}


def same(a, b):
    """Whether two trees are equal in values, kinds and dtypes."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


def test_trees_come_back_with_every_kind_as_it_was(path):
    nn.save(TREE, path)
    assert same(nn.load(path), TREE)
    assert not same(TREE, {**TREE, "betas": [0.9, 0.999]})


def test_a_nan_comes_back(path):
    nn.save({"best": float("nan")}, path)
    assert np.isnan(nn.load(path)["best"])


def test_other_programs_read_the_arrays_of_a_tree_by_their_paths(path):
    nn.save({"model": {"0.bias": np.arange(2)}, "epoch": 3}, path)
    assert safetensors.numpy.load_file(path)["model.0.bias"].tolist() == [0, 1]


@pytest.mark.parametrize("name", [".x", "x.", "", "a.b", "__dict__", "größer"])
def test_names_come_back_as_they_were(path, name):
    nn.save({name: np.ones(2), "other": np.zeros(1)}, path)
    assert set(nn.load(path)) == {name, "other"}


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
        ({"x": {"y": nn.ReLU()}}, r"x\.y is a ReLU.*value\.state_dict\(\)"),
        ({"x": [0, b"text"]}, r"x\.1 is a bytes"),
        ({"x": np.array(["text"])}, "x is an array of dtype <U4"),
        ({"x": {(1, 2): 3}}, r"the key \(1, 2\) of x"),
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
    with pytest.raises(ValueError, match="not a safetensors file"):
        nn.load(path)


# -- damaged and hostile files ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [ARRAYS, TREE], ids=["arrays", "tree"])
def test_no_flipped_bit_changes_what_is_loaded(path, state):
    nn.save(state, path)
    content, whole = path.read_bytes(), nn.load(path)
    rng, refused = np.random.default_rng(0), 0
    for place in rng.integers(len(content), size=300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            loaded = nn.load(path)
        except DataError:
            refused += 1
        else:  # the bit was one of the name of the checksum, or of a blank
            assert loaded.keys() == whole.keys() and all(same(loaded[k], whole[k]) for k in whole), place
    assert refused > 250


def test_a_file_of_which_a_part_was_never_written(path):
    nn.save({"x": np.arange(1000.0)}, path)
    content = path.read_bytes()
    path.write_bytes(content[:-4000] + bytes(4000))
    with pytest.raises(DataError, match="not those that were written"):
        nn.load(path)


@pytest.mark.parametrize(
    "tree",
    [
        "{",
        "[" * 100_000,
        '{"array": "missing"}',
        '{"array": ["x"]}',
        '{"array": {"dict": []}}',
        '{"call": "os.system"}',
        '{"dict": 3}',
        '{"dict": [["key"]]}',
        '{"dict": [[{"dict": []}, 1]]}',
        '{"dict": [], "tuple": []}',
        "{}",
        "3",
        "1" * 10_000,
    ],
    ids=lambda tree: tree[:20],
)
def test_a_hostile_tree_is_an_error(path, tree):
    content = safetensors.numpy.save({"x": np.ones(1)}, {"autograd_lite.tree": tree})
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        nn.load(path)
