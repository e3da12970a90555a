"""The quick part of the tests of several ranks: one start of two, and one of three."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ranks import checks, programs, together, trained
from tests.ranks.running import on_ranks


@pytest.mark.parametrize("n", [2, 3])
def test_several_ranks_are_as_one(n: int, tmp_path: Path) -> None:
    results = on_ranks(n, tmp_path, together.results)
    learned = programs.alone(*together.LEARNED[n])
    name, norm, batch_size, accumulate, samples, loss = together.FITTED[n]
    fitted = trained.fitted(name, norm, n * batch_size, accumulate, samples, loss, distributed=False)
    for found in results:
        assert checks.close(found["learned"][0], learned)
        checks.equal(found["fitted"], fitted)
        assert found["fitted"] == results[0]["fitted"]  # to the bit
    if n == 3:
        checks.words([found["words"] for found in results])
        return
    checks.branches([found["branches"] for found in results])
    checks.several([found["several"] for found in results])
    for found in results:
        assert [case for case, right in found["breaking"].items() if not right] == []
