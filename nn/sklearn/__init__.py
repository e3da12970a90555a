"""Networks as scikit-learn's estimators: in pipelines, cross-validation and grid searches.

>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from nn.sklearn import Classifier
>>> X, y = load_iris(return_X_y=True)
>>> net = make_pipeline(StandardScaler(), Classifier(module__hidden=(20,), max_epochs=30, random_state=0))
>>> bool(cross_val_score(net, X, y, cv=3).mean() > 0.9)
True

This package needs scikit-learn: `pip install 'autograd-lite[sklearn]'`.
"""

from autograd_lite.errors import MissingPackageError

try:
    from .classifier import Classifier
    from .regressor import Regressor
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise MissingPackageError(
        "nn.sklearn needs scikit-learn: pip install 'autograd-lite[sklearn]'"
    ) from error

from .mlp import mlp

__all__ = ["Classifier", "Regressor", "mlp"]
