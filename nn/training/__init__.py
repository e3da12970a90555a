"""The training loop: `Trainer(model, loss, optimizer).fit(X, y, ...)`."""

from .history import History as History
from .outcomes import Loss as Loss
from .trainer import Trainer as Trainer

__all__ = ["History", "Trainer"]
