"""K-FAC: natural gradients from Kronecker factors of the Fisher matrix of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError, UnsupportedError

from ..functional.conv import unfold
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..module import Module, Parameter
from ..options import check_number, check_whole
from .at_once import check_positive
from .optimizer import Array, Group, Optimizer, in_layout
from .states import State

__all__ = ["KFAC"]

PADDING = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The modes of a convolution under NumPy's names."""


class KFAC(Optimizer):
    """W <- W - lr G^-1 dW A^-1 with momentum, for the weights of `Linear` and `Conv2d` layers.

    The Fisher matrix of a layer is taken for the Kronecker product of two small matrices: A, the mean of
    a a^T over the inputs a of the layer, and G, the mean of g g^T over the gradients g of its outputs. Hooks
    on the layers compute both in each backward pass, from the loss at the true targets. A bias counts as the
    weight of an input that is always 1. A convolution has an a and a g for each position: A is the sum
    over them, G the mean. Parameters of all other layers make plain steps with momentum.

    Args:
        model: the network; the optimizer takes all of its parameters that require a gradient.
        lr: the learning rate.
        momentum: the decay rate of the sum of past steps.
        damping: what is added to the Fisher matrix, spread over the factors: A + pi sqrt(damping) and
            G + sqrt(damping) / pi, where pi^2 is the ratio of their mean eigenvalues.
        decay: the decay rate of the means A and G over the steps.
        weight_decay: add weight_decay x to the gradient.
        every: invert the factors anew in every so many steps.
        kl_clip: the largest lr^2 (step . gradient); a longer step is scaled down. None for no limit.
        reduction: "mean" if the loss is a mean over the batch, "sum" if it is a sum.

    Raises:
        DTypeError: the first argument is not a model.
        OptionError: an option has an invalid value.
        UnsupportedError: a layer has a gradient, but no backward pass went through its hooks.

    Source:
        J. Martens, R. Grosse, "Optimizing neural networks with Kronecker-factored approximate curvature",
        2015; R. Grosse, J. Martens, "A Kronecker-factored approximate Fisher matrix for convolution layers",
        2016; J. Ba, R. Grosse, J. Martens, "Distributed second-order optimization using Kronecker-factored
        approximations", 2017.

    Example:
        >>> import numpy as np, nn
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        >>> optimizer = nn.optim.KFAC(model, lr=0.1)
        >>> loss = nn.functional.cross_entropy(model(np.eye(3, dtype=np.float32)), np.array([0, 1, 1]))
        >>> loss.backward()
        >>> optimizer.step()
        >>> optimizer.state[model[0].weight]["inputs"].shape      # with the 1 of the bias
        (4, 4)
    """

    def __init__(
        self,
        model: Module,
        lr: float = 0.1,
        momentum: float = 0.9,
        damping: float = 0.01,
        decay: float = 0.95,
        weight_decay: float = 0.0,
        every: int = 10,
        kl_clip: float | None = 0.001,
        reduction: str = "mean",
    ) -> None:
        if not isinstance(model, Module):
            raise DTypeError(
                f"KFAC reads the inputs of the layers, so it takes the model, not a {type(model).__name__}; "
                "write nn.optim.KFAC(model, lr=0.1)"
            )
        options = dict(
            lr=lr, momentum=momentum, damping=damping, decay=decay, weight_decay=weight_decay, every=every,
            kl_clip=kl_clip, reduction=reduction,
        )  # fmt: skip
        super().__init__([(name, p) for name, p in model.named_parameters() if p.requires_grad], options)
        self._inputs: dict[Module, list[Array]] = {}
        self._layers = list(_factored(model))
        for layer in self._layers:
            layer.register_forward_pre_hook(self._keep)
            layer.register_full_backward_hook(self._learn)

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        super().check(group)
        check_positive("KFAC", "damping", group["damping"], 0.01)
        check_number("KFAC", "decay", group["decay"], most=1, example=0.95)
        check_whole("KFAC", "every", group["every"], example=10)
        if group["kl_clip"] is not None:
            check_number("KFAC", "kl_clip", group["kl_clip"], example=0.001)
        if group["reduction"] not in ("mean", "sum"):
            raise OptionError(f'KFAC(reduction={group["reduction"]!r}): expected "mean" or "sum"')

    def add_param_group(self, param_group: Any) -> None:
        """Refused after the first group: the optimizer takes the whole model."""
        if self.param_groups:
            raise OptionError("KFAC takes all parameters of a model in one group; make a new optimizer")
        super().add_param_group(param_group)

    # -- the factors ---------------------------------------------------------------------------------

    def _keep(self, layer: Module, args: tuple[Any, ...]) -> None:
        """Before the forward pass of a layer: keep its input until the backward pass."""
        if ag.is_recording():
            x = args[0]
            self._inputs.setdefault(layer, []).append(x.numpy() if isinstance(x, Tensor) else np.asarray(x))

    def _learn(self, layer: Any, grad_input: Any, grad_output: tuple[Any, ...]) -> None:
        """In the backward pass of a layer: bring the means A and G up to date."""
        if not self._inputs.get(layer) or grad_output[0] is None:
            return
        group, state = self.param_groups[0], self.state.setdefault(layer.weight, {})
        new = factors(layer, self._inputs[layer].pop(), grad_output[0].numpy(), group["reduction"])
        for name, factor in zip(("inputs", "gradients"), new, strict=True):
            if name in state:
                factor = group["decay"] * state[name] + (1 - group["decay"]) * factor
            state[name] = factor.astype(layer.weight.dtype, copy=False)

    # -- the step ------------------------------------------------------------------------------------

    @ag.replayed
    def _step(self) -> None:
        self._inputs.clear()
        group = self.param_groups[0]
        gradients = {p: p.grad.numpy() for p in self._params() if p.grad is not None}
        if not gradients:
            self.warn_of_no_gradient()
            return
        if decay := group["weight_decay"]:
            gradients = {p: g + decay * p.numpy() for p, g in gradients.items()}
        steps, slope, natural = dict(gradients), 0.0, set()
        with np.errstate(all="ignore"):
            for layer in self._layers:
                if layer.weight in gradients:
                    parts = [p for p in _parameters(layer) if p in gradients]
                    found = self._natural(layer, [gradients[p] for p in parts], group)
                    for p, step in zip(parts, found, strict=True):
                        slope += float(np.vdot(step, gradients[p]))
                        steps[p] = step
                        natural.add(p)
            scale = 1.0
            if group["kl_clip"] is not None and slope > 0 < group["lr"]:
                scale = min(1.0, math.sqrt(group["kl_clip"] / slope) / group["lr"])
            for p, step in steps.items():
                state, x = self.state.setdefault(p, {}), p.numpy()
                moved = scale * step if p in natural else step
                state["momentum_buffer"] = group["momentum"] * state.get("momentum_buffer", 0) + moved
                p.data = in_layout((x - group["lr"] * state["momentum_buffer"]).astype(x.dtype), x)

    def _natural(self, layer: Any, gradients: list[Array], group: Group) -> list[Array]:
        """G^-1 dW A^-1 of a layer, as the steps of its weight and its bias."""
        state = self.state[layer.weight]
        if "inputs" not in state:
            raise UnsupportedError(
                f"KFAC: {layer} has a gradient, but its inputs are not known; make the optimizer before the "
                "forward pass: optimizer = nn.optim.KFAC(model); loss(model(x), y).backward()"
            )
        done = state.get("step", 0)
        if done % group["every"] == 0:
            inverses = damped_inverses(state["inputs"], state["gradients"], group["damping"])
            state["inverse_inputs"], state["inverse_gradients"] = inverses
        state["step"] = done + 1
        dW = np.concatenate([g.reshape(len(g), -1) for g in gradients], axis=1)
        step = state["inverse_gradients"] @ dW @ state["inverse_inputs"]
        if len(gradients) == 1:
            return [step.reshape(gradients[0].shape)]
        return [step[:, :-1].reshape(gradients[0].shape), step[:, -1]]

    # -- the state -----------------------------------------------------------------------------------

    def _shapes(self, p: Tensor) -> dict[str, tuple[int, ...]]:
        """The shapes in the state of a parameter."""
        shapes: dict[str, tuple[int, ...]] = {"momentum_buffer": p.shape}
        for layer in self._layers:
            if layer.weight is p:
                out, columns = len(p), p.size // len(p) + len(_parameters(layer)) - 1
                shapes |= {"step": (), "inputs": (columns, columns), "gradients": (out, out)}
                shapes |= {f"inverse_{name}": shapes[name] for name in ("inputs", "gradients")}
        return shapes

    def fitted(self, value: Array, p: Tensor) -> Array | None:
        """A loaded array in the dtype of its parameter, or None if no entry has its shape."""
        return value.astype(p.dtype, copy=False) if value.shape in self._shapes(p).values() else None

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a state with other entries than a step leaves."""
        for key, shape in self._shapes(p).items():
            if key not in state or np.shape(state[key]) != shape:
                raise DataError(
                    f"KFAC: {key} of parameter {i} should have shape {shape}; it belongs to another model"
                )


def factors(layer: Any, x: Array, g: Array, reduction: str) -> tuple[Array, Array]:
    """The factors A and G of a layer, from one batch.

    Args:
        layer: a `Linear`, or a `Conv2d` with one group of channels.
        x: its input.
        g: the gradient of its output.
        reduction: "mean" if the loss is a mean over the batch, so that g is a gradient divided by its size.

    Returns:
        A of shape (in, in), with a row and a column for the bias; G of shape (out, out).

    Example:
        >>> import nn
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> factors(layer, np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.5], [1.5]]), "sum")
        (array([[5., 1.],
               [1., 2.]]), array([[1.25]]))
    """
    if isinstance(layer, Conv2d):
        x, g = (y if y.ndim == 4 else y[None] for y in (x, g))
        around = [(0, 0), (0, 0), *layer._pads]
        x = np.pad(x, around, mode=PADDING[layer.padding_mode])  # type: ignore[call-overload]
        columns = unfold(x, layer.kernel_size, layer.dilation, 0, layer.stride)
        a, g = np.moveaxis(columns, 1, 2), np.moveaxis(g.reshape(*g.shape[:2], -1), 1, 2)
    else:
        n = len(x) if x.ndim > 1 else 1
        a, g = (y.reshape(n, -1, y.shape[-1]) for y in (x, g))
    n, places = a.shape[:2]
    a, g = a.reshape(n * places, -1), g.reshape(n * places, -1)
    if len(_parameters(layer)) == 2:
        a = np.concatenate([a, np.ones((len(a), 1), a.dtype)], axis=1)
    per_sample = n if reduction == "mean" else 1
    return a.T @ a / n, g.T @ g * (per_sample**2 / (n * places))


def damped_inverses(A: Array, G: Array, damping: float) -> tuple[Array, Array]:
    """The inverses of A + pi sqrt(damping) I and G + sqrt(damping) / pi I.

    Their Kronecker product is near the inverse of A x G + damping I. The mixed terms are least for
    pi^2 = (mean eigenvalue of A) / (mean eigenvalue of G).

    Example:
        >>> damped_inverses(np.diag([4.0]), np.diag([1.0]), 0.25)
        (array([[0.2]]), array([[0.8]]))
    """
    means = [float(np.trace(M)) / len(M) for M in (A, G)]
    pi = math.sqrt(means[0] / means[1]) if min(means) > 0 else 1.0
    strength = math.sqrt(damping)
    inverses = [
        np.linalg.inv(M.astype(float) + share * np.eye(len(M))).astype(M.dtype)
        for M, share in ((A, pi * strength), (G, strength / pi))
    ]
    return inverses[0], inverses[1]


def _factored(model: Module) -> Iterator[Any]:
    """The layers that have factors."""
    seen: set[int] = set()
    for layer in model.modules():
        if isinstance(layer, Linear) or (isinstance(layer, Conv2d) and layer.groups == 1):
            weight = layer.weight
            if isinstance(weight, Parameter) and weight.requires_grad and id(weight) not in seen:
                seen.add(id(weight))
                yield layer


def _parameters(layer: Any) -> list[Tensor]:
    """The weight, and the bias if it is trained."""
    return [p for p in (layer.weight, layer.bias) if p is not None and p.requires_grad]
