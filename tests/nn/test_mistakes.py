"""Mistakes of newcomers, and the repair that the message names."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import (
    AnomalyError,
    DataError,
    DTypeError,
    FileError,
    IndexingError,
    OptionError,
    ShapeError,
    UnsupportedError,
)  # fmt: skip
from examples import digits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = RNG.integers(0, 3, 40)
NAMES = np.array(["cat", "dog", "owl"])[Y]


def net(hidden=8, outputs=3):
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def trainer(model=None, loss=None, optimizer=None, **options):
    model = model or net()
    optimizer = optimizer or nn.optim.Adam(model.parameters())
    return nn.Trainer(model, loss or nn.CrossEntropyLoss(), optimizer, **options)


def fit(X, y, outputs=3, loss=None, **options):
    return trainer(net(outputs=outputs), loss, **options).fit(X, y, batch_size=8, verbose=False)


def regress(X, y, outputs=1, **options):
    return fit(X, y, outputs, nn.MSELoss(), **options)


def holed(values, row, value):
    values = values.copy()
    values[row] = value
    return values


class Listed(nn.Module):
    def __init__(self):
        with pytest.warns(UserWarning, match="plain list"):
            self.layers = [nn.Linear(4, 3)]


class NoReturn(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        self.layer(x)


def told(error, call, *parts):
    """A case of the tables: a mistake, its error, and what the message has to contain, word by word."""
    return pytest.param(error, call, parts, id=parts[-1][:40])


MODULES = [
    told(DTypeError, lambda: nn.Sequential(np.tanh), "Sequential.0", "write nn.Tanh()"),
    told(DTypeError, lambda: nn.Sequential(nn.functional.relu), "write nn.ReLU()"),
    told(DTypeError, lambda: nn.Sequential(ag.sigmoid), "write nn.Sigmoid()"),
    told(DTypeError, lambda: nn.Sequential("softmax"), "got a string", "write nn.Softmax(dim=1)"),
    told(DTypeError, lambda: nn.Sequential(np.exp), "the function exp", "forward of a class that inherits"),
    told(DTypeError, lambda: nn.Sequential(nn.ReLU), "the class ReLU", "write ReLU()"),
    told(DTypeError, lambda: nn.Sequential([nn.ReLU()]), "got a list", "nn.Sequential(*layers)"),
    told(DTypeError, lambda: nn.Sequential(3), "got a int", "an object of a class that inherits"),
    told(UnsupportedError, lambda: net().to("cuda"), "'cuda'", "write device = 'cpu'"),
    told(DTypeError, lambda: net().load_state_dict("path"), "got a str", "load_state_dict(nn.load(path))"),
    told(DTypeError, lambda: net().load_state_dict(net()), "load_state_dict(model.state_dict())"),
    told(DataError, lambda: net().load_state_dict(net(9).state_dict()), "(8, 4) here, (9, 4) in the state",
         "build the model with the sizes"),
    told(DataError, lambda: net().load_state_dict(net()[0].state_dict()), "missing: 0.weight",
         "load_state_dict(state, strict=False)"),
    told(OptionError, lambda: nn.Linear(2.0, 3), "expected an int of at least 0, e.g. in_features=2"),
    told(OptionError, lambda: nn.Linear(-1, 3), "Linear(in_features=-1)"),
    told(OptionError, lambda: nn.Linear(2, "3"), "Linear(out_features='3')"),
    told(OptionError, lambda: nn.Linear(X, 3), "Linear(in_features=array("),
    told(OptionError, lambda: nn.Bilinear(2, 3, 0), "Bilinear(out_features=0)"),
    told(OptionError, lambda: nn.Conv2d(-3, 4, 3), "Conv2d(in_channels=-3)"),
    told(OptionError, lambda: nn.LSTM(3, 4.5), "LSTM(hidden_size=4.5): expected an int of at least 1"),
    told(OptionError, lambda: nn.GRUCell("3", 4), "GRUCell(input_size='3')"),
    told(OptionError, lambda: nn.Embedding(True, 3), "Embedding(num_embeddings=True)"),
    told(OptionError, lambda: nn.Dropout("0.5"), "expected a number from 0 to 1, e.g. p=0.5"),
    told(OptionError, lambda: nn.manual_seed("a"), "manual_seed(seed='a'): expected an int of at least 0"),
    told(OptionError, lambda: nn.manual_seed(-1), "e.g. seed=1"),
    told(ShapeError, lambda: nn.Linear(2, 3)(3.0), "expects (..., 2), got ()", "layer([[...]])"),
    told(ShapeError, lambda: nn.Linear(1, 3)([1.0, 2.0]), "got (2,)", "x.reshape(-1, 1)"),
    told(ShapeError, lambda: nn.Linear(2, 3)([1.0, 2.0, 3.0]), "make the layer fit", "Linear(3, ...)"),
    told(DTypeError, lambda: nn.Linear(2, 3)(["a", "b"]), "Linear: expected numbers, got <U1"),
    told(DTypeError, lambda: nn.Linear(2, 3)(None), "Linear: expected numbers, got NoneType"),
    told(DataError, lambda: nn.Linear(2, 3)([[1, 2], [3]]), "rows differ in length"),
    told(DTypeError, lambda: nn.summary(net()), "needs an input", "np.zeros((1, ...), np.float32)"),
    told(DTypeError, lambda: nn.summary(net(), (5, 4)), "nn.summary(model, np.zeros((5, 4), np.float32))"),
]  # fmt: skip

LOSSES = [
    told(OptionError, lambda: nn.CrossEntropyLoss(reduction="foo"), "reduction='foo'; expected \"none\""),
    told(OptionError, lambda: nn.MSELoss(X), "reduction=a ndarray"),
    told(OptionError, lambda: nn.CrossEntropyLoss(label_smoothing=3), "0 to 1, e.g. label_smoothing=0.1"),
    told(OptionError, lambda: nn.CrossEntropyLoss(label_smoothing="a"), "label_smoothing='a'"),
    told(ShapeError, lambda: nn.CrossEntropyLoss(X, Y), "loss = nn.CrossEntropyLoss(); loss(output, target)"),
    told(DTypeError, lambda: nn.CrossEntropyLoss()(X, NAMES), "y = np.unique(y, return_inverse=True)[1]"),
    told(DTypeError, lambda: nn.CrossEntropyLoss()(X, 1.0 * Y), "float64", "write target.astype(int)"),
    told(ShapeError, lambda: nn.CrossEntropyLoss()(X, np.eye(4, dtype=int)[Y]), "write target.astype(float)"),
    told(ShapeError, lambda: nn.CrossEntropyLoss()(Y, X), "the output comes first: loss(output, target)"),
    told(IndexingError, lambda: nn.CrossEntropyLoss()(X, Y + 2), "number the classes from 0"),
    told(ShapeError, lambda: nn.MSELoss()(X[:, :1], X[:, 0]), "(40, 1), target (40,)", "reshape(-1, 1)"),
    told(ShapeError, lambda: nn.MSELoss()(X[:, 0], X[:, :1]), "write target.reshape(-1)"),
    told(ShapeError, lambda: nn.MSELoss()(X, X[:, 0]), "one output, and write target.reshape(-1, 1)"),
    told(ShapeError, lambda: nn.MSELoss()(X, Y), "for class indices take nn.CrossEntropyLoss()"),
    told(DTypeError, lambda: nn.MSELoss()(X[:, 0], NAMES), "mse_loss: target: expected numbers, got <U3"),
    told(ShapeError, lambda: nn.metrics.accuracy(X[:, :1], Y), "one column", "(output.ravel() > 0, target)"),
    told(ShapeError, lambda: nn.metrics.accuracy(Y, X), "accuracy(output, target) of (N, C) and (N,)"),
    told(DTypeError, lambda: nn.metrics.accuracy(X, NAMES), "accuracy: target: expected numbers, got <U3"),
]  # fmt: skip

OPTIMIZERS = [
    told(DataError, lambda: nn.optim.Adam(Listed().parameters()), "in a plain list", "nn.ModuleList(layers)"),
    told(DataError, lambda: nn.optim.Adam([{"lr": 0.1}]), 'no "params"', '"params": layer.parameters()'),
    told(OptionError, lambda: nn.optim.Adam(net().parameters(), lr="x"), "Adam(lr='x')", "e.g. lr=0.001"),
    told(OptionError, lambda: nn.optim.Adam(net().parameters(), lr=float("nan")), "Adam(lr=nan)"),
    told(OptionError, lambda: nn.optim.SGD(net().parameters(), momentum=None), "e.g. momentum=0.9"),
    told(OptionError, lambda: nn.optim.Adam(net().parameters(), betas=0.9), "e.g. betas=(0.9, 0.999)"),
    told(OptionError, lambda: nn.optim.lr_scheduler.StepLR(nn.optim.SGD(net().parameters()), "3"),
         "StepLR(step_size='3'): expected a number above 0"),
    told(OptionError, lambda: nn.utils.clip_grad_norm_(net().parameters(), -1), "max_norm=-1"),
    told(DTypeError, lambda: nn.utils.clip_grad_norm_(net(), 1), "got a Linear; write model.parameters()"),
    told(DTypeError, lambda: nn.utils.ExponentialMovingAverage(net()), "write model.parameters()"),
]  # fmt: skip

TRAINING = [
    told(OptionError, lambda: trainer().fit(X, Y, epochs=1.5), "fit(epochs=1.5)", "e.g. epochs=1"),
    told(OptionError, lambda: trainer().fit(X, Y, epochs="3"), "fit(epochs='3')", "e.g. epochs=10"),
    told(OptionError, lambda: trainer().fit(X, Y, batch_size=None), "e.g. batch_size=32"),
    told(DTypeError, lambda: fit(X, NAMES), "fit: y is of dtype <U3", "np.unique(y, return_inverse=True)[1]"),
    told(DTypeError, lambda: fit(X.astype(str), Y), "fit: X is of dtype <U32", "write X.astype(float)"),
    told(DTypeError, lambda: fit(X, None), "fit: y is None"),
    told(DTypeError, lambda: fit(nn.TensorDataset(X, Y), Y), "TensorDataset", "makes the batches itself"),
    told(DTypeError, lambda: trainer().predict(X.astype(str)), "predict: X is of dtype"),
    told(DTypeError, lambda: trainer(NoReturn()).fit(X, Y), "NoReturn returned None", "end with return"),
    told(DTypeError, lambda: trainer().fit(X, Y, validation_data=0.2), "(X_test, y_test)"),
    told(ShapeError, lambda: regress(X, X[:, :1], metrics=["accuracy"]), "one column"),
    told(DTypeError, lambda: trainer(metrics=[3]), "the metric 3 is neither a function"),
    told(OptionError, lambda: trainer(metrics=["acc"]), "unknown metric 'acc'", "metric(outputs, targets)"),
    told(DTypeError, lambda: trainer(callbacks=[print]), "no nn.Callback; inherit from it"),
    told(DTypeError, lambda: trainer(callbacks=[nn.Callback]), "write Callback()"),
    told(DTypeError, lambda: trainer(loss=nn.MSELoss), "the class MSELoss; write MSELoss()"),
    told(DTypeError, lambda: trainer(loss="mse"), "the loss is 'mse'; expected a function"),
    told(DTypeError, lambda: trainer(np.tanh, None, "adam"), "of type ufunc; expected an nn.Module"),
    told(DTypeError, lambda: trainer(optimizer="adam"), "the optimizer is 'adam'", "nn.optim.Adam("),
    told(DTypeError, lambda: trainer(optimizer=nn.optim.Adam), "write Adam(model.parameters())"),
    told(DTypeError, lambda: nn.DataLoader((X, Y)), "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32)"),
    told(DTypeError, lambda: nn.DataLoader([X, Y]), "nn.TensorDataset(X, y)"),
    told(DTypeError, lambda: nn.DataLoader(X, Y), "combine inputs and targets into samples first"),
    told(DTypeError, lambda: nn.DataLoader(zip(X, Y, strict=True)), "a zip is not a sequence", "list(...)"),
    told(DTypeError, lambda: nn.TensorDataset((X, Y)), "TensorDataset(X, y)"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "call", "parts"), MODULES + LOSSES + OPTIMIZERS + TRAINING)
def test_messages_name_the_mistake_and_its_repair(error, call, parts):
    with pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, parts))) as raised:
        call()
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((holed(X, 3, np.nan), X[:, :1]), "X has NaN in row 3;"),
        ((X, holed(X[:, :1], 5, np.nan)), "y has NaN in row 5;"),
        ((X, holed(X[:, :1], 7, np.inf)), "y has inf in row 7;"),
    ],
)
def test_holes_in_the_data_are_named_before_the_learning_rate_is_blamed(data, message):
    with pytest.raises(AnomalyError, match=message) as raised:
        regress(*data)
    assert "learning rate" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:overflow encountered in square:RuntimeWarning")
def test_the_learning_rate_is_blamed_where_the_data_are_whole():
    with pytest.raises(AnomalyError, match=r"smaller learning rate.*detect_anomaly"):
        regress(X, np.full((40, 1), 1e30))


def test_strict_is_no_advice_where_shapes_differ():
    with pytest.raises(DataError) as raised:
        net().load_state_dict({**net(9).state_dict(), "more": X})
    assert "unexpected: more" in str(raised.value)
    assert "strict" not in str(raised.value)


def test_files_and_folders_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match=r"there is no folder .*Path\('models/new'\)\.mkdir\(parents=True\)"):
        nn.save(net().state_dict(), "models/new/net.safetensors")
    Path("models/new").mkdir(parents=True)
    nn.save(net().state_dict(), "models/new/net.safetensors")
    with pytest.raises(FileError, match="Is a directory; choose a file in a folder"):
        nn.save(net().state_dict(), "models")
    with pytest.raises(FileError, match=f"nope does not exist; looked in {re.escape(str(tmp_path))}"):
        nn.load("nope")


def test_an_attribute_that_was_probably_meant():
    class Net(nn.Module):
        def __init__(self):
            self.hidden = nn.Linear(4, 3)

        def forward(self, x):
            return self.hiden(x)

    with pytest.raises(AttributeError, match="'Net' object has no attribute 'hiden'; did you mean hidden?"):
        Net()(X)


def test_a_list_that_a_layer_cannot_take_is_noted():
    with pytest.raises(AttributeError) as raised:
        nn.Sequential(nn.LSTM(2, 3))([[1.0, 2.0]])
    assert raised.value.__notes__ == ["LSTM was called with a list; write np.array(x)"]


# -- what is no mistake ----------------------------------------------------------------------------


def test_lists_and_numbers_become_arrays():
    layer = nn.Linear(2, 3)
    expected = layer(np.array([[1, 2]], np.float32))
    for x in ([[1.0, 2.0]], [[1, 2]], ((1, 2),)):
        assert layer(x).dtype == np.float32
        np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert nn.Tanh()(0.5) == np.tanh(0.5)
    assert nn.ReLU()([-1.0, 2.0]).tolist() == [0, 2]
    assert nn.MSELoss()([1.0, 3.0], [1, 1]) == 2
    assert nn.L1Loss()(1.0, 3) == 2
    assert nn.CrossEntropyLoss()([[0.0, 0.0]], [1]) == pytest.approx(np.log(2))
    assert nn.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1]) == 0.5


def test_linear_computes_float64_in_float64():
    layer, x = nn.Linear(4, 3), ag.Tensor(X, requires_grad=True)
    y = layer(x)
    assert y.dtype == np.float64
    w, b = (p.numpy().astype(float) for p in layer.parameters())
    np.testing.assert_allclose(y.numpy(), X @ w.T + b, rtol=1e-13, atol=1e-15)
    y.sum().backward()
    assert (x.grad.dtype, layer.weight.grad.dtype) == (np.float64, np.float32)


def test_a_single_metric_or_callback_needs_no_list():
    t = trainer(metrics=nn.metrics.accuracy, callbacks=nn.Callback())
    assert list(t.fit(X, Y, verbose=False)) == ["loss", "accuracy"]
    assert len(t.callbacks) == 1


def test_datasets_of_arrays_are_told_from_inputs_and_targets():
    images = [np.zeros((8, 8))] * 4
    assert [len(batch) for batch in nn.DataLoader(images, 2)] == [2, 2]
    sequences = [np.zeros(3), np.zeros(5)]
    assert [len(batch) for batch in nn.DataLoader(sequences, 2, collate_fn=list)] == [2]


# -- the example and the bar -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], r"error: manual_seed\(seed=-1\): expected an int of at least 0, e\.g\. seed=1\n"),
        (["--epochs", "0"], r"error: fit\(epochs=0\): expected an int of at least 1, e\.g\. epochs=10\n"),
        (
            ["--out", "{file}/x"],
            r"error: cannot make the folder .*: Not a directory; choose another with --out",
        ),
    ],
)
def test_the_example_tells_mistakes_in_one_line(arguments, message, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    arguments = [a.format(file=tmp_path / "file") for a in arguments]
    assert digits.main(["--out", str(tmp_path / "out"), *arguments]) == 1
    err = capsys.readouterr().err
    assert re.match(message, err)
    assert err.count("\n") == 1


def test_the_example_says_that_its_neuron_stands_alone(tmp_path):
    history = nn.History({"loss": [1.0, 0.5], "accuracy": [0.5, 1.0]})
    places, _ = digits.save_pictures(tmp_path, history, np.linspace(0, 1, 64))
    assert "a single neuron by itself" in places["one neuron"]


PROGRAM = """
import numpy as np, nn
model = nn.Linear(2, 1)
trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1))
trainer.fit(np.ones((40, 2)), np.ones((40, 1)), epochs=3, batch_size=2)
"""


def test_a_line_for_each_epoch_stays_on_a_terminal():
    pty, fcntl, termios = map(pytest.importorskip, ("pty", "fcntl", "termios"))  # not on Windows
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # else it has no columns
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:  # how Linux tells that the other end is closed
            break
    os.close(master)
    assert process.wait() == 0
    screen = on_screen(shown.decode())
    assert [line.split("  ")[0] for line in screen] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("loss" in line for line in screen)
    assert "/20" in shown.decode()  # the bar of an epoch of twenty steps


def on_screen(text):
    """What is left to read when a carriage return starts a line anew."""
    lines = []
    for line in text.split("\n"):
        row = ""
        for piece in line.split("\r"):
            row = piece + row[len(piece) :]
        lines.append(row.rstrip())
    return [line for line in lines if line]


# -- states of another kind ------------------------------------------------------------------------


def checkpoint(tmp_path):
    """A model, its optimizer, and the content of a checkpoint of both."""
    model = net()
    optimizer = nn.optim.Adam(model.parameters())
    path = tmp_path / "run.safetensors"
    nn.save_checkpoint(path, model, optimizer)
    return path, model, optimizer


def test_a_checkpoint_in_place_of_weights(tmp_path):
    path, model, optimizer = checkpoint(tmp_path)
    before = model.state_dict()
    with pytest.raises(DataError, match=r"a checkpoint: write nn\.load_checkpoint\(path, model, optimizer\)"):
        model.load_state_dict(nn.load(path))
    with pytest.raises(DataError, match=r"a checkpoint: write nn\.load_checkpoint\(path, model, optimizer\)"):
        optimizer.load_state_dict(nn.load(path))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    other = net()
    nn.load_checkpoint(path, other, nn.optim.Adam(other.parameters()))
    np.testing.assert_array_equal(other[0].weight.numpy(), model[0].weight.numpy())
    other = net()
    other.load_state_dict(nn.load(path)["parts"]["model"])
    np.testing.assert_array_equal(other[0].weight.numpy(), model[0].weight.numpy())


def test_weights_in_place_of_a_checkpoint(tmp_path):
    path, model = tmp_path / "net.safetensors", net()
    nn.save(model.state_dict(), path)
    with pytest.raises(
        DataError, match=r"not a checkpoint.*write model\.load_state_dict\(nn\.load\(path\)\)"
    ):
        nn.load_checkpoint(path, net())


STATES = {
    "under a key": (lambda s: {"model_state_dict": s, "epoch": 3}, "state['model_state_dict']"),
    "under another": (lambda s: {"epoch": 3, "state_dict": s}, "state['state_dict']"),
    "of DataParallel": (lambda s: {f"module.{k}": v for k, v in s.items()}, "removeprefix('module.')"),
    "of a model's part": (lambda s: {f"backbone.{k}": v for k, v in s.items()}, "removeprefix('backbone.')"),
}


@pytest.mark.parametrize(("wrap", "line"), STATES.values(), ids=STATES)
def test_a_state_that_is_wrapped(wrap, line):
    saved, model = net().state_dict(), net()
    state = wrap(saved)
    with pytest.raises(DataError, match=re.escape(line)) as raised:
        model.load_state_dict(state)
    code = re.search(r"write (load_state_dict\(.*\))$", str(raised.value)).group(1)
    eval(f"model.{code}", {"model": model, "state": state})
    np.testing.assert_array_equal(model[0].weight.numpy(), saved["0.weight"])


def test_states_of_models_and_optimizers_taken_for_each_other():
    model = net()
    optimizer = nn.optim.Adam(model.parameters())
    with pytest.raises(DataError, match=r"write optimizer\.load_state_dict\(state\)"):
        model.load_state_dict(optimizer.state_dict())
    with pytest.raises(DataError, match=r"write model\.load_state_dict\(state\)"):
        optimizer.load_state_dict(model.state_dict())
    with pytest.raises(DataError, match=r"write load_state_dict\(state\['optimizer'\]\)"):
        optimizer.load_state_dict({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    for came in ("run.safetensors", [1, 2], optimizer):
        with pytest.raises(DTypeError, match=r"load_state_dict\(nn\.load\(path\)\)"):
            optimizer.load_state_dict(came)


# -- a forgotten Flatten ---------------------------------------------------------------------------

IMAGES = RNG.normal(size=(2, 1, 8, 8)).astype(np.float32)


@pytest.mark.parametrize(
    ("layers", "last"),
    [
        ((nn.Conv2d(1, 4, 3), nn.ReLU()), nn.Linear(4, 10)),
        ((nn.Conv2d(1, 4, 3), nn.ReLU()), nn.Linear(100, 10)),
        ((nn.Conv2d(1, 4, 3), nn.MaxPool2d(2)), nn.Linear(36, 10)),
        ((nn.AvgPool2d(2),), nn.Linear(16, 10)),
    ],
)
def test_a_forgotten_flatten(layers, last):
    model = nn.Sequential(*layers, last)
    with pytest.raises(ShapeError, match=r"nn\.Flatten\(\)") as raised:
        model(IMAGES)
    size = re.search(r"take Linear\((\d+), \.\.\.\)", str(raised.value))
    mended = nn.Sequential(*layers, nn.Flatten(), nn.Linear(int(size.group(1)), 10) if size else last)
    assert mended(IMAGES).shape == (2, 10)


def test_flatten_of_the_batch_too():
    with pytest.raises(ShapeError, match=r"x\.reshape\(-1, 64\); nn\.Flatten\(\) keeps the first axis"):
        nn.Sequential(nn.Flatten(0), nn.Linear(64, 3))(IMAGES)


def test_the_function_linear_names_itself():
    weight = np.zeros((3, 64), np.float32)
    with pytest.raises(
        ShapeError, match=r"^linear: shapes \(2, 1, 8, 8\), \(3, 64\).*x\.reshape\(len\(x\), -1\)"
    ):
        nn.functional.linear(IMAGES, weight)
    with pytest.raises(
        ShapeError, match=r"^linear: shapes \(2, 5\), \(3, 64\).*a weight of shape \(\.\.\., 5\)"
    ):
        nn.functional.linear(IMAGES[:, 0, 0, :5], weight)
    with pytest.raises(ShapeError, match=r"^linear: .*bias \(out,\)$"):
        nn.functional.linear(np.zeros((2, 64)), weight, np.zeros(4))


# -- layers that nearly fit ------------------------------------------------------------------------


def advised_layer(error):
    """The layer that a message says to take."""
    kind, size = re.search(r"(?:take|input:) (\w+)(?:\((\d+))?", str(error)).groups()
    return getattr(nn, kind), size


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(3), (2, 3, 5, 4)),
        (nn.BatchNorm2d(3), (2, 3)),
        (nn.BatchNorm2d(3), (2, 3, 4)),
        (nn.BatchNorm1d(3), (2, 4)),
        (nn.BatchNorm2d(3), (2, 5, 4, 4)),
        (nn.InstanceNorm1d(3), (2, 3, 5, 4)),
    ],
)
def test_a_normalization_of_other_axes_or_channels(layer, shape):
    x = RNG.normal(size=shape).astype(np.float32)
    with pytest.raises(ShapeError, match="expects input of shape") as raised:
        layer(x)
    kind, size = advised_layer(raised.value)
    assert kind(int(size or 3))(x).shape == shape


def test_channels_that_stand_last():
    x = RNG.normal(size=(2, 4, 4, 3)).astype(np.float32)
    with pytest.raises(ShapeError, match=re.escape("np.moveaxis(x, -1, 1)")):
        nn.BatchNorm2d(3)(x)
    assert nn.BatchNorm2d(3)(np.moveaxis(x, -1, 1)).shape == (2, 3, 4, 4)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_sequences_of_another_shape(kind):
    with pytest.raises(ShapeError, match=rf"make the layer fit the input: {kind.__name__}\(4, \.\.\.\)"):
        kind(3, 5)(np.zeros((2, 6, 4), np.float32))
    with pytest.raises(ShapeError, match=r"get an axis of features: x\[\.\.\., None\]"):
        kind(1, 5)(np.zeros((2, 6), np.float32))
    with pytest.raises(ShapeError, match=r"np\.swapaxes\(x, -1, -2\)"):
        kind(3, 5)(np.zeros((2, 3, 6), np.float32))
    for x in (np.zeros((2, 6))[..., None], np.swapaxes(np.zeros((2, 1, 6)), -1, -2)):
        assert kind(1, 5)(x.astype(np.float32))[0].shape == (2, 6, 5)


@pytest.mark.parametrize("function", ["dropout", "dropout2d", "alpha_dropout"])
@pytest.mark.parametrize("p", [2, -0.5, float("nan"), "0.5"])
def test_the_functions_of_dropout_take_probabilities(function, p):
    with pytest.raises(OptionError, match=r"dropout\(p=.*expected a number from 0 to 1, e\.g\. p=0\.5"):
        getattr(nn.functional, function)(np.ones((2, 3, 4), np.float32), p)


def test_a_module_or_a_method_in_place_of_parameters():
    with pytest.raises(DTypeError, match=r"got a method; write model\.parameters\(\)"):
        nn.utils.clip_grad_norm_(net().parameters, 1)
    with pytest.raises(DTypeError, match=r"write Adam\(model\.parameters\(\), lr=\.\.\.\)"):
        nn.optim.Adam(net(), lr=0.1)
    with pytest.raises(AttributeError, match=r"write layer\.weight\.ndim"):
        nn.init.xavier_uniform_(net()[0])


def test_arrays_one_by_one_in_place_of_a_list():
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    for function in (np.concatenate, np.stack):
        with pytest.raises(UnsupportedError, match=rf"np\.{function.__name__}\(\[x, y\]\)"):
            function(x, x)
