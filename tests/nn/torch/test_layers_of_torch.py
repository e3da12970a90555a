"""Layers, losses and functions of `nn.torch.nn`: PyTorch's outputs, gradients, dtypes and buffers, in its Tensors."""
# ruff: noqa: E501  (a layer and its inputs, or several functions, a line)

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest

import nn
import nn.torch

LAYERS = """
    nn.Linear(4,3) | r(2,4)
    nn.Bilinear(4,3,2) | r(2,4), r(2,3)
    nn.Conv1d(2,3,3,padding=1) | r(2,2,5)
    nn.Conv2d(2,4,3,stride=2,padding=1,groups=2) | r(2,2,6,6)
    nn.Conv3d(1,2,2) | r(1,1,4,4,4)
    nn.ConvTranspose2d(2,3,3,stride=2) | r(1,2,4,4)
    nn.MaxPool2d(2,return_indices=True) | r(1,2,4,4)
    nn.AvgPool2d(2) | r(1,2,4,4)
    nn.AdaptiveAvgPool2d(1) | r(1,2,4,4)
    nn.AdaptiveMaxPool2d(2) | r(1,2,5,5)
    nn.BatchNorm1d(4) | r(5,4)
    nn.BatchNorm2d(2) | r(3,2,4,4)
    nn.LayerNorm(4) | r(2,3,4)
    nn.GroupNorm(2,4) | r(2,4,3)
    nn.InstanceNorm2d(2,affine=True) | r(2,2,4,4)
    nn.RMSNorm(4) | r(2,4)
    nn.Embedding(5,3,padding_idx=0) | i(5,2,3)
    nn.RNN(3,4,batch_first=True) | r(2,5,3)
    nn.LSTM(3,4,num_layers=2,bidirectional=True) | r(5,2,3)
    nn.GRU(3,4) | r(5,2,3)
    nn.LSTMCell(3,4) | r(2,3)
    nn.GRUCell(3,4) | r(2,3)
    nn.MultiheadAttention(4,2,batch_first=True) | r(2,3,4), r(2,3,4), r(2,3,4)
    nn.TransformerEncoderLayer(4,2,8,dropout=0.0,batch_first=True) | r(2,3,4)
    nn.TransformerDecoderLayer(4,2,8,dropout=0.0) | r(3,2,4), r(5,2,4)
    nn.Transformer(4,2,1,1,8,dropout=0.0,batch_first=True) | r(2,3,4), r(2,5,4)
    nn.Sequential(nn.Flatten(),nn.Linear(6,2),nn.ReLU(),nn.Softmax(dim=1)) | r(2,2,3)
    nn.PReLU() | r(2,3)
    nn.GELU() | r(2,3)
    nn.Softplus() | r(2,3)
    nn.LogSoftmax(dim=1) | r(2,3)
    nn.Upsample(scale_factor=2,mode="bilinear") | r(1,2,3,3)
    nn.PixelShuffle(2) | r(1,4,2,2)
    nn.ZeroPad2d(1) | r(1,1,2,2)
    nn.Unfold(2) | r(1,1,3,3)
    nn.CosineSimilarity(dim=1) | r(2,3), r(2,3)
    nn.CrossEntropyLoss() | r(4,3), i(3,4)
    nn.CrossEntropyLoss(label_smoothing=0.1,reduction="none") | r(4,3), i(3,4)
    nn.NLLLoss() | -r(4,3).abs(), i(3,4)
    nn.MSELoss() | r(4,3), r(4,3)
    nn.BCEWithLogitsLoss() | r(4,3), r(4,3).abs()%1
    nn.BCELoss() | (r(4,3).abs()%0.9)+0.05, r(4,3).abs()%1
    nn.SmoothL1Loss() | r(4,3), r(4,3)
    nn.KLDivLoss(reduction="batchmean") | r(4,3), r(4,3).abs()
    nn.TripletMarginLoss() | r(4,3), r(4,3), r(4,3)
    nn.MarginRankingLoss() | r(4), r(4), r(4).sign()
    nn.HuberLoss() | r(4), r(4)
    nn.CTCLoss() | r(6,2,4).log_softmax(2), 1+i(3,2,3), torch.tensor([6,6]), torch.tensor([3,2])
    nn.L1Loss(reduction="sum") | r(4), r(4)
"""
"""A layer, and its inputs: r(shape) are random numbers, i(n, shape) random integers below n."""

