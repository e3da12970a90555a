import copy
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nn
from autograd_lite.errors import DataError, OptionError
from nn.compression import Compressed, Encoded, Huffman, code_lengths, compress, kmeans_1d, share_weights
from nn.utils import prune

# -- Huffman ---------------------------------------------------------------------------------------


@given(arrays.arrays(np.int64, st.integers(0, 200), elements=st.integers(0, 40)))
def test_what_is_encoded_is_decoded(numbers):
    np.testing.assert_array_equal(Huffman.encode(numbers).decode(), numbers)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_words_are_as_short_as_shannon_allows(counts):
    lengths, counts = code_lengths(counts).astype(float), np.array(counts, float)
    used = counts > 0
    assert (lengths[~used] == 0).all() and (lengths[used] > 0).all()
    if used.sum() < 2:
        return
    assert sum(2.0 ** -lengths[used]) == 1  # Kraft: no word could be shorter without lengthening another
    p = counts[used] / counts.sum()
    entropy, mean = -(p * np.log2(p)).sum(), (p * lengths[used]).sum()
    assert entropy - 1e-9 <= mean < entropy + 1


def test_no_code_is_shorter_than_huffmans():
    counts = np.array([7, 1, 4, 4, 2])
    lengths = [
        each for each in itertools.product(range(1, 5), repeat=5) if sum(2.0**-n for n in each) <= 1
    ]  # all lengths that words of a prefix code can have
    best = min((counts * each).sum() for each in np.array(lengths))
    assert (counts * code_lengths(counts)).sum() == best


def test_no_word_begins_another():
    lengths = code_lengths([50, 20, 20, 5, 3, 1, 1])
    words = {}
    for number in range(7):
        code = Huffman(1, lengths, np.zeros(1, np.uint8))
        for value in range(256):
            payload = np.array([value], np.uint8)
            if Huffman(1, lengths, payload).decode()[0] == number:
                words.setdefault(number, set()).add(format(value, "08b")[: lengths[number]])
        assert len(words[number]) == 1 and code.count == 1
    flat = [next(iter(w)) for w in words.values()]
    assert not any(a != b and b.startswith(a) for a in flat for b in flat)


def test_a_cut_code_is_told():
    code = Huffman.encode(np.arange(100) % 7)
    with pytest.raises(DataError, match="ends after"):
        Huffman(code.count, code.lengths, code.payload[:-2]).decode()
    with pytest.raises(DataError, match="57 bits"):
        code_lengths([int(1.7**i) for i in range(90)])


def test_skewed_counts_give_long_words_that_still_decode():
    numbers = np.repeat(np.arange(16), [2**i for i in range(16)])
    code = Huffman.encode(np.random.default_rng(0).permutation(numbers))
    assert code.lengths.max() == 15
    np.testing.assert_array_equal(np.sort(code.decode()), numbers)


# -- arrays ----------------------------------------------------------------------------------------

ARRAYS = arrays.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=40),
    elements=st.sampled_from([0.0, -0.0, 1.5, math.inf, math.nan]),
)


@given(ARRAYS)
def test_every_array_comes_back_to_the_last_bit(array):
    code = Encoded.of(array)
    back = code.decode()
    assert back.shape == array.shape and back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
    assert code.bits <= code.bits_before


@pytest.mark.parametrize("share", [0.0, 1e-4, 0.003, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("values", [None, 16])
def test_sparse_and_shared_arrays_come_back_and_are_small(share, values):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 200)).astype(np.float32)
    x = x if values is None else np.round(x * 4) / 4
    x[rng.random(x.shape) >= share] = 0
    code = Encoded.of(x)
    assert code.decode().tobytes() == x.tobytes()
    # Shannon's bound for the positions and the values apart; and tables of 8 bits for each gap and value.
    h = 0 if share in (0, 1) else -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    each = 32 if values is None else 5
    assert code.bits <= 1.1 * x.size * (h + share * each) + 8 * (256 + 64)


def test_other_dtypes_come_back():
    for array in (
        np.arange(10),
        np.array([True, False]),
        np.zeros(3, complex),
        np.array(7),
        np.arange(3) * 1j,
    ):
        back = Encoded.of(array).decode()
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


# -- shared weights --------------------------------------------------------------------------------


@given(
    arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-100, 100, width=16)), st.integers(1, 9)
)
def test_kmeans_comes_to_rest(values, k):
    centres, members = kmeans_1d(values, k)
    assert len(centres) <= k and (np.diff(centres) > 0).all()
    distances = np.abs(values[:, None] - centres)
    np.testing.assert_allclose(distances[np.arange(len(values)), members], distances.min(axis=1), atol=1e-9)
    for i, centre in enumerate(centres):
        assert values[members == i].mean() == pytest.approx(centre, abs=1e-9)


