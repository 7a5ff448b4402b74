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

from alignsim._version import __version__ as __version__

if TYPE_CHECKING:
    from alignsim import (
        analysis,
        claims,
        data,
        experiments,
        explorer,
        feedback,
        objectives,
        plotting,
        preferences,
        reports,
        simplex,
        sweeps,
    )
    from alignsim.analysis.bifurcations.criticality import bifurcations
    from alignsim.analysis.collapse.measure import collapse
    from alignsim.analysis.equilibria.certificates import certificates
    from alignsim.analysis.equilibria.fixed_points import fixed_points
    from alignsim.analysis.equilibria.quantal import qre
    from alignsim.analysis.equilibria.stability import stability
    from alignsim.analysis.equilibria.transients import transient_growth
    from alignsim.analysis.orbits.classification import classify
    from alignsim.analysis.orbits.exponents import lyapunov_spectrum
    from alignsim.claims import verify
    from alignsim.explorer import explore
    from alignsim.feedback import FeedbackMap, Scheme, Trajectory
    from alignsim.feedback.diagnostics import diagnostics
    from alignsim.feedback.naming import method, methods
    from alignsim.feedback.training import train
    from alignsim.objectives import dpo_optimum, ipo_optimum, optimum
    from alignsim.objectives.naming import objectives_table
    from alignsim.objectives.samplers.table import sampler_weights, samplers
    from alignsim.preferences.games import exploitability, maximal_lottery
    from alignsim.reports.advice import advise
    from alignsim.reports.compare import compare
    from alignsim.reports.diagnosis.diagnosis import diagnose
    from alignsim.sweeps.basins import basins
    from alignsim.sweeps.grid import sweep
    from alignsim.sweeps.phase_diagram import phase_diagram
    from alignsim.sweeps.store import open_sweep

__all__ = [
    "FeedbackMap",
    "Scheme",
    "Trajectory",
    "advise",
    "analysis",
    "basins",
    "bifurcations",
    "certificates",
    "claims",
    "classify",
    "collapse",
    "compare",
    "data",
    "diagnose",
    "diagnostics",
    "dpo_optimum",
    "experiments",
    "exploitability",
    "explore",
    "explorer",
    "feedback",
    "fixed_points",
    "ipo_optimum",
    "lyapunov_spectrum",
    "maximal_lottery",
    "method",
    "methods",
    "objectives",
    "objectives_table",
    "open_sweep",
    "optimum",
    "phase_diagram",
    "plotting",
    "preferences",
    "qre",
    "reports",
    "sampler_weights",
    "samplers",
    "simplex",
    "stability",
    "sweep",
    "sweeps",
    "train",
    "transient_growth",
    "verify",
]

_HOMES = {
    "FeedbackMap": "feedback",
    "Scheme": "feedback",
    "Trajectory": "feedback",
    "advise": "reports",
    "basins": "sweeps",
    "certificates": "analysis",
    "classify": "analysis",
    "collapse": "analysis",
    "compare": "reports",
    "diagnose": "reports",
    "diagnostics": "feedback.diagnostics",
    "dpo_optimum": "objectives",
    "exploitability": "preferences",
    "explore": "explorer",
    "fixed_points": "analysis",
    "ipo_optimum": "objectives",
    "lyapunov_spectrum": "analysis",
    "maximal_lottery": "preferences",
    "method": "feedback.naming",
    "methods": "feedback.naming",
    "objectives_table": "objectives.naming",
    "optimum": "objectives",
    "bifurcations": "analysis",
    "open_sweep": "sweeps",
    "phase_diagram": "sweeps",
    "qre": "analysis.equilibria.quantal",
    "sampler_weights": "objectives.samplers.table",
    "samplers": "objectives.samplers.table",
    "stability": "analysis",
    "sweep": "sweeps",
    "train": "feedback.training",
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
