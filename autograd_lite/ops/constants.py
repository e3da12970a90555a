"""What carries no gradient, and what is left out on purpose: the one list of both.

A *constant* function gives plain arrays, whatever comes in: its result does not change when the
input moves a little, or it is no number at all. A *refused* one could carry a gradient and does
not: with a Tensor on the tape it raises, and says what to write instead. The functions of NumPy
that no Tensor enters, such as `np.zeros`, stand here too, so that every public function is in one
of the lists, which `docs/coverage.md` is made from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..known import constant, refuse

__all__: list[str] = []


def _named(names: str) -> list[Callable[..., Any]]:
    """Functions by name, without those that this NumPy does not have."""
    return [getattr(np, name) for name in names.split() if hasattr(np, name)]


# -- piecewise constant ----------------------------------------------------------------------------

constant(*_named("ceil fix floor floor_divide rint round signbit spacing trunc"))

# -- questions -------------------------------------------------------------------------------------

constant(*_named("""
    equal greater greater_equal less less_equal not_equal logical_and logical_not logical_or logical_xor
    allclose array_equal isclose iscomplex iscomplexobj isfinite isinf isnan isreal isrealobj
    array_equiv can_cast common_type isdtype isfortran isnat isneginf isposinf isscalar issubdtype iterable
    isin may_share_memory min_scalar_type mintypecode promote_types result_type shares_memory typename
"""))  # fmt: skip

# -- whole numbers, bits, dates --------------------------------------------------------------------

constant(*_named("""
    around bitwise_and bitwise_count bitwise_or bitwise_xor gcd invert lcm left_shift right_shift
    packbits unpackbits
    busday_count busday_offset datetime_as_string datetime_data is_busday
"""))  # fmt: skip

# -- places in an array ----------------------------------------------------------------------------

constant(*_named("""
    argpartition diag_indices diag_indices_from indices ix_ mask_indices ravel_multi_index tri
    tril_indices tril_indices_from triu_indices triu_indices_from unravel_index
    broadcast_shapes einsum_path
"""))  # fmt: skip
constant(np.linalg.matrix_rank)

# -- arrays from numbers, text and files -----------------------------------------------------------

constant(*_named("""
    arange bartlett blackman empty empty_like eye fromfunction frompyfunc hamming hanning identity kaiser
    ones ones_like zeros zeros_like
    frombuffer fromfile fromiter fromregex fromstring from_dlpack genfromtxt load loadtxt
"""))  # fmt: skip

# -- text, files, settings -------------------------------------------------------------------------

constant(*_named("""
    array2string array_repr array_str base_repr binary_repr format_float_positional format_float_scientific
    save savetxt savez savez_compressed
    get_include get_printoptions getbufsize geterr geterrcall info printoptions set_printoptions setbufsize
    seterr seterrcall show_config show_runtime test
"""))  # fmt: skip

# -- refused ---------------------------------------------------------------------------------------

refuse(
    "makes a plain array, which would silently cut the graph; write np.stack or np.concatenate for several "
    "Tensors, x.copy() or x.astype(dtype) for one, and x.detach().numpy() to leave the tape",
    *_named("array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray require"),
)
refuse("makes a plain array; write np.broadcast_to(x, shape)", np.full)
refuse("makes a np.matrix; write x[None, :] or np.block", *_named("asmatrix bmat"))
refuse(
    "calls a function on plain slices; write np.stack([f(row) for row in x]), or the function with axis=",
    *_named("apply_along_axis apply_over_axes nested_iters"),
)
refuse(
    "drops entries by their values; find the places with plain numbers and index: "
    "x[np.unique(x.numpy(), return_index=True)[1]]",
    *_named("unique unique_all unique_counts unique_inverse unique_values"),
    *_named("intersect1d setdiff1d setxor1d union1d"),
)
refuse(
    "goes to a neighbour of x among the floating-point numbers, not along a function; to move x off a point "
    "write x + (np.nextafter(a, b) - a) with a = x.numpy()",
    np.nextafter,
)
refuse("sorts complex numbers; write x[np.argsort(x)]", *_named("sort_complex"))
