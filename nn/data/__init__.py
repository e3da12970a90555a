"""Training data: datasets, samplers, batches, and splits for training, validation and test."""

from typing import TYPE_CHECKING

from ..names import hints_of as _hints_of
from .collate import default_collate, default_convert
from .datasets import (
    Augmented,
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .loader import DataLoader, get_worker_info
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .splits import KFold, Standardize, split

__all__ = [
    "Augmented",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "KFold",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Standardize",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
    "split",
]

if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
