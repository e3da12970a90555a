"""What classifier and regressor share: their parameters, and a fit."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from autograd_lite.errors import DTypeError, OptionError

from .. import losses, optim
from ..module import Module
from ..random import generator, manual_seed
from ..training.callback import Callback
from ..training.trainer import Trainer
from ..training.watching import EarlyStopping, ModelCheckpoint
from ..undo import undone
from .criterion import Indexed
from .mlp import mlp

__all__ = ["Estimator"]

Array = npt.NDArray[Any]

PARTS = ("module__", "criterion__", "optimizer__")
"""What the names of options begin with that go to the module, the criterion and the optimizer."""

_one_at_a_time = threading.RLock()
"""Held by a fit with a seed: the generator of `nn` is one for all threads."""


class Estimator(BaseEstimator):  # type: ignore[misc]
    """The parameters of a network and of its training; see `Classifier` and `Regressor`."""

    module: Any
    criterion: Any
    optimizer: Any
    lr: float
    max_epochs: int
    batch_size: int | str
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    callbacks: Any
    warm_start: bool
    _random: Any
    random_state: Any
    verbose: bool
    compile: bool

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Store the arguments of the constructor, its `locals()`, as they are."""
        parameters, options = dict(arguments), arguments["options"]
        del parameters["self"], parameters["options"]
        for name, value in (*parameters.items(), *options.items()):
            setattr(self, name, value)
        unknown = [name for name in options if not name.startswith(PARTS)]
        if unknown:  # refused by a fit, since scikit-learn's constructors raise nothing
            self._unknown = unknown

    @property
    def expected_failed_checks(self) -> dict[str, str]:
        """The checks of scikit-learn that can't apply, with the reasons; none with the default parameters."""
        failed = {}
        if any(name.startswith(PARTS) for name in vars(self)):
            failed["check_no_attributes_set_in_init"] = "options of the parts are attributes, as in skorch"
        if self._watched():
            failed["check_sample_weight_equivalence_on_dense_data"] = (
                "a sample that is repeated or removed changes which samples are kept for validation"
            )
        return failed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.module is not None
        return tags

    # -- parameters, as scikit-learn reads and writes them -----------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, also those of the parts: `module__hidden`."""
        unknown = getattr(self, "_unknown", ())
        own = {name: v for name, v in vars(self).items() if name.startswith(PARTS) or name in unknown}
        return {**super().get_params(deep=False), **own}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, also those of the parts: `set_params(module__hidden=(50,))`."""
        for name in params:
            if name.startswith(PARTS):
                setattr(self, name, params[name])
        super().set_params(**{name: value for name, value in params.items() if not name.startswith(PARTS)})
        return self

    def _options(self, part: str) -> dict[str, Any]:
        """The options of a part: of `module__hidden` the entry `hidden`."""
        return {name.removeprefix(part): v for name, v in vars(self).items() if name.startswith(part)}

    # -- the parts ---------------------------------------------------------------------------------

    def _module(self, in_features: int, out_features: int, dtype: Any) -> Module:
        """A new network; a module that has arguments `in_features` and `out_features` gets the sizes."""
        options = self._options("module__")
        if isinstance(self.module, Module):
            if options:
                raise OptionError(
                    f"module__{next(iter(options))} is an option of a class or function; {self.module!r} is "
                    "made already: give its class"
                )
            return copy.deepcopy(self.module)
        make = mlp if self.module is None else self.module
        if not callable(make):
            raise DTypeError(f"module is {make!r}; give a Module, or a class or function that makes one")
        known = inspect.signature(make).parameters
        for name, value in (("in_features", in_features), ("out_features", out_features)):
            if name in known:
                options.setdefault(name, value)
        made = make(**options)
        if not isinstance(made, Module):
            raise DTypeError(f"module={make!r} returned {type(made).__name__}, not a Module")
        return made.to(dtype) if self.module is None else made

    def _criterion(self) -> Any:
        options = self._options("criterion__")
        given = getattr(losses, self.criterion, None) if isinstance(self.criterion, str) else self.criterion
        if given is None:
            raise OptionError(f"criterion={self.criterion!r}: nn has no loss of this name")
        if isinstance(given, type):
            return given(**options)
        if options:
            raise OptionError(
                f"criterion__{next(iter(options))} is an option of a class; criterion is {given!r}"
            )
        return copy.deepcopy(given) if isinstance(given, Module) else given

    def _optimizer(self, module: Module) -> Any:
        given = getattr(optim, self.optimizer, None) if isinstance(self.optimizer, str) else self.optimizer
        if given is None:
            raise OptionError(f"optimizer={self.optimizer!r}: nn.optim has no optimizer of this name")
        return given(module.parameters(), **{"lr": self.lr, **self._options("optimizer__")})

    # -- data --------------------------------------------------------------------------------------

    def _validated(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Array, Array]:
        """Inputs and targets as arrays; images and sequences for a module of one's own."""
        if hasattr(self, "_unknown"):
            raise OptionError(
                f"{type(self).__name__} has no parameter {', '.join(self._unknown)}; options of the parts "
                f"begin with {', '.join(PARTS)}"
            )
        return validate_data(  # type: ignore[no-any-return]
            self,
            X,
            y,
            reset=reset,
            dtype=[np.float64, np.float32],
            allow_nd=True,
            multi_output=True,
            **options,
        )

    def _outputs(self, X: Any) -> Array:
        """The outputs of the network for samples, in evaluation mode."""
        check_is_fitted(self, "module_")
        inputs: Array = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], allow_nd=True)
        return Trainer(self.module_, losses.MSELoss(), self.optimizer_).predict(inputs)

    # -- a fit -------------------------------------------------------------------------------------

    def _trained(
        self, X: Array, targets: Array, weights: Any, out_features: int, anew: bool, epochs: int
    ) -> None:
        """Train a new or the present network; targets as the criterion takes them."""
        if weights is not None:
            weights = _check_sample_weight(weights, X, ensure_non_negative=True)
        with self._numbers(anew):
            if anew:
                self.module_ = self._module(X.shape[1], out_features, X.dtype)
                self.optimizer_ = self._optimizer(self.module_)
                self.history_: dict[str, list[float]] = {}
            kept, held = self._split(len(X), targets)
            loss = Indexed(self._criterion(), targets, weights)
            trainer = Trainer(
                self.module_, loss, self.optimizer_, callbacks=self._callbacks(), compile=self.compile
            )
            batch = min(200, len(kept)) if self.batch_size == "auto" else self.batch_size
            validation = (X[held], held) if len(held) else None
            found = trainer.fit(X[kept], kept, epochs, batch, validation, verbose=bool(self.verbose))  # type: ignore[arg-type]
        for name, values in found.items():
            self.history_.setdefault(name, []).extend(values)
        self.n_iter_, self.loss_ = len(self.history_["loss"]), self.history_["loss"][-1]

    def _split(self, n: int, targets: Array) -> tuple[Array, Array]:
        """The numbers of the samples for training, and of those kept for early stopping."""
        everything = np.arange(n)
        if not self._watched():
            return everything, everything[:0]
        held = round(self.validation_fraction * n)
        if not 0 < held < n:
            raise OptionError(
                f"early stopping with validation_fraction={self.validation_fraction} leaves {n - held} "
                f"of {n} samples for training; both parts need some: give more samples or another fraction"
            )
        order = generator.permutation(n)
        return np.sort(order[held:]), np.sort(order[:held])

    def _given(self) -> list[Callback]:
        """The callbacks of the user."""
        return [self.callbacks] if isinstance(self.callbacks, Callback) else list(self.callbacks or ())

    def _watched(self) -> bool:
        """Whether someone watches the loss of samples that are kept from training."""
        watching = [c.watched for c in self._given() if isinstance(c, (EarlyStopping, ModelCheckpoint))]
        return self.early_stopping or any(best and best.monitor.startswith("val_") for best in watching)

    def _callbacks(self) -> list[Callback]:
        stop = EarlyStopping("val_loss", min_delta=self.tol, patience=self.n_iter_no_change)
        return [*copy.deepcopy(self._given()), *([stop] if self.early_stopping else [])]

    @contextmanager
    def _numbers(self, anew: bool) -> Iterator[None]:
        """With `random_state`, `nn` draws from a seed of its own inside of `with`."""
        if self.random_state is None:
            yield
            return
        with _one_at_a_time:
            before = generator.bit_generator.state

            def undo() -> None:
                generator.bit_generator.state = before

            with undone(undo):
                if anew or not hasattr(self, "_random"):
                    manual_seed(int(check_random_state(self.random_state).randint(2**31)))
                else:
                    generator.bit_generator.state = self._random
                yield
                self._random = generator.bit_generator.state

    def _anew(self) -> bool:
        """Whether a fit begins with a new network."""
        return not (self.warm_start and hasattr(self, "module_"))
