"""Work in blocks gives the result of work on the whole."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_lite.ops.blocks import blockwise


@pytest.mark.parametrize("shape", [(0,), (7,), (300_000,), (70_000, 5)])
def test_blocks_give_the_bits_of_the_whole(shape: tuple[int, ...]) -> None:
    x = np.linspace(-2.0, 3.0, int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(blockwise(lambda a, b: np.tanh(a) * b, x, x + 1), np.tanh(x) * (x + 1))
