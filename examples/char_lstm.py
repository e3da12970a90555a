"""A recurrent network reads Shakespeare character by character, and writes on.

    python -m examples.char_lstm [--seed N] [--out FOLDER] [--quick]

An LSTM predicts the next character. It reads the text in parallel streams, each cut into sequences of some
dozens of characters. The state at the end of a sequence is the state at the start of the next. Gradients
stop there (truncated backpropagation through time). After each epoch the network writes a few lines.

Source: A. Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program

Array = npt.NDArray[Any]


class CharLSTM(nn.Module):
    """Scores of what may come next, after each character.

    Args:
        characters: how many there are.
        hidden: units of the LSTM.
    """

    def __init__(self, characters: int, hidden: int) -> None:
        self.embed = nn.Embedding(characters, 32)
        self.lstm = nn.LSTM(32, hidden, batch_first=True)
        self.score = nn.Linear(hidden, characters)

    def forward(self, codes: Any, state: Any = None) -> tuple[Any, Any]:
        """From numbers of characters (lanes, length) to scores (lanes, length, characters), and the state."""
        outputs, state = self.lstm(self.embed(codes), state)
        return self.score(outputs), state


def pieces(codes: Array, lanes: int, length: int) -> Iterator[tuple[Array, Array]]:
    """The text in lanes, piece by piece: what is read, and the characters that follow each of it."""
    steps = (len(codes) - 1) // lanes
    read, follow = (codes[i : i + lanes * steps].reshape(lanes, steps) for i in (0, 1))
    for start in range(0, steps, length):
        yield read[:, start : start + length], follow[:, start : start + length]


def surprise(scores: Any, follow: Array) -> Any:
    """The cross-entropy: the mean of -log p(character that followed), in nats."""
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), follow.reshape(-1))


def train_epoch(
    model: CharLSTM, optimizer: nn.optim.Optimizer, codes: Array, lanes: int, length: int
) -> float:
    """Read the text once; returns the mean loss."""
    losses: list[float] = []
    state: Any = None
    count = -(-((len(codes) - 1) // lanes) // length)
    for read, follow in program.shown(pieces(codes, lanes, length), "one epoch", count):
        scores, state = model(read, state)
        loss = surprise(scores, follow)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        state = tuple(each.detach() for each in state)
        losses.append(loss.item())
    return float(np.mean(losses))


@ag.no_grad()
def measure(model: CharLSTM, codes: Array) -> float:
    """The loss on a text that is read from its beginning to its end."""
    total, state = 0.0, None
    for read, follow in pieces(codes, lanes=1, length=1000):
        scores, state = model(read, state)
        total += float(surprise(scores, follow).item()) * follow.size
    return total / (len(codes) - 1)


@ag.no_grad()
def write(model: CharLSTM, data: nn.datasets.CharText, length: int, rng: np.random.Generator) -> str:
    """Let the network go on from an empty line, each time with the character that was drawn."""
    codes, state = data.encode("\n\n"), None
    written: list[int] = []
    for _ in range(length):
        scores, state = model(codes[None], state)
        codes = program.choose(scores.numpy()[0, -1:], 0.7, rng)
        written += codes.tolist()
    return data.decode(written)


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Read, write, and keep the weights."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    lanes, length, hidden, epochs = (16, 32, 96, 3) if quick else (32, 64, 128, 4)
    data = nn.datasets.CharText(program.shakespeare(quick), length)
    train, validation = np.split(data.codes, [len(data.codes) * 9 // 10])

    pairs = program.count_pairs(train, validation)
    print(f"to be beaten, by counts of pairs of characters: {pairs:.3f} nats")
    model = CharLSTM(len(data.vocabulary), hidden)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01 if quick else 0.004)
    schedule = nn.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8 if quick else 0.5)
    for epoch in range(1, epochs + 1):
        loss = train_epoch(model, optimizer, train, lanes, length)
        schedule.step()
        validated = measure(model, validation)
        print(f"\nepoch {epoch}/{epochs}: loss {loss:.3f}, on text not yet read {validated:.3f} nats")
        print(write(model, data, 100 if quick else 300, rng))
    nn.save(model.state_dict(), out / "char_lstm.safetensors")
    return {"counts of pairs": pairs, "loss": loss, "validation": validated}


if __name__ == "__main__":
    sys.exit(program.main("char_lstm", __doc__, run))
