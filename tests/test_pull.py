"""What a step sends back: `pull` agrees with the steps that `play` writes out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.backward import play
from autograd_lite.cotangents import Mask, Masked, add, bare
from autograd_lite.known import known
from autograd_lite.node import Node, tape_order
from autograd_lite.pull import Sweep, pull
from tests.helpers import at_samples
from tests.ops.test_samples import run
from tests.samples import SAMPLES, Sample


def played_through_pull(seeds: dict[Node, Any]) -> dict[Node, Any]:
    """The whole of reverse mode in a few lines, with nothing written out."""
    cotangents: dict[Node, Any] = dict(seeds)
    with ag.no_grad(), np.errstate(all="ignore"):
        for node in reversed(tape_order(seeds)):
            if node in cotangents:
                sent = pull(node, known[node.op], cotangents.pop(node), Sweep())
                for parent, g in zip(node.inputs, sent, strict=True):
                    if g is not None:
                        cotangents[parent] = add(cotangents[parent], g) if parent in cotangents else g
    return cotangents


@at_samples(SAMPLES)
def test_the_sweep_and_pull_agree(sample: Sample) -> None:
    _, total = run(sample)
    assert isinstance(total, ag.Tensor) and total.node is not None
    seeds = {total.node: np.ones(total.shape, total.dtype)[()]}
    swept, pulled = play(seeds, Sweep(retain=True)), played_through_pull(seeds)
    assert swept.keys() == pulled.keys()
    for leaf, g in swept.items():
        np.testing.assert_array_equal(g, pulled[leaf])
        assert (g.dtype, np.shape(g)) == (pulled[leaf].dtype, np.shape(leaf.value))


def test_a_fault_in_what_is_written_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(x * x)
    assert y.node is not None
    pulled = played_through_pull({y.node: np.float64(1.0)})
    monkeypatch.setitem(
        vars(sys.modules[play.__module__]), "add", lambda a, b: a
    )  # fan-in forgets the second use
    swept = play({y.node: np.float64(1.0)}, Sweep(retain=True))
    assert x.node is not None
    assert not np.array_equal(swept[x.node], pulled[x.node])


# -- a cotangent is one object ---------------------------------------------------------------------


def masked(g: Any, live: Any) -> Masked:
    return Masked(np.array(g), Mask(lambda: np.array(live)))


def test_an_entry_is_live_if_one_of_its_uses_is() -> None:
    total = masked([1.0, 2.0, 0.0], [True, False, False]) + masked([0.0, 5.0, 0.0], [False, True, False])
    assert bare(total).tolist() == [1.0, 7.0, 0.0]
    assert total.mask.live().tolist() == [True, True, False]


@pytest.mark.parametrize("other", [np.float64(2.0), np.array([2.0, 2.0])], ids=["number", "array"])
def test_a_use_without_a_mask_makes_all_live(other: Any) -> None:
    g = masked([1.0, 0.0], [True, False])
    for total in (add(g, other), add(other, g)):
        assert total.__class__ is np.ndarray
        assert total.tolist() == [3.0, 2.0]


def test_fan_in_of_several_results() -> None:
    first, second = (None, np.float64(1.0), None), (np.float64(2.0), np.float64(3.0), None)
    assert add(first, second) == (2.0, 4.0, None)


def test_a_mask_follows_a_sum_to_a_smaller_shape() -> None:
    mask = Mask(lambda: np.array([[True, False, False], [False, False, True]]))
    assert mask.summed((3,)).live().tolist() == [True, False, True]


def test_pull_says_nothing_to_constants() -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    node: Any = (x * np.array([3.0, 4.0])).node
    sent = pull(node, known[node.op], np.array([1.0, 10.0]), Sweep())
    assert sent[0].tolist() == [3.0, 40.0]
    assert sent[1] is None


def test_pull_sends_a_mask_where_it_is_heard() -> None:
    x = ag.Tensor([0.0, 4.0], requires_grad=True)
    root: Any = np.sqrt(x)  # type: ignore[call-overload]
    node: Any = np.where(np.array([False, True]), root, 0.0).node
    g = next(g for g in pull(node, known[node.op], np.ones(2), Sweep()) if g is not None)
    assert g.__class__ is Masked
    assert g.mask.live().tolist() == [False, True]
    with np.errstate(all="ignore"):
        assert pull(root.node, known[np.sqrt], g, Sweep())[0].tolist() == [0.0, 0.25]
