"""A recurrent net of saturated-linear neurons that recognizes a regular language.

For every state q and symbol a of a finite automaton there is a neuron. It is 1 exactly after a was read in
a state from which a leads to q. The neuron adds up the neurons of those states and the input for a, and
subtracts 1:

    y_qa(t) = s(sum of y_pb(t - 1) over all states p with next(p, a) = q and both letters b, + x_a(t) - 1)

with s(z) = min(max(z, 0), 1). So weights of 0, 1 and -1 are enough, and the net is exact on words of any
length. In numbers a is the digit 0 and b is 1; the empty word counts as a word.

Source: M. Minsky, "Computation: finite and infinite machines", 1967; H. Siegelmann, E. Sontag, "On the
computational power of neural nets", 1995; J. Šíma, P. Orponen, "General-purpose computation with neural
networks", 2003.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import panels, save

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton over the letters a, b: state 0 is the first."""

    name: str
    moves: tuple[tuple[int, int], ...]  # for each state, where a leads and where b
    accepting: frozenset[int]

    def accepts(self, word: tuple[int, ...]) -> bool:
        """Run it, state by state."""
        state = 0
        for letter in word:
            state = self.moves[state][letter]
        return state in self.accepting


LANGUAGES = (
    Automaton("an even number of a", ((1, 0), (0, 1)), frozenset({0})),
    Automaton("no two b side by side", ((0, 1), (0, 2), (2, 2)), frozenset({0, 1})),
    Automaton("binary numbers divisible by 3", ((0, 1), (2, 0), (1, 2)), frozenset({0})),
    Automaton("(ab)*", ((1, 2), (2, 0), (2, 2)), frozenset({0})),
    Automaton("ends in abb", ((1, 0), (1, 2), (1, 3), (1, 0)), frozenset({3})),
)


class Recognizer(nn.Module):
    """The net of an automaton: neuron 2q + a is that of state q and letter a."""

    def __init__(self, automaton: Automaton) -> None:
        states = len(automaton.moves)
        # into[q, a, p]: whether letter a leads from state p to state q.
        into = np.array([[[to[a] == q for to in automaton.moves] for a in (0, 1)] for q in range(states)])
        self.recurrent = nn.Linear(2 * states, 2 * states, dtype=float)
        self.input = nn.Linear(2, 2 * states, bias=False, dtype=float)
        self.output = nn.Linear(2 * states, 1, dtype=float)
        self.saturate = nn.Hardtanh(0, 1)
        accepted = np.isin(np.arange(states), list(automaton.accepting)) * 1.0
        self.load_state_dict(
            {
                "recurrent.weight": np.repeat(into.reshape(2 * states, states), 2, axis=1),
                "recurrent.bias": np.full(2 * states, -1.0),
                "input.weight": np.tile(np.eye(2), (states, 1)),
                "output.weight": np.repeat(accepted, 2)[None],
                "output.bias": np.zeros(1),
            }
        )

    def states(self, words: Array) -> Iterator[Array]:
        """The neurons after each letter of words of one length, (n, length); at first, state 0 is on."""
        y = np.zeros((len(words), self.recurrent.in_features))
        y[:, 0] = 1
        yield y
        for letter in words.T:
            y = self.saturate(self.recurrent(y) + self.input(np.eye(2)[letter])).numpy()
            yield y

    def forward(self, words: Array) -> Array:
        """1 for the words that are in the language, else 0."""
        *_, last = self.states(words)
        accepted: Array = self.saturate(self.output(last)).numpy()[:, 0]
        return accepted


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Compare each net with its automaton, on all words up to a length."""
    longest = 8 if quick else 12
    wrong = {}
    for automaton in LANGUAGES:
        net = Recognizer(automaton)
        wrong[automaton.name] = tried = 0
        for length in range(longest + 1):
            words = list(itertools.product((0, 1), repeat=length))
            right = np.array([automaton.accepts(word) for word in words])
            answers = net(np.array(words, dtype=int).reshape(len(words), length))
            wrong[automaton.name] += int(np.sum(answers != right))
            tried += len(words)
        size = net.recurrent.in_features
        print(f"{automaton.name:<30}{size:>2} neurons, {wrong[automaton.name]} of {tried} words wrong")

    figure, axes = panels(1, 2, width=5)
    for one, automaton, word in zip(axes, LANGUAGES[1:3], ("abaababbab", "bbabaabbba"), strict=True):
        letters = np.array([["ab".index(letter) for letter in word]])
        net = Recognizer(automaton)
        one.imshow(np.concatenate(list(net.states(letters))).T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        one.set_xticks(range(len(word) + 1), ["", *word])
        one.set_yticks(
            range(net.recurrent.in_features),
            [f"{q}{a}" for q in range(net.recurrent.in_features // 2) for a in "ab"],
        )
        answer = "yes" if net(letters)[0] else "no"
        one.set(title=f"{automaton.name}: {answer}", xlabel="letter read", ylabel="neuron (state, letter)")
    save(figure, out / "recurrent_automaton.png")
    return wrong


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
