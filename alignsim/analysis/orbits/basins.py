"""Basins of attraction: which start goes to which attractor, and how large its basin is.

All orbits run as one batch, each on its own; attractors are recognised afterwards. So the answer
depends neither on the order of the starts nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import notebook, simplex, validation
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.attractors import Attractors, Ends, attractors, ends
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.verdicts import Phase, Reason
from alignsim.errors import Argument, InputError
from alignsim.feedback import FeedbackMap
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import LISTED, Lines, numbers, span, tally
from alignsim.validation import FloatArray

SAMPLES = 1024
"""Random starts by default."""

RESOLUTION = 48
"""Cells a side by default. A multiple of 3 has the uniform policy at a corner of cells: started
on a repelling fixed point, an orbit would stay there."""

SOBOL_BITS = 31
"""Half a step of the sequence is 2⁻³¹; moved by it, no number is 0 or 1."""

CONFIDENCE_QUANTILE = 1.959963984540054
"""Normal quantile of 97.5 %, for intervals of 95 %."""

NEUTRAL = len(Reason)
REASONS = {**Reason.words(), NEUTRAL: "it rests on a point that does not attract"}


@dataclass(frozen=True, eq=False, repr=False)
class Basins(Attractors):
    """Where m starts go, for a batch of maps; A is the largest number of attractors of a map.

    Attractors are sorted by code, period, entropy, then by their place along
    :func:`alignsim.simplex.asymmetric_direction`. Beyond ``count`` codes are −1, numbers NaN.

    Attributes
    ----------
    starts : (m, K)
        The policies from which the orbits start, for every map.
    resolution
        Cells a side where the starts are the centres of a lattice, else 0.
    label : (..., m)
        The number of the attractor; −1 where it was not decided. See ``reason_code``.
    reason_code : (..., m)
        Why not; see :meth:`words`.
    evidence : (..., m)
        How the end of the orbit was obtained; see :meth:`words`.
    count : (...)
        Attractors seen. One that no start leads to is not seen.
    code : (..., A)
        What an attractor is; see :attr:`phase`.
    period : (..., A)
        Rounds after which it repeats: 1 for a fixed point, 0 where it never does.
    rotation_number : (..., A)
        Turns a round; NaN where it does not turn.
    entropy_mean : (..., A)
        Time average of the entropy, in nats.
    cycle_strength : (..., A)
        Time variance of the policy, averaged over coordinates.
    logits : (..., A, K)
        The point of the attractor that lies farthest along
        :func:`alignsim.simplex.asymmetric_direction`; NaN for orbits that drift.
    orbit_logits : (..., A, n, K)
        The states that follow on it, that point included.
    share : (..., A)
        Share of the starts that go there.
    share_low, share_high : (..., A)
        Wilson's 95 % interval of the share, for starts drawn independently. Sobol points cover
        the simplex more evenly, so that it is wide for them; NaN for a lattice, which is no
        sample.
    undecided : (...)
        Share of the starts with label −1.
    """

    WORDS: ClassVar = {"code": Phase, "evidence": Evidence, "reason_code": REASONS}
    AXES: ClassVar = {
        **Attractors.AXES,
        "starts": None,
        **dict.fromkeys(("reason_code", "evidence", "share", "share_low", "share_high"), 1),
    }

    starts: FloatArray
    resolution: int
    reason_code: NDArray[np.int8]
    evidence: NDArray[np.int8]
    share: FloatArray
    share_low: FloatArray
    share_high: FloatArray
    undecided: FloatArray

    @property
    def phase(self) -> NDArray[np.str_]:
        """What each attractor is, in words, (..., A); empty beyond ``count``."""
        return self.words("code")

    @property
    def policies(self) -> FloatArray:
        """The policies of ``logits``, (..., A, K)."""
        return simplex.softmax(self.logits)

    @property
    def attractor_points(self) -> FloatArray:
        """The policies of ``orbit_logits``, (..., A, n, K)."""
        return simplex.softmax(self.orbit_logits)

    @property
    def basin_entropy(self) -> FloatArray:
        """Entropy of the shares of the decided starts, in nats, (...); NaN where none is.

        0 for one basin, log A for A equal ones: how uncertain the end is if the start is.
        """
        decided = 1.0 - self.undecided
        with np.errstate(invalid="ignore", divide="ignore"):
            share = self.share / decided[..., None]
            terms = np.where(share > 0.0, -share * np.log(share), 0.0)
        return np.asarray(np.where(decided > 0.0, terms.sum(axis=-1), np.nan))

    def _summary(self) -> Lines:
        yield "starts", f"{len(self.starts):,}"
        yield "count", numbers(self.count)
        yield "phase", tally(self.phase)
        yield "share", self._shares()
        yield "undecided", numbers(self.undecided)
        yield "basin entropy", numbers(self.basin_entropy)

    def _pictures(self) -> Iterable[notebook.Picture]:
        if self.share.ndim > 1:
            return
        share, phase = self.share[: int(self.count)], self.phase
        names = [f"{phase[a]}: {part:.4g}" for a, part in enumerate(share)]
        yield notebook.Picture("shares of the starts", notebook.shares(share, names))

    def _shares(self) -> str:
        """Return the largest few shares of one map with their phases, or the range of many."""
        if self.share.ndim > 1:
            return span(self.share[~np.isnan(self.share)])
        order = np.argsort(-self.share[: int(self.count)], kind="stable")
        large = [f"{self.phase[a]} {self.share[a]:.4g}" for a in order[:LISTED]]
        rest = [f"{len(order) - LISTED:,} smaller ones"] if len(order) > LISTED else []
        return ", ".join([*large, *rest])


def ends_from(maps: FeedbackMap, policies: FloatArray, rounds: int | None, threads: int) -> Ends:
    """Return where the orbits of a flat batch of maps from policies (m, K) end: (n·m,)."""
    n, m = maps.size, len(policies)
    flat = maps.take(np.repeat(np.arange(n), m))
    begin = np.tile(simplex.centred_logits(policies), (n, 1))
    return ends(flat, classify(flat, rounds=rounds, start_logits=begin, threads=threads), threads)


def basins_of(
    loop: FeedbackMap, policies: FloatArray, resolution: int, found: Ends, threads: int
) -> Basins:
    """Return the basins of a batch of maps.

    Parameters
    ----------
    loop
        The maps.
    policies, resolution
        The starts, from :func:`starts_of`.
    found
        Where the orbits of the first map end, from all starts, then those of the next.
    threads
        At most this many.
    """
    n, m = loop.size, len(policies)
    seen = attractors(loop.part(0, n), found, m, threads)
    known = (found.code == Phase.UNDECIDED) | found.attracted
    reason = np.where(known, found.reason_code, NEUTRAL).astype(np.int8)
    A = seen.code.shape[-1]
    hits = (seen.label[:, :, None] == np.arange(A)).sum(axis=1)
    listed = np.arange(A) < seen.count[:, None]
    low, high = _wilson(hits, m)
    drawn = listed & (resolution == 0)
    listing = {field.name: getattr(seen, field.name) for field in fields(seen)}
    return Basins(
        starts=policies,
        resolution=resolution,
        reason_code=reason.reshape(n, m),
        evidence=found.evidence.reshape(n, m),
        share=np.where(listed, hits / m, np.nan),
        share_low=np.where(drawn, low, np.nan),
        share_high=np.where(drawn, high, np.nan),
        undecided=(seen.label < 0).mean(axis=-1),
        **listing,
    ).reshaped(loop.shape)


def starts_of(
    K: int, starts: ArrayLike | None, samples: int | None, resolution: int | None, rng: Seed
) -> tuple[FloatArray, int]:
    """Return the starts (m, K), and the cells a side if they are a lattice, else 0.

    Raises
    ------
    ValueError
        For bad arguments of :func:`alignsim.basins`; names them.
    """
    given = {"starts": starts, "samples": samples, "resolution": resolution}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named)}: all given; give one of them")
    drawn = samples is not None or (starts is None and resolution is None and K != 3)
    if rng is not None and not drawn:
        raise InputError(
            "rng",
            "is given, but no start is drawn at random",
            ["leave it out, or give ", Argument("samples", ...)],
        )
    if starts is not None:
        checked = validation.policy(starts, "starts", responses=K, full_support=True)
        if checked.ndim != 2:
            raise ValueError(
                f"starts has shape {checked.shape}; give (m, K), the same m starts for every map"
            )
        return checked, 0
    if resolution is not None and K != 3:
        raise ValueError(
            f"resolution is {resolution}, but the map has {K} responses, and a lattice needs 3; "
            "use samples"
        )
    if samples is not None or K != 3:
        size = SAMPLES if samples is None else validation.integer(samples, "samples", minimum=1)
        validation.affordable(8.0 * size * K, "samples", f"is {size:,}, and as many starts")
        return random_starts(size, K, 0 if rng is None else rng), 0
    side = RESOLUTION if resolution is None else resolution
    side = validation.integer(side, "resolution", minimum=1)
    validation.affordable(24.0 * side**2, "resolution", f"is {side:,}, and its lattice")
    return simplex.lattice(side), side


def random_starts(samples: int, responses: int, rng: Seed = 0) -> FloatArray:
    """Return policies uniform on the simplex from a scrambled Sobol sequence: (samples, K).

    Each coordinate takes of what is left the share 1 − (1 − u)^(1/k), k coordinates to follow,
    which has the Dirichlet(1) distribution and keeps neighbours in the sequence apart.
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(responses - 1, seed=generator(rng))
    u = sequence.random_base2(int(np.ceil(np.log2(samples))))[:samples] + 0.5**SOBOL_BITS
    kept = (1.0 - u) ** (1.0 / np.arange(responses - 1, 0, -1))
    left = np.cumprod(np.concatenate([np.ones((samples, 1)), kept], axis=-1), axis=-1)
    return np.concatenate([left[:, :-1] * (1.0 - kept), left[:, -1:]], axis=-1)


def _wilson(hits: NDArray[np.int64], size: int) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's interval for the probability of which ``hits`` of ``size`` trials came."""
    share, square = hits / size, CONFIDENCE_QUANTILE**2 / size
    middle = share + 0.5 * square
    half = np.sqrt(square * (share * (1.0 - share) + 0.25 * square))
    low, high = (middle - half) / (1.0 + square), (middle + half) / (1.0 + square)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)
