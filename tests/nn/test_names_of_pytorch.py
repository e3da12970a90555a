"""Containers, losses, attention, normalized weights and pruning under PyTorch's names and options."""

import copy
import itertools
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, IndexingError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812
from nn.utils import parametrize, prune
from tests.nn.twins import assert_same

RNG = np.random.default_rng(0)


def same_weights(torch, ours, theirs):
    """Fill our parameters with random numbers, and PyTorch's with the same."""
    for p in ours.parameters():
        p.data = RNG.normal(size=p.shape)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({key: torch.tensor(value) for key, value in ours.state_dict().items()})
    return ours, theirs


# -- containers ------------------------------------------------------------------------------------


def numbers(layers):
    return [layer.out_features for layer in layers]


def linears(*sizes):
    return [nn.Linear(1, size) for size in sizes]


@pytest.mark.parametrize("kind", [nn.ModuleList, lambda layers: nn.Sequential(*layers)])
def test_a_list_of_layers_is_a_list(kind):
    layers = kind(linears(1, 2, 3, 4))
    assert numbers(layers[1:3]) == [2, 3] and type(layers[1:3]) is type(layers)
    del layers[-1]
    assert numbers(layers) == [1, 2, 3] and [name for name, _ in layers.named_children()] == ["0", "1", "2"]
    assert layers.pop(0).out_features == 1 and layers.pop().out_features == 3
    layers += linears(5, 6)
    assert numbers(layers + linears(7)) == [2, 5, 6, 7] and numbers(layers) == [2, 5, 6]
    layers.insert(1, *linears(8))
    layers[-1] = nn.Linear(1, 9)
    assert numbers(layers) == [2, 8, 5, 9] and layers[0] in layers
    del layers[1:3]
    assert numbers(layers) == [2, 9] and list(dict(layers.named_parameters()))[-1] == "1.bias"
    for change in (lambda: layers.pop(5), lambda: layers.__setitem__(2, nn.ReLU())):
        with pytest.raises(IndexingError, match="0 to 1"):
            change()


def test_a_chain_is_repeated_and_sliced():
    chain = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.ReLU()))
    assert len(chain * 2) == 4 and len(2 * chain) == 4 and (chain * 2)[2] is chain[0]
    chain *= 2
    assert [name for name, _ in chain.named_layers()] == ["a", "b", "2", "3"]
    with pytest.raises(OptionError, match="at least 1"):
        chain * 0

    class Block(nn.Sequential):
        def __init__(self, width):
            super().__init__(nn.Linear(width, width), nn.ReLU())

    assert type(Block(2)[:1]) is nn.Sequential


def test_dicts_of_layers_and_parameters_are_dicts():
    for entries, values in (
        (nn.ModuleDict(), linears(1, 2, 3)),
        (nn.ParameterDict(), [np.ones(n) for n in (1, 2, 3)]),
    ):
        entries.update(zip("abc", values, strict=True))
        entries["keys"] = values[0]  # a name may be that of a method
        assert list(entries) == list(entries.keys()) == ["a", "b", "c", "keys"] and "b" in entries
        assert [value is entries[name] for name, value in entries.items()] == [True] * 4
        entries.pop("keys")
        with pytest.raises(IndexingError, match="it has a, b, c"):
            entries.pop("d")
        assert entries.pop("d", 5) == 5
        del entries["a"]
        assert len(entries) == len(list(entries.values())) == 2
        entries.clear()
        assert len(entries) == 0 and not list(entries.parameters())


def test_a_dict_of_parameters_has_the_operators_of_a_dict():
    one = nn.ParameterDict({"b": np.ones(2), "a": np.zeros(3)})
    assert list(one) == ["a", "b"]  # a plain dict is sorted, as in PyTorch
    both = one | {"c": np.ones(1)}
    assert list(both) == ["a", "b", "c"] and both["a"] is one["a"] and list(one) == ["a", "b"]
    assert list({"c": np.ones(1)} | one) == ["c", "a", "b"]
    one |= nn.ParameterDict({"d": np.ones(1)})
    assert list(reversed(one)) == ["d", "b", "a"] and one.popitem()[0] == "d"
    assert one.get("z") is None and one.setdefault("z", np.ones(4)).shape == (4,) and "z" in one
    assert list(one.copy().fromkeys(["x", "y"], np.ones(1))) == ["x", "y"]
    one["text"] = "not learned"
    assert one["text"] == "not learned" and len(list(one.parameters())) == 3
    assert list(copy.deepcopy(one)) == list(pickle.loads(pickle.dumps(one))) == list(one)


