"""Convolution and its transpose: what the kernels mean, and PyTorch's names for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from ..kernels import conv as kernels
from ..kernels.windows import Pairs, Sizes, Windows
from ..options import check_whole
from .windows import check_fit, checked, entries, laid, sizes

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "fold", "unfold"]

Array = npt.NDArray[Any]
Input = Tensor | Array
Ints = int | Sequence[int]

# -- what the kernels compute ----------------------------------------------------------------------


@ag.fused(kernels.convolution, kernels.convolution_backward, work=kernels.convolution_work)
def convolution(
    x: Any, w: Any, b: Any, *, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> Any:
    """y[n, o] = sum over channels and window of w[o] * x[n, window], plus b[o]."""
    windows = Windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    inputs, outputs, places = w.shape[1] * math.prod(w.shape[2:]), len(w) // groups, math.prod(windows.out)
    columns = np.reshape(entries(x, windows), (len(x), groups, inputs, places))
    y = np.reshape(w, (groups, outputs, inputs)) @ columns
    return _with_bias(np.reshape(y, (len(x), len(w), *windows.out)), b)


@ag.fused(
    kernels.transposed_convolution,
    kernels.transposed_convolution_backward,
    work=kernels.transposed_convolution_work,
)
def transposed_convolution(
    x: Any, w: Any, b: Any, *, size: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> Any:
    """Each entry of x lays the window w, multiplied by it, into the output; plus b."""
    windows = Windows(size, w.shape[2:], stride, padding, dilation, out=x.shape[2:])
    inputs, outputs, places = len(w) // groups, w.shape[1], math.prod(x.shape[2:])
    matrix = np.reshape(w, (groups, inputs, outputs * math.prod(w.shape[2:]))).mT
    columns = matrix @ np.reshape(x, (len(x), groups, inputs, places))
    shape = len(x), groups * outputs, math.prod(w.shape[2:]), *x.shape[2:]
    return _with_bias(laid(np.reshape(columns, shape), windows), b)


def _with_bias(y: Any, b: Any) -> Any:
    return y if b is None else y + np.reshape(b, (-1, *(1 for _ in y.shape[2:])))


# -- convolution -----------------------------------------------------------------------------------


def conv1d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: str | Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Any:
    """Convolution over one axis; the arguments are those of `conv2d`, with one int for each pair.

    Example:
        >>> import numpy as np
        >>> conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]]))
        array([[[1., 2.]]])
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: str | Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Any:
    """Convolution (as everywhere in deep learning, cross-correlation) over two axes.

    y[n, o, i, j] = b[o] + sum_{c, k, l} w[o, c, k, l] x[n, c, i s + k d - p, j s + l d - p], x = 0 outside.

    Args:
        input: x of shape (N, C, H, W), or (C, H, W).
        weight: of shape (O, C / groups, kH, kW).
        bias: of shape (O,).
        stride: s, an int or one for each axis, as are the next two.
        padding: p, or "valid" for 0, or "same" for as much as keeps the size at stride 1.
        dilation: d.
        groups: the channels are cut into so many groups, each of which has output channels of its own.

    Returns:
        An array of shape (N, O, H', W'), H' = floor((H + 2 p - d (kH - 1) - 1) / s) + 1; without N if
        the input has none.

    Raises:
        ShapeError: the shapes do not fit each other, or the kernel does not fit into the padded input.
        OptionError: an option that cannot be.

    Example:
        >>> import numpy as np
        >>> conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), padding=1)[0, 0]
        array([[1., 2., 2., 1.],
               [2., 4., 4., 2.],
               [2., 4., 4., 2.],
               [1., 2., 2., 1.]])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: str | Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Any:
    """Convolution over three axes; the arguments are those of `conv2d`, with three ints for each pair.

    Example:
        >>> import numpy as np
        >>> conv3d(np.ones((1, 1, 2, 3, 3)), np.ones((4, 1, 2, 3, 3))).shape
        (1, 4, 1, 1, 1)
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Ints,
    padding: str | Ints,
    dilation: Ints,
    groups: int,
) -> Any:
    name = f"conv{axes}d"
    _check_weights(name, weight, bias, axes, groups, len(weight))
    x, batched = checked(name, input, axes, weight.shape[1] * groups)
    s, d = sizes(name, "stride", stride, axes), sizes(name, "dilation", dilation, axes)
    pairs = pads(name, padding, weight.shape[2:], s, d)
    check_fit(name, Windows(x.shape[2:], weight.shape[2:], s, pairs, d))
    if axes == 1:  # the kernels want two axes: a sequence is a picture of one row
        x, weight = x[:, :, None], weight[:, :, None]
        s, pairs, d = (1, *s), ((0, 0), *pairs), (1, *d)
    y = convolution(x, weight, bias, stride=s, padding=pairs, dilation=d, groups=groups)
    y = y[:, :, 0] if axes == 1 else y
    return y if batched else y[0]


