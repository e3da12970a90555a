"""The run as a program: what the page does, in a few lines of Python that a user can run and change."""

from __future__ import annotations

import inspect
from typing import Any

from .datasets import DATASETS
from .network import layers_of, optimizer_options
from .options import FEATURES, SCHEDULED, SCHEDULES, Config

__all__ = ["program"]

CLOSURE = """\
def closure():
    optimizer.zero_grad()
    loss = loss_of(rows)
    loss.backward()
    return loss"""


def program(config: Config, steps: int) -> str:
    """The source of a program that makes the run of a config from its beginning, and prints the losses.

    Example:
        >>> print(program(Config(), 100).partition(",")[0])
        \"\"\"A network on the data set "circle"
    """
    _, function, n = DATASETS[config.dataset]
    name, (_, *body) = function.__name__, inspect.getsource(function).splitlines()
    functions = [
        f'"""A network on the data set "{config.dataset}", trained with {config.optimizer}."""\n\n'
        "import numpy as np\n\nimport nn",
        "\n".join([f"def {name}(rng, n, noise):", *body]),
        _features(config),
        _loss(config),
        CLOSURE,
    ]
    script = [
        f"# The points: the first n_train are for training.\n{_points(config, name, n)}",
        f"# The network.\n{_network(config)}{_optimizer(config)}",
        f"# Training: the batches come in a new order in each epoch.\n{_loop(config, steps)}",
        _end(),
    ]
    return "\n\n\n".join([*functions, "\n\n".join(script)])


def call(name: str, options: dict[str, Any], *first: str) -> str:
    """The code of a call.

    >>> call("nn.Linear", {"bias": True}, "2", "1")
    'nn.Linear(2, 1, bias=True)'
    """
    return f"{name}({', '.join([*first, *(f'{key}={value!r}' for key, value in options.items())])})"


def _points(config: Config, name: str, n: int) -> str:
    lines = [
        f"rng = np.random.default_rng({config.seed})",
        f"X, y = {name}(rng, {n}, noise={config.noise / 100!r})",
    ]
    if config.points:
        rows = ",\n    ".join(repr(list(point)) for point in config.points)
        lines += [
            f"own = np.array([\n    {rows},\n])",
            "X, y = np.concatenate([X, own[:, :2]]), np.concatenate([y, own[:, 2]])",
        ]
    lines += [
        "order = rng.permutation(len(X))",
        "X, y = X[order].astype(np.float32), y[order, None].astype(np.float32)",
        f"n_train = round(len(X) * {config.ratio} / 100)",
        "X = features(X)",
    ]
    return "\n".join(lines)


def _features(config: Config) -> str:
    chosen = ", ".join(FEATURES[name] for name in config.features)
    return f"def features(X):\n    return np.stack([{chosen}], axis=1)"


def _network(config: Config) -> str:
    layers = "".join(
        f"    nn.{name}({', '.join(map(repr, arguments))}),\n" for name, arguments in layers_of(config)
    )
    edits = "".join(_edit(config, *edit) for edit in config.edits)
    return f"nn.manual_seed({config.start})\nmodel = nn.Sequential(\n{layers})\n{edits}"


def _edit(config: Config, layer: int, row: int, column: int, value: float) -> str:
    """A first weight that was set by hand."""
    linear = [i for i, (name, _) in enumerate(layers_of(config)) if name == "Linear"]
    parameter = f"bias.data[{row}]" if column == -1 else f"weight.data[{row}, {column}]"
    return f"model[{linear[layer]}].{parameter} = {value!r}\n"


def _optimizer(config: Config) -> str:
    made = call(f"nn.optim.{config.optimizer}", optimizer_options(config), "model.parameters()")
    lines = [f"optimizer = {made}"]
    if config.schedule != "constant":
        options = SCHEDULES[config.schedule](config.rate)
        lines.append(f"schedule = {call(f'nn.optim.lr_scheduler.{config.schedule}', options, 'optimizer')}")
    return "\n".join(lines)


def _loss(config: Config) -> str:
    loss = "nn.functional.mse_loss(model(X[rows]), y[rows]) / 2"
    if not config.strength or config.regularization == "none":
        return f"def loss_of(rows):\n    return {loss}"
    size = "np.sum(np.abs(w))" if config.regularization == "L1" else "np.sum(w**2) / 2"
    lines = [
        "def loss_of(rows):",
        f"    loss = {loss}",
        "    for layer in model:",
        "        if isinstance(layer, nn.Linear):",
        "            w = layer.weight",
        f"            loss = loss + {config.strength!r} * {size}",
        "    return loss",
    ]
    return "\n".join(lines)


def _loop(config: Config, steps: int) -> str:
    scheduled, plateau = config.schedule != "constant", config.schedule == "ReduceLROnPlateau"
    lines = [
        f"shuffles, batch = np.random.default_rng({config.start}), min({config.batch}, n_train)",
        "steps = epoch = 0" if scheduled else "steps = 0",
        f"while steps < {steps}:",
        "    order = shuffles.permutation(n_train)",
        *(["    losses = []"] if plateau else []),
        "    for i in range(0, n_train - batch + 1, batch):",
        f"        if steps == {steps}:",
        "            break",
        "        rows = order[i : i + batch]",
        "        losses.append(optimizer.step(closure).item())"
        if plateau
        else "        optimizer.step(closure)",
        "        steps += 1",
    ]
    if scheduled:
        lines += [
            "    else:  # the epoch is whole",
            f"        if epoch < {SCHEDULED}:",
            f"            schedule.step({'np.mean(losses)' if plateau else ''})",
            "        epoch += 1",
        ]
    return "\n".join(lines)


def _end() -> str:
    return """\
model.eval()
outputs = model(X).numpy()
errors = np.square(outputs - y) / 2
print(f"training loss {errors[:n_train].mean():.6f}, test loss {errors[n_train:].mean():.6f}")
"""
