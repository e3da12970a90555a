"""A trace: the steps of one run of a function, on numbered slots."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..arrays import Holder
from ..cotangents import fit
from ..errors import CompileError, package, user_line
from ..known import Rule
from ..node import Leaf, Node, op_name
from ..pull import Sweep
from .shapes import ASKS_NO_VALUE, SHAPED_BY_VALUES
from .traced import Sent, Traced

__all__ = ["Ref", "Step", "Trace", "difference", "fill", "refs", "same"]

_new = object.__new__
_ARRAY, _FLOAT = np.ndarray, np.float64


class Ref:
    """A slot in the arguments or results of a step."""

    __slots__ = ("slot",)

    def __init__(self, slot: int) -> None:
        self.slot = slot

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Ref and other.slot == self.slot

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"v{self.slot}"


class Step:
    """One call: `result = function(*args, **kwargs)`.

    Attributes:
        args, kwargs: the arguments, with `Ref` for values of other steps.
        result: the result, with `Ref` for what later steps may use.
        kind: "pure", or "effect" for a step whose order counts (it writes, draws or stores), or "guard" for
            a step whose result must be `expected`, else the plan does not hold for the call.
        quiet: NumPy's error state of the step; None for that around the call.
        line: the user's line.
    """

    __slots__ = ("args", "expected", "function", "kind", "kwargs", "line", "quiet", "result")

    def __init__(self, function: Any, args: Any, kwargs: Any, result: Any, kind: str, quiet: Any) -> None:
        self.function, self.args, self.kwargs, self.result = function, args, kwargs, result
        self.kind, self.quiet, self.line = kind, quiet, user_line()
        self.expected: Any = None

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


# -- trees of slots --------------------------------------------------------------------------------


def walk(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same nested tuples, lists, dicts and slices with `change(leaf)` in place of each leaf."""
    kind = tree.__class__
    if kind is tuple or kind is list:
        return kind([walk(item, change) for item in tree])
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind(*[walk(item, change) for item in tree])
    if kind is dict:
        return {key: walk(item, change) for key, item in tree.items()}
    if kind is slice:
        return slice(walk(tree.start, change), walk(tree.stop, change), walk(tree.step, change))
    return change(tree)


def refs(tree: Any) -> list[int]:
    """The slots in a tree."""
    found: list[int] = []
    walk(tree, lambda leaf: found.append(leaf.slot) if leaf.__class__ is Ref else None)
    return found


def fill(tree: Any, values: Any) -> Any:
    """A tree with the values of its slots."""
    return walk(tree, lambda leaf: values[leaf.slot] if leaf.__class__ is Ref else leaf)


def _value(leaf: Any) -> Any:
    return leaf._value if isinstance(leaf, Traced) else leaf


def same(a: Any, b: Any, seen: int = 0) -> bool:
    """Whether two constants are equal to the bit, or two functions have the same code and constants."""
    if a is b:
        return True
    if a.__class__ is not b.__class__ or seen > 8:
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, (float, complex)):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y, seen + 1) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key], seen + 1) for key in a)
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step), seen)
    if isinstance(a, types.FunctionType):
        return a.__code__ is b.__code__ and same(_held(a), _held(b), seen + 1)
    if isinstance(a, functools.partial):
        return same((a.func, a.args, a.keywords), (b.func, b.args, b.keywords), seen + 1)
    if isinstance(a, types.MethodType):
        return a.__self__ is b.__self__ and same(a.__func__, b.__func__, seen + 1)
    try:
        return bool(a == b)
    except Exception:
        return False


def _held(function: Any) -> Any:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return cells, function.__defaults__, function.__kwdefaults__


# -- a backward step -------------------------------------------------------------------------------


class Sending:
    """What a step sends back, as a function of arrays: its rules, as the backward pass calls them."""

    def __init__(self, pull: Any, node: Node, rule: Rule, sweep: Sweep) -> None:
        self._pull, self._op, self._rule = pull, node.op, rule
        self._sweep = Sweep()
        self._inputs = tuple(_stub(x, sweep) for x in node.inputs)
        self._needed = [i for i, x in enumerate(self._inputs) if x is not None]
        self._node: Node = _new(Node)  # for the errors of `fit`
        self._node.op = node.op
        self.__name__ = f"pull_{op_name(node.op)}"

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Sending and same(self._key(), other._key())

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> Any:
        return self._op, [None if x is None else (x.__class__, x.op) for x in self._inputs]

    def __call__(self, g: Any, y: Any, args: Any, kwargs: Any) -> Any:
        kind = g.__class__
        if (
            kwargs is None
            and self._rule.ordinary
            and (kind is _FLOAT or (kind is _ARRAY and g.dtype.kind != "c"))
        ):
            try:
                return self._ordinary(g, y, args)
            except Exception:  # `pull` raises it again, with the words of an error in the backward pass
                pass
        node: Node = _new(Node)
        node.op, node.inputs, node.args, node.kwargs, node.value = self._op, self._inputs, args, kwargs, y
        node.adjoint = node.notes = None
        node.played, node.index = False, 1
        seeds = self._pull(node, self._rule, g, self._sweep)
        return tuple([gx for gx, x in zip(seeds, self._inputs, strict=True) if x is not None])

    def _ordinary(self, g: Any, y: Any, args: Any) -> Any:
        """The rules as the loop of `play` calls them."""
        rule, sent = self._rule, []
        for i in self._needed:
            gx, arg = rule.vjps[i](g, y, *args), args[i]
            kind = gx.__class__
            if kind is not arg.__class__ or (
                kind is _ARRAY and (gx.shape != arg.shape or gx.dtype is not arg.dtype)
            ):
                gx = fit(gx, arg, rule, self._node, i)
            sent.append(gx)
        return tuple(sent)


