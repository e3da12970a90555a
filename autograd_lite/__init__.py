from .tensor import *
from .rules import defvjp
from .tape import Tape, no_grad, enable_grad, detect_anomaly
from . import backward, ops, errors, liveness
from .transforms import *
from .ops.elementwise import *
from .ops.reductions import *
from .tensor import stop_gradient