def test_a_list_of_parameters_is_a_list():
    values = nn.ParameterList([np.zeros(1), np.ones(2)])
    values += [np.ones(3), "text"]
    values[-2] = np.ones(4)
    assert [getattr(v, "shape", v) for v in values] == [(1,), (2,), (4,), "text"]
    assert isinstance(values[1:], nn.ParameterList) and values[1:][0] is values[1]
    assert [name for name, _ in values.named_parameters()] == ["0", "1", "2"]
    assert repr(values) == "ParameterList((0): (1,), (1): (2,), (2): (4,), (3): text)"


# -- losses ----------------------------------------------------------------------------------------

LABELS = np.array([[3, 0, -1, 1, 2], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4], [2, -1, 3, -1, 1]])
SCORES = RNG.normal(size=(4, 5))


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses_of_several_labels_are_pytorchs(torch, reduction):
    theirs, labels = torch.nn.functional, torch.tensor(LABELS)
    assert_same(
        torch,
        lambda x: F.multilabel_margin_loss(x, LABELS, reduction),
        lambda x: theirs.multilabel_margin_loss(x, labels, reduction=reduction),
        SCORES,
    )
    hot, weight = (LABELS > 0).astype(float), np.arange(1.0, 6)
    ours, twin = (
        nn.MultiLabelSoftMarginLoss(weight, reduction),
        torch.nn.MultiLabelSoftMarginLoss(torch.tensor(weight), reduction=reduction),
    )
    assert_same(torch, lambda x: ours(x, hot), lambda x: twin(x, torch.tensor(hot)), SCORES)
    pairs = [lib.TripletMarginWithDistanceLoss(swap=True, reduction=reduction) for lib in (nn, torch.nn)]
    assert_same(torch, *pairs, SCORES, SCORES[::-1] * 0.5, RNG.normal(size=(4, 5)))


def test_gradients_of_losses_of_several_labels():
    check_grads(lambda x: F.multilabel_margin_loss(x, LABELS), [SCORES], order=1)
    check_grads(lambda x: F.multilabel_soft_margin_loss(x, (LABELS > 0) * 1.0), [SCORES], order=1)
    with pytest.raises(DataError, match="from 0 to 4"):
        F.multilabel_margin_loss(SCORES, LABELS + 1)
    with pytest.raises(ShapeError, match="must be equal"):
        F.multilabel_soft_margin_loss(SCORES, LABELS[:2])


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_weighed_losses_are_pytorchs(torch, name, reduction):
    x, y, w = RNG.normal(size=(3, 4, 5))
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    there = torch.tensor(w)
    assert_same(
        torch,
        lambda x, y: ours(x, y, reduction=reduction, weight=w),
        lambda x, y: theirs(x, y, reduction=reduction, weight=there),
        x,
        y,
    )
    with pytest.raises(ShapeError, match="weight"):
        ours(x, y, weight=w[:2])


def test_former_names_of_reduction():
    y, x = np.array([0, 1, 2, 3]), SCORES
    for options, now in (
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"size_average": True}, "mean"),
    ):
        expected = F.cross_entropy(x, y, reduction=now)
        np.testing.assert_array_equal(F.cross_entropy(x, y, **options), expected)
        np.testing.assert_array_equal(nn.CrossEntropyLoss(**options)(x, y), expected)
        np.testing.assert_array_equal(F.nll_loss(x, y, **options), nn.NLLLoss2d(reduction=now)(x, y))


@pytest.mark.torch
def test_the_adaptive_softmax_is_pytorchs(torch):
    ours = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], 2.0, head_bias=True)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], 2.0, head_bias=True).double()
    same_weights(torch, ours, theirs)
    y = np.array([0, 3, 4, 12, 19])
    x = RNG.normal(size=(5, 8))
    for i in (0, 1):
        assert_same(torch, lambda x: ours(x, y)[i], lambda x: theirs(x, torch.tensor(y))[i], x)  # noqa: B023
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(torch.tensor(x)).numpy())
    with pytest.raises(OptionError, match="from 1 to 19"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, [10, 4])
    with pytest.raises(IndexingError, match="0 to 19"):
        ours(x, y + 1)


