"""ONNX: what onnxruntime and a loaded module compute is what the model computes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataFileError, DTypeError, FileError, OptionError, UnsupportedError
from nn import models
from tests.plan.test_networks import LAYERS

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("nn.onnx")

RNG = np.random.default_rng(0)
LEFT_OUT = {"GRUCell", "RNNCell", "EmbeddingBag"}
"""The states of cells are arguments of another kind; `Cells` below has them. Bags have no form: see below."""


def ran(content: bytes, *inputs: Any) -> list[Any]:
    """The outputs of onnxruntime."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    named = {place.name: x for place, x in zip(session.get_inputs(), inputs, strict=True)}
    return list(session.run(None, named))


def alike(got: Any, want: Any) -> None:
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.allclose(a, b, rtol=1e-5, atol=1e-5)


def outputs(model: Any, *inputs: Any) -> list[Any]:
    with ag.no_grad():
        leaves = ag.tree.flatten(model(*inputs))[0]
    return [y.numpy() if isinstance(y, ag.Tensor) else np.asarray(y) for y in leaves]


def compare(model: Any, *inputs: Any, others: tuple[tuple[Any, ...], ...] = (), **options: Any) -> Any:
    """Export, run and load a model, on the example and on other inputs; the ONNX model."""
    file = io.BytesIO()
    nn.onnx.export(model, inputs, file, **options)
    file.seek(0)
    again = nn.onnx.load(file)
    model.eval()
    for arrays in (inputs, *others):
        want = outputs(model, *arrays)
        alike(outputs(again, *arrays), want)
        alike(ran(file.getvalue(), *arrays), want)
    return onnx.load_from_string(file.getvalue())


