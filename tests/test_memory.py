"""Freed memory is kept: a step over large arrays asks the system for no new pages."""

from __future__ import annotations

import platform

import pytest

from tests.helpers import python

STEPS = """
import resource
import numpy as np

def step():
    kept = [np.ones(750_000, np.float32) for _ in range(5)]  # 3 MB each

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


def faults(first: str) -> int:
    """How many pages the system hands out for ten steps, after the line `first`."""
    done = python("-c", first + STEPS, unset=("MALLOC_", "GLIBC_TUNABLES"))
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries handle memory by other rules"
)
def test_steps_need_no_new_pages() -> None:
    without = faults("")
    if without < 1_000:
        pytest.skip("the system gives out large pages, few enough to need no help")
    assert faults("import autograd_lite") < without / 50
