"""The result of a run: logits at the rounds kept, and averages over all rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim import notebook, simplex, validation
from alignsim.feedback.status import MEANINGS, REASONS
from alignsim.objectives.samplers import Product
from alignsim.summary import Lines, Summarised, in_words, numbers, tally
from alignsim.validation import FloatArray, at

if TYPE_CHECKING:
    import xarray

_PICTURED = 60
"""Frames at the beginning and at the end that a notebook shows: every one, so that none is lost
between."""


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Summarised):
    """Orbits of a batch of feedback maps.

    Attributes
    ----------
    logits : (..., f, K)
        Centred logits after each round kept. They stay finite where policies underflow.
    rounds : (f,)
        Which rounds were kept; round 0 is the start, the last round is always there.
    policy_mean, policy_variance : (..., K)
        Time average and variance of each policy coordinate, over all rounds from ``burn_in`` on.
    entropy_mean, entropy_min : (...)
        Time average and minimum of the entropy in nats, over the same rounds.
    burn_in : int
        The first round that the averages include.
    reference_logits : (..., K)
        Centred logits of the reference, for ``kl_to_reference``.
    status : (...)
        0, or why the instance failed; it is then NaN from the round of the failure on, and so are
        its averages. See :meth:`reason`.
    objective : str
        The objective that was iterated.
    final_state : (..., D, K)
        The whole state after the last round: of a scheme with D slots, the policy's logits first.
    scheme, sampler : str
        The names of the scheme and of the sampler.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=2.0, alpha=0.5)
    >>> orbit = loop.run([0.8, 0.1, 0.1], rounds=100, keep=10)
    >>> orbit.policies.shape, orbit.rounds[:3].tolist(), orbit.final.round(6).tolist()
    ((11, 3), [0, 10, 20], [0.333333, 0.333333, 0.333333])
    """

    logits: FloatArray
    rounds: NDArray[np.int64]
    policy_mean: FloatArray
    policy_variance: FloatArray
    entropy_mean: FloatArray
    entropy_min: FloatArray
    burn_in: int
    reference_logits: FloatArray
    status: NDArray[np.int8]
    objective: str
    final_state: FloatArray
    scheme: str
    sampler: str

    @property
    def policies(self) -> FloatArray:
        """Policies at the rounds kept, (..., f, K)."""
        return simplex.softmax(self.logits)

    @property
    def final_logits(self) -> FloatArray:
        """Centred logits after the last round, (..., K), from which a run can go on.

        Of a scheme with more slots than the policy, go on from ``final_state`` (``start_state=``).
        IPO goes on exactly; DPO solves each round from the scores of those before, which a new run
        does not have: to rounding.
        """
        return np.asarray(self.logits[..., -1, :])

    @property
    def final(self) -> FloatArray:
        """Policies after the last round, (..., K)."""
        return simplex.softmax(self.final_logits)

    @property
    def entropy(self) -> FloatArray:
        """Shannon entropy in nats at the rounds kept, (..., f)."""
        return simplex.entropy(self.logits)

    @property
    def effective_support(self) -> FloatArray:
        """e^H at the rounds kept, between 1 and K, (..., f)."""
        return simplex.effective_support(self.logits)

    @property
    def kl_to_reference(self) -> FloatArray:
        """KL(policy ‖ reference) in nats at the rounds kept, (..., f)."""
        return simplex.kl_divergence(self.logits, self.reference_logits[..., None, :])

    @property
    def cycle_strength(self) -> FloatArray:
        """Time variance of the policy from ``burn_in`` on, averaged over coordinates, (...)."""
        return np.asarray(self.policy_variance.mean(axis=-1))

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which instances failed numerically, (...)."""
        return np.asarray(self.status != 0)

    def reason(self, index: tuple[int, ...] | int = ()) -> str:
        """Return when and why the instance at ``index`` failed and what helps, or that it did not.

        The round is exact where the one before it was kept.
        """
        place = validation.position(index, "index", self.status.shape)
        code = int(self.status[place])
        where = f"instance {at(place)}: " if place else ""
        return f"{where}{self._when_failed(place)}{REASONS[code]}"

    def _when_failed(self, place: tuple[int, ...]) -> str:
        """Return where among the rounds kept an instance failed, as the beginning of a sentence."""
        lost = np.isnan(self.logits[place]).any(axis=-1)
        if not lost.any():
            return ""
        first = int(np.argmax(lost))
        by = self.rounds[first]
        if first == 0:
            return f"by round {by}, "
        last_good = self.rounds[first - 1]
        if by == last_good + 1:
            return f"in round {by}, "
        return f"between rounds {last_good + 1} and {by}, "

    def _summary(self) -> Lines:
        yield "objective", self.objective
        yield "scheme", self.scheme
        if self.sampler != Product.name:
            yield "sampler", self.sampler
        yield "rounds", f"{self.rounds[-1]:,}, {len(self.rounds):,} frames kept"
        yield "final entropy", numbers(simplex.entropy(self.final_logits))
        yield "cycle strength", numbers(self.cycle_strength)
        yield "status", tally(in_words(self.status, MEANINGS))

    def _pictures(self) -> Iterable[notebook.Picture]:
        if self.status.ndim or len(self.rounds) < 2:
            return
        names = [f"response {i}" for i in range(self.logits.shape[-1])]
        first, last = slice(None, _PICTURED), slice(-_PICTURED, None)
        for part in (first,) if len(self.rounds) <= _PICTURED else (first, last):
            rounds, policies = self.rounds[part], simplex.softmax(self.logits[part])
            caption = f"policy, {len(rounds)} frames, rounds {rounds[0]:,} to {rounds[-1]:,}"
            yield notebook.Picture(caption, notebook.lines(policies.T, names))

    def to_xarray(self) -> xarray.Dataset:
        """Return everything as a Dataset with dimensions map_0, map_1, ..., round, response."""
        import xarray

        batch = [f"map_{axis}" for axis in range(self.status.ndim)]
        path, responses = [*batch, "round"], [*batch, "response"]
        return xarray.Dataset(
            {
                "policy": ([*path, "response"], self.policies),
                "logits": ([*path, "response"], self.logits),
                "entropy": (path, self.entropy, {"units": "nats"}),
                "kl_to_reference": (path, self.kl_to_reference, {"units": "nats"}),
                "policy_mean": (responses, self.policy_mean),
                "policy_variance": (responses, self.policy_variance),
                "cycle_strength": (batch, self.cycle_strength),
                "entropy_mean": (batch, self.entropy_mean, {"units": "nats"}),
                "entropy_min": (batch, self.entropy_min, {"units": "nats"}),
                "status": (
                    batch,
                    self.status,
                    {"flag_values": list(MEANINGS), "flag_meanings": " ".join(MEANINGS.values())},
                ),
            },
            coords={"round": self.rounds, "response": np.arange(self.logits.shape[-1])},
            attrs={
                "objective": self.objective,
                "scheme": self.scheme,
                "sampler": self.sampler,
                "burn_in": self.burn_in,
            },
        )
