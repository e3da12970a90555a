"""Whether all ranks have the same parameters."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

import numpy as np

from autograd_lite.errors import DataError

from ..module import Module
from .world import all_gather, all_gather_object, rank

__all__ = ["check_equal"]


def check_equal(model: Module) -> None:
    """Compare the parameters of all ranks by hashes; call it on all ranks.

    Args:
        model: the model of this rank.

    Raises:
        DataError: the parameters of a rank differ; the message names the rank and the parameter.

    Example:
        >>> import nn, nn.distributed as dist
        >>> dist.init()                                 # doctest: +SKIP
        >>> dist.check_equal(nn.Linear(2, 1))           # doctest: +SKIP
    """
    mine = {name: blake2b(p.data.tobytes(), digest_size=16).digest() for name, p in model.named_parameters()}
    whole = np.frombuffer(blake2b(b"".join(mine.values()), digest_size=16).digest(), np.uint8)
    hashes = all_gather(whole)
    if all(np.array_equal(whole, other) for other in hashes or ()):
        return
    every = all_gather_object(mine)
    for name in mine:
        found = [theirs.get(name) for theirs in every]
        usual = Counter(found).most_common(1)[0][0]
        odd = [r for r, digest in enumerate(found) if digest != usual]
        if odd:
            raise DataError(
                f"rank {odd[0]} has other numbers in the parameter {name} than rank {found.index(usual)} "
                f"(seen by rank {rank()}); a parameter must change on all ranks alike: after a change, write "
                "nn.distributed.broadcast(parameter)"
            )
