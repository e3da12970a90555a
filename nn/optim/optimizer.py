"""What all optimizers share: parameter groups, the step over them, and the state."""

from __future__ import annotations

import inspect
import reprlib
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

__all__ = ["Optimizer"]

Array = npt.NDArray[Any]
Options = dict[str, Any]
"""The options by name."""
Group = dict[str, Any]
"""Options, and "params" with the parameters that they are for."""
State = dict[str, Any]
"""What an optimizer remembers of one parameter: numbers, and arrays of its shape."""
Params = Iterable[Tensor] | Iterable[Mapping[str, Any]]
"""Parameters, or groups of them with options of their own."""
Closure = Callable[[], Any]
"""Computes the loss anew, with gradients, and returns it."""


@dataclass_transform(field_specifiers=(field,))
class Optimizer(Hinted):
    """Base class: an optimizer is its options and an `update` rule for one parameter.

    The fields of the class are the options. They give the optimizer its constructor, its signature and its
    defaults. The values that an option may have are in the table of `nn/optim/checks.py`, by its name.

    Args:
        params: the Tensors to optimize, or dicts of them with options of their own:
            `[{"params": a, "lr": 0.1}, {"params": b}]`.
        defaults: the options of groups that do not say otherwise; a class with an `__init__` of its
            own hands them over.

    Attributes:
        param_groups: a list of dicts, each with its "params" and its options; change options there.
        state: for each parameter a dict of what the optimizer remembers of it.

    Raises:
        DTypeError: something else than Tensors came, or a complex one to an optimizer of real ones.
        DataError: no parameters.
        OptionError: one that came twice, or is no leaf, or an option that makes no sense.

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
    """The constructor that the fields gave."""

    __plan_outside__ = True
    """`ag.compile` replays the methods of an optimizer as they are."""

    needs_closure = False
    """Whether `step` has to compute the loss itself, with the closure that it is given."""

    takes_complex = False
    """Whether a step is right for complex parameters too; a rule with g^2 in it is for real ones."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__init__ in (Optimizer.__init__, cls._made):  # else one was written by hand
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
        self.state: dict[Tensor, State] = {}
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
        """Optimize more parameters, e.g. those of layers that were frozen at first.

        Args:
            param_group: "params" and options of their own.
        """
        if "params" not in param_group:
            raise DataError(
                f'{type(self).__name__}: a group has no "params"; write '
                '[{"params": layer.parameters(), "lr": 0.1}, ...]'
            )
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise DTypeError(
                    f"{type(self).__name__}: expected Tensors, got a {type(p).__name__}; write "
                    f"{type(self).__name__}(model.parameters(), lr=...)"
                )
            if not p.is_leaf:
                raise OptionError(f"{type(self).__name__}: {p!r} is a result, only leaves can be optimized")
            if p.dtype.kind == "c" and not self.takes_complex:
                raise DTypeError(
                    f"{type(self).__name__} is for real parameters, one is {p.dtype}; take nn.optim.SGD, or "
                    "make its real and its imaginary part parameters of their own"
                )
            if id(p) in known:
                raise OptionError(f"{type(self).__name__}: a parameter of shape {p.shape} came twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        check_options(type(self).__name__, group)

    @ag.replayed
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, which otherwise add up from one backward pass to the next."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad = None if set_to_none else Tensor(np.zeros_like(p.numpy()))

    def step(self, closure: Closure | None = None) -> Any:
        """Give every parameter that has a gradient its next value.

        The values are new arrays: what a tape has recorded of the old ones stays as it was.

        Args:
            closure: computes the loss anew, with gradients.

        Returns:
            What the closure returned.
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
        with np.errstate(all="ignore"):  # the square of a small gradient is 0, whatever np.seterr says
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
        """Say, once for an optimizer, that a step changed nothing.

        Steps without gradients are also how a schedule is walked through: with one, nothing is said.
        """
        scheduled = any("initial_lr" in group for group in self.param_groups)
        if not scheduled and not self.__dict__.get("_warned"):
            self._warned = True
            warn_of_mistake(
                f"{type(self).__name__}.step() changed nothing, for no parameter has a gradient; write "
                "optimizer.zero_grad(); loss.backward(); optimizer.step(), in this order"
            )

    def begin(self, x: Array, options: Options) -> State:
        """What is remembered of a parameter before its first step; by default nothing.

        Args:
            x: the value of the parameter.
            options: the options.
        """
        return {}

    def update(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """The next value of one parameter, as a new array.

        Args:
            x: its value; not to be written into.
            g: its gradient, of the same shape; not to be written into. Weight decay is in it, or in x.
            state: what `begin` gave and `update` has kept since; arrays in it may be written into.
            options: the options.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def _next(self, x: Array, g: Array, state: State, options: Options) -> Array:
        """The next value of one parameter, whose state begins with the first step."""
        if not state:
            state.update(self.begin(x, options))
        return self.update(x, g, state, options)

    # -- the state ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Options, and copies of what is remembered; parameters are numbered in order.

        Returns:
            `{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, 1]}, ...]}`
        """
        places = {id(p): i for i, p in enumerate(self._params())}
        groups = [{**g, "params": [places[id(p)] for p in g["params"]]} for g in self.param_groups]
        state = {i: _copied(self.state[p]) for i, p in enumerate(self._params()) if p in self.state}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave.

        Arrays take the dtypes of their parameters.

        Raises:
            DTypeError: the state is no dict.
            DataError: the state is no optimizer's, or another optimizer's, the groups are of other sizes, an
                array is of another shape than its parameter, or a step from it would fail; nothing is loaded
                then.
            OptionError: an option in it makes no sense.
        """
        if not isinstance(state_dict, Mapping) or not state_dict.keys() >= {"state", "param_groups"}:
            raise _no_state(type(self).__name__, state_dict)
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
        self.state = state

    def _groups_of(self, state_dict: Mapping[str, Any]) -> list[Group]:
        """The groups of a state, with the parameters that are here; refuses those that do not fit."""
        name = type(self).__name__
        groups_given = state_dict["param_groups"]
        if not (
            isinstance(groups_given, (list, tuple))
            and _is_dict(state_dict["state"])
            and all(_is_dict(g) and isinstance(g.get("params"), (list, tuple)) for g in groups_given)
        ):
            raise DataError(f"{name}: expected the state of an optimizer, as optimizer.state_dict() gives it")
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in groups_given]
        if sizes != given:
            raise DataError(f"{name}: the groups in the state have {given} parameters, those here {sizes}")
        groups = []
        for group, saved in zip(self.param_groups, groups_given, strict=True):
            if lacking := [option for option in self.defaults if option not in saved]:
                raise DataError(f"{name}: the state is that of another optimizer, without {lacking[0]}")
            options = [option for option in group if option in saved and option != "params"]
            if unlike := [option for option in options if not same_kind(group[option], saved[option])]:
                raise DataError(f"{name}: {unlike[0]} cannot be {reprlib.repr(saved[unlike[0]])}")
            groups.append({**saved, "params": group["params"]})
            self.check(groups[-1])
        return groups

    def _states_of(self, saved: Mapping[Any, Any]) -> dict[Tensor, State]:
        """What a state remembers of each parameter; refuses arrays of other shapes."""
        name, params = type(self).__name__, self._params()
        state: dict[Tensor, State] = {}
        for i, entries in saved.items():
            if i not in range(len(params)):
                raise DataError(f"{name}: the state has a parameter {i}, here are {len(params)}")
            if not _is_dict(entries):
                raise DataError(f"{name}: the state of parameter {i} is a {type(entries).__name__}, no dict")
            own = state[params[int(i)]] = _copied(entries)
            for key, value in own.items():
                if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "biufc":
                    raise DataError(f"{name}: {key} of parameter {i} is of {value.dtype}, no numbers")
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

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a state that a step would stumble over: one is tried, on copies, with a gradient of 0.

        Args:
            i: the number of the parameter.
            p: the parameter.
            state: what is remembered of it.
            group: its options.

        Raises:
            DataError: the step fails, or remembers other things than one from the beginning.
        """
        x = p.numpy()
        fresh: State = {}
        tried = _copied(state)
        try:
            self._next(x, np.zeros_like(x), fresh, group)
        except Exception:  # a rule of another form, of which nothing is known
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
        """Refuse a state with other names or shapes than the one that a first step leaves."""
        came, expected = ({key: np.shape(value) for key, value in each.items()} for each in (state, fresh))
        for key in expected.keys() | came.keys():
            if expected.get(key) != came.get(key):
                raise DataError(
                    f"{type(self).__name__}: {key} of parameter {i} should have shape {expected.get(key)}, "
                    f"in the state it has {came.get(key)}; it is that of another optimizer"
                )

    def fitted(self, value: Array, p: Tensor) -> Array | None:
        """An array in a state as it belongs to a parameter, or None if it cannot."""
        if value.shape != p.shape:
            return None
        return value.astype(p.dtype, copy=False) if value.dtype.kind == "f" else value

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.defaults.items())
        return f"{type(self).__name__}({options})"


def _constructor(options: tuple[inspect.Parameter, ...]) -> Callable[..., None]:
    """An `__init__` with the options as its arguments; a `field(default=..., init=False)` is none of them."""
    fixed = {option.name: option.default.default for option in options if isinstance(option.default, Field)}
    given = [option for option in options if option.name not in fixed and option.name != "params"]

    def begin(optimizer: Optimizer, values: Mapping[str, Any]) -> None:
        defaults = {name: value for name, value in values.items() if name != "params"}
        Optimizer.__init__(optimizer, values["params"], {**defaults, **fixed})

    return constructor([_PARAMS, *given], begin)


_PARAMS = inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Params")


def _no_state(name: str, came: object) -> DTypeError | DataError:
    """The error for what is no state of an optimizer."""
    if not isinstance(came, Mapping):
        return DTypeError(
            f"{name}: load_state_dict takes a dict, got a {type(came).__name__}; write "
            "load_state_dict(nn.load(path)), or of another optimizer load_state_dict(other.state_dict())"
        )
    repair = "of the weights of a model write model.load_state_dict(state)"
    if came.keys() >= {"parts", "random state", "values"}:
        repair = "this is a checkpoint: write nn.load_checkpoint(path, model, optimizer)"
    for key, value in came.items():
        if isinstance(value, Mapping) and value.keys() >= {"state", "param_groups"}:
            repair = f"it is one level deeper: write load_state_dict(state[{key!r}])"
    keys = reprlib.repr(list(came))
    return DataError(f'{name}: a state has "state" and "param_groups", this has the keys {keys}; {repair}')


def _decayed(x: Array, g: Array, group: Group) -> tuple[Array, Array]:
    """Value and gradient of a parameter for a step downhill, with weight decay in one of them."""
    if group.get("maximize"):
        g = -g
    decay = group.get("weight_decay", 0)
    if decay and group.get("decoupled_weight_decay"):
        x = x * (1 - group["lr"] * decay)
    elif decay:
        g = g + decay * x
    return x, g


def in_layout(new: Array, old: Array) -> Array:
    """The new value with its axes in memory as in the old one.

    A product may round otherwise in another layout, and a run that goes on from a file has the layouts
    of its beginning: they stay, so that both end with the same bits.
    """
    if new.strides == old.strides and new.dtype == old.dtype:
        return new
    kept = np.empty_like(old)
    kept[...] = new
    return kept


def _is_dict(value: object) -> bool:
    return isinstance(value, Mapping)


def _copied(entries: Mapping[str, Any]) -> State:
    return {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in entries.items()}
