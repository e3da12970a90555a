"""The state of a module: its parameters and buffers by path, read as arrays and loaded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError

from .arrays import as_array
from .hooks import Handle
from .parameter import Parameter

__all__ = ["LoadedKeys", "State", "distinct", "joined_path"]

Array = npt.NDArray[Any]
_T = TypeVar("_T")

EXTRA = "_extra_state"
"""The key of what a module saves beside arrays."""


class LoadedKeys(NamedTuple):
    """The keys that `load_state_dict(strict=False)` has skipped."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class State:
    """The parameters and buffers of a module and of all modules below it."""

    _parameters: dict[str, Tensor | None]
    _buffers: dict[str, Array | None]
    _modules: dict[str, Any]
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
            for name, own in module._entries().items():
                yield joined_path(path, name), own, name

    # -- saved -------------------------------------------------------------------------------------

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Array]:
        """Copies of all parameters and persistent buffers, by path.

        Args:
            destination: a dict that gets the entries, and is returned.
            prefix: the beginning of each path.
            keep_vars: return the parameters and buffers themselves, not copies.

        Example:
            >>> import nn
            >>> {name: x.shape for name, x in nn.Sequential(nn.Linear(3, 2)).state_dict().items()}
            {'0.weight': (2, 3), '0.bias': (2,)}
        """
        destination = {} if destination is None else destination
        for hook in self._state_hooks("saving"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_hooks("saved"):
            changed = hook(self, destination, prefix, {})
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add the entries of this module alone."""
        for name, own in self._entries().items():
            destination[prefix + name] = own[name] if keep_vars else np.array(as_array(own[name]))
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _entries(self) -> dict[str, dict[str, Any]]:
        """The names of the entries of this module alone, each with the dict that holds it."""
        return {
            name: own
            for own in (self._parameters, self._buffers)
            for name, value in own.items()
            if value is not None and not (own is self._buffers and name in self._transient)
        }

    def get_extra_state(self) -> Any:
        """What the `state_dict` of this module holds beside arrays; a subclass may define this."""
        raise NotImplementedError(
            "define get_extra_state(self) in the class, and set_extra_state(self, state)"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` gave."""
        raise NotImplementedError("define set_extra_state(self, state) in the class, beside get_extra_state")

    # -- loaded ------------------------------------------------------------------------------------

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> LoadedKeys:
        """Load the values of a state, cast to the dtype of each entry of the module.

        Args:
            state_dict: arrays by path, as `state_dict()` gives them.
            strict: raise an error if keys are missing or unexpected.
            assign: take the arrays themselves, with their dtypes, in place of copies.

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
        loading = Loading(assign)
        missing: list[str] = []
        unexpected: list[str] = []
        unfit: list[str] = []
        self._load(dict(state_dict), "", loading, strict, missing, unexpected, unfit)
        keys = LoadedKeys(missing, unexpected)
        fits = not (unfit or (strict and (missing or unexpected)))
        if fits:
            loading.store()
        for hook, module in loading.after:  # a hook may remove keys from the lists
            hook(module, keys)
        if not (fits or unfit or missing or unexpected):
            loading.store()
        problems = [f"missing: {path}" for path in missing] if strict else []
        problems += [f"unexpected: {path}" for path in unexpected] if strict else []
        if problems or unfit:
            hint = _instead_of_a_state(state_dict, (path for path, _, _ in self._slots())) or (
                "build the model with the sizes and dtypes that the state has"
                if unfit
                else "to skip missing and unexpected keys, write load_state_dict(state, strict=False)"
            )
            lines = "\n  ".join([*problems, *unfit])
            raise DataError(
                f"the state does not fit {type(self).__name__}, nothing was loaded:\n  {lines}\n{hint}"
            )
        return keys

    def _load(
        self, state: dict[str, Any], prefix: str, loading: Loading, strict: bool, *lists: list[str]
    ) -> None:
        """Load this module and those below it; the lists get the missing, unexpected and unfit keys."""
        local = {"assign_to_params_buffers": loading.assign, "loading": loading}
        for hook in self._state_hooks("loading"):
            hook(self, state, prefix, local, strict, *lists)
        self._load_from_state_dict(state, prefix, local, strict, *lists)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = {key: value for key, value in state.items() if key.startswith(below)}
                module._load(part, below, loading, strict, *lists)
        loading.after.extend((hook, self) for hook in self._state_hooks("loaded"))

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load the entries of this module alone; a subclass may change the dict before."""
        loading = local_metadata["loading"]
        entries = self._entries()
        for name, own in entries.items():
            path = prefix + name
            if path not in state_dict:
                missing_keys.append(path)
                continue
            here, value = own[name], as_array(state_dict[path])
            if value.shape != here.shape:
                error_msgs.append(f"wrong shape: {path} is {here.shape} here, {value.shape} in the state")
            elif not np.can_cast(value.dtype, here.dtype, "same_kind"):
                error_msgs.append(f"wrong dtype: {path} is {here.dtype} here, {value.dtype} in the state")
            else:
                loading.values.append((own, name, value))
        extra = type(self).set_extra_state is not State.set_extra_state
        if extra and prefix + EXTRA in state_dict:
            loading.extra.append((self, state_dict[prefix + EXTRA]))
        elif extra:
            missing_keys.append(prefix + EXTRA)
        for key in state_dict:
            first, dot, _ = key[len(prefix) :].partition(".")
            known = first in (self._modules if dot else entries) or (extra and key == prefix + EXTRA)
            if key.startswith(prefix) and not known:
                unexpected_keys.append(key)

    # -- hooks -------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` reads this module."""
        return self._add_state_hook("saving", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, metadata)` after `state_dict`."""
        return self._add_state_hook("saved", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call a hook before this module is loaded; it may change the state.

        The arguments are `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`.
        """
        return self._add_state_hook("loading", hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> Handle:
        if with_module:
            return self.register_load_state_dict_pre_hook(hook)
        return self.register_load_state_dict_pre_hook(lambda module, *arguments: hook(*arguments))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, keys)` after loading; it may change the lists of missing and unexpected keys."""
        return self._add_state_hook("loaded", hook)

    def _add_state_hook(self, kind: str, hook: Callable[..., Any]) -> Handle:
        hooks = self.__dict__.setdefault("_hooks_of_state", {})
        return Handle(hooks.setdefault(kind, {}), hook)

    def _state_hooks(self, kind: str) -> list[Callable[..., Any]]:
        return list(self.__dict__.get("_hooks_of_state", {}).get(kind, {}).values())


class Loading:
    """The values of a state on their way into a module: they are stored when all of them are known to fit."""

    def __init__(self, assign: bool) -> None:
        self.assign = assign
        self.values: list[tuple[dict[str, Any], str, Array]] = []
        self.extra: list[tuple[State, Any]] = []
        self.after: list[tuple[Callable[..., Any], State]] = []

    def store(self) -> None:
        """Put the values into the module."""
        for own, name, value in self.values:
            new = value
            if not self.assign:
                # Keep the memory layout of the entry: in another layout a product may round differently.
                new = np.empty_like(as_array(own[name]))
                new[...] = value
            if isinstance(own[name], Tensor):
                own[name].data = new
            else:
                own[name] = new
        for module, state in self.extra:
            module.set_extra_state(state)


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
