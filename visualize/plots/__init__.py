"""Plots of data, training and networks. Each is a matplotlib Figure; `figure.savefig(path)` writes a file."""

from .functions import activation_functions as activation_functions
from .functions import decision_regions as decision_regions
from .images import confusion_matrix as confusion_matrix
from .images import feature_maps as feature_maps
from .images import heat as heat
from .images import misclassified as misclassified
from .images import weight_images as weight_images
from .layers import LayerWatch as LayerWatch
from .loops import schedule as schedule
from .patterns import sparsity as sparsity
from .surface import loss_surface as loss_surface
from .training import learning_curves as learning_curves
from .training import learning_rate_curve as learning_rate_curve
from .training import learning_rate_schedules as learning_rate_schedules
