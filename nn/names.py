"""Names of other libraries for layers, losses, optimizers and methods, and what to write here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from autograd_lite.words import names

__all__ = [
    "MODULE_METHODS",
    "OPTIMIZER_METHODS",
    "TRAINER_METHODS",
    "called_module",
    "hints_of",
    "instead_of_a_layer",
]

called_module = names.called_module

FOREIGN_NAMES = {
    "Activation": "nn.ReLU(), nn.Tanh(), ...: each activation is a layer",
    "Add": "x + y, in the forward of a class that inherits from nn.Module",
    "AveragePooling1D": "nn.AvgPool1d(kernel_size)",
    "AveragePooling2D": "nn.AvgPool2d(kernel_size)",
    "BatchNorm": "nn.BatchNorm1d(features), or for images nn.BatchNorm2d(channels)",
    "BatchNormalization": "nn.BatchNorm1d(features), or for images nn.BatchNorm2d(channels)",
    "Bidirectional": "nn.LSTM(input_size, hidden_size, bidirectional=True)",
    "BinaryCrossentropy": "nn.BCEWithLogitsLoss()",
    "CategoricalCrossentropy": "nn.CrossEntropyLoss(), with no softmax before it",
    "Concatenate": "np.concatenate([x, y], axis=1), in the forward of a class that inherits from nn.Module",
    "Conv1D": "nn.Conv1d(in_channels, out_channels, kernel_size)",
    "Conv2D": "nn.Conv2d(in_channels, out_channels, kernel_size)",
    "Dense": "nn.Linear(in_features, out_features)",
    "GaussianNoise": "x + sigma * np.random.default_rng().normal(size=x.shape), in the forward "
    "of a class that inherits from nn.Module",
    "GlobalAveragePooling2D": "nn.AdaptiveAvgPool2d(1), then nn.Flatten()",
    "Input": "nothing: the first layer has the size of the input, e.g. nn.Linear(in_features, out_features)",
    "Layer": "nn.Module",
    "LayerNormalization": "nn.LayerNorm(features)",
    "MLP": "nn.Sequential(nn.Linear(in_features, 32), nn.ReLU(), nn.Linear(32, out_features))",
    "MLPClassifier": "nn.Sequential(...) and nn.Trainer(model, nn.CrossEntropyLoss(), optimizer)",
    "MLPRegressor": "nn.Sequential(...) and nn.Trainer(model, nn.MSELoss(), optimizer)",
    "MAE": "nn.L1Loss()",
    "MSE": "nn.MSELoss()",
    "MaxPooling1D": "nn.MaxPool1d(kernel_size)",
    "MaxPooling2D": "nn.MaxPool2d(kernel_size)",
    "MeanAbsoluteError": "nn.L1Loss()",
    "MeanSquaredError": "nn.MSELoss()",
    "Model": "nn.Module, or nn.Sequential(...)",
    "Reshape": "nn.Unflatten(1, shape)",
    "SimpleRNN": "nn.RNN(input_size, hidden_size)",
    "SparseCategoricalCrossentropy": "nn.CrossEntropyLoss(), with no softmax before it",
    "Swish": "nn.SiLU()",
    "Tensor": "ag.Tensor, after import autograd_lite as ag",
    "UpSampling2D": "nn.Upsample(scale_factor=2)",
    "accuracy_score": "nn.metrics.accuracy(output, target)",
    "fit": "nn.Trainer(model, loss, optimizer).fit(X, y)",
    "grad": "ag.grad, after import autograd_lite as ag",
    "load_model": "model.load_state_dict(nn.load(path))",
    "no_grad": "ag.no_grad(), after import autograd_lite as ag",
    "save_model": "nn.save(model.state_dict(), path)",
    "seed": "nn.manual_seed(seed)",
    "set_seed": "nn.manual_seed(seed)",
    "tensor": "ag.Tensor, after import autograd_lite as ag",
    "train": "nn.Trainer(model, loss, optimizer).fit(X, y)",
    # functions
    "binary_crossentropy": "nn.functional.binary_cross_entropy(p, target)",
    "bce": "nn.functional.binary_cross_entropy(p, target)",
    "categorical_crossentropy": "nn.functional.cross_entropy(scores, target)",
    "dense": "nn.functional.linear(x, weight, bias)",
    "flatten": "x.flatten(1), or np.reshape(x, (len(x), -1))",
    "l2_loss": "nn.functional.mse_loss(output, target)",
    "logsumexp": "ag.logsumexp(x), after import autograd_lite as ag",
    "mae": "nn.functional.l1_loss(output, target)",
    "mse": "nn.functional.mse_loss(output, target)",
    "one_hot_encode": "nn.functional.one_hot(target)",
    "sparse_categorical_crossentropy": "nn.functional.cross_entropy(scores, target)",
    "to_categorical": "nn.functional.one_hot(target)",
    "swish": "nn.functional.silu(x)",
    # parts
    "activations": "nn.functional",
    "initializers": "nn.init",
    # initial values
    "GlorotNormal": "nn.init.xavier_normal_(w)",
    "GlorotUniform": "nn.init.xavier_uniform_(w)",
    "HeNormal": "nn.init.kaiming_normal_(w)",
    "HeUniform": "nn.init.kaiming_uniform_(w)",
    "glorot_normal": "nn.init.xavier_normal_(w)",
    "glorot_uniform": "nn.init.xavier_uniform_(w)",
    "he_normal": "nn.init.kaiming_normal_(w)",
    "he_uniform": "nn.init.kaiming_uniform_(w)",
    # optimizers
    "GradientDescent": "nn.optim.SGD(model.parameters(), lr=0.1)",
    "GradientDescentOptimizer": "nn.optim.SGD(model.parameters(), lr=0.1)",
    "Momentum": "nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)",
    "Nadam": "nn.optim.NAdam(model.parameters())",
    "adagrad": "nn.optim.Adagrad(model.parameters())",
    "adam": "nn.optim.Adam(model.parameters())",
    "lbfgs": "nn.optim.LBFGS(model.parameters())",
    "optimizer": "nn.optim.Optimizer",
    "rprop": "nn.optim.Rprop(model.parameters())",
    "sgd": "nn.optim.SGD(model.parameters(), lr=0.1)",
}
"""What to write for names of layers, losses and optimizers in Keras, JAX, scikit-learn and PyTorch."""

MODULE_METHODS = {
    "add": "model.append(layer), of a Sequential",
    "backward": "loss.backward(), of the loss that was computed from model(x)",
    "compile": "trainer = nn.Trainer(model, loss, optimizer)",
    "evaluate": "nn.Trainer(model, loss, optimizer).evaluate(X, y)",
    "fit": "nn.Trainer(model, loss, optimizer).fit(X, y)",
    "freeze": "model.requires_grad_(False)",
    "get_weights": "model.state_dict()",
    "layers": "list(model.children())",
    "load": "model.load_state_dict(nn.load(path))",
    "load_weights": "model.load_state_dict(nn.load(path))",
    "partial_fit": "nn.Trainer(model, loss, optimizer).fit(X, y, epochs=1)",
    "predict": "model(X) after model.eval(), or nn.Trainer(model, loss, optimizer).predict(X)",
    "predict_proba": "nn.functional.softmax(model(X), dim=1)",
    "num_parameters": "sum(p.size for p in model.parameters())",
    "count_params": "sum(p.size for p in model.parameters())",
    "save": "nn.save(model.state_dict(), path)",
    "save_weights": "nn.save(model.state_dict(), path)",
    "score": "nn.Trainer(model, loss, optimizer, metrics=['accuracy']).evaluate(X, y)",
    "set_weights": "model.load_state_dict(state)",
    "step": "optimizer.step()",
    "summary": "nn.summary(model, x)",
    "train_on_batch": "optimizer.zero_grad(); loss(model(x), y).backward(); optimizer.step()",
    "train_step": "optimizer.zero_grad(); loss(model(x), y).backward(); optimizer.step()",
    "trainable_variables": "list(model.parameters())",
    "trainable_weights": "list(model.parameters())",
    "data": "layer.weight.data",
    "dtype": "layer.weight.dtype",
    "grad": "layer.weight.grad",
    "ndim": "layer.weight.ndim",
    "shape": "layer.weight.shape",
    "unfreeze": "model.requires_grad_(True)",
    "weights": "list(model.parameters())",
}
"""What to write for methods of other libraries' models."""

