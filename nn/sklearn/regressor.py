"""A network that tells numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from .estimator import Estimator

__all__ = ["Regressor"]


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A regressor by a network, with scikit-learn's manners.

    Args:
        module, criterion, optimizer, lr, max_epochs, batch_size, early_stopping, validation_fraction,
            n_iter_no_change, tol, callbacks, warm_start, random_state, verbose, compile, options: as in
            `Classifier`. The criterion is MSELoss by default. The network has one output for each column
            of y.

    Attributes:
        module_, optimizer_, history_, n_iter_, loss_, n_features_in_, feature_names_in_: as in `Classifier`.

    Raises:
        OptionError: a parameter has an invalid value.
        AnomalyError: the loss is NaN or inf.

    Source:
        Parameters as in scikit-learn's MLPRegressor and in skorch.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> net = Regressor(lr=0.05, max_epochs=200, random_state=0).fit(X, np.sin(3 * X[:, 0]))
        >>> bool(net.score(X, np.sin(3 * X[:, 0])) > 0.98)
        True
    """

    def __init__(
        self,
        module: Any = None,
        *,
        criterion: Any = "MSELoss",
        optimizer: Any = "Adam",
        lr: float = 0.005,
        max_epochs: int = 100,
        batch_size: int | str = "auto",
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
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network on samples X (n, ...) with targets y, (n,) or (n, outputs), and weights (n,)."""
        return self._learn(X, y, sample_weight, self._anew(), self.max_epochs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the present network for one epoch."""
        return self._learn(X, y, sample_weight, not hasattr(self, "module_"), 1)

    def _learn(self, X: Any, y: Any, weights: Any, anew: bool, epochs: int) -> Self:
        X, y = self._validated(X, y, reset=anew, y_numeric=True)
        targets = np.asarray(y, dtype=X.dtype).reshape(len(y), -1)
        self._columns = y.ndim > 1
        self._trained(X, targets, weights, targets.shape[1], anew, epochs)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The outputs of the network, (n,), or (n, outputs) if y had columns."""
        outputs = self._outputs(X)
        return outputs if self._columns else outputs.reshape(len(outputs))
