"""Losses as modules: options at construction, then `loss(output, target)`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import ShapeError

from . import functional
from .arrays import Input, as_array
from .functional.losses import check_options
from .module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PerceptronLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


class CrossEntropyLoss(Module):
    """The cross entropy between softmax(scores) and the target classes; see `nn.functional.cross_entropy`.

    Args:
        weight: one weight for each class, of shape (C,).
        ignore_index: class indices of this value do not count.
        reduction: "none", "mean" or "sum".
        label_smoothing: this part of each target is spread evenly over all classes.

    Raises:
        OptionError: another `reduction`, or a `label_smoothing` that is not from 0 to 1.
        ShapeError: `weight` has more axes than one.

    Example:
        >>> import numpy as np, nn
        >>> loss = nn.CrossEntropyLoss(reduction="none")
        >>> loss(np.array([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 0])).tolist()
        [0.6931471805599453, 100.0]
    """

    def __init__(
        self,
        weight: npt.ArrayLike | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        check_options(reduction, label_smoothing)
        self.register_buffer("weight", _class_weight(weight))
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Input, target: Tensor | npt.ArrayLike) -> Any:
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class MSELoss(Module):
    """The mean of (output - target)^2; see `nn.functional.mse_loss`.

    Args:
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MSELoss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        2.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        check_options(reduction)
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.mse_loss(input, target, self.reduction)


class NLLLoss(Module):
    """The negative log-likelihood of class indices, from log-probabilities.

    See `nn.functional.nll_loss`.

    Args:
        weight: one weight for each class, of shape (C,).
        ignore_index: class indices of this value do not count.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.NLLLoss()(np.log([[0.25, 0.75]]), np.array([1])).round(4))
        0.2877
    """

    def __init__(
        self, weight: npt.ArrayLike | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        check_options(reduction)
        self.register_buffer("weight", _class_weight(weight))
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class L1Loss(Module):
    """The mean of |output - target|.

    See `nn.functional.l1_loss`.

    Args:
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.L1Loss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        1.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        check_options(reduction)
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(Module):
    """d^2 / 2 for small |d|, and delta (|d| - delta / 2) for large ones: outliers pull no harder.

    See `nn.functional.huber_loss`.

    Args:
        delta: where the parabola goes over into a line.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.HuberLoss()(np.array([3.0]), np.array([0.0])))
        2.5
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        check_options(reduction)
        self.delta = delta
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.huber_loss(input, target, delta=self.delta, reduction=self.reduction)


class SmoothL1Loss(Module):
    """d^2 / (2 beta) for small |d|, and |d| - beta / 2 for large ones.

    See `nn.functional.smooth_l1_loss`.

    Args:
        beta: where the parabola goes over into a line.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.SmoothL1Loss()(np.array([3.0]), np.array([0.0])))
        2.5
    """

    def __init__(self, beta: float = 1.0, reduction: str = "mean") -> None:
        check_options(reduction)
        self.beta = beta
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.smooth_l1_loss(input, target, beta=self.beta, reduction=self.reduction)


class PoissonNLLLoss(Module):
    """The negative log-likelihood of counts.

    See `nn.functional.poisson_nll_loss`.

    Args:
        log_input: whether the output is the logarithm of the expected count.
        full: adds an approximation of log(y!).
        eps: keeps a logarithm finite.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.PoissonNLLLoss()(np.array([0.0]), np.array([3.0])))
        1.0
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        check_options(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Module):
    """The negative log-likelihood of a normal distribution whose variance is predicted too.

    See `nn.functional.gaussian_nll_loss`.

    Args:
        full: adds log(2 pi) / 2.
        eps: the least variance.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.GaussianNLLLoss()(np.array([1.0]), np.array([3.0]), np.array([1.0])))
        2.0
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        check_options(reduction)
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Input, target: Input, var: Input) -> Any:
        return functional.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class BCELoss(Module):
    """The cross entropy of probabilities of two classes.

    See `nn.functional.binary_cross_entropy`.

    Args:
        weight: a factor for each entry.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.BCELoss()(np.array([0.5]), np.array([1.0])).round(4))
        0.6931
    """

    def __init__(self, weight: npt.ArrayLike | None = None, reduction: str = "mean") -> None:
        check_options(reduction)
        self.register_buffer("weight", None if weight is None else np.array(as_array(weight)))
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """The binary cross entropy of sigmoid(scores), exact for all scores.

    See `nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: a factor for each entry.
        pos_weight: a factor of the positive targets.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.BCEWithLogitsLoss()(np.array([-1000.0]), np.array([1.0])))
        1000.0
    """

    def __init__(
        self,
        weight: npt.ArrayLike | None = None,
        pos_weight: npt.ArrayLike | None = None,
        reduction: str = "mean",
    ) -> None:
        check_options(reduction)
        self.register_buffer("weight", None if weight is None else np.array(as_array(weight)))
        self.register_buffer("pos_weight", None if pos_weight is None else np.array(as_array(pos_weight)))
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(Module):
    """The Kullback-Leibler divergence of log-probabilities from target probabilities.

    See `nn.functional.kl_div`.

    Args:
        log_target: whether targets are logarithms too.
        reduction: "none", "sum", "batchmean" (the divergence), or "mean" over all entries.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.KLDivLoss(reduction="batchmean")(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(4))
        0.6931
    """

    def __init__(self, log_target: bool = False, reduction: str = "mean") -> None:
        check_options("mean" if reduction == "batchmean" else reduction)
        self.log_target = log_target
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.kl_div(input, target, log_target=self.log_target, reduction=self.reduction)