# -- attention and recurrent layers ----------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("bias_kv", "zero", "kdim"), list(itertools.product((False, True), (False, True), (None, 6)))
)
def test_attention_with_added_keys_is_pytorchs(torch, bias_kv, zero, kdim):
    options = {"add_bias_kv": bias_kv, "add_zero_attn": zero, "kdim": kdim, "vdim": kdim and 5}
    ours, theirs = (lib.MultiheadAttention(8, 2, **options) for lib in (nn, torch.nn))
    same_weights(torch, ours, theirs.double())
    q, k = RNG.normal(size=(3, 2, 8)), RNG.normal(size=(4, 2, kdim or 8))
    v = RNG.normal(size=(4, 2, 5 if kdim else 8))
    padding, mask = np.array([[False, False, True, True], [False] * 4]), RNG.normal(size=(3, 4))
    mask[:, 0] = 0  # each query sees a key: without one PyTorch gives NaN
    for masks in (
        {},
        {"key_padding_mask": padding},
        {"attn_mask": mask},
        {"attn_mask": mask > 1, "key_padding_mask": padding},
    ):
        there = {name: torch.tensor(m) for name, m in masks.items()}
        for i in (0, 1):
            ask = lambda layer, masks, i: lambda q, k, v: layer(q, k, v, **masks)[i] + 0 * v.sum()
            assert_same(torch, ask(ours, masks, i), ask(theirs, there, i), q, k, v)


def test_added_keys_are_seen_by_all_queries():
    layer, x = (
        nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True),
        np.ones((3, 1, 4), np.float32),
    )
    for options in ({"is_causal": True}, {"attn_mask": ~np.tri(3, dtype=bool)}):
        _, weights = layer(x, x, x, **options)
        assert weights.shape == (1, 3, 5) and (weights.numpy()[0, :, 3:] > 0).all()
        assert not np.triu(weights.numpy()[0, :, :3], 1).any()


@pytest.mark.torch
def test_groups_of_heads_share_keys(torch):
    theirs = torch.nn.functional.scaled_dot_product_attention
    q, k, v = RNG.normal(size=(2, 4, 3, 5)), RNG.normal(size=(2, 2, 6, 5)), RNG.normal(size=(2, 2, 6, 5))
    options = {"enable_gqa": True, "scale": 0.3}
    assert_same(
        torch,
        lambda *x: F.scaled_dot_product_attention(*x, **options),
        lambda *x: theirs(*x, **options),
        q,
        k,
        v,
    )
    with pytest.raises(ShapeError, match="multiple"):
        F.scaled_dot_product_attention(q[:, :3], k, v, enable_gqa=True)


@pytest.mark.torch
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_projected_lstm_is_pytorchs(torch, bidirectional):
    options = {"num_layers": 2, "proj_size": 2, "bidirectional": bidirectional}
    ours, theirs = (lib.LSTM(3, 5, **options) for lib in (nn, torch.nn))
    same_weights(torch, ours, theirs.double())
    ours.flatten_parameters()
    h, c = (RNG.normal(size=(4 if bidirectional else 2, 2, n)) for n in (2, 5))
    x = RNG.normal(size=(4, 2, 3))
    assert_same(torch, lambda *a: ours(a[0], a[1:])[0], lambda *a: theirs(a[0], a[1:])[0], x, h, c)
    assert_same(torch, lambda *a: ours(a[0], a[1:])[1][1], lambda *a: theirs(a[0], a[1:])[1][1], x, h, c)
    assert [len(each) for each in ours.all_weights] == [len(each) for each in theirs.all_weights]
    with pytest.raises(OptionError, match="shorter"):
        nn.LSTM(3, 2, proj_size=2)
    with pytest.raises(OptionError, match=r"only nn\.LSTM"):
        nn.GRU(3, 5, proj_size=2)


def test_options_of_transformers():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    stack = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False, mask_check=False)
    x = np.ones((3, 2, 8), np.float32)
    np.testing.assert_array_equal(stack(x).numpy(), stack.layers[0](x).numpy())
    model = nn.Transformer(8, 2, custom_encoder=nn.Identity(), num_decoder_layers=1, dim_feedforward=8)
    assert type(model.encoder) is nn.Identity
    mask = nn.Transformer.generate_square_subsequent_mask(2, device="cpu", dtype=np.float64)
    assert mask.dtype == np.float64


