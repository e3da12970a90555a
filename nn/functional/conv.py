"""Convolution and its transpose: the definitions of the kernels, and functions with PyTorch's names."""

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

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]

Array = npt.NDArray[Any]
Input = Tensor | Array
Ints = int | Sequence[int]

# -- definitions of the kernels --------------------------------------------------------------------


@ag.fused(
    kernels.convolution,
    kernels.convolution_backward,
    work=kernels.convolution_work,
    samples=((0, None, None), 0),
    each=kernels.convolution_each,
)
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
    samples=((0, None, None), 0),
    each=kernels.transposed_convolution_each,
)
def transposed_convolution(
    x: Any, w: Any, b: Any, *, size: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> Any:
    """The sum of windows x[n, c, position] w[c], each at its position in the output, plus b."""
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
    """Convolution over one axis; the arguments are those of `conv2d`.

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
        stride: s, the distance from a window to the next, an int or one for each axis.
        padding: p, the number of zeros at each end, an int or one for each axis. "valid" is 0, and "same"
            keeps the size, at stride 1 only.
        dilation: d, the distance between neighbouring entries of a window, an int or one for each axis.
        groups: the number of groups of channels; each group has output channels of its own.

    Returns:
        y of shape (N, O, H', W') with H' = floor((H + 2 p - d (kH - 1) - 1) / s) + 1; (O, H', W') if the
        input has no batch axis.

    Raises:
        ShapeError: the shapes do not fit each other, or the kernel does not fit into the padded input.
        OptionError: an option has an invalid value.

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
    """Convolution over three axes; the arguments are those of `conv2d`.

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
    if axes == 1:  # the kernels take two axes or more: a sequence is an image with one row
        x, weight = x[:, :, None], weight[:, :, None]
        s, pairs, d = (1, *s), ((0, 0), *pairs), (1, *d)
    y = convolution(x, weight, bias, stride=s, padding=pairs, dilation=d, groups=groups)
    y = y[:, :, 0] if axes == 1 else y
    return y if batched else y[0]


def pads(name: str, padding: str | Ints, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Pairs:
    """The number of entries before and after each axis.

    Raises:
        OptionError: the padding is neither ints nor "valid", nor "same" with stride 1.
    """
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
    """Transposed convolution over one axis; the arguments are those of `conv_transpose2d`.

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
    """The transpose of `conv2d` as a linear map: the sum of the kernels at all entries of x, times the entry.

    The transpose maps the shape of a convolution's output to the shape of its input. It is not the inverse.

    Args:
        input: x of shape (N, C, H, W), or (C, H, W).
        weight: of shape (C, O / groups, kH, kW).
        bias: of shape (O,).
        stride: s, the distance between neighbouring kernels in the output, an int or one for each axis.
        padding: p, the number of entries cut off at each end of the output, an int or one for each axis.
        output_padding: the number of extra rows and columns at the end of the output. With s > 1 it
            chooses among the output sizes that a convolution maps to H.
        groups: the number of groups of channels, as in `conv2d`.
        dilation: d, the distance between neighbouring entries of a kernel, an int or one for each axis.

    Returns:
        y of shape (N, O, H', W') with H' = (H - 1) s - 2 p + d (kH - 1) + output_padding + 1.

    Raises:
        ShapeError: the shapes do not fit each other, or the padding cuts off the whole output.
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np
        >>> conv_transpose2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))[0, 0]
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]])
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Any:
    """Transposed convolution over three axes; the arguments are those of `conv_transpose2d`.

    Example:
        >>> import numpy as np
        >>> conv_transpose3d(np.ones((1, 4, 1, 1, 1)), np.ones((4, 1, 2, 3, 3))).shape
        (1, 1, 2, 3, 3)
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


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
    """The windows of an image as columns: (N, C, H, W) becomes (N, C kH kW, windows).

    Args:
        input: of shape (N, C, H, W), or (C, H, W).
        kernel_size: kH and kW, or one int for both.
        dilation: the distance between neighbouring entries of a window.
        padding: the number of zeros around the image.
        stride: the distance from a window to the next.

    Raises:
        ShapeError: the input has another number of axes, or the window does not fit into the image.
        OptionError: an option has an invalid value.

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
    """The sum of windows, given as columns, each at its position in an image (N, C, H, W).

    This is the transpose of `unfold`, not the inverse: entries of overlapping windows are added.

    Args:
        input: of shape (N, C kH kW, windows), or (C kH kW, windows).
        output_size: H and W, or one int for both.
        kernel_size: kH and kW, or one int for both.
        dilation: the distance between neighbouring entries of a window.
        padding: the number of zeros around the image.
        stride: the distance from a window to the next.

    Raises:
        ShapeError: the number of columns is not that of windows, or the rows are no multiple of kH kW.
        OptionError: an option has an invalid value.

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
