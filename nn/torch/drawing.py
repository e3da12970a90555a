"""Random Tensors. Numbers come from NumPy: a seed gives other numbers than in PyTorch."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import OptionError
from nn.random import as_generator, generator
from nn.random import manual_seed as _seeded

from .creation import finished, number, tensor
from .dtypes import float_of, of
from .functions.registry import METHODS, whole, written
from .tensors import Tensor, as_tensor_of, made

__all__ = [
    "Generator", "bernoulli", "binomial", "default_generator", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm", "seed", "set_rng_state",
]  # fmt: skip


class Generator(np.random.Generator):
    """A NumPy generator with PyTorch's names, for loaders, samplers and functions that draw.

    Args:
        device: "cpu".
    """

    def __init__(self, device: Any = "cpu") -> None:
        ag.Device(device)
        super().__init__(np.random.PCG64())

    device = property(lambda self: ag.Device("cpu"), doc="The CPU.")

    def manual_seed(self, seed: int) -> Generator:
        """Seed the generator."""
        self.bit_generator.state = np.random.PCG64(seed).state
        return self

    def seed(self) -> int:
        """Seed the generator with a random seed, and return that seed."""
        self.manual_seed(chosen := int(np.random.default_rng().integers(2**32)))
        return chosen

    def initial_seed(self) -> int:
        """A seed that follows from the state of the generator."""
        return int(copy.deepcopy(self).integers(2**63))

    def get_state(self) -> Tensor:
        """The state, as a Tensor of bytes."""
        return _packed(self)

    def set_state(self, new_state: Any) -> None:
        """Restore a state."""
        _unpacked(self, new_state)


default_generator = generator


def manual_seed(seed: int) -> np.random.Generator:
    """Seed the random numbers, and return their generator."""
    _seeded(int(seed) % 2**64)
    return generator


def seed() -> int:
    """Seed the random numbers with a random seed, and return that seed."""
    manual_seed(chosen := int(np.random.default_rng().integers(2**32)))
    return chosen


def initial_seed() -> int:
    """A seed that follows from the state of the random numbers; the state does not change."""
    return int(copy.deepcopy(generator).integers(2**63))


_PARTS = ("state", "inc")


def _packed(source: np.random.Generator) -> Tensor:
    """The state of a generator as 48 bytes."""
    state: Any = source.bit_generator.state
    numbers = b"".join(int(state["state"][part]).to_bytes(16, "little") for part in _PARTS)
    rest = b"".join(int(state[key]).to_bytes(8, "little") for key in ("has_uint32", "uinteger"))
    return made(np.frombuffer(numbers + rest, np.uint8).copy())


def _unpacked(target: np.random.Generator, packed: Any) -> None:
    data = np.asarray(packed, np.uint8).tobytes()
    if len(data) != 48:
        raise OptionError("set_rng_state: expected a state that get_rng_state has returned")
    parts = (int.from_bytes(data[:16], "little"), int.from_bytes(data[16:32], "little"))
    rest = (int.from_bytes(data[32:40], "little"), int.from_bytes(data[40:], "little"))
    target.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": dict(zip(_PARTS, parts, strict=True)),
        "has_uint32": rest[0],
        "uinteger": rest[1],
    }


def get_rng_state() -> Tensor:
    """The state of the random numbers, as a Tensor of bytes."""
    return _packed(generator)


def set_rng_state(new_state: Any) -> None:
    """Restore a state of the random numbers.

    >>> import nn.torch as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(x, torch.rand(2))
    True
    """
    _unpacked(generator, new_state)


# -- of a shape ------------------------------------------------------------------------------------


def _drawn(name: str, draw: Callable[[np.random.Generator, Any], Any]) -> Callable[..., Tensor]:
    def function(
        *args: Any, size: Any = None, generator: Any = None, out: Any = None, dtype: Any = None,
        layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        shape = whole(args if size is None else (size,))
        numbers = ag.drawn(lambda shape: draw(as_generator(name, generator), shape), shape)
        own = float_of(dtype)
        result = finished(
            numbers.astype(own) if np.ndim(numbers) else own.type(numbers), device, requires_grad
        )
        return result if out is None else written(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Random numbers of a shape: `{name}(2, 3)`."
    return function


rand = _drawn("rand", lambda numbers, shape: numbers.random(shape))
randn = _drawn("randn", lambda numbers, shape: numbers.standard_normal(shape))


def _like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def function(
        input: Any, *, generator: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        own = input.dtype if dtype is None else dtype
        return make(
            tuple(input.shape), generator=generator, dtype=own, device=device, requires_grad=requires_grad
        )

    function.__name__ = function.__qualname__ = f"{make.__name__}_like"
    function.__doc__ = f"`{make.__name__}` with the shape and dtype of another Tensor."
    return function


rand_like, randn_like = _like(rand), _like(randn)


def randint(
    *bounds: Any, low: Any = None, high: Any = None, size: Any = None, generator: Any = None, out: Any = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random integers: `randint(low=0, high, size)`, without `high`."""
    *ends, shape = (*bounds, size) if size is not None else bounds
    least, *most = (number(v) for v in (low, *ends, high) if v is not None)
    least, most = (least, most[0]) if most else (0, least)
    drawn = as_generator("randint", generator).integers(least, most, size=whole((shape,)))
    return finished(np.asarray(drawn, of(dtype or "int64").dtype), device, requires_grad)


