"""Names of other libraries and what they are called here, and suggestions for misspelt names."""

from __future__ import annotations

import difflib
import functools
import opcode
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MissingAttributeError, MissingNameError

__all__ = ["FOREIGN_METHODS", "FOREIGN_NAMES", "Hinted", "called_module", "missing", "missing_from_module"]

Meant = Callable[[str], str | None]
"""Returns what to write for a name of another library, or None."""

Known = Callable[[], Iterable[str]]
"""Returns the existing names."""

FOREIGN_NAMES = {
    "Function": "@ag.custom_vjp, or @ag.primitive with ag.defvjp",
    "GradientTape": "with ag.Tape() as tape",
    "Parameter": "nn.Parameter(data), after import nn",
    "Value": "ag.Tensor(data, requires_grad=True)",
    "Variable": "ag.Tensor(data, requires_grad=True)",
    "arange": "ag.Tensor(np.arange(n))",
    "array": "ag.Tensor(data, requires_grad=True)",
    "as_tensor": "ag.Tensor(data)",
    "asarray": "ag.Tensor(data)",
    "autograd": "ag.grad(f), or y.backward()",
    "backward": "y.backward()",
    "bmm": "x @ y",
    "cat": "np.concatenate([x, y])",
    "check_grads": "autograd_lite.testing.check_grads(f, args), after import autograd_lite.testing",
    "clamp": "np.clip(x, low, high)",
    "constant": "ag.Tensor(data)",
    "detach": "x.detach()",
    "device": "nothing: all arrays are on the CPU",
    "draw_dot": "visualize.draw(y), after import visualize",
    "cuda": "nothing: all arrays are on the CPU",
    "custom_gradient": "@ag.custom_vjp",
    "custom_jvp": "@ag.custom_vjp",
    "elementwise_grad": "ag.grad(lambda x: np.sum(f(x)))",
    "eye": "ag.Tensor(np.eye(n))",
    "from_numpy": "ag.Tensor(array)",
    "full": "ag.Tensor(np.full(shape, value))",
    "function": "ag.compile(f)",
    "functional": "nn.functional, after import nn",
    "gradcheck": "autograd_lite.testing.check_grads(f, args), after import autograd_lite.testing",
    "hessian_vector_product": "ag.hvp(f, x, v)",
    "inference_mode": "with ag.no_grad()",
    "is_grad_enabled": "ag.is_recording()",
    "jit": "ag.compile(f)",
    "lax": "Python's if, for and while: ag.grad(f) follows them",
    "load": "nn.load(path), after import nn",
    "make_jvp": "ag.jvp(f, (x,), (v,))",
    "make_vjp": "ag.vjp(f, x)",
    "manual_seed": "nn.manual_seed(seed), after import nn",
    "mm": "x @ y",
    "nn": "import nn",
    "norm": "np.linalg.norm(x)",
    "numpy": "import numpy as np: NumPy's own functions take Tensors",
    "ones": "ag.Tensor(np.ones(shape))",
    "optim": "nn.optim, after import nn",
    "rand": "ag.Tensor(np.random.default_rng().random(shape))",
    "randint": "np.random.default_rng().integers(low, high, shape)",
    "randn": "ag.Tensor(np.random.default_rng().normal(size=shape))",
    "random": "np.random.default_rng()",
    "remat": "ag.checkpoint(f)",
    "set_grad_enabled": "with ag.no_grad(), or with ag.enable_grad()",
    "tensor": "ag.Tensor(data, requires_grad=True)",
    "testing": "import autograd_lite.testing",
    "topk": "x.topk(k)",
    "tree_map": "leaves, rebuild = ag.tree.flatten(tree); rebuild([f(leaf) for leaf in leaves])",
    "tree_util": "leaves, rebuild = ag.tree.flatten(tree); rebuild([f(leaf) for leaf in leaves])",
    "unsqueeze": "np.expand_dims(x, axis)",
    "visualize": "import visualize",
    "zeros": "ag.Tensor(np.zeros(shape))",
}
"""What to write for names at the top level of other libraries."""

FOREIGN_NAMES |= {
    name: f"nn.functional.{name}, after import nn"
    for name in (
        "cross_entropy",
        "elu",
        "gelu",
        "leaky_relu",
        "mse_loss",
        "nll_loss",
        "one_hot",
        "selu",
        "silu",
    )
}

