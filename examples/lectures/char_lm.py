"""Character by character: RNN, LSTM and transformer learn to write like Shakespeare.

Each net predicts the next character from those before it. The RNN and the LSTM pass a state on from
character to character; the transformer looks back at all characters. The nets read the same number of
characters, in sequences from anywhere in the text. The measure is the cross-entropy on unread text, where
each net sees at least half a sequence of context. The curves count whole sequences, whose first characters
are harder.

Source: A. Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015; S. Hochreiter,
J. Schmidhuber, "Long short-term memory", 1997; A. Vaswani et al., "Attention is all you need", 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.gpt import GPT, write
from examples.pictures import BLUE, GREEN, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]


class Recurrent(nn.Module):
    """Scores of what may come next, after each character.

    Args:
        kind: of the recurrent layer.
        characters: how many there are.
        context: from how many characters it writes on.
        hidden: units of the layer.
    """

    def __init__(self, kind: Callable[..., Any], characters: int, context: int, hidden: int) -> None:
        self.context = context
        self.embed = nn.Embedding(characters, 64)
        self.recurrent = kind(64, hidden, batch_first=True)
        self.score = nn.Sequential(nn.Dropout(0.2), nn.Linear(hidden, characters))

    def forward(self, codes: Any) -> Any:
        """From numbers of characters (n, length) to scores (n, length, characters)."""
        return self.score(self.recurrent(self.embed(codes))[0])


def build(name: str, characters: int, context: int, quick: bool) -> tuple[nn.Module, float]:
    """A net, and its learning rate."""
    if name == "transformer":
        return GPT(characters, context, *((32, 2, 1) if quick else (64, 4, 2))), 0.02 if quick else 0.004
    kind, rate = {"RNN": (nn.RNN, 0.003), "LSTM": (nn.LSTM, 0.01)}[name]
    return Recurrent(kind, characters, context, 64 if quick else 256), rate


def surprise(scores: Any, follow: Any) -> Any:
    """The cross-entropy: the mean of -log p(character that followed), in nats."""
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), follow.reshape(-1))


@ag.no_grad()
def measure(model: nn.Module, text: nn.datasets.CharText) -> float:
    """The surprise on the later halves of pieces that overlap by half: each character comes once."""
    model.eval()
    half, total, count = text.length // 2, 0.0, 0
    for codes, follow in nn.DataLoader(text, batch_size=64):
        late = follow.numpy()[:, half:]
        total += float(surprise(model(codes)[:, half:], late).item()) * late.size
        count += late.size
    return total / count


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Let each net read, measure it, and let it write."""
    rng = np.random.default_rng(seed)
    context, batch, steps, epochs = (32, 16, 50, 3) if quick else (128, 64, 150, 10)
    whole = program.shakespeare(quick)
    vocabulary, end = sorted(set(whole)), len(whole) * 9 // 10
    text = nn.datasets.CharText(whole[:end], context, vocabulary=vocabulary)
    unread = nn.datasets.CharText(whole[end:], context, stride=context // 2, vocabulary=vocabulary)
    pairs = program.count_pairs(text.codes, unread.codes)
    print(f"to be beaten, by counts of pairs of characters: {pairs:.3f} nats")
    print(f"each net reads {epochs * steps * batch * context:,} characters")

    results = {"counts of pairs": pairs}
    figure, axes = panels(width=5)
    axes.axhline(pairs, color=GREY, linewidth=1, label="counts of pairs")
    with program.resumable(out / f"char_lm-{'quick' if quick else 'full'}-{seed}") as fit:
        for name, color in (("RNN", ORANGE), ("LSTM", BLUE), ("transformer", GREEN)):
            nn.manual_seed(seed)
            model, rate = build(name, len(vocabulary), context, quick)
            print(f"\n{name}, {sum(p.size for p in model.parameters()):,} parameters")
            optimizer = nn.optim.AdamW(model.parameters(), lr=rate)
            schedule = nn.optim.lr_scheduler.OneCycleLR(
                optimizer, max_lr=rate, total_steps=epochs * steps, pct_start=0.1
            )
            trainer = nn.Trainer(model, surprise, optimizer, scheduler=schedule, clip_grad_norm=1.0)
            order = nn.data.RandomSampler(text, num_samples=steps * batch)
            loader = nn.DataLoader(text, batch, sampler=order)
            history = fit(name, trainer, loader, epochs=epochs, validation_data=unread, verbose=not quick)
            results[name] = measure(model, unread)
            print(f"on text not yet read {results[name]:.3f} nats; it writes:\n")
            print(write(model, text, 60 if quick else 300, rng).strip())
            read = np.arange(1, epochs + 1) * steps * batch * context / 1e6
            axes.plot(read, history["val_loss"], color=color, label=name)
    axes.set(xlabel="million characters read", ylabel="nats per character, not yet read")
    axes.legend(frameon=False)
    save(figure, out / "char_lm.png")
    return results


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
