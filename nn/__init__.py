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

from typing import TYPE_CHECKING

from . import boxes as boxes
from . import compression as compression
from . import data as data
from . import datasets as datasets
from . import functional as functional
from . import init as init
from . import layers as layers
from . import losses as losses
from . import metrics as metrics
from . import models as models
from . import optim as optim
from . import robust as robust
from . import transforms as transforms
from . import utils as utils
from .callbacks import *
from .checkpoint import *
from .constraints import *
from .data import DataLoader as DataLoader
from .data import Dataset as Dataset
from .data import TensorDataset as TensorDataset
from .ensemble import *
from .layers.activations import *
from .layers.adaptive_softmax import *
from .layers.attention import *
from .layers.cells import *
from .layers.containers import *
from .layers.conv import *
from .layers.distance import *
from .layers.dropout import *
from .layers.instance import *
from .layers.lazy import *
from .layers.linear import *
from .layers.normalization import *
from .layers.padding import *
from .layers.parallel import *
from .layers.patches import *
from .layers.pooling import *
from .layers.rectifiers import *
from .layers.recurrent import *
from .layers.shape import *
from .layers.softmax import *
from .layers.sparse import *
from .layers.transformer import *
from .layers.upsample import *
from .losses import *
from .lr_range import *
from .module import *
from .names import hints_of as _hints_of
from .random import manual_seed as manual_seed
from .serialization import *
from .summary import *
from .training import *
from .transfer import *
from .uncertainty import *

if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
