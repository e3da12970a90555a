"""Makes the list in pytorch.md of what nn.torch leaves out, and why. Run `python -m docs.left_out`.

The names come from PyTorch, which must be installed. `tests/nn/torch/test_left_out.py` fails when a
name is neither here nor in the table below, when a pattern fits no name, or when the page is out of date.
"""

from __future__ import annotations

import importlib
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

PAGE = Path(__file__).with_name("pytorch.md")
BEGIN, END = "<!-- left out: begin -->", "<!-- left out: end -->"

HOMES = {
    "torch": "torch",
    "torch.Tensor": "torch:Tensor",
    "torch.nn": "torch.nn",
    "torch.nn.functional": "torch.nn.functional",
    "torch.optim": "torch.optim",
    "torch.linalg": "torch.linalg",
    "torch.fft": "torch.fft",
    "torch.special": "torch.special",
    "torch.utils.data": "torch.utils.data",
}
"""The namespaces that are compared: a module, or a class in a module."""

REASONS: dict[str, str] = {
    "TorchScript, tracing and compilers of PyTorch; `torch.compile` is here": r"""
        jit .*Type .*Script.* .*ErrorReport Graph.* Node Block Value Use Argument.* AliasDb Code
        CallStack Capsule .*Dict(Key)?(Iterator)? CompilationUnit CompleteArgumentSpec
        ConcreteModule.* ExecutionPlan Deserialization.* Serialization.* DispatchKey.* Exclude.*
        FileCheck FunctionSchema Future Gradient IODescriptor JITException .*Logger.* LockingLogger
        NoopLogger OperatorInfo PyTorchFile.* StaticModule ThroughputBenchmark TracingState Tag
        AggregationType AVG SUM Await.* Benchmark.* InferredType import_ir_module.* parse_.*
        merge_type.* unify_type.* ops library classes fx export package compiler fork wait futures
        cond while_loop sym_.* Sym.* overrides cpp compiled_with_cxx11_abi .*handle_torch_function.*
        .*has_torch_function.* boolean_dispatch BroadcastingList.* slice_inverse
        DisableTorchFunction.* get_file_path import_ir.* PRIVATE_OPS USE_.* classproperty
        DeepCopyMemoTable as_subclass hash_tensor init_num_threads FatalError cudnn_is_acceptable
        module_load""",
    "quantized networks": r"""
        q_.* qint.* quint.* qscheme QInt.* QUInt.* .*quantiz.* .*quant$ fake_quant.* fbgemm.*
        int_repr dequantize choose_qparams.* per_channel.* per_tensor.* fused_moving.* ao qat
        intrinsic reinforce""",
    "kernels of other back-ends": r"""
        cudnn_.* miopen_.* mkldnn_.* native_.* batch_norm_.* xpu mtia ipu is_ipu is_xpu is_xla
        is_mtia is_maia is_mkldnn is_vulkan.* to_mkldnn mps cpu.* AcceleratorError Event Stream.*
        DeviceObjType record_stream thread_safe_generator scaled_.* grouped_mm ScalingType
        SwizzleType conv_tbc convolution .*_affine_grid_generator affine_grid_generator
        grid_sampler.* has_.* OutOfMemoryError get_device.* .*_autocast_.* set_autocast_.*
        is_autocast_.* autocast_.* clear_autocast_cache quasirandom norm_except_dim constant_pad_nd
        embedding_renorm_ .*_with_indices segment_reduce saddmm (lstm|gru|rnn_tanh|rnn_relu)(_cell)?
        GRID_SAMPLE.*""",
    "copies of views: write `x.f(...).clone()`": r".*_copy unsafe_.* as_strided_.*",
    "sparse, nested, masked and named Tensors": r"""
        .*sparse.* .*_indices indices values coalesce is_coalesced dense_dim jagged nested masked
        is_nested to_padded_tensor smm hsmm hspmm dsmm sspaddmm to_dense resize_as_sparse_
        layout""",
    "dtypes that NumPy lacks": r"float8.* float4.* bits.* bit u?int[1-7] complex32 chalf bfloat16 BFloat16.*",
    "the memory of PyTorch": r"""
        .*Storage.* storage.* untyped_storage memory_format dim_order set_ is_shared const_data_ptr
        map2_ grad_dtype output_nr to_dlpack from_file legacy_contiguous_format
        is_inference is_distributed is_neg new_empty_strided index volatile retains_grad
        empty_quantized empty_permuted is_warn_always_enabled
        set_warn_always .*deterministic.* is_anomaly.* set_anomaly.*""",
    "processes, profilers, hubs and other tools around PyTorch": r"""
        multiprocessing monitor hub profiler.* testing futures types serialization torch_version
        return_types signal windows prepare_multiprocessing_environment functional""",
    "names that are only for the documentation or the imports of PyTorch": r"""
        .*_notes common_args factory_.* multi_dim_common TYPE_CHECKING Tensor DType Callable
        Optional torch assert_int_or_pair common_types attention sparse_support_notes datapipes
        graph.* .*DataPipe.* DFIterDataPipe DataChunk runtime_validation.* argument_validation
        .*determinism functional_datapipe non_deterministic swap_in_optimizer_params_and_state
        Container .*_args""",
    "rarely used functions of linear algebra: NumPy's and SciPy's take `x.numpy()`": r"""
        eig symeig lu.* lstsq solve solve_ex geqrf orgqr ormqr householder_product ldl_.* lobpcg
        matrix_rank svd_lowrank pca_lowrank nuclear_norm frobenius_norm h.*fft2 h.*fftn ihfft.*""",
    "rarely used functions: write them with those that are here": r"""
        airy_ai .*chebyshev.* hermite.* laguerre.* legendre.* modified_bessel.* scaled_modified.*
        spherical.* histogramdd nonzero_static gradient kaiser_window stft istft hardshrink prelu
        resize_as igammac?_ gcd_ lcm_ nextafter_ polygamma_? renorm_ celu_
        feature_dropout .*dropout_ (selu|rrelu|threshold)_ linear_cross_entropy
        LinearCrossEntropy.* fractional_max_pool.* FractionalMaxPool.* UninitializedBuffer grad""",
}
"""Why names are left out, and their patterns. The first reason whose pattern fits a name counts."""


