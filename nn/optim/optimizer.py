"""The base class of optimizers: parameter groups, the step over them, and the state."""

from __future__ import annotations

import inspect
import reprlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, field
from numbers import Real
from typing import Any, ClassVar, dataclass_transform

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError
from autograd_lite.words.mistakes import warn_of_mistake
from autograd_lite.words.names import Hinted

from ..fields import constructor, declared
from ..names import OPTIMIZER_METHODS
from ..options import same_kind
from .checks import check_options
from .states import SWITCHES, State, copied, is_dict, no_state, plain
from .step_hooks import StepHooks, hooked

__all__ = ["Optimizer"]

Array = npt.NDArray[Any]
Options = dict[str, Any]
"""The options by name."""
Group = dict[str, Any]
"""A parameter group: "params", and the options for these parameters."""
Params = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Mapping[str, Any]]
"""Parameters, alone or with their names, or groups of them with options of their own."""
Closure = Callable[[], Any]
"""A function that computes the loss and its gradients, and returns the loss."""


@dataclass_transform(field_specifiers=(field,))
class Optimizer(StepHooks, Hinted):
    """Base class: an optimizer consists of its options and an `update` rule for one parameter.

    The fields of the class are the options. They give the optimizer its constructor, its signature and its
    defaults. The table in `nn/optim/checks.py` checks the values of options by name.

    Args:
        params: the Tensors to optimize, e.g. `model.parameters()` or `model.named_parameters()`, or groups of
            them with their own options: `[{"params": a, "lr": 0.1}, {"params": b}]`. The names of named
            parameters become "param_names" of the group.
        defaults: the default options of the groups. A subclass with its own `__init__` passes them on.

    Attributes:
        param_groups: a list of dicts, each with its "params" and its options; change options there.
        state: the state of each parameter, a dict.

    Raises:
        DTypeError: a parameter is not a Tensor, or is complex in an optimizer for real parameters.
        DataError: there are no parameters.
        OptionError: a parameter is given twice or is not a leaf, or an option has an invalid value.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> class SignDescent(nn.optim.Optimizer):
        ...     params: list[ag.Tensor]
        ...     lr: float = 0.01
        ...     def update(self, x, g, state, options):
        ...         return x - options["lr"] * np.sign(g)
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> optimizer = SignDescent([x], lr=0.25)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> optimizer, x.item()
        (SignDescent(lr=0.25), 0.75)
    """

    _foreign = OPTIMIZER_METHODS
    _declared: ClassVar[tuple[inspect.Parameter, ...]] = ()
    _made: ClassVar[Callable[..., None] | None] = None
    """The constructor that was made from the fields."""

    __plan_outside__ = True
    """`ag.compile` replays the methods of an optimizer as they are."""

    needs_closure = False
    """True if `step` computes the loss itself and so needs a closure."""

    needs_tape = False
    """True if the closure returns recorded Tensors, which `step` differentiates itself."""

    takes_complex = False
    """True if the rule is right for complex parameters; a rule with g^2 is for real parameters only."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__init__ in (Optimizer.__init__, cls._made):  # not a constructor written by hand
            inherited, cls._declared = cls._declared, declared(cls, cls._declared)
            if cls._declared != inherited:
                cls.__init__ = cls._made = _constructor(cls._declared)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise DTypeError(
                f"{type(self).__name__}: expected parameters, got a {type(params).__name__}; write "
                f"{type(self).__name__}(model.parameters(), lr=...), or a list: [w, b]"
            )
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = defaultdict(dict)
        items: list[Any] = list(params)
        if not items:
            raise DataError(
                f"{type(self).__name__} got no parameters. Layers in a plain list are not found: write "
                "nn.Sequential(*layers) or nn.ModuleList(layers). A generator such as model.parameters() can "
                "be used only once: call it anew"
            )
        for group in items if isinstance(items[0], dict) else [{"params": items}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters, e.g. of layers that were frozen at first.

        Args:
            param_group: a dict with "params" and options.
        """
        if "params" not in param_group:
            raise DataError(
                f'{type(self).__name__}: a group has no "params"; write '
                '[{"params": layer.parameters(), "lr": 0.1}, ...]'
            )
        params = param_group["params"]
        names, params = _named([params] if isinstance(params, Tensor) else list(params))
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise DTypeError(
                    f"{type(self).__name__}: expected Tensors, got a {type(p).__name__}; write "
                    f"{type(self).__name__}(model.parameters(), lr=...)"
                )
            if not p.is_leaf:
                raise OptionError(f"{type(self).__name__}: {p!r} is a result; only leaves can be optimized")
            if p.dtype.kind == "c" and not self.takes_complex:
                raise DTypeError(
                    f"{type(self).__name__} is for real parameters, but one is {p.dtype}; use nn.optim.SGD, "
                    "or separate parameters for the real and the imaginary part"
                )
            if id(p) in known:
                raise OptionError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params, **names}
        if any(("param_names" in other) != ("param_names" in group) for other in self.param_groups):
            raise OptionError(
                f"{type(self).__name__}: some groups have names and some have not; write "
                "named_parameters() in all groups or in none"
            )
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        check_options(type(self).__name__, group)

    @ag.replayed(writes="gradients")
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients, which otherwise add up from one backward pass to the next."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad = None if set_to_none else Tensor(np.zeros_like(p.numpy()))

    @hooked
    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        The new values are new arrays, so values on a tape do not change.

        Args:
            closure: a function that computes the loss and its gradients, called before the update.

        Returns:
            The result of the closure.
        """
        loss = None
        if closure is not None:
            with ag.enable_grad():
                loss = closure()
        self._step()
        return loss

    @ag.replayed
    def _step(self) -> None:
        """The next value of every parameter that has a gradient."""
        arrived = False
        with np.errstate(all="ignore"):  # the square of a small gradient may underflow to 0
            for group in self.param_groups:
                for p in group["params"]:
                    g = p.grad
                    if g is not None:
                        arrived = True
                        x = p.detach().numpy()
                        new = self._next(*_decayed(x, g.numpy(), group), self.state.setdefault(p, {}), group)
                        p.data = in_layout(new, x)
        if not arrived:
            self.warn_of_no_gradient()

    def warn_of_no_gradient(self) -> None:
        """Warn, once for each optimizer, that a step changed nothing.

        With a schedule there is no warning: programs make steps without gradients to walk through a schedule.
        """
        scheduled = any("initial_lr" in group for group in self.param_groups)
        if not scheduled and not self.__dict__.get("_warned"):
            self._warned = True
            warn_of_mistake(
                f"{type(self).__name__}.step() changed nothing, because no parameter has a gradient; write "
                "optimizer.zero_grad(); loss.backward(); optimizer.step(), in this order"
            )

    def begin(self, x: Array, options: Options) -> State:
        """The state of a parameter before its first step, by default empty.

        Args:
            x: the value of the parameter.
            options: the options of its group.
        """
        return {}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """The next value of one parameter, as a new array.

        Args:
            x: the value, read-only.
            g: the gradient, of the same shape, read-only. Weight decay is already in g or in x.
            state: the state of the parameter, which `update` may change in place.
            options: the options of its group.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def _next(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """The next value of one parameter; the first step makes its state."""
        if not state:
            state.update(self.begin(x, options))
        return self.update(x, g, state, options)

    # -- the state ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The options and a copy of the state; parameters are numbered in order.

        Returns:
            `{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, 1]}, ...]}`
        """
        places = {id(p): i for i, p in enumerate(self._params())}
        groups = [{**g, "params": [places[id(p)] for p in g["params"]]} for g in self.param_groups]
        state = {i: copied(self.state[p]) for i, p in enumerate(self._params()) if p in self.state}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a state of `state_dict`. Arrays are cast to the dtypes of their parameters.

        If there is an error, nothing is loaded.

        Raises:
            DTypeError: the state is not a dict.
            DataError: the state belongs to another kind of optimizer, or does not fit the parameters, or a
                step from the state would fail.
            OptionError: an option in the state has an invalid value.
        """
        if not isinstance(state_dict, Mapping) or not state_dict.keys() >= {"state", "param_groups"}:
            raise no_state(type(self).__name__, state_dict)
        groups = self._groups_of(state_dict)
        state = self._states_of(state_dict["state"])
        where = {id(p): group for group in groups for p in group["params"]}
        with np.errstate(all="ignore"):
            for i, p in enumerate(self._params()):
                if p in state:
                    self.rehearse(i, p, state[p], where[id(p)])
        for group, new in zip(self.param_groups, groups, strict=True):
            group.clear()
            group.update(new)
        self.state = defaultdict(dict, state)

    def _groups_of(self, state_dict: Mapping[str, Any]) -> list[Group]:
        """The groups of a state, with the parameters of this optimizer; refuse groups that do not fit."""
        name = type(self).__name__
        groups_given = state_dict["param_groups"]
        if not (
            isinstance(groups_given, (list, tuple))
            and is_dict(state_dict["state"])
            and all(is_dict(g) and isinstance(g.get("params"), (list, tuple)) for g in groups_given)
        ):
            raise DataError(f"{name}: expected the state of an optimizer, as optimizer.state_dict() gives it")
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in groups_given]
        if sizes != given:
            raise DataError(f"{name}: the groups in the state have {given} parameters, those here {sizes}")
        groups = []
        for group, saved in zip(self.param_groups, groups_given, strict=True):
            if lacking := [o for o in self.defaults if o not in saved and o not in SWITCHES]:
                raise DataError(f"{name}: the state belongs to another optimizer: it has no {lacking[0]}")
            options = [option for option in group if option in saved and option != "params"]
            if unlike := [option for option in options if not same_kind(group[option], saved[option])]:
                raise DataError(f"{name}: {unlike[0]} has the invalid value {reprlib.repr(saved[unlike[0]])}")
            new = {key: group[key] for key in group if key in SWITCHES and key not in saved}
            groups.append({**saved, **new, "params": group["params"]})
            self.check(groups[-1])
        return groups

    def _states_of(self, saved: Mapping[Any, Any]) -> dict[Tensor, State]:
        """The loaded state of each parameter; arrays of other shapes are refused."""
        name, params = type(self).__name__, self._params()
        state: dict[Tensor, State] = {}
        for i, entries in saved.items():
            if i not in range(len(params)):
                raise DataError(
                    f"{name}: the state has a parameter {i}, but the optimizer has {len(params)} parameters"
                )
            if not is_dict(entries):
                raise DataError(f"{name}: expected a dict for parameter {i}, got a {type(entries).__name__}")
            if not self._has_rule():
                state[params[int(i)]] = copied(entries)
                continue
            own = state[params[int(i)]] = copied(plain(entries))
            for key, value in own.items():
                if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "biufc":
                    raise DataError(f"{name}: {key} of parameter {i} is {value.dtype}, expected numbers")
                if isinstance(value, np.ndarray) and value.ndim:
                    fitted = self.fitted(value, params[int(i)])
                    if fitted is None:
                        raise DataError(
                            f"{name}: {key} of parameter {i} has shape {value.shape} in the state, the "
                            f"parameter {params[int(i)].shape}"
                        )
                    own[key] = fitted
                elif not isinstance(value, (Real, np.ndarray, np.generic, type(None))):
                    raise DataError(f"{name}: {key} of parameter {i} is a {type(value).__name__}")
        return state

    def _has_rule(self) -> bool:
        """Whether a trial can check loaded entries; a subclass with a `step` of its own has no rule."""
        own = type(self)
        return own.update is not Optimizer.update or own.rehearse is not Optimizer.rehearse

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a state from which a step fails: try a step with a gradient of 0, on copies.

        Args:
            i: the number of the parameter.
            p: the parameter.
            state: the state of the parameter.
            group: the group of the parameter.

        Raises:
            DataError: the step fails, or the state has other entries than after a first step.
        """
        x = p.numpy()
        fresh: State = {}
        tried = copied(state)
        try:
            self._next(x, np.zeros_like(x), fresh, group)
        except Exception:  # a user's rule may not allow the trial
            return
        self._compare(i, {key: state.get(key, value) for key, value in fresh.items()}, fresh)
        try:
            self._next(x, np.zeros_like(x), tried, group)
        except Exception as error:
            raise DataError(
                f"{type(self).__name__}: a step from the state of parameter {i} fails: "
                f"{type(error).__name__} {error}"
            ) from error
        self._compare(i, tried, fresh)

    def _compare(self, i: int, state: State, fresh: State) -> None:
        """Refuse a state whose names or shapes differ from those after a first step."""
        came, expected = ({key: np.shape(value) for key, value in each.items()} for each in (state, fresh))
        for key in expected.keys() | came.keys():
            if expected.get(key) != came.get(key):
                raise DataError(
                    f"{type(self).__name__}: {key} of parameter {i} should have shape {expected.get(key)}, "
                    f"but has {came.get(key)} in the state; the state belongs to another optimizer"
                )

    def fitted(self, value: Array, p: Tensor) -> Array | None:
        """A loaded array in the dtype and layout of its parameter, or None if the shape does not fit."""
        if value.shape != p.shape:
            return None
        return value.astype(p.dtype, copy=False) if value.dtype.kind == "f" else value

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.defaults.items())
        return f"{type(self).__name__}({options})"


def _constructor(options: tuple[inspect.Parameter, ...]) -> Callable[..., None]:
    """An `__init__` with the options as arguments, except those of `field(default=..., init=False)`."""
    fixed = {option.name: option.default.default for option in options if isinstance(option.default, Field)}
    given = [option for option in options if option.name not in fixed and option.name != "params"]

    def begin(optimizer: Optimizer, values: Mapping[str, Any]) -> None:
        defaults = {name: value for name, value in values.items() if name != "params"}
        Optimizer.__init__(optimizer, values["params"], {**defaults, **fixed})

    return constructor([_PARAMS, *given], begin)


_PARAMS = inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Params")


def _named(items: list[Any]) -> tuple[dict[str, list[str]], list[Any]]:
    """The names of parameters, if they have names, and the parameters."""
    if not items or not all(isinstance(item, tuple) and len(item) == 2 for item in items):
        return {}, items
    return {"param_names": [name for name, _ in items]}, [p for _, p in items]


def _decayed(x: Array, g: Array, group: Group) -> tuple[Array, Array]:
    """Value and gradient of a parameter for a descent step, with weight decay in one of them."""
    if group.get("maximize"):
        g = -g
    decay = group.get("weight_decay", 0)
    if decay and group.get("decoupled_weight_decay"):
        x = x * (1 - group["lr"] * decay)
    elif decay:
        g = g + decay * x
    return x, g


def in_layout(new: Array, old: Array) -> Array:
    """The new value in the memory layout of the old value.

    A product may round differently in another layout. A resumed run starts with the first layouts, so the
    layouts must never change: then both runs end with the same bits.
    """
    if new.strides == old.strides and new.dtype == old.dtype:
        return new
    kept = np.empty_like(old)
    kept[...] = new
    return kept
