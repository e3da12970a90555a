"""A trace: the steps of one run of a function, on numbered slots."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from ..arrays import Holder
from ..cotangents import Masked, add, fit
from ..during import during
from ..errors import CompileError, package, user_line, user_place
from ..known import Rule
from ..node import Node
from ..pull import Sweep
from ..recording import tracing
from .outs import given_back, not_traced
from .sending import Sending, either, silenced, summed
from .shapes import ASKS_NO_VALUE, shaped_by_values
from .slots import Ref, fill, refs, same, walk
from .traced import Sent, Traced

__all__ = ["Ref", "Step", "Trace", "difference", "fill", "refs", "same", "walk"]


class Step:
    """One call: `result = function(*args, **kwargs)`.

    Attributes:
        args, kwargs: the arguments, with `Ref` for values of other steps.
        result: the result, with `Ref` for what later steps may use.
        kind: "pure", or "effect" for a step whose order counts (it writes, draws or stores), or "guard" for
            a step whose result must be `expected`, else the plan does not hold for the call.
        quiet: NumPy's error state of the step; None for that around the call.
        uses, makes: the slots in the arguments and in the result.
        line: the user's line.
    """

    __slots__ = ("_at", "args", "expected", "function", "kind", "kwargs", "makes", "quiet", "result", "uses")

    def __init__(
        self, function: Any, args: Any, kwargs: Any, result: Any, kind: str, quiet: Any, at: Any
    ) -> None:
        self.function, self.args, self.kwargs, self.result = function, args, kwargs, result
        self.kind, self.quiet, self._at = kind, quiet, at
        self.expected: Any = None

    def changed(self, function: Any, args: Any, kwargs: Any = None) -> Step:
        """The same step with another function."""
        other = Step(function, args, kwargs or {}, self.result, self.kind, self.quiet, self._at)
        other.expected = self.expected
        return other

    def grouped(self, group: Any, args: Any, result: Any) -> Step:
        """The step of a group whose last step this is; a group keeps the error states of its steps."""
        return Step(group, args, {}, result, self.kind, None, self._at)

    def __getattr__(self, name: str) -> Any:
        """`uses` and `makes` are found when a plan is made, and kept."""
        if name == "uses":
            self.uses = tuple(refs((self.args, self.kwargs)) if self.kwargs else refs(self.args))
            return self.uses
        if name == "makes":
            self.makes = tuple(refs(self.result))
            return self.makes
        raise AttributeError(name)

    @property
    def line(self) -> str:
        code, number = self._at
        return f"{code.co_filename}:{number}"

    def __repr__(self) -> str:
        words = [*map(_shown, self.args), *(f"{k}={_shown(v)}" for k, v in self.kwargs.items())]
        return f"{_shown(self.result)} = {_name(self.function)}({', '.join(words)})"


def _name(function: Any) -> str:
    return getattr(function, "__name__", None) or type(function).__name__


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_shown, value))})"
    return repr(value) if isinstance(value, (Ref, int, float, str, slice, type(None))) else _name(value)


def _value(leaf: Any) -> Any:
    kind = leaf.__class__
    return leaf._value if kind is Traced or kind is Sent else leaf


def _traced(leaf: Any) -> Any:
    return leaf._value if isinstance(leaf, Traced) else None


# -- the trace -------------------------------------------------------------------------------------


class Trace:
    """Hears the steps of one run.

    Attributes:
        steps: in the order of the run.
        reason: why the run cannot become a plan though it is right; None while it can.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.count = 0
        self.reason: str | None = None
        self.open = True
        self.places: Any = None
        self.unheard: Any = None
        self.values: dict[int, Any] = {}
        self.written: list[Any] = []
        self.taped: list[Any] = []
        self.constants: dict[int, tuple[Any, Any]] = {}
        self._outer = np.geterr()
        self._pulling: Any = None

    def release(self) -> None:
        """Free the values of the run; the steps stay."""
        self.values.clear()
        self.written.clear()
        self.taped.clear()
        self.places = None

    # -- steps -------------------------------------------------------------------------------------

    def call(
        self, function: Any, args: Any, kwargs: Any, written: Iterable[Any] = (), kind: str = "pure"
    ) -> Any:
        """Compute with the values of traced arrays, and add the call as a step."""
        if not self.open:
            raise CompileError(
                "a value of a compiled function was used after the call, at "
                f"{user_line()}; return it: what a compiled function keeps elsewhere is not replayed"
            )
        for target in written:
            if target is not None and not isinstance(target, Traced):
                raise not_traced()
            if target is not None and any(np.may_share_memory(target._value, held) for held in self.taped):
                raise CompileError(
                    f"x.numpy() of an x on the tape is written into while a plan is made, at {user_line()}; "
                    "set a new array, x.data = x.data - step, or write x.detach().numpy().copy()"
                )
        # Before the call, which may write into its arguments.
        taken, values = self._taken(args)
        constants = taken, walk(kwargs, self._constant) if kwargs else kwargs
        try:
            result = function(*values, **walk(kwargs, _value)) if kwargs else function(*values)
        except (ArithmeticError, ValueError, LookupError) as error:
            self.reason = self.reason or f"a {type(error).__name__} is caught, which may depend on values"
            raise
        if function in ASKS_NO_VALUE:
            return result
        for target in written or given_back(function, args, values, result):
            if target is not None:
                kind = "effect"
                self.written.append(target._value)
                if result is target._value:
                    self.add(function, constants[0], constants[1], None, kind)
                    return target
        made = self.made(result)
        self.add(function, constants[0], constants[1], made, kind)
        if shaped_by_values(function, args, kwargs):
            walk(made, self._keep_shape)
        return made

    def _taken(self, args: Any) -> tuple[tuple[Any, ...], list[Any]]:
        """Arguments as a step keeps them, and their values."""
        kept: list[Any] = []
        values: list[Any] = []
        for x in args:  # written out: a plan of n steps is made by some n calls
            kind = x.__class__
            if kind is Traced or kind is Sent:
                kept.append(Ref(x._slot))
                values.append(x._value)
            elif kind is float or kind is int or kind is str:
                kept.append(x)
                values.append(x)
            else:
                kept.append(walk(x, self._constant))
                values.append(walk(x, _value))
        return tuple(kept), values

    def _keep_shape(self, x: Any) -> Any:
        """Let the plan hold for calls where an array has this shape."""
        if isinstance(x, Traced):
            shape = self._slot(np.shape(x._value), Traced)
            self.add(np.shape, (Ref(x._slot),), {}, shape, "pure")
            self.add(_itself, (Ref(shape._slot),), {}, None, "guard").expected = shape._value
        return x

    def add(self, function: Any, args: Any, kwargs: Any, made: Any, kind: str) -> Step:
        """Append a step."""
        quiet, at = self._pulling or (self._quiet(), user_place())
        result = Ref(made._slot) if made.__class__ is Traced else walk(made, self._constant)
        step = Step(function, args, kwargs, result, kind, quiet, at)
        self.steps.append(step)
        return step

    def _quiet(self) -> Any:
        state = np.geterr()
        return None if state == self._outer else state

    def _constant(self, leaf: Any) -> Any:
        """A leaf of the arguments as a step keeps it: a copy of an array, which the program may change."""
        kind = leaf.__class__
        if kind is Traced or kind is Sent:
            return Ref(leaf._slot)
        if isinstance(leaf, np.ndarray) and not leaf.dtype.hasobject:
            held, own = self.constants.get(id(leaf), (None, None))
            if held is None or not same(leaf, own):
                own = leaf.copy("K")
                self.constants[id(leaf)] = leaf, own
            return own
        return leaf

    def made(self, result: Any, kind: type[Traced] = Traced) -> Any:
        """The result of a step in new slots."""
        if result.__class__ in _SINGLE:
            return self._slot(result, kind)
        return walk(result, lambda leaf: None if leaf is None else self._slot(leaf, kind))

    def _slot(self, value: Any, kind: type[Traced]) -> Traced:
        if isinstance(value, (Holder, Traced)):
            raise CompileError(
                "a function that is one step of a plan uses a value that is none of its arguments, at "
                f"{user_line()}; make it an argument"
            )
        self.count += 1
        self.values[self.count] = value
        return kind(self, self.count, value)

    def fan_in(self, a: Any, b: Any) -> Any:
        """The sum of two cotangents, of any kind."""
        parts: list[Any] = [x.plain if isinstance(x, Sent) else x for x in (a, b)]
        if not any(part is None for part in parts):
            total = parts[0] + parts[1]
            masks = [x.mask for x in (a, b) if isinstance(x, Sent)]
            return total if len(masks) < 2 else self._masked(total, self._step(either, *masks))
        constants = walk((a, b), self._constant)
        made = self._slot(_added(*walk((a, b), _value)), Sent)
        self.add(_added, constants, {}, made, "pure")
        return made

    def _step(self, function: Any, *args: Any) -> Traced:
        """A pure step with one result."""
        constants = walk(args, self._constant)
        made = self._slot(function(*walk(args, _value)), Traced)
        self.add(function, constants, {}, made, "pure")
        return made

    def _masked(self, plain: Traced, mask: Traced) -> Sent:
        """A cotangent with dead entries, from its array and its mask."""
        made = cast(Sent, self._slot(Masked(plain._value, mask._value), Sent))
        self.add(Masked, (Ref(plain._slot), Ref(mask._slot)), {}, made, "pure")
        made.plain, made.mask = plain, mask
        return made

    def pull(self, pull: Any, node: Node, rule: Rule, g: Any, sweep: Sweep) -> list[Any]:
        """The cotangents that a step sends back: the steps of its rules, or one step for all of them."""
        if sweep.checks:
            self.reason = self.reason or "detect_anomaly checks each step"
        self._pulling = IGNORED, user_place()
        try:
            return self._pulled(Sending(pull, node, rule, sweep), node, rule, g)
        finally:
            self._pulling = None

    def _pulled(self, step: Sending, node: Node, rule: Rule, g: Any) -> list[Any]:
        arguments = g, node.value, node.args, node.kwargs
        results = step(*walk(arguments, _value))
        sent = self._apart(step, rule, arguments, results)
        if sent is None:
            constants, plain = walk(arguments, self._constant), g.__class__ is Traced
            sent = tuple(
                [
                    self._slot(x, Traced if x.__class__ is not tuple and step.sends_plain(i, plain) else Sent)
                    for i, x in zip(step.needed, results, strict=True)
                ]
            )
            self.add(step, constants, {}, sent, "pure")
        given = iter(sent)
        return [next(given) if i in step.needed else None for i in range(len(node.inputs))]

    def _apart(self, step: Sending, rule: Rule, arguments: Any, results: Any) -> Any:
        """The cotangents of the rules on traced arrays, each call a step.

        None, and no step, for rules that read values or ask for the class of an array, and for cotangents
        that are no plain arrays: then the backward step is one step.
        """
        g, y, args, kwargs = arguments
        g, mask = (g, None) if g.__class__ is Traced else (g.plain, g.mask)
        if g is None or not step.comes_apart(
            g._value, _value(y), [_traced(x) for x in args], mask is not None
        ):
            return None
        before, count, constants, reason = len(self.steps), self.count, len(self.constants), self.reason
        try:
            sent = []
            for i, want in zip(step.needed, results, strict=True):
                gx = rule.vjps[i](g, y, *args, **kwargs) if kwargs else rule.vjps[i](g, y, *args)
                made = self._passed(step, rule, i, gx, (g, y, args, kwargs, mask))
                if not _alike(made, want):
                    break
                sent.append(made)
        except Exception:  # a value was read, or the rule refuses the class
            sent = []
        if len(sent) == len(results) and all(made.kind == "pure" for made in self.steps[before:]):
            return sent
        del self.steps[before:]
        for slot in range(count + 1, self.count + 1):
            del self.values[slot]
        for key in list(self.constants)[constants:]:
            del self.constants[key]
        self.count, self.reason = count, reason
        return None

    def _passed(self, step: Sending, rule: Rule, i: int, gx: Any, given: tuple[Any, ...]) -> Any:
        """The cotangent of the i-th input, from the result of the rule: as `pull` and `silence` do."""
        g, _, args, _, mask = given
        elementwise, passed = rule.flow == "elementwise", None
        if elementwise and mask is not None:
            passed = mask
            gx = gx if gx is g else self._step(silenced, gx, mask)
        elif (rule.selects or mask is not None) and step.hears(i):
            passed = self._step(step.selected(i), *given)
        if passed is not None and gx.shape != args[i].shape:
            passed = self._step(summed, passed, args[i].shape)
        gx = fit(gx, args[i], rule, step.node, i)
        if passed is None or not step.hears(i):
            return gx
        return self._masked(gx, passed) if gx._value.__class__ is np.ndarray else None

    # -- reads -------------------------------------------------------------------------------------

    def read(self, x: Traced) -> Any:
        """A value that the library reads: the plan holds for calls where it is the same."""
        step = self.add(_itself, (Ref(x._slot),), {}, None, "guard")
        step.expected = x._value.copy() if isinstance(x._value, np.ndarray) else x._value
        return np.asarray(x._value)

    def asked(self, x: Traced, what: str, kind: Any = None) -> Any:
        """A value that is asked for: by the library it is read, as `kind(x)`; the program is refused."""
        frame = sys._getframe(2)
        while frame.f_globals.get("__name__") in _READERS and frame.f_back is not None:
            what = _ASKED.get(frame.f_code.co_name, what)
            frame = frame.f_back
        if package(frame) in ("nn", "autograd_lite"):
            return self.read(x if kind is None else self.call(kind, (x,), {}))
        raise self.refused(x, what)

    def masked(self, mask: Traced) -> Any:
        """A mask as an index: `nn` reads it; the program is refused, since the shape depends on the mask."""
        frame: Any = sys._getframe(1)
        while package(frame) in ("autograd_lite", "numpy") and frame.f_back is not None:
            frame = frame.f_back
        if package(frame) == "nn":
            return self.read(mask)
        raise self.refused(mask, "x[mask], whose shape depends on the mask,")

    def refused(self, x: Traced, what: str) -> CompileError:
        """The error for a value that the program reads."""
        return CompileError(
            f"{what} reads a value, {x.dtype} {x.shape}, while a plan is made, at {user_line()}; a plan "
            "cannot branch on values. Write np.where(x > 0, a, b) for `if`, name an argument that decides "
            "in static_argnums=, or read the value before or after the compiled function"
        )

    # -- steps on objects --------------------------------------------------------------------------

    def outside(self, function: Any, args: Any, kwargs: Any, writes: str) -> Any:
        """Call a function of the library that reads and writes the places themselves: one step."""
        places = self.places
        places.store(self)
        places.restore()
        with self.unheard.heard():
            result = during(tracing, None, function, *args, **kwargs)
        made = walk(result, lambda v: self._slot(v, Traced) if isinstance(v, _VALUES) else v)
        self.add(function, args, kwargs, made, "effect")
        places.load(self, writes)
        return made