def missing() -> dict[str, list[str]]:
    """The public names of PyTorch that are not here, by namespace."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, where in HOMES.items():
            module, _, attribute = where.partition(":")
            theirs: Any = importlib.import_module(module)
            ours: Any = importlib.import_module(f"nn.{module}")
            if attribute:
                theirs, ours = getattr(theirs, attribute), getattr(ours, attribute)
            names = [name for name in dir(theirs) if not name.startswith("_")]
            found[title] = [n for n in names if not _foreign(theirs, n) and not _there(ours, n)]
    return found


def _there(home: Any, name: str) -> bool:
    try:
        getattr(home, name)
    except AttributeError:
        return False
    return True


def _foreign(home: Any, name: str) -> bool:
    """Whether a name is a module of another package, or one that PyTorch imports only when it is needed."""
    value = getattr(home, name, None)
    if not isinstance(value, ModuleType):
        return False
    return not value.__name__.startswith("torch") or value.__name__ == "torch.onnx"


def reason_of(name: str) -> str | None:
    """Why a name is left out; None if the table does not say."""
    for reason, patterns in REASONS.items():
        if any(re.fullmatch(pattern, name) for pattern in patterns.split()):
            return reason
    return None


def unused() -> list[str]:
    """The patterns that fit no missing name."""
    names = {name for several in missing().values() for name in several}
    return [
        pattern
        for reason, patterns in REASONS.items()
        for pattern in patterns.split()
        if not any(re.fullmatch(pattern, name) for name in names)
    ]


def text() -> str:
    """The section of the page."""
    groups: dict[str, list[str]] = {reason: [] for reason in REASONS}
    for home, names in missing().items():
        for name in names:
            groups.setdefault(reason_of(name) or "without a reason", []).append(f"{home}.{name}")
    lines = [
        f"- **{reason}** ({len(names)}): {', '.join(f'`{n}`' for n in names)}"
        for reason, names in groups.items()
        if names
    ]
    return "\n".join(lines)


def page() -> str:
    """The page with the section as it is now."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{head}{BEGIN}\n\n{text()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
