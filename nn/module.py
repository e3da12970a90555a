"""Module: a tree of layers that knows its parameters, buffers and submodules by name."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Device, Tensor
from autograd_lite.arrays import refuse_other_arithmetic
from autograd_lite.errors import DataError, DTypeError, MissingAttributeError, ShapeError
from autograd_lite.words.names import missing

from .arrays import as_array
from .names import MODULE_METHODS
from .undo import undone

__all__ = ["InputError", "Module", "Parameter", "functional_call"]

Array = npt.NDArray[Any]
_T = TypeVar("_T")


class Parameter(Tensor):
    """A Tensor that a module learns: it requires a gradient, and a module that owns it lists it.

    Args:
        data: a number, a nested list, an array or a Tensor; it is copied and keeps its dtype.
        requires_grad: False for one that is not to be trained.
        name: how `print(tape)` and pictures call it.

    Raises:
        DTypeError: `requires_grad` with an integer or boolean array.

    Example:
        >>> import numpy as np, nn
        >>> nn.Parameter(np.zeros(2, np.float32)).dtype
        dtype('float32')
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None) -> None:
        super().__init__(data, requires_grad=requires_grad, name=name)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class InputError(ShapeError):
    """An input that a layer cannot take.

    On its way up, each module that the layer is part of puts in where it stands, so that the message
    begins `Sequential.2 (Linear(in_features=64, ...)) expects ...`.
    """

    def __init__(self, layer: Module, problem: str) -> None:
        super().__init__(layer, problem)
        self.layer, self.problem = layer, problem
        self.path = ""

    def found_in(self, module: Module) -> None:
        """Name the place of the layer as seen from `module`."""
        for name, layer in module.named_modules():
            if layer is self.layer and name:
                self.path = f"{type(module).__name__}.{name}"

    def __str__(self) -> str:
        layer = repr(self.layer)
        return f"{self.path} ({layer}) {self.problem}" if self.path else f"{layer} {self.problem}"


