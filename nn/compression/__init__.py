"""Compress models: weight sharing, and a lossless code for pruned and shared weights.

The three stages of S. Han et al., "Deep compression", 2016, are: prune (`nn.utils.prune`), share weights,
encode. After each of the first two, train the model for a while.
"""

from .encoding import *
from .huffman import *
from .sharing import *
