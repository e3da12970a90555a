"""Places: what outlives a call. A trace loads values from them, and stores what the run has put there."""

from __future__ import annotations

from typing import Any

from ..arrays import stored
from ..box import PLAIN, Box, in_class, wrap
from ..errors import CompileError
from .entries import MISSING, Entry, Reached
from .trace import Trace
from .traced import Traced

__all__ = ["Data", "Get", "Grad", "Held", "Item", "Places", "Put"]


class Data:
    """The values of a Tensor."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and other.tensor is self.tensor

    __hash__ = None  # type: ignore[assignment]

    def get(self) -> Any:
        return self.tensor._data

    def set(self, value: Any) -> None:
        """Put a value there as it is."""
        self.tensor._data = value
        node = self.tensor.node
        if node is not None and node.op is None:
            node.value = value

    def store(self, value: Any) -> None:
        """Assign as the program does."""
        if value is not self.tensor._data:
            self.tensor.data = value


class Grad(Data):
    """The gradient of a leaf."""

    def get(self) -> Any:
        node = self.tensor.node
        return None if node is None or node.grad is None else node.grad._data

    def set(self, value: Any) -> None:
        if value is not None:
            self.tensor.node.grad._data = value

    def store(self, value: Any) -> None:
        node = self.tensor.node
        if value is None:
            if node is not None:
                node.grad = None
        elif node.grad is None or node.grad._data is not value:
            node.grad = wrap(stored(value))


class Item:
    """An array in a dict, a list or a closure cell."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.get = entry.get
        self.set = self.store = entry.put

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Item)
            and other.entry.holder is self.entry.holder
            and other.entry.key == self.entry.key
        )

    __hash__ = None  # type: ignore[assignment]


class Held(Item):
    """The values of a constant Tensor in a dict, a list or a closure cell."""

    def __init__(self, entry: Entry) -> None:
        self.entry, self.tensor = entry, entry.get()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) if other.__class__ is Held else False

    __hash__ = None

    def get(self) -> Any:
        value = self.entry.get()
        return value._data if isinstance(value, Box) else MISSING

    def set(self, value: Any) -> None:
        self.tensor = self.entry.get()
        self.tensor._data = value

    def store(self, value: Any) -> None:
        kind = type(self.entry.get())
        self.entry.put(wrap(stored(value)) if kind in PLAIN else in_class(kind, wrap(stored(value))))


class Get:
    """The function of a step that reads a place."""

    def __init__(self, place: Any) -> None:
        self.place, self.__name__ = place, "load"

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and other.place == self.place

    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> Any:
        return self.place.get()


class Put(Get):
    """The function of a step that writes a place."""

    def __init__(self, place: Any) -> None:
        super().__init__(place)
        self.__name__ = "store"

    def __call__(self, value: Any) -> None:  # type: ignore[override]
        self.place.store(value)


class Places:
    """The places that a run reads and writes, and what the trace knows to be in each."""

    def __init__(self, found: Reached) -> None:
        self.tensors = found.tensors
        self.places: list[Any] = []
        for tensor in found.tensors:
            self.places.append(Data(tensor))
            self.places.append(Grad(tensor))
        self.places.extend(Item(entry) for entry in found.arrays)
        self.places.extend(Held(entry) for entry in found.held)
        self.known: list[Any] = []

    def load(self, trace: Trace, written: str = "all") -> None:
        """Put traced values into the places, each a step that reads the place.

        A place that a step on objects may have written is read anew: whether it did may depend on values.

        Args:
            trace: the trace.
            written: what the step before may have written: "all", "gradients", "nothing".
        """
        known = []
        for place, had in zip(self.places, self.known or [None] * len(self.places), strict=True):
            value = place.get()
            if value is None or value is MISSING or isinstance(value, Traced):
                known.append(value)
                continue
            anew = written == "all" or (written == "gradients" and isinstance(place, Grad))
            if had is not None and had._value is value and not anew:
                traced: Any = had
            else:
                traced = trace.made(value)
                trace.add(Get(place), (), {}, traced, "load")
            known.append(traced)
            place.set(traced)
        self.known = known

    def store(self, trace: Trace) -> None:
        """Add steps that write what the run has put into the places since they were loaded."""
        for i, (place, had) in enumerate(zip(self.places, self.known, strict=True)):
            value = place.get()
            if value is had:
                continue
            if isinstance(value, Box):
                raise CompileError(f"{place.entry!r} was an array and became a Tensor")
            trace.add(Put(place), (trace._constant(value),), {}, None, "effect")
            self.known[i] = value if isinstance(value, Traced) else None

    def restore(self) -> None:
        """Put the plain values of traced arrays into the places."""
        for place in self.places:
            value = place.get()
            if isinstance(place, Held) and isinstance(place.tensor._data, Traced):
                place.tensor._data = place.tensor._data._value
            if isinstance(value, Traced):
                place.set(value._value)
        for tensor in self.tensors:
            node = tensor.node
            if node is not None and isinstance(node.adjoint, Traced):
                node.adjoint = None
