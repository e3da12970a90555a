"""Published weights: which file they are in, and where that file is looked for."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from autograd_lite.errors import FileError, OptionError

from ...datasets.files import find
from ...torch import load, nn

__all__ = ["Weights", "with_weights"]

Net = TypeVar("Net", bound=nn.Module)

ADDRESS = "https://download.pytorch.org/models/"


class Weights(Enum):
    """Base class of the lists of published weights: the name of each, and its file."""

    @property
    def url(self) -> str:
        """The address of the file."""
        return ADDRESS + str(self.value)

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The weights, from their file on this machine.

        Raises:
            FileError: the file is in none of the folders.
        """
        return load(_file(str(self.value)))


def with_weights(model: Net, kind: type[Weights], weights: Any, pretrained: bool = False) -> Net:
    """A network with published weights, or as it is.

    Args:
        model: the network.
        kind: the list of its published weights.
        weights: an entry of the list, its name, "DEFAULT", or None.
        pretrained: True for the first entry, as in older programs.

    Raises:
        OptionError: there are no weights of this name.
        FileError: the file is not on this machine.
    """
    if weights is None and not pretrained:
        return model
    names = list(kind.__members__)
    name = (
        names[0] if weights is None else weights.name if isinstance(weights, kind) else str(weights)
    ).upper()
    name = name.removeprefix(f"{kind.__name__.upper()}.")
    if name not in names:
        raise OptionError(f"weights={weights!r}: expected {' or '.join(names)}, or None")
    model.load_state_dict(kind[name].get_state_dict())
    return model


def _file(name: str) -> Path:
    """The path of a file of weights: in AUTOGRAD_LITE_DATA, in the cache, or where PyTorch keeps it."""
    hub = (
        Path(os.environ.get("TORCH_HOME", Path("~/.cache/torch").expanduser())) / "hub" / "checkpoints" / name
    )
    found = find("weights", [name], None) or ([hub] if hub.is_file() else [])
    if not found:
        raise FileError(
            f"the weights {name} are not on this machine; download {ADDRESS}{name}, and write "
            f"model.load_state_dict(torch.load({name!r})), or put the file into {hub.parent}"
        )
    return found[0]
