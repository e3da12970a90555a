"""Module: a tree of layers that knows its parameters, buffers and submodules by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self, cast

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.arrays import refuse_other_arithmetic
from autograd_lite.errors import DataError, DTypeError, MissingAttributeError, ShapeError
from autograd_lite.words.names import missing

from .arrays import as_array
from .casting import Casting
from .hooks import Hooks
from .names import MODULE_METHODS, instead_of_a_layer
from .parameter import Buffer, Parameter
from .state import State, distinct, joined_path
from .undo import undone

__all__ = ["Buffer", "InputError", "Module", "Parameter", "functional_call"]

Array = npt.NDArray[Any]


class InputError(ShapeError):
    """A layer cannot take its input.

    On the way up, each enclosing module adds the path of the layer. The message then begins
    `Sequential.2 (Linear(in_features=64, ...)) expects ...`.
    """

    def __init__(self, layer: Module, problem: str) -> None:
        super().__init__(layer, problem)
        self.layer, self.problem = layer, problem
        self.path = ""

    def found_in(self, module: Module) -> None:
        """Set the path of the layer as seen from `module`."""
        for name, layer in module.named_modules():
            if layer is self.layer and name:
                self.path = f"{type(module).__name__}.{name}"

    def __str__(self) -> str:
        layer = repr(self.layer)
        return f"{self.path} ({layer}) {self.problem}" if self.path else f"{layer} {self.problem}"


class Computed(NamedTuple):
    """An attribute that is computed whenever it is read; see `nn.utils.computed`."""

    function: Callable[[Module], Any]
    sources: tuple[str, ...]
    """The parameters, buffers and modules that exist only to compute this attribute."""
    assign: Callable[[Module, Any], None] | None = None
    """What an assignment to the attribute does, if it is allowed."""


class Module(Hooks, State, Casting):
    """Base class of layers and models: subclass it, set layers as attributes, define `forward`.

    Attributes:
        training: True in training mode, False in evaluation mode; dropout, batch norm, ... differ by it.

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
    _modules: dict[str, Module | None]
    _computed: dict[str, Computed] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Here and not in __init__, so that a subclass may forget super().__init__().
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

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, np.ndarray):
                refuse_other_arithmetic(x, type(self).__name__)
        try:
            # Checkers take the output for a Tensor. A module with several outputs declares its own __call__.
            output = self.forward(*args, **kwargs) if self._hooks is None else self._hooked(args, kwargs)
            return output  # type: ignore[no-any-return]
        except InputError as error:
            error.found_in(self)
            raise
        except (AttributeError, TypeError) as error:
            given = next((type(x).__name__ for x in args if isinstance(x, (list, float))), None)
            if given and not hasattr(error, "__notes__"):
                error.add_note(f"{type(self).__name__} was called with a {given}; write np.array(x)")
            raise

    # -- registration ------------------------------------------------------------------------------

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under `name`."""
        self._check_name(name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise DTypeError(
                f"{type(self).__name__}.{name}: expected a layer, got {instead_of_a_layer(module)}"
            )
        self._modules[name] = module

    add_module = register_module

    def _registers(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return self._parameters, self._buffers, self._modules

    def __setattr__(self, name: str, value: Any) -> None:
        if self._computed is not None and name in self._computed:
            if (assign := self._computed[name].assign) is not None:
                return assign(self, value)
            raise DataError(
                f"{type(self).__name__}.{name} is computed from {', '.join(self._computed[name].sources)}; "
                f"change these, or make it a parameter again: nn.utils.computed.settle(layer, {name!r})"
            )
        if isinstance(value, Buffer):
            self.register_buffer(name, value.data, value.persistent)
            return
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
                    f"{type(self).__name__}.{name} is a plain {type(value).__name__}: its items "
                    "are not part of the module and will not be trained; write nn.ModuleList(layers)",
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
        """This module and all below it, with their paths; a shared module is listed once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, joined_path(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names."""
        return distinct((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        return (module for _, module in self.named_children())

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call `fn` on every submodule, then on this module, e.g. to initialize weights."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "encoder.0"; "" is this one."""
        return cast(Module, self._at("submodule", dict(self.named_modules(remove_duplicate=False)), target))

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "encoder.0.weight"."""
        return cast(
            Parameter, self._at("parameter", dict(self.named_parameters(remove_duplicate=False)), target)
        )

    def get_buffer(self, target: str) -> Array:
        """The buffer at a path such as "encoder.0.running_mean"."""
        return cast(Array, self._at("buffer", dict(self.named_buffers(remove_duplicate=False)), target))

    def set_submodule(self, target: str, module: Module) -> None:
        """Replace the module at a path such as "encoder.0"."""
        path, _, name = target.rpartition(".")
        self.get_submodule(target)
        self.get_submodule(path).register_module(name, module)

    def _get_name(self) -> str:
        return type(self).__name__

    def _at(self, kind: str, known: dict[str, Any], target: str) -> Any:
        if target not in known:
            raise MissingAttributeError(
                f"there is no {kind} {target!r}; there are {', '.join(map(repr, known))}"
            )
        return known[target]

    # -- how it looks ------------------------------------------------------------------------------

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """The number of multiply-adds of one call of this layer, without its submodules.

        Args:
            args: the arguments of the call.
            output: the result of the call.
        """
        return 0

    def extra_repr(self) -> str:
        """The text between the parentheses of this layer's `repr`."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        parts = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()]
        if not parts:
            return f"{type(self).__name__}({extra})"
        lines = [extra, *parts] if extra else parts
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Any],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Call a module with other values in place of some of its parameters and buffers.

    This makes a model a function of its parameters, which `grad`, `hvp` and `check_grads` can
    differentiate. As in `torch.func`, a shared parameter is replaced wherever it is used.

    Args:
        module: the module; it gets its own values back when the call returns. Concurrent calls must
            not share a module.
        parameter_and_buffer_dicts: the values by path.
        args: the tuple of arguments, or a single argument.
        kwargs: the keyword arguments.

    Raises:
        DataError: the module has no entry at a path.

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
