"""`scan` and `checkpoint(memory=)`: minimal schedules, gradients beside plain loops, and memory measured."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import visualize
from autograd_lite import revolve
from autograd_lite.errors import AnomalyError, DataError, DTypeError, OptionError, ShapeError, TapeError
from autograd_lite.revolve import advances, schedule
from autograd_lite.testing import check_grads
from examples import pendulum
from tests.helpers import peak

# -- the schedule ----------------------------------------------------------------------------------


@functools.cache
def fewest(n: int, s: int) -> int:
    """The fewest forward steps that reverse n steps with s states, by trying every place of the next."""
    if s == 1:
        return n * (n - 1) // 2
    return min((j + fewest(n - j, s - 1) + fewest(j, s) for j in range(1, n)), default=0)


def forward_steps(n: int, s: int) -> int:
    """Follow a schedule, and require that each action is possible; returns its forward steps."""
    kept: list[int] = []
    here, left, steps = 0, n, 0
    for do, at, to in schedule(n, s):
        if do == "store":
            assert here == at
            kept.append(at)
            assert len(kept) <= s
        elif do == "advance":
            assert here == at < to <= left - 1
            here, steps = to, steps + to - at
        elif do == "reverse":
            assert (here, left) == (at, to)
            here, left = -1, at
        elif do == "drop":
            assert kept.pop() == at
        else:
            assert kept[-1] == at
            here = at
    assert left == 0 and not kept
    return steps


@pytest.mark.parametrize("longest", [16, pytest.param(48, marks=pytest.mark.slow)])
def test_no_schedule_needs_fewer_steps(longest: int) -> None:
    for n in range(1, longest):
        for s in range(1, 9):
            assert forward_steps(n, s) == advances(n, s) == fewest(n, s), (n, s)


@pytest.mark.parametrize(("n", "s"), [(1000, 1), (5000, 3), (3000, 2999), (3000, 5000)])
def test_long_schedules_follow_the_formula(n: int, s: int) -> None:
    assert forward_steps(n, s) == advances(n, s)


def test_a_stride_that_is_off_by_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = revolve._stride
    monkeypatch.setattr(revolve, "_stride", lambda n, s: max(1, right(n, s) - 2))
    assert any(forward_steps(n, s) > fewest(n, s) for n in range(1, 16) for s in range(1, 5))


def test_one_snapshot_too_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "schedule", lambda n, s: revolve.schedule(n, s + 1))
    with pytest.raises(AssertionError):
        forward_steps(10, 2)


# -- gradients beside those of a plain loop --------------------------------------------------------

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=(2, 3))
SMALL, STEPS = "12 kB", 18


def net(memory: Any, **options: Any) -> Callable[[Any, Any], Any]:
    """A recurrent net: its state is a dict with an array and a sum, and it reads w."""

    def f(x: Any, w: Any) -> Any:
        def body(state: Any, i: int) -> Any:
            h = np.tanh(state["h"] @ w + 0.1 * i)
            return {"h": h, "sum": state["sum"] + np.sum(h**2)}

        last = ag.scan(body, {"h": x, "sum": 0.0}, STEPS, memory, **options)
        return last["sum"] + np.sum(last["h"])

    return f


def loop(x: Any, w: Any) -> Any:
    """The same in plain Python."""
    total = 0.0
    for i in range(STEPS):
        x = np.tanh(x @ w + 0.1 * i)
        total = total + np.sum(x**2)
    return total + np.sum(x)


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: ag.grad(f, (0, 1))(X, W),
    "jvp": lambda f: ag.jvp(f, (X, W), (X, W)),
    "hvp": lambda f: ag.hvp(f, (X, W), (X + 1, W)),
    "vmap of grad": lambda f: ag.vmap(ag.grad(f, 1), (0, None))(np.stack([X, 2 * X]), W),
    "grad of vmap": lambda f: ag.grad(lambda w: np.sum(ag.vmap(f, (0, None))(np.stack([X, 2 * X]), w)))(W),
    "jet": lambda f: ag.jet(f, (X, W), (X, W), 2),
    "no_grad": lambda f: ag.no_grad(f)(ag.Tensor(X, requires_grad=True), W).data,
    "compile": lambda f: [g(X, W) for g in [ag.compile(ag.grad(f))] for _ in range(3)],
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_transforms_agree_with_a_plain_loop(transform: str) -> None:
    wanted, found = (TRANSFORMS[transform](f) for f in (loop, net(SMALL)))
    for a, b in zip(ag.tree.flatten(wanted)[0], ag.tree.flatten(found)[0], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


def test_finite_differences() -> None:
    check_grads(net(SMALL), (X, W), order=1)


def test_exactly_as_many_steps_as_the_formula_says() -> None:
    """n forwards, the advances of the schedule less those of the forward pass, and n that are reversed."""
    for memory in ("9 kB", "11 kB", "20 kB"):
        calls: list[int] = []

        def body(x: Any, i: int, calls: list[int] = calls) -> Any:
            calls.append(i)
            return np.sin(x) + 0.1

        x = ag.Tensor(np.ones(30), requires_grad=True)
        y = ag.scan(body, x, 60, memory)
        s = y.node.inputs[0].kwargs["_loop"].snapshots
        assert 1 <= s < 60 and calls == list(range(60))
        y.backward(np.ones(30))
        assert len(calls) == 60 + advances(60, s) - 59 + 60


def test_a_budget_for_everything_computes_nothing_again() -> None:
    calls: list[int] = []
    ag.grad(lambda x: ag.scan(lambda s, i: (calls.append(i), np.sin(s))[1], x, 9, "1 MB"))(1.0)
    assert calls == list(range(9))


def test_outputs_of_all_steps() -> None:
    def f(memory: Any) -> Callable[[Any], Any]:
        def body(state: Any, i: int) -> Any:
            x, v = state
            v = v - 0.1 * np.sin(x)
            x = x + 0.1 * v
            return (x, v), {"x": x, "energy": v**2 / 2 - np.cos(x), "i": i}

        def loss(x: Any) -> Any:
            (x, v), ys = ag.scan(body, (x, 0.0 * x), 25, memory, outputs=True)
            assert ys["i"].tolist() == list(range(25)) and ys["x"].shape == (25, 4)
            return np.sum(ys["x"][::3] ** 2) + np.sum(ys["energy"] * np.arange(4.0)) + np.sum(v)

        return loss

    x = np.linspace(0.2, 2.0, 4)
    np.testing.assert_allclose(ag.grad(f("14 kB"))(x), ag.grad(f(None))(x), rtol=1e-12)
    check_grads(f("14 kB"), (x,), order=1)


def test_a_scan_inside_of_a_scan() -> None:
    def f(memory: Any) -> Callable[[Any, Any], Any]:
        def outer(x: Any, i: int) -> Any:
            return ag.scan(lambda y, j: np.sin(y * w[i] + 0.1 * j), x, 20, memory)

        def loss(x: Any, weights: Any) -> Any:
            nonlocal w
            w = weights
            return np.sum(ag.scan(outer, x, 4, memory and "60 kB"))

        w: Any = None
        return loss

    args = np.ones(5), np.linspace(0.5, 1.5, 4)
    for a, b in zip(ag.grad(f("8 kB"), (0, 1))(*args), ag.grad(f(None), (0, 1))(*args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_complex_states() -> None:
    z = np.array([0.3 + 0.2j, -0.1 + 0.4j])

    def f(memory: Any) -> Callable[[Any], Any]:
        return lambda z: np.sum(np.abs(ag.scan(lambda s, i: np.sin(s) * s + z, z, 6, memory)) ** 2)

    np.testing.assert_allclose(ag.grad(f("6 kB"))(z), ag.grad(f(None))(z), rtol=1e-12)


def test_complex_results_of_a_checkpoint() -> None:
    z = np.array([0.3 + 0.2j, -0.1 + 0.4j])

    def f(wrapped: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda z: np.sum(np.abs(wrapped(wrapped(z))) ** 2)

    def part(z: Any) -> Any:
        return np.sin(z) * z + np.sum(z) * z

    wanted = ag.grad(f(part))(z)
    for wrapped in (ag.checkpoint(part), ag.checkpoint([part], "1 MB")):
        np.testing.assert_allclose(ag.grad(f(wrapped))(z), wanted, rtol=1e-12)


def test_parameters_of_layers_and_a_second_pass() -> None:
    found = []
    for memory in (None, "60 kB"):
        nn.manual_seed(0)
        layers = [nn.Linear(6, 6) for _ in range(3)]  # each step reads another one

        def body(x: Any, i: int, layers: Any = layers) -> Any:
            return layers[i % 3](np.tanh(x))

        y = ag.scan(body, np.ones((4, 6), np.float32), 30, memory)
        for _ in range(2):
            y.sum().backward(retain_graph=True)
        found.append([p.grad.numpy() for layer in layers for p in layer.parameters()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("when", [lambda i: True, lambda i: i == 12], ids=["always", "late"])
def test_the_same_random_numbers_are_drawn_again(when: Callable[[int], bool]) -> None:
    found = []
    for memory in (None, "40 kB"):
        nn.manual_seed(1)
        np.random.seed(1)

        def body(x: Any, i: int) -> Any:
            x = np.sin(x) * 1.5
            return nn.functional.dropout(x, 0.3) * np.random.rand() if when(i) else x

        x = ag.Tensor(np.ones(5), requires_grad=True)
        y = ag.scan(body, x, 30, memory)
        y.sum().backward()
        found.append((y.numpy(), x.grad.numpy(), np.random.rand()))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# -- files -----------------------------------------------------------------------------------------


def test_states_in_files_are_removed(tmp_path: Path) -> None:
    gradient = ag.grad(net(None, to=tmp_path), (0, 1))
    for a, b in zip(gradient(X, W), ag.grad(loop, (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("again", [False, True], ids=["forward", "backward"])
def test_no_file_stays_after_an_exception(tmp_path: Path, error: type[BaseException], again: bool) -> None:
    seen: list[int] = []

    def body(x: Any, i: int) -> Any:
        if i == 5 and ag.is_recomputing() == again:
            seen.append(len(list(tmp_path.rglob("*.npy"))))
            raise error
        return np.sin(x)

    with pytest.raises(error):
        ag.grad(lambda x: np.sum(ag.scan(body, x, 9, to=tmp_path)))(np.ones(3))
    assert seen[0] > 1
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_backward_pass_can_be_repeated() -> None:
    fails = [True]

    def body(x: Any, i: int) -> Any:
        if ag.is_recomputing() and i == 5 and fails:
            fails.pop()
            raise KeyboardInterrupt
        return np.sin(x)

    x = ag.Tensor(np.ones(9), requires_grad=True)
    y = ag.scan(body, x, 40, "6 kB").sum()
    with pytest.raises(KeyboardInterrupt):
        y.backward(retain_graph=True)
    assert ag.is_recording() and x.grad is None
    y.backward()
    wanted = ag.grad(lambda x: np.sum(ag.scan(lambda x, i: np.sin(x), x, 40)))(np.ones(9))
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-12)


# -- what is refused -------------------------------------------------------------------------------


def test_changes_between_the_passes_are_found() -> None:
    scale = np.ones(40)
    x = ag.Tensor(np.ones(3), requires_grad=True)
    y = ag.scan(lambda x, i: np.sin(x) * scale[i], x, 40, "5 kB")
    scale[2] = 1.1  # read by one early step alone
    with pytest.raises(TapeError, match="scan: computed again, the function gives other values"):
        y.sum().backward()
    rng = np.random.default_rng(0)
    y = ag.scan(lambda x, i: np.sin(x) * rng.random(), x, 40, "5 kB")
    with pytest.raises(TapeError, match="other values"):
        y.sum().backward()
    w = ag.Tensor(2.0, requires_grad=True)
    y = ag.scan(lambda x, i: np.sin(x) * w, x, 40, "5 kB")
    w = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(TapeError, match="reads other Tensors"):
        y.sum().backward()


def test_a_tensor_of_an_earlier_step_belongs_into_the_state() -> None:
    past: list[Any] = []

    def body(x: Any, i: int) -> Any:
        past.append(np.sin(x))
        return past[i - 1] * x if i > 1 else past[i]

    with pytest.raises(TapeError, match="part of the state; return the Tensor in the state"):
        ag.grad(lambda x: np.sum(ag.scan(body, x, 30, "5 kB")))(np.ones(3))


def test_a_nan_is_named_with_its_step() -> None:
    def f(x: Any) -> Any:
        return np.sum(ag.scan(lambda x, i: np.log(x), x, 30, "5 kB"))

    with np.errstate(all="ignore"), ag.detect_anomaly(), pytest.raises(AnomalyError, match="log produced"):
        ag.grad(f)(np.full(3, 2.0))


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "shape": (lambda: ag.scan(lambda x, i: x[:1], X, 3), ShapeError, r"state has shape \(2, 3\)"),
    "dtype": (
        lambda: ag.scan(lambda s, i: (s[0].astype(np.float32),), (X,), 3),
        DTypeError,
        r"state\[0\] is float64, and body returned float32 at step 0",
    ),
    "structure": (lambda: ag.scan(lambda s, i: s[0], (X, X), 3), ShapeError, "return the whole state"),
    "outputs": (lambda: ag.scan(lambda s, i: s, X, 3, outputs=True), ShapeError, "expected a tuple"),
    "no outputs": (lambda: ag.scan(lambda s, i: (s, s), X, 0, outputs=True), OptionError, "n=0"),
    "n": (lambda: ag.scan(lambda s, i: s, X, 3.0), DTypeError, r"expected an integer: int\(n\)"),
    "minus": (lambda: ag.scan(lambda s, i: s, X, -1), OptionError, "expected 0 steps or more"),
    "body": (lambda: ag.scan(X, X, 3), DTypeError, "scan takes a function"),
    "unit": (lambda: ag.scan(lambda s, i: s, X, 3, "64 megs"), OptionError, "memory='64 MB'"),
    "list": (lambda: ag.checkpoint([np.sin]), DTypeError, "a list of functions needs a budget"),
    "no chain": (lambda: ag.checkpoint([np.sin, 3], "1 MB"), DTypeError, "a list of functions that follow"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_named(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


def test_no_steps_and_numpys_integers() -> None:
    assert ag.scan(lambda s, i: 1 / 0, X, 0, "1 kB") is X
    assert ag.grad(lambda x: ag.scan(lambda s, i: s * s, x, np.int8(3), "3 kB"))(1.0) == 8.0


# -- memory ----------------------------------------------------------------------------------------


LIMITS = ("500 kB", "800 kB", "2 MB")


@pytest.mark.few(3)
@pytest.mark.parametrize("memory", LIMITS)
def test_the_peak_of_a_scan_stays_below_the_budget(memory: str) -> None:
    x, w = np.ones(2000), np.linspace(0.5, 1.0, 2000)

    def gradient(memory: Any) -> Any:
        def body(x: Any, i: int) -> Any:
            return np.sin(np.exp(-x) * w) + np.tanh(x)

        return ag.grad(lambda x: np.sum(ag.scan(body, x, 150, memory)))(x)

    whole = peak(lambda: gradient(None))
    found = peak(lambda: gradient(memory))
    budget = float(memory.split()[0]) * (1e6 if "MB" in memory else 1e3)
    assert found < budget < whole
    np.testing.assert_allclose(gradient(memory), gradient(None), rtol=1e-12)


@pytest.mark.parametrize("memory", ["1.1 MB", "1.3 MB"])
def test_the_peak_of_a_chain_stays_below_the_budget(memory: str) -> None:
    nn.manual_seed(0)
    layers = nn.Sequential(*[nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Dropout(0.3)) for _ in range(16)])
    data = RNG.normal(size=(100, 64)).astype(np.float32)

    def gradient(f: Any) -> list[Any]:
        nn.manual_seed(1)
        layers.zero_grad()
        x = ag.Tensor(data, requires_grad=True)
        y = f(x)
        (y * y).sum().backward()
        return [x.grad.numpy(), *(p.grad.numpy().copy() for p in layers.parameters())]

    thrifty = ag.checkpoint(layers, memory)
    for a, b in zip(gradient(thrifty), gradient(layers), strict=True):  # the first call measures
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert peak(lambda: gradient(thrifty)) < float(memory[:3]) * 1e6 < peak(lambda: gradient(layers))
    for a, b in zip(gradient(thrifty), gradient(layers), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_chain_of_shapes_that_change() -> None:
    chain = [lambda x, w: (np.outer(x, x), w), lambda s: np.sum(np.sin(s[0]) * s[1], 1), np.exp, np.sum]
    f = ag.checkpoint(chain, "16 kB")
    x, w = np.linspace(0, 1, 7), np.linspace(1, 2, 7)

    def plain(x: Any, w: Any) -> Any:
        return np.sum(np.exp(np.sum(np.sin(np.outer(x, x)) * w, 1)))

    for _ in range(2):
        for a, b in zip(ag.grad(f, (0, 1))(x, w), ag.grad(plain, (0, 1))(x, w), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert f(x, w) == plain(x, w)


def test_the_least_budget_is_named_and_is_enough() -> None:
    for make in (
        lambda memory: lambda x: np.sum(ag.scan(lambda x, i: np.sin(x), x, 60, memory)),
        lambda memory: lambda x: np.sum(ag.checkpoint([np.sin] * 60, memory)(x)),
    ):
        with pytest.raises(OptionError, match="Write at least memory='") as caught:
            ag.grad(make(2000))(np.ones(1000))
        least = str(caught.value).split("at least memory='")[1].split("'")[0]
        wanted = ag.grad(make("1 GB"))(np.ones(1000))
        np.testing.assert_allclose(ag.grad(make(least))(np.ones(1000)), wanted, rtol=1e-12)


# -- the picture and the program -------------------------------------------------------------------


def test_the_picture_has_a_line_for_each_sweep() -> None:
    axes = visualize.schedule(10, 3).axes[0]
    lines = [line.get_xydata() for line in axes.lines if len(line.get_xdata())]
    falls = [data for data in lines if data[1, 0] < data[0, 0]]
    assert sorted(int(data[1, 0]) for data in falls) == list(range(10))
    runs = [data for data in lines if data[1, 0] > data[0, 0]]
    assert sum(int(data[1, 0] - data[0, 0]) for data in runs) == advances(10, 3) == 15
    with pytest.raises(DataError, match="expected 1 to 2000 steps"):
        visualize.schedule(0, 3)


def test_the_pendulum_agrees_with_its_tangent(tmp_path: Path) -> None:
    results = pendulum.run(True, 0, tmp_path)
    assert results["error"] < 1e-10 and results["peak"] < 300e3
