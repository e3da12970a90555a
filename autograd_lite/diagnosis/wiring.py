"""Symptoms of how model, loss and optimizer are put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..node import Leaf, Node, op_name
from .evidence import Evidence, named, source, whole
from .passes import Look, Step
from .report import Finding
from .thresholds import COPIES

__all__ = [
    "batch_of_one",
    "broadcast",
    "detached",
    "equal_weights",
    "error",
    "evaluating",
    "frozen",
    "linear_pair",
    "softmax_before_loss",
    "untrained",
    "unused",
]

SQUASHED = {"softmax": "Softmax", "log_softmax": "LogSoftmax", "sigmoid": "Sigmoid"}
"""The ops that a loss of scores applies itself, and the layers."""

OF_SCORES = {"target_losses", "log_softmax", "logsumexp", "softplus"}
"""The ops with which losses begin that take scores."""


def error(e: Evidence) -> Iterator[Finding]:
    """The model, the loss or the step raises."""
    errors = [e.first.error] if e.first.error is not None else []
    if e.training is not None and e.training.error is not None:
        errors.append(("step", *e.training.error))
    for part, raised, line in errors:
        yield Finding(f"the {part}", f"{type(raised).__name__}: {raised}", "the message says it", line)


# -- the loss --------------------------------------------------------------------------------------


def softmax_before_loss(e: Evidence) -> Iterator[Finding]:
    """A loss that applies a softmax or a sigmoid reads what went through one already."""
    for step in e.first.losses:
        if step.op not in OF_SCORES:
            continue
        made = source(step.node.inputs[0], frozenset({"negative"}))
        if made is None or op_name(made.op) not in SQUASHED:
            continue
        name = op_name(made.op)
        own = next((s for s in e.first.steps if s.node is made), step)
        yield Finding(
            own.layer,
            f"the loss applies the softmax or the sigmoid itself, and reads the result of {name}",
            f"remove nn.{SQUASHED[name]}() from the end of the model",
            own.line,
        )
        return


def broadcast(e: Evidence) -> Iterator[Finding]:
    """Outputs (N, 1) meet targets (N,), so that each output meets all targets."""
    shape, y = e.first.shape, np.shape(whole(e.first.y))
    n = max(shape, default=0)
    if n < 2 or {shape, y} != {(n, 1), (n,)}:
        return
    met = [step for step in e.first.losses if np.shape(step.value) == (n, n)]
    raised = e.first.error is not None and e.first.error[0] == "loss"
    if met or raised:
        line = met[0].line if met else e.first.error[2] if e.first.error else e.subject.line
        what = f"an array of shape {(n, n)}" if met else "an error"
        yield Finding(
            "the loss",
            f"an output of shape {shape} meets targets of shape {y}: {what}",
            "y = y[:, None]" if len(y) == 1 else "y = y[:, 0]",
            line,
        )


# -- parts that do not learn -----------------------------------------------------------------------


def _without_gradient(e: Evidence) -> list[str]:
    """The parameters that ask for a gradient and get none."""
    if e.first.error is not None:
        return []
    return [
        n for n, p in e.subject.parameters.items() if p.node is not None and e.first.gradients.get(n) is None
    ]


def _read(seen: Look) -> set[int]:
    return {id(parent) for step in seen.steps for parent in step.node.inputs}


def detached(e: Evidence) -> Iterator[Finding]:
    """A part of the model computes, but no gradient can reach it."""
    names, parameters, read = _without_gradient(e), e.subject.parameters, _read(e.first)
    cut = [name for name in names if id(parameters[name].node) in read]
    if cut:
        end = _end(e.first, {parameters[name].node for name in cut})
        yield Finding(
            end.layer,
            f"no gradient reaches {named(cut)}: the result of this step leaves the tape",
            "remove the .detach(), the .numpy() or the stop_gradient after this step",
            end.line,
        )
    places: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if name not in cut and name in e.first.unrecorded:
            places.setdefault(e.first.unrecorded[name], []).append(name)
    for (op, line), group in places.items():
        yield Finding(
            named(group),
            f"{op} is computed with it, but not recorded: no gradient reaches it",
            "compute outside of no_grad(), and with w in place of w.detach(), w.data and w.numpy()",
            line,
        )


def _end(seen: Look, leaves: set[Any]) -> Step:
    """The last step that was computed from some leaves, and that the loss does not reach."""
    computed, last = set(leaves), seen.steps[0]
    for step in seen.steps:
        if step.node not in seen.reached and any(
            isinstance(parent, Node) and parent in computed for parent in step.node.inputs
        ):
            computed.add(step.node)
            last = step
    return last


def unused(e: Evidence) -> Iterator[Finding]:
    """A parameter takes no part in the forward pass."""
    read = _read(e.first)
    names = [
        name
        for name in _without_gradient(e)
        if id(e.subject.parameters[name].node) not in read and name not in e.first.unrecorded
    ]
    if names:
        yield Finding(
            named(names),
            "the forward pass does not read it",
            "call its layer in forward(), or remove the layer",
            None,
            {"parameters": float(len(names))},
        )


def frozen(e: Evidence) -> Iterator[Finding]:
    """A parameter does not ask for a gradient."""
    names = [name for name, p in e.subject.parameters.items() if p.node is None]
    if names:
        yield Finding(
            named(names),
            "requires_grad is False, so it never moves",
            f"model.get_parameter({names[0]!r}).requires_grad = True, unless it is meant to stay as it is",
            None,
            {"parameters": float(len(names))},
        )


def untrained(e: Evidence) -> Iterator[Finding]:
    """A parameter is not among those of the optimizer."""
    trained = e.subject.trained
    if trained is None:
        return
    names = [n for n, p in e.subject.parameters.items() if p.node is not None and id(p) not in trained]
    if names:
        kind = type(e.subject.optimizers[0]).__name__
        yield Finding(
            named(names),
            "the optimizer does not have it, so it never moves",
            f"optimizer = nn.optim.{kind}(model.parameters(), ...), after the last layer is made",
            e.subject.line,
            {"parameters": float(len(names))},
        )


# -- layers ----------------------------------------------------------------------------------------


def evaluating(e: Evidence) -> Iterator[Finding]:
    """Dropout or batch norm is in evaluation mode while the model is trained."""
    idle = [
        (path, module)
        for path, module in e.subject.modules.items()
        if not module.training
        and (getattr(module, "running_mean", None) is not None or "Dropout" in type(module).__name__)
        and (not (own := list(module.parameters())) or any(p.node is not None for p in own))
    ]
    if idle:
        names = [f"{path} ({type(module).__name__})".strip() for path, module in idle]
        yield Finding(named(names), "it is in evaluation mode", "model.train()", e.subject.line)


def batch_of_one(e: Evidence) -> Iterator[Finding]:
    """Batch norm standardizes a single sample."""
    norms = [
        f"{path} ({type(module).__name__})".strip()
        for path, module in e.subject.modules.items()
        if module.training and getattr(module, "running_mean", None) is not None
    ]
    norms = [name for name in norms if "BatchNorm" in name or "SyncBatch" in name]
    if norms and e.subject.batch_size == 1:
        yield Finding(
            named(norms),
            "a batch has one sample, which has no variance over the batch",
            "batch_size=32 and DataLoader(..., drop_last=True), or nn.GroupNorm in place of batch norm",
            e.subject.line,
        )


def linear_pair(e: Evidence) -> Iterator[Finding]:
    """Two linear layers follow each other, and are as good as one."""
    made: dict[Any, tuple[Step, int, int]] = {}
    for step in e.first.steps[: e.first.of_model]:
        node, weights = step.node, e.weights_of(step)
        if step.op == "add" and any(parent.__class__ is Leaf for parent in node.inputs):  # x @ w, then + b
            before = next((made[p] for p in node.inputs if isinstance(p, Node) and p in made), None)
            if before is not None:
                made[node] = before
            continue
        if step.op not in ("affine", "matmul") or not weights or node.inputs[0].__class__ is Leaf:
            continue
        width_in, width_out = np.shape(node.args[0])[-1], np.shape(node.value)[-1]
        before = made.get(source(node.inputs[0])) if isinstance(node.inputs[0], Node) else None
        if before is not None and width_in >= min(before[1], width_out):  # a bottleneck lowers the rank
            yield Finding(
                f"{before[0].layer} and {step.layer}",
                "no nonlinearity stands between two linear layers, so they are as good as one",
                "put nn.ReLU() between them",
                step.line,
            )
        made[node] = step, width_in, width_out


def equal_weights(e: Evidence) -> Iterator[Finding]:
    """All units of a layer have equal weights and equal gradients, so they stay copies of one another."""
    for name, p in e.subject.parameters.items():
        if p.ndim < 2 or not e.both:
            continue
        if all(_copies(seen, name) for seen in e.both):
            yield Finding(
                name,
                "all units have equal weights and equal gradients, so they stay copies of one another",
                f"nn.init.kaiming_normal_(model.get_parameter({name!r}))",
                None,
                {"units": float(len(e.first.weights[name]))},
            )


def _copies(seen: Look, name: str) -> bool:
    """Whether all units are equal: the rows of a layer's weight, or the columns of w in x @ w."""
    w, g = seen.weights[name], seen.gradients.get(name)
    if g is None or not np.all(np.isfinite(g)):
        return False
    largest = max(
        float(np.max(np.abs(other), initial=0)) for other in seen.gradients.values() if other is not None
    )
    pairs = (w, float(np.max(np.abs(w), initial=0))), (g, largest)
    return any(
        w.shape[axis] > 1
        and all(np.all(np.abs(a - np.take(a, [0], axis)) <= COPIES * size) for a, size in pairs)
        for axis in (0, -1)
    )