FUNCTIONS = """
    F.one_hot(i(4,3),num_classes=5)
    F.normalize(r(2,3))
    F.interpolate(r(1,1,3,3),scale_factor=2)
    F.pad(r(2,3),(1,2))
    F.gumbel_softmax(r(2,3)).sum(1)
    F.scaled_dot_product_attention(r(1,2,3,4),r(1,2,3,4),r(1,2,3,4),is_causal=True)
    F.softmax(r(2,3),dim=1), F.log_softmax(r(2,3),-1), F.relu(r(3)), F.gelu(r(3)), F.sigmoid(r(3)), F.tanh(r(3)), F.leaky_relu(r(3),0.1), F.elu(r(3))
    F.cross_entropy(r(3,4),i(4,3)), F.mse_loss(r(3),r(3)), F.binary_cross_entropy_with_logits(r(3),r(3).abs()%1), F.nll_loss(r(3,4),i(4,3)), F.l1_loss(r(2),r(2))
    F.max_pool2d(r(1,1,4,4),2), F.avg_pool2d(r(1,1,4,4),2), F.adaptive_avg_pool2d(r(1,1,4,4),1), F.conv2d(r(1,1,4,4),r(1,1,2,2)), F.unfold(r(1,1,4,4),2), F.dropout(r(3),0.5,training=False)
    F.embedding(i(3,2),r(3,4)), F.linear(r(2,3),r(4,3),r(4)), F.layer_norm(r(2,3),(3,)), F.cosine_similarity(r(2,3),r(2,3)), F.pairwise_distance(r(2,3),r(2,3)), F.batch_norm(r(4,2),torch.zeros(2),torch.ones(2),training=True)
"""


def names(torch: Any) -> dict[str, Any]:
    """The names in the lines above."""
    rng = np.random.default_rng(0)
    return {
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "r": lambda *shape: torch.tensor(rng.normal(size=shape).astype(np.float32)),
        "i": lambda n, *shape: torch.tensor(rng.integers(0, n, shape)),
    }


def flat(value: Any) -> list[Any]:
    """The Tensors of a result."""
    return [x for item in value for x in flat(item)] if isinstance(value, (tuple, list)) else [value]


def compare(found: Any, expected: Any) -> None:
    """Assert that the results are equal up to the rounding of float32."""
    for mine, theirs in zip(flat(found), flat(expected), strict=True):
        assert type(mine) is (type(None) if theirs is None else nn.torch.Tensor)
        if theirs is not None:
            assert str(mine.dtype) == str(theirs.dtype)
            np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.torch
