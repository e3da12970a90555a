"""Long memory: RNN, LSTM and GRU must recall the first of many inputs at the end.

Every input is a random sign, and the first is marked. After the last input the net must output the marked
one. The error at the end travels back through all steps. In a plain net every step multiplies it by the
same matrix, so it vanishes. Later inputs overwrite the state too. An LSTM's cell passes its state on
through a gate that can be open. The gates' biases begin with the logarithms of times up to the lag ("chrono
initialization"). So some cells remember that long from the start.

Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; F. Gers et al., "Learning to forget",
2000; K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; Y. Bengio et al.,
"Learning long-term dependencies with gradient descent is difficult", 1994; C. Tallec, Y. Ollivier, "Can
recurrent neural networks warp time?", 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.pictures import BLUE, GREEN, ORANGE, panels, save

Array = npt.NDArray[Any]

UNITS, BATCH = 16, 64
KINDS: dict[str, Callable[..., Any]] = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


class Recall(nn.Module):
    """A recurrent layer whose last state is read as a score for the sign.

    Args:
        kind: of the layer.
        memory: for how many steps the gates are set at first.
    """

    def __init__(self, kind: str, memory: int) -> None:
        self.recurrent = KINDS[kind](2, UNITS)
        self.score = nn.Linear(UNITS, 1)
        if kind != "RNN":
            bias, times = self.recurrent.bias_hh_l0.numpy().copy(), np.linspace(1, memory, UNITS)
            bias[UNITS : 2 * UNITS] = np.log(times)  # the gate that keeps the state
            if kind == "LSTM":
                bias[:UNITS] = -np.log(times)  # the gate that lets input in
            self.recurrent.bias_hh_l0.data = bias

    def forward(self, x: Any) -> Any:
        """(T, n, 2) to (n,)."""
        return self.score(self.recurrent(x)[0][-1])[:, 0]


def batch(lag: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sequences of lag + 1 signs, each with its mark, and whether the marked one is positive."""
    x = np.zeros((lag + 1, BATCH, 2), np.float32)
    x[..., 0] = rng.choice([-1, 1], (lag + 1, BATCH))
    x[0, :, 1] = 1
    return x, (x[0, :, 0] > 0).astype(np.float32)


def learn(kind: str, lag: int, steps: int, rng: np.random.Generator) -> tuple[Recall, list[float]]:
    """Train on fresh sequences until 20 batches in a row are all right; returns the accuracies as well."""
    model = Recall(kind, lag)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    accuracies: list[float] = []
    for _ in range(steps):
        x, sign = batch(lag, rng)
        score = model(x)
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(score, sign).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        accuracies.append(float(np.mean((score.numpy() > 0) == sign)))
        if accuracies[-20:] == [1.0] * 20:
            break
    return model, accuracies


def gradient_in_time(kind: str, lag: int, rng: np.random.Generator) -> Array:
    """The norm of the gradient of the loss with respect to each input, of an untrained net."""
    x, sign = batch(lag, rng)
    inputs = ag.Tensor(x, requires_grad=True)
    nn.functional.binary_cross_entropy_with_logits(Recall(kind, lag)(inputs), sign).backward()
    assert inputs.grad is not None
    norms: Array = np.linalg.norm(inputs.grad.numpy().astype(float), axis=(1, 2))
    return norms


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Let each net learn at several lags, and measure gradients over time."""
    lags, steps = ([20], 200) if quick else ([10, 30, 100], 1000)
    figure, (left, right) = panels(1, 2)
    solved: dict[str, dict[int, float]] = {}
    for kind, color in zip(KINDS, (ORANGE, BLUE, GREEN), strict=True):
        solved[kind] = {}
        for lag in lags:
            nn.manual_seed(seed)
            _, accuracies = learn(kind, lag, steps, np.random.default_rng(seed))
            solved[kind][lag] = float(np.mean(accuracies[-20:]))
            print(f"{kind:<5} lag {lag:>3}: {solved[kind][lag]:.1%} right after {len(accuracies)} batches")
        norms = gradient_in_time(kind, 100, np.random.default_rng(seed))
        left.semilogy(-np.arange(101)[::-1], norms, color=color, label=kind)
        style = "o--" if kind == "GRU" else "o-"  # it lies on the LSTM's
        right.plot(lags, list(solved[kind].values()), style, color=color, label=kind)
    left.set(xlabel="time before the end", ylabel="norm of the gradient", title="before training")
    right.set(xlabel="lag", ylabel="accuracy", title=f"after at most {steps} batches", ylim=(0.4, 1.02))
    left.legend(frameon=False)
    save(figure, out / "rnn_memory.png")
    return solved


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
