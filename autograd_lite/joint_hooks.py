"""Hooks at the end of a backward pass: of several leaves at once, or after `grad` of a leaf has changed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .box import Box, Hook, wrap
from .errors import DTypeError, ShapeError
from .given import as_numbers
from .node import Leaf, Node
from .tensor import Tensor
from .words.explain import describe

__all__ = [
    "JointHandle",
    "arrivals_of",
    "groups_of",
    "register_multi_grad_hook",
    "register_post_accumulate_grad_hook",
    "replacement",
]


def replacement(new: Any, g: Any) -> Any:
    """What a hook returned in place of a cotangent, in its dtype; a Tensor for a Tensor."""
    value = as_numbers(new, "a hook returned").astype(g.dtype, copy=False)
    if value.shape != g.shape:
        raise ShapeError(f"a hook returned shape {value.shape} for a gradient of shape {g.shape}")
    if isinstance(g, Box) and isinstance(new, Box):
        return new
    value = value if value.ndim else value[()]
    return wrap(value) if isinstance(g, Box) else value


class Group:
    """The leaves and the function of one registration; each leaf has it among its hooks."""

    def __init__(self, leaves: Sequence[Leaf], hook: Callable[[list[Any]], Any]) -> None:
        self.leaves, self.hook = leaves, hook

    def __call__(self, g: Any) -> None:
        """As the hook of one leaf it does nothing."""

    def receive(self, cotangents: dict[Node, Any]) -> None:
        """Call the function; its results replace the cotangents."""
        seen = [cotangents.get(leaf) for leaf in self.leaves]
        made = self.hook([g if g is None or isinstance(g, Box) else wrap(g) for g in seen])
        if made is None:
            return
        if len(made) != len(self.leaves):
            raise ShapeError(f"a hook of {len(self.leaves)} Tensors returned {len(made)} gradients")
        for leaf, new in zip(self.leaves, made, strict=True):
            if new is not None:
                cotangents[leaf] = replacement(new, cotangents.get(leaf, wrap(leaf.value)))


class JointHandle:
    """The handle of a hook of several Tensors: `remove()` removes the hook."""

    def __init__(self, handles: Sequence[Hook]) -> None:
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


def register_multi_grad_hook(tensors: Iterable[Any], hook: Callable[[list[Any]], Any]) -> JointHandle:
    """Call `hook(grads)` once at the end of each `backward` that reaches one of the Tensors.

    The hook comes after the hooks of the single Tensors, and before `grad` changes.

    Args:
        tensors: leaves that require a gradient.
        hook: gets a list with the gradient of each Tensor, None for one that this pass does not reach. It may
            return a list of gradients in their place; None in this list leaves a gradient as it is.

    Returns:
        A handle; its `remove()` removes the hook.

    Raises:
        DTypeError: one of the Tensors is no leaf, or does not require a gradient.

    Source:
        The name is that of `torch.autograd.graph.register_multi_grad_hook`.

    Example:
        >>> import autograd_lite as ag
        >>> x, y = ag.Tensor(1.0, requires_grad=True), ag.Tensor(2.0, requires_grad=True)
        >>> handle = ag.register_multi_grad_hook([x, y], lambda grads: [g * 10 for g in grads])
        >>> (x * y).backward()
        >>> x.grad.item(), y.grad.item()
        (20.0, 10.0)
    """
    tensors = list(tensors)
    for x in tensors:
        if not (isinstance(x, Tensor) and isinstance(x.node, Leaf)):
            raise DTypeError(
                f"register_multi_grad_hook takes leaves that require a gradient, not {describe(x)}"
            )
    group = Group([x.node for x in tensors], hook)
    return JointHandle([Hook(leaf.hooks, group) for leaf in group.leaves])


def groups_of(leaves: Iterable[Leaf]) -> list[Group]:
    """The groups among the hooks of leaves, each once."""
    found = (hook for leaf in leaves for hook in leaf.hooks.values() if isinstance(hook, Group))
    return list(dict.fromkeys(found))


class Arrival:
    """The function to call when `grad` of a leaf has changed. The leaf holds it, so it holds no Tensor."""

    def __init__(self, x: Tensor, hook: Callable[[Any], Any]) -> None:
        self._tensor, self._hook = weakref.ref(x), hook

    def __call__(self, g: Any) -> None:
        """As the hook of a gradient it does nothing."""

    def call(self) -> None:
        """Call the function, unless the Tensor is gone."""
        if (x := self._tensor()) is not None:
            self._hook(x)


def register_post_accumulate_grad_hook(x: Any, hook: Callable[[Any], Any]) -> Hook:
    """Call `hook(x)` at the end of each `backward` that changed `x.grad`.

    For example, the hook makes the step of an optimizer for this parameter alone, and frees the gradient.
    The hook comes after those that may change the gradient.

    Args:
        x: a leaf that requires a gradient.
        hook: the function; its result is not used.

    Returns:
        A handle; its `remove()` removes the hook.

    Raises:
        DTypeError: the Tensor is no leaf, or does not require a gradient.

    Source:
        The name is that of `torch.Tensor.register_post_accumulate_grad_hook`.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> handle = ag.register_post_accumulate_grad_hook(x, lambda x: print(x.grad.item()))
        >>> (3 * x).backward()
        3.0
    """
    if not (isinstance(x, Tensor) and isinstance(x.node, Leaf)):
        raise DTypeError(
            f"register_post_accumulate_grad_hook takes a leaf that requires a gradient, not {describe(x)}"
        )
    return Hook(x.node.hooks, Arrival(x, hook))


def arrivals_of(leaves: Iterable[Leaf]) -> list[Arrival]:
    """The functions that wait for gradients among the hooks of leaves."""
    return [hook for leaf in leaves for hook in leaf.hooks.values() if isinstance(hook, Arrival)]
