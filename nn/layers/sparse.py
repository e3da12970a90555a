"""Tables of learned vectors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from .. import functional, init
from ..arrays import as_array
from ..module import Module, Parameter
from ..options import check_whole

__all__ = ["Embedding"]


class Embedding(Module):
    """A table of learned vectors, one for each index: of words, characters, users.

    Args:
        num_embeddings: V, the number of vectors.
        embedding_dim: D, the size of each vector.
        padding_idx: the index of a vector that is 0 and gets no gradient.
        dtype: the dtype of the vectors.

    Raises:
        OptionError: `padding_idx` is no index of the table.

    Example:
        >>> import numpy as np, nn
        >>> nn.Embedding(10, 3)(np.array([[1, 2, 4, 5], [4, 3, 2, 9]])).shape
        (2, 4, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_whole("Embedding", "num_embeddings", num_embeddings)
        check_whole("Embedding", "embedding_dim", embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise OptionError(f"Embedding: padding_idx={padding_idx} is none of {num_embeddings} vectors")
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = init.normal_(Parameter(np.empty((num_embeddings, embedding_dim), dtype)))
        if padding_idx is not None:
            table = self.weight.numpy().copy()
            table[padding_idx] = 0
            self.weight.data = table

    def forward(self, input: Tensor | npt.ArrayLike) -> Any:
        return functional.embedding(input, self.weight, self.padding_idx)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor | npt.ArrayLike, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """A table of given vectors.

        Args:
            embeddings: the vectors, of shape (V, D).
            freeze: give the vectors no gradient.
            padding_idx: the index of a vector that gets no gradient.
        """
        values = as_array(embeddings)
        layer = cls(values.shape[0], values.shape[1], padding_idx, values.dtype)
        layer.weight = Parameter(values, requires_grad=not freeze)
        return layer

    def extra_repr(self) -> str:
        """The sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
