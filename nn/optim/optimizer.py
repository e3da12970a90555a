"""What all optimizers share: parameter groups, the step over them, and the state."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError

from ..options import check_number, same_kind

__all__ = ["Optimizer"]

Array = npt.NDArray[Any]
Group = dict[str, Any]

EXAMPLES = {"lr": 1e-3, "weight_decay": 1e-4, "momentum": 0.9, "eps": 1e-8}
"""Options that are numbers of at least 0, each with a usual value."""


class Optimizer:
    """Base class: an optimizer is its default options and an `update` rule for one parameter.

    Args:
        params: the Tensors to optimize, or dicts of them with options of their own:
            `[{"params": a, "lr": 0.1}, {"params": b}]`.
        defaults: the options of groups that do not say otherwise.

    Attributes:
        param_groups: a list of dicts, each with its "params" and its options; change options there.
        state: for each parameter a dict of what the optimizer remembers of it.

    Raises:
        DTypeError: something else than Tensors came, or a complex one to an optimizer of real ones.
        DataError: no parameters.
        OptionError: one that came twice, or is no leaf, or an option that makes no sense.
    """

    needs_closure = False
    """Whether `step` has to compute the loss itself, with the closure that it is given."""

    takes_complex = False
    """Whether a step is right for complex parameters too; a rule with g^2 in it is for real ones."""

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise DTypeError(
                f"{type(self).__name__}: expected parameters, got a {type(params).__name__}; write "
                f"{type(self).__name__}(model.parameters(), lr=...), or a list: [w, b]"
            )
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        items = list(params)
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
        for option, example in EXAMPLES.items():
            if option in group:
                check_number(type(self).__name__, option, group[option], example=example)
        if "betas" in group and not _is_pair_of_betas(group["betas"]):
            raise OptionError(
                f"{type(self).__name__}(betas={group['betas']!r}): expected two numbers from 0 to below 1, "
                "e.g. betas=(0.9, 0.999)"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, which otherwise add up from one backward pass to the next."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad = None if set_to_none else Tensor(np.zeros_like(p.numpy()))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
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
        with np.errstate(all="ignore"):  # the square of a small gradient is 0, whatever np.seterr says
            for group in self.param_groups:
                for p in group["params"]:
                    g = p.grad
                    if g is not None:
                        x = p.detach().numpy()
                        new = self.update(*_decayed(x, g.numpy(), group), self._state_of(p), group)
                        p.data = in_layout(new, x)
        return loss

    def update(self, x: Array, g: Array, state: dict[str, Any], group: Group) -> Array:
        """The next value of one parameter, as a new array.

        Args:
            x: its value; not to be written into.
            g: its gradient, of the same shape; not to be written into. Weight decay is in it, or in x.
            state: what `update` has kept of this parameter; arrays in it may be written into.
            group: the options.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def _state_of(self, p: Tensor) -> dict[str, Any]:
        state = self.state.get(p)
        if state is None:
            state = self.state[p] = {}
        return state

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
            DataError: the state is that of another optimizer, the groups are of other sizes, or an array
                is of another shape than its parameter; nothing is loaded then.
            OptionError: an option in it makes no sense.
        """
        name, params = type(self).__name__, self._params()
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in state_dict["param_groups"]]
        if sizes != given:
            raise DataError(f"{name}: the groups in the state have {given} parameters, those here {sizes}")
        groups = []
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            if lacking := [option for option in self.defaults if option not in saved]:
                raise DataError(f"{name}: the state is that of another optimizer, without {lacking[0]}")
            if unlike := [option for option in self.defaults if not same_kind(group[option], saved[option])]:
                raise DataError(f"{name}: {unlike[0]} cannot be {reprlib.repr(saved[unlike[0]])}")
            groups.append({**saved, "params": group["params"]})
            self.check(groups[-1])
        state: dict[Tensor, dict[str, Any]] = {}
        for i, entries in state_dict["state"].items():
            if i not in range(len(params)):
                raise DataError(f"{name}: the state has a parameter {i}, here are {len(params)}")
            state[params[i]] = _copied(entries)
            for key, value in state[params[i]].items():
                if isinstance(value, np.ndarray) and value.ndim:
                    fitted = self.fitted(value, params[i])
                    if fitted is None:
                        raise DataError(
                            f"{name}: {key} of parameter {i} has shape {value.shape} in the state, the "
                            f"parameter {params[i].shape}"
                        )
                    state[params[i]][key] = fitted
                elif not isinstance(value, (Real, np.ndarray, np.generic, type(None))):
                    raise DataError(f"{name}: {key} of parameter {i} is a {type(value).__name__}")
        for group, new in zip(self.param_groups, groups, strict=True):
            group.clear()
            group.update(new)
        self.state = state

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


def _is_pair_of_betas(betas: Any) -> bool:
    pair = isinstance(betas, (tuple, list)) and len(betas) == 2
    return pair and all(isinstance(beta, Real) and 0 <= float(beta) < 1 for beta in betas)


def _decayed(x: Array, g: Array, group: Group) -> tuple[Array, Array]:
    """Value and gradient of a parameter for a step downhill, with weight decay in one of them."""
    if group["maximize"]:
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


def _copied(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in entries.items()}