FOREIGN_METHODS = {
    "assign": "x.data = v",
    "at": "x[i] = v",
    "deepcopy": "copy.deepcopy(x), after import copy; of what was computed x.detach().copy()",
    "eval": "x.numpy()",
    "flat": "np.ravel(x), whose entries x[np.unravel_index(i, x.shape)] = v changes",
    "gradient": "x.grad",
    "indices": "x.max(dim=i) for a pair of values and indices, or x.argmax(i)",
    "itemset": "x[i] = v",
    "null_grad": "x.grad = None",
    "pad": "np.pad(x, widths)",
    "ptp": "np.ptp(x)",
    "realize": "x.numpy()",
    "setfield": "x[...] = v",
    "tostring": "x.numpy().tobytes()",
    "value": "x.item() for a number, x.numpy() for an array",
    "values": "x.max(dim=i) for a pair of values and indices; x.max(i), as in NumPy, is the values alone",
    "zero_grad": "x.grad = None",
}
"""What to write for array methods of other libraries; for other methods of NumPy it is x.numpy()."""


def missing(
    problem: str,
    name: str,
    meant: Meant,
    known: Known,
    prefix: str = "",
) -> MissingAttributeError:
    """The error for a name that does not exist. It looks for similar names only when its message is read.

    Args:
        problem: the beginning of the message.
        name: the name.
        meant: returns what to write for a name of another library, or None.
        known: returns the existing names.
        prefix: the owner of these names in code, e.g. "nn.".

    Example:
        >>> missing("a Tensor has no cot", "cot", {}.get, lambda: ["cos", "dot"], "x.")
        MissingAttributeError('a Tensor has no cot; did you mean x.dot or x.cos?')
    """
    if name.startswith("__"):  # Python and NumPy ask every object for these
        return MissingAttributeError(problem)
    return MissingAttributeError(problem, functools.partial(_hint, name, meant, known, prefix))


def _hint(name: str, meant: Meant, known: Known, prefix: str) -> str:
    if line := meant(name):
        return f"; write {line}"
    public = [other for other in known() if not other.startswith("_") and other != name]
    close = [other for other in public if _bare(other) == _bare(name)]
    close = close or difflib.get_close_matches(name, public, n=2, cutoff=0.65)
    return f"; did you mean {' or '.join(prefix + other for other in close)}?" if close else ""


def _bare(name: str) -> str:
    """A name without underscores and capitals: Conv2D, conv_2d and conv2d are equal."""
    return name.replace("_", "").lower()


def missing_from_module(
    module: str,
    prefix: str,
    name: str,
    meant: Meant,
    known: Known,
) -> Exception:
    """The error of a module's `__getattr__`: an AttributeError; in `from module import name` an ImportError.

    Args:
        module: the name of the module.
        prefix: the module in code, e.g. "ag.".
        name: the name that does not exist.
        meant: returns what to write for a name of another library, or None.
        known: returns the existing names.
    """
    error = missing(f"{module} has no {name}", name, meant, known, prefix)
    frame = sys._getframe(1)
    while frame.f_code.co_name != "__getattr__" and frame.f_back is not None:
        frame = frame.f_back
    caller = frame.f_back or frame
    imports = caller.f_code.co_code[caller.f_lasti] == _IMPORT_FROM
    # Python itself finds a submodule of that name in sys.modules.
    return MissingNameError(str(error)) if imports and f"{module}.{name}" not in sys.modules else error


_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def called_module(module: ModuleType, line: str) -> None:
    """Have a module raise, when it is called as in `ag.tensor(x)`, an error that gives the right line."""

    class Called(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            raise MissingAttributeError(f"{self.__name__} is a module and cannot be called; write {line}")

    module.__class__ = Called


class Hinted:
    """A base class: its objects, asked for a method of another library, raise an error with our name."""

    __slots__ = ()

    _foreign: ClassVar[Mapping[str, str]] = {}
    """What to write for names of other libraries."""

    if not TYPE_CHECKING:  # so that type checkers still find misspelt names

        def __getattr__(self, name: str) -> Any:
            kind = type(self)
            raise missing(
                f"{kind.__name__!r} object has no attribute {name!r}",
                name,
                self._foreign.get,
                lambda: dir(kind),
            )
