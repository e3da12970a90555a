"""Models written as in Keras, and trained here: the names that its listings use.

>>> import nn
>>> from nn import keras
>>> nn.manual_seed(0)
>>> model = keras.models.Sequential([
...     keras.layers.Flatten(input_shape=(8, 8)),
...     keras.layers.Dense(30, activation="relu"),
...     keras.layers.Dense(10, activation="softmax"),
... ])
>>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
>>> X, y = nn.datasets.load_digits("train")
>>> history = model.fit(X.reshape(-1, 8, 8), y, epochs=10, verbose=0)
>>> history.history["accuracy"][-1] > 0.9
True

Numbers are those of `nn`: layers with Keras' defaults, `nn.Trainer` below.
"""

from types import SimpleNamespace

from . import layers as layers
from . import models as models
from . import training as optimizers
from .models import Model as Model
from .models import Sequential as Sequential
from .symbols import Input as Input

utils = SimpleNamespace(to_categorical=optimizers.to_categorical)

__all__ = ["Input", "Model", "Sequential", "layers", "models", "optimizers", "utils"]
