"""Iterated preference optimisation as a dynamical system.

>>> import alignsim as asim
>>> P = asim.preferences.cyclic(3, advantage=0.3)
>>> loop = asim.FeedbackMap(P, objective="ipo", beta=10.0, alpha=0.6, lam=0.8)
>>> orbit = loop.run([0.4, 0.3, 0.3], rounds=1000)
>>> bool(orbit.cycle_strength > 1e-3)  # the loop oscillates for ever
True

Rooms are imported when they are first used, so that ``import alignsim`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from alignsim import (
        analysis,
        claims,
        feedback,
        objectives,
        plotting,
        preferences,
        simplex,
        sweeps,
    )
    from alignsim.analysis import classify
    from alignsim.claims import verify
    from alignsim.feedback import FeedbackMap, Trajectory
    from alignsim.objectives import dpo_optimum, ipo_optimum
    from alignsim.sweeps import sweep

__all__ = [
    "FeedbackMap",
    "Trajectory",
    "analysis",
    "claims",
    "classify",
    "dpo_optimum",
    "feedback",
    "ipo_optimum",
    "objectives",
    "plotting",
    "preferences",
    "simplex",
    "sweep",
    "sweeps",
    "verify",
]

_HOMES = {
    "FeedbackMap": "feedback",
    "Trajectory": "feedback",
    "classify": "analysis",
    "dpo_optimum": "objectives",
    "ipo_optimum": "objectives",
    "sweep": "sweeps",
    "verify": "claims",
}
"""The room of every public name that is not a room itself."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'alignsim' has no attribute {name!r}")
    room = importlib.import_module(f"alignsim.{_HOMES.get(name, name)}")
    return getattr(room, name) if name in _HOMES else room


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
