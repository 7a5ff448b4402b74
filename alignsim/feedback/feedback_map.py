"""The feedback map of iterated preference optimisation, z ↦ T(z), on centred logits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.errors import NoOptimumError
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.engines import Schedule, iterate, thread_count
from alignsim.feedback.samples import sampling
from alignsim.feedback.trajectory import Trajectory
from alignsim.kernels.status import OK
from alignsim.objectives import IPO, OBJECTIVES, Objective
from alignsim.objectives.contract import named
from alignsim.objectives.one_shot import reference_logits
from alignsim.preferences.conventions import signal_strength
from alignsim.preferences.seeds import Seed
from alignsim.progress import ProgressBar
from alignsim.summary import maps, span
from alignsim.validation import FloatArray, at, first_true

LIMITS = {"alpha": 1.0, "beta": np.inf, "lam": 1.0}
"""The largest value of each parameter; the smallest is 0."""

ROUNDING = 4.0 * np.finfo(np.float64).eps
"""Mean of logits, relative to the largest, that is rounding."""

LARGEST_RECORD = 2**40
"""Bytes of frames beyond which a run is refused before it begins."""


class FeedbackMap(MapBatch):
    """One round of iterated preference optimisation (MRS-IPO, MRS-DPO), or a batch of such maps.

    In round t the reference is π_t^α π_ref^{1−α} (normalised), responses are sampled from
    μ = λπ_t + (1−λ)π_off, and π_{t+1} is the one-shot optimum. Everything broadcasts over leading
    axes: one map and a million maps are the same call.

    Parameters
    ----------
    P : (..., K, K)
        Preference matrices, P[i, j] = Pr(i beats j), P + Pᵀ = 1.
    objective
        ``"ipo"``, ``"dpo"``, the name of another entry of :data:`alignsim.objectives.OBJECTIVES`,
        or an objective, as ``GradientSteps(DPO(), count=10, rate=0.5)``.
    beta : (...)
        Strength of the preference signal, at least 0.
    alpha : (...)
        Weight of the current policy in the reference, in [0, 1].
    lam : (...)
        Weight of the current policy in the sampler, in [0, 1].
    reference : (..., K)
        The fixed reference policy, full support; uniform by default.
    offline : (..., K)
        The fixed sampler π_off; uniform by default.
    beta_convention
        ``"trl"`` if ``beta`` multiplies the KL penalty instead, as in TRL; see
        :func:`alignsim.preferences.signal_strength`.

    Raises
    ------
    ValueError
        For any argument that is not as above; names it, the value and the remedy.

    Notes
    -----
    z' = αz + (1−α) log π_ref + βv(μ), with v = Pμ for IPO and S(v)μ = Pμ for DPO (theory 6.1, 7).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> loop = asim.FeedbackMap(P, objective="ipo", beta=[1.0, 10.0], alpha=0.6, lam=0.8)
    >>> loop.shape, loop.responses
    ((2,), 3)
    >>> loop.step([0.5, 0.3, 0.2]).round(4).tolist()
    [[0.4425, 0.2959, 0.2616], [0.4962, 0.1398, 0.364]]
    """

    def __init__(
        self,
        P: ArrayLike,
        *,
        objective: str | Objective = "ipo",
        beta: ArrayLike,
        alpha: ArrayLike = 0.0,
        lam: ArrayLike = 1.0,
        reference: ArrayLike | None = None,
        offline: ArrayLike | None = None,
        beta_convention: str = "signal",
    ) -> None:
        P_checked = validation.preference_matrix(P)
        maker = named(objective, OBJECTIVES)
        strength = signal_strength(beta, beta_convention)
        given = _parameters(beta=strength, alpha=alpha, lam=lam)
        self._set_up(P_checked, maker, given, reference, offline)

    @classmethod
    def from_payoffs(
        cls,
        payoffs: ArrayLike,
        *,
        beta: ArrayLike,
        alpha: ArrayLike = 0.0,
        lam: ArrayLike = 1.0,
        reference: ArrayLike | None = None,
        offline: ArrayLike | None = None,
    ) -> FeedbackMap:
        """Return the MRS-IPO map of any finite square payoff matrices (..., K, K).

        The map needs P only through Pμ, so it makes sense for every symmetric game. What holds
        for preference matrices alone (one fixed point, no folds) need not hold here.
        """
        matrices = validation.square_matrix(payoffs, "payoffs")
        loop = cls.__new__(cls)
        given = _parameters(beta=beta, alpha=alpha, lam=lam)
        loop._set_up(matrices, IPO(), given, reference, offline)
        return loop

    def _set_up(
        self,
        P: FloatArray,
        objective: Objective,
        parameters: dict[str, FloatArray],
        reference: ArrayLike | None,
        offline: ArrayLike | None,
    ) -> None:
        K = P.shape[-1]
        uniform = np.full(K, 1.0 / K)
        arrays = {
            "which": np.arange(P[..., 0, 0].size).reshape(P.shape[:-2]),
            **parameters,
            "reference_logits": reference_logits(reference, "reference", K),
            "offline_policy": uniform
            if offline is None
            else validation.policy(offline, "offline", responses=K),
        }
        further = {name: self.AXES.get(name) or 0 for name in arrays}
        shapes = {name: a.shape[: a.ndim - further[name]] for name, a in arrays.items()}
        spoken = {"which": "P", "reference_logits": "reference", "offline_policy": "offline"}
        batch = validation.batch_shape({spoken.get(n, n): shape for n, shape in shapes.items()})
        values: dict[str, Any] = {
            name: np.broadcast_to(a, (*batch, *a.shape[a.ndim - further[name] :]))
            for name, a in arrays.items()
        }
        values |= {"objective": objective, "matrices": P.reshape(-1, K, K)}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        parameters = [f"{name}={span(getattr(self, name))}" for name in ("beta", "alpha", "lam")]
        facts = [repr(self.objective.name), maps(self.shape), f"K={self.responses}", *parameters]
        return f"FeedbackMap({', '.join(facts)})"

    # One round

    def step(self, policy: ArrayLike) -> FloatArray:
        """Return the policies (..., K) after one round from full-support policies (..., K)."""
        return simplex.softmax(self.step_logits(simplex.centred_logits(self._policy(policy))))

    def step_logits(self, logits: ArrayLike) -> FloatArray:
        """Return the centred logits (..., K) after one round from logits (..., K).

        Rows of NaN, as of orbits that failed, stay NaN.
        """
        given = self._logits(logits)
        missing = np.asarray(np.isnan(given).any(axis=-1))
        moved, status = self.advance(np.where(missing[..., None], self.reference_logits, given))
        moved = np.where(missing[..., None], np.nan, moved)
        failed = np.asarray((status != OK) & ~missing)
        if failed.any():
            index = first_true(failed)
            raise NoOptimumError(
                f"the round from logits{at(index)} has no finite {self.objective} "
                "optimum in float64; move P off 0 and 1, or lower beta"
            )
        return moved

    def jacobian(self, policy: ArrayLike, *, basis: str = "logits") -> FloatArray:
        """Return the exact derivative of the round at policies (..., K).

        Parameters
        ----------
        policy
            Where; full support.
        basis
            ``"logits"`` for (..., K, K) in centred logits, where constants map to 0;
            ``"tangent"`` for (..., K−1, K−1) in :func:`alignsim.simplex.mean_zero_basis`, which
            has the multipliers and nothing else.

        Examples
        --------
        >>> import alignsim as asim
        >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
        >>> loop.jacobian([1/3, 1/3, 1/3], basis="tangent").round(6).tolist()
        [[0.6, 0.69282], [-0.69282, 0.6]]
        """
        return self.jacobian_at(simplex.centred_logits(self._policy(policy)), basis=basis)

    def jacobian_at(self, logits: ArrayLike, *, basis: str = "logits") -> FloatArray:
        """Return :meth:`jacobian` at logits (..., K), where a policy would underflow."""
        validation.choice(basis, "basis", ("logits", "tangent"))
        return self.derivative(self._logits(logits), basis)

    # Many rounds

    def run(
        self,
        start: ArrayLike | None = None,
        rounds: int = 3000,
        *,
        keep: str | int | Sequence[int] = "all",
        start_logits: ArrayLike | None = None,
        burn_in: int | None = None,
        threads: int | None = None,
        samples_per_round: int | None = None,
        noise: str | None = None,
        smoothing: float = 0.0,
        rng: Seed = None,
        progress: bool = False,
    ) -> Trajectory:
        """Return the orbits from ``start`` over a number of rounds.

        Parameters
        ----------
        start : (..., K)
            Full-support policies. By default the reference, moved by 1e-2 in logits along
            :func:`alignsim.simplex.asymmetric_direction`: the uniform policy *is* the fixed point
            of a symmetric cycle.
        rounds
            How many, at least 0.
        keep
            ``"all"`` rounds, the ``"last"``, every n-th for an int n, or the rounds listed. The
            last round is always kept.
        start_logits : (..., K)
            Instead of ``start``: logits, to go on from a collapsed orbit.
        burn_in
            Averages leave out the rounds before this one; by default half of them.
        threads
            At most this many; by default all processors. The result does not depend on it.
        samples_per_round
            Number of new comparisons from which each round learns; by default infinitely many. To
            repeat a run with other noise, broadcast: a batch of starts is a batch of runs.
        noise
            ``"pairs"``, the default: that many pairs from the sampler, each judged once, then the
            one-shot optimum of these data. Responses that were never compared, not even through
            others, keep their reference ratio under IPO. Under DPO a round without a finite
            optimum fails: where some responses never lost to the others, or were never compared
            with them.
            ``"opponents"``: that many opponents for every response, whose score is the share it
            won; IPO only.
        smoothing
            Pseudo-votes that each pair of responses gets in every round, half to either side; for
            ``"pairs"``. A pair of which i won k of m comparisons then has weight m + smoothing and
            label (k + smoothing/2)/(m + smoothing). Above 0, every sample has an optimum, moved
            towards equal scores; on what is sampled, the bias vanishes as samples outnumber votes.
        rng
            None (fresh entropy), a seed, or a generator, which is drawn on once for a key. The
            numbers depend on the key, the place in the batch and the round, on nothing else.
        progress
            Whether a run that takes longer than a second or two shows a bar.

        Raises
        ------
        ValueError
            For bad arguments. An instance that fails numerically does not raise: it gets a
            ``status``, NaN from the round of its failure on and in its averages, and
            :meth:`Trajectory.reason` says why.

        Notes
        -----
        Up to 64 responses a map has the same bits alone and in any batch; beyond, to rounding. The
        scores of MRS-DPO are good to 1e-12 while no preference is nearer to 0 or 1 than 1e-5.
        Where wins so sure all but part the responses into groups, digits are lost: the error is
        some 1e-17 over the least preference, and below 1e-13 a round may be wrong unseen. The
        one-shot :func:`alignsim.dpo_optimum` has no such limit: it is right to rounding, or raises.
        """
        total = validation.integer(rounds, "rounds", minimum=0)
        skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)
        if skip > total:
            raise ValueError(f"burn_in is {skip}; it must be at most rounds, {total}")
        kept = _kept_rounds(keep, total, 8 * self.size * self.responses)
        workers = thread_count(threads)
        loop, logits = self.with_start(start, start_logits)
        K, shape = self.responses, loop.shape
        plan = None
        if samples_per_round is not None:
            plan = sampling(samples_per_round, noise or "pairs", smoothing, rng, self.objective)
            self._check_wins()
        else:
            given = {"noise": noise is not None, "smoothing": smoothing, "rng": rng is not None}
            idle = [name for name, value in given.items() if np.any(value)]
            if idle:
                raise ValueError(f"{idle[0]} is given, but rounds are exact; set samples_per_round")
        with ProgressBar(progress, "run", "rounds", total=loop.size * (total + 1)) as bar:
            schedule = Schedule(kept, skip, workers, bar)
            record = iterate(loop.part(0, loop.size), logits.reshape(-1, K), schedule, plan)
        averages = record.averages.reshape(*shape, 2 * K + 2)
        return Trajectory(
            logits=record.frames.reshape(*shape, -1, K),
            rounds=schedule.kept,
            policy_mean=averages[..., :K],
            policy_variance=averages[..., K : 2 * K],
            entropy_mean=averages[..., 2 * K],
            entropy_min=averages[..., 2 * K + 1],
            burn_in=skip,
            reference_logits=loop.reference_logits,
            status=record.status.reshape(shape),
            objective=self.objective.name,
        )

    def with_start(
        self, start: ArrayLike | None = None, start_logits: ArrayLike | None = None
    ) -> tuple[FeedbackMap, FloatArray]:
        """Return the maps broadcast with their starts, and the centred starts: (..., K).

        The arguments are those of :meth:`run`.
        """
        logits = self._start(start, start_logits)
        shape = validation.batch_shape({"the map": self.shape, "start": logits.shape[:-1]})
        return self.broadcast_to(shape), np.broadcast_to(logits, (*shape, self.responses))

    def replace(
        self,
        *,
        beta: ArrayLike | None = None,
        alpha: ArrayLike | None = None,
        lam: ArrayLike | None = None,
    ) -> FeedbackMap:
        """Return the same maps with other parameters (...), checked like those of a new one.

        >>> import alignsim as asim
        >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0)
        >>> loop.replace(beta=[1.0, 2.0, 3.0]).shape
        (3,)
        """
        given = {"beta": beta, "alpha": alpha, "lam": lam}
        values = _parameters(**{name: v for name, v in given.items() if v is not None})
        validation.batch_shape(
            {"the map": self.shape, **{name: value.shape for name, value in values.items()}}
        )
        return self.with_parameters(**values)

    def _logits(self, logits: ArrayLike) -> FloatArray:
        checked = validation.logits(logits, "logits", responses=self.responses, missing=True)
        validation.batch_shape({"the map": self.shape, "logits": checked.shape[:-1]})
        return checked

    def _policy(self, policy: ArrayLike) -> FloatArray:
        checked = validation.policy(policy, "policy", responses=self.responses, full_support=True)
        validation.batch_shape({"the map": self.shape, "policy": checked.shape[:-1]})
        return checked

    def _check_wins(self) -> None:
        """Raise unless P holds probabilities of winning, as payoffs need not."""
        try:
            own = self.size <= len(self.matrices) or len(self.matrices) == 1
            validation.preference_matrix(self.P if own else self.matrices, "payoffs")
        except ValueError as error:
            raise ValueError(
                f"samples_per_round draws who wins, but {error}; leave samples_per_round out for "
                "payoffs that are no preferences"
            ) from None

    def _start(self, start: ArrayLike | None, start_logits: ArrayLike | None) -> FloatArray:
        if start is not None and start_logits is not None:
            raise ValueError("start and start_logits: both given; give one of them")
        if start_logits is not None:
            given = validation.logits(start_logits, "start_logits", responses=self.responses)
            return _centred_once(given)
        if start is not None:
            return simplex.centred_logits(
                validation.policy(start, "start", responses=self.responses, full_support=True)
            )
        return self.default_start_logits()


def _parameters(**given: ArrayLike) -> dict[str, FloatArray]:
    """Return parameters, each checked to be in its range."""
    return {
        name: validation.parameter(value, name, high=LIMITS[name]) for name, value in given.items()
    }


def _centred_once(logits: FloatArray) -> FloatArray:
    """Return centred logits; those that are centred up to rounding keep their bits."""
    mean = logits.mean(axis=-1, keepdims=True)
    rounding = ROUNDING * np.abs(logits).max(axis=-1, keepdims=True)
    return np.where(np.abs(mean) > rounding, logits - mean, logits)


def _kept_rounds(keep: str | int | Sequence[int], rounds: int, size: int) -> NDArray[np.int64]:
    """Return the rounds to keep, of ``size`` bytes each, ascending, the last one included."""
    if isinstance(keep, str):
        if validation.choice(keep, "keep", ("all", "last")) == "last":
            return np.array([rounds], dtype=np.int64)
        keep = 1
    if not isinstance(keep, Iterable) or (isinstance(keep, np.ndarray) and keep.ndim == 0):
        every = validation.integer(keep, "keep", minimum=1)
        if (rounds // every + 1) * size > LARGEST_RECORD:
            raise ValueError(
                f"keep asks for {rounds // every + 1} rounds of all maps, over a terabyte; "
                "use keep='last', or a larger step"
            )
        return np.unique(np.append(np.arange(0, rounds + 1, every), rounds)).astype(np.int64)
    listed = [validation.integer(t, f"keep[{i}]", minimum=0) for i, t in enumerate(keep)]
    if not listed:
        raise ValueError("keep is an empty list; list rounds, or use keep='last' for the end alone")
    late = [t for t in listed if t > rounds]
    if late:
        raise ValueError(f"keep lists round {late[0]}; the run ends with round {rounds}")
    return np.unique([*listed, rounds]).astype(np.int64)
