"""Every claim, in the order of the theory page."""

from __future__ import annotations

from inspect import isabstract

from alignsim.claims import (
    choosing_alpha,
    collapse,
    convergence_certificates,
    counterexamples,
    dpo_cycles,
    dpo_fixed_points,
    dpo_optimum,
    finite_samples,
    ipo_cycles,
    ipo_fixed_point,
    ipo_optimum,
    momentum_rounds,
    nonconvex_objectives,
    ranking_axioms,
    residual_objectives,
    samplers,
    scheme_convergence,
    scheme_criticality,
    scheme_cycles,
    scheme_equivalences,
    scheme_limits,
    scheme_rates,
    scheme_stability,
    scores_and_games,
    training,
    training_fields,
    unanchored,
)
from alignsim.claims.contract import Claim

SUBJECTS = (
    ipo_optimum,
    dpo_optimum,
    ranking_axioms,
    ipo_fixed_point,
    ipo_cycles,
    convergence_certificates,
    collapse,
    counterexamples,
    unanchored,
    choosing_alpha,
    dpo_cycles,
    dpo_fixed_points,
    finite_samples,
    scheme_equivalences,
    scheme_stability,
    scheme_limits,
    scheme_rates,
    scheme_convergence,
    scheme_criticality,
    scheme_cycles,
    training,
    training_fields,
    samplers,
    scores_and_games,
    momentum_rounds,
    residual_objectives,
    nonconvex_objectives,
)

CLAIMS: tuple[Claim, ...] = tuple(
    found()
    for subject in SUBJECTS
    for found in vars(subject).values()
    if isinstance(found, type)
    and issubclass(found, Claim)
    and not isabstract(found)
    and found.__module__ == subject.__name__
)
"""Each class of claims in the files of ``SUBJECTS``, with the constants of its statement."""
