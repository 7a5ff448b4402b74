"""Basins of attraction, chunk by chunk: orbits from all starts, then what they end on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.orbits.attractors import AVERAGED, Ends
from alignsim.analysis.orbits.basins import Basins, basins_of, ends_from, starts_of
from alignsim.feedback import FeedbackMap
from alignsim.feedback.threads import thread_count
from alignsim.preferences.seeds import Seed
from alignsim.progress import ProgressBar
from alignsim.sweeps.batches import in_memory
from alignsim.sweeps.plan import USUAL_ROUNDS, Plan, maps_a_chunk
from alignsim.sweeps.runner import Job, threads_each
from alignsim.sweeps.work import Columns
from alignsim.validation import FloatArray

ROUNDS = USUAL_ROUNDS + 2 * AVERAGED
"""For which an orbit is expected to be followed: until it is decided, and for its averages."""


def basins(
    loop: FeedbackMap,
    starts: ArrayLike | None = None,
    *,
    samples: int | None = None,
    resolution: int | None = None,
    rounds: int | None = None,
    rng: Seed = None,
    threads: int | None = None,
    progress: bool = True,
    executor: Any = None,
) -> Basins:
    """Return which start goes where: attractors, a label for every start, shares.

    Parameters
    ----------
    loop
        A batch of maps.
    starts : (m, K)
        Full-support policies. By default the centres of a lattice for three responses, random
        ones for others.
    samples
        Instead: this many policies, uniform on the simplex, from a scrambled Sobol sequence.
    resolution
        Instead, for three responses: the centres of the resolution² triangles of equal area into
        which lines cut the simplex.
    rounds, threads
        As for :func:`alignsim.classify`. The result does not depend on
        ``threads``.
    rng
        Seed or generator of random starts; a number gives the same starts each time. By default 0.
    progress
        Show a progress bar when it takes longer than a second or two.
    executor
        Who follows the orbits, as of :func:`alignsim.sweep`: they are cut into chunks by maps and
        starts. The values do not depend on it, to the bit, on one kind of processor with the same
        versions.

    Raises
    ------
    ValueError
        For bad arguments. An orbit that fails or is not decided has label −1, with a reason.

    Notes
    -----
    An attractor with a share p of the starts is missed by m random ones with probability
    (1 − p)ᵐ. Fixed points and cycles are told apart by their points, to 1e-6 of their size;
    circles and chaotic attractors by time averages of the policy and of its deviation, to a
    hundredth of the amplitude and six standard errors; see ``analysis/orbits/attractors.py``.

    Examples
    --------
    The hysteresis of MRS-DPO (theory 7): a stable fixed point beside a stable circle.

    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.47)
    >>> loop = asim.FeedbackMap(P, objective="dpo", beta=0.79, alpha=0.5)
    >>> seen = asim.basins(loop, resolution=12)
    >>> seen.phase.tolist(), seen.share.round(3).tolist()
    (['converged', 'invariant circle'], [0.208, 0.792])
    """
    validation.feedback_map(loop, "loop")
    limit = None if rounds is None else validation.integer(rounds, "rounds", minimum=0)
    workers = thread_count(threads)
    policies, side = starts_of(loop.responses, starts, samples, resolution, rng)
    shape = (loop.size, len(policies))
    plan = Plan.of(shape, maps_a_chunk(loop.responses, ROUNDS, loop.linear))
    each = threads_each(executor, threads)

    def jobs(numbers: Iterable[int]) -> Iterator[Job]:
        last, maps = slice(0), loop
        for number in numbers:
            which, of_starts = plan.region(number)
            if which != last:
                last, maps = which, loop.part(which.start, which.stop)
            begin, end = plan.span(number)
            yield Job(number, end - begin, compute, maps, (policies[of_starts], limit, each))

    with ProgressBar(progress, "basins", "orbits", plan.size) as bar:
        found = Ends(**in_memory(plan, jobs, executor, bar))
    return basins_of(loop, policies, side, found, workers)


def compute(
    maps: FeedbackMap, policies: FloatArray, rounds: int | None, threads: int | None
) -> Columns:
    """Return where the orbits of a flat batch of maps from policies (m, K) end: (n·m,) each."""
    found = ends_from(maps, policies, rounds, thread_count(threads))
    return {field.name: getattr(found, field.name) for field in fields(found)}
