"""Layers, one file for each family."""

from .activations import ReLU, Sigmoid, Tanh
from .containers import ModuleList, Sequential
from .dropout import AlphaDropout, Dropout, Dropout2d
from .linear import Linear
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AlphaDropout",
    "Dropout",
    "Dropout2d",
    "GRUCell",
    "LSTMCell",
    "Linear",
    "ModuleList",
    "RNNCell",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
]
