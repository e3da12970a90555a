"""Losses as modules: options go to the constructor, then call `loss(output, target)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import ShapeError

from . import functional
from .arrays import as_array
from .functional.former import takes_former_names
from .functional.losses import check_options
from .of import Of

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
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PerceptronLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class Loss(Of):
    """A loss made of a function. The constructor refuses an unknown `reduction`; weights become buffers."""

    shown = ()
    weights: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = takes_former_names(cls.__init__)  # type: ignore[method-assign]

    def check(self) -> None:
        """Refuse an unknown reduction; store each of the `weights` as a buffer."""
        check_options(self.reduction)
        for name in self.weights:
            value = vars(self).pop(name)
            self.register_buffer(name, None if value is None else np.array(as_array(value)))


class ClassLoss(Loss):
    """A loss with one weight for each class."""

    weights = ("weight",)

    def check(self) -> None:
        """Refuse a weight that is not of shape (C,)."""
        super().check()
        if self.weight is not None and self.weight.ndim != 1:
            raise ShapeError(
                f"weight has shape {self.weight.shape}; expected one for each class, (C,). To compute a "
                "loss, make the loss first, then call it: loss = nn.CrossEntropyLoss(); loss(output, target)"
            )


class CrossEntropyLoss(ClassLoss):
    """The cross entropy between softmax(scores) and the target classes.

    Raises:
        OptionError: `reduction` is unknown, or `label_smoothing` is not from 0 to 1.
        ShapeError: `weight` has more axes than one.

    Example:
        >>> import numpy as np, nn
        >>> loss = nn.CrossEntropyLoss(reduction="none")
        >>> loss(np.array([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 0])).tolist()
        [0.6931471805599453, 100.0]
    """

    function = functional.cross_entropy
    weight: npt.ArrayLike | None = None
    ignore_index: int = -100
    reduction: str = "mean"
    label_smoothing: float = 0.0

    def check(self) -> None:
        """Refuse a label_smoothing that is not from 0 to 1."""
        super().check()
        check_options(self.reduction, self.label_smoothing)


class MSELoss(Loss):
    """The mean of (output - target)^2.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MSELoss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        2.0
    """

    function = functional.mse_loss
    reduction: str = "mean"


class NLLLoss(ClassLoss):
    """The negative log-likelihood of class indices, from log-probabilities.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.NLLLoss()(np.log([[0.25, 0.75]]), np.array([1])).round(4))
        0.2877
    """

    function = functional.nll_loss
    weight: npt.ArrayLike | None = None
    ignore_index: int = -100
    reduction: str = "mean"


class NLLLoss2d(NLLLoss):
    """The former name of `NLLLoss` for images."""


class L1Loss(Loss):
    """The mean of |output - target|.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.L1Loss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
        1.0
    """

    function = functional.l1_loss
    reduction: str = "mean"


class HuberLoss(Loss):
    """d^2 / 2 for small |d|, and delta (|d| - delta / 2) for large |d|. Outliers pull no harder.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.HuberLoss()(np.array([3.0]), np.array([0.0])))
        2.5
    """

    function = functional.huber_loss
    reduction: str = "mean"
    delta: float = 1.0


class SmoothL1Loss(Loss):
    """d^2 / (2 beta) for small |d|, and |d| - beta / 2 for large |d|.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.SmoothL1Loss()(np.array([3.0]), np.array([0.0])))
        2.5
    """

    function = functional.smooth_l1_loss
    reduction: str = "mean"
    beta: float = 1.0


class PoissonNLLLoss(Loss):
    """The negative log-likelihood of counts.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.PoissonNLLLoss()(np.array([0.0]), np.array([3.0])))
        1.0
    """

    function = functional.poisson_nll_loss
    log_input: bool = True
    full: bool = False
    eps: float = 1e-8
    reduction: str = "mean"


class GaussianNLLLoss(Loss):
    """The negative log-likelihood of a normal distribution with a predicted mean and variance.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.GaussianNLLLoss()(np.array([1.0]), np.array([3.0]), np.array([1.0])))
        2.0
    """

    function = functional.gaussian_nll_loss
    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"


class BCELoss(Loss):
    """The cross entropy of probabilities of two classes.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.BCELoss()(np.array([0.5]), np.array([1.0])).round(4))
        0.6931
    """

    function = functional.binary_cross_entropy
    weight: npt.ArrayLike | None = None
    reduction: str = "mean"
    weights = ("weight",)


class BCEWithLogitsLoss(Loss):
    """The binary cross entropy of sigmoid(scores), exact for all scores.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.BCEWithLogitsLoss()(np.array([-1000.0]), np.array([1.0])))
        1000.0
    """

    function = functional.binary_cross_entropy_with_logits
    weight: npt.ArrayLike | None = None
    reduction: str = "mean"
    pos_weight: npt.ArrayLike | None = None
    weights = ("weight", "pos_weight")


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of log-probabilities from target probabilities.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.KLDivLoss(reduction="batchmean")(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(4))
        0.6931
    """

    function = functional.kl_div
    reduction: str = "mean"
    log_target: bool = False

    def check(self) -> None:
        """Refuse an unknown reduction; "batchmean" is known here."""
        check_options("mean" if self.reduction == "batchmean" else self.reduction)


