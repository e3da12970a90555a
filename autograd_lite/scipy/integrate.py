"""`scipy.integrate` with gradients: see `autograd_lite.implicit`; other names are SciPy's own."""

from __future__ import annotations

from typing import Any

from scipy import integrate as _integrate

from ..implicit import odeint, quad, solve_ivp

__all__ = ["odeint", "quad", "solve_ivp"]


def __getattr__(name: str) -> Any:
    return getattr(_integrate, name)
