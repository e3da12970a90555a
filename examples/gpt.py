"""A small GPT learns to write like Shakespeare.

    python -m examples.gpt [--seed N] [--out FOLDER] [--quick]

A transformer predicts the next character from those before it. It has all parts of a large one: embeddings
of characters and positions, and blocks of causal attention and of a small network. Each of the two has a
skip connection and a layer norm. The matrix that embeds the characters also gives the scores.

Source: A. Radford et al., "Improving language understanding by generative pre-training", 2018; A. Vaswani
et al., "Attention is all you need", 2017.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program

Array = npt.NDArray[Any]


class Block(nn.Module):
    """Let each place look at those before it, then let it think.

    Args:
        width: of the vector at each place.
        heads: of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Any) -> Any:
        """(n, length, width) to the same."""
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False, is_causal=True)[0]
        return x + self.network(self.norm2(x))


class GPT(nn.Module):
    """Scores of what may come next, after each character.

    Args:
        characters: how many there are.
        context: how many characters it sees at most.
        width: of the vector at each place.
        heads: of each attention.
        depth: how many blocks.
    """

    def __init__(self, characters: int, context: int, width: int, heads: int, depth: int) -> None:
        self.context = context
        self.characters = nn.Embedding(characters, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        for embedding in (self.characters, self.places):
            nn.init.normal_(embedding.weight, std=1 / math.sqrt(width))

    def forward(self, codes: Any) -> Any:
        """From numbers of characters (n, length) to scores (n, length, characters)."""
        x = self.characters(codes) + self.places(np.arange(codes.shape[1]))
        return self.norm(self.blocks(x)) @ self.characters.weight.T


# -- weights under other names ---------------------------------------------------------------------

GPT2 = {
    "wte.": "characters.",
    "wpe.": "places.",
    "ln_f.": "norm.",
    "h.": "blocks.",
    "ln_1.": "norm1.",
    "ln_2.": "norm2.",
    "attn.c_attn.": "attention.in_proj_",
    "attn.c_proj.": "attention.out_proj.",
    "mlp.c_fc.": "network.0.",
    "mlp.c_proj.": "network.2.",
}
"""Parts of the names in Hugging Face's files of GPT-2, and ours."""


def from_gpt2(path: str | Path, heads: int) -> GPT:
    """The network of a `model.safetensors` with GPT-2's names, as Hugging Face publishes them.

    Their linear layers are called Conv1D and hold (in, out) weights; ours hold (out, in). The masks of the
    attention are stored as `attn.bias` there; here they are computed.

    Args:
        path: the file.
        heads: of each attention; the file does not say.
    """
    state = {name.removeprefix("transformer."): weight for name, weight in nn.load(path).items()}
    renamed = {}
    for name, weight in state.items():
        if not name.endswith((".attn.bias", ".attn.masked_bias", "lm_head.weight")):
            transposed = ".c_" in name and name.endswith(".weight")
            for theirs, ours in GPT2.items():
                name = name.replace(theirs, ours)
            renamed[name] = weight.T if transposed else weight
    depth = len({name.split(".")[1] for name in renamed if name.startswith("blocks.")})
    context, width = renamed["places.weight"].shape
    model = GPT(len(renamed["characters.weight"]), context, width, heads, depth)
    for block in model.blocks:
        block.network[1] = nn.GELU(approximate="tanh")
    model.load_state_dict(renamed)
    return model.eval()


def surprise(model: GPT, codes: Any, follow: Any) -> Any:
    """The cross-entropy: the mean of -log p(character that followed), in nats."""
    scores = model(codes)
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), follow.reshape(-1))


def train(model: GPT, text: nn.datasets.CharText, steps: int, batch_size: int, rate: float) -> None:
    """Minimize the loss on pieces from anywhere in the text by AdamW, with a rate that rises, then falls."""
    optimizer = nn.optim.AdamW(model.parameters(), weight_decay=0.1)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps, pct_start=0.1)
    order = nn.data.RandomSampler(text, num_samples=steps * batch_size)
    losses = []
    for step, (codes, follow) in enumerate(nn.DataLoader(text, batch_size, sampler=order), 1):
        loss = surprise(model, codes, follow)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % (steps // 5) == 0:
            print(f"step {step:>4}/{steps}: loss {np.mean(losses[-steps // 5 :]):.3f} nats")


@ag.no_grad()
def measure(model: GPT, text: nn.datasets.CharText) -> float:
    """The loss on pieces that follow one another."""
    losses = [surprise(model, codes, follow).item() for codes, follow in nn.DataLoader(text, batch_size=64)]
    return float(np.mean(losses))


@ag.no_grad()
def write(model: Any, text: nn.datasets.CharText, length: int, rng: np.random.Generator) -> str:
    """Let a model that sees `context` go on from an empty line, each time behind what was drawn."""
    codes = text.encode("\n\n")
    for _ in range(length):
        scores = model(codes[None, -model.context :]).numpy()[0, -1]
        codes = np.append(codes, program.choose(scores, 0.7, rng))
    return text.decode(codes[2:])


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Train, measure, write, and keep the weights."""
    nn.manual_seed(seed)
    context, width, heads, depth = (16, 32, 2, 2) if quick else (64, 64, 4, 2)
    whole = program.shakespeare(quick)
    vocabulary = sorted(set(whole))
    end = len(whole) * 9 // 10
    text = nn.datasets.CharText(whole[:end], context, vocabulary=vocabulary)
    unread = nn.datasets.CharText(whole[end:], context, stride=context, vocabulary=vocabulary)

    model = GPT(len(vocabulary), context, width, heads, depth)
    print(f"{sum(p.size for p in model.parameters()):,} parameters")
    train(model, text, *((300, 16, 0.01) if quick else (2000, 16, 0.004)))
    results = {
        "counts of pairs": program.count_pairs(text.codes, unread.codes),
        "validation": measure(model, unread),
    }
    print("\non text not yet read")
    print(f"  counts of pairs of characters  {results['counts of pairs']:.3f} nats")
    print(f"  this model                     {results['validation']:.3f} nats\n\nit writes:\n")
    print(write(model, text, 200 if quick else 600, np.random.default_rng(seed)))
    nn.save(model.state_dict(), out / "gpt.safetensors")
    return results


if __name__ == "__main__":
    sys.exit(program.main("gpt", __doc__, run))
