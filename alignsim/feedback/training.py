"""Training paths: gradient descent on the logits, or its flow, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.errors import InputError
from alignsim.feedback import arguments
from alignsim.feedback.engines import (
    WIDEST_LANE,
    Record,
    Schedule,
    in_slices,
    recorded,
    step_by_step,
)
from alignsim.feedback.flow import Flow
from alignsim.feedback.threads import in_threads, thread_count
from alignsim.feedback.trajectory import Trajectory
from alignsim.objectives import DPO, IPO, Comparison, GradientSteps, Objective, PairLoss
from alignsim.objectives.one_shot import check_policies, comparison
from alignsim.objectives.samplers import FixedPairs, Product
from alignsim.objectives.training import trainable
from alignsim.preferences.conventions import signal_strength
from alignsim.progress import ProgressBar
from alignsim.validation import FloatArray


def train(
    objective: str | Objective,
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike = 1.0,
    beta_convention: str = "signal",
    start: ArrayLike | None = None,
    start_logits: ArrayLike | None = None,
    rate: ArrayLike,
    steps: int = 1000,
    flow: bool = False,
    coupling: ArrayLike | None = None,
    keep: str | int | Sequence[int] = "all",
    burn_in: int | None = None,
    threads: int | None = None,
    progress: bool = False,
    **parameters: ArrayLike | None,
) -> Trajectory:
    """Return how training moves policies step by step: a Trajectory whose rounds are the steps.

    Parameters
    ----------
    objective
        A loss or field that :func:`alignsim.objectives_table` lists, or such an objective.
    P, sampling, pair_weights, reference, beta, beta_convention
        The comparisons, as for :func:`alignsim.optimum`; they stay the same. Pair weights need not
        connect all responses. They are scaled to add up to 1, and product pairs weigh 2μ_iμ_j,
        which adds up to 1 − Σμ²: the rate is measured by that. β must be above 0.
    start : (..., K)
        The policies where training starts, of full support; by default the reference.
    start_logits : (..., K)
        Instead of ``start``: logits, to go on from a collapsed policy.
    rate : (...)
        The learning rate, above 0: a step moves logits θ to θ + rate·G·force(θ), where the force of
        a loss is its descent direction. See :func:`alignsim.objectives.largest_rate`.
    steps
        How many, at least 0.
    flow
        Follow dθ/dt = G·force(θ) instead, for the time ``rate`` in each step: what descent does in
        the limit of small rates. The error is about 1e-12 a step, relative to 1 + max|θ|.
    coupling : (..., K, K)
        The Gram matrix G = ΦΦᵀ of responses that share parameters, θ = Φw; by default the identity,
        a logit for each response.
    keep, burn_in, threads, progress
        As for :meth:`alignsim.FeedbackMap.run`.
    parameters
        Those of the objective: numbers or arrays (...), and policies (..., K).

    Raises
    ------
    ValueError
        For bad arguments, and an objective without a force, also for these preferences. An
        instance that overflows does not raise: it gets a ``status`` and NaN, and
        :meth:`Trajectory.reason` says why.

    Notes
    -----
    IPO and DPO without coupling train in lanes, up to 64 responses; a problem then has the same
    bits alone and in any batch. What trains for a few steps in each round of a loop is
    :class:`alignsim.objectives.GradientSteps`; its step is this one.

    Without coupling a pair loss keeps the sum of the logits over each set of responses that the
    pairs connect (theory 11.2), so that a response that is never compared keeps its logit.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.9, 0.5], [0.1, 0.5, 0.5], [0.5, 0.5, 0.5]]
    >>> pair = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    >>> path = asim.train("dpo", P, pair_weights=pair, reference=[0.1, 0.6, 0.3], rate=1.0)
    >>> path.policies[[0, -1]].round(4).tolist()  # the third, never compared, gains too
    [[0.1, 0.6, 0.3], [0.375, 0.25, 0.375]]
    >>> bool(path.logits[-1, 2] == path.logits[0, 2])
    True
    """
    maker = trainable(objective, **parameters)
    validation.boolean(flow, "flow")
    total = validation.integer(steps, "steps", minimum=0)
    skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)
    if skip > total:
        raise InputError("burn_in", f"is {skip}", f"it must be at most steps, {total}")
    x = comparison(P, sampling, pair_weights, reference, signal_strength(beta, beta_convention))
    validation.refuse_where(x.beta == 0, "beta", x.beta, "training needs a β above 0")
    K = x.P.shape[-1]
    check_policies(maker, K)
    taught = GradientSteps(
        maker, 1, np.asarray(rate), None if coupling is None else np.asarray(coupling)
    )
    if taught.coupling is not None and taught.coupling.shape[-1] != K:
        raise InputError(
            "coupling", f"has shape {taught.coupling.shape}", f"the last two axes must be {K}×{K}"
        )
    logits = _start(start, start_logits, x.reference_logits)
    of = {"the problem": x.shape, f"rate, coupling and {maker}": taught.shape}
    shape = validation.batch_shape({**of, "start": logits.shape[:-1]})
    workers = thread_count(threads)
    kept = arguments.kept_rounds(keep, total, 8 * int(np.prod(shape)) * K)
    begin = np.broadcast_to(logits, (*shape, K)).reshape(-1, K)
    flat, taught = x.spread(shape), taught.spread(shape)
    with np.errstate(all="ignore"):
        moves = np.isfinite(taught.velocity(begin, flat)).all()
    if not moves:
        maker.check(x)  # says which preferences have no force
    with ProgressBar(progress, "train", "steps", total=len(begin) * (total + 1)) as bar:
        schedule = Schedule(kept, skip, workers, bar)
        if flow:
            run: Callable[[Schedule, Record], None] = partial(_flow, taught, flat)
        elif type(maker) in LANES and taught.coupling is None and K <= WIDEST_LANE:
            run = partial(_lanes, taught, flat, x, shape)
        else:
            run = partial(_descend, taught, flat)
        record = recorded(run, begin, schedule, K)
    averages = record.averages.reshape(*shape, 2 * K + 2)
    return Trajectory(
        logits=record.frames.reshape(*shape, -1, K),
        rounds=kept,
        policy_mean=averages[..., :K],
        policy_variance=averages[..., K : 2 * K],
        entropy_mean=averages[..., 2 * K],
        entropy_min=averages[..., 2 * K + 1],
        burn_in=skip,
        reference_logits=np.broadcast_to(x.reference_logits, (*shape, K)),
        status=record.status.reshape(shape),
        objective=maker.name,
        final_state=record.state.reshape(*shape, 1, K),
        scheme="gradient_flow" if flow else "gradient_descent",
        sampler=(Product if pair_weights is None else FixedPairs).name,
    )


def _start(
    start: ArrayLike | None, start_logits: ArrayLike | None, reference: FloatArray
) -> FloatArray:
    K = reference.shape[-1]
    if start is not None and start_logits is not None:
        raise InputError("start", "is given beside start_logits", "give one of them")
    if start_logits is not None:
        given = validation.logits(start_logits, "start_logits", responses=K)
        return arguments.centred_once(given)
    if start is not None:
        policy = validation.policy(start, "start", responses=K, full_support=True)
        return simplex.centred_logits(policy)
    return reference


def _descend(taught: GradientSteps, x: Comparison, schedule: Schedule, record: Record) -> None:
    """Take the steps for the whole batch at a time: any objective, correct first."""

    def advance() -> None:
        record.state[:] = arguments.centred_once(taught.step(record.state, x))

    _one_by_one(advance, schedule, record)


def _flow(taught: GradientSteps, x: Comparison, schedule: Schedule, record: Record) -> None:
    """Follow the flow from step to step."""
    everything = len(record.state)

    def velocity(logits: FloatArray, which: np.ndarray) -> FloatArray:
        if len(which) == everything:
            return taught.velocity(logits, x)
        return taught.taken(which).velocity(logits, x.taken(which))

    path = Flow(velocity, np.array(taught.rate))

    def advance() -> None:
        record.state[:] = arguments.centred_once(path.advance(record.state, record.status))

    _one_by_one(advance, schedule, record)


def _one_by_one(advance: Callable[[], None], schedule: Schedule, record: Record) -> None:
    def policies() -> FloatArray:
        return simplex.softmax(record.state)

    in_threads(lambda *_: step_by_step(advance, schedule, record, policies), 1, 1, schedule.bar)


def _lanes(
    taught: GradientSteps, x: Comparison, given: Comparison, shape: tuple[int, ...],
    schedule: Schedule, record: Record,
) -> None:  # fmt: skip
    """Train many problems side by side."""
    from alignsim.kernels import lanes, training_lanes
    from alignsim.kernels.ipo_lanes import LANES as WIDTH

    loss = taught.objective
    assert isinstance(loss, PairLoss)
    K = record.state.shape[1]
    problem = (
        *_table(given.P, shape), *_table(given.pairs.weights, shape),
        np.array(x.reference_logits, order="C"),
    )  # fmt: skip
    parameters = np.stack([taught.rate * loss.scale(x.beta), 1.0 / x.beta], axis=-1)
    code = lanes.code_for(K, training_lanes.UNROLLED)

    def run(rounds: tuple[int, int, int], sums: FloatArray, blocks: tuple[int, int]) -> None:
        training_lanes.run(
            *code, LANES[type(loss)], problem, parameters, record.state, record.frames,
            schedule.kept, rounds, sums, blocks,
        )  # fmt: skip

    in_slices(run, schedule, record, WIDTH, cost=10 * K * K + 20, width=3 * K + 2)


def _table(matrices: FloatArray, shape: tuple[int, ...]) -> tuple[FloatArray, np.ndarray]:
    """Return matrices (m, K, K) and which of them each problem of the batch has, (n,)."""
    own = np.arange(matrices[..., 0, 0].size).reshape(matrices.shape[:-2])
    K = matrices.shape[-1]
    which = np.array(np.broadcast_to(own, shape)).ravel()
    return np.array(matrices.reshape(-1, K, K), order="C"), which


LANES: dict[type[Objective], int | None] = {IPO: None, DPO: 1}
"""The pair losses that train in lanes, and what the kernel takes for them."""
