import contextlib

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn.functional import recurrent
from nn.kernels import native, threads
from tests.helpers import check_both_orders, second_order

rng = np.random.default_rng(0)
T, B, I, H = 4, 3, 2, 5  # noqa: E741
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def inputs(op, bias=True):
    rows = GATES[op] * H
    states = [rng.normal(size=(B, H)) for _ in range(2 if op == "lstm" else 1)]
    weights = [rng.normal(size=shape) / 2 for shape in [(rows, I), (rows, H)]]
    biases = [rng.normal(size=rows) for _ in range(2)] if bias else [None, None]
    return [rng.normal(size=(T, B, I)), *states, *weights, *biases]


OPTIONS = [
    {},
    {"reverse": True},
    {"lengths": np.array([4, 1, 3])},
    {"lengths": np.array([2, 0, 3]), "reverse": True},
]


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_kernels_are_their_definitions(op, options, bias):
    require_definition(op, options, bias)


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("steps", [1, 3])
def test_long_sequences_in_chunks_on_two_threads(monkeypatch, op, options, steps):
    begun = []

    @contextlib.contextmanager
    def counted(wanted):
        with threads.beside(wanted) as start:
            yield lambda *work: begun.append(wanted) or start(*work)

    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: 2, lambda n: None))
    monkeypatch.setattr(native, "library", lambda: None)  # the NumPy twin
    monkeypatch.setattr(recurrent.kernels, "beside", counted)
    monkeypatch.setattr(recurrent.kernels, "ROWS", steps * B)
    monkeypatch.setattr(recurrent.kernels, "LARGE", 0)
    require_definition(op, options, bias=True)
    assert begun and all(begun)
    assert len(begun) % (3 * -(-T // steps)) == 0  # the inputs forward, inputs and states backward


def require_definition(op, options, bias):
    """Values and all cotangents, for every output with weights of its own."""
    fused = getattr(recurrent, op)
    values = inputs(op, bias)
    for more in [{}] if op != "rnn" else [{}, {"nonlinearity": "relu"}]:
        results = []
        for f in (fused, fused.__wrapped__):

            def call(*xs, f=f, more=more):
                rest = iter(xs)
                return f(*[None if v is None else next(rest) for v in values], **options, **more)

            out, pull = ag.vjp(call, *[v for v in values if v is not None])
            cotangents = tuple(np.cos(np.arange(y.size)).reshape(y.shape) for y in out)
            results.append((*out, *pull(cotangents)))
        for got, expected in zip(*results, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.few(4)
@second_order
@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("options", OPTIONS[:1] + OPTIONS[3:], ids=str)
def test_derivatives_of_both_orders(op, options, along):
    f = getattr(recurrent, op)
    check_grads(lambda *xs: f(*xs, **options), inputs(op), order=1, modes=("rev",))
    x, *rest = inputs(op)

    def last(x, w):
        return f(x, *rest[:-4], w, *rest[-3:], **options)[0][-1, 0]

    check_both_orders(last, (x, rest[-4]), along)


@pytest.mark.parametrize("op", GATES)
def test_float32_stays_float32(op):
    tensors = [ag.Tensor(v.astype(np.float32), requires_grad=True) for v in inputs(op)]
    for y in getattr(recurrent, op)(*tensors):
        assert y.dtype == np.float32
    y.sum().backward()
    assert all(t.grad.dtype == np.float32 for t in tensors)


def test_only_what_is_wanted_is_computed():
    residuals = recurrent.kernels.lstm(*inputs("lstm"))[1]
    g = [np.ones((T, B, H)), np.ones((B, H)), np.ones((B, H))]
    pulled = recurrent.kernels.lstm_backward(g, residuals, (False, True, True, True, False, False, False))
    assert [x is None for x in pulled] == [True, False, False, False, True, True, True]


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_the_end_of_a_short_sequence_is_as_if_it_stood_alone(name):
    nn.manual_seed(0)
    layer = getattr(nn, name)(I, H, num_layers=2, bidirectional=True, batch_first=True).double()
    x = rng.normal(size=(B, T, I))
    output, last = layer(x, lengths=[4, 2, 3])
    alone, last_alone = layer(x[1, :2])
    np.testing.assert_allclose(output.numpy()[1, :2], alone.numpy(), rtol=1e-12)
    assert not output.numpy()[1, 2:].any()
    for h, h_alone in zip(
        *((s,) if isinstance(s, ag.Tensor) else s for s in (last, last_alone)), strict=True
    ):
        np.testing.assert_allclose(h.numpy()[:, 1], h_alone.numpy(), rtol=1e-12)
    x[1, 2:] = 99  # what comes after the end does not matter
    np.testing.assert_allclose(layer(x, lengths=[4, 2, 3])[0].numpy(), output.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_cell_in_a_loop_is_a_layer(name):
    nn.manual_seed(0)
    layer, cell = getattr(nn, name)(I, H).double(), getattr(nn, f"{name}Cell")(I, H).double()
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state, outputs = rng.normal(size=(T, B, I)), None, []
    for x_t in x:
        state = cell(x_t, state)
        outputs.append(state[0] if name == "LSTM" else state)
    np.testing.assert_allclose(np.stack(outputs).numpy(), layer(x)[0].numpy(), rtol=1e-12)
    one = cell(x[0, 0])
    np.testing.assert_allclose((one[0] if name == "LSTM" else one).numpy(), outputs[0].numpy()[0], rtol=1e-12)


def test_dropout_stands_between_layers_in_training():
    nn.manual_seed(0)
    layer = nn.GRU(I, H, num_layers=2, dropout=0.5)
    x = np.ones((T, B, I), np.float32)
    assert not np.array_equal(layer(x)[0].numpy(), layer(x)[0].numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].numpy(), layer(x)[0].numpy())


def test_what_a_layer_shows():
    assert repr(nn.LSTM(3, 4)) == "LSTM(3, 4)"
    assert repr(nn.GRU(3, 4, 2, batch_first=True)) == "GRU(3, 4, num_layers=2, batch_first=True)"
    assert repr(nn.RNNCell(3, 4, bias=False)) == "RNNCell(3, 4, bias=False)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LSTM(2, 3)(np.zeros((4, 3, 5))), r"LSTM\(2, 3\) expects input of shape \(T, B, 2\)"),
        (lambda: nn.GRU(2, 3)(np.zeros((4, 3, 2)), np.zeros((1, 2, 3))), r"\(1, 3, 3\), got \(1, 2, 3\)"),
        (lambda: nn.LSTM(2, 3)(np.zeros((4, 3, 2)), [np.zeros((1, 3, 3))]), r"2 first state\(s\)"),
        (lambda: nn.RNN(2, 3)(np.zeros((4, 3, 2)), lengths=[1, 2]), r"3 integers from 0 to 4.*got \[1, 2\]"),
        (lambda: nn.RNN(2, 3)(np.zeros((4, 1, 2)), lengths=[5]), r"from 0 to 4"),
        (lambda: nn.LSTMCell(2, 3)(np.zeros((4, 3))), r"shape \(B, 2\) or \(2,\), got \(4, 3\)"),
        (lambda: nn.GRUCell(2, 3)(np.zeros((4, 2)), np.zeros((3, 3))), r"shape \(4, 3\), got \(3, 3\)"),
    ],
)  # fmt: skip
def test_wrong_shapes_are_told(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_wrong_options_are_told():
    with pytest.raises(OptionError, match='"tanh" or "relu"'):
        nn.RNN(2, 3, nonlinearity="sine")
    with pytest.raises(OptionError, match="dropout=1.5"):
        nn.LSTM(2, 3, dropout=1.5)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"batch_first": True, "bias": False},
        {"num_layers": 2, "batch_first": True, "lengths": [4, 2, 3]},
    ],
    ids=str,
)
def test_layers_are_those_of_torch(torch, name, options):
    lengths = options.get("lengths")
    options = {k: v for k, v in options.items() if k != "lengths"}
    nn.manual_seed(1)
    ours = getattr(nn, name)(I, H, **options).double()
    theirs = getattr(torch.nn, name)(I, H, **options).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    shape = (B, T, I) if options.get("batch_first") else (T, B, I)
    x = ag.Tensor(rng.normal(size=shape), requires_grad=True)
    x_t = torch.tensor(x.numpy(), requires_grad=True)
    states = [rng.normal(size=(len(ours.state_dict()) // (4 if ours.bias else 2), B, H)) for _ in range(2)]
    hx = tuple(states) if name == "LSTM" else states[0]
    hx_t = tuple(map(torch.tensor, states)) if name == "LSTM" else torch.tensor(states[0])
    out, last = ours(x, hx, lengths=lengths)
    if lengths is None:
        out_t, last_t = theirs(x_t, hx_t)
    else:
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(x_t, lengths, batch_first=True, enforce_sorted=False)
        out_t, last_t = theirs(packed, hx_t)
        out_t, _ = rnn.pad_packed_sequence(out_t, batch_first=True, total_length=T)
    flat = [out, *(last if name == "LSTM" else [last])]
    flat_t = [out_t, *(last_t if name == "LSTM" else [last_t])]
    sum((y * y).sum() for y in flat).backward()
    sum((y * y).sum() for y in flat_t).backward()
    for y, y_t in zip(flat, flat_t, strict=True):
        np.testing.assert_allclose(y.numpy(), y_t.detach().numpy(), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(x.grad.numpy(), x_t.grad.numpy(), rtol=1e-6, atol=1e-10)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("op", GATES)
def test_complex_gradients(op):
    turned = [v * (1 + 0.5j) for v in inputs(op)]
    loss = lambda *xs: np.abs(getattr(recurrent, op)(*xs)[0]) ** 2
    check_grads(loss, turned, order=1, modes=("rev",))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_batch_of_no_sequences(kind):
    layer = kind(3, 4)
    y, _ = layer(ag.Tensor(np.zeros((5, 0, 3), np.float32), requires_grad=True))
    y.sum().backward()
    assert y.shape == (5, 0, 4)
    assert all(p.grad.shape == p.shape and not p.grad.numpy().any() for p in layer.parameters())


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_nan_after_the_end_of_a_sequence_is_not_read(name):
    nn.manual_seed(0)
    layer = getattr(nn, name)(I, H, bidirectional=True)
    x = rng.normal(size=(T, B, I)).astype(np.float32)
    sums = []
    for padding in (0, np.nan):
        x[2:, 1] = padding
        given = ag.Tensor(x, requires_grad=True)
        output, _ = layer(given, lengths=[4, 2, 3])
        layer.zero_grad()
        (output * output).sum().backward()
        sums.append([output, given.grad, *(p.grad for p in layer.parameters())])
    for a, b in zip(*sums, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
