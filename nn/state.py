"""The state of a module: its parameters and buffers by path, read as arrays and loaded again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError

from .arrays import as_array
from .parameter import Parameter

__all__ = ["LoadedKeys", "State", "distinct", "joined_path"]

Array = npt.NDArray[Any]
_T = TypeVar("_T")


class LoadedKeys(NamedTuple):
    """The keys that `load_state_dict(strict=False)` has skipped."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class State:
    """The parameters and buffers of a module and of all modules below it."""

    _parameters: dict[str, Tensor | None]
    _buffers: dict[str, Array | None]
    _transient: set[str]  # buffers that are not part of the state

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, State]]:
        """This module and all below it, with their paths."""
        raise NotImplementedError

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; None reserves the name without a parameter."""
        self._check_name(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(f"register_parameter({name!r}): wrap the value: nn.Parameter(value)")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: npt.ArrayLike | None, persistent: bool = True) -> None:
        """Add an array that is part of the state but is not learned, e.g. a running mean.

        Args:
            name: the attribute that reads the buffer.
            tensor: the array; None reserves the name without a buffer.
            persistent: include the buffer in the `state_dict`.
        """
        self._check_name(name, self._buffers)
        self._buffers[name] = None if tensor is None else as_array(tensor)
        if not persistent:
            self._transient.add(name)

    def _check_name(self, name: str, register: dict[str, Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise DataError(f"{name!r} cannot be a name in a module: expected a string without dots")
        if name not in register and hasattr(self, name):
            raise DataError(f"{type(self).__name__} already has an attribute {name!r}; choose another name")

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths; a shared parameter is listed once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, for an optimizer."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Array]]:
        """The buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Array]:
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, register: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(None, prefix, once) if recurse else [(prefix, self)]
        found = (
            (joined_path(path, name), value)
            for path, module in modules
            for name, value in getattr(module, register).items()
            if value is not None
        )
        return distinct(found) if once else found

    def _slots(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """For each entry of the state: its path, the dict that holds it, its name in that dict."""
        for path, module in self.named_modules(remove_duplicate=False):
            for own in (module._parameters, module._buffers):
                for name, value in own.items():
                    if value is not None and not (own is module._buffers and name in module._transient):
                        yield joined_path(path, name), own, name

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and persistent buffers, by path.

        Example:
            >>> import nn
            >>> {name: x.shape for name, x in nn.Sequential(nn.Linear(3, 2)).state_dict().items()}
            {'0.weight': (2, 3), '0.bias': (2,)}
        """
        return {path: np.array(as_array(own[name])) for path, own, name in self._slots()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadedKeys:
        """Load the values of a state, cast to the dtype of each entry of the module.

        Args:
            state_dict: arrays by path, as `state_dict()` gives them.
            strict: raise an error if keys are missing or unexpected.

        Returns:
            The missing and the unexpected keys.

        Raises:
            DTypeError: the state is not a dict, but e.g. the path of a file.
            DataError: keys are missing or unexpected, or an array has another shape or a dtype that
                cannot be cast. The message lists all of them, and the module does not change.
        """
        if not isinstance(state_dict, Mapping):
            source = "model.state_dict()" if isinstance(state_dict, State) else "nn.load(path)"
            raise DTypeError(
                f"load_state_dict: expected a dict, got a {type(state_dict).__name__}; "
                f"write load_state_dict({source})"
            )
        slots = {path: (own, name) for path, own, name in self._slots()}
        missing = [path for path in slots if path not in state_dict]
        unexpected = [path for path in state_dict if path not in slots]
        problems = [f"missing: {path}" for path in missing] if strict else []
        problems += [f"unexpected: {path}" for path in unexpected] if strict else []
        values, unfit = {}, []
        for path, (own, name) in slots.items():
            if path in state_dict:
                here, value = own[name], as_array(state_dict[path])
                values[path] = value
                if value.shape != here.shape:
                    unfit.append(f"wrong shape: {path} is {here.shape} here, {value.shape} in the state")
                elif not np.can_cast(value.dtype, here.dtype, "same_kind"):
                    unfit.append(f"wrong dtype: {path} is {here.dtype} here, {value.dtype} in the state")
        if problems or unfit:
            hint = _instead_of_a_state(state_dict, slots) or (
                "build the model with the sizes and dtypes that the state has"
                if unfit
                else "to skip missing and unexpected keys, write load_state_dict(state, strict=False)"
            )
            lines = "\n  ".join([*problems, *unfit])
            raise DataError(
                f"the state does not fit {type(self).__name__}, nothing was loaded:\n  {lines}\n{hint}"
            )
        for path, value in values.items():
            own, name = slots[path]
            # Keep the memory layout of the entry: in another layout a product may round differently.
            new = np.empty_like(as_array(own[name]))
            new[...] = value
            if isinstance(own[name], Tensor):
                own[name].data = new
            else:
                own[name] = new
        return LoadedKeys(missing, unexpected)


def _instead_of_a_state(came: Mapping[str, Any], slots: Iterable[str]) -> str:
    """The line that repairs the call if a checkpoint, an optimizer's state or a nested state was given."""
    slots = set(slots)
    if came.keys() >= {"parts", "random state", "values"}:
        return (
            "this is a checkpoint: write nn.load_checkpoint(path, model, optimizer), or for the weights "
            'alone load_state_dict(nn.load(path)["parts"]["model"])'
        )
    if came.keys() >= {"state", "param_groups"}:
        return "this is the state of an optimizer: write optimizer.load_state_dict(state)"
    for key, value in came.items():
        if isinstance(value, Mapping) and slots & value.keys():
            return f"the weights are one level deeper: write load_state_dict(state[{key!r}])"
    for prefix in {str(key).partition(".")[0] + "." for key in came}:
        if slots <= {str(key).removeprefix(prefix) for key in came} and not slots <= came.keys():
            return (
                f"the keys begin with {prefix!r}: write load_state_dict("
                f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}})"
            )
    return ""


def joined_path(path: str, name: str) -> str:
    """The path of an entry of the module at `path`; the outermost module is at ""."""
    return f"{path}.{name}" if path else name


def distinct(pairs: Iterator[tuple[str, _T]]) -> Iterator[tuple[str, _T]]:
    """The pairs without repetitions: each value once, under its first name."""
    seen: dict[int, _T] = {}
    for name, value in pairs:
        if id(value) not in seen:
            seen[id(value)] = value
            yield name, value
