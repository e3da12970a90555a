"""The callbacks of a Trainer."""

from .training.callback import Callback as Callback
from .training.history import Logs as Logs
from .training.recorder import Recorder as Recorder
from .training.records import CSVLogger as CSVLogger
from .training.records import TensorBoard as TensorBoard
from .training.watching import EarlyStopping as EarlyStopping
from .training.watching import ModelCheckpoint as ModelCheckpoint

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "ModelCheckpoint", "Recorder", "TensorBoard"]
