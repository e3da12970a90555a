"""Gradient checking: is every derivative right, and if one is not, whose rule is to blame?

>>> import numpy as np, autograd_lite as ag
>>> check_grads(lambda x, y: np.sum(np.sin(x) * y), (np.array([0.1, 0.2]), 3.0))

The numeric reference comes from central differences with an estimate of their error. So the tolerance can be
tight, and a kink is not mistaken for an error. For an analytic function the reference is the complex step,
which detects errors of 1e-12. After a failure the tape is replayed op by op, and the message names the op
whose derivative is wrong.

>>> @ag.primitive
... def double(x):
...     return 2 * x
>>> ag.defvjp(double, lambda g, y, x: -2 * g)
>>> check_grads(lambda x: np.sin(double(x)), 0.0, order=1)
Traceback (most recent call last):
...
autograd_lite.errors.GradientCheckError: wrong reverse-mode derivative of argument 0: analytic -2, numeric 2
  argument:        0, float64 ()
  analytic:        -2
  numeric:          2, to within ..., by the complex step
  relative error:   2
  wrong:           1 of 1 entries
  to blame:        the rule of double(float64 ()), recorded at ...
  checked alone:   wrong reverse-mode derivative of argument 0: ...
"""

from .checking import check_grads, gradient_test

__all__ = ["check_grads", "gradient_test"]
