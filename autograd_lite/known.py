"""The registry of ops: an op has a derivative rule, is composed of other ops, is constant, or is refused.

A rule is plain NumPy. It gets the cotangent `g` of the op's output, the output `y`, and the op's inputs. It
returns the cotangent of one input::

    defvjp(np.multiply, lambda g, y, a, b: g * b,
                        lambda g, y, a, b: g * a)

On arrays a rule only computes. On Tensors it records itself, so one rule gives derivatives of every order,
and forward mode too.
"""

from __future__ import annotations

import dis
import functools
import inspect
import math
import sys
from collections.abc import Callable, Container
from typing import Any, Literal, TypeVar

import numpy as np

from .errors import NotDifferentiableError
from .node import Op, op_name

__all__ = [
    "Composition",
    "Constant",
    "Flow",
    "Refused",
    "Rule",
    "arity",
    "batching",
    "constant",
    "defbatch",
    "defvjp",
    "known",
    "learned",
    "libraries",
    "numpy_names",
    "refuse",
    "rule_of",
]

_Rule = TypeVar("_Rule", bound=Callable[..., Any])

Flow = Literal["elementwise", "selects", "moves", "mixes"]
"""How dead entries of an output relate to those of an input (see `liveness.py`):

elementwise  entry by entry, so a dead entry of the output is one of the input: exp, multiply
selects      the op picks some entries of its input, the others are dead: where, maximum, x[i]
moves        entries are moved, copied or added up, not changed: reshape, sum, concatenate
mixes        every output may depend on every input, so nothing is known to be dead: matmul
"""


class Rule:
    """The derivative rules of one op, and how the backward pass calls them."""

    __slots__ = (
        "_calls",
        "_unread",
        "apart",
        "broadcasts",
        "flow",
        "joint",
        "ordinary",
        "partial",
        "plain",
        "selects",
        "views",
        "vjps",
    )

    def __init__(
        self,
        vjps: Any = (),
        *,
        joint: Callable[..., Any] | None = None,
        broadcasts: bool = False,
        flow: Flow = "mixes",
        plain: bool = False,
        partial: bool = False,
        reads: bool = True,
    ) -> None:
        self.vjps = vjps  # one rule for each argument
        self.joint = joint  # or one for all of them, returning a tuple
        self.broadcasts = broadcasts  # the backward pass sums cotangents back to the input's shape
        self.flow = flow
        self.selects = flow == "selects"
        self.ordinary = joint is None and not self.selects  # one rule for each argument, and no new mask
        self.plain = plain  # not holomorphic: the rule itself follows the complex convention
        self.partial = partial  # the cotangents of unused results are None, not zeros
        self.apart = False  # it holds values of the forward pass, so a plan always takes it apart
        self.views = False  # the op may give a view of its first argument: see views.py
        self._calls: dict[str, bool] = {}
        self._unread: Container[int] | None = None if reads else range(sys.maxsize)

    @property
    def unread(self) -> Container[int]:
        """The arguments whose entries no rule reads."""
        if self._unread is None:
            several = isinstance(self.vjps, tuple) and self.joint is None
            self._unread = frozenset(
                i for i in range(len(self.vjps) * several) if not any(reads_of(f, i + 2) for f in self.vjps)
            )
        return self._unread

    def __repr__(self) -> str:
        joint = (
            "joint" if self.joint is not None else "each" if isinstance(self.vjps, Each) else len(self.vjps)
        )
        options = [option for option in ("broadcasts", "plain", "partial") if getattr(self, option)]
        return f"Rule({', '.join([str(joint), self.flow, *options])})"

    def takes(self, keyword: str) -> bool:
        """Whether the rule accepts a keyword argument of the op."""
        if keyword not in self._calls:
            rules = (self.joint, *(self.vjps[i] for i in range(len(self.vjps))))
            rule = next(rule for rule in rules if rule is not None)
            parameters = inspect.signature(rule).parameters
            variadic = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
            self._calls[keyword] = (variadic and keyword != "needs") or keyword in parameters
        return self._calls[keyword]


def reads_of(rule: Callable[..., Any] | None, i: int) -> bool:
    """Whether a rule reads the entries of its i-th argument, not only its shape; True if the code is unknown.

    >>> reads_of(lambda g, y, x: g * y, 1), reads_of(lambda g, y, x: g.reshape(x.shape), 2)
    (True, False)
    """
    if rule is None:
        return False
    code = getattr(rule, "__code__", None)
    if code is None or i >= code.co_argcount or _BY_ANY_NAME.intersection(code.co_names):
        return True
    name, shape_follows = code.co_varnames[i], False
    for step in reversed(list(dis.get_instructions(code))):
        given = step.argval if step.argval.__class__ is tuple else (step.argval,)
        for each in reversed(given):  # a step of Python 3.13 may load two arguments
            if each == name and not (step.opname.startswith("LOAD_FAST") and shape_follows):
                return True
            shape_follows = False
        shape_follows = step.opname == "LOAD_ATTR" and step.argval in ("shape", "ndim", "size", "dtype")
    return name in code.co_cellvars


