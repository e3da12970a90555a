"""A table of a model's layers: output shapes, parameters and multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Tensor, tree
from autograd_lite.errors import DTypeError
from autograd_lite.notebook import quietly, table

from .module import Module
from .undo import evaluating, undone

__all__ = ["Summary", "summary"]

HEAD = ("layer", "output", "parameters", "multiply-adds")


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        path: the path in the model; empty for the model itself.
        kind: the name of the class.
        output: the shape or shapes of the last output; None if the layer was not called.
        parameters: the number of learned numbers, submodules included; shared parameters count once.
        multiply_adds: the multiply-adds of the forward pass, over all calls.
        calls: the number of calls.
    """

    path: str
    kind: str
    output: str | None
    parameters: int
    multiply_adds: int
    calls: int


@dataclass(frozen=True)
class Summary:
    """The result of `summary`; `print` shows a table."""

    rows: list[Row]
    parameters: int
    trainable: int
    bytes: int

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of one forward pass of the whole model."""
        return self.rows[0].multiply_adds

    def _lines(self, indent: str) -> list[tuple[str, ...]]:
        """A line of texts for each layer."""
        lines = []
        for row in self.rows:
            name = row.path.rpartition(".")[2]
            depth = row.path.count(".") + 1 if row.path else 0
            title = f"{indent * depth}{name + ': ' if name else ''}{row.kind}"
            times = f" x{row.calls}" if row.calls > 1 else ""
            counts = [f"{n:,}" if n else "" for n in (row.parameters, row.multiply_adds)]
            lines.append((title, (row.output or "not called") + times, *counts))
        return lines

    def _total(self) -> str:
        frozen = self.parameters - self.trainable
        return (
            f"{self.parameters:,} parameters ({self.bytes / 1e6:.2f} MB)"
            + (f", of which {frozen:,} are frozen" if frozen else "")
            + f"; {self.multiply_adds:,} multiply-adds"
        )

    def __str__(self) -> str:
        lines = [HEAD, *self._lines("  ")]
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        text = [
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * (sum(widths) + 6)
        return "\n".join([text[0], rule, *text[1:], rule, self._total()])

    @quietly
    def _repr_html_(self) -> str:
        return table(HEAD, self._lines("    "), "llrr", self._total())

    __repr__ = __str__


def summary(model: Module, *inputs: Any) -> Summary:
    """Call a model on inputs, and list the output shape and the cost of each layer.

    Args:
        model: the model. The call runs in evaluation mode, records nothing and changes nothing.
        inputs: the arguments of the call, e.g. a batch with one sample.

    Raises:
        DTypeError: `model` is not a module, or `inputs` is empty or a shape.

    Example:
        >>> import numpy as np, nn
        >>> model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
        >>> print(nn.summary(model, np.zeros((1, 784), np.float32)))
        layer        output    parameters  multiply-adds
        ------------------------------------------------
        Sequential   (1, 10)       79,510         79,400
          0: Linear  (1, 100)      78,500         78,400
          1: ReLU    (1, 100)
          2: Linear  (1, 10)        1,010          1,000
        ------------------------------------------------
        79,510 parameters (0.32 MB); 79,400 multiply-adds
    """
    if not isinstance(model, Module):
        raise DTypeError(f"summary: expected a module, got a {type(model).__name__}; write summary(model, x)")
    shape = inputs[0] if len(inputs) == 1 else None
    if not inputs or (isinstance(shape, tuple) and all(isinstance(n, int) for n in shape)):
        raise DTypeError(
            "summary: the model is called, so it needs an input, e.g. "
            f"nn.summary(model, np.zeros({shape or '(1, ...)'}, np.float32))"
        )
    calls: dict[Module, list[tuple[Any, int]]] = {module: [] for module in model.modules()}

    def hook(module: Module, args: tuple[Any, ...], output: Any) -> None:
        calls[module].append((output, module.multiply_adds(args, output)))

    handles: list[Any] = []
    with evaluating(model), undone(lambda: [handle.remove() for handle in handles]), ag.no_grad():
        handles.extend(module.register_forward_hook(hook) for module in calls)
        model(*inputs)
    rows = [
        Row(
            path,
            type(module).__name__,
            _shapes(calls[module][-1][0]) if calls[module] else None,
            sum(p.size for p in module.parameters()),
            sum(cost for part in module.modules() for _, cost in calls[part]),
            len(calls[module]),
        )
        for path, module in model.named_modules()
    ]
    parameters = list(model.parameters())
    return Summary(
        rows,
        sum(p.size for p in parameters),
        sum(p.size for p in parameters if p.requires_grad),
        sum(p.nbytes for p in parameters),
    )


def _shapes(output: Any) -> str:
    arrays = [x for x in tree.flatten(output)[0] if isinstance(x, (Tensor, np.ndarray))]
    return ", ".join(str(x.shape) for x in arrays)
