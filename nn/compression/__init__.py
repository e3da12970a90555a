"""Models made small: weights that share few values, and a lossless code for what pruning and sharing leave.

The three stages of S. Han et al., "Deep compression", 2016: prune (`nn.utils.prune`), share weights, encode;
each of the first two is followed by some training.
"""

from .encoding import *
from .huffman import *
from .sharing import *
