"""Initial weights: how the variance of signals and gradients fares through 50 layers.

A layer of n inputs multiplies the variance by n Var(w), and by a factor of the activation. A deep net
begins to learn only where the product is about 1, forward and backward. Var(w) is 2 / (fan_in + fan_out)
for tanh (Glorot). It is 2 / fan_in for rectifiers, of which one half is silent (He), and 1 / fan_in for
SELU (LeCun). The table uses Glorot's value for the logistic function too, whose slope of at most 1/4 still
lets gradients vanish; see `vanishing`. With other values signals vanish or explode as a power of the depth.
The program prints and draws standard deviations.

Source: X. Glorot, Y. Bengio, 2010; K. He et al., 2015; Y. LeCun et al., 1998; the lectures' table is that
of A. Geron, "Hands-on machine learning", table 11-1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.pictures import COLORS, panels, save

Array = npt.NDArray[Any]

Scheme = Callable[[ag.Tensor], Any]

CASES: dict[str, tuple[nn.Module, Scheme]] = {
    "logistic, N(0, 1)": (nn.Sigmoid(), lambda w: nn.init.normal_(w, 0, 1)),
    "tanh, N(0, 0.01^2)": (nn.Tanh(), lambda w: nn.init.normal_(w, 0, 0.01)),
    "ReLU, N(0, 0.2^2)": (nn.ReLU(), lambda w: nn.init.normal_(w, 0, 0.2)),
    "ReLU, Glorot": (nn.ReLU(), nn.init.xavier_normal_),
    "tanh, Glorot": (nn.Tanh(), nn.init.xavier_normal_),
    "ReLU, He": (nn.ReLU(), lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
    "SELU, LeCun": (nn.SELU(), nn.init.lecun_normal_),
}
"""The last three are those of the table."""


def deviations(activation: nn.Module, scheme: Scheme, width: int, depth: int) -> tuple[Array, Array]:
    """Standard deviations after each layer: of the signals, and of the gradients that come back to them."""
    h: Any = ag.Tensor(
        nn.init.normal_(ag.Tensor(np.zeros((200, width), np.float32))).numpy(), requires_grad=True
    )
    signals = []
    for _ in range(depth):
        layer = nn.Linear(width, width, bias=False)
        scheme(layer.weight)
        h = activation(layer(h))
        h.retain_grad()
        signals.append(h)
    h.backward(nn.init.normal_(ag.Tensor(np.zeros(h.shape, np.float32))))
    forward = np.array([float(s.numpy().std(dtype=float)) for s in signals])
    back = np.array([float(s.grad.numpy().std(dtype=float)) for s in signals])
    return forward, back


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Send noise through each net and noise back."""
    width, depth = (128, 50) if quick else (500, 50)
    figure, (left, right) = panels(1, 2, width=5)
    found = {}
    print(f"{'':<20}signal: layer 1   layer 50     gradient: layer 50    layer 1")
    for (name, (activation, scheme)), color in zip(CASES.items(), COLORS, strict=False):
        nn.manual_seed(seed)
        forward, back = found[name] = deviations(activation, scheme, width, depth)
        print(f"{name:<20}{forward[0]:>15.2g}{forward[-1]:>11.2g}{back[-1]:>23.2g}{back[0]:>11.2g}")
        style = "-" if name in list(CASES)[-3:] else "--"
        left.semilogy(np.arange(1, depth + 1), np.maximum(forward, 1e-30), style, color=color, label=name)
        right.semilogy(np.arange(1, depth + 1), np.maximum(back, 1e-30), style, color=color)
    left.set(xlabel="layer", ylabel="standard deviation", title="signals", ylim=(1e-20, 1e20))
    right.set(xlabel="layer", title="gradients", ylim=(1e-20, 1e20))
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    save(figure, out / "initialization.png")
    return {name: (forward[-1] / forward[0], back[0] / back[-1]) for name, (forward, back) in found.items()}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
