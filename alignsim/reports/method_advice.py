"""Which method to run, with which parameters: the fastest stable ones, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.bifurcations.criticality import Criticality, first_lyapunov_coefficient
from alignsim.analysis.bifurcations.onset import LOST, crossings
from alignsim.analysis.equilibria import rest, symbol
from alignsim.analysis.equilibria.fixed_point import PointStatus, fixed_point
from alignsim.analysis.equilibria.stability import Verdict, stability
from alignsim.analysis.evidence import Evidence
from alignsim.codes import Code
from alignsim.errors import InputError, quote
from alignsim.feedback import FeedbackMap
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.scheme import Scheme
from alignsim.feedback.naming import method_named
from alignsim.notebook import Table
from alignsim.objectives import Objective
from alignsim.reports.far_starts import convergence
from alignsim.reports.fastest import fastest
from alignsim.reports.recommendation import BEYOND, SURE, Recommendation, Target
from alignsim.summary import Lines, Summarised, number
from alignsim.validation import FloatArray

C = TypeVar("C", bound=Code)

ALL = "all"

POINTS, TOLERANCE = 40, 1e-9
"""The loss of stability is looked for on a grid of this many points, to this relative width."""

PROBE = 4096
"""Rounds in which far starts have time to come back, also without an anchor."""

HALVINGS = 12
"""Steps in which the largest β that is stable for that share is found."""

DIGITS = 6
"""Of a rate by which methods are ranked; of those that tie, the one with fewer parameters leads."""


@dataclass(frozen=True, repr=False, eq=False)
class MethodAdvice(Summarised):
    """The fastest stable parameters of one or of all methods.

    Attributes
    ----------
    eta
        What was wanted; infinite for the Nash equilibrium.
    lam, objective, tolerance
        As asked.
    recommendations : tuple of Recommendation
        The fastest first, by rate per one-shot optimum, among those with the same target; those at
        the wanted fixed point come first, others rest elsewhere and are no faster way to it.
    left_out
        Methods without a recommendation, each with the reason.
    warnings
        What else to know.
    """

    eta: float
    lam: float
    objective: str
    tolerance: float
    recommendations: tuple[Recommendation, ...]
    left_out: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def best(self) -> Recommendation:
        """The fastest way to what was wanted.

        Raises
        ------
        InputError
            If no method was found stable there.
        """
        for each in self.recommendations:
            if each.target == self._wanted:
                return each
        told = "has no recommendation at the wanted fixed point"
        raise InputError("advice", told, "see left_out and warnings, or choose another η")

    @property
    def _wanted(self) -> Target:
        return Target.WANTED if np.isfinite(self.eta) else Target.EQUILIBRIUM

    def _title(self) -> str:
        goal = f"η = {self.eta:g}" if np.isfinite(self.eta) else "the Nash equilibrium"
        return f"MethodAdvice for {goal}, λ = {self.lam:g}, {self.objective.upper()}"

    def _summary(self) -> Lines:
        for each in self.recommendations:
            elsewhere = "" if each.target == self._wanted else f" (rests at {each.target.word})"
            yield (
                each.method,
                f"{number(each.rate_per_optimum, 4)} an optimum: {each.setting}{elsewhere}",
            )
        yield from self.left_out
        for sentence in self.warnings:
            yield "warning", sentence

    def _tables(self) -> list[Table]:
        told = [each.sentences() for each in self.recommendations]
        rows = [
            [each._title(), *of.values()]
            for each, of in zip(self.recommendations, told, strict=True)
        ]
        return [Table("what is known of each", ["loop", *told[0]], rows)] if rows else []


def method_advice(
    P: ArrayLike,
    eta: FloatArray | None,
    lam: ArrayLike,
    objective: str | Objective,
    method: str,
    *,
    reference: ArrayLike | None,
    offline: ArrayLike | None,
    tolerance: float,
    parameters: Mapping[str, Any],
) -> MethodAdvice:
    """Return what :func:`alignsim.advise` says of methods; see there."""
    every = isinstance(method, str) and method == ALL
    chosen = METHODS.values() if every else [method_named(method)[0]]
    strength = 1.0 if eta is None else eta
    matrices = validation.preference_matrix(P)
    sample = matrices.reshape(-1, *matrices.shape[-2:]) if matrices.ndim > 2 else None
    loop = FeedbackMap(
        matrices if sample is None else sample.mean(axis=0), objective=objective, beta=strength,
        lam=lam, reference=reference, offline=offline,
    )  # fmt: skip
    if loop.shape:
        told = f"make a batch {loop.shape}"
        remedy = "with a method, give one η and one λ, or leave method out for the α of MRS"
        raise InputError("eta, lam and the policies", told, remedy)
    if not loop.has_score:
        raise InputError(
            "objective", f"is {quote(loop.objective.name)}, whose rounds have no score",
            "the multipliers of its methods have no symbol: see alignsim.stability",
        )  # fmt: skip
    fixed = {name: value for name, value in parameters.items() if value is not None}
    if fixed and method == ALL:
        told = "is given, but methods have different parameters"
        raise InputError(next(iter(fixed)), told, "name one method")
    for name, value in fixed.items():
        (of,) = chosen
        fixed[name] = validation.number(_of_method(of, name, value), name, low=-np.inf)
    flat = loop.part(0, 1)
    goals, warnings = _goals(flat, held=eta is not None)
    if sample is not None:
        warnings.insert(0, f"The advice is for the mean of {len(sample):,} matrices.")
    found, left_out = [], []
    for each in chosen:
        own = [_recommended(flat, goal, each, fixed, tolerance) for goal in goals]
        some = [_judged(one, sample) for one in own if one is not None]
        found += some
        if not some and goals:
            left_out.append((each.name, "no stable parameters were found"))
    found.sort(
        key=lambda one: (one.target, round(one.rate_per_optimum, DIGITS), len(one.parameters))
    )
    return MethodAdvice(
        eta=np.inf if eta is None else float(loop.beta),
        lam=float(loop.lam),
        objective=loop.objective.name,
        tolerance=tolerance,
        recommendations=tuple(found),
        left_out=tuple(left_out),
        warnings=(*warnings, *_targets_differ(found)),
    )


class _Goal(NamedTuple):
    """A rest point: the gains of the score at ``beta``, and whether an anchor is to hold it."""

    modes: NDArray[np.complex128]
    beta: float
    anchored: bool


def _goals(flat: FeedbackMap, *, held: bool) -> tuple[list[_Goal], list[str]]:
    """Return the rest points that loops can have, and why others cannot be."""
    goals, warnings = [], []
    nothing = np.zeros(1)
    if held:
        point = fixed_point(flat)
        if np.isfinite(point.logits).all():
            gains = symbol.modes(flat, point.logits, nothing, True).gains[0]
            goals.append(_Goal(gains, float(flat.beta[0]), True))
            if point.status[0] == PointStatus.FOUND:
                warnings.append(
                    "There may be several fixed points; this is the one that is found from the "
                    "reference."
                )
        else:
            warnings.append("No fixed point was found; move P off 0 and 1.")
    balanced = flat.facts.win_gain is not None
    equilibrium = rest.interior_equilibrium(flat)
    if balanced and np.isfinite(equilibrium).all():
        unit = rest.score_problem(flat)
        goals.append(_Goal(symbol.modes(unit, equilibrium, nothing, True).gains[0], 1.0, False))
    else:
        warnings.append(
            "No single interior policy makes all scores equal, so loops without an anchor have "
            "nowhere to rest, and are left out."
        )
    return goals, warnings


def _recommended(
    flat: FeedbackMap, goal: _Goal, method: Method, fixed: Mapping[str, float], tolerance: float
) -> Recommendation | None:
    best = fastest(method, goal.modes, fixed, anchored=goal.anchored)
    if best is None:
        return None
    scheme = Scheme.of(method, {k: np.full(1, v) for k, v in best.parameters.items()})
    beta = np.full(1, goal.beta * best.beta)
    loop = flat.with_scheme(scheme).with_parameters(beta=beta)
    local = stability(loop)
    if local.verdict[0] != Verdict.STABLE:
        return None
    logits, rate = local.fixed_point.logits, local.spectral_radius
    seen = convergence(loop, logits, rate, np.ones(1, dtype=bool), least=PROBE)
    lost, criticality = _loss(loop)
    return Recommendation(
        method=method.name,
        parameters={"beta": float(beta[0]), **best.parameters},
        loop=loop.reshaped(()),
        target=_target(scheme),
        policy=simplex.softmax(logits[0]),
        rate=float(rate[0]),
        optima=best.optima,
        closed_form=best.closed_form,
        evidence=_member(Evidence, seen.evidence[0]),
        far_starts=int(seen.starts[0]),
        arrived=int(seen.arrived[0]),
        probe_rounds=seen.rounds,
        beta_lost=lost,
        criticality=criticality,
        tolerance=tolerance,
    )


def _judged(found: Recommendation, sample: FloatArray | None) -> Recommendation:
    """Return a recommendation with what is said of a sample of matrices."""
    if sample is None:
        return found
    loops = found.loop.with_matrices(sample)
    beta = found.parameters["beta"]

    def stable(share: float) -> int:
        local = stability(loops.replace(beta=share * beta))
        return int((local.verdict == Verdict.STABLE).sum())

    enough = SURE * len(sample)
    now = stable(1.0)
    low, high = (1.0, 1.0) if now >= enough else (0.0, 1.0)
    for _ in range(HALVINGS):
        if low == high:
            break
        middle = 0.5 * (low + high)
        low, high = (middle, high) if stable(middle) >= enough else (low, middle)
    safe = low * beta if low > 0.0 else np.nan
    return replace(found, matrices=len(sample), stable=now, safe_beta=safe)


def _target(scheme: Scheme) -> Target:
    held = scheme.rest()
    if not held.anchored[0]:
        return Target.EQUILIBRIUM
    alike = np.isclose(held.gain[0], held.lift[0, 0], rtol=1e-9)
    return Target.WANTED if alike else Target.MIXTURE


def _loss(loop: FeedbackMap) -> tuple[float, Criticality]:
    """Return the β at which a stable loop loses stability, and the criticality."""
    found = crossings(
        loop, "beta", loop.beta, BEYOND * loop.beta, points=POINTS, tolerance=TOLERANCE
    )
    lost = np.flatnonzero(found.direction[0] == LOST)
    if not len(lost):
        return np.inf, Criticality.NONE
    at = found.at[0, lost[0]]
    if loop.expansion is None:
        return float(at), Criticality.UNDECIDED
    form = first_lyapunov_coefficient(loop.replace(beta=[at]), found.logits[:, lost[0]])
    return float(at), _member(Criticality, form.criticality[0])


def _member(codes: type[C], number: Any) -> C:
    return list(codes)[int(number)]


def _of_method(method: Method, name: str, value: Any) -> FloatArray:
    for each in method.parameters:
        if each.name == name:
            return each.checked(value)
    known = ", ".join(each.name for each in method.parameters)
    raise InputError(name, f"is no parameter of {method.name!r}", f"its parameters: {known}")


def _targets_differ(found: list[Recommendation]) -> list[str]:
    targets = {each.target for each in found}
    if len(targets) < 2:
        return []
    return [
        "The loops do not all rest at the same policy: compare rates only between those that do."
    ]
