"""Neural networks on autograd-lite: modules and optimizers named as in PyTorch, and a training loop.

>>> import numpy as np, nn
>>> nn.manual_seed(0)
>>> model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
>>> trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=0.05))
>>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
>>> history = trainer.fit(X, y, epochs=100, batch_size=4, verbose=False)
>>> trainer.predict(X).argmax(axis=1)
array([0, 1, 1, 0])
"""

from . import data, datasets, functional, init, layers, losses, metrics, optim, utils
from .data import DataLoader, Dataset, TensorDataset
from .layers import (
    GRU,
    LSTM,
    RNN,
    AlphaDropout,
    Dropout,
    Dropout2d,
    GRUCell,
    Linear,
    LSTMCell,
    ModuleList,
    ReLU,
    RNNCell,
    Sequential,
    Sigmoid,
    Tanh,
)
from .losses import CrossEntropyLoss, MSELoss
from .module import Module, Parameter, functional_call
from .random import manual_seed
from .serialization import load, save
from .training import Callback, History, Trainer

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AlphaDropout",
    "Callback",
    "CrossEntropyLoss",
    "DataLoader",
    "Dataset",
    "Dropout",
    "Dropout2d",
    "GRUCell",
    "History",
    "LSTMCell",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleList",
    "Parameter",
    "RNNCell",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "TensorDataset",
    "Trainer",
    "data",
    "datasets",
    "functional",
    "functional_call",
    "init",
    "layers",
    "load",
    "losses",
    "manual_seed",
    "metrics",
    "optim",
    "save",
    "utils",
]
