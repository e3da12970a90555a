"""Padded and packed sequences, alone and as inputs of recurrent layers."""

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn.utils import rnn

rng = np.random.default_rng(0)
LENGTHS = [3, 1, 5, 3]
SEQUENCES = [rng.normal(size=(length, 2)) for length in LENGTHS]


def same(packed, expected):
    for ours, theirs in zip(packed, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours.numpy(), theirs.detach().numpy())


def test_padding_and_back():
    padded = rnn.pad_sequence(SEQUENCES, padding_value=-1.0)
    assert padded.shape == (5, 4, 2) and (padded.numpy()[1:, 1] == -1).all()
    for batch_first in (False, True):
        back = rnn.unpad_sequence(rnn.pad_sequence(SEQUENCES, batch_first), LENGTHS, batch_first)
        for x, y in zip(SEQUENCES, back, strict=True):
            np.testing.assert_array_equal(x, y.numpy())
    left = rnn.pad_sequence([Tensor([1, 2]), Tensor([3])], True, 7, "left")
    assert left.tolist() == [[1, 2], [7, 3]] and left.dtype == np.int64


def test_packing_and_back():
    packed = rnn.pack_sequence(SEQUENCES, enforce_sorted=False)
    assert packed.data.shape == (12, 2) and packed.batch_sizes.tolist() == [4, 3, 3, 1, 1]
    np.testing.assert_array_equal(packed.data.numpy()[:4], [SEQUENCES[i][0] for i in (2, 0, 3, 1)])
    for x, y in zip(SEQUENCES, rnn.unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(x, y.numpy())
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=9, total_length=7)
    assert padded.shape == (4, 7, 2) and lengths.tolist() == LENGTHS and (padded.numpy()[0, 3:] == 9).all()
    assert packed.to(np.float32).data.dtype == np.float32


def test_gradients_go_through():
    def there_and_back(*sequences):
        packed = rnn.pack_sequence(sequences, enforce_sorted=False)
        padded, _ = rnn.pad_packed_sequence(packed._replace(data=packed.data**2), padding_value=3.0)
        return np.sin(padded[1:]) * 2 + padded[:-1]

    check_grads(there_and_back, tuple(SEQUENCES), order=1)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_layers_read_packed_sequences_as_padded_ones_with_lengths(name, batch_first):
    nn.manual_seed(0)
    layer = getattr(nn, name)(2, 3, num_layers=2, bidirectional=True, batch_first=batch_first).double()
    padded = rnn.pad_sequence(SEQUENCES, batch_first)
    expected, expected_last = layer(padded, lengths=LENGTHS)
    packed = rnn.pack_padded_sequence(padded, LENGTHS, batch_first, enforce_sorted=False)
    output, last = layer(packed)
    assert isinstance(output, rnn.PackedSequence)
    np.testing.assert_array_equal(
        rnn.pad_packed_sequence(output, batch_first)[0].numpy(), expected.detach().numpy()
    )
    for a, b in zip(last, expected_last, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: rnn.pack_sequence(SEQUENCES), ShapeError, "write enforce_sorted=False"),
        (lambda: rnn.pack_padded_sequence(np.ones((5, 2)), [5, 0]), ShapeError, "2 integers from 1 to 5"),
        (lambda: rnn.unpad_sequence(np.ones((5, 2)), [6, 1]), ShapeError, "from 1 to 5.*got \\[6, 1\\]"),
        (lambda: rnn.pad_sequence([np.ones((2, 3)), np.ones((2, 4))]), ShapeError, "only in the length L"),
        (lambda: rnn.pad_sequence([]), DataError, "no sequence"),
        (lambda: rnn.pad_sequence(SEQUENCES, padding_side="top"), OptionError, '"right" or "left"'),
        (
            lambda: rnn.pad_packed_sequence(rnn.pack_sequence(SEQUENCES, False), total_length=4),
            OptionError,
            "longest sequence has 5 steps",
        ),
    ],
)
def test_what_does_not_fit_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.torch
def test_functions_are_those_of_torch(torch):
    theirs = torch.nn.utils.rnn
    tensors = [torch.tensor(x) for x in SEQUENCES]
    for options in ({}, {"batch_first": True, "padding_value": 2.0}, {"padding_side": "left"}):
        same([rnn.pad_sequence(SEQUENCES, **options)], [theirs.pad_sequence(tensors, **options)])
    ordered = sorted(range(4), key=lambda i: -LENGTHS[i])
    packed = rnn.pack_sequence([SEQUENCES[i] for i in ordered])
    same(packed, theirs.pack_sequence([tensors[i] for i in ordered]))
    mixed = [SEQUENCES[i] for i in (1, 0, 2)]  # lengths that are all different: torch's sort is not stable
    packed = rnn.pack_sequence(mixed, enforce_sorted=False)
    expected = theirs.pack_sequence([torch.tensor(x) for x in mixed], enforce_sorted=False)
    same(packed, expected)
    for options in ({}, {"batch_first": True, "total_length": 8, "padding_value": 1.0}):
        same(rnn.pad_packed_sequence(packed, **options), theirs.pad_packed_sequence(expected, **options))
    same(rnn.unpack_sequence(packed), theirs.unpack_sequence(expected))
    rebuilt = theirs.PackedSequence(expected.data, expected.batch_sizes, expected.sorted_indices)
    same(rnn.PackedSequence(packed.data, packed.batch_sizes, packed.sorted_indices), rebuilt)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}])
def test_layers_are_those_of_torch_on_packed_sequences(torch, name, options):
    nn.manual_seed(1)
    ours = getattr(nn, name)(2, 3, **options).double()
    theirs = getattr(torch.nn, name)(2, 3, **options).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    x = [ag.Tensor(s, requires_grad=True) for s in SEQUENCES]
    x_t = [torch.tensor(s, requires_grad=True) for s in SEQUENCES]
    rows = options.get("num_layers", 1) * (2 if "bidirectional" in options else 1)
    states = [rng.normal(size=(rows, 4, 3)) for _ in range(2)]
    hx = tuple(map(Tensor, states)) if name == "LSTM" else Tensor(states[0])
    hx_t = tuple(map(torch.tensor, states)) if name == "LSTM" else torch.tensor(states[0])
    out, last = ours(rnn.pack_sequence(x, enforce_sorted=False), hx)
    out_t, last_t = theirs(torch.nn.utils.rnn.pack_sequence(x_t, enforce_sorted=False), hx_t)
    padded, _ = rnn.pad_packed_sequence(out)
    padded_t, _ = torch.nn.utils.rnn.pad_packed_sequence(out_t)
    flat = [padded, *(last if name == "LSTM" else [last])]
    flat_t = [padded_t, *(last_t if name == "LSTM" else [last_t])]
    sum((y**3).sum() for y in flat).backward()
    sum((y**3).sum() for y in flat_t).backward()
    for y, y_t in zip(flat, flat_t, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), y_t.detach().numpy(), rtol=1e-6, atol=1e-10)
    for s, s_t in zip([*x, *ours.parameters()], [*x_t, *theirs.parameters()], strict=True):
        np.testing.assert_allclose(s.grad.numpy(), s_t.grad.numpy(), rtol=1e-6, atol=1e-10)