# -- weights that are computed ---------------------------------------------------------------------

NORMS = [
    (kind, norm, options)
    for kind in ("Linear", "Conv2d", "ConvTranspose2d")
    for norm, options in (
        ("weight_norm", {}), ("weight_norm", {"dim": None}), ("weight_norm", {"dim": 1}),
        ("spectral_norm", {}), ("spectral_norm", {"n_power_iterations": 3, "dim": 1}),
    )
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.few(2)
@pytest.mark.parametrize(("kind", "norm", "options"), NORMS)
def test_norms_under_the_former_keys_are_pytorchs(torch, kind, norm, options):
    sizes = (3, 4) if kind == "Linear" else (3, 4, 2)
    ours, theirs = (
        getattr(lib.utils, norm)(getattr(lib, kind)(*sizes, dtype=d), **options)
        for lib, d in ((nn, np.float64), (torch.nn, torch.float64))
    )
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    theirs.load_state_dict({key: torch.tensor(value) for key, value in ours.state_dict().items()})
    x = RNG.normal(size=(2, 3) if kind == "Linear" else (2, 3, 4, 4))
    for _ in range(2):  # power iterations go on
        assert_same(torch, ours, theirs, x)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-12)
    twin = pickle.loads(pickle.dumps(ours)).eval()
    np.testing.assert_allclose(twin(x).numpy(), ours.eval()(x).numpy(), rtol=1e-12)
    getattr(nn.utils, f"remove_{norm}")(ours.train())
    getattr(torch.nn.utils, f"remove_{norm}")(theirs)
    assert sorted(ours.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(ours.weight.numpy(), theirs.weight.detach().numpy(), rtol=1e-9)
    with pytest.raises(DataError, match="nothing to remove"):
        getattr(nn.utils, f"remove_{norm}")(ours)


def test_gradients_through_norms():
    layer = nn.utils.weight_norm(nn.Linear(3, 2, dtype=np.float64))

    def output(g, v):
        return nn.functional_call(layer, {"weight_g": g, "weight_v": v}, np.ones((1, 3)))

    check_grads(output, [layer.weight_g.numpy(), layer.weight_v.numpy()])


class Symmetric(nn.Module):
    def forward(self, x):
        return ag.Tensor.triu(x) + ag.Tensor.triu(x, 1).T

    def right_inverse(self, a):
        return a.triu()


def test_a_parametrized_weight_is_assigned_cached_and_left():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    values = np.arange(9.0, dtype=np.float32).reshape(3, 3)
    layer.weight = ag.Tensor(values + values.T)
    np.testing.assert_array_equal(layer.weight.numpy(), values + values.T)
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    other = parametrize.transfer_parametrizations_and_params(layer, nn.Linear(3, 3))
    np.testing.assert_array_equal(other.weight.numpy(), layer.weight.numpy())
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    original = layer.parametrizations.weight.original.numpy()
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(layer.weight.numpy(), original)
    parametrize.register_parametrization(layer, "bias", nn.Tanh())
    with pytest.raises(DataError, match="right_inverse"):
        layer.bias = np.ones(3)


def test_pruning_methods_of_ones_own():
    class Third(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::3] = 0
            return mask

    layer = nn.Linear(6, 2)
    Third.apply(layer, "weight")
    assert layer.weight_mask.tolist() == [[0, 1, 1, 0, 1, 1]] * 2
    Third.apply(layer, "weight")  # among those that remain
    assert layer.weight_mask.sum() == 5
    (history,) = layer._forward_pre_hooks.values()
    assert len(history) == 2 and isinstance(history[0], Third)
    other = nn.Linear(6, 2)
    prune.global_unstructured([(other, "weight"), (other, "bias")], Third)
    assert other.weight_mask.sum() + other.bias_mask.sum() == 9
    pruned = prune.L1Unstructured(amount=0.5).prune(ag.Tensor(np.array([1.0, -3.0, 2.0, 0.5])))
    assert pruned.tolist() == [0, -3, 2, 0]
    history.remove(layer)
    assert not prune.is_pruned(layer) and not layer._forward_pre_hooks
    with pytest.raises(OptionError, match="unstructured"):
        prune.global_unstructured([(other, "weight")], prune.LnStructured, amount=1, n=2)


def test_a_fused_batch_norm_gives_the_same():
    x = RNG.normal(size=(2, 3, 5, 5)).astype(np.float32)
    conv, norm = nn.Conv2d(3, 4, 2, bias=False), nn.BatchNorm2d(4)
    norm(conv(x))
    fused = nn.utils.fuse_conv_bn_eval(conv.eval(), norm.eval())
    np.testing.assert_allclose(fused(x).numpy(), norm(conv(x)).numpy(), rtol=1e-4, atol=1e-6)
    linear, norm = nn.Linear(3, 4).eval(), nn.BatchNorm1d(4).eval()
    fused = nn.utils.fuse_linear_bn_eval(linear, norm)
    np.testing.assert_allclose(
        fused(x[:, :, 0, 0]).numpy(), norm(linear(x[:, :, 0, 0])).numpy(), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(DataError, match=r"model\.eval\(\)"):
        nn.utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(4))


def test_small_things():
    assert list(nn.DataParallel(nn.Linear(2, 1)).state_dict()) == ["module.weight", "module.bias"]
    assert nn.utils.skip_init(nn.Linear, 3, 2, device="cpu").weight.shape == (2, 3)
    assert isinstance(nn.GRU(2, 3), nn.RNNBase) and isinstance(nn.GRUCell(2, 3), nn.RNNCellBase)
    x = SCORES.astype(np.float32)
    assert F.softmax(x, dim=-1, dtype=np.float64).dtype == np.float64
    np.testing.assert_allclose(F.pdist(x, 1.0)[0], np.abs(x[0] - x[1]).sum(), rtol=1e-6)
    p = nn.Parameter(np.zeros(2))
    p.grad = ag.Tensor(np.array([3.0, 4.0]))
    nn.utils.clip_grads_with_norm_([p], 1.0, nn.utils.get_total_norm([p.grad]))
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-5)
    nn.utils.clip_grad_value_(p, 0.7, foreach=True)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.7], rtol=1e-5)
    nn.manual_seed(0)
    dropped = nn.FeatureAlphaDropout(0.5)(np.ones((20, 10, 4)))
    assert (dropped == dropped[..., :1]).all() and len(np.unique(dropped)) == 2


