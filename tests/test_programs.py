"""Random programs: what holds for each, and whether planted faults are seen."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import backward, cotangents
from autograd_lite.errors import KinkError
from autograd_lite.known import Composition, known
from autograd_lite.testing import check_grads
from tests.programs.checking import WAYS, Fault, Trial, fault_of, undecided
from tests.programs.drawing import numbered
from tests.programs.program import Program
from tests.programs.references import along
from tests.programs.shrinking import shrunk
from tests.programs.table import OPS
from tests.programs.torch_twins import INSTALLED, has_twin

SEED = 7


def tried(numbers: Sequence[int]) -> None:
    for number in numbers:
        fault = fault_of(numbered(SEED, number))
        assert fault is None, str(shrunk(fault))


@pytest.mark.few(5)
@pytest.mark.parametrize("portion", range(5))
def test_random_programs_hold(portion: int) -> None:
    """Values, and derivatives of both orders, in all ways of running; another seed makes other programs."""
    tried(range(30 * portion, 30 * (portion + 1)))


@pytest.mark.slow
@pytest.mark.parametrize("portion", range(23))
def test_thousands_of_random_programs_hold(portion: int) -> None:
    tried(range(150 + 100 * portion, 250 + 100 * portion))


@pytest.mark.parametrize("count", [4, pytest.param(12, marks=pytest.mark.slow)])
def test_random_programs_have_the_right_derivatives(count: int) -> None:
    """`check_grads` says so too, entry by entry and in all modes."""
    kinks = 0
    for program in (numbered(SEED, number) for number in range(5000, 5000 + count)):
        if all(x.dtype == np.float64 for x in program.inputs):
            try:
                # A program may compute nothing but rounding, as in the mean of deviations; hence atol.
                check_grads(program.loss, program.inputs, order=2, atol=1e-11)
            except KinkError:  # and a derivative that is nothing but rounding jumps
                kinks += 1
    assert kinks <= 2


def test_three_ways_to_a_gradient_agree() -> None:
    """To the bit: backward on leaves, grad of the function, and grad of it under a checkpoint."""
    for program in (numbered(SEED, number) for number in range(6000, 6150)):
        leaves = [ag.Tensor(x, requires_grad=True) for x in program.inputs]
        program.loss(*leaves).backward()
        for f in (program.loss, ag.checkpoint(program.loss)):
            for g, x in zip(ag.grad(f, tuple(range(len(leaves))))(*program.inputs), leaves, strict=True):
                np.testing.assert_array_equal(g, np.zeros(x.shape) if x.grad is None else x.grad.numpy())


# -- the generator -------------------------------------------------------------------------------


def test_every_op_is_drawn_and_most_programs_can_be_compared() -> None:
    programs = drawn_before()
    count = Counter(step.op for program in programs for step in program.steps)
    assert [text for text in OPS if count[text] < 3] == []
    assert sum(map(has_twin, programs)) > 0.3 * len(programs) or not INSTALLED
    uses = [Counter(i for step in p.steps for i in step.operands) for p in programs]
    assert sum(max(count.values(), default=0) > 1 for count in uses) > 0.5 * len(programs)  # fan-in
    assert sum(len(p.outputs) > 1 for p in programs) > 0.2 * len(programs)
    assert {x.dtype.char for p in programs for x in p.inputs} == set("fdFD")
    assert sum(any(x.size == 0 for x in p.inputs) for p in programs) > 100
    assert sum(any(x.ndim == 0 for x in p.inputs) for p in programs) > 100


def test_finite_differences_seldom_abstain() -> None:
    trials = [Trial(numbered(SEED, number)) for number in range(7000, 7100)]
    with np.errstate(all="ignore"):
        slopes = [
            along(t.wide.loss, t.wide.inputs, [d.astype(np.result_type(d, 1.0)) for d in t.v]) for t in trials
        ]
    assert sum(map(undecided, slopes)) <= 5


def test_a_program_prints_as_a_script_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for program in (numbered(SEED, number) for number in range(8000, 8040)):
        scope: dict[str, Any] = {}
        exec(str(program), scope)
        expected = ag.grad(program.loss, tuple(range(len(program.inputs))))(*program.inputs)
        assert capsys.readouterr().out == f"{expected}\n"


def test_a_program_is_the_same_each_time() -> None:
    assert str(numbered(SEED, 3)) == str(numbered(SEED, 3)) != str(numbered(SEED + 1, 3))


# -- planted faults ------------------------------------------------------------------------------

Place = tuple[Any, str, Any]
"""Where something wrong is put: an object, the name of an attribute, its value."""


def in_place_of(op: Any, *planted: Any) -> Place:
    """The rules of an op, one for each operand; None leaves the right one."""
    right = known[op].vjps
    return known[op], "vjps", tuple(new or old for new, old in itertools.zip_longest(planted, right))


def written_to(g: Any, y: Any, x: Any) -> Any:
    """-g, computed in the memory of g, which other operands have been given as well."""
    if not isinstance(g, np.ndarray):
        return -g
    g.flags.writeable = True
    return np.negative(g, out=g)


def untransposed_product(g: Any, y: Any, a: Any, b: Any) -> Any:
    right = known[np.matmul].vjps[1].__globals__["_matmul_right"]
    return np.matmul(a, g) if np.ndim(a) == 2 and a.shape[0] == a.shape[1] else right(g, y, a, b)


def averaged(g: Any, shape: tuple[int, ...]) -> Any:
    """A gradient brought to its operand's shape by the mean of what was broadcast."""
    lead = g.ndim - len(shape)
    ones = [i for i in range(lead, g.ndim) if shape[i - lead] == 1 and g.shape[i] != 1]
    return np.reshape(np.mean(g, axis=(*range(lead), *ones)), shape)


