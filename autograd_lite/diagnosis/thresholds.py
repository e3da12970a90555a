"""The numbers that decide what counts as a symptom, each with the reason for it.

A healthy net must stay far from each number, since a false alarm costs more trust than a missed symptom.
"""

DEAD = 0.9
"""The fraction of silent units in a layer. Chance silences up to two thirds of a healthy layer."""

LOST, FAR = 0.2, 10.0
"""The fraction of units that may be far below 0, and how far. All that such a unit reads is below -10 times
the root mean square of the active units."""

SATURATED = 0.5
"""The fraction of saturated entries. Healthy layers have less than 0.02."""

NEAR = 0.01
"""How near to its limit an entry is saturated: there the slope of tanh is 50 times smaller than at 0."""

VANISHED = 1e-4
"""The norm of a layer's cotangent, relative to the largest of a later layer. Healthy nets have over 0.02."""

EXPLODED = 1e3
"""The norm of a layer's cotangent, relative to the smallest of a later layer. Healthy nets have up to 35."""

HUGE = 1e2
"""The norm of a gradient, relative to the norm of its parameter. Healthy nets have up to 1.7."""

COPIES = 1e-5
"""The difference of two units' gradients that is rounding, relative to the largest gradient of the model."""

KINKS = 0.3
"""The fraction of entries exactly at a kink. Random weights give 0, two summed relus 1/4."""

UNSCALED = 10.0
"""The root mean square of what the first layer with weights reads. Standardized data have 1."""

STILL = 3e-4
"""The fraction of the loss that counts as standing still in 20 steps. Plain gradient descent with a rate of
0.001 lowers the loss of a small classifier by 4e-4, Adam by 1e-2."""

FASTER, SLOWER = tuple(10.0**k for k in range(2, 9)), (0.1, 0.01)
"""The factors of the rate that are tried: when the loss stands still, until one helps; and when it grows."""

BETTER = 0.9
"""A rate counts as better if it lowers the loss below this fraction of the loss before the steps."""

GROWN, HALF = 1.3, 0.5
"""A rate is too high if the loss grows by this factor, or if a smaller rate lowers it below half. The loss of
a trained net swings by less."""

UNIT = 0.01
"""Without an optimizer, the doctor moves each parameter by this fraction of its size in each step, along the
gradient: 20 steps cannot spoil a healthy net."""