@pytest.mark.torch
@pytest.mark.parametrize("separate", [False, True])
def test_attention_as_a_function_is_pytorchs(torch, separate):
    sizes = [(24, 8), (24,), (1, 1, 8), (1, 1, 8), (8, 8), (8,), (8, 8), (8, 8), (8, 8)]
    together, bias, bias_k, bias_v, out, out_bias, *own = (RNG.normal(size=size) for size in sizes)
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    padding = np.array([[False, False, True, True], [False] * 4])

    def called(library, array, i):
        def call(q, k, v):
            fixed = (8, 2, array(together), array(bias), array(bias_k), array(bias_v), True, 0.0)
            options = dict(zip(names, map(array, own), strict=True)) if separate else {}
            function = library.multi_head_attention_forward
            ends = (array(out), array(out_bias))
            result = function(
                q,
                k,
                v,
                *fixed,
                *ends,
                key_padding_mask=array(padding),
                use_separate_proj_weight=separate,
                **options,
            )
            return result[i] + 0 * v.sum()

        return call

    q, k, v = RNG.normal(size=(3, 2, 8)), RNG.normal(size=(4, 2, 8)), RNG.normal(size=(4, 2, 8))
    for i in (0, 1):
        assert_same(torch, called(F, lambda x: x, i), called(torch.nn.functional, torch.tensor, i), q, k, v)
    weights = (together, None, None, None, False, 0.0, out, None)
    y, none = F.multi_head_attention_forward(q[:, 0], k[:, 0], v[:, 0], 8, 2, *weights, need_weights=False)
    assert y.shape == (3, 8) and none is None
    with pytest.raises(ShapeError, match=r"\(L, B, 6\)"):
        F.multi_head_attention_forward(q, k, v, 6, 2, *weights)
    with pytest.raises(OptionError, match="static_k"):
        F.multi_head_attention_forward(q, k, v, 8, 2, *weights, static_k=k)
