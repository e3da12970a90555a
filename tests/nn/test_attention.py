import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, IndexingError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from tests.helpers import check_both_orders, second_order

rng = np.random.default_rng(0)
B, L, S, E = 2, 3, 4, 6
HIDDEN = np.array([[False, False, False, True], [False, False, False, False]])
SEEN = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 1]], bool)


def test_attention_averages_the_values():
    q, k, v = rng.normal(size=(L, E)), rng.normal(size=(S, E)), rng.normal(size=(S, 2))
    y = nn.functional.scaled_dot_product_attention(q, k, v, SEEN)
    for i in range(L):
        w = np.exp(k[SEEN[i]] @ q[i] / np.sqrt(E))
        np.testing.assert_allclose(y[i], w @ v[SEEN[i]] / w.sum())


@second_order
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": SEEN}, {"scale": 0.3}], ids=str)
def test_derivatives_of_attention(options, along):
    f = nn.functional.scaled_dot_product_attention
    args = (rng.normal(size=(B, L, E)), rng.normal(size=(B, S, E)), rng.normal(size=(B, S, 2)))
    check_both_orders(lambda q, k, v: f(q, k, v, **options), args, along)


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": SEEN}, {"scale": 0.3}], ids=str)
def test_attention_is_that_of_torch(torch, options):
    args = [rng.normal(size=(B, 2, n, E)) for n in (L, S, S)]
    ours = nn.functional.scaled_dot_product_attention(*args, **options)
    options = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    theirs = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, args), **options)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-9)


