"""From probabilities of letters to words: prefix beam search with a word model, and the word error.

Source: A. Graves, N. Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", 2014;
A. Hannun et al., "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
DNNs", 2014.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LETTERS = "_ abcdefghijklmnopqrstuvwxyz"
"""The classes of the net; the first is the blank."""


def anything(text: str, whole: bool) -> float:
    """The word model that allows every text alike."""
    return 0.0


class Sentences:
    """weight log P(text) by pairs of words, and -inf for what no word of the vocabulary begins with.

    Args:
        number: the row and the column of each word in the table; "." begins and ends a sentence.
        table: log P(word of the column | word of the row).
        weight: how much the word model counts beside the sound.
    """

    def __init__(self, number: Mapping[str, int], table: Array, weight: float) -> None:
        self.number, self.table, self.weight = number, table, weight
        self.beginnings = {word[:end] for word in number for end in range(len(word) + 1)}
        self.known: dict[tuple[str, bool], float] = {}

    def __call__(self, text: str, whole: bool) -> float:
        """Of a text whose last word goes on, or of a whole sentence."""
        if (text, whole) not in self.known:
            self.known[text, whole] = self._of(text.split(" "), whole)
        return self.known[text, whole]

    def _of(self, words: list[str], whole: bool) -> float:
        words, last = ([*words, "."], "") if whole else (words[:-1], words[-1])
        if last not in self.beginnings or any(word not in self.number for word in words):
            return -np.inf
        codes = [self.number[word] for word in [".", *words]]
        return float(self.weight * self.table[codes[:-1], codes[1:]].sum())


def beam_search(
    log_p: Array, model: Callable[[str, bool], float] = anything, width: int = 20, least: float = -7.0
) -> dict[str, float]:
    """The best texts with log P(text | sound) + model(text, True), the best first.

    An alignment has a letter or a blank for each step. Letters that repeat without a blank between them are
    one letter of the text. P(text | sound) is the sum over all its alignments, found step by step.

    Args:
        log_p: log-probabilities of `LETTERS`, of shape (steps, 28).
        model: what is added for a text that goes on (False), and for a whole text (True).
        width: how many texts are kept after each step.
        least: letters of a smaller log-probability are left out; the blank stays, so that a text can.
    """
    beam = {"": (1.0, 0.0)}  # for each text: P of the alignments that end in a blank, and in its last letter
    scale = 0.0
    for step in log_p:
        likely = [
            (LETTERS[c], max(float(np.exp(p)), 1e-30)) for c, p in enumerate(step) if p > least or c == 0
        ]
        after: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for text, (blank, letter) in beam.items():
            for c, p in likely:
                if c == LETTERS[0]:
                    after[text][0] += (blank + letter) * p
                elif text[-1:] == c:
                    after[text][1] += letter * p
                    after[text + c][1] += blank * p
                else:
                    after[text + c][1] += (blank + letter) * p
        ranked = _ranked({text: sum(ways) for text, ways in after.items()}, model, whole=False)
        top = max(sum(after[text]) for text in list(ranked)[:width])
        scale += float(np.log(top))
        beam = {text: (after[text][0] / top, after[text][1] / top) for text in list(ranked)[:width]}
    ranked = _ranked({text: sum(ways) for text, ways in beam.items()}, model, whole=True)
    return {text: score + scale for text, score in ranked.items()}


def _ranked(p: dict[str, float], model: Callable[[str, bool], float], whole: bool) -> dict[str, float]:
    """Each text with log p + model(text), the best first; without those that are impossible."""
    scores = {text: float(np.log(value)) + model(text, whole) for text, value in p.items() if value > 0}
    possible = {text: score for text, score in scores.items() if score > -np.inf}
    return dict(sorted(possible.items(), key=lambda item: -item[1]))


def word_errors(said: str, read: str) -> int:
    """How many words must be inserted, removed or replaced to make one text the other."""
    row = list(range(len(read.split()) + 1))
    for i, word in enumerate(said.split()):
        previous, row = row, [i + 1]
        for j, other in enumerate(read.split()):
            row.append(min(previous[j] + (word != other), previous[j + 1] + 1, row[j] + 1))
    return row[-1]
