"""Recognize speech, or wreck a nice beach: a language model picks what makes sense.

A recognizer hears sounds. For each stretch of sound it gives possible words, with a score of how well they
fit. By sound alone it often picks nonsense. A language model gives the probability of a word after the one
before it. A net with an embedding learns the model from a few sentences. The best path through the lattice
of words maximizes log P(sound | words) + weight log P(words), by dynamic programming (Viterbi). The
sentences to recognize are not in the text, only their pairs of words.

Source: F. Jelinek, "Statistical methods for speech recognition", 1997; Y. Bengio et al., "A neural
probabilistic language model", 2003.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.pictures import BLUE, panels, save

TEXT = """
it is hard to find a machine . we want to recognize speech with a machine . a machine can recognize
speech . a storm can wreck a nice beach . it is sad to wreck a beach . we want to see a nice beach . a
nice beach is hard to find . the machine can see the sea . we see the sea at the beach . i scream when i
see a storm . you scream for ice cream when it is hot . we all scream . i want ice cream . we want ice
cream at the beach . the sun and the rain . the son of the king . the king has a son . the sun is nice .
the right word is hard to write . write the two words . it is the right word . it is right to write . we
write to a king . two of the words are right . we want two machines . it is hard to hear speech here .
come here . we hear the rain . i see the sea here . the meat is hot . we want to write . it is nice to
meet the king .
"""

Lattice = list[dict[str, float]]

# fmt: off
LATTICES: dict[str, Lattice] = {
    "it is hard to recognize speech": [
        {"it": -0.1}, {"is": -0.2}, {"hard": -0.1},
        {"to": -0.6, "two": -0.4},
        {"recognize speech": -1.2, "wreck a nice beach": -1.0},
    ],
    "we all scream for ice cream": [
        {"we": -0.1}, {"all": -0.1}, {"scream": -0.2}, {"for": -0.2},
        {"ice cream": -0.9, "i scream": -0.6},
    ],
    "the sun is hot": [{"the": -0.1}, {"sun": -0.7, "son": -0.5}, {"is": -0.1}, {"hot": -0.1}],
    "write the right word": [
        {"right": -0.5, "write": -0.6}, {"the": -0.1}, {"write": -0.5, "right": -0.6}, {"word": -0.1},
    ],
    "we want to meet the king": [
        {"we": -0.1}, {"want": -0.1}, {"two": -0.4, "to": -0.6}, {"meat": -0.5, "meet": -0.6},
        {"the": -0.1}, {"king": -0.1},
    ],
    "we hear the sea here": [
        {"we": -0.1}, {"here": -0.4, "hear": -0.6}, {"the": -0.1}, {"see": -0.4, "sea": -0.6},
        {"hear": -0.5, "here": -0.6},
    ],
}
# fmt: on
"""What was said, and for each stretch of sound the words it may be, with log P(sound | words)."""


class Bigrams(nn.Module):
    """log P(next word | word), for the words of a text."""

    def __init__(self, text: str) -> None:
        words = text.split()
        self.number = {word: i for i, word in enumerate(dict.fromkeys(words))}
        numbers = [self.number[word] for word in [".", *words]]
        self.pairs = np.stack([numbers[:-1], numbers[1:]], axis=1)
        self.net = nn.Sequential(nn.Embedding(len(self.number), 12), nn.Linear(12, len(self.number)))

    def forward(self, words: Any) -> Any:
        """Scores of all next words."""
        return self.net(words)

    def learn(self, epochs: int) -> float:
        """Fit the net to the pairs of the text; returns the mean surprise per word in nats."""
        optimizer = nn.optim.Adam(self.parameters(), lr=0.03, weight_decay=1e-4)
        trainer = nn.Trainer(self, nn.CrossEntropyLoss(), optimizer)
        return trainer.fit(self.pairs[:, 0], self.pairs[:, 1], epochs, verbose=False).last()["loss"]

    def table(self) -> Any:
        """log P of every word after every word."""
        return nn.functional.log_softmax(self(np.arange(len(self.number))), 1).numpy()


def decode(lattice: Lattice, model: Bigrams, weight: float) -> str:
    """The words with the largest log P(sound | words) + weight log P(words)."""
    logs = model.table()
    best = {".": (0.0, "")}  # for each last word: the best score of a way to it, and its words
    for stretch in lattice:
        reached: dict[str, tuple[float, str]] = {}
        for before, (score, said) in best.items():
            for phrase, sound in stretch.items():
                total, last = score + sound, before
                for word in phrase.split():
                    total += weight * logs[model.number[last], model.number[word]]
                    last = word
                if last not in reached or total > reached[last][0]:
                    reached[last] = total, f"{said} {phrase}".strip()
        best = reached
    end = model.number["."]
    return max(
        (score + weight * logs[model.number[last], end], said) for last, (score, said) in best.items()
    )[1]


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn the language model, and decode each lattice with and without it."""
    nn.manual_seed(seed)
    model = Bigrams(TEXT)
    surprise = model.learn(40 if quick else 200)
    uniform = np.log(len(model.number))
    print(
        f"language model: {len(model.number)} words, {surprise:.2f} nats per word of the text it has read "
        f"(uniform: {uniform:.2f})"
    )
    sound = {said: decode(lattice, model, 0.0) for said, lattice in LATTICES.items()}
    sense = {said: decode(lattice, model, 0.5) for said, lattice in LATTICES.items()}
    for said in LATTICES:
        print(f"by sound: {sound[said]:<36} by sound and sense: {sense[said]}")

    weights = np.linspace(0, 1, 21)
    right = [sum(decode(lattice, model, w) == said for said, lattice in LATTICES.items()) for w in weights]
    figure, (left, last) = panels(1, 2)
    left.plot(weights, right, "o-", color=BLUE)
    left.set(
        xlabel="weight of the language model", ylabel="sentences right", ylim=(-0.2, len(LATTICES) + 0.2)
    )
    after = ["recognize", "i", "ice", "nice", "the", "want"]
    chosen = ["to", "cream", "beach", "king", "speech", "scream"]
    rows = np.exp(model.table())[[model.number[w] for w in after]][:, [model.number[w] for w in chosen]]
    last.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    last.set_xticks(range(len(chosen)), chosen, rotation=45)
    last.set_yticks(range(len(after)), after)
    last.set_title("P(column after row)")
    save(figure, out / "speech_toy.png")
    return {"surprise": surprise, "sound": sound, "sense": sense}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