class PerceptronLoss(Loss):
    """max(0, -y x) for targets y = -1 or 1. Gradient descent on this loss is Rosenblatt's rule.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.PerceptronLoss()(np.array([-3.0]), np.array([1.0])))
        3.0
    """

    function = functional.perceptron_loss
    reduction: str = "mean"


class SoftMarginLoss(Loss):
    """log(1 + e^(-y x)) for targets y = -1 or 1.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.SoftMarginLoss()(np.array([0.0]), np.array([1.0])).round(4))
        0.6931
    """

    function = functional.soft_margin_loss
    reduction: str = "mean"


class HingeEmbeddingLoss(Loss):
    """The distance where y = 1, and max(0, margin - distance) where y = -1.

    Example:
        >>> import numpy as np, nn
        >>> nn.HingeEmbeddingLoss(reduction="none")(np.array([0.5, 0.75]), np.array([1, -1])).tolist()
        [0.5, 0.25]
    """

    function = functional.hinge_embedding_loss
    margin: float = 1.0
    reduction: str = "mean"


class MultiMarginLoss(ClassLoss):
    """The hinge loss of several classes: the score of the target should exceed all others by a margin.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MultiMarginLoss()(np.array([[0.5, 0.0]]), np.array([0])))
        0.25
    """

    function = functional.multi_margin_loss
    p: int = 1
    margin: float = 1.0
    weight: npt.ArrayLike | None = None
    reduction: str = "mean"


class MultiLabelMarginLoss(Loss):
    """The hinge loss of samples of several classes each.

    Example:
        >>> import numpy as np, nn
        >>> scores, targets = np.array([[0.1, 0.2, 0.4, 0.8]]), np.array([[3, 0, -1, 1]])
        >>> float(nn.MultiLabelMarginLoss()(scores, targets).round(3))
        0.85
    """

    function = functional.multilabel_margin_loss
    reduction: str = "mean"


class MultiLabelSoftMarginLoss(Loss):
    """The mean binary cross entropy of the classes, of samples of several classes each.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MultiLabelSoftMarginLoss()(np.array([[0.0, 0.0]]), np.array([[1, 0]])).round(4))
        0.6931
    """

    function = functional.multilabel_soft_margin_loss
    weight: npt.ArrayLike | None = None
    reduction: str = "mean"
    weights = ("weight",)


class MarginRankingLoss(Loss):
    """max(0, -y (a - b) + margin): a should be above b where y = 1, and below where y = -1.

    Example:
        >>> import numpy as np, nn
        >>> float(nn.MarginRankingLoss()(np.array([1.0]), np.array([3.0]), np.array([1])))
        2.0
    """

    function = functional.margin_ranking_loss
    margin: float = 0.0
    reduction: str = "mean"


class CosineEmbeddingLoss(Loss):
    """1 - cos(a, b) where y = 1, and max(0, cos(a, b) - margin) where y = -1.

    Example:
        >>> import numpy as np, nn
        >>> a = np.array([[3.0, 4.0]])
        >>> float(nn.CosineEmbeddingLoss()(a, 2 * a, np.array([-1])).round(4))
        1.0
    """

    function = functional.cosine_embedding_loss
    margin: float = 0.0
    reduction: str = "mean"


class TripletMarginLoss(Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Example:
        >>> import numpy as np, nn
        >>> a = np.array([[0.0, 0.0]])
        >>> float(nn.TripletMarginLoss()(a, a, a + 3.0))
        0.0
    """

    function = functional.triplet_margin_loss
    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    reduction: str = "mean"


class TripletMarginWithDistanceLoss(Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) with a distance of one's own.

    Example:
        >>> import numpy as np, nn
        >>> a, d = np.zeros((1, 2)), lambda x, y: np.abs(x - y).sum(axis=1)
        >>> float(nn.TripletMarginWithDistanceLoss(distance_function=d)(a, a + 1, a - 1))
        1.0
    """

    function = functional.triplet_margin_with_distance_loss
    _: KW_ONLY
    distance_function: Callable[[Any, Any], Any] | None = None
    margin: float = 1.0
    swap: bool = False
    reduction: str = "mean"


class CTCLoss(Loss):
    """-log of the probability of a label sequence, over all its alignments.

    Example:
        >>> import numpy as np, nn
        >>> log_probs = np.log(np.full((2, 1, 2), 0.5))
        >>> float(nn.CTCLoss(reduction="sum")(log_probs, [[1]], [2], [1]).round(4))
        0.2877
    """

    function = functional.ctc_loss
    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False
