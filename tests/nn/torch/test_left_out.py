"""What nn.torch leaves out is listed in docs/pytorch.md, with the reasons."""

from __future__ import annotations

from typing import Any

import pytest

from docs import left_out


@pytest.mark.torch
def test_every_name_of_pytorch_is_here_or_has_a_reason(torch: Any) -> None:
    missing = left_out.missing()
    assert [n for names in missing.values() for n in names if left_out.reason_of(n) is None] == []
    assert left_out.unused() == []
    assert not {"tensor", "cat", "stack", "where", "no_grad", "Tensor"} & set(missing["torch"])


@pytest.mark.torch
def test_the_page_is_up_to_date(torch: Any) -> None:
    if not torch.__version__.startswith("2.13"):
        pytest.skip("the list is that of PyTorch 2.13")
    assert left_out.PAGE.read_text(encoding="utf-8") == left_out.page()


def test_reasons() -> None:
    assert left_out.reason_of("jit") == next(iter(left_out.REASONS))
    assert left_out.reason_of("a_name_that_nobody_has") is None
