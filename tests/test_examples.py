import gzip
import math
import os
import re
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import nn
import visualize
from autograd_lite.errors import DataError
from examples import char_lstm, digits, gpt, mnist, program, regression, vae
from nn.datasets import files, images

ROOT = Path(__file__).parents[1]

# -- digits ----------------------------------------------------------------------------------------


def results(text):
    """The lines at the end: what, then the result."""
    return {line[:17].strip(): line[17:] for line in text.split("\n\n")[2].splitlines()}


def digits_in(folder, *flags):
    assert digits.main(["--out", str(folder), *flags]) == 0


@pytest.mark.parametrize(
    ("flags", "percent"),
    [(["--quick"], 95), pytest.param([], 97, marks=pytest.mark.slow)],
    ids=["quick", "whole"],
)
def test_the_main_job_reaches_97_percent(tmp_path, flags, percent):
    """In its quick mode 96.4 % for the default seed."""
    folder = tmp_path / "new" / "out"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.digits", "--out", str(folder), *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found = results(run.stdout)
    assert float(found["test accuracy"].split("%")[0]) >= percent
    assert float(re.search(r"in ([\d.]+) s", found["training"])[1]) > 0
    assert found["gradient"].startswith("agrees")
    for what in ("one neuron", "learning curves", "weights"):
        assert os.path.getsize(found[what].split(" (")[0]) > 0
    model = digits.build()
    model.load_state_dict(nn.load(found["weights"]))
    X, y = nn.datasets.load_digits("test")
    assert f"{nn.metrics.accuracy(model(X).numpy(), y):.2%}" == found["test accuracy"].split(",")[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(tmp_path, capsys):
    outputs = []
    for folder, seed in [("a", "7"), ("b", "7"), ("c", "8")]:
        digits_in(tmp_path / folder, "--quick", "--seed", seed)
        outputs.append(capsys.readouterr().out.split("\n\n")[1])
    weights = [(tmp_path / folder / "digits.safetensors").read_bytes() for folder in "abc"]
    assert outputs[0] == outputs[1] != outputs[2]
    assert weights[0] == weights[1] != weights[2]


def test_epochs_are_those_asked_for(tmp_path, capsys):
    digits_in(tmp_path, "--epochs", "2")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]


