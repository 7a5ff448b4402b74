"""`diagnose`: what the logged rounds of a real loop say of its long run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import notebook, simplex, validation
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.results import Result
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap
from alignsim.preferences.seeds import Seed, generator
from alignsim.progress import ProgressBar
from alignsim.reports.diagnosis.damping import NO_SCALE, WANTED, Scale, calming_scale
from alignsim.reports.diagnosis.estimates import Interval
from alignsim.reports.diagnosis.exact import exact_estimate
from alignsim.reports.diagnosis.logs import Log
from alignsim.reports.diagnosis.posterior import STEPS, WARM_UP
from alignsim.reports.diagnosis.reading import Reading, logs_of
from alignsim.reports.diagnosis.scalars import AT_REST, scalar_estimate, scalar_verdict
from alignsim.reports.diagnosis.shares import sampled_estimate
from alignsim.reports.diagnosis.theory import NO_THEORY, Theory, check_loop, compared
from alignsim.reports.diagnosis.verdicts import Finding, LogVerdict, between, verdict
from alignsim.summary import Lines, maps, numbers, tally
from alignsim.validation import FloatArray

UNKNOWN: Interval = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis(Result):
    """What the logs of a batch of loops say of them.

    Attributes
    ----------
    verdict : (...)
        See :meth:`words`.
    sentence, remedy : (...)
        The verdict in full, and what would help where it could not be told.
    rho, rho_interval : (...), (..., 2)
        The modulus of the leading multiplier at the rest point: each round keeps this share of a
        deviation. Median of the posterior, and limits of 95 %. Of logs of one number it is the
        effective one at the logged amplitude, of which only the lower limit bounds that at rest.
    theta, theta_interval : (...), (..., 2)
        Its argument in [0, π], by which a deviation turns each round. NaN where it is not known.
    alpha, alpha_interval : (...), (..., 2)
        The share of the last policy in the reference; NaN of logs of one number.
    beta_factor, beta_factor_interval : (...), (..., 2)
        Times this, β would give ρ = 0.9 (TRL's beta is to be divided by it); NaN where no factor
        from 0.05 to 8 is known to.
    amplitude : (...)
        The root mean square size, in logits, of the cycle that an unstable loop heads for.
    more_rounds : (...)
        At least how many more rounds would decide; infinite where more rounds alone will not.
    theory_rho, theory_theta, theory_alpha : (...)
        Those of the ``loop`` that the log was held against.
    evidence : (...)
        See :meth:`words`: ``analytic`` where a form of the round fits an exact log to rounding,
        ``estimated``, or ``none`` where the log does not determine its loop.
    rounds, runs : (...)
        How many were logged, in all.
    names : (...)
        What the loops are called.
    """

    WORDS: ClassVar = {"verdict": LogVerdict, "evidence": Evidence}
    AXES: ClassVar = {
        "rho_interval": 1,
        "theta_interval": 1,
        "alpha_interval": 1,
        "beta_factor_interval": 1,
    }
    _batch = "verdict"

    verdict: NDArray[np.int8]
    sentence: NDArray[np.str_]
    remedy: NDArray[np.str_]
    rho: FloatArray
    rho_interval: FloatArray
    theta: FloatArray
    theta_interval: FloatArray
    alpha: FloatArray
    alpha_interval: FloatArray
    beta_factor: FloatArray
    beta_factor_interval: FloatArray
    amplitude: FloatArray
    more_rounds: FloatArray
    theory_rho: FloatArray
    theory_theta: FloatArray
    theory_alpha: FloatArray
    evidence: NDArray[np.int8]
    rounds: NDArray[np.int64]
    runs: NDArray[np.int64]
    names: NDArray[np.str_]

    @property
    def half_life(self) -> FloatArray:
        """Rounds in which a small deviation halves, (...); NaN where it does not shrink."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.rho < 1.0, np.log(0.5) / np.log(self.rho), np.nan))

    @property
    def period(self) -> FloatArray:
        """Rounds in which a deviation turns once, (...); infinite where it does not turn."""
        with np.errstate(divide="ignore"):
            return np.asarray(2.0 * np.pi / self.theta)

    def _title(self) -> str:
        return f"Diagnosis of {maps(self.verdict.shape, 'loop', 'loops')}"

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of a table on one loop: names and texts.

        Raises
        ------
        ValueError
            For a batch: take one loop of it.
        """
        if self.verdict.ndim:
            raise ValueError(f"a batch of shape {self.verdict.shape} has no one table; take a loop")
        degrees = np.degrees(self.theta), np.degrees(self.theta_interval)
        runs = f" in {self.runs:,} runs" if self.runs > 1 else ""
        lines = [
            ("verdict", str(self.words("verdict"))),
            ("in full", str(self.sentence)),
            ("remedy", str(self.remedy)),
            ("ρ", _ends(self.rho, self.rho_interval)),
            ("θ a round", _ends(*degrees, unit="°")),
            ("α", _ends(self.alpha, self.alpha_interval)),
            (f"β factor for ρ = {WANTED}", _ends(self.beta_factor, self.beta_factor_interval)),
            ("evidence", str(self.words("evidence"))),
            ("rounds", f"{self.rounds:,}{runs}"),
        ]
        return [(name, text) for name, text in lines if text]

    def _tables(self) -> Iterable[notebook.Table]:
        columns = (self.names, self.sentence, self.remedy)
        rows = zip(*(np.ravel(texts).tolist() for texts in columns), strict=True)
        yield notebook.Table("in full", ("loop", "verdict", "remedy"), tuple(rows))

    def _summary(self) -> Lines:
        if self.verdict.ndim == 0:
            told = {"in full", "remedy"}
            yield from (line for line in self.rows() if line[0] not in told)
            return
        yield "verdict", tally(self.words("verdict"))
        yield "ρ", numbers(self.rho)
        yield "θ in degrees", numbers(np.degrees(self.theta))
        yield "evidence", tally(self.words("evidence"))
        yield "rounds", numbers(self.rounds)


def _ends(middle: FloatArray, ends: FloatArray, unit: str = "") -> str:
    if np.isnan(middle):
        return ""
    return between((float(ends[0]), float(middle), float(ends[1])), f"{{:.4g}}{unit}")


class _Found(NamedTuple):
    """What was found of one loop."""

    log: Log
    finding: Finding
    rho: Interval
    theta: Interval
    alpha: Interval
    scale: Scale
    theory: Theory
    evidence: Evidence


def diagnose(
    log: Any,
    n: Any = None,
    *,
    quantity: str = "shares",
    response: str | None = None,
    P: ArrayLike | None = None,
    loop: FeedbackMap | None = None,
    reference: ArrayLike | None = None,
    rest_is_uniform: bool = True,
    rng: Seed = 0,
    progress: bool = False,
) -> Diagnosis:
    """Return what logged rounds say of their loop: converging, cycling, or at least how many more.

    Parameters
    ----------
    log
        One loop: an array (T, K) of the shares of K responses in T consecutive rounds, or of
        counts; a :class:`Trajectory`; a frame, a mapping of columns or a list of records with a
        column a response; the name of a file of these (CSV, JSON, JSON Lines, NPY). Columns
        ``round``, ``run``, ``loop`` and ``n`` have a meaning of their own. A *list* of these holds
        several runs of one loop: their likelihoods are added, their shares never averaged.
        Several loops: a *mapping* from names to logs, a column ``loop``, or an array (..., T, K).
    n
        How many samples a round's shares were counted from: a number, or one a round (T,);
        infinity for exact policies; a mapping by name for several loops. Counts and trajectories
        need none.
    quantity
        ``"shares"`` of all responses, at most 6; or one number a round: ``"share"`` of one
        response, ``"win rate"``, ``"entropy"`` or ``"margin"`` (T,).
    response
        The column of that number, where there are several.
    P : (K, K)
        The preference matrix, if it is known.
    loop
        The map that the log is said to come from: P, and α, β, λ whose theory it is held against.
    reference : (K,)
        The reference policy, for ``beta_factor``; that of ``loop``, or uniform, by default.
    rest_is_uniform
        Of logs of an entropy or a margin: about a uniform rest point they swing at double the
        frequency, so that θ is only told where this is False.
    rng
        A seed or a generator, for the draws of the posterior.
    progress
        Whether a long diagnosis shows a bar.

    Raises
    ------
    ValueError
        For logs of which nothing can be told: fewer than 8 rounds, rounds left out, more than 6
        responses, shares that do not sum to 1 or whose ``n`` is missing, collapsed or averaged
        runs, zeros in exact logs; the message says what to give instead.

    Notes
    -----
    The model is z' = αz + Uπ(z) + noise with a free antisymmetric U, in which P, the reference, the
    offline policy, λ and β hide: exact for IPO, far from rest too, and first-order right for DPO.
    Sampled logs are filtered, and the posterior is sampled by a random walk. Intervals are
    stretched by what a simulation of 600 loops showed (``benchmarks/``).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> loop = asim.FeedbackMap(P, beta=5.0, alpha=0.6, lam=0.8)
    >>> found = asim.diagnose(loop.run([0.5, 0.3, 0.2], rounds=11))
    >>> found.words("verdict").item(), round(float(found.rho), 6)
    ('converging', 0.916515)
    """
    from threadpoolctl import threadpool_limits

    logs, shape = logs_of(log, Reading(n, quantity, response))
    seeds = generator(rng).integers(0, 2**63, len(logs))
    given = _Given.checked(P, loop, reference, logs)
    steps = (WARM_UP + STEPS) * sum(each.rounds for each in logs if not each.exact)
    bars = ProgressBar(progress, "diagnose", "rounds", total=steps)
    with bars as bar, threadpool_limits(1, user_api="blas"):  # to wake threads takes longer
        found = [
            _diagnosed(each, given, rest_is_uniform, np.random.default_rng(seed), bar)
            for each, seed in zip(logs, seeds, strict=True)
        ]
    return _result(found).reshaped(shape)


class _Given(NamedTuple):
    """What is known beside the log."""

    skew: FloatArray | None
    loop: FeedbackMap | None
    reference_logits: FloatArray | None

    @classmethod
    def checked(
        cls,
        P: ArrayLike | None,
        loop: FeedbackMap | None,
        reference: ArrayLike | None,
        logs: list[Log],
    ) -> _Given:
        """Return the arguments, checked against the logs."""
        idle = {"P": P, "loop": loop, "reference": reference}
        if logs[0].quantity != "shares":
            for name, value in idle.items():
                if value is not None:
                    told = f"is given, but a log of one {logs[0].quantity} does not use it"
                    raise InputError(name, told, "leave it out")
            return cls(None, None, None)
        K = logs[0].values.shape[1]
        if any(log.values.shape[1] != K for log in logs) and any(
            v is not None for v in idle.values()
        ):
            raise InputError("log", "holds loops of different responses", "diagnose them apart")
        if P is not None and loop is not None:
            raise InputError("P", "is given, and loop has one too", "leave one of them out")
        skew = None
        if P is not None:
            matrix = validation.preference_matrix(P, "P")
            if matrix.shape != (K, K):
                told = f"has shape {matrix.shape}, and the log has {K} responses"
                raise InputError("P", told, "give one matrix of the same responses")
            skew = matrix - 0.5
        if loop is not None:
            validation.feedback_map(loop, "loop")
            check_loop(loop, K)
            skew = np.asarray(loop.P - 0.5)
        logits = None if loop is None else np.asarray(loop.reference_logits)
        if reference is not None:
            policy = validation.policy(reference, "reference", responses=K, full_support=True)
            if policy.ndim > 1:
                raise InputError("reference", f"has shape {policy.shape}", "give one policy")
            logits = simplex.centred_logits(policy)
        return cls(skew, loop, logits)


def _diagnosed(
    log: Log, given: _Given, uniform: bool, rng: np.random.Generator, bar: ProgressBar
) -> _Found:
    def told(steps: int) -> None:
        bar.update(steps * log.rounds)

    if log.quantity != "shares":
        seen = scalar_estimate(log, rng, told)
        hidden = log.quantity in AT_REST and uniform
        theta = UNKNOWN if hidden else seen.theta
        finding = scalar_verdict(seen, uniform)
        return _Found(
            log, finding, seen.rho, theta, UNKNOWN, NO_SCALE, NO_THEORY, Evidence.ESTIMATED
        )
    if log.exact:
        estimate = exact_estimate(log, rng)
    else:
        estimate = sampled_estimate(log, rng, given.skew, told)
    finding = verdict(estimate, rng)
    evidence = estimate.evidence
    if evidence == Evidence.NOTHING:
        return _Found(log, finding, UNKNOWN, UNKNOWN, UNKNOWN, NO_SCALE, NO_THEORY, evidence)
    rho, theta, alpha = estimate.rho, estimate.theta, estimate.alpha
    theory = NO_THEORY if given.loop is None else compared(given.loop, rho, theta, alpha)
    scale = calming_scale(estimate, given.reference_logits)
    return _Found(log, finding, rho, theta, alpha, scale, theory, evidence)


def _result(found: list[_Found]) -> Diagnosis:
    def column(value: Callable[[_Found], Any], dtype: Any = np.float64) -> NDArray[Any]:
        return np.array([value(each) for each in found], dtype=dtype)

    def ends(value: Callable[[_Found], Any]) -> FloatArray:
        return column(lambda each: (value(each)[0], value(each)[2]))

    return Diagnosis(
        verdict=column(lambda each: each.finding.verdict, np.int8),
        sentence=column(_sentence, np.str_),
        remedy=column(lambda each: each.finding.remedy, np.str_),
        rho=column(lambda each: each.rho[1]),
        rho_interval=ends(lambda each: each.rho),
        theta=column(lambda each: each.theta[1]),
        theta_interval=ends(lambda each: each.theta),
        alpha=column(lambda each: each.alpha[1]),
        alpha_interval=ends(lambda each: each.alpha),
        beta_factor=column(lambda each: each.scale.middle),
        beta_factor_interval=ends(lambda each: each.scale),
        amplitude=column(lambda each: each.finding.amplitude),
        more_rounds=column(lambda each: each.finding.more_rounds),
        theory_rho=column(lambda each: each.theory.rho),
        theory_theta=column(lambda each: each.theory.theta),
        theory_alpha=column(lambda each: each.theory.alpha),
        evidence=column(lambda each: each.evidence, np.int8),
        rounds=column(lambda each: each.log.rounds, np.int64),
        runs=column(lambda each: each.log.first.sum(), np.int64),
        names=column(lambda each: each.log.name, np.str_),
    )


def _sentence(found: _Found) -> str:
    """Return the verdict, what β would do, and what theory says, in sentences."""
    return " ".join(filter(None, (found.finding.sentence, _advice(found), found.theory.verdict)))


def _advice(found: _Found) -> str:
    """Return which β would calm the loop."""
    scale = found.scale
    if not np.isnan(scale.middle):
        factor = between((scale.low, scale.middle, scale.high))
        told = f"β times {factor}, or TRL's beta over it, would give ρ = {WANTED}."
        return f"{told} Larger ones may do so again." if scale.several else told
    if found.alpha[1] >= WANTED:
        return f"No β gives ρ = {WANTED}: lower α."
    return ""
