"""Which method to run, with which parameters: the fastest stable ones, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from alignsim.notebook import Table
from alignsim.objectives import Objective
from alignsim.reports.far_starts import convergence
from alignsim.reports.fastest import fastest
from alignsim.summary import Lines, Summarised
from alignsim.validation import FloatArray

C = TypeVar("C", bound=Code)

ALL = "all"

BEYOND, POINTS, TOLERANCE = 10.0, 40, 1e-9
"""The loss of stability is looked for up to this multiple of the advised β, on a grid of so few
points, and to this relative width."""


PROBE = 4096
"""Rounds in which far starts have time to come back, also without an anchor."""

VANISHING = 1e-6
"""A rate below it is that of a multiplier that is 0, up to the digits of the search."""

DIGITS = 6
"""Of a rate by which methods are ranked; of those that tie, the one with fewer parameters leads."""


class Target(Code):
    """Where the loop of a recommendation rests."""

    WANTED = "the wanted fixed point"
    MIXTURE = "a policy beyond it: the mixture with the reference is the wanted one"
    EQUILIBRIUM = "the Nash equilibrium"


@dataclass(frozen=True, repr=False, eq=False)
class Recommendation(Summarised):
    """The fastest stable parameters of a method for one target.

    Attributes
    ----------
    method
        Its name.
    parameters
        β and those of the method, by name.
    loop
        The loop itself, ready to run.
    target
        Where it rests.
    policy : (K,)
        The policy there.
    rate
        Spectral radius: the factor by which a small deviation shrinks in a round.
    optima
        One-shot optima in a round.
    closed_form
        Whether the parameters are a closed form; else they were found by a search of the
        multipliers, which are exact.
    evidence
        How convergence from everywhere is known: certified, iterated (from far starts) or none.
    far_starts, arrived, probe_rounds
        From how many far starts the loop was run, how many arrived, within how many rounds.
    beta_lost
        The β, beyond the advised one, at which stability is lost; infinite if none up to
        ``BEYOND`` times it.
    criticality
        Of that loss.
    tolerance
        What ``optima_needed`` refers to.
    """

    method: str
    parameters: dict[str, float]
    loop: FeedbackMap
    target: Target
    policy: FloatArray
    rate: float
    optima: int
    closed_form: bool
    evidence: Evidence
    far_starts: int
    arrived: int
    probe_rounds: int
    beta_lost: float
    criticality: Criticality
    tolerance: float

    @property
    def rate_per_optimum(self) -> float:
        """The factor by which a small deviation shrinks in one of the round's optima."""
        return float(self.rate ** (1.0 / self.optima))

    @property
    def optima_needed(self) -> float:
        """One-shot optima, in whole rounds, until a small deviation has shrunk by ``tolerance``."""
        with np.errstate(divide="ignore"):
            rounds = np.ceil(np.log(self.tolerance) / np.log(self.rate))
        return float(self.optima * max(rounds, 1.0))

    @property
    def setting(self) -> str:
        """The parameters as they are written in a sentence."""
        return ", ".join(f"{name} = {value:.6g}" for name, value in self.parameters.items())

    def sentences(self) -> dict[str, str]:
        """Return what is known of it, sentences by what they are about."""
        of = f"{self.rate:.4g} a round"
        if self.optima > 1:
            of += f" of {self.optima} one-shot optima, {self.rate_per_optimum:.4g} an optimum"
        shrinks = f"A small deviation shrinks by {of}"
        if self.rate < VANISHING:
            shrinks = "A small deviation vanishes in a round, to first order"
        far = "It is proved that every start converges."
        if self.evidence != Evidence.CERTIFIED:
            ran = f"within {self.probe_rounds:,} rounds"
            far = (
                "All this is local. Nothing is proved about far starts, of which "
                f"{self.arrived} of {self.far_starts} converged {ran}."
            )
            if self.arrived < self.far_starts:
                far += " The others are slow, or another attractor keeps them."
        lost = f"None is lost up to β = {BEYOND * self.parameters['beta']:.4g}."
        if np.isfinite(self.beta_lost):
            lost = f"It is lost at β = {self.beta_lost:.4g}{_manner(self.criticality)}."
        return {
            "rest": f"It rests at {self.target.word}.",
            "rate": f"{shrinks}; by {self.tolerance:g} within {self.optima_needed:,.0f} optima.",
            "parameters": (
                "They are the closed form for one frequency of rotation."
                if self.closed_form
                else "They were found by minimising the largest multiplier, which is exact."
            ),
            "far starts": far,
            "stability": lost,
        }

    def _title(self) -> str:
        return f"{self.method}: {self.setting}"

    def _summary(self) -> Lines:
        yield from self.sentences().items()


def _manner(criticality: Criticality) -> str:
    if criticality == Criticality.SUBCRITICAL:
        return (
            ", abruptly (a subcritical bifurcation): near it another attractor may lie beside the "
            "fixed point"
        )
    if criticality == Criticality.SUPERCRITICAL:
        return ", gently (a supercritical bifurcation)"
    return ""


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
                f"{each.rate_per_optimum:.4g} an optimum: {each.setting}{elsewhere}",
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
    validation.choice(method, "method", [*METHODS, ALL])
    strength = 1.0 if eta is None else eta
    loop = FeedbackMap(
        P, objective=objective, beta=strength, lam=lam, reference=reference, offline=offline
    )
    if loop.shape:
        told = f"make a batch {loop.shape}"
        remedy = "with a method, give one matrix and one η, or leave method out for the α of MRS"
        raise InputError("P, eta, lam and the policies", told, remedy)
    if not loop.has_score:
        raise InputError(
            "objective", f"is {quote(loop.objective.name)}, whose rounds have no score",
            "the multipliers of its methods have no symbol: see alignsim.stability",
        )  # fmt: skip
    fixed = {name: value for name, value in parameters.items() if value is not None}
    if fixed and method == ALL:
        told = "is given, but methods have different parameters"
        raise InputError(next(iter(fixed)), told, "name one method")
    chosen = METHODS.values() if method == ALL else [METHODS[method]]
    for name, value in fixed.items():
        fixed[name] = validation.number(_of_method(METHODS[method], name, value), name, low=-np.inf)
    flat = loop.part(0, 1)
    goals, warnings = _goals(flat, held=eta is not None)
    found, left_out = [], []
    for each in chosen:
        own = [_recommended(flat, goal, each, fixed, tolerance) for goal in goals]
        some = [one for one in own if one is not None]
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
    balanced = flat.objective.facts.win_gain is not None
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
    if loop.objective.expansion is None:
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