def _stub(parent: Any, sweep: Sweep) -> Any:
    """An input of a step as `pull` looks at it: its class, and its op where the pass goes on through it."""
    if not isinstance(parent, Node) or not sweep.wants(parent):
        return None
    if not sweep.hears(parent):
        return _LEAF
    stub: Node = _new(Node)
    stub.op, stub.index = parent.op, 0
    return stub


_LEAF = Leaf(np.float64(0.0))
_LEAF.index = 0


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
        self.values: dict[int, Any] = {}
        self.written: list[Any] = []
        self.taped: list[Any] = []
        self.constants: dict[int, tuple[Any, Any]] = {}
        self._outer = np.geterr()

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
                raise CompileError(
                    f"a plain array cannot take what is written into it while a plan is made, at "
                    f"{user_line()}; make the array of the values, a = np.zeros_like(x), or compute a new "
                    "one: np.where, np.stack"
                )
            if target is not None and any(np.may_share_memory(target._value, held) for held in self.taped):
                raise CompileError(
                    f"x.numpy() of an x on the tape is written into while a plan is made, at {user_line()}; "
                    "set a new array, x.data = x.data - step, or write x.detach().numpy().copy()"
                )
        # Before the call, which may write into its arguments.
        constants = walk((args, kwargs), self._constant)
        values, options = walk((args, kwargs), _value)
        result = function(*values, **options)
        if function in ASKS_NO_VALUE:
            return result
        for target in written:
            if target is not None:
                kind = "effect"
                self.written.append(target._value)
                if result is target._value:
                    self.add(function, constants[0], constants[1], None, kind)
                    return target
        made = self.made(result)
        self.add(function, constants[0], constants[1], made, kind)
        if function in SHAPED_BY_VALUES and (function is not np.where or len(args) == 1):
            walk(made, self._keep_shape)
        return made

    def _keep_shape(self, x: Any) -> Any:
        """Let the plan hold for calls where an array has this shape."""
        if isinstance(x, Traced):
            shape = self._slot(np.shape(x._value), Traced)
            self.add(np.shape, (Ref(x._slot),), {}, shape, "pure")
            self.add(_itself, (Ref(shape._slot),), {}, None, "guard").expected = shape._value
        return x

    def add(self, function: Any, args: Any, kwargs: Any, made: Any, kind: str) -> Step:
        """Append a step."""
        state = np.geterr()
        result = walk(made, self._constant)
        step = Step(function, args, kwargs, result, kind, None if state == self._outer else state)
        self.steps.append(step)
        return step

    def _constant(self, leaf: Any) -> Any:
        """A leaf of the arguments as a step keeps it: a copy of an array, which the program may change."""
        if isinstance(leaf, Traced):
            return Ref(leaf._slot)
        if isinstance(leaf, np.ndarray) and not leaf.dtype.hasobject:
            own = leaf.copy("K")
            self.constants[id(leaf)] = leaf, own
            return own
        return leaf

    def made(self, result: Any, kind: type[Traced] = Traced) -> Any:
        """The result of a step in new slots."""
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

    def sent(self, function: Any, *args: Any) -> Any:
        """Compute a cotangent of any kind, a tuple too, as one value."""
        constants = walk(args, self._constant)
        made = self._slot(function(*walk(args, _value)), Sent)
        self.add(function, constants, {}, made, "pure")
        return made

    def pull(self, pull: Any, node: Node, rule: Rule, g: Any, sweep: Sweep) -> list[Any]:
        """The cotangents that a step sends back: one step of the trace."""
        if sweep.checks:
            self.reason = self.reason or "detect_anomaly checks each step"
        step = Sending(pull, node, rule, sweep)
        arguments = g, node.value, node.args, node.kwargs
        constants = walk(arguments, self._constant)
        results = step(*walk(arguments, _value))
        given = iter([self._slot(x, Sent) for x in results])
        made = [None if x is None else next(given) for x in step._inputs]
        self.add(step, constants, {}, tuple(x for x in made if x is not None), "pure")
        return made

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
        with places.plain(self):
            result = function(*args, **kwargs)
        made = walk(result, lambda v: self._slot(v, Traced) if isinstance(v, _VALUES) else v)
        self.add(function, args, kwargs, made, "effect")
        places.load(self, writes)
        return made


_VALUES = (np.ndarray, np.generic, int, float, complex)
"""What a step on objects may return."""

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


# -- two traces ------------------------------------------------------------------------------------


def difference(one: Trace, other: Trace) -> str | None:
    """How two traces differ: the first step that is not the same; None if they are equal."""
    for a, b in zip(one.steps, other.steps, strict=False):
        if a.kind != b.kind or not same(a.function, b.function):
            return f"{a!r} at {a.line} became {b!r} at {b.line}"
        if not same((a.args, a.kwargs, a.result), (b.args, b.kwargs, b.result)):
            return f"the arguments of {a!r} changed to {b!r}, at {b.line}"
        if a.kind == "guard" and not same(a.expected, b.expected):
            return f"read: the library reads a value that changes, at {b.line}"
    if len(one.steps) != len(other.steps):
        longer = max(one.steps, other.steps, key=len)
        step = longer[min(len(one.steps), len(other.steps))]
        return f"{step!r} at {step.line} ran in one of them alone"
    return None