def pads(name: str, padding: str | Ints, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Pairs:
    """How many entries are put before and after each axis."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in sizes(name, "padding", padding, len(kernel), least=0))
    if padding not in ("same", "valid"):
        raise OptionError(f'{name}(padding={padding!r}): expected ints, "same" or "valid"')
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if max(stride) > 1:
        raise OptionError(f'{name}(padding="same", stride={stride}): "same" keeps the size at stride 1 only')
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((span // 2, span - span // 2) for span in spans)


def _check_weights(name: str, weight: Any, bias: Any, axes: int, groups: int, outputs: int) -> None:
    if weight.ndim != axes + 2:
        raise ShapeError(
            f"{name} expects weight of shape ({'in, out' if 'transpose' in name else 'out, in'} / groups, "
            f"{', '.join(['kernel'] * axes)}), got {weight.shape}"
        )
    check_whole(name, "groups", groups)
    if len(weight) % groups:
        raise ShapeError(
            f"{name} expects a multiple of groups={groups} as the first size of weight, got {weight.shape}"
        )
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(f"{name} expects bias of shape ({outputs},), got {bias.shape}")


# -- transposed convolution ------------------------------------------------------------------------


def conv_transpose1d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Any:
    """Transposed convolution over one axis; arguments as for `conv_transpose2d`, with one int for each pair.

    Example:
        >>> import numpy as np
        >>> conv_transpose1d(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]]), stride=2)
        array([[[  1.,  10., 102.,  20., 200.]]])
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Any:
    """The transpose of `conv2d` as a linear map: each entry of x lays the kernel, times itself, into y.

    It is no inverse, but goes from the shape of a convolution's output back to the shape of its input.

    Args:
        input: x of shape (N, C, H, W), or (C, H, W).
        weight: of shape (C, O / groups, kH, kW).
        bias: of shape (O,).
        stride: s of the convolution, so here the distance of the kernels that are laid.
        padding: p of the convolution, so here what is cut off all around.
        output_padding: extra rows and columns at the end, for at s > 1 several sizes lead to the same H.
        groups: as in `conv2d`.
        dilation: d, the distance of the kernel's entries.

    Returns:
        An array of shape (N, O, H', W'), H' = (H - 1) s - 2 p + d (kH - 1) + output_padding + 1.

    Raises:
        ShapeError: the shapes do not fit each other, or nothing is left of the output.
        OptionError: an option that cannot be.

    Example:
        >>> import numpy as np
        >>> conv_transpose2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))[0, 0]
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]])
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv_transpose(
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Any:
    name = f"conv_transpose{axes}d"
    _check_weights(name, weight, bias, axes, groups, weight.shape[1] * groups)
    x, batched = checked(name, input, axes, len(weight))
    s, d = sizes(name, "stride", stride, axes), sizes(name, "dilation", dilation, axes)
    p = sizes(name, "padding", padding, axes, least=0)
    extra = sizes(name, "output_padding", output_padding, axes, least=0)
    if any(e >= max(a, b) for e, a, b in zip(extra, s, d, strict=True)):
        raise OptionError(
            f"{name}(output_padding={extra}): expected less than the stride {s} or the dilation {d}"
        )
    lengths = zip(x.shape[2:], weight.shape[2:], s, p, d, extra, strict=True)
    size = tuple((n - 1) * a - 2 * q + b * (k - 1) + e + 1 for n, k, a, q, b, e in lengths)
    if min(size) < 1:
        raise ShapeError(
            f"{name} expects an input of which padding={p} leaves something: {x.shape[2:]} becomes {size}"
        )
    pairs = tuple((q, q) for q in p)
    if axes == 1:
        x, weight = x[:, :, None], weight[:, :, None]
        size, s, pairs, d = (1, *size), (1, *s), ((0, 0), *pairs), (1, *d)
    y = transposed_convolution(x, weight, bias, size=size, stride=s, padding=pairs, dilation=d, groups=groups)
    y = y[:, :, 0] if axes == 1 else y
    return y if batched else y[0]


# -- windows as columns ----------------------------------------------------------------------------


def unfold(input: Input, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Any:
    """All windows of an image as columns: (N, C, H, W) becomes (N, C kH kW, windows).

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        kernel_size: kH and kW.
        dilation, padding, stride: as in `conv2d`.

    Example:
        >>> import numpy as np
        >>> unfold(np.arange(6.0).reshape(1, 1, 2, 3), kernel_size=2)[0].T
        array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]])
    """
    x, batched = checked("unfold", input, 2)
    windows = _windows_of("unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    rows = x.shape[1] * math.prod(windows.kernel)
    columns: Any = np.reshape(entries(x, windows), (len(x), rows, math.prod(windows.out)))
    columns = columns if isinstance(input, Tensor) else columns.numpy()
    return columns if batched else columns[0]


def fold(
    input: Input,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Any:
    """Columns (N, C kH kW, windows) added up where their windows lie in an image (N, C, H, W).

    It is the transpose of `unfold`, and no inverse: where windows overlap, they are summed.

    Args:
        input: of shape (N, C kH kW, windows), or without N.
        output_size: H and W.
        kernel_size, dilation, padding, stride: as in `unfold`.

    Raises:
        ShapeError: there are not as many columns as windows, or rows as entries of them.

    Example:
        >>> import numpy as np
        >>> fold(np.ones((1, 4, 2)), output_size=(2, 3), kernel_size=2)[0, 0]
        array([[1., 2., 1.],
               [1., 2., 1.]])
    """
    x, batched = checked("fold", input, 1)
    size = sizes("fold", "output_size", output_size, 2)
    windows = _windows_of("fold", size, kernel_size, dilation, padding, stride)
    count, places = math.prod(windows.kernel), math.prod(windows.out)
    if x.shape[1] % count or x.shape[2] != places:
        raise ShapeError(f"fold expects columns (N, C * {count}, {places}), got {input.shape}")
    y = laid(np.reshape(x, (len(x), x.shape[1] // count, count, *windows.out)), windows)
    y = y if isinstance(input, Tensor) else y.numpy()
    return y if batched else y[0]


def _windows_of(
    name: str, size: Sizes, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> Windows:
    kernel = sizes(name, "kernel_size", kernel_size, 2)
    pairs = tuple((p, p) for p in sizes(name, "padding", padding, 2, least=0))
    s, d = sizes(name, "stride", stride, 2), sizes(name, "dilation", dilation, 2)
    windows = Windows(size, kernel, s, pairs, d)
    check_fit(name, windows)
    return windows