def randint_like(
    input: Any, low: Any = None, high: Any = None, *, dtype: Any = None, **options: Any
) -> Tensor:
    """Random integers with the shape and dtype of another Tensor."""
    ends = [v for v in (low, high) if v is not None]
    return randint(*ends, tuple(input.shape), dtype=dtype or input.dtype, **options)


def randperm(
    n: int, *, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers from 0 to n - 1 in random order."""
    order = as_generator("randperm", generator).permutation(n)
    return finished(order.astype(of(dtype or "int64").dtype), device, requires_grad)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, out: Any = None,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random numbers from a normal distribution, of a shape or one for each mean and standard deviation."""
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else whole((size,))
    drawn = mean + std * randn(shape, generator=generator, dtype=dtype, device=device)
    result = drawn.requires_grad_() if requires_grad else drawn
    return result if out is None else written(out, result)  # type: ignore[no-any-return]


# -- with parameters -------------------------------------------------------------------------------


def bernoulli(input: Any, p: Any = None, *, generator: Any = None, out: Any = None) -> Tensor:
    """1 with the given probabilities, else 0."""
    x = as_tensor_of(input, "bernoulli").detach().numpy()
    drawn = as_generator("bernoulli", generator).random(x.shape) < (x if p is None else p)
    return made(np.asarray(drawn, x.dtype))


def binomial(count: Any, prob: Any, generator: Any = None) -> Tensor:
    """The number of successes among `count` trials of probability `prob`."""
    n, p = (np.asarray(x.detach()) for x in (count, prob))
    drawn = as_generator("binomial", generator).binomial(n.astype(int), p)
    return made(np.asarray(drawn, p.dtype))


def poisson(input: Any, generator: Any = None) -> Tensor:
    """Random numbers from Poisson distributions with the given rates."""
    rates = np.asarray(input.detach())
    return made(np.asarray(as_generator("poisson", generator).poisson(rates), rates.dtype))


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Any = None
) -> Tensor:
    """Random indices, drawn with the weights in each row of (C) or (N, C)."""
    weights = np.asarray(as_tensor_of(input, "multinomial").detach(), float)
    rows, numbers = np.atleast_2d(weights), as_generator("multinomial", generator)
    drawn = [numbers.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return tensor(np.array(drawn, int).reshape(*weights.shape[:-1], num_samples))


def _filling(draw: Callable[..., Any]) -> Callable[..., Any]:
    def fill(self: Any, *args: Any, generator: Any = None, **options: Any) -> Any:
        return self.fill_(np.asarray(draw(as_generator("fill", generator), self, *args, **options)))

    _, *own = inspect.signature(draw).parameters.values()
    generator = inspect.Parameter("generator", inspect.Parameter.KEYWORD_ONLY, default=None)
    fill.__signature__ = inspect.Signature([*own, generator])  # type: ignore[attr-defined]
    return fill


def _integers(numbers: Any, x: Any, from_: int | None = None, to: int | None = None) -> Any:
    low, high = (0, from_) if to is None else (from_ or 0, to)
    if high is None:
        high = 2**24 if x._data.dtype.kind == "f" else min(np.iinfo(x._data.dtype).max, 2**62)
    return numbers.integers(low, high, x.shape)


METHODS["random_"] = _filling(_integers)
METHODS["geometric_"] = _filling(lambda numbers, x, p: numbers.geometric(p, x.shape))
METHODS["cauchy_"] = _filling(
    lambda numbers, x, median=0.0, sigma=1.0: median + sigma * numbers.standard_cauchy(x.shape)
)
METHODS["log_normal_"] = _filling(lambda numbers, x, mean=1.0, std=2.0: numbers.lognormal(mean, std, x.shape))
METHODS["multinomial"] = multinomial
METHODS["bernoulli"] = bernoulli
for _name in ("random_", "geometric_", "cauchy_", "log_normal_", "multinomial", "bernoulli"):
    setattr(Tensor, _name, METHODS[_name])
