"""A recurrent net of saturated-linear neurons that is a machine with two stacks.

Such a machine is a computer: two stacks are as good as a tape. A stack of bits b1 b2 ... (b1 on top) is one
neuron, whose value is the fraction

    q = (2 b1 + 1) / 4 + (2 b2 + 1) / 4^2 + ...

The empty stack is 0. With s(z) = min(max(z, 0), 1), s(4 q - 2) is the top, and s(4 q) tells whether there
is one. To push b is q / 4 + (2 b + 1) / 4, to pop 4 q - 2 top - 1. A neuron for each rule of the machine is
on if state, letter, and tops are those of the rule. Another neuron lets the new fraction through if its rule
is on. So one step of the machine is four layers. In double precision the net is exact for stacks of up to 26
bits.

One stack is enough for a^n b^n. With two the machine goes back and forth over a word, compares its ends, and
accepts palindromes.

Source: H. Siegelmann, E. Sontag, "On the computational power of neural nets", 1995.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import panels, save

Array = npt.NDArray[Any]

LETTERS = "ab."
"""What is read; the point is the end of the word, and stands there for ever."""
TOPS = ("", "0", "1")
"""The empty stack, or the bit on top."""
OPS = ("keep", "pop", "push 0", "push 1")


@dataclass(frozen=True)
class Rule:
    """In this state, with one of these letters and these tops: the next state, and what the stacks do.

    None stands for any letter or top.
    """

    state: str
    letter: str | None
    tops: tuple[str | None, str | None]
    then: str
    ops: tuple[str, str] = ("keep", "keep")


@dataclass(frozen=True)
class Machine:
    """A deterministic machine with two stacks, which begins in the state of its first rule.

    Where no rule fits, it halts, and does not accept.
    """

    name: str
    rules: tuple[Rule, ...]

    @property
    def states(self) -> list[str]:
        """All, the first one first."""
        return list(dict.fromkeys(s for rule in self.rules for s in (rule.state, rule.then)))

    def step(self, state: str, letter: str, stacks: tuple[str, str]) -> tuple[str, tuple[str, str]]:
        """The next state ("" if no rule fits) and stacks, whose tops are the first characters."""
        for rule in self.rules:
            fits = rule.state == state and rule.letter in (None, letter)
            if fits and all(t in (None, s[:1]) for t, s in zip(rule.tops, stacks, strict=True)):
                first, second = map(_changed, stacks, rule.ops)
                return rule.then, (first, second)
        return "", ("", "")

    def accepts(self, word: str, steps: int) -> bool:
        """Run it, step by step."""
        state, stacks = self.states[0], ("", "")
        for letter in itertools.islice(itertools.chain(word, itertools.repeat(".")), steps):
            state, stacks = self.step(state, letter, stacks)
        return state == "accept"


def _changed(stack: str, op: str) -> str:
    return {"keep": stack, "pop": stack[1:], "push 0": "0" + stack, "push 1": "1" + stack}[op]


DONE = Rule("accept", None, (None, None), "accept")
COUNTING = Machine(
    "a^n b^n",
    (
        Rule("a", "a", (None, None), "a", ("push 1", "keep")),
        Rule("a", "b", ("1", None), "b", ("pop", "keep")),
        Rule("b", "b", ("1", None), "b", ("pop", "keep")),
        Rule("a", ".", ("", None), "accept"),
        Rule("b", ".", ("", None), "accept"),
        DONE,
    ),
)
PALINDROMES = Machine(
    "palindromes",
    (
        *(Rule("read", "ab"[b], (None, None), "read", (f"push {b}", "keep")) for b in (0, 1)),
        Rule("read", ".", (None, None), "take"),
        Rule("take", None, ("", None), "accept"),
        *(Rule("take", None, (f"{b}", None), f"last {b}", ("pop", "keep")) for b in (0, 1)),
        *(
            Rule(f"last {b}", None, (f"{c}", None), f"last {b}", ("pop", f"push {c}"))
            for b, c in itertools.product((0, 1), repeat=2)
        ),
        *(Rule(f"last {b}", None, ("", ""), "accept") for b in (0, 1)),
        *(Rule(f"last {b}", None, ("", f"{b}"), "back", ("keep", "pop")) for b in (0, 1)),
        *(Rule("back", None, (None, f"{c}"), "back", (f"push {c}", "pop")) for c in (0, 1)),
        Rule("back", None, (None, ""), "take"),
        DONE,
    ),
)
"""The last letter is remembered, the others go to the second stack, whose top is then the first letter."""


def fraction(stack: str) -> float:
    """The value of a stack's neuron."""
    return sum((2 * int(bit) + 1) / 4.0 ** (i + 1) for i, bit in enumerate(stack))