_SINGLE = frozenset({np.ndarray, np.float64, np.float32, np.bool_, float, int})
_VALUES = (np.ndarray, np.generic, int, float, complex)
"""What a step on objects may return."""

IGNORED = dict.fromkeys(("divide", "over", "under", "invalid"), "ignore")
"""NumPy's error state in a backward pass."""

_READERS = frozenset({f"autograd_lite.{name}" for name in ("arrays", "operators", "methods", "torch_names")})
"""Modules that read values for their callers."""

_ASKED = {
    **{"item": "x.item()", "tolist": "x.tolist()", "__bool__": "bool(x), as in `if x > 0`,"},
    **{"__float__": "float(x)", "__int__": "int(x)", "__complex__": "complex(x)", "__format__": "print(x)"},
    **{"__index__": "x as an index or a count", "__repr__": "print(x)"},
}
"""What the program has written, by the name of the method that reads for it."""


def _itself(x: Any) -> Any:
    return x


def _alike(made: Any, want: Any) -> bool:
    """Whether a traced cotangent has the class, the bits and the order in memory of another one."""
    a, b = (made.plain, want.g) if want.__class__ is Masked and made.__class__ is Sent else (made, want)
    if a.__class__ is not Traced:
        return False
    a = a._value
    return a.__class__ is b.__class__ and same(a, b) and (a.ndim == 0 or a.strides == b.strides)


def _added(a: Any, b: Any) -> Any:
    """Fan-in in a replay, which may need both cotangents again: `add` writes into one that nobody holds."""
    held = (b,)
    return add(a, held[0])


# -- two traces ------------------------------------------------------------------------------------


def difference(one: Trace, other: Trace) -> str | None:
    """How two traces differ: the first step that is not the same; None if they are equal."""
    for a, b in zip(one.steps, other.steps, strict=False):
        if a.kind != b.kind or not same(a.function, b.function):
            return f"{a!r} at {a.line} became {b!r} at {b.line}"
        if not (same(a.args, b.args) and same(a.kwargs, b.kwargs) and same(a.result, b.result)):
            return f"the arguments of {a!r} changed to {b!r}, at {b.line}"
        if a.kind == "guard" and not same(a.expected, b.expected):
            return f"read: the library reads a value that changes, at {b.line}"
    if len(one.steps) != len(other.steps):
        longer = max(one.steps, other.steps, key=len)
        step = longer[min(len(one.steps), len(other.steps))]
        return f"{step!r} at {step.line} ran in one of them alone"
    return None
