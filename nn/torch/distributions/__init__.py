"""`torch.distributions`: random variables with densities, samples and gradients, under PyTorch's names.

>>> import nn.torch as torch
>>> from nn.torch.distributions import Normal, kl_divergence
>>> loc = torch.tensor(0.5, requires_grad=True)
>>> kl_divergence(Normal(loc, 1.0), Normal(0.0, 1.0)).backward()
>>> loc.grad.item()
0.5
"""

import sys

from . import categorical as categorical
from . import combined, continuous, counts, relaxed, tails, trials
from . import constraint_registry as constraint_registry
from . import constraints as constraints
from . import distribution as distribution
from . import gamma as gamma
from . import kl as kl
from . import multivariate_normal as multivariate_normal
from . import normal as normal
from . import transformed_distribution as transformed_distribution
from . import transforms as transforms
from . import utils as utils
from .categorical import *
from .combined import *
from .constraint_registry import *
from .continuous import *
from .counts import Bernoulli as Bernoulli
from .counts import Binomial as Binomial
from .counts import Geometric as Geometric
from .counts import Poisson as Poisson
from .distribution import Distribution as Distribution
from .gamma import *
from .kl import *
from .multivariate_normal import *
from .normal import *
from .relaxed import *
from .tails import *
from .transformed_distribution import *
from .transforms import *
from .trials import *

# PyTorch has a module for each family.
for _module, _names in {
    counts: "bernoulli binomial geometric poisson",
    gamma: "beta chi2 dirichlet studentT",
    continuous: "cauchy exponential gumbel laplace uniform",
    normal: "half_normal",
    transformed_distribution: "log_normal",
    categorical: "one_hot_categorical",
    relaxed: "relaxed_bernoulli relaxed_categorical",
    tails: "half_cauchy inverse_gamma pareto weibull",
    trials: "multinomial negative_binomial",
    combined: "independent mixture_same_family",
}.items():
    for _name in _names.split():
        sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _module
