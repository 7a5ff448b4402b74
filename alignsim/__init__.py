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
    from alignsim.analysis.advice import advise
    from alignsim.analysis.basins import basins
    from alignsim.analysis.certificates import certificates
    from alignsim.analysis.collapse import collapse
    from alignsim.analysis.fixed_points import fixed_points
    from alignsim.analysis.lyapunov import lyapunov_spectrum
    from alignsim.analysis.neimark_sacker import neimark_sacker
    from alignsim.analysis.orbits import classify
    from alignsim.analysis.stability import stability
    from alignsim.analysis.transients import transient_growth
    from alignsim.claims import verify
    from alignsim.feedback import FeedbackMap, Trajectory
    from alignsim.objectives import dpo_optimum, ipo_optimum
    from alignsim.sweeps.grid import sweep
    from alignsim.sweeps.phase_diagram import phase_diagram

__all__ = [
    "FeedbackMap",
    "Trajectory",
    "advise",
    "analysis",
    "basins",
    "certificates",
    "claims",
    "classify",
    "collapse",
    "dpo_optimum",
    "feedback",
    "fixed_points",
    "ipo_optimum",
    "lyapunov_spectrum",
    "neimark_sacker",
    "objectives",
    "phase_diagram",
    "plotting",
    "preferences",
    "simplex",
    "stability",
    "sweep",
    "sweeps",
    "transient_growth",
    "verify",
]

_HOMES = {
    "FeedbackMap": "feedback",
    "Trajectory": "feedback",
    "advise": "analysis",
    "basins": "analysis",
    "certificates": "analysis",
    "classify": "analysis",
    "collapse": "analysis",
    "dpo_optimum": "objectives",
    "fixed_points": "analysis",
    "ipo_optimum": "objectives",
    "lyapunov_spectrum": "analysis",
    "neimark_sacker": "analysis",
    "phase_diagram": "sweeps",
    "stability": "analysis",
    "sweep": "sweeps",
    "transient_growth": "analysis",
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