class Net(nn.Module):
    """The net of a machine. Its values are the states, then the two stacks."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.states = machine, machine.states
        n, rules = len(self.states), len(machine.rules)
        self.saturate = nn.Hardtanh(0, 1)
        # Read: states, letters, then (q, top, whether there is one) of each stack.
        read = np.zeros((n + 3 + 6, n + 3 + 2))
        read[: n + 3, : n + 3] = np.eye(n + 3)
        for k in (0, 1):
            read[n + 3 + 3 * k : n + 6 + 3 * k, n + 3 + k] = 1, 4, 4
        self.read = linear(read, np.tile([0.0, -2.0, 0.0], 2))
        # Decide: a neuron for each rule, then the same six of the stacks.
        decide, bias = np.zeros((rules + 6, n + 9)), np.zeros(rules + 6)
        decide[rules:, n + 3 :] = np.eye(6)
        for j, rule in enumerate(machine.rules):
            decide[j, self.states.index(rule.state)] = 1
            if rule.letter:
                decide[j, n + LETTERS.index(rule.letter)], bias[j] = 1, -1
            for k, top in enumerate(rule.tops):
                if top is not None:  # empty: 1 - there; 0: there - top; 1: top
                    weights, shift = {"": ([0, -1], 0), "0": ([-1, 1], -1), "1": ([1, 0], -1)}[top]
                    decide[j, n + 4 + 3 * k : n + 6 + 3 * k] = weights
                    bias[j] += shift
        self.decide = linear(decide, bias)
        # Change: the next state, and what each operation would make of each stack, if its rule is on.
        change, bias = np.zeros((n + 8, rules + 6)), np.zeros(n + 8)
        for j, rule in enumerate(machine.rules):
            change[self.states.index(rule.then), j] = 1
            for k, op in enumerate(rule.ops):
                change[n + 4 * k + OPS.index(op), j] = 1
        values: dict[str, Any] = {
            "keep": ([1, 0, 0], 0),
            "pop": ([4, -2, -1], 0),
            "push 0": ([0.25, 0, 0], 0.25),
        }
        values["push 1"] = [0.25, 0, 0], 0.75
        for k, (i, op) in itertools.product((0, 1), enumerate(OPS)):
            weights, shift = values[op]
            change[n + 4 * k + i, rules + 3 * k : rules + 3 * k + 3] = weights
            bias[n + 4 * k + i] = shift - 1
        self.change = linear(change, bias)
        # Join: the one that was let through.
        join = np.zeros((n + 2, n + 8))
        join[:n, :n] = np.eye(n)
        join[n, n : n + 4] = join[n + 1, n + 4 :] = 1
        self.join = linear(join)

    def forward(self, values: Array, letter: Array) -> Array:
        """One step from values (words, states + 2), having read letters (words,)."""
        n = len(self.states)
        y: Any = np.concatenate([values[:, :n], np.eye(3)[letter], values[:, n:]], axis=1)
        for layer in (self.read, self.decide, self.change, self.join):
            y = self.saturate(layer(y))
        after: Array = y.numpy()
        return after

    def run(self, words: Array, steps: int) -> Array:
        """All values (steps + 1, words, states + 2) for words of one length, in numbers."""
        values = np.zeros((steps + 1, len(words), len(self.states) + 2))
        values[0, :, 0] = 1
        for t in range(steps):
            letter = words[:, t] if t < words.shape[1] else np.full(len(words), 2)
            values[t + 1] = self(values[t], letter)
        return values

    def accepts(self, words: Array, steps: int) -> Array:
        """1 for the words that are accepted within so many steps."""
        accepted: Array = self.run(words, steps)[-1, :, self.states.index("accept")]
        return accepted


def linear(weight: Array, bias: Array | None = None) -> nn.Linear:
    """A layer of these weights; a shorter bias belongs to the last outputs."""
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, dtype=float)
    last = np.zeros(0) if bias is None else bias
    layer.load_state_dict({"weight": weight, "bias": np.pad(last, (outputs - len(last), 0))})
    return layer


def enough(machine: Machine, length: int) -> int:
    """Steps within which the machine is done with a word."""
    return length + 2 if machine is COUNTING else length**2 // 2 + 4 * length + 3


def in_language(machine: Machine, word: Sequence[int]) -> bool:
    """By definition."""
    n, word = len(word), list(word)
    return word == [0] * (n // 2) + [1] * (n // 2) if machine is COUNTING else word == word[::-1]


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Compare each net with its language: on all words up to a length, and on some long ones."""
    longest, long = 7 if quick else 12, 24
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for machine in (COUNTING, PALINDROMES):
        net = Net(machine)
        wrong = tried = 0
        batches = [np.array(list(itertools.product((0, 1), repeat=n)), int) for n in range(longest + 1)]
        half = rng.integers(0, 2, (1 if quick else 50, long // 2))
        half[0] = 0
        whole = np.concatenate([half, half[:, ::-1] if machine is PALINDROMES else 1 - half], axis=1)
        one_off = whole.copy()
        one_off[np.arange(len(whole)), rng.integers(0, long, len(whole))] ^= 1
        for words in (*batches, whole, one_off):
            right = np.array([in_language(machine, word) for word in words])
            wrong += int(np.sum(net.accepts(words, enough(machine, words.shape[-1])) != right))
            tried += len(words)
        found[machine.name] = wrong
        neurons = sum(len(layer.bias) for layer in (net.read, net.decide, net.change, net.join))
        print(
            f"{machine.name:<12}{neurons:>3} neurons, {wrong} of {tried} words wrong, of up to {long} letters"
        )

    figure, axes = panels(1, 2, width=5.5)
    for axis, machine, word in zip(axes, (COUNTING, PALINDROMES), ("aaaabbbb", "abba"), strict=True):
        net = Net(machine)
        steps = enough(machine, len(word))
        letters = np.array([["ab".index(letter) for letter in word]])
        axis.imshow(net.run(letters, steps)[:, 0].T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axis.set_yticks(range(len(net.states) + 2), [*net.states, "stack 1", "stack 2"])
        axis.set(title=f"{machine.name}: {word}", xlabel="step")
    save(figure, out / "stack_machine.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