def test_kmeans_finds_clusters_that_are_there():
    rng = np.random.default_rng(0)
    true = np.array([-3.0, -1.0, 0.5, 4.0])
    values = (true[rng.integers(0, 4, 500)] + rng.uniform(-0.1, 0.1, 500)).astype(np.float32)
    centres, members = kmeans_1d(values, 4)
    assert centres.dtype == np.float32
    np.testing.assert_allclose(centres, true, atol=0.02)
    np.testing.assert_allclose(values, centres[members], atol=0.12)


def test_the_hole_that_pruning_leaves_costs_no_centres():
    values = np.concatenate([np.linspace(-1, -0.9, 500), np.linspace(0.9, 1, 500)])
    centres, members = kmeans_1d(values, 32)
    assert len(centres) == 32
    assert np.abs(values - centres[members]).max() < 2 * 0.1 / 32


@pytest.mark.parametrize("pruned", [False, True])
def test_the_gradient_of_a_shared_value_is_the_sum_over_its_members(pruned):
    nn.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3).double()
    if pruned:
        prune.l1_unstructured(layer, "weight", amount=0.5)
    share_weights(layer, bits=2)
    x = np.random.default_rng(0).normal(size=(2, 2, 5, 5))
    twin = nn.Conv2d(2, 3, 3).double()
    twin.weight.data, twin.bias.data = layer.weight.numpy().copy(), layer.bias.numpy().copy()
    for each in (layer, twin):
        (each(x) ** 2).sum().backward()
    codes, kept = layer.weight_codes, layer.weight.numpy() != 0
    expected = [twin.weight.grad.numpy()[(codes == i) & kept].sum() for i in range(4)]
    np.testing.assert_allclose(layer.weight_codebook.grad.numpy(), expected)
    assert len(np.unique(layer.weight.numpy())) == 4 + pruned
    assert kept.mean() == (0.5 if pruned else 1)


def test_shared_weights_are_saved_copied_and_given_back():
    nn.manual_seed(0)
    layer = share_weights(nn.Linear(20, 10), bits=3)
    assert sorted(layer.state_dict()) == ["bias", "weight_codebook", "weight_codes"]
    twin = share_weights(nn.Linear(20, 10), bits=3)
    twin.load_state_dict(layer.state_dict())
    weights = layer.weight.numpy()
    np.testing.assert_array_equal(twin.weight.numpy(), weights)
    np.testing.assert_array_equal(copy.deepcopy(layer).weight.numpy(), weights)
    nn.compression.unshare_weights(layer)
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_array_equal(layer.weight.numpy(), weights)


def test_mistakes_are_told():
    layer = nn.Linear(3, 2)
    with pytest.raises(OptionError, match="bits=0"):
        share_weights(layer, bits=0)
    with pytest.raises(DataError, match="no parameter 'kernel'"):
        share_weights(layer, "kernel")
    with pytest.raises(DataError, match="does not share"):
        nn.compression.unshare_weights(layer)
    with pytest.raises(DataError, match="no weights left"):
        share_weights(prune.l1_unstructured(layer, "weight", amount=1.0))


# -- all three stages ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_digits_are_read_by_a_fraction_of_the_bits():
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))

    def trained(epochs, lr):
        optimizer = nn.optim.Adam(model.parameters(), lr=lr)
        trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, ["accuracy"])
        trainer.fit(X, y, epochs=epochs, verbose=False)
        return trainer.evaluate(X_test, y_test)["accuracy"]

    dense = trained(10, 2e-3)
    linear = [module for module in model if isinstance(module, nn.Linear)]
    for amount in (0.7, 0.5, 0.5):
        prune.global_unstructured([(m, "weight") for m in linear], prune.L1Unstructured, amount=amount)
        pruned = trained(5, 2e-3)
    for module in linear:
        share_weights(module, bits=4)
    shared = trained(5, 5e-4)
    small = compress(model)
    print(f"accuracy {dense:.3f}, pruned {pruned:.3f}, shared {shared:.3f}")
    print(small)
    assert min(pruned, shared) > dense - 0.02 and dense > 0.95
    assert small.ratio > 30
    twin = nn.Sequential(nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
    twin.load_state_dict(small.decode())
    np.testing.assert_array_equal(twin(X_test).numpy(), model(X_test).numpy())
    assert not any(name.endswith("_codes") for name in small.arrays)
    assert small.bits == sum(sum(array.parts.values()) for array in small.arrays.values())


def test_a_dense_model_is_not_made_larger_and_stays_as_it_was():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))
    share_weights(model[0], bits=3)
    before = model.state_dict()
    small = compress(model)
    assert isinstance(small, Compressed) and small.ratio >= 1
    assert "1.num_batches_tracked" in str(small)
    assert list(model.state_dict()) == list(before)
