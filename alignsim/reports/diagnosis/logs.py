"""The log of one loop: its runs, checked and laid out for the filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.errors import Argument, InputError, listed
from alignsim.simplex import mean_zero_basis
from alignsim.validation import FloatArray

QUANTITIES = ("shares", "share", "win rate", "entropy", "margin")
"""What a log may hold: all shares, or one number a round."""

COUNTED = ("share", "win rate")
"""Single numbers that are shares of n samples, whose noise is known."""

LEAST_ROUNDS, MOST_ROUNDS = 8, 5000
MOST_RESPONSES = 6
COLLAPSED = 0.97
"""A mean share above it leaves nothing to see."""

NEARLY_ONE = 1e-6
"""How far shares may sum from 1, but for the rounding of sampled ones."""

HALF_A_COUNT = 0.5
"""Added to the counts of shares whose logits are taken."""

MOST_AVERAGED, MOST_DIGITS, SURELY = 50, 12, 1e-9
"""Averages of up to that many runs are noticed; digits of shares, and how close they must be."""


@dataclass(frozen=True)
class Run:
    """The consecutive rounds of one run: values (T, K), or (T, 1), and how many samples each has.

    ``counts`` (T,) are infinite where the values are exact, and NaN where they are unknown.
    ``logits`` (T, K) are given where the shares come from them.
    """

    values: FloatArray
    counts: FloatArray
    logits: FloatArray | None = None


@dataclass(frozen=True)
class Log:
    """The runs of one loop.

    Attributes
    ----------
    name : str
        What messages and results call it.
    quantity : str
        One of ``QUANTITIES``.
    labels : tuple of str
        The responses.
    values : (T, K) or (T, 1)
        The rounds of all runs, one run after another.
    counts : (T,)
        How many samples each has.
    first : (T,)
        Whether a run begins there.
    logits : (T, K)
        Centred; of sampled shares those with half a count added. NaN for single numbers.
    """

    name: str
    quantity: str
    labels: tuple[str, ...]
    values: FloatArray
    counts: FloatArray
    first: NDArray[np.bool_]
    logits: FloatArray

    @property
    def exact(self) -> bool:
        """Whether its shares are known without sampling noise."""
        return bool(np.isinf(self.counts).all())

    @property
    def rounds(self) -> int:
        """The number of logged rounds, of all runs."""
        return len(self.values)

    @property
    def states(self) -> FloatArray:
        """The logits in the mean-zero basis, (T, K−1)."""
        return np.asarray(self.logits @ mean_zero_basis(self.logits.shape[1]))

    @property
    def longest(self) -> slice:
        """The rounds of the longest run."""
        begins = np.append(np.flatnonzero(self.first), self.rounds)
        run = int(np.argmax(np.diff(begins)))
        return slice(int(begins[run]), int(begins[run + 1]))

    def noise(self) -> FloatArray:
        """Return the variance that sampling adds to the states of each round, all told: (T,)."""
        if self.exact:
            return np.zeros(self.rounds)
        K = self.values.shape[1]
        shares = self.values + HALF_A_COUNT / self.counts[:, None]
        shares /= shares.sum(axis=1, keepdims=True)
        each: FloatArray = (1.0 - 1.0 / K) / (self.counts[:, None] * shares)
        return np.asarray(each.sum(axis=1))


def log_of(name: str, quantity: str, labels: Sequence[str], runs: Sequence[Run]) -> Log:
    """Return the log of some runs; refuses what cannot be diagnosed, and says what can."""
    values = np.concatenate([run.values for run in runs])
    counts = np.concatenate([run.counts for run in runs])
    first = np.zeros(len(values), dtype=np.bool_)
    first[np.cumsum([0, *(len(run.values) for run in runs[:-1])])] = True
    used = len(values) - len(runs) + 1
    if used < LEAST_ROUNDS:
        told = f"has {len(values)} rounds" + (f" in {len(runs)} runs" if len(runs) > 1 else "")
        remedy = f"log {LEAST_ROUNDS - used} more: fewer than {LEAST_ROUNDS} tell nothing"
        raise InputError(name, told, remedy)
    if len(values) > MOST_ROUNDS:
        told = f"has {len(values):,} rounds"
        raise InputError(name, told, f"give {MOST_ROUNDS:,} consecutive ones")
    if quantity != "shares":
        _check_scalars(name, quantity, values)
        logits = np.full_like(values, np.nan)
        return Log(name, quantity, tuple(labels), values, counts, first, logits)
    exact = bool(np.isinf(counts).all())
    values = _checked_shares(name, labels, values, counts, exact)
    if exact:
        known = [
            run.logits if run.logits is not None else np.log(v) for run, v in _cut(runs, values)
        ]
        logits = simplex.centre(np.concatenate(known))
    else:
        logits = simplex.centre(np.log(values * counts[:, None] + HALF_A_COUNT))
    return Log(name, quantity, tuple(labels), values, counts, first, logits)


def _cut(runs: Sequence[Run], values: FloatArray) -> list[tuple[Run, FloatArray]]:
    ends = np.cumsum([len(run.values) for run in runs])[:-1]
    return list(zip(runs, np.split(values, ends), strict=True))


def _check_scalars(name: str, quantity: str, values: FloatArray) -> None:
    if quantity in COUNTED and ((values < 0.0) | (values > 1.0)).any():
        worst = float(values[(values < 0.0) | (values > 1.0)][0])
        raise InputError(name, f"holds {worst:.6g}", f"a {quantity} lies in [0, 1]")
    if np.ptp(values) == 0.0:
        told = f"holds {values[0, 0]:.6g} in every round"
        raise InputError(name, told, "a loop at rest tells nothing: start it away from rest")
    if quantity == "share" and values.mean() > COLLAPSED:
        raise InputError(name, f"has a mean share of {values.mean():.3f}: collapsed", _ELSEWHERE)


_ELSEWHERE = "nothing can be seen there; log the rounds before, or start elsewhere"


def _checked_shares(
    name: str, labels: Sequence[str], values: FloatArray, counts: FloatArray, exact: bool
) -> FloatArray:
    """Return shares that sum to 1 exactly, once they are seen to be shares."""
    K = values.shape[1]
    if K < 2:
        raise InputError(
            name,
            f"has one column, {listed(labels)}",
            [
                "give the shares of all responses, or say what it is: ",
                Argument("quantity", "share"),
            ],
        )
    if K > MOST_RESPONSES:
        raise InputError(
            name,
            f"has {K} responses",
            [
                f"all shares are fitted up to {MOST_RESPONSES}: log one with ",
                Argument("quantity", "share"),
                ", or add up the shares of responses that you know to act alike",
            ],
        )
    if (values < 0.0).any():
        row, column = (int(i) for i in np.argwhere(values < 0.0)[0])
        told = f"has a share of {values[row, column]:.6g} in row {row}"
        raise InputError(name, told, "shares lie in [0, 1]")
    sums = values.sum(axis=1)
    off = np.abs(sums - 1.0) > NEARLY_ONE + (0.0 if exact else K * _rounding(values))
    if off.any():
        row = int(np.argmax(off))
        remedy: Any = "give the shares of all responses, as fractions"
        if exact:
            remedy = ["give all digits of all responses, or the ", Argument("n"), " of samples"]
        raise InputError(name, f"has shares that sum to {sums[row]:.8g} in row {row}", remedy)
    mean = values.mean(axis=0)
    if mean.max() > COLLAPSED:
        top = labels[int(mean.argmax())]
        told = f"has a mean share of {mean.max():.3f} for {top!r}: collapsed"
        raise InputError(name, told, _ELSEWHERE)
    if exact and (values == 0.0).any():
        row, column = (int(i) for i in np.argwhere(values == 0.0)[0])
        raise InputError(
            name,
            f"has a share of 0 for {labels[column]!r} in row {row}, which no exact policy has",
            ["give the number of samples a round as ", Argument("n")],
        )
    if not exact:
        _refuse_averages(name, values, counts)
    return np.asarray(values / sums[:, None])


def _refuse_averages(name: str, values: FloatArray, counts: FloatArray) -> None:
    """Refuse shares that are multiples of 1/(nR) and not of 1/n: averages of R runs."""
    rounding = _rounding(values) + SURELY
    n = counts[:, None]
    if (_apart(n * values) <= n * rounding).all():
        return
    for runs in range(2, MOST_AVERAGED + 1):
        if (_apart(n * runs * values) <= n * runs * SURELY).all():
            told = (
                f"has shares in steps of 1/({counts[0]:g}×{runs}), as averages of {runs} runs have"
            )
            remedy = "give each run, whose noise and phase an average loses, or the counts"
            raise InputError(name, told, remedy)


def _rounding(values: FloatArray) -> float:
    """Return half a unit in the last digit that shares are written with."""
    written = np.round(values, MOST_DIGITS)
    digits = next(d for d in range(MOST_DIGITS + 1) if np.array_equal(np.round(values, d), written))
    return float(0.5 * 10.0**-digits)


def _apart(values: FloatArray) -> FloatArray:
    """Return how far numbers are from whole ones."""
    return np.asarray(np.abs(values - np.round(values)))
