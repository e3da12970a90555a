"""Models as ONNX files, for the runtimes of other languages and machines; and ONNX files as modules.

>>> import numpy as np, nn, nn.onnx
>>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
>>> x = np.ones((3, 4), np.float32)
>>> nn.onnx.export(model, x, "model.onnx", dynamic_axes={"input_0": {0: "batch"}})  # doctest: +SKIP
>>> again = nn.onnx.load("model.onnx")                                            # doctest: +SKIP

This package needs onnx: `pip install 'autograd-lite[onnx]'`.
"""

from autograd_lite.errors import MissingPackageError

try:
    from .exporting import export
    from .loading import load
except ModuleNotFoundError as error:
    if error.name != "onnx":
        raise
    raise MissingPackageError("nn.onnx needs onnx: pip install 'autograd-lite[onnx]'") from error

__all__ = ["export", "load"]