class PerceptronLoss(Module):
    """max(0, -y x) for targets y = -1 or 1: its gradient descent is Rosenblatt's rule.

    See `nn.functional.perceptron_loss`.

    Args:
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.PerceptronLoss()(np.array([-3.0]), np.array([1.0])))
        3.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        check_options(reduction)
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.perceptron_loss(input, target, reduction=self.reduction)


class SoftMarginLoss(Module):
    """log(1 + e^(-y x)) for targets y = -1 or 1.

    See `nn.functional.soft_margin_loss`.

    Args:
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.SoftMarginLoss()(np.array([0.0]), np.array([1.0])).round(4))
        0.6931
    """

    def __init__(self, reduction: str = "mean") -> None:
        check_options(reduction)
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.soft_margin_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(Module):
    """A distance where y = 1, and max(0, margin - distance) where y = -1.

    See `nn.functional.hinge_embedding_loss`.

    Args:
        margin: how far apart the unlike are to be.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> nn.HingeEmbeddingLoss(reduction="none")(np.array([0.5, 0.75]), np.array([1, -1])).tolist()
        [0.5, 0.25]
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        check_options(reduction)
        self.margin = margin
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MultiMarginLoss(Module):
    """Hinges: the score of the target is to be above all others by a margin.

    See `nn.functional.multi_margin_loss`.

    Args:
        p: 1 or 2.
        margin: by how much.
        weight: one weight for each class.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MultiMarginLoss()(np.array([[0.5, 0.0]]), np.array([0])))
        0.25
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: npt.ArrayLike | None = None, reduction: str = "mean"
    ) -> None:
        check_options(reduction)
        self.p = p
        self.margin = margin
        self.register_buffer("weight", _class_weight(weight))
        self.reduction = reduction

    def forward(self, input: Input, target: Input) -> Any:
        return functional.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MarginRankingLoss(Module):
    """max(0, -y (a - b) + margin): which of two is to be larger.

    See `nn.functional.margin_ranking_loss`.

    Args:
        margin: by how much.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MarginRankingLoss()(np.array([1.0]), np.array([3.0]), np.array([1])))
        2.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        check_options(reduction)
        self.margin = margin
        self.reduction = reduction

    def forward(self, input1: Input, input2: Input, target: Input) -> Any:
        return functional.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class CosineEmbeddingLoss(Module):
    """1 - cos(a, b) where y = 1, and max(0, cos(a, b) - margin) where y = -1.

    See `nn.functional.cosine_embedding_loss`.

    Args:
        margin: from -1 to 1.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> a = np.array([[3.0, 4.0]])
        >>> float(nn.CosineEmbeddingLoss()(a, 2 * a, np.array([-1])).round(4))
        1.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        check_options(reduction)
        self.margin = margin
        self.reduction = reduction

    def forward(self, input1: Input, input2: Input, target: Input) -> Any:
        return functional.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class TripletMarginLoss(Module):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin).

    See `nn.functional.triplet_margin_loss`.

    Args:
        margin: by how much the second is to be larger.
        p: of the norm.
        eps: keeps the norm differentiable.
        swap: compare with the nearer of two distances of the negative.
        reduction: "none", "mean" or "sum".

    Example:
        >>> import numpy as np, nn
        >>> a = np.array([[0.0, 0.0]])
        >>> float(nn.TripletMarginLoss()(a, a, a + 3.0))
        0.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        check_options(reduction)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = reduction

    def forward(self, anchor: Input, positive: Input, negative: Input) -> Any:
        return functional.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class CTCLoss(Module):
    """-log of the probability of a label sequence, over all its alignments.

    See `nn.functional.ctc_loss`.

    Args:
        blank: the class that stands for no label.
        reduction: "none", "mean" or "sum".
        zero_infinity: a loss becomes 0 where the input is too short for its labels.

    Example:
        >>> import numpy as np, nn
        >>> log_probs = np.log(np.full((2, 1, 2), 0.5))
        >>> float(nn.CTCLoss(reduction="sum")(log_probs, [[1]], [2], [1]).round(4))
        0.2877
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        check_options(reduction)
        self.blank = blank
        self.reduction = reduction
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Input,
        targets: Tensor | npt.ArrayLike,
        input_lengths: Tensor | npt.ArrayLike,
        target_lengths: Tensor | npt.ArrayLike,
    ) -> Any:
        return functional.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )


def _class_weight(weight: npt.ArrayLike | None) -> npt.NDArray[Any] | None:
    """One weight for each class; what is called with output and target like a function is refused."""
    if weight is None:
        return None
    if np.ndim(as_array(weight)) != 1:
        raise ShapeError(
            f"weight has shape {np.shape(as_array(weight))}; expected one for each class, (C,). To compute a "
            "loss, make it first, then call it: loss = nn.CrossEntropyLoss(); loss(output, target)"
        )
    return np.array(as_array(weight))