_BY_ANY_NAME = frozenset({"eval", "exec", "locals", "vars"})


class Each:
    """The rules of an op with any number of like arguments, made from `rule(i, g, y, *args)`."""

    def __init__(self, rule: Callable[..., Any]) -> None:
        self.rule = rule

    def __len__(self) -> int:
        return 1

    def __getitem__(self, i: int) -> Callable[..., Any]:
        return functools.partial(self.rule, i)


class Composition:
    """An op of NumPy that is composed of other ops: `function` is called in its place."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __repr__(self) -> str:
        return f"Composition({getattr(self.function, '__name__', self.function)})"


class Constant:
    """An op whose result carries no gradient: it returns plain arrays."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Constant()"


class Refused:
    """An op that has no rule on purpose: the error message gives `reason`."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Refused({self.reason!r})"


class Known(dict[Any, Any]):
    """`Rule | Composition | Constant | Refused` by op. A recorded step has a `Rule`: `known[node.op]`.

    A user's op carries its rule itself, so that both are freed when nobody holds the op. A rule may refer to
    its op, so a dictionary with weak keys would never free the op.

    >>> known[np.multiply], known[np.floor]
    (Rule(2, elementwise, broadcasts), Constant())
    """

    def __missing__(self, op: Op) -> Rule:
        rule = rule_of(op)
        if rule is None:
            raise KeyError(op)
        return rule

    def __setitem__(self, op: Op, entry: Rule | Composition | Constant | Refused) -> None:
        if hasattr(op, "__dict__") and not is_built_in(op):
            op._autograd_rule = entry  # type: ignore[attr-defined]
        else:
            super().__setitem__(op, entry)

    def all(self, *kinds: type) -> list[Op]:
        """The ops that are known in one of these ways."""
        return [op for op, entry in self.items() if isinstance(entry, kinds)]

    def __repr__(self) -> str:
        width = max((len(op_name(op)) for op in self), default=0)
        return "\n".join(f"{op_name(op):<{width}}  {entry!r}" for op, entry in self.items())


def is_built_in(op: Op) -> bool:
    """Whether an op belongs to NumPy or this library, not to a user."""
    home = getattr(op, "__module__", None) or "numpy"
    return home.split(".")[0] in ("numpy", "autograd_lite", "nn")


def rule_of(op: Op) -> Rule | None:
    """The rule of an op, or None."""
    entry = known.get(op)
    if entry is None:
        entry = getattr(op, "_autograd_rule", None)
    if entry is None and learned(op):
        entry = known[op]
    return entry if isinstance(entry, Rule) else None


known = Known()
"""The registry of all ops."""


libraries: dict[str, Callable[[], object]] = {}
"""By the name of a module with ufuncs: what loads the table of their rules."""


def learned(op: Op) -> bool:
    """Whether the table of another library, which is loaded now, has an op that was unknown.

    Such a ufunc can only arrive after its library has been imported. So the tables cost nothing before.
    """
    if libraries and isinstance(op, np.ufunc):
        for home in [home for home in libraries if home in sys.modules]:
            libraries.pop(home)()
        return op in known
    return False


def defvjp(
    op: Op,
    *vjps: Callable[..., Any] | None,
    each: Callable[..., Any] | None = None,
    joint: Callable[..., Any] | None = None,
    broadcasts: bool | None = None,
    flow: Flow | None = None,
    plain: bool = False,
    partial: bool = False,
    reads: bool = True,
) -> None:
    """Give `op` its derivative: one rule for each argument, or one for all of them.

    Args:
        op: a NumPy function, or a function made by `primitive`.
        vjps: `rule(g, y, *args, **kwargs)` for each positional argument, returning
            g * dy/d(arg) in the shape and dtype of the argument; None for an argument without a rule.
        each: for ops with any number of arguments, `rule(i, g, y, *args, **kwargs)` for the i-th.
        joint: `rule(g, y, *args, **kwargs)` returning the cotangents of all arguments.
        broadcasts: sum each cotangent back to the shape of its argument. Default: True for NumPy's
            elementwise ufuncs.
        flow: how dead entries pass, see `Flow`. Default: elementwise if the op broadcasts.
        plain: the op is not holomorphic, and its rule follows the complex convention itself.
        partial: for ops with several results: pass None to the rule, not zeros, as the cotangent of
            an unused result.
        reads: protect the arguments from later changes by the program. With False no rule may read the
            entries of arguments, only their shapes.

    Raises:
        NotDifferentiableError: `op` is no op, so its rule would never be called; a rule is no function, or
            has too few or too many parameters; there are more rules than arguments.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive
        ... def cube(x):
        ...     return x**3
        >>> ag.defvjp(cube, lambda g, y, x: g * 3 * x**2)
        >>> ag.grad(cube)(2.0), ag.grad(ag.grad(cube))(2.0)
        (12.0, 12.0)
    """
    if not vjps and each is None and joint is None:
        name = getattr(op, "__name__", op)
        raise NotDifferentiableError(
            f"defvjp({name}) got no rule; write defvjp({name}, lambda g, y, x: g * ...), one per argument"
        )
    _require_functions(op, *(rule for rule in (*vjps, each, joint) if rule is not None))
    _require_op(op)
    _require_parameters(op, vjps)
    before = rule_of(op)
    if broadcasts is None:
        elementwise = isinstance(op, np.ufunc) and op.signature is None
        broadcasts = elementwise or (before is not None and before.broadcasts)
    if flow is None:
        flow = "elementwise" if broadcasts else "mixes"
    own = vjps if each is None else Each(each)
    more: dict[str, Any] = {"plain": plain, "partial": partial, "reads": reads}
    known[op] = Rule(own, joint=joint, broadcasts=broadcasts, flow=flow, **more)


def _require_functions(*functions: Any) -> None:
    """Refuse objects that cannot be called."""
    if not all(map(callable, functions)):
        raise NotDifferentiableError(
            "defvjp(op, rule, ...): the op and its rules are functions, e.g. lambda g, y, x: g * ..."
        )


def _require_op(op: Op) -> None:
    """Refuse a rule that would be ignored: ops are NumPy's functions, and those that `primitive` made."""
    name = getattr(op, "__name__", repr(op))
    shown = "f" if name == "<lambda>" else name
    if isinstance(known.get(op), Constant):
        raise NotDifferentiableError(
            f"defvjp({name}): the results of {name} carry no gradient (it is constant between jumps, or "
            f"gives integers or booleans); make an op of your own: step = ag.primitive(lambda x: "
            f"np.{name}(x)), ag.defvjp(step, lambda g, y, x: g * ...)"
        )
    if rule_of(op) is None and not isinstance(op, (np.ufunc, type(np.sum))):
        kind = "class" if isinstance(op, type) else "function"
        raise NotDifferentiableError(
            f"defvjp({name}): a {kind} that is no op is not seen by the tape, so its rule would be ignored; "
            f"make it one first: {shown} = ag.primitive({shown}), or @ag.primitive above its def, and use "
            f"the {shown} that this gives"
        )


