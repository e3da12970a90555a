"""What type checkers are told about Tensors in NumPy's functions; a running program does not see this.

NumPy's types have no word for `__array_function__`. With the `__array__` of an array a checker would take
`np.exp(x)` for an ndarray; without `__array__` it would refuse `np.sum(x)`. So a checker sees a Tensor as a
scalar of NumPy, with a dtype of its own:

- `np.exp(x)`, `np.maximum(x, 0)`, `np.mean(x)`: Any.
- `np.sum(x)`, `np.max(x)`: `Entry`, the scalar of that dtype; an `Entry` is a Tensor.
- `array * x`, `array @ x`: Any, since an array of objects may return anything. `x * array` is a Tensor.
- `np.stack([x, y])`, `np.where(c, x, y)`: an ndarray, since NumPy's types name no other class; sums and
  products of it are right. With `ag.stack` and `ag.where` they are Any.
- `np.einsum`, `np.linalg.inv` and other functions of numbers alone refuse a Tensor; `ag.einsum` and
  `ag.linalg.inv` accept it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

__all__ = ["TypedScalar"]

if TYPE_CHECKING:

    class TypedScalar(np.generic):
        """A scalar of NumPy; Tensor says which arrays hold it."""

        def __new__(cls, *args: Any, **options: Any) -> Self: ...

else:
    TypedScalar = object
