"""A network that tells classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from autograd_lite.errors import DataError, OptionError, ShapeError

from .. import functional as F  # noqa: N812
from ..losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from .estimator import Estimator

__all__ = ["Classifier"]

Array = npt.NDArray[Any]


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A classifier by a network, with scikit-learn's manners.

    Args:
        module: a class or function that makes the network, or a Module, which is copied. Arguments with the
            names `in_features` and `out_features` get the sizes of the data. Default: `nn.sklearn.mlp`, in
            the dtype of X. The outputs are logits, one for each class.
        criterion: a loss, its class or its name. With BCEWithLogitsLoss, one output tells two classes, and
            each of more classes is told from the rest. Several labels for each sample (y is an array of 0s
            and 1s) are learned with BCEWithLogitsLoss, which is then the default.
        optimizer: a class of `nn.optim`, or its name.
        lr: the learning rate.
        max_epochs: the number of passes through the data.
        batch_size: samples in a batch; "auto" is the smaller of 200 and the number of samples.
        class_weight: a dict from classes to weights, or "balanced".
        early_stopping: keep a part of the data for validation, and end when its loss stops improving.
        validation_fraction: this part.
        n_iter_no_change, tol: end after this number of epochs without an improvement of the loss by tol.
        callbacks: of `nn.Trainer`; copied for each fit. One that monitors "val_loss" has a part of the data
            kept for validation, as `early_stopping` has.
        warm_start: `fit` goes on with the present network.
        random_state: seeds weights, order and dropout: the same seed gives the same network to the bit.
        verbose: show the progress.
        compile: replay the passes; see `nn.Trainer`.
        options: go to the parts: `module__hidden=(50,)`, `optimizer__weight_decay=0.01`,
            `criterion__label_smoothing=0.1`.

    Attributes:
        classes_: the classes, sorted.
        module_, optimizer_: the trained network and its optimizer.
        history_: for each epoch the loss, and with early stopping "val_loss".
        n_iter_, loss_: the number of epochs, and the last loss.
        n_features_in_, feature_names_in_: of the data of the first fit.

    Raises:
        OptionError: a parameter has an invalid value.
        AnomalyError: the loss is NaN or inf.

    Source:
        Parameters as in scikit-learn's MLPClassifier and in skorch.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> y = ["even", "odd", "odd", "even"]
        >>> net = Classifier(module__hidden=(16,), lr=0.05, max_epochs=100, random_state=0).fit(X, y)
        >>> net.predict(X).tolist(), net.predict_proba(X).shape
        (['even', 'odd', 'odd', 'even'], (4, 2))
    """

    def __init__(
        self,
        module: Any = None,
        *,
        criterion: Any = None,
        optimizer: Any = "Adam",
        lr: float = 0.005,
        max_epochs: int = 100,
        batch_size: int | str = "auto",
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        callbacks: Any = (),
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
        compile: bool = False,
        **options: Any,
    ) -> None:
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network on samples X (n, ...) with labels y (n,) and weights (n,)."""
        return self._learn(X, y, sample_weight, None, self._anew(), self.max_epochs)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train the present network for one epoch; the first call names all classes."""
        return self._learn(X, y, sample_weight, classes, not hasattr(self, "module_"), 1)

    def _learn(self, X: Any, y: Any, weights: Any, classes: Any, anew: bool, epochs: int) -> Self:
        X, y = self._validated(X, y, reset=anew)
        check_classification_targets(y)
        self._number_classes(y, classes, anew)
        targets = self._targets(y)
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            weights = by_class if weights is None else by_class * np.asarray(weights)
        outputs = targets.shape[1] if targets.ndim == 2 else len(self.classes_)
        self._trained(X, targets, weights, outputs, anew, epochs)
        return self

    def _number_classes(self, y: Array, classes: Any, anew: bool) -> None:
        """Note the classes of a new network; others than the present ones are refused."""
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ShapeError(
                f"y has shape {y.shape} with several classes in each column; write "
                "sklearn.multioutput.MultiOutputClassifier(Classifier())"
            )
        if anew:
            self._several = kind == "multilabel-indicator"
            found = np.arange(y.shape[1]) if self._several else np.unique(_column(y))
            self.classes_ = np.unique(classes) if classes is not None else found
        unknown = [] if self._several else sorted(set(_column(y).tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise DataError(
                f"y has classes {unknown[:5]} that the network does not know; it knows "
                f"{self.classes_.tolist()}: name all classes in the first partial_fit(X, y, classes=...), or "
                "fit anew"
            )

    def _targets(self, y: Array) -> Array:
        """The labels as the criterion takes them: numbers of classes, or 0s and 1s."""
        if self._several:
            return np.asarray(y, dtype=float)
        if isinstance(self._criterion(), (BCEWithLogitsLoss, BCELoss)):
            binarizer = LabelBinarizer().fit(self.classes_)
            return np.asarray(binarizer.transform(_column(y)), dtype=float)
        return np.searchsorted(self.classes_, _column(y))

    def _criterion(self) -> Any:
        if self.criterion is not None:
            return super()._criterion()
        options = self._options("criterion__")
        return (BCEWithLogitsLoss if self._several else CrossEntropyLoss)(**options)

    def decision_function(self, X: Any) -> Array:
        """The outputs of the network: logits, (n, classes); of two classes the difference of both, (n,)."""
        outputs = self._outputs(X)
        if self._several or len(self.classes_) != 2:
            return outputs
        difference: Array = outputs[:, -1] - (outputs[:, 0] if outputs.shape[1] == 2 else 0)
        return difference

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes); of each label, if a sample has several.

        Raises:
            OptionError: the criterion does not tell how outputs become probabilities.
        """
        outputs, criterion = self._outputs(X), self._criterion()
        if isinstance(criterion, CrossEntropyLoss):
            return np.asarray(F.softmax(outputs, dim=1))
        if isinstance(criterion, NLLLoss):
            return np.exp(outputs)
        if not isinstance(criterion, (BCEWithLogitsLoss, BCELoss)):
            raise OptionError(
                f"predict_proba: {criterion!r} does not tell how outputs become probabilities; take "
                "decision_function(X), or CrossEntropyLoss"
            )
        p = np.asarray(F.sigmoid(outputs)) if isinstance(criterion, BCEWithLogitsLoss) else outputs
        if self._several:
            return p
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p / p.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Array:
        """The label of each sample, (n,); or 0s and 1s, (n, labels)."""
        check_is_fitted(self, "module_")
        criterion = self._criterion()
        if isinstance(criterion, (BCEWithLogitsLoss, BCELoss)):
            p = self.predict_proba(X)
            if self._several:
                return (p > 0.5).astype(int)
            found: Array = self.classes_[p.argmax(axis=1)]
            return found
        best: Array = self.classes_[self._outputs(X).argmax(axis=1)]
        return best


def _column(y: Any) -> Array:
    column: Array = column_or_1d(y, warn=True)
    return column