# -- layers and models -----------------------------------------------------------------------------


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("name", "n"), [(name, n) for name in LAYERS for n in range(len(LAYERS[name])) if name not in LEFT_OUT]
)
def test_every_layer(name: str, n: int) -> None:
    nn.manual_seed(0)
    build, data = LAYERS[name][n]
    compare(build(), *ag.tree.flatten(data(np.random.default_rng(1)))[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [models.AlexNet, models.DenseNet, models.GoogLeNet, models.LeNet5, models.ResNet, models.VGG]
)
def test_every_model_at_other_sizes_of_the_batch(make: Any) -> None:
    nn.manual_seed(0)
    images = RNG.standard_normal((7, 3, 32, 32)).astype(np.float32)
    model = make()
    made = compare(
        model,
        images[:2],
        others=((images[:1],), (images,)),
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )
    keys = {tensor.name for tensor in made.graph.initializer}
    assert {key for key in model.state_dict() if "num_batches" not in key} <= keys
    assert made.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"


class Words(nn.Module):
    """A classifier of sequences of words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 6)
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Any) -> Any:
        y, (h, _) = self.lstm(self.words(x))
        return self.out(y[:, -1]), h


class Letters(nn.Module):
    """A small GPT."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(10, 8), nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2)
        self.out = nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.out(self.blocks(self.letters(x) + self.places(np.arange(x.shape[1])), mask=mask))


class Cells(nn.Module):
    """Cells in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.rnn = nn.GRUCell(3, 4), nn.RNNCell(4, 2, nonlinearity="relu")

    def forward(self, x: Any) -> Any:
        h, k = None, None
        for t in range(4):
            h = self.gru(x[:, t], h)
            k = self.rnn(h, k)
        return h, k


@pytest.mark.parametrize("make", [Words, Letters, Cells])
def test_sequences_at_other_sizes_of_the_batch(make: Any) -> None:
    nn.manual_seed(0)
    x = (
        RNG.integers(0, 10, (5, 7))
        if make is not Cells
        else RNG.standard_normal((5, 4, 3)).astype(np.float32)
    )
    compare(make(), x[:2], others=((x[:1],), (x,)), dynamic_axes={"input_0": [0]})


def test_a_sequence_of_another_length() -> None:
    nn.manual_seed(0)
    x = RNG.integers(0, 10, (5, 9))
    axes = {"x": {0: "batch", 1: "length"}}
    made = compare(Letters(), x[:2, :7], others=((x,), (x[:1, :2],)), input_names=["x"], dynamic_axes=axes)
    sizes = made.graph.output[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in sizes] == ["batch", "length", 10]
    made = compare(Words(), x[:2, :7], others=((x,),), input_names=["x"], dynamic_axes=axes)


@pytest.mark.parametrize("version", [17, 18, 19, 20, 21, 22])
def test_versions_of_the_operators(version: int) -> None:
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, groups=1),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.AvgPool2d(2, padding=1),
        nn.Flatten(),
        nn.Linear(100, 5),
        nn.LayerNorm(5),
        nn.LogSoftmax(1),
    )
    x = RNG.standard_normal((2, 3, 8, 8)).astype(np.float32)
    made = compare(model, x, opset_version=version)
    assert made.opset_import[0].version == version


# -- functions -------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Any] = {
    "indices": lambda x: (
        x[:, 1:, ::-1][..., None, 0] + x[:, [2, 1], :1] + np.take(x, np.array([1, 0]), axis=2)[:, :2, :1]
    ),
    "reductions": lambda x: np.max(x, 1) + np.mean(x, axis=(1,)) - np.min(x, 1) * np.prod(x[:, :2], axis=1),
    "norms": lambda x: (
        np.linalg.norm(x, axis=1, keepdims=True) / (1e-3 + np.sum(np.abs(x), axis=2, keepdims=True))
    ),
    "products": lambda x: np.einsum("BiJ,Bkl->BkJ", x, x[:, :2]) @ x + np.matmul(x[:, :2], x),
    "elementary": lambda x: np.expm1(x * 1e-4) + np.log1p(np.abs(x) / 1e4) + np.exp2(x) + np.log10(1 + x * x),
    "rounding": lambda x: np.round(x, 1) * x + np.rint(x) * np.round(x) + np.floor(x) * np.ceil(x) * x,
    "branches": lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), -x) + np.clip(x, -0.5, 0.5),
    "integers": lambda x: x * (np.argmax(x, axis=1, keepdims=True) + 1) + (x > 0),
    "laying out": lambda x: (
        np.concatenate([x, np.tile(x, (1, 1, 2))], axis=2).transpose(0, 2, 1)
        + np.swapaxes(np.concatenate([x, x, x], axis=2), 1, 2)
    ),
    "pads": lambda x: np.pad(x, ((0, 0), (1, 1), (0, 2))) + np.pad(x, ((0, 0), (1, 1), (1, 1)), "edge"),
    "softmax": lambda x: ag.softmax(x, axis=1) + ag.log_softmax(x) + ag.logsumexp(x, axis=2, keepdims=True),
    "smooth": lambda x: ag.erf(x) + ag.sigmoid(x) * ag.softplus(x) + nn.functional.gelu(x, "tanh"),
    "sums": lambda x: np.cumsum(x, axis=1) + np.stack([x[:, 0], x[:, 1], x[:, 2]], axis=1),
}


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, f: Any) -> None:
        super().__init__()
        self.f = f

    def forward(self, x: Any) -> Any:
        return self.f(x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_numpy(name: str) -> None:
    x = RNG.standard_normal((4, 3, 3)).astype(np.float32)
    compare(Function(FUNCTIONS[name]), x[:2], others=((x,), (x[:1],)), dynamic_axes={"input_0": [0]})


def test_several_inputs_and_outputs_have_names() -> None:
    class Two(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return {"sum": a + b, "product": a * b}

    x = np.ones((2, 3), np.float32)
    made = compare(Two(), x, 2 * x, input_names=["a", "b"], output_names=["p", "s"])
    assert [v.name for v in made.graph.input] == ["a", "b"] and [v.name for v in made.graph.output] == [
        "p",
        "s",
    ]


# -- modules of files ------------------------------------------------------------------------------


def test_a_loaded_module_has_the_gradients_of_the_model(tmp_path: Path) -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    x = RNG.standard_normal((4, 1, 8, 8)).astype(np.float32)
    nn.onnx.export(model, x, tmp_path / "model.onnx")
    again = nn.onnx.load(tmp_path / "model.onnx")
    assert set(again.state_dict()) == set(model.state_dict())
    for net in (model, again):
        nn.functional.cross_entropy(net(x), [0, 1, 2, 0]).backward()
    mine = dict(model.named_parameters())
    for key, p in again.named_parameters():
        assert np.allclose(p.grad.numpy(), mine[key].grad.numpy(), atol=1e-6)
    model.load_state_dict(again.state_dict())


def test_the_mode_of_the_model_stays() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    before = {key: np.array(v) for key, v in model.state_dict().items()}
    compare(model, np.ones((3, 2), np.float32))
    nn.onnx.export(model.train(), np.ones((3, 2), np.float32), io.BytesIO())
    assert model.training and model[1].training
    assert all((model.state_dict()[key] == v).all() for key, v in before.items())


# -- mistakes --------------------------------------------------------------------------------------


class Reads(nn.Module):
    def forward(self, x: Any) -> Any:
        return x if np.sum(x) > 0 else -x


class Sorts(nn.Module):
    def forward(self, x: Any) -> Any:
        return np.sort(x, axis=1)


class Halves(nn.Module):
    def forward(self, x: Any) -> Any:
        return x[: len(x) // 2]


X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (Reads(), {}, UnsupportedError, r"np\.where"),
        (
            nn.Sequential(nn.Linear(3, 3), Reads()),
            {},
            UnsupportedError,
            r"np\.where.*; the layer is 1, a Reads",
        ),
        (
            nn.Sequential(nn.Linear(3, 3), Sorts()),
            {},
            UnsupportedError,
            "argsort, .*; the layer is 1, a Sorts",
        ),
        (nn.Linear(3, 3), {"dynamic_axes": {"imput": [0]}}, OptionError, "there is no 'imput'"),
        (nn.EmbeddingBag(4, 2), {"x": np.zeros((2, 3), int)}, UnsupportedError, "a mask as an index"),
        (
            Halves(),
            {"dynamic_axes": {"input_0": [0]}},
            UnsupportedError,
            "leave the axis out of dynamic_axes",
        ),
        (nn.Linear(3, 3), {"opset_version": 11}, OptionError, "expected 17 to 22"),
        (nn.Linear(3, 3), {"input_names": ["a", "b"]}, OptionError, "expected 1 different names"),
        (nn.Linear(3, 3), {"dynamic_axes": {"input_0": [2]}}, OptionError, "no axis 2"),
        (np.tanh, {}, DTypeError, "expected a Module, got ufunc"),
    ],
)
def test_mistakes(model: Any, options: Any, error: type[Exception], message: str) -> None:
    file = io.BytesIO()
    with pytest.raises(error, match=message):
        nn.onnx.export(model, options.pop("x", X), file, **options)
    assert file.getvalue() == b""


def test_damaged_files(tmp_path: Path) -> None:
    file = io.BytesIO()
    nn.onnx.export(nn.Linear(3, 3), X, file)
    whole = file.getvalue()
    for content in (b"", whole[:40], b"no onnx", whole[: len(whole) // 2]):
        with pytest.raises((DataFileError, UnsupportedError)):
            nn.onnx.load(io.BytesIO(content))
    with pytest.raises(FileError, match="missing"):
        nn.onnx.load(tmp_path / "missing.onnx")
    with pytest.raises(FileError, match="missing"):
        nn.onnx.export(nn.Linear(3, 3), X, tmp_path / "missing" / "model.onnx")
    graph = onnx.load_from_string(whole)
    graph.graph.node[0].op_type = "Gelu"
    with pytest.raises((UnsupportedError, DataFileError)):
        nn.onnx.load(io.BytesIO(graph.SerializeToString()))
    with pytest.raises(OptionError, match="takes 1 inputs: input_0"):
        nn.onnx.load(io.BytesIO(whole))(X, X)