class LoadedKeys(NamedTuple):
    """What `load_state_dict(strict=False)` has passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Computed(NamedTuple):
    """An attribute that is computed whenever it is read; see `nn.utils.computed`."""

    function: Callable[[Module], Any]
    sources: tuple[str, ...]
    """The parameters, buffers and modules beside it that are there for its sake alone."""


class Handle:
    """What registering a hook returns: `remove()` takes the hook away again."""

    _count = itertools.count()

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks, self._key = hooks, next(Handle._count)
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)


class _Watch:
    """One call of a module whose backward pass is watched.

    Inputs and outputs go through a step of their own, so that their gradients are those of this call
    alone, and complete: the hooks run when those of the inputs have come, or those of the outputs if no
    input wants one.
    """

    def __init__(self, module: Module, hooks: list[Callable[..., Any]]) -> None:
        self.module, self.hooks = module, hooks
        self.into: tuple[Any, ...] = ()
        self.moving: list[bool] = []

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.moving = [isinstance(x, Tensor) and x.requires_grad for x in args]
        if not any(self.moving):
            return args
        passed = iter(_pass_on(*(x for x, m in zip(args, self.moving, strict=True) if m), _send=self.leave))
        return tuple(next(passed) if m else x for x, m in zip(args, self.moving, strict=True))

    def outputs(self, output: Any) -> Any:
        several = isinstance(output, tuple)
        passed = _pass_on(*(output if several else (output,)), _send=self.enter)
        return passed if several else passed[0]

    def enter(self, g: tuple[Any, ...]) -> tuple[Any, ...]:
        self.into = tuple(map(_tensor, g))
        if not any(self.moving):
            self.run((None,) * len(self.moving))
        return g

    def leave(self, g: tuple[Any, ...]) -> tuple[Any, ...]:
        sent = iter(g)
        new = self.run(tuple(_tensor(next(sent)) if moves else None for moves in self.moving))
        return tuple(x for x, moves in zip(new, self.moving, strict=True) if moves)

    def run(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.into)
            if changed is not None:
                grad_input = changed if isinstance(changed, tuple) else (changed,)
        return grad_input


@ag.primitive
def _pass_on(*values: Any, _send: Any) -> tuple[Any, ...]:
    """The same values; on the way back their gradients go through `_send`."""
    return values


ag.defvjp(_pass_on, joint=lambda g, y, *values, _send: _send(g))


def _tensor(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else Tensor(g)


class Module:
    """Base class of layers and models: subclass it, set layers as attributes, define `forward`.

    Attributes:
        training: whether layers that differ between the two (dropout, ...) are to behave as in training.

    Example:
        >>> import numpy as np, nn
        >>> class Residual(nn.Module):
        ...     def __init__(self, n):
        ...         super().__init__()
        ...         self.inner = nn.Linear(n, n)
        ...     def forward(self, x):
        ...         return x + nn.functional.relu(self.inner(x))
        >>> model = Residual(3)
        >>> [(name, p.shape) for name, p in model.named_parameters()]
        [('inner.weight', (3, 3)), ('inner.bias', (3,))]
        >>> model(np.ones((5, 3), np.float32)).shape
        (5, 3)
    """

    training: bool
    _parameters: dict[str, Tensor | None]
    _buffers: dict[str, Array | None]
    _modules: dict[str, Module | None]
    _transient: set[str]  # buffers that are no part of the state
    _hooks: dict[str, dict[int, Callable[..., Any]]] | None = None
    _computed: dict[str, Computed] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Here and not in __init__, so that a subclass that forgets super().__init__() works all the same.
        module = super().__new__(cls)
        module.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={}, _transient=set())
        return module

    def __init__(self) -> None:
        pass

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; called by `module(...)`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: write def forward(self, x): return ... in the class"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, np.ndarray):
                refuse_other_arithmetic(x, type(self).__name__)
        try:
            return self.forward(*args, **kwargs) if self._hooks is None else self._hooked(args, kwargs)
        except InputError as error:
            error.found_in(self)
            raise
        except (AttributeError, TypeError) as error:
            given = next((type(x).__name__ for x in args if isinstance(x, (list, float))), None)
            if given and not hasattr(error, "__notes__"):
                error.add_note(f"{type(self).__name__} was called with a {given}; write np.array(x)")
            raise

    # -- hooks -------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args)` before each forward pass; what it returns replaces the args, unless None.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("before", hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args, output)` after each forward pass.

        What it returns, unless None, takes the place of the output.

        Returns:
            A handle whose `remove()` takes the hook away again.

        Example:
            >>> import numpy as np, nn
            >>> model, seen = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
            >>> handle = model[1].register_forward_hook(lambda module, args, y: seen.append(y.shape))
            >>> y = model(np.zeros((5, 2), np.float32))
            >>> handle.remove()
            >>> seen
            [(5, 3)]
        """
        return self._add_hook("after", hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are complete.

        Both are tuples, with None where there is no gradient. What the hook returns, unless None, takes the
        place of grad_input.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("backward", hook)

    def _add_hook(self, kind: str, hook: Callable[..., Any]) -> Handle:
        # At once, for threads may add their hooks to a module that they share.
        hooks = self.__dict__.setdefault("_hooks", {"before": {}, "after": {}, "backward": {}})
        return Handle(hooks[kind], hook)

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The forward pass with all hooks."""
        hooks = self._hooks
        assert hooks is not None
        for hook in list(hooks["before"].values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        watch = _Watch(self, list(hooks["backward"].values())) if hooks["backward"] else None
        args = args if watch is None else watch.inputs(args)
        output = self.forward(*args, **kwargs)
        for hook in list(hooks["after"].values()):
            changed = hook(self, args, output)
            output = output if changed is None else changed
        return output if watch is None else watch.outputs(output)

    # -- registration ------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; None keeps the name for a parameter that is not there."""
        self._check_name(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(f"register_parameter({name!r}): wrap the value: nn.Parameter(value)")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: npt.ArrayLike | None, persistent: bool = True) -> None:
        """Add an array that is part of the state but is not learned, e.g. a running mean.

        Args:
            name: the attribute it is read by.
            tensor: the array; None keeps the name for a buffer that is not there.
            persistent: whether it is in the `state_dict`.
        """
        self._check_name(name, self._buffers)
        self._buffers[name] = None if tensor is None else as_array(tensor)
        if not persistent:
            self._transient.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under `name`."""
        self._check_name(name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise DTypeError(
                f"{type(self).__name__}.{name}: expected a layer, got {_instead_of_a_layer(module)}"
            )
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, name: str, register: dict[str, Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise DataError(f"{name!r} cannot name a part of a module: expected a string without dots")
        if name not in register and hasattr(self, name):
            raise DataError(f"{type(self).__name__} already has an attribute {name!r}; choose another name")

    def _registers(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return self._parameters, self._buffers, self._modules

    def __setattr__(self, name: str, value: Any) -> None:
        if self._computed is not None and name in self._computed:
            raise DataError(
                f"{type(self).__name__}.{name} is computed from {', '.join(self._computed[name].sources)}; "
                f"change these, or make it a parameter again: nn.utils.computed.settle(layer, {name!r})"
            )
        target = (
            self._parameters
            if isinstance(value, Parameter)
            else self._modules
            if isinstance(value, Module)
            else next((own for own in self._registers() if name in own), None)
        )
        if target is None:
            items = value.values() if isinstance(value, dict) else value
            plain = isinstance(value, (list, tuple, dict))
            if plain and any(isinstance(item, (Module, Parameter)) for item in items):
                warnings.warn(
                    f"{type(self).__name__}.{name} is a plain {type(value).__name__}: what is in it is no "
                    "part of the module and will not be trained; write nn.ModuleList(layers)",
                    stacklevel=2,
                )
            object.__setattr__(self, name, value)
            return
        if target is self._buffers and value is not None:
            value = as_array(value)
        elif value is not None and not isinstance(value, (Parameter, Module)):
            repair = f"nn.Parameter(value), or module.{name}.data = value to keep the parameter itself"
            raise DTypeError(
                f"{type(self).__name__}.{name} is a {'parameter' if target is self._parameters else 'module'}"
                f" and cannot become a {type(value).__name__}"
                + (f"; write {repair}" if target is self._parameters else "; give it another module or None")
            )
        for own in (*self._registers(), self.__dict__):
            if own is not target:
                own.pop(name, None)
        target[name] = value

    def __getattr__(self, name: str) -> Any:
        for own in self._registers():
            if name in own:
                return own[name]
        if self._computed is not None and name in self._computed:
            return self._computed[name].function(self)
        problem = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise missing(problem, name, MODULE_METHODS.get, lambda: dir(self))

    def __delattr__(self, name: str) -> None:
        for own in self._registers():
            if name in own:
                del own[name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for own in self._registers() for name in own)})

    # -- walking the tree --------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their paths; one that is shared is counted once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names."""
        return _distinct((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths; one that is shared is counted once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, as optimizers take them."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Array]]:
        """The buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Array]:
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, register: str, prefix: str, recurse: bool, distinct: bool) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(None, prefix, distinct) if recurse else [(prefix, self)]
        found = (
            (_join(path, name), value)
            for path, module in modules
            for name, value in getattr(module, register).items()
            if value is not None
        )
        return _distinct(found) if distinct else found

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call `fn` on every submodule, then on this module; e.g. to initialise weights."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -- modes and dtypes --------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Behave as in training, all submodules too."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use: the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Switch training of all parameters on or off."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else Tensor(np.zeros_like(p.numpy()))

    def to(self, *args: Any, **options: Any) -> Self:
        """Cast floating-point parameters, their gradients, and buffers to a floating-point dtype.

        Args:
            args, options: a dtype, or a device, which can only be "cpu".

        Raises:
            DTypeError: the dtype is not floating-point.
            UnsupportedError: the device is not the CPU.

        Example:
            >>> import numpy as np, nn
            >>> nn.Linear(2, 1).to(np.float64).weight.dtype
            dtype('float64')
        """
        for target in (*args, *options.values()):
            if isinstance(target, str) and target not in np.sctypeDict:
                Device(target)
            elif target is not None and not isinstance(target, bool):
                self._cast(target)
        return self

    def _cast(self, dtype: Any) -> None:
        try:
            floating = np.dtype(dtype).kind == "f"
        except TypeError:
            floating = False
        if not floating:
            raise DTypeError(f"module.to({dtype!r}): expected a floating-point dtype, e.g. np.float32")
        dtype = np.dtype(dtype)
        for p in self.parameters():
            if p.dtype.kind == "f":
                gradient, p.data = p.grad, p.data.astype(dtype)
                if gradient is not None:
                    p.grad = gradient.detach().astype(dtype)
        for module in self.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.dtype.kind == "f":
                    module._buffers[name] = buffer.astype(dtype)

    def cpu(self) -> Self:
        """The module itself: it is there already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """There is no GPU here: raises UnsupportedError."""
        return self.to("cuda")

    def half(self) -> Self:
        """Cast to float16."""
        return self.to(np.float16)

    def double(self) -> Self:
        """Cast to float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Cast to float32."""
        return self.to(np.float32)

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "encoder.0"; "" is this one."""
        return cast(Module, self._at("submodule", dict(self.named_modules(remove_duplicate=False)), target))

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "encoder.0.weight"."""
        return cast(
            Parameter, self._at("parameter", dict(self.named_parameters(remove_duplicate=False)), target)
        )

    def _at(self, kind: str, known: dict[str, Any], target: str) -> Any:
        if target not in known:
            raise MissingAttributeError(
                f"there is no {kind} {target!r}; there are {', '.join(map(repr, known))}"
            )
        return known[target]

    # -- the state ---------------------------------------------------------------------------------

    def _slots(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Where each entry of the state lives: its path, the register, its name there."""
        for path, module in self.named_modules(remove_duplicate=False):
            for own in (module._parameters, module._buffers):
                for name, value in own.items():
                    if value is not None and not (own is module._buffers and name in module._transient):
                        yield _join(path, name), own, name

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and persistent buffers, by path.

        Example:
            >>> import nn
            >>> {name: x.shape for name, x in nn.Sequential(nn.Linear(3, 2)).state_dict().items()}
            {'0.weight': (2, 3), '0.bias': (2,)}
        """
        return {path: np.array(as_array(own[name])) for path, own, name in self._slots()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadedKeys:
        """Take over the values of a state, cast to the dtype that each entry has here.

        Args:
            state_dict: arrays by path, as `state_dict()` gives them.
            strict: whether missing and unexpected keys are errors.

        Returns:
            The missing and the unexpected keys.

        Raises:
            DTypeError: the state is no dict, but e.g. the path of a file.
            DataError: keys are missing or unexpected, or an array has another shape or a dtype that
                cannot be cast. All of them are listed, and the module is left as it was.
        """
        if not isinstance(state_dict, Mapping):
            source = "model.state_dict()" if isinstance(state_dict, Module) else "nn.load(path)"
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
                else "to pass over missing and unexpected keys, write load_state_dict(state, strict=False)"
            )
            lines = "\n  ".join([*problems, *unfit])
            raise DataError(
                f"the state does not fit {type(self).__name__}, nothing was loaded:\n  {lines}\n{hint}"
            )
        for path, value in values.items():
            own, name = slots[path]
            # In the layout that the entry has here: a product may round otherwise in another one.
            new = np.empty_like(as_array(own[name]))
            new[...] = value
            if isinstance(own[name], Tensor):
                own[name].data = new
            else:
                own[name] = new
        return LoadedKeys(missing, unexpected)

    # -- how it looks ------------------------------------------------------------------------------

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """How many products this layer itself adds up in one call; `nn.summary` adds those of its parts.

        Args:
            args: what it was called with.
            output: what it returned.
        """
        return 0

    def extra_repr(self) -> str:
        """What stands between the parentheses of this layer's `repr`."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        parts = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()]
        if not parts:
            return f"{type(self).__name__}({extra})"
        lines = [extra, *parts] if extra else parts
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _instead_of_a_state(came: Mapping[str, Any], slots: Iterable[str]) -> str:
    """What to write if it is no state of a module that came, but something around one, or beside it."""
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


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Any],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Call a module with other values in place of some of its parameters and buffers.

    So a model becomes a function of its parameters, which `grad`, `hvp` and `check_grads` can
    differentiate. As in `torch.func`; a shared parameter is replaced wherever it is used.

    Args:
        module: is as before when the call returns; not for concurrent calls of one module.
        parameter_and_buffer_dicts: values by path.
        args: the tuple of arguments (a single one may come as it is).
        kwargs: the keyword arguments.

    Raises:
        DataError: a path that the module does not have.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> model = nn.Linear(2, 1)
        >>> loss = lambda w: nn.functional_call(model, {"weight": w}, np.array([[3.0, 4.0]])).sum()
        >>> ag.grad(loss)(np.zeros((1, 2)))
        array([[3., 4.]])
    """
    slots = {path: (own, name) for path, own, name in module._slots()}
    unknown = [path for path in parameter_and_buffer_dicts if path not in slots]
    if unknown:
        raise DataError(
            f"functional_call: {type(module).__name__} has no {', '.join(unknown)}; it has {', '.join(slots)}"
        )
    replaced = {}
    for path, value in parameter_and_buffer_dicts.items():
        own, name = slots[path]
        replaced[id(own[name])] = value
    before = [(own, name, own[name]) for own, name in slots.values() if id(own[name]) in replaced]

    def undo() -> None:
        for own, name, value in before:
            own[name] = value

    with undone(undo):
        for own, name, value in before:
            own[name] = replaced[id(value)]
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))


LAYERS = {
    "gelu": "nn.GELU()",
    "log_softmax": "nn.LogSoftmax(dim=1)",
    "relu": "nn.ReLU()",
    "sigmoid": "nn.Sigmoid()",
    "softmax": "nn.Softmax(dim=1)",
    "softplus": "nn.Softplus()",
    "tanh": "nn.Tanh()",
}
"""What functions, and names of them, are called as layers."""


def _instead_of_a_layer(value: Any) -> str:
    """What came in place of a layer, and what to write."""
    name = value if isinstance(value, str) else getattr(value, "__name__", "")
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__}; give the layers one by one: nn.Sequential(*layers)"
    if isinstance(value, type):
        return f"the class {name}; write {name}()"
    if name in LAYERS:
        return f"{'a string' if name is value else f'the function {name}'}; write {LAYERS[name]}"
    if name and callable(value):
        return f"the function {name}; make it the forward of a class that inherits from nn.Module"
    return f"a {type(value).__name__}; write an object of a class that inherits from nn.Module"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _distinct(pairs: Iterator[tuple[str, _T]]) -> Iterator[tuple[str, _T]]:
    """Pairs without those whose value came before under another name."""
    seen: dict[int, _T] = {}
    for name, value in pairs:
        if id(value) not in seen:
            seen[id(value)] = value
            yield name, value