OPTIMIZER_METHODS = {
    "apply_gradients": "optimizer.step()",
    "backward": "loss.backward()",
    "clip_grad_norm": "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
    "get_lr": 'optimizer.param_groups[0]["lr"]',
    "learning_rate": 'optimizer.param_groups[0]["lr"]',
    "lr": 'optimizer.param_groups[0]["lr"]',
    "minimize": "optimizer.zero_grad(); loss.backward(); optimizer.step()",
    "parameters": 'optimizer.param_groups[0]["params"]',
    "params": 'optimizer.param_groups[0]["params"]',
    "set_lr": 'optimizer.param_groups[0]["lr"] = lr',
}
"""What to write for methods of other libraries' optimizers."""

TRAINER_METHODS = {
    "compile": "nn.Trainer(model, loss, optimizer)",
    "load": "nn.load_checkpoint(path, model, optimizer)",
    "load_checkpoint": "nn.load_checkpoint(path, model, optimizer)",
    "save_checkpoint": "nn.save_checkpoint(path, model, optimizer)",
    "score": "trainer.evaluate(X, y)",
    "test": "trainer.evaluate(X, y)",
    "train": "trainer.fit(X, y)",
    "validate": "trainer.evaluate(X, y)",
}
"""What to write for methods of other libraries' training loops."""

