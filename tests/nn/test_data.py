import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, FileError, OptionError, ShapeError
from nn.datasets import digits

X, Y = np.arange(20).reshape(10, 2), np.arange(10)


class Squares(nn.Dataset):
    """Samples that are made one by one."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return {"x": np.full(2, i), "pair": (i, i * i)}


def test_batches_come_in_order_and_cover_all():
    loader = nn.DataLoader(nn.TensorDataset(X, Y), batch_size=4)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [x.shape for x, _ in batches] == [(4, 2), (4, 2), (2, 2)]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y)


def test_drop_last():
    loader = nn.DataLoader(nn.TensorDataset(X, Y), batch_size=4, drop_last=True)
    assert len(loader) == 2
    assert [len(y) for _, y in loader] == [4, 4]


def test_shuffling_is_a_new_order_of_the_same_pairs_each_epoch():
    loader = nn.DataLoader(nn.TensorDataset(X, Y), 3, shuffle=True, generator=np.random.default_rng(0))
    epochs = [np.concatenate([y.numpy() for _, y in loader]) for _ in range(2)]
    assert not np.array_equal(*epochs)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), Y)
    assert all((x[:, 0] == 2 * y).all() for x, y in loader)


def test_the_order_follows_the_seed():
    loader = nn.DataLoader(nn.TensorDataset(Y), 10, shuffle=True)
    orders = []
    for seed in (1, 1, 2):
        nn.manual_seed(seed)
        orders.append([y.tolist() for (y,) in loader])
    assert orders[0] == orders[1] != orders[2]


def test_samples_of_any_structure_are_put_together():
    batch = next(iter(nn.DataLoader(Squares(), batch_size=3)))
    assert batch["x"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert [part.tolist() for part in batch["pair"]] == [[0, 1, 2], [0, 1, 4]]
    assert [b.tolist() for b in nn.DataLoader([1.0, 2.0, 3.0], 2)] == [[1, 2], [3]]
    assert list(nn.DataLoader("abc", 2, collate_fn="".join)) == ["ab", "c"]


def test_samples_are_of_the_kind_that_was_given_and_batches_are_tensors():
    dataset = nn.TensorDataset(Tensor(X), Y)
    assert len(dataset) == 10
    assert [type(part) for part in dataset[:3]] == [Tensor, np.ndarray]
    for batch in nn.DataLoader(dataset, 4), nn.DataLoader([(x, int(y)) for x, y in dataset], 4):
        assert all(type(part) is Tensor and not part.requires_grad for part in next(iter(batch)))
    assert next(iter(nn.DataLoader([("a", 1), ("b", 2)], 2)))[0] == ["a", "b"]


def test_data_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"\(10, 2\), \(9,\)"):
        nn.TensorDataset(X, Y[:9])
    for none in ((), (1.0,)):
        with pytest.raises(ShapeError):
            nn.TensorDataset(*none)
    with pytest.raises(ShapeError, match="collate_fn"):
        list(nn.DataLoader([np.ones(2), np.ones(3)], 2))
    for size in (0, -1, 2.5):
        with pytest.raises(OptionError, match="batch_size"):
            nn.DataLoader([1], batch_size=size)


# -- the digits ------------------------------------------------------------------------------------


def test_the_digits_are_what_they_should_be():
    images, labels = nn.datasets.load_digits()
    assert images.shape == (1797, 64)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # The first is a zero: dark in the middle, bright around it.
    zero = images[0].reshape(8, 8)
    assert zero[3:5, 3:5].sum() == 0
    assert zero[1, 2:6].sum() > 2


def test_the_split_takes_every_digit_once_and_is_always_the_same():
    images, _ = nn.datasets.load_digits()
    nn.manual_seed(1)
    (train, y), (test, t) = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    assert (len(train), len(y), len(test), len(t)) == (1437, 1437, 360, 360)
    rows = sorted(map(bytes, np.concatenate([train, test])))
    assert rows == sorted(map(bytes, images))
    nn.manual_seed(2)
    np.testing.assert_array_equal(nn.datasets.load_digits("test")[0], test)
    assert t[:8].tolist() == [6, 6, 6, 2, 5, 6, 6, 2]
    with pytest.raises(OptionError, match='"train"'):
        nn.datasets.load_digits("valid")


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:900] + b"\0" + b[901:]])
def test_a_damaged_file_is_named_with_its_repair(tmp_path, monkeypatch, damage):
    path = tmp_path / "digits-8x8.npz"
    path.write_bytes(damage(digits.FILE.read_bytes()))
    monkeypatch.setattr(digits, "FILE", path)
    with pytest.raises(DataError, match="damaged.*--force-reinstall") as error:
        nn.datasets.load_digits()
    assert str(path) in str(error.value)


def test_a_missing_file_is_named_with_its_repair(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "FILE", tmp_path / "none.npz")
    with pytest.raises(FileError, match=r"none\.npz.*--force-reinstall"):
        nn.datasets.load_digits()