@pytest.mark.few(4)
@pytest.mark.parametrize("line", LAYERS.strip().splitlines())
def test_layers(line: str, torch: Any) -> None:
    layer, _, inputs = line.partition("|")
    found, expected = names(nn.torch), names(torch)
    mine, theirs = eval(layer.strip(), found), eval(layer.strip(), expected)
    mine.load_state_dict({k: nn.torch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    assert {type(m).__module__ for m in mine.modules()} == {"nn.torch.nn"}
    assert all(type(p) is nn.torch.nn.Parameter for p in mine.parameters())
    y, z = mine(*eval(f"({inputs},)", found)), theirs(*eval(f"({inputs},)", expected))
    compare(y, z)
    if list(mine.parameters()):
        (flat(y)[0] ** 2).sum().backward()
        (flat(z)[0] ** 2).sum().backward()
    for (name, p), (other, q) in zip(mine.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        if q.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=1e-4)
    compare([b for _, b in mine.named_buffers()], [b for _, b in theirs.named_buffers()])


@pytest.mark.torch
@pytest.mark.few(4)
@pytest.mark.parametrize("line", FUNCTIONS.strip().splitlines())
def test_functions(line: str, torch: Any) -> None:
    compare(eval(line.strip(), names(nn.torch)), eval(line.strip(), names(torch)))


def test_modules_are_found_under_pytorchs_paths() -> None:
    import nn.torch.nn.functional as F  # noqa: N812
    from nn.torch.nn.modules.conv import Conv2d
    from nn.torch.nn.parameter import Parameter
    from nn.torch.nn.utils.rnn import pad_sequence
    from nn.torch.optim.lr_scheduler import StepLR
    from nn.torch.utils.data import DataLoader, TensorDataset
    from nn.torch.utils.data.dataloader import default_collate

    torch = nn.torch
    from nn.torch.nn.modules.module import register_module_forward_hook
    from nn.torch.nn.utils.convert_parameters import parameters_to_vector
    from nn.torch.nn.utils.fusion import fuse_conv_bn_eval
    from nn.torch.optim.adamw import AdamW
    from nn.torch.optim.swa_utils import SWALR
    from nn.torch.utils.benchmark import Timer
    from nn.torch.utils.checkpoint import checkpoint
    from nn.torch.utils.tensorboard import SummaryWriter

    assert (AdamW, SWALR) == (torch.optim.AdamW, torch.optim.swa_utils.SWALR)
    assert (Timer, SummaryWriter) == (torch.utils.benchmark.Timer, torch.utils.tensorboard.SummaryWriter)
    assert register_module_forward_hook is nn.hooks.register_module_forward_hook
    for function in (parameters_to_vector, fuse_conv_bn_eval, checkpoint):
        assert inspect.isfunction(function)
    assert type(checkpoint(torch.sin, torch.ones(2), use_reentrant=False)) is torch.Tensor
    assert Conv2d is torch.nn.Conv2d and Parameter is torch.nn.Parameter
    assert type(F.relu(np.ones(2))) is torch.Tensor
    assert type(pad_sequence([torch.ones(2), torch.ones(1)])) is torch.Tensor
    assert StepLR is torch.optim.lr_scheduler.StepLR and callable(default_collate)
    batches = list(DataLoader(TensorDataset(torch.ones(4, 2), torch.arange(4)), batch_size=2))
    assert [type(x) for batch in batches for x in batch] == [torch.Tensor] * 4


def test_a_training_step_that_is_compiled() -> None:
    import autograd_lite as ag

    torch = nn.torch
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(8, 3), torch.randint(0, 2, (8,))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compiled = ag.compile(step)
    losses = [compiled(x, y).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True) and "replayed" in str(compiled.signatures)
    assert int(model[1].num_batches_tracked) == 5


def test_what_utilities_make_of_a_layer_is_pytorchs() -> None:
    torch, utils = nn.torch, nn.torch.nn.utils
    for change in (
        *(
            utils.weight_norm,
            utils.spectral_norm,
            utils.parametrizations.weight_norm,
            utils.parametrizations.spectral_norm,
        ),
        lambda layer: utils.prune.l1_unstructured(layer, "weight", 0.5),
    ):
        layer = change(torch.nn.Linear(2, 2))
        assert type(layer.weight) in (torch.Tensor, torch.nn.Parameter)
        assert all(type(p) is torch.nn.Parameter for p in layer.parameters())
        layer(torch.ones(1, 2)).sum().backward()
    norm = utils.clip_grad_norm_(layer.parameters(), 1.0)
    assert type(norm) is torch.Tensor and norm.item() > 0


def test_a_lazy_layer_becomes_pytorchs() -> None:
    torch, layers = nn.torch, nn.torch.nn
    model = layers.Sequential(
        *(layers.LazyConv2d(4, 3), layers.LazyBatchNorm2d(), layers.Flatten(), layers.LazyLinear(2))
    )
    waiting, twin = list(model.parameters()), copy.deepcopy(model)
    assert {type(p) for p in waiting} == {layers.UninitializedParameter}
    assert type(model(torch.ones(2, 3, 5, 5))) is torch.Tensor
    assert [type(m) for m in model[:2]] == [layers.Conv2d, layers.BatchNorm2d]
    assert all(a is b for a, b in zip(waiting, model.parameters(), strict=True))
    assert {type(p) for p in waiting} == {layers.Parameter}
    twin.load_state_dict(model.state_dict())
    assert type(twin[3]) is layers.Linear and type(twin[3].weight) is layers.Parameter
    assert twin[3].weight.transpose(0, 1).shape == (36, 2)


def test_the_default_dtype_is_that_of_parameters() -> None:
    torch, layers = nn.torch, nn.torch.nn
    try:
        torch.set_default_dtype(torch.float64)
        lazy = layers.LazyLinear(2)
        lazy(torch.ones(1, 3))
        for layer in (lazy, layers.LSTM(2, 2), layers.BatchNorm1d(3), nn.Linear(2, 2)):
            assert {np.dtype(p.dtype) for p in layer.parameters()} == {np.dtype(float)}
        assert layers.Linear(2, 2, dtype=torch.float32).weight.dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
    assert layers.Linear(2, 2).weight.dtype == torch.float32
    with pytest.raises(TypeError, match="expected a floating-point dtype"):
        torch.set_default_dtype(torch.int64)


def test_means_of_weights_are_pytorchs_tensors() -> None:
    torch = nn.torch
    model = torch.nn.Linear(2, 1, bias=False)
    mean = torch.optim.swa_utils.AveragedModel(model, avg_fn=lambda m, p, n: torch.lerp(m, p, 0.5))
    for value in (1.0, 2.0):
        torch.nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
    assert mean.module.weight.tolist() == [[1.5, 1.5]]
    assert type(mean) is torch.optim.swa_utils.AveragedModel and isinstance(mean, torch.nn.Module)
    assert type(mean(torch.ones(1, 2))) is type(mean.n_averaged) is torch.Tensor


def test_shapes_that_do_not_fit_are_runtime_errors() -> None:
    x = nn.torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a single number"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="sizes do not fit"):
        nn.torch.ones(2, 3) @ nn.torch.ones(2, 3)