def compare(ours, theirs, torch, args, options):
    """Outputs, and gradients of inputs and parameters, with the same state."""
    ours = ours.double()
    theirs = theirs.double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    xs = [ag.Tensor(x, requires_grad=True) for x in args]
    ts = [torch.tensor(x, requires_grad=True) for x in args]
    twins = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    y, t = ours(*xs, **options), theirs(*ts, **twins)
    for a, b in zip(y if isinstance(y, tuple) else [y], t if isinstance(t, tuple) else [t], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-6, atol=1e-10)
    first, twin = (v[0] if isinstance(v, tuple) else v for v in (y, t))
    (first**3).sum().backward()
    (twin**3).sum().backward()
    for x, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-6, atol=1e-10)
    named = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        np.testing.assert_allclose(p.grad.numpy(), named[name].grad.numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("layer", "call"),
    [
        ({}, {}),
        ({"bias": False}, {"need_weights": False}),
        ({"batch_first": True}, {"key_padding_mask": HIDDEN, "average_attn_weights": False}),
        ({"batch_first": True}, {"attn_mask": ~SEEN}),
        ({"kdim": 5, "vdim": 3}, {"attn_mask": rng.normal(size=(B * 3, L, S))}),
        (
            {"batch_first": True},
            {"attn_mask": np.where(SEEN, 0, -1.0), "key_padding_mask": np.where(HIDDEN, -2.0, 0)},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_multihead_attention_is_that_of_torch(torch, layer, call):
    sizes = (E, layer.get("kdim", E), layer.get("vdim", E))
    args = [rng.normal(size=(B, n, size)) for n, size in zip((L, S, S), sizes, strict=True)]
    if not layer.get("batch_first"):
        args = [x.swapaxes(0, 1) for x in args]
    nn.manual_seed(0)
    compare(*(module.MultiheadAttention(E, 3, **layer) for module in (nn, torch.nn)), torch, args, call)


def test_a_single_sequence_needs_no_batch():
    layer = nn.MultiheadAttention(E, 2).double()
    x = rng.normal(size=(L, E))
    y, w = layer(x, x, x)
    batched, weights = layer(x[:, None], x[:, None], x[:, None])
    np.testing.assert_allclose(y.numpy(), batched.numpy()[:, 0])
    np.testing.assert_allclose(w.numpy(), weights.numpy()[0])


CAUSAL = nn.Transformer.generate_square_subsequent_mask(L).astype(float)


@pytest.mark.torch
@pytest.mark.parametrize(
    "options", [{}, {"norm_first": True, "activation": "gelu"}, {"batch_first": True}], ids=str
)
@pytest.mark.parametrize("masked", [False, True])
def test_transformer_layers_are_those_of_torch(torch, options, masked):
    options = {"dropout": 0.0, "dim_feedforward": 8, **options}
    mask, hidden = ({"src_mask": CAUSAL}, {"tgt_mask": CAUSAL}) if masked else ({}, {})
    shapes = [(B, L, E), (B, S, E)] if options.get("batch_first") else [(L, B, E), (S, B, E)]
    x, memory = (rng.normal(size=shape) for shape in shapes)
    nn.manual_seed(0)
    encoders = [module.TransformerEncoderLayer(E, 2, **options) for module in (nn, torch.nn)]
    decoders = [module.TransformerDecoderLayer(E, 2, **options) for module in (nn, torch.nn)]
    compare(*encoders, torch, [x], mask)
    compare(*decoders, torch, [x, memory], hidden)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")  # PyTorch's
def test_the_transformer_is_that_of_torch(torch):
    options = {"num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 8, "dropout": 0.0}
    nn.manual_seed(0)
    ours, theirs = (module.Transformer(E, 2, **options) for module in (nn, torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    args = [rng.normal(size=(S, B, E)), rng.normal(size=(L, B, E))]
    compare(ours, theirs, torch, args, {"tgt_mask": CAUSAL})
    np.testing.assert_array_equal(CAUSAL, theirs.generate_square_subsequent_mask(L).numpy())


def test_layers_of_a_stack_are_copies():
    layer = nn.TransformerEncoderLayer(E, 2, 8)
    stack = nn.TransformerEncoder(layer, 3)
    assert len(list(stack.parameters())) == 3 * len(list(layer.parameters()))


def test_attention_does_not_see_the_future():
    layer = nn.TransformerEncoderLayer(E, 2, 8, dropout=0.0).double()
    x = rng.normal(size=(L, 1, E))
    changed = x.copy()
    changed[-1] += 1
    a, b = (layer(v, is_causal=True).numpy() for v in (x, changed))
    np.testing.assert_allclose(a[:-1], b[:-1], rtol=1e-12)
    assert not np.allclose(a[-1], b[-1])


def test_positions_are_encoded():
    x = np.zeros((4, 2, 5))
    y = nn.PositionalEncoding(5, dropout=0.0)(x)
    t = np.arange(4)[:, None]
    rate = 10000.0 ** (-np.arange(0, 5, 2) / 5)
    np.testing.assert_allclose(y[:, 0, 0::2], np.sin(t * rate), atol=1e-6)
    np.testing.assert_allclose(y[:, 1, 1::2], np.cos(t * rate[:2]), atol=1e-6)
    np.testing.assert_allclose(nn.PositionalEncoding(5, 0.0, batch_first=True)(x.swapaxes(0, 1))[0], y[:, 0])


# -- embeddings ------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embeddings_are_those_of_torch(torch, padding):
    ours, theirs = nn.Embedding(5, 3, padding).double(), torch.nn.Embedding(5, 3, padding).double()
    if padding is not None:
        assert not ours.weight.numpy()[padding].any()
    theirs.load_state_dict({"weight": torch.tensor(ours.weight.numpy())})
    indices = np.array([[1, 2, 2], [0, 4, 1]])
    (ours(indices) ** 3).sum().backward()
    (theirs(torch.tensor(indices)) ** 3).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-9)


def test_embeddings_of_ones_own():
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert layer([2]).tolist() == [[4.0, 5.0]] and not layer.weight.requires_grad
    check_grads(lambda w: nn.functional.embedding(np.array([[0, 1], [1, 1]]), w), (table,))
    assert repr(nn.Embedding(3, 2, 0)) == "Embedding(3, 2, padding_idx=0)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(3, 2)(np.array([3])), IndexingError, "from 3 to 3, but there are 3 vectors"),
        (lambda: nn.Embedding(3, 2)(np.array([1.0])), DTypeError, r"x.astype\(int\)"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), OptionError, "padding_idx=3"),
        (lambda: nn.MultiheadAttention(6, 4), OptionError, "6 is no multiple of 4 heads"),
        (lambda: nn.MultiheadAttention(6, 2)(*[np.zeros((2, 3, 5))] * 3), ShapeError, r"\(L, B, 6\), got"),
        (lambda: nn.TransformerEncoderLayer(6, 2, activation="tan"), OptionError, '"relu", "gelu"'),
        (lambda: nn.PositionalEncoding(4, max_len=2)(np.zeros((3, 1, 4))), ShapeError, "up to 2 positions"),
        (lambda: nn.functional.one_hot([3], 3), IndexingError, "classes 0 to 2"),
    ],
)
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
