"""autograd-lite: automatic differentiation of plain NumPy.

A computation is written in plain NumPy, a tape records it, and the tape is played backwards.

>>> import numpy as np, autograd_lite as ag
>>> x = ag.Tensor([0.0, 1.0], requires_grad=True)
>>> y = np.sum(np.exp(x) * x)
>>> y.backward()
>>> x.grad
Tensor([1.        , 5.43656366], shape=(2,), dtype=float64)

Every NumPy function that takes Tensors is here too: `ag.tanh` is `np.tanh`, and `ag.linalg` is `np.linalg`.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from . import errors, ops, tree
from .anomaly import detect_anomaly
from .apply import apply, nondifferentiable, primitive, stop_gradient
from .batching import vmap
from .checkpoint import checkpoint
from .config import show_config
from .custom import custom_step, custom_vjp
from .device import Device
from .dlpack import from_dlpack
from .draws import drawn
from .errors import AutogradLiteError
from .fused import fused
from .jacobians import hessian, jacfwd, jacobian, jacrev
from .joint_hooks import register_multi_grad_hook, register_post_accumulate_grad_hook
from .known import defvjp, numpy_names
from .memory import keep_freed
from .node import Node
from .plan.compile import compile
from .plan.declared import replayed
from .plan.schedule import Plan
from .pull import contributions
from .recording import enable_grad, is_recomputing, is_recording, no_grad
from .scan import scan
from .segments import preserve
from .tape import Tape
from .tensor import Tensor
from .transforms import grad, hvp, jvp, value_and_grad, vjp
from .words import names

if TYPE_CHECKING:  # a signature for each op
    from . import curvature as curvature
    from .diagnosis import doctor
    from .intervals import enclose
    from .listed import *
    from .listed import fft, linalg
    from .roundoff import rounding
    from .series import jet
    from .sparsity import sparse_hessian, sparse_jacobian
else:
    from numpy import fft, linalg

    from .ops.reductions import log_softmax, logsumexp, softmax
    from .ops.selection import relu
    from .ops.special import erf, sigmoid, softplus

    _LATE = {
        "doctor": "diagnosis",
        "enclose": "intervals",
        "jet": "series",
        "rounding": "roundoff",
        "sparse_hessian": "sparsity",
        "sparse_jacobian": "sparsity",
    }

    def __getattr__(name: str) -> Any:
        if (
            name in ("curvature", "implicit", "scipy") or name in _LATE.values()
        ):  # imported when used: most take time
            return importlib.import_module(f"{__name__}.{name}")
        if name in _LATE:
            return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
        numpys = f"np.{name}" if name in np.__all__ else None
        meant = names.FOREIGN_NAMES.get(name, numpys)
        raise names.missing_from_module(__name__, "ag.", name, lambda _: meant, lambda: __all__)


__version__ = "0.2.0"

globals().update(numpy_names())
keep_freed()

# Modules under names that are functions in PyTorch.
for _name in ("backward", "tensor"):
    names.called_module(sys.modules[f"{__name__}.{_name}"], names.FOREIGN_NAMES[_name])
    del globals()[_name]

__all__ = [
    "AutogradLiteError",
    "Device",
    "Node",
    "Plan",
    "Tape",
    "Tensor",
    "__version__",
    "apply",
    "checkpoint",
    "compile",
    "contributions",
    "custom_step",
    "custom_vjp",
    "defvjp",
    "detect_anomaly",
    "doctor",
    "drawn",
    "enable_grad",
    "enclose",
    "erf",
    "errors",
    "fft",
    "from_dlpack",
    "fused",
    "grad",
    "hessian",
    "hvp",
    "is_recomputing",
    "is_recording",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jet",
    "jvp",
    "linalg",
    "log_softmax",
    "logsumexp",
    "no_grad",
    "nondifferentiable",
    "ops",
    "preserve",
    "primitive",
    "register_multi_grad_hook",
    "register_post_accumulate_grad_hook",
    "relu",
    "replayed",
    "rounding",
    "scan",
    "show_config",
    "sigmoid",
    "softmax",
    "softplus",
    "sparse_hessian",
    "sparse_jacobian",
    "stop_gradient",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
]
__all__ += numpy_names()


def __dir__() -> list[str]:
    """The public names, without the modules that define them."""
    return [*__all__, "testing"]
