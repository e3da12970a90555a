"""PyTorch's functions, with PyTorch's names and meanings, for programs written for PyTorch.

Such a program changes only its imports: `torch` becomes `nn.torch`.

    import nn.torch as torch                              # import torch
    import nn.torch.nn as nn                              # import torch.nn as nn
    import nn.torch.nn.functional as F                    # import torch.nn.functional as F
    from nn.torch.utils.data import DataLoader            # from torch.utils.data import DataLoader

Python's floats are float32, `x.max(1)` gives values and indices, `x.transpose(0, 1)` swaps axes, `x.std()`
divides by n - 1. Each function stands once, in `functions`, with PyTorch's signature.

>>> import nn.torch as torch
>>> _ = torch.manual_seed(0)
>>> x = torch.tensor([[1.0, 2.0], [4.0, 3.0]], requires_grad=True)
>>> torch.max(x, 1).indices
tensor([1, 0])
>>> torch.relu(x - 2).sum().backward()
>>> x.grad
tensor([[0., 0.],
        [1., 1.]])
"""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as _np

import autograd_lite as ag
import nn as _nn
from autograd_lite import enable_grad as enable_grad
from autograd_lite import no_grad as no_grad
from autograd_lite.errors import MissingAttributeError, OptionError
from autograd_lite.words.mistakes import warn_of_mistake
from nn.compiled import OptimizedModule

from . import amp as amp
from . import autograd as autograd
from . import backends as backends
from . import cuda as cuda
from . import distributed as distributed
from . import distributions as distributions
from . import drawing as _drawing
from . import fft as fft
from . import func as func
from . import linalg as linalg
from . import nn as nn
from . import optim as optim
from . import special as special
from . import utils as utils
from .amp import GradScaler as GradScaler
from .amp import autocast as autocast
from .creation import *
from .drawing import *
from .dtypes import *
from .dtypes import NAMES as _NAMES
from .func import vmap as vmap
from .functions import FUNCTIONS as _FUNCTIONS
from .legacy import TYPES as _TYPES
from .machine import *
from .machine import Version as Version
from .printing import set_printoptions as set_printoptions
from .tensors import Size as Size
from .tensors import Tensor as Tensor

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
newaxis = None
__version__ = Version("2.13.0+autograd.lite." + ag.__version__)
strided, sparse_coo, sparse_csr = "torch.strided", "torch.sparse_coo", "torch.sparse_csr"
"""Layouts."""
contiguous_format = preserve_format = channels_last = channels_last_3d = "torch.contiguous_format"
"""Memory formats, which have no effect."""

# -- gradients, files, compilation -----------------------------------------------------------------


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """A module or a function whose calls are replayed by `ag.compile`; without `model`, a decorator.

    A call whose result is on the tape stays eager, and says so once: compile the whole training step, with
    `loss.backward()` and `optimizer.step()` inside. Inference under `no_grad` is replayed.

    Args:
        model: a module, which gives an `nn.compiled.OptimizedModule` with the same parameters; or a function.
        fullgraph, dynamic, mode, options: as in PyTorch; without effect. Each shape has a plan of its own.
        backend: "inductor", or "eager" for no compilation.
        disable: return the model unchanged.

    Raises:
        OptionError: the backend or the mode is unknown.

    Example:
        >>> import nn.torch as torch
        >>> @torch.compile
        ... def double(x):
        ...     return 2 * x
        >>> [double(torch.ones(2)).tolist() for _ in "abc"][-1], double.signatures
        ([2.0, 2.0], ['replayed: float32 (2,)'])
    """
    if mode not in (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"):
        raise OptionError(f'torch.compile(mode={mode!r}): expected None, "default" or "reduce-overhead"')
    if backend not in ("inductor", "eager"):
        raise OptionError(f'torch.compile(backend={backend!r}): expected "inductor" or "eager"')
    for name, given in (("fullgraph", fullgraph), ("dynamic", dynamic), ("options", options)):
        if given:
            warn_of_mistake(
                f"torch.compile({name}={given!r}) has no effect: each shape has its own plan, and a call "
                "that cannot be replayed runs eagerly and says so"
            )
    if model is None:
        return partial(compile, backend=backend, disable=disable)
    if disable or backend == "eager":
        return model
    return OptimizedModule(model) if isinstance(model, _nn.Module) else ag.compile(model)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which Tensors of the given shapes broadcast."""
    return Size(_np.broadcast_shapes(*((n,) if isinstance(n, int) else tuple(n) for n in shapes)))


def typename(obj: Any) -> str:
    """The name of the type of an object."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    return f"{type(obj).__module__}.{type(obj).__qualname__}"


def detach(input: Any) -> Any:
    """The values off the tape."""
    return input.detach()


def detach_(input: Any) -> Any:
    """Take a Tensor itself off the tape, and return it."""
    return input.detach_()


accelerator = SimpleNamespace(is_available=cuda.is_available, device_count=cuda.device_count)
version = SimpleNamespace(cuda=None, hip=None, git_version=None, __version__=__version__)
_SEEDS = ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state")
random = SimpleNamespace(**{name: getattr(_drawing, name) for name in _SEEDS})

from . import sparse as sparse  # noqa: E402
from .pt_files import load as load  # noqa: E402
from .pt_files import save as save  # noqa: E402
from .sparse import sparse_coo_tensor as sparse_coo_tensor  # noqa: E402
from .sparse import sparse_csr_tensor as sparse_csr_tensor  # noqa: E402
from .sparse import spmm as spmm  # noqa: E402

globals().update(_FUNCTIONS, **_NAMES, **_TYPES)


def __getattr__(name: str) -> Any:
    """A function of `nn.functional` that PyTorch has in `torch` too; else an error."""
    if name in _IN_FUNCTIONAL:
        return getattr(nn.functional, name)
    raise MissingAttributeError(
        f"nn.torch has no {name}; docs/pytorch.md lists what is left out. Look for it in numpy, "
        "autograd_lite or nn.functional"
    )


_IN_FUNCTIONAL = frozenset(
    """adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout avg_pool1d batch_norm bilinear
    binary_cross_entropy_with_logits celu channel_shuffle conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout
    embedding embedding_bag feature_alpha_dropout group_norm hardshrink hinge_embedding_loss
    instance_norm kl_div layer_norm margin_ranking_loss max_pool1d max_pool2d max_pool3d
    pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu rms_norm
    rrelu selu threshold triplet_margin_loss
    """.split()  # noqa: SIM905
)
"""Functions that PyTorch has in `torch` and in `torch.nn.functional`."""
