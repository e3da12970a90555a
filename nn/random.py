"""The one generator that initial weights, shuffling and dropout draw from.

>>> manual_seed(0)
>>> a = generator.random(3)
>>> manual_seed(0)
>>> bool((generator.random(3) == a).all())
True
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import OptionError
from autograd_lite.torch_names import TorchNames

from .options import check_whole
from .undo import undone

__all__ = ["as_generator", "draw", "drawn_from", "generator", "manual_seed", "sample_generator", "seeded"]

generator = np.random.default_rng()
"""Draw from this object itself: `manual_seed` sets its state, so a reference to it stays valid."""

ag.preserve(
    lambda: generator.bit_generator.state, lambda state: setattr(generator.bit_generator, "state", state)
)
_locks = WeakSet([generator.bit_generator.lock])
"""The locks of all generators that `nn` has made; a thread holds the lock while it draws."""

_held: list[Any] = []


def seeded(seed: int) -> np.random.Generator:
    """A new generator with this seed, which also works in a forked process."""
    made = np.random.default_rng(seed)
    _locks.add(made.bit_generator.lock)
    return made


def _before_fork() -> None:
    """Wait until no thread draws: in a forked process, nobody would release a lock that was held."""
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)

_of_samples: ContextVar[np.random.Generator] = ContextVar("of_samples", default=generator)


def manual_seed(seed: int) -> None:
    """Seed the random numbers of `nn`, so that the same program gives the same numbers.

    Args:
        seed: an int that is not negative.

    Raises:
        OptionError: the seed is invalid.

    Example:
        >>> import nn
        >>> nn.manual_seed(1)
        >>> w = nn.Linear(2, 2).weight.numpy()
        >>> nn.manual_seed(1)
        >>> bool((nn.Linear(2, 2).weight.numpy() == w).all())
        True
    """
    check_whole("manual_seed", "seed", seed, least=0)
    generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def as_generator(who: str, value: object) -> np.random.Generator:
    """The generator that an option `generator=` names.

    Args:
        who: the function or class that got the option.
        value: None for the generator of `nn`, a Generator, or an int that seeds a new one.

    Raises:
        OptionError: the value is none of these.
    """
    if value is None:
        return generator
    if isinstance(value, np.random.Generator):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return seeded(int(value))
    raise OptionError(
        f"{who}(generator={value!r}): expected a NumPy Generator or a seed, e.g. "
        "generator=np.random.default_rng(0)"
    )


@ag.replayed(writes="nothing")
def draw(name: str, *args: Any, **options: Any) -> Any:
    """Draw from `generator`: `draw("random", 3)` is `generator.random(3)`; one step of a plan."""
    return getattr(generator, name)(*args, **options)


def sample_generator() -> np.random.Generator:
    """The generator that random transforms of samples draw from: see `drawn_from`."""
    return _of_samples.get()


@contextmanager
def drawn_from(numbers: np.random.Generator) -> Iterator[None]:
    """Inside `with`, random transforms of samples draw from `numbers`.

    A loader that works ahead makes samples while the model draws its dropout masks. With one generator
    for both, the order of the draws would depend on timing, and no seed could repeat a run.
    """
    before = _of_samples.get()
    with undone(lambda: _of_samples.set(before)):
        _of_samples.set(numbers)
        yield


def _filled_with(draw: Callable[..., Any]) -> Callable[..., Any]:
    def fill(self: Any, *args: Any, generator: Any = None, **options: Any) -> Any:
        return self.fill_(draw(as_generator("fill", generator), *args, size=self.shape, **options))

    return fill


# PyTorch's methods that fill a Tensor, or its data, with random numbers.
TorchNames.uniform_.give(_filled_with(lambda rng, from_=0.0, to=1.0, *, size: rng.uniform(from_, to, size)))
TorchNames.normal_.give(_filled_with(lambda rng, mean=0.0, std=1.0, *, size: rng.normal(mean, std, size)))
TorchNames.bernoulli_.give(_filled_with(lambda rng, p=0.5, *, size: rng.random(size) < p))
TorchNames.exponential_.give(_filled_with(lambda rng, lambd=1.0, *, size: rng.exponential(1 / lambd, size)))
