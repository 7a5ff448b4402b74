"""Finite samples of preferences: what one round of one map draws, from counters."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.philox import philox, unit

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
PAIRS, OPPONENTS = np.uint64(0), np.uint64(1)
"""The stream that a draw belongs to, so that the two noise models never share numbers."""


@kernel
def pairs(matrices, which, samplers, key, round_, draws, wins, first, last):  # type: ignore[no-untyped-def]
    """Draw pairs from μ⊗μ and let each be judged once.

    Parameters
    ----------
    matrices : (m, K, K)
        Preference matrices.
    which : (n,)
        The matrix of each map.
    samplers : (n, K)
        μ of each map.
    key : (2,)
        Two words of 32 bits, as uint64.
    round_
        The round that is drawn for.
    draws
        (begin, end): which pairs of a map; ``end`` is excluded. A pair's number is part of the
        counter, so a round may be drawn by several calls.
    wins : (n, K, K)
        Added to: how often i beat j; pairs of a response with itself are wasted.
    first, last
        Maps; ``last`` is excluded. A map's number is part of the counter.
    """
    K = samplers.shape[1]
    ladder = np.empty(K)
    for n in range(first, last):
        total = 0.0
        for i in range(K):
            total += samplers[n, i]
            ladder[i] = total
        P, won = matrices[which[n]], wins[n]
        for s in range(draws[0], draws[1]):
            a, b, c, _ = _words(np.uint64(s), round_, n, PAIRS, key)
            i = _pick(ladder, total * unit(a))
            j = _pick(ladder, total * unit(b))
            if i != j:
                _judge(P, i, j, unit(c), won)


@kernel
def weighted_pairs(matrices, which, weights, key, round_, draws, wins, first, last):  # type: ignore[no-untyped-def]
    """Draw pairs as often as they weigh and let each be judged once.

    As :func:`pairs`, but for

    Parameters
    ----------
    weights : (n, K, K)
        Of the pairs of each map, symmetric; the diagonal is not looked at. Where all are 0,
        nothing is drawn.
    """
    K = weights.shape[1]
    size = K * (K - 1) // 2
    ladder = np.empty(size)
    ends = np.empty((size, 2), dtype=np.int64)
    for n in range(first, last):
        total = 0.0
        place = 0
        for i in range(K):
            for j in range(i + 1, K):
                total += weights[n, i, j]
                ladder[place] = total
                ends[place, 0], ends[place, 1] = i, j
                place += 1
        if total == 0.0:
            continue
        P, won = matrices[which[n]], wins[n]
        for s in range(draws[0], draws[1]):
            a, _, c, _ = _words(np.uint64(s), round_, n, PAIRS, key)
            drawn = _pick(ladder, total * unit(a))
            _judge(P, ends[drawn, 0], ends[drawn, 1], unit(c), won)


@kernel
def opponents(scores, key, round_, draws, won, first, last):  # type: ignore[no-untyped-def]
    """Let every response meet opponents of its own.

    Parameters
    ----------
    scores : (n, K)
        Pμ, the probability that a response beats a sampled opponent.
    key, round_, first, last
        As for :func:`pairs`.
    draws
        (begin, end): which opponents of a response, ``begin`` a multiple of 4.
    won : (n, K)
        Added to: how many of them it beat.
    """
    end = draws[1]
    K = scores.shape[1]
    for n in range(first, last):
        for i in range(K):
            beaten = 0
            chance = scores[n, i]
            for s in range(draws[0], end, 4):
                words = _words(
                    np.uint64(s // 4) * np.uint64(K) + np.uint64(i), round_, n, OPPONENTS, key
                )
                beaten += unit(words[0]) < chance
                beaten += (s + 1 < end) & (unit(words[1]) < chance)
                beaten += (s + 2 < end) & (unit(words[2]) < chance)
                beaten += (s + 3 < end) & (unit(words[3]) < chance)
            won[n, i] += beaten


@kernel
def least_squares(wins, score, first, last):  # type: ignore[no-untyped-def]
    """Fit scores to the margins that were won: L u = (w∘(P̂ − ½))1, of least norm.

    Parameters
    ----------
    wins : (n, K, K)
        How often i beat j.
    score : (n, K)
        Out: mean zero within each set of responses that comparisons connect. What was never
        compared, not even through others, keeps its score of 0.
    first, last
        Maps; ``last`` is excluded.
    """
    K = score.shape[1]
    weights = np.empty((K, K))
    pull = np.empty(K)
    done = np.empty(K, dtype=np.bool_)
    member = np.empty(K, dtype=np.int64)
    for n in range(first, last):
        for i in range(K):
            done[i] = False
            score[n, i] = 0.0
            for j in range(K):
                weights[i, j] = wins[n, i, j] + wins[n, j, i] if i != j else 0.0
        for root in range(K):
            if done[root]:
                continue
            size = _component(weights, root, done, member)
            if size == 1:
                continue
            for a in range(size):
                i = member[a]
                pull[a] = 0.0
                for j in range(K):
                    pull[a] += 0.5 * (wins[n, i, j] - wins[n, j, i])
            _fit(weights, member, size, pull)
            mean = 0.0
            for a in range(size):
                mean += pull[a]
            mean /= size
            for a in range(size):
                score[n, member[a]] = pull[a] - mean


@part
def _words(number, round_, n, kind, key):  # type: ignore[no-untyped-def]
    """Return the four random words of a draw of ``kind`` for map n in a round."""
    high = (np.uint64(n) >> HALF) * np.uint64(2) + kind
    return philox(number, np.uint64(round_), np.uint64(n) & WORD, high, key[0], key[1])


@part
def _judge(P, i, j, level, won):  # type: ignore[no-untyped-def]
    """Let i win against j if ``level``, uniform in [0, 1), is below P_ij."""
    if level < P[i, j]:
        won[i, j] += 1.0
    else:
        won[j, i] += 1.0


@part
def _pick(ladder, level):  # type: ignore[no-untyped-def]
    """Return the first rung above ``level``."""
    low = 0
    high = ladder.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if level < ladder[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@part
def _component(weights, root, done, member):  # type: ignore[no-untyped-def]
    """List in ``member`` what is connected to ``root``; mark it done; return how many."""
    member[0] = root
    done[root] = True
    size = 1
    seen = 0
    while seen < size:
        i = member[seen]
        seen += 1
        for j in range(weights.shape[0]):
            if weights[i, j] > 0.0 and not done[j]:
                done[j] = True
                member[size] = j
                size += 1
    return size


@part
def _fit(weights, member, size, pull):  # type: ignore[no-untyped-def]
    """Overwrite ``pull`` (size,) by the score of the component with score[0] = 0 (Cholesky)."""
    grounded = np.empty((size, size))
    for a in range(1, size):
        total = 0.0
        for j in range(weights.shape[0]):
            total += weights[member[a], j]
        for b in range(1, size):
            grounded[a, b] = total if a == b else -weights[member[a], member[b]]
    for a in range(1, size):
        for b in range(1, a + 1):
            value = grounded[a, b]
            for c in range(1, b):
                value -= grounded[a, c] * grounded[b, c]
            grounded[a, b] = np.sqrt(value) if a == b else value / grounded[b, b]
    for a in range(1, size):
        for c in range(1, a):
            pull[a] -= grounded[a, c] * pull[c]
        pull[a] /= grounded[a, a]
    for a in range(size - 1, 0, -1):
        for c in range(a + 1, size):
            pull[a] -= grounded[c, a] * pull[c]
        pull[a] /= grounded[a, a]
    pull[0] = 0.0