LAYERS = {
    "gelu": "nn.GELU()",
    "log_softmax": "nn.LogSoftmax(dim=1)",
    "relu": "nn.ReLU()",
    "sigmoid": "nn.Sigmoid()",
    "softmax": "nn.Softmax(dim=1)",
    "softplus": "nn.Softplus()",
    "tanh": "nn.Tanh()",
}
"""The layer of each function, by the function's name."""

PARTS = (
    "nn",
    "nn.functional",
    "nn.optim",
    "nn.optim.lr_scheduler",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "nn.metrics",
    "nn.data",
    "nn.datasets",
    "nn.models",
    "nn.transforms",
    "nn.robust",
)
"""The modules that are searched for a name that another module does not have."""


def hints_of(module: str) -> Callable[[str], Any]:
    """A `__getattr__` for a module of nn: for a name that the module does not have, say what to write.

    Args:
        module: the name of the module, e.g. "nn.optim".
    """

    def __getattr__(name: str) -> Any:  # noqa: N807  (what it becomes)
        raise names.missing_from_module(module, f"{module}.", name, _meant, lambda: _public(module))

    return __getattr__


def _meant(name: str) -> str:
    """What to write for a name of another library, or of another module of nn."""
    elsewhere = (
        f"{part}.{name}"
        for part in PARTS
        if name in _public(part) and not isinstance(getattr(importlib.import_module(part), name), ModuleType)
    )
    return FOREIGN_NAMES.get(name) or next(elsewhere, "")


def _public(part: str) -> list[str]:
    """The public names of a module of nn, its submodules included."""

    def is_ours(value: Any) -> bool:
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        return str(home).partition(".")[0] == "nn"

    return [name for name, value in vars(importlib.import_module(part)).items() if is_ours(value)]


def instead_of_a_layer(value: Any) -> str:
    """What the user gave in place of a layer, and what to write."""
    name = value if isinstance(value, str) else getattr(value, "__name__", "")
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__}; give the layers one by one: nn.Sequential(*layers)"
    if isinstance(value, type):
        return f"the class {name}; write {name}()"
    if name in LAYERS:
        return f"{'a string' if name is value else f'the function {name}'}; write {LAYERS[name]}"
    if name and callable(value):
        return f"the function {name}; make it the forward of a class that inherits from nn.Module"
    return f"a {type(value).__name__}; write an object of a class that inherits from nn.Module"
