"""Functions without a gradient, and functions that are refused on purpose: the only list of both.

A *constant* function returns plain arrays for all arguments: its result does not change with small
changes of the input, or is not a number. A *refused* function could carry a gradient but has no rule.
With a Tensor on the tape it raises, and says what to write instead. NumPy's functions that take no
Tensor, such as `np.zeros`, stand here too. So every public function is in one of the lists, from which
`docs/coverage.md` is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..known import constant, refuse

__all__: list[str] = []


def _named(names: str) -> list[Callable[..., Any]]:
    """Functions by name; names that this version of NumPy does not have are left out."""
    return [getattr(np, name) for name in names.split() if hasattr(np, name)]


# -- piecewise constant ----------------------------------------------------------------------------

constant(*_named("ceil fix floor floor_divide rint round signbit spacing trunc"))

# -- comparisons and tests -------------------------------------------------------------------------

constant(*_named("""
    equal greater greater_equal less less_equal not_equal logical_and logical_not logical_or logical_xor
    allclose array_equal isclose iscomplex iscomplexobj isfinite isinf isnan isreal isrealobj
    array_equiv can_cast common_type isdtype isfortran isnat isneginf isposinf isscalar issubdtype iterable
    isin may_share_memory min_scalar_type mintypecode promote_types result_type shares_memory typename
"""))  # fmt: skip

# -- integers, bits, dates -------------------------------------------------------------------------

constant(*_named("""
    around bitwise_and bitwise_count bitwise_or bitwise_xor gcd invert lcm left_shift right_shift
    packbits unpackbits
    busday_count busday_offset datetime_as_string datetime_data is_busday
"""))  # fmt: skip

# -- indices ---------------------------------------------------------------------------------------

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
    "drops entries by their values; write x[np.unique(x.numpy(), return_index=True)[1]]",
    *_named("unique unique_all unique_counts unique_inverse unique_values"),
    *_named("intersect1d setdiff1d setxor1d union1d"),
)
refuse(
    "returns a neighbour of x among the floating-point numbers, which has no derivative; to move x off a "
    "point write x + (np.nextafter(a, b) - a) with a = x.numpy()",
    np.nextafter,
)
refuse("sorts complex numbers; write x[np.argsort(x)]", *_named("sort_complex"))
