"""Tables of learned vectors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from .. import functional, init
from ..arrays import as_array
from ..module import Module, Parameter
from ..options import check_whole
from ..parameter import dtype_of

__all__ = ["Embedding", "EmbeddingBag"]


class Table(Module):
    """What `Embedding` and `EmbeddingBag` share: the table, and the options of its rows."""

    def build(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        given: Any,
        dtype: npt.DTypeLike | None,
    ) -> None:
        """Check the sizes; make a table, or take the given one."""
        name = type(self).__name__
        check_whole(name, "num_embeddings", num_embeddings)
        check_whole(name, "embedding_dim", embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise OptionError(f"{name}: padding_idx={padding_idx} is none of {num_embeddings} vectors")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if given is None:
            self.weight = Parameter(np.empty((num_embeddings, embedding_dim), dtype))
            self.reset_parameters()
        elif given.shape != (num_embeddings, embedding_dim):
            raise ShapeError(
                f"{name}: _weight of shape {given.shape}; expected {(num_embeddings, embedding_dim)}"
            )
        else:
            self.weight = Parameter(given)

    def reset_parameters(self) -> None:
        """Draw new vectors from N(0, 1); the vector at `padding_idx` is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            table = self.weight.numpy().copy()
            table[self.padding_idx] = 0
            self.weight.data = table

    def extra_repr(self) -> str:
        """The sizes, and the options that differ from their defaults."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        said = [f"{k}={getattr(self, k)}" for k, value in usual.items() if getattr(self, k) != value]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *said])


class Embedding(Table):
    """A table of learned vectors, one for each index: of words, characters, users.

    Args:
        num_embeddings: V, the number of vectors.
        embedding_dim: D, the size of each vector.
        padding_idx: the index of a vector that is 0 and gets no gradient.
        max_norm: the largest norm of a vector; a longer vector is shortened when it is read.
        norm_type: the p of the p-norm of `max_norm`.
        scale_grad_by_freq: divide the gradient of a vector by the number of its uses in the batch.
        sparse: has no effect; the gradient of the table is always dense.
        _weight: the vectors, of shape (V, D); by default they are drawn from N(0, 1).
        _freeze: give the vectors no gradient.
        device: None or "cpu".
        dtype: the dtype of the vectors, float32 by default.

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
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | npt.NDArray[Any] | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.build(num_embeddings, embedding_dim, padding_idx, _weight, dtype_of(device, dtype))
        self.weight.requires_grad = not _freeze

    def forward(self, input: Tensor | npt.ArrayLike) -> Any:
        options = self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        return functional.embedding(input, self.weight, *options)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor | npt.ArrayLike,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A table of given vectors.

        Args:
            embeddings: the vectors, of shape (V, D).
            freeze: give the vectors no gradient.
            padding_idx: the index of a vector that gets no gradient.
            max_norm: the largest norm of a vector.
            norm_type: the p of the p-norm of `max_norm`.
            scale_grad_by_freq: divide the gradient of a vector by the number of its uses in the batch.
            sparse: has no effect.
        """
        values = as_array(embeddings)
        rows, size = values.shape
        options = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        return cls(rows, size, *options, values, freeze)


class EmbeddingBag(Table):
    """The sum, the mean or the maximum of the vectors of each bag of indices.

    See `nn.functional.embedding_bag`.

    Args:
        num_embeddings: V, the number of vectors.
        embedding_dim: D, the size of each vector.
        max_norm: the largest norm of a vector; a longer vector is shortened when it is read.
        norm_type: the p of the p-norm of `max_norm`.
        scale_grad_by_freq: divide the gradient of a vector by the number of its uses in the batch.
        mode: "sum", "mean" or "max".
        sparse: has no effect; the gradient of the table is always dense.
        _weight: the vectors, of shape (V, D); by default they are drawn from N(0, 1).
        include_last_offset: the last entry of the offsets is the end of the last bag.
        padding_idx: an index that is in no bag and gets no gradient.
        device: None or "cpu".
        dtype: the dtype of the vectors, float32 by default.

    Raises:
        OptionError: `padding_idx` is no index of the table, or `mode` is unknown.

    Example:
        >>> import numpy as np, nn
        >>> bags = nn.EmbeddingBag(10, 3, mode="sum")
        >>> bags(np.array([1, 2, 4, 5, 4]), np.array([0, 3])).shape
        (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | npt.NDArray[Any] | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if mode not in ("sum", "mean", "max"):
            raise OptionError(f'EmbeddingBag(mode={mode!r}): expected "sum", "mean" or "max"')
        self.mode, self.include_last_offset = mode, include_last_offset
        self.build(num_embeddings, embedding_dim, padding_idx, _weight, dtype_of(device, dtype))

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """The joined vectors of each bag.

        Args:
            input: indices of shape (B, N), or (N,) with offsets.
            offsets: the position in `input` where each bag begins, of shape (B,).
            per_sample_weights: a factor for each index; only for the mode "sum".
        """
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
            self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor | npt.ArrayLike,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A table of given vectors, of shape (V, D); `freeze` gives them no gradient."""
        values = as_array(embeddings)
        rows, size = values.shape
        options = max_norm, norm_type, scale_grad_by_freq, mode, sparse
        layer = cls(rows, size, *options, values, include_last_offset, padding_idx)
        layer.weight.requires_grad = not freeze
        return layer

    def extra_repr(self) -> str:
        """The sizes, the mode, and the options that differ from their defaults."""
        return f"{super().extra_repr()}, mode={self.mode!r}"
