"""What the programs on CIFAR-10 share: the photographs, the training, the table of all nets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from autograd_lite.errors import FileError
from examples.pictures import BLUE, ORANGE
from nn import transforms

Array = npt.NDArray[Any]

EPOCHS = 20
KINDS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Pictures:
    """Images of shape (n, channels, size, size), each channel with mean 0 and deviation 1 in training.

    Attributes:
        name: "CIFAR-10" or "digits".
        kinds: the names of the classes.
        train, test: images and labels.
        varied: whether they are shifted and mirrored at random in training.
    """

    name: str
    kinds: Sequence[str]
    train: tuple[Array, Array]
    test: tuple[Array, Array]
    varied: bool

    @property
    def channels(self) -> int:
        """3, or 1 where there are no colours."""
        return int(self.train[0].shape[1])

    @property
    def size(self) -> int:
        """Height and width."""
        return int(self.train[0].shape[2])

    def dataset(self) -> Any:
        """What is learned from."""
        images = nn.TensorDataset(*self.train)
        if not self.varied:
            return images
        crop = transforms.RandomCrop(self.size, padding=4)
        return nn.data.Augmented(images, transforms.Compose([crop, transforms.RandomHorizontalFlip()]))


def pictures(quick: bool) -> Pictures:
    """10,000 photographs of CIFAR-10 and those for the test, or the 8x8 digits, twice as large."""
    if not quick:
        try:
            (X, y), test = (nn.datasets.load_cifar10(part, download=True) for part in ("train", "test"))
            return _standardized("CIFAR-10", KINDS, (X[:10_000], y[:10_000]), test, varied=True)
        except FileError:
            print("CIFAR-10 is not on this machine and cannot be downloaded: the 8x8 digits instead")
    train, test = (nn.datasets.load_digits(part) for part in ("train", "test"))
    (X, y), (X_test, y_test) = (
        (X.reshape(-1, 1, 8, 8).repeat(2, 2).repeat(2, 3), y) for X, y in (train, test)
    )
    return _standardized("digits", "0123456789", (X, y), (X_test, y_test), varied=False)


def _standardized(name: str, kinds: Sequence[str], train: Any, test: Any, varied: bool) -> Pictures:
    scale = nn.data.Standardize(per="channel").fit(train[0])
    print(f"{name}: {len(train[0]):,} images to learn from, {len(test[0]):,} to test")
    return Pictures(name, kinds, (scale(train[0]), train[1]), (scale(test[0]), test[1]), varied)


# -- training --------------------------------------------------------------------------------------


class Stopwatch(nn.Callback):
    """Seconds of training, those before an interruption included."""

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.before, self.start = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Until now."""
        return self.before + time.perf_counter() - self.start

    def state_dict(self) -> dict[str, Any]:
        """What was needed so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.before = state_dict["seconds"]


@dataclass(frozen=True)
class Learned:
    """A net, and its course."""

    name: str
    trainer: nn.Trainer
    seconds: float

    @property
    def accuracy(self) -> float:
        """On the test images, in the end."""
        return self.trainer.history["val_accuracy"][-1]


def learn(
    fit: Callable[..., nn.History], name: str, model: nn.Module, data: Pictures, rate: float, epochs: int
) -> Learned:
    """Train a net by SGD with momentum, on one cycle of rates up to `rate` and down to 0.

    All nets learn in this way: what differs is the net, the highest rate, and nothing else. The test images
    are looked at after each epoch for the picture, and decide nothing.

    Args:
        fit: what `program.resumable` gives.
    """
    images, batch_size, watch = data.dataset(), 50, Stopwatch()
    optimizer = nn.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = epochs * -(-len(images) // batch_size)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", watch, schedule)
    fit(name, trainer, images, None, epochs, batch_size, data.test, verbose=epochs >= EPOCHS)
    return Learned(name, trainer, watch.seconds)


# -- what came out ---------------------------------------------------------------------------------


def report(nets: Sequence[Learned], data: Pictures, out: Path) -> dict[str, Any]:
    """Print a table of these nets beside all others whose results are in the folder; returns all."""
    table = out / f"nets-{data.name}.json"
    rows = json.loads(table.read_text()) if table.exists() else {}
    for net in nets:
        size = nn.summary(net.trainer.model, data.test[0][:1])
        rows[net.name] = {
            "parameters": size.parameters,
            "multiply-adds": size.multiply_adds,
            "epochs": net.trainer.epoch,
            "seconds": round(net.seconds),
            "accuracy": net.accuracy,
        }
    table.write_text(json.dumps(rows, indent=1))
    print(f"{'':<16}parameters  multiply-adds  epochs  seconds  test accuracy")
    for name, row in sorted(rows.items(), key=lambda item: item[1]["accuracy"]):
        print(
            f"{name:<16}{row['parameters']:>10,}  {row['multiply-adds']:>13,}  {row['epochs']:>6}  "
            f"{row['seconds']:>7,}  {row['accuracy']:>13.1%}"
        )
    return rows


def draw_course(axes: Any, net: Learned, colors: tuple[str, str] = (BLUE, ORANGE), label: str = "") -> None:
    """Accuracy by epoch, on the images learned from and on those of the test."""
    history = net.trainer.history
    epochs = np.arange(1, len(history["loss"]) + 1)
    for key, part, color in zip(("accuracy", "val_accuracy"), ("training", "test"), colors, strict=True):
        axes.plot(epochs, history[key], color=color, label=f"{label}{part}")
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=8)


def as_shown(images: Array) -> Array:
    """Of (n, channels, height, width), each from its darkest to its lightest value, as `tiles` takes them."""
    low, high = (edge(images, axis=(1, 2, 3), keepdims=True) for edge in (np.min, np.max))
    scaled: Array = np.moveaxis((images - low) / (high - low), 1, -1)
    return scaled if scaled.shape[-1] == 3 else scaled[..., 0]