def unreversed(g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.reshape(np.cumsum(g, axis=axis), x.shape)


PLANTS: dict[str, tuple[str, Callable[[], Place]]] = {
    "a factor of 2": ("np.sin(", lambda: in_place_of(np.sin, lambda g, y, x: 2 * g * np.cos(x))),
    "a factor close to 1": (
        "np.sin(",
        lambda: in_place_of(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-8)),
    ),
    "a wrong sign": (" - ", lambda: in_place_of(np.subtract, None, lambda g, y, a, b: g)),
    "swapped operands": (" * {", lambda: in_place_of(np.multiply, lambda g, y, a, b: g * a)),
    "a missing transpose": (
        "transpose(",
        lambda: in_place_of(np.transpose, lambda g, y, x, axes=None: np.reshape(g, x.shape)),
    ),
    "a missing transpose in a product": ("@", lambda: in_place_of(np.matmul, None, untransposed_product)),
    "a mean over what was broadcast": (" + ", lambda: (cotangents, "unbroadcast", averaged)),
    "a dropped term of fan-in": ("{0} * {1}", lambda: (backward, "add", lambda a, b: b)),
    "a mask the other way": ("np.maximum(", lambda: in_place_of(np.maximum, lambda g, y, a, b: g * (a < b))),
    "a running sum from the wrong end": ("cumsum(", lambda: in_place_of(np.cumsum, unreversed)),
    "a cotangent written to": ("-{0}", lambda: in_place_of(np.negative, written_to)),
    "a missing conjugate": ("np.fft.fft(", lambda: (known[np.fft.fft], "plain", False)),
    "a second order of 0": (
        "np.exp(",
        lambda: in_place_of(np.exp, lambda g, y, x: g * ag.stop_gradient(y)),
    ),
    "a second order of the wrong sign": (
        "np.tanh(",
        lambda: in_place_of(np.tanh, lambda g, y, x: g * (2 * ag.stop_gradient(1 - y * y) - (1 - y * y))),
    ),
}
"""What is wrong, a word of the ops that it can show in, and where it is put."""

SECOND = {"torch", "second", "symmetric", "bent"}
"""Ways that see the second order."""


def planted(name: str, monkeypatch: pytest.MonkeyPatch, ways: Sequence[str]) -> Fault:
    """The first fault that the planted one makes, among 2000 programs. Those without the op are not run."""
    word, place = PLANTS[name]
    monkeypatch.setattr(*place())
    for program in drawn_before():
        if any(word in step.op for step in program.steps):
            fault = fault_of(program, ways)
            if fault is not None:
                return fault
    raise AssertionError(f"{name} was not seen in {len(drawn_before())} programs")


@functools.cache
def drawn_before() -> list[Program]:
    return [numbered(SEED + 1, number) for number in range(2000)]


@pytest.mark.parametrize("name", PLANTS)
def test_planted_faults_are_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyTorch. And what is printed is the fault and little else."""
    fault = planted(name, monkeypatch, [way for way in WAYS if way != "torch"])
    assert "second order" not in name or fault.way in SECOND
    smaller = shrunk(fault)
    assert smaller.way == fault.way
    assert len(smaller.program.steps) <= 3, str(smaller)
    monkeypatch.undo()
    assert fault_of(smaller.program) is None


@pytest.mark.torch
@pytest.mark.parametrize("name", PLANTS)
def test_pytorch_sees_planted_faults(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    assert planted(name, monkeypatch, ["torch"]).way == "torch"


def test_wrong_values_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = known[np.var].function
    wrong = Composition(lambda x, **options: right(x, **options) * (1 + 2.0**-52))
    monkeypatch.setitem(known, np.var, wrong)
    programs = (p for p in drawn_before() if any("np.var" in step.op for step in p.steps))
    assert any((fault := fault_of(program, ["values"])) and "in NumPy" in fault.what for program in programs)
