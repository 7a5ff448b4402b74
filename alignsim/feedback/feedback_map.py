"""The feedback map of iterated preference optimisation, z ↦ T(z), on centred logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.errors import NoOptimumError
from alignsim.feedback import arguments
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.engines import Schedule, iterate
from alignsim.feedback.methods.scheme import Scheme
from alignsim.feedback.samples import sampling
from alignsim.feedback.threads import thread_count
from alignsim.feedback.trajectory import Trajectory
from alignsim.kernels.status import OK
from alignsim.objectives import IPO, Objective
from alignsim.objectives.one_shot import check_policies, reference_logits
from alignsim.objectives.samplers import Product, Sampler
from alignsim.preferences.conventions import signal_strength
from alignsim.preferences.seeds import Seed
from alignsim.progress import ProgressBar
from alignsim.summary import maps, span
from alignsim.validation import FloatArray, at, first_true


class FeedbackMap(MapBatch):
    """One round of iterated preference optimisation, or a batch of such maps.

    By default it is wired with multiple reference signals (MRS-IPO, MRS-DPO): in round t the
    reference is π_t^α π_ref^{1−α} (normalised), responses are sampled from μ = λπ_t + (1−λ)π_off,
    and π_{t+1} is the one-shot optimum. A ``scheme`` wires it in another way, see
    :func:`alignsim.method`. Everything broadcasts over leading axes: one map and a million maps
    are the same call.

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
        Weight of the current policy in the reference, in [0, 1], by default 0: short for the scheme
        ``mrs``.
    lam : (...)
        Weight of the current policy (of a stage's opponent) in the sampler, in [0, 1].
    reference : (..., K)
        The fixed reference policy, full support; uniform by default.
    offline : (..., K)
        The fixed sampler π_off; uniform by default.
    beta_convention
        ``"trl"`` if ``beta`` multiplies the KL penalty instead, as in TRL; see
        :func:`alignsim.preferences.signal_strength`.
    scheme
        How a round is wired, instead of ``alpha``. The state of such a loop has D slots of K
        logits; the first is the policy.
    sampler
        Which pairs a stage compares: a name that :func:`alignsim.samplers` lists, or a sampler. By
        default both responses are drawn from μ. What is proved of loops is proved for that one; of
        other samplers all answers are numerical.
    parameters
        Those of the objective and of the sampler: numbers (...), and policies (..., K).

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
        alpha: ArrayLike | None = None,
        lam: ArrayLike = 1.0,
        reference: ArrayLike | None = None,
        offline: ArrayLike | None = None,
        beta_convention: str = "signal",
        scheme: Scheme | None = None,
        sampler: str | Sampler = "product",
        **parameters: ArrayLike | None,
    ) -> None:
        P_checked = validation.preference_matrix(P)
        maker, drawn = arguments.objective_and_sampler(objective, sampler, parameters)
        strength = signal_strength(beta, beta_convention)
        given = arguments.parameters(beta=strength, lam=lam)
        arguments.refuse_unheard(maker, drawn)
        arguments.refuse_idle(drawn, given["lam"], offline)
        self._set_up(
            P_checked, maker, given, reference, offline, arguments.scheme_of(scheme, alpha), drawn
        )

    @classmethod
    def from_payoffs(
        cls,
        payoffs: ArrayLike,
        *,
        beta: ArrayLike,
        alpha: ArrayLike | None = None,
        lam: ArrayLike = 1.0,
        reference: ArrayLike | None = None,
        offline: ArrayLike | None = None,
        scheme: Scheme | None = None,
    ) -> FeedbackMap:
        """Return the IPO map of any finite square payoff matrices (..., K, K).

        The map needs P only through Pμ, so it makes sense for every symmetric game. What holds
        for preference matrices alone (one fixed point, no folds) need not hold here.
        """
        matrices = validation.square_matrix(payoffs, "payoffs")
        loop = cls.__new__(cls)
        given = arguments.parameters(beta=beta, lam=lam)
        loop._set_up(matrices, IPO(), given, reference, offline, arguments.scheme_of(scheme, alpha))
        return loop

    def _set_up(
        self,
        P: FloatArray,
        objective: Objective,
        parameters: dict[str, FloatArray],
        reference: ArrayLike | None,
        offline: ArrayLike | None,
        scheme: Scheme,
        sampler: Sampler | None = None,
    ) -> None:
        K = P.shape[-1]
        drawn = (sampler or Product()).fitted(P)
        arguments.refuse_scored_start(scheme, objective, drawn)
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
        of = {name: value.shape for name, value in scheme.parameters.items()}
        of = of or {"scheme": scheme.shape}
        of |= {str(objective): objective.shape, f"sampler {drawn}": drawn.shape}
        check_policies(objective, K)
        batch = validation.batch_shape(
            {spoken.get(n, n): shape for n, shape in shapes.items()} | of
        )
        values: dict[str, Any] = {
            name: np.broadcast_to(a, (*batch, *a.shape[a.ndim - further[name] :]))
            for name, a in arrays.items()
        }
        values |= {"objective": objective.repeated(batch), "matrices": P.reshape(-1, K, K)}
        values |= {"scheme": scheme.repeated(batch), "sampler": drawn.repeated(batch)}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if drawn.weighted:
            arguments.require_optima(self)

    def __repr__(self) -> str:
        parameters = [f"{name}={span(value)}" for name, value in self.parameters.items()]
        facts = [repr(self.objective.name), maps(self.shape), f"K={self.responses}", *parameters]
        if not self.mixes_references:
            facts.insert(1, repr(self.scheme.name))
        if not self.samples_alike:
            facts.insert(1, f"sampler={self.sampler.name!r}")
        return f"FeedbackMap({', '.join(facts)})"

    # One round

    def step(self, policy: ArrayLike) -> FloatArray:
        """Return the policies (..., K) after the first round from policies (..., K)."""
        start = self.begin(simplex.centred_logits(self._policy(policy)))
        return simplex.softmax(self.policy_logits(self._step(start)))

    def step_logits(self, logits: ArrayLike) -> FloatArray:
        """Return the centred logits (..., K) after one round from logits (..., K).

        Of a scheme with D > 1 slots: the whole state, (..., D, K). Rows of NaN, as of orbits that
        failed, stay NaN.
        """
        return self.unflat(self._step(self._state(logits, "logits")))

    def _step(self, given: FloatArray) -> FloatArray:
        missing = np.asarray(np.isnan(given).any(axis=-1))
        rest = self.begin(self.reference_logits)
        moved, status = self.advance(np.where(missing[..., None], rest, given))
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
            Where; full support. A scheme with D > 1 slots begins there.
        basis
            ``"logits"`` for (..., D·K, D·K) in centred logits, where constants map to 0;
            ``"tangent"`` for (..., D·(K−1), D·(K−1)) in :func:`alignsim.simplex.mean_zero_basis`,
            slot by slot, which has the multipliers and nothing else.

        Examples
        --------
        >>> import alignsim as asim
        >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
        >>> loop.jacobian([1/3, 1/3, 1/3], basis="tangent").round(6).tolist()
        [[0.6, 0.69282], [-0.69282, 0.6]]
        """
        validation.choice(basis, "basis", ("logits", "tangent"))
        start = self.begin(simplex.centred_logits(self._policy(policy)))
        return self.derivative(start, basis)

    def jacobian_at(self, logits: ArrayLike, *, basis: str = "logits") -> FloatArray:
        """Return :meth:`jacobian` at logits (..., K), where a policy would underflow.

        Of a scheme with D > 1 slots: at the whole state, (..., D, K).
        """
        validation.choice(basis, "basis", ("logits", "tangent"))
        return self.derivative(self._state(logits, "logits"), basis)

    # Many rounds

    def run(
        self,
        start: ArrayLike | None = None,
        rounds: int = 3000,
        *,
        keep: str | int | Sequence[int] = "all",
        start_logits: ArrayLike | None = None,
        start_state: ArrayLike | None = None,
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
        start_state : (..., D, K)
            Instead of either: the whole state of a scheme with D slots, as
            ``Trajectory.final_state`` has it, to go on exactly where a run ended.
        burn_in
            Averages leave out the rounds before this one; by default half of them.
        threads
            At most this many; by default all processors. The result does not depend on it.
        samples_per_round
            Number of new comparisons from which each round learns; by default infinitely many. To
            repeat a run with other noise, broadcast: a batch of starts is a batch of runs.
        noise
            ``"pairs"``, the default: that many pairs from the sampler, drawn by their weights if
            they have any, each judged once, then the one-shot optimum of these data. Responses that
            were never compared, not even through others, keep their reference ratio under IPO.
            Under DPO a round without a finite optimum fails: where some responses never lost to the
            others, or were never compared with them.
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
        kept = arguments.kept_rounds(keep, total, 8 * self.size * self.responses)
        workers = thread_count(threads)
        loop, state = self.with_start(start, start_logits, start_state)
        K, shape = self.responses, loop.shape
        plan = None
        if samples_per_round is not None:
            plan = sampling(
                samples_per_round, noise or "pairs", smoothing, rng, self.objective, self.sampler
            )
            self._check_wins()
        else:
            given = {"noise": noise is not None, "smoothing": smoothing, "rng": rng is not None}
            idle = [name for name, value in given.items() if np.any(value)]
            if idle:
                raise ValueError(f"{idle[0]} is given, but rounds are exact; set samples_per_round")
        with ProgressBar(progress, "run", "rounds", total=loop.size * (total + 1)) as bar:
            schedule = Schedule(kept, skip, workers, bar)
            record = iterate(loop.part(0, loop.size), state.reshape(-1, loop.width), schedule, plan)
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
            final_state=record.state.reshape(*shape, -1, K),
            scheme=self.scheme.name,
            sampler=self.sampler.name,
        )

    def with_start(
        self,
        start: ArrayLike | None = None,
        start_logits: ArrayLike | None = None,
        start_state: ArrayLike | None = None,
    ) -> tuple[FeedbackMap, FloatArray]:
        """Return the maps broadcast with their starts, and the centred states: (..., D·K).

        The arguments are those of :meth:`run`.
        """
        given = {"start": start, "start_logits": start_logits, "start_state": start_state}
        several = [name for name, value in given.items() if value is not None]
        if len(several) > 1:
            raise ValueError(f"{' and '.join(several)}: more than one given; give one of them")
        if start_state is not None:
            D, K = self.scheme.size, self.responses
            checked = arguments.of_slots(start_state, "start_state", D, K)
            logits = arguments.centred_once(checked).reshape(*checked.shape[:-2], D * K)
        else:
            logits = self._start(start, start_logits)
        shape = validation.batch_shape({"the map": self.shape, "start": logits.shape[:-1]})
        loop = self.broadcast_to(shape)
        state = logits if start_state is not None else loop.begin(logits)
        return loop, np.broadcast_to(state, (*shape, self.width))

    def unflat(self, state: FloatArray) -> FloatArray:
        """Return flat states (..., D·K) as (..., K) if D is 1, else (..., D, K)."""
        if self.scheme.size == 1:
            return state
        return state.reshape(*state.shape[:-1], self.scheme.size, self.responses)

    def replace(self, **parameters: ArrayLike | None) -> FeedbackMap:
        """Return the same maps with other parameters (...), checked like those of a new one.

        ``beta``, ``lam``, those of the scheme's method (``alpha`` by default) and the numbers
        among those of the objective and of the sampler.

        >>> import alignsim as asim
        >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0)
        >>> loop.replace(beta=[1.0, 2.0, 3.0]).shape
        (3,)
        """
        values = arguments.changes(self.objective, self.sampler, self.scheme, parameters)
        validation.batch_shape(
            {"the map": self.shape, **{name: value.shape for name, value in values.items()}}
        )
        return self.with_parameters(**values)

    def _state(self, given: ArrayLike, name: str) -> FloatArray:
        """Return states, flat and checked: of one slot (..., K), of D (..., D, K) → (..., D·K)."""
        D, K = self.scheme.size, self.responses
        if D == 1:
            checked = validation.logits(given, name, responses=K, missing=True)
        else:
            slots = arguments.of_slots(given, name, D, K)
            checked = slots.reshape(*slots.shape[:-2], D * K)
        validation.batch_shape({"the map": self.shape, name: checked.shape[:-1]})
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
        if start_logits is not None:
            given = validation.logits(start_logits, "start_logits", responses=self.responses)
            return arguments.centred_once(given)
        if start is not None:
            return simplex.centred_logits(
                validation.policy(start, "start", responses=self.responses, full_support=True)
            )
        return self.default_start_logits()
