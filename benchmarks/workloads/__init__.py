"""One module for each workload; `workload(quick)` describes it."""

from __future__ import annotations

from collections.abc import Callable

from ..runner import Workload
from . import chain, cnn, convolution, depth, importing, lookup, neuron

WORKLOADS: dict[str, Callable[[bool], Workload]] = {
    "neuron": neuron.workload,
    "chain": chain.workload,
    "functions": chain.functions,
    "numbers": lookup.numbers,
    "rows": lookup.rows,
    "convolution": convolution.workload,
    "cnn": cnn.workload,
    "import": importing.workload,
    "depth": depth.workload,
}