def test_the_neuron_is_drawn_where_nothing_but_pip_works(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in ("pygraphviz", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    digits_in(tmp_path, "--quick")
    out = capsys.readouterr().out
    found = results(out)
    svg, page = tmp_path / "neuron.svg", tmp_path / "neuron.html"
    assert found["one neuron"].startswith(f"{svg} (") and found["to click"].startswith(f"{page} (")
    picture = ElementTree.fromstring(svg.read_text(encoding="utf-8"))
    said = {"".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"w1", "x1 (middle)", "σ", "log", "2.00", "-3.00"} <= said
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert found["learning curves"].startswith("none") and "matplotlib" in out


def test_the_drawn_neuron_is_that_of_the_formula():
    """loss = -log s(z) has d(loss)/dz = s(z) - 1, and z = w1 x1 + w2 x2 + b."""
    graph = visualize.draw(digits.one_neuron(nn.datasets.load_digits()[0][1]))
    seen = {graph.vertices[e.source].name: (float(e.value), float(e.grad)) for e in graph.edges}
    x1, x2, w1, w2, b = (seen[name] for name in ("x1 (middle)", "x2 (sides)", "w1", "w2", "b"))
    z = w1[0] * x1[0] + w2[0] * x2[0] + b[0]
    slope = 1 / (1 + math.exp(-z)) - 1
    for (_, gradient), factor in [(x1, w1[0]), (x2, w2[0]), (w1, x1[0]), (w2, x2[0]), (b, 1)]:
        assert gradient == pytest.approx(slope * factor, rel=1e-12)
    assert 0 < x2[0] < x1[0] < 1  # a 1 has its ink in the middle


def test_a_wrong_gradient_stops_the_job(tmp_path, capsys, monkeypatch):
    right = nn.CrossEntropyLoss.forward

    def half_detached(self, output, target):
        return 0.5 * right(self, output, target) + 0.5 * right(self, output.detach(), target)

    monkeypatch.setattr(nn.CrossEntropyLoss, "forward", half_detached)
    assert digits.main(["--out", str(tmp_path), "--epochs", "1"]) == 1
    assert "wrong reverse-mode derivative" in capsys.readouterr().err


def test_mistakes_are_told_in_a_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for flags in (
        ["--out", str(tmp_path), "--epochs", "0"],
        ["--out", str(tmp_path / "file" / "x"), "--quick"],
    ):
        assert digits.main(flags) == 1
        assert re.fullmatch(r"error: .+\n", capsys.readouterr().err)


# -- the short programs ----------------------------------------------------------------------------


@pytest.fixture
def nothing_to_be_had(monkeypatch, tmp_path):
    """No data on this machine, and no network."""

    def unreachable(*args, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.delenv(files.VARIABLE, raising=False)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)


def test_a_regression_finds_the_curve_behind_the_points(tmp_path):
    """Of seeds 0 to 4, the network came to 0.09 at worst, and the cubic to 0.52 at best."""
    results = regression.run(True, 0, tmp_path)
    assert results["network"] < 0.13 < results["noise of the points"] < results["cubic polynomial"]
    assert results["slope of the network"] < 1.0  # the true one goes from -2.5 to 3.5; 0.68 at worst
    assert (tmp_path / "regression.png").stat().st_size > 0
    assert regression.run(True, 0, tmp_path) == results


def test_a_convolutional_network_reads_digits(tmp_path):
    """Of seeds 0 to 4, 95.0% at worst."""
    results = mnist.run(True, 0, tmp_path)
    assert results["accuracy"] > 0.92
    assert (tmp_path / "mnist.png").stat().st_size > 0
    model = mnist.build(side=8).eval()
    model.load_state_dict(nn.load(tmp_path / "mnist.safetensors"))
    X, y = nn.datasets.load_digits("test")
    assert nn.metrics.accuracy(model(X.reshape(-1, 1, 8, 8)).numpy(), y) == results["accuracy"]


@pytest.mark.slow
def test_an_lstm_learns_to_spell(tmp_path, capsys):
    """Of seeds 0 to 4, 0.45 nats better than counts at worst."""
    results = char_lstm.run(True, 0, tmp_path)
    assert results["validation"] < results["counts of pairs"] - 0.3
    assert "epoch 3/3" in capsys.readouterr().out


@pytest.mark.slow
def test_an_autoencoder_beats_the_mean_picture(tmp_path):
    """Of seeds 0 to 4, 25.1 nats at worst; a perfect copy of the grey pixels would still cost 13.7."""
    results = vae.run(True, 0, tmp_path)
    assert results["nats"] < results["nats of the mean picture"] - 1.5
    assert (tmp_path / "vae.png").stat().st_size > 0


@pytest.mark.slow
def test_a_gpt_uses_more_than_the_last_character(tmp_path):
    """Of seeds 0 to 4, 0.18 nats better than counts at worst."""
    results = gpt.run(True, 0, tmp_path)
    assert results["validation"] < results["counts of pairs"] - 0.1


def test_each_program_is_in_the_docs_with_its_command():
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    for module in (regression, mnist, char_lstm, vae, gpt):
        name = module.__name__.rpartition(".")[2]
        assert f"python -m examples.{name}`, seed 0" in page


def test_the_command_line_of_the_programs(tmp_path, capsys):
    arguments = ["--quick", "--seed", "3", "--out", str(tmp_path / "new" / "out")]
    assert program.main("regression", regression.__doc__, regression.run, arguments) == 0
    assert re.search(r"\nseed 3, \d+ s\n$", capsys.readouterr().out)
    assert (tmp_path / "new" / "out" / "regression.png").exists()
    (tmp_path / "file").write_text("")
    arguments = ["--quick", "--out", str(tmp_path / "file" / "x")]
    assert program.main("regression", regression.__doc__, regression.run, arguments) == 1
    assert re.fullmatch(r"error: .+\n", capsys.readouterr().err)


def test_without_files_and_network_the_programs_take_what_comes_along(nothing_to_be_had, capsys):
    (X, _), (X_test, y_test) = program.handwriting(quick=False)
    assert len(X) == 1437 and X_test.shape == (360, 1, 8, 8) and y_test.shape == (360,)
    assert re.fullmatch("data: MNIST is not .* digits of 8x8 instead\n", capsys.readouterr().out)
    assert program.shakespeare(quick=False) == nn.datasets.load_shakespeare("first act")
    assert re.fullmatch("data: Shakespeare is not .* one act instead\n", capsys.readouterr().out)


def test_with_files_the_programs_take_them(nothing_to_be_had, tmp_path, monkeypatch, capsys):
    arrays = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28), np.array([3, 1, 4], np.uint8)
    for names in images.PARTS.values():
        for name, array in zip(names, arrays, strict=True):
            head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (tmp_path / name).write_bytes(gzip.compress(head + array.tobytes()))
    (tmp_path / "tinyshakespeare.txt").write_text("Words, words, words.")
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    (X, y), _ = program.handwriting(quick=False)
    assert X.shape == (3, 1, 28, 28) and y.tolist() == [3, 1, 4]
    assert program.shakespeare(quick=False) == "Words, words, words."
    assert capsys.readouterr().out.startswith("data: MNIST, 3 digits of 28x28")


# -- what the programs compute ---------------------------------------------------------------------


def test_classes_are_drawn_from_the_softmax():
    """40,000 draws: a frequency is off by 0.01 once in 10,000 times at most."""
    scores, rng = np.array([0.5, -1.0, 2.0]), np.random.default_rng(0)
    for temperature in (0.7, 2.0):
        drawn = program.choose(np.broadcast_to(scores, (40_000, 3)), temperature, rng)
        p = np.exp(scores / temperature)
        assert np.allclose(np.bincount(drawn) / len(drawn), p / p.sum(), atol=0.01)


def test_counts_of_pairs():
    """After a come b twice, after b comes a once, and each pair is counted once more than it came."""
    loss = program.count_pairs(np.array([0, 1, 0, 1]), np.array([0, 1, 0]))
    assert loss == pytest.approx(-(math.log(3 / 4) + math.log(2 / 3)) / 2, rel=1e-12)


def test_pieces_of_a_text_follow_one_another_in_each_lane():
    codes = np.arange(14)
    read, follow = zip(*char_lstm.pieces(codes, lanes=2, length=4), strict=True)
    assert np.concatenate(read, axis=1).tolist() == [list(range(6)), list(range(6, 12))]
    assert [each.shape for each in read] == [(2, 4), (2, 2)]
    assert all(np.array_equal(f, r + 1) for r, f in zip(read, follow, strict=True))


def test_the_loss_of_a_text_does_not_depend_on_where_it_is_cut():
    nn.manual_seed(0)
    model = char_lstm.CharLSTM(5, 4)
    codes = np.random.default_rng(0).integers(0, 5, 2500)
    whole = char_lstm.surprise(model(codes[None, :-1])[0], codes[None, 1:]).item()
    assert char_lstm.measure(model, codes) == pytest.approx(whole, rel=1e-6)


def test_a_gpt_does_not_look_ahead():
    nn.manual_seed(0)
    model = gpt.GPT(7, context=6, width=8, heads=2, depth=2)
    codes = np.array([[0, 1, 2, 3, 4, 5]])
    other = np.array([[0, 1, 2, 6, 6, 6]])
    same = np.isclose(model(codes).numpy(), model(other).numpy(), rtol=1e-5).all(axis=(0, 2))
    assert same.tolist() == [True] * 3 + [False] * 3


def test_the_divergence_of_an_autoencoder_is_the_integral():
    """KL(N(m, s^2) || N(0, 1)) = integral of q log(q / p), here with the pixels known for sure."""
    mean, deviation = 0.7, 0.4
    z = np.linspace(-6, 6, 20_001)
    log_q = -(((z - mean) / deviation) ** 2) / 2 - math.log(deviation)
    log_p = -(z**2) / 2
    integral = np.trapezoid(np.exp(log_q) * (log_q - log_p), z) / math.sqrt(2 * math.pi)
    certain, ink = np.full((3, 2), 100.0), np.ones((3, 2))
    each = np.ones((3, 1))
    loss = vae.negative_elbo(certain, ink, mean * each, 2 * math.log(deviation) * each)
    assert loss == pytest.approx(integral, rel=1e-9)


# -- programs that may be stopped ------------------------------------------------------------------


class StopAfter(nn.Callback):
    """The key that is pressed after some steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_batch_end(self, step, loss):
        self.steps -= 1
        if not self.steps:
            raise KeyboardInterrupt


def in_two_stages(folder, *callbacks):
    X, y = nn.datasets.load_digits("train")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 10), nn.Dropout(0.1))
    with program.resumable(folder) as fit:
        for stage in ("first", "second"):
            optimizer = nn.optim.Adam(model.parameters())
            trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks)
            fit(stage, trainer, X[:320], y[:320], 3, verbose=False)
    return model.state_dict(), trainer.history


@pytest.mark.parametrize("steps", [1, 25, 30, 31, 55])  # of 30 in each stage
def test_a_stopped_program_goes_on_and_ends_with_the_same_bits(tmp_path, capsys, steps):
    whole, history = in_two_stages(tmp_path / "whole")
    with pytest.raises(SystemExit, match="130"):
        in_two_stages(tmp_path / "stopped", StopAfter(steps))
    assert capsys.readouterr().out.startswith("stopped; the same command goes on")
    assert list((tmp_path / "stopped").iterdir()) or steps == 1
    resumed, resumed_history = in_two_stages(tmp_path / "stopped")
    assert all((resumed[name] == whole[name]).all() for name in whole)
    assert resumed_history == history
    assert not list(tmp_path.iterdir())


# -- weights under other names ---------------------------------------------------------------------


def published(path, rng, width=8, context=6, words=11, depth=2):
    """A file in the layout of GPT-2: names and (in, out) weights as Hugging Face publishes them."""

    def linear(name, n, m):
        return {f"{name}.weight": rng.normal(size=(n, m)) / 3, f"{name}.bias": rng.normal(size=m)}

    def norm(name):
        return {f"{name}.weight": rng.normal(size=width), f"{name}.bias": rng.normal(size=width)}

    state = {"wte.weight": rng.normal(size=(words, width)), "wpe.weight": rng.normal(size=(context, width))}
    for i in range(depth):
        state |= norm(f"h.{i}.ln_1") | norm(f"h.{i}.ln_2")
        state |= linear(f"h.{i}.attn.c_attn", width, 3 * width) | linear(f"h.{i}.attn.c_proj", width, width)
        state |= linear(f"h.{i}.mlp.c_fc", width, 4 * width) | linear(f"h.{i}.mlp.c_proj", 4 * width, width)
        state[f"h.{i}.attn.bias"] = np.tril(np.ones((context, context)))[None, None]
    state = {name: x.astype(np.float32) for name, x in (state | norm("ln_f")).items()}
    nn.save(state, path)
    return state


def gpt2(state, codes, heads):
    """GPT-2 in plain NumPy, from its paper, in double precision."""
    state = {name: x.astype(float) for name, x in state.items()}

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return centred / deviation * state[f"{name}.weight"] + state[f"{name}.bias"]

    def linear(x, name):
        return x @ state[f"{name}.weight"] + state[f"{name}.bias"]

    def attention(x, name):
        q, k, v = (
            part.reshape(len(x), heads, -1).swapaxes(0, 1)
            for part in np.split(linear(x, f"{name}.c_attn"), 3, axis=-1)
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1])) * np.tril(np.ones((len(x), len(x))))
        mixed = scores / scores.sum(-1, keepdims=True) @ v
        return linear(mixed.swapaxes(0, 1).reshape(len(x), -1), f"{name}.c_proj")

    def mlp(x, name):
        x = linear(x, f"{name}.c_fc")
        return linear(x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2, f"{name}.c_proj")

    x = state["wte.weight"][codes] + state["wpe.weight"][: len(codes)]
    for i in range(sum(name.endswith("ln_1.weight") for name in state)):
        x = x + attention(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn")
        x = x + mlp(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp")
    return norm(x, "ln_f") @ state["wte.weight"].T


def test_published_weights_of_gpt2(tmp_path):
    rng = np.random.default_rng(0)
    state = published(tmp_path / "model.safetensors", rng)
    model = gpt.from_gpt2(tmp_path / "model.safetensors", heads=2)
    codes = np.array([3, 1, 4, 1, 5])
    want = gpt2(state, codes, heads=2)
    np.testing.assert_allclose(model(codes[None]).numpy()[0], want, rtol=1e-4, atol=1e-4)
    state["h.0.attn.c_proj.weight"] = state["h.0.attn.c_proj.weight"].T.copy()  # a fault that no shape shows
    assert np.abs(gpt2(state, codes, heads=2) - want).max() > 0.1


def test_published_weights_that_are_not_whole(tmp_path):
    path = tmp_path / "model.safetensors"
    state = published(path, np.random.default_rng(1))
    nn.save({name: x for name, x in state.items() if name != "h.1.mlp.c_fc.bias"}, path)
    with pytest.raises(DataError, match=r"blocks\.1\.network\.0\.bias"):
        gpt.from_gpt2(path, heads=2)
