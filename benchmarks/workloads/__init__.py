"""One module for each workload; `workload(quick)` describes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..libraries import EAGER
from ..workload import Workload
from . import (
    batches,
    blocks,
    chain,
    cnn,
    compiled,
    convolution,
    curvature,
    depth,
    elementwise,
    importing,
    lookup,
    loops,
    lstm,
    machine,
    memory,
    mlp,
    neuron,
    scalars,
    sparse,
    taylor,
    tiny,
)

WORKLOADS: dict[str, Callable[[bool], Workload]] = {
    "gemm": machine.gemm,
    "copy": machine.copy,
    "neuron": neuron.workload,
    "chain": chain.workload,
    "functions": chain.functions,
    "numbers": lookup.numbers,
    "rows": lookup.rows,
    "convolution": convolution.workload,
    "cnn": cnn.workload,
    "scalars": scalars.workload,
    "mlp": mlp.sgd,
    "mlp-adam": mlp.adam,
    "lstm": lstm.layer,
    "lstm-cell": lstm.cell,
    "gelu": elementwise.gelu,
    "gradients": elementwise.gradients,
    **blocks.BLOCKS,
    **compiled.COMPILED,
    "tiny": partial(tiny.workload, (16, 16, 1), 10, "tiny"),
    "tiny-neuron": partial(tiny.workload, (1,), 1, "tiny-neuron"),
    "jacobian": batches.jacobian,
    "per-sample": batches.per_sample,
    "hessian": curvature.workload,
    "sparse": sparse.band,
    "sparse-long": sparse.long,
    "taylor": taylor.workload,
    "loop": loops.time,
    "loop-memory": loops.memory,
    "import": importing.engines,
    "import-nn": importing.with_networks,
    "depth": depth.long,
    "depth-1000": depth.short,
    "memory-mlp": partial(memory.workload, "mlp"),
    "memory-cnn": partial(memory.workload, "cnn"),
    "memory-lstm": partial(memory.workload, "lstm"),
    "memory-compiled": partial(memory.workload, "compiled", peer=EAGER, goal=1.0),
}