def _require_parameters(op: Op, vjps: tuple[Callable[..., Any] | None, ...]) -> None:
    """Refuse rules whose parameters are not `(g, y, *args)`, or more rules than the op has arguments."""
    least, most = (op.nin, op.nin) if isinstance(op, np.ufunc) else arity(op)
    name = getattr(op, "__name__", repr(op))
    if len(vjps) > most:
        raise NotDifferentiableError(
            f"defvjp({name}): {len(vjps)} rules, but {name} takes {most:.0f} arguments; give one rule for "
            "each, or one for all of them: joint="
        )
    for i, rule in enumerate(vjps):
        if rule is not None:
            needs, takes = arity(rule)
            if takes < 2 + least or needs > 2 + most:
                names = ", ".join("xzabcd"[:least] or "x")
                raise NotDifferentiableError(
                    f"defvjp({name}): rule {i} takes {needs} positional arguments; it gets the cotangent, "
                    f"the output, and the arguments of {name}: lambda g, y, {names}: g * ..."
                )


def arity(function: Callable[..., Any]) -> tuple[int, float]:
    """The least and the largest number of positional arguments; 0 and inf if Python does not know them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0, math.inf
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in placed), math.inf if variadic else len(placed)


batching: dict[Any, Callable[..., Any]] = {}
"""The batching rules of ops, for `vmap`; `np.ufunc` and the names of its methods stand for all ufuncs."""


def defbatch(*ops: Any, rule: Any = None) -> Callable[[_Rule], _Rule]:
    """Give ops a batching rule, as a decorator or by `rule=`.

    Args:
        ops: functions of NumPy or of this library.
        rule: `rule(level, op, args, kwargs)` returns arrays whose first axis is the batch, or, for a call
            that it cannot compute, `NotImplemented`; see `batching/rules.py`.
    """

    def give(rule: _Rule) -> _Rule:
        batching.update(dict.fromkeys(ops, rule))
        return rule

    if rule is not None:
        give(rule)
    return give


def constant(*functions: Op) -> None:
    """Declare functions of NumPy constant: on Tensors they return plain arrays."""
    for function in functions:
        known[function] = Constant()


def refuse(reason: str, *functions: Op) -> None:
    """Refuse functions on purpose: with a Tensor on the tape they raise.

    Args:
        reason: why, and what to write instead; the end of a sentence that begins with the name.
        functions: functions of NumPy.
    """
    for function in functions:
        known[function] = Refused(reason)


def numpy_names() -> dict[str, Op]:
    """The functions in NumPy's top namespace that take Tensors, by name.

    >>> numpy_names()["abs"].__name__
    'absolute'
    """
    listed = set(known.all(Rule, Composition, Constant))
    dispatched = np.ufunc, type(np.sum)
    return {name: f for name, f in vars(np).items() if isinstance(f, dispatched) and f in listed}
