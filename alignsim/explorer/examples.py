"""The preferences that the page knows by name; those with a loop are surprises of the gallery."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim import preferences
from alignsim.validation import FloatArray

DIGITS = 6
"""Of probabilities."""


def examples() -> dict[str, dict[str, Any]]:
    """Return the examples by name, as the page takes them.

    Each has a ``title``, ``P`` and ``labels``; those that are surprises have a ``loop`` (the
    parameters of MRS) besides, and a ``start`` or ``reference`` logits. ``python`` and
    ``command`` say briefly how to make P where there is a brief way.

    >>> examples()["rps"]["P"][0]
    [0.5, 0.8, 0.2]
    """
    four = [[0.624, 0.619, 0.969], [0.942, 0.269], [0.454]]
    rps = ["rock", "paper", "scissors"]
    return {
        "rps": _cycle("Rock, paper, scissors", rps, 0.3, ""),
        "uneven": _square("An uneven cycle", "a b c", [[0.9, 0.35], [0.7]]),
        "ordered": _square(
            "A clear order (Bradley–Terry)", "best good poor", [[0.731059, 0.880797], [0.731059]]
        ),
        "four": _square("Four responses", "a b c d", four),
        "five": _cycle("A cycle of five", list("abcde"), 0.3, " --responses 5"),
        "far": _square("Surprise: stable, yet few starts settle", "a b c d", four)
        | _loop(0.35, 30.0)
        | {
            "reference": [-5.3686, -0.6416, 0.9502, 5.06],
            "start": [0.0012, 0.0055, 0.9928, 0.0005],
        },
        "winner": _square(
            "Surprise: a winner that is not found", "winner a b c",
            [[0.52, 0.52, 0.52], [1.0, 0.0], [1.0]],
        )
        | _loop(0.9, 20.0)
        | {"start": [0.25, 0.25025, 0.249875, 0.249875]},
        "sure": _square(
            "Surprise: ordered, and it oscillates", "best good poor", [[0.95, 1.0], [0.955]]
        )
        | _loop(0.0, 40.0)
        | {"reference": [-12.666667, -0.066667, 12.733333]},
        "hysteresis": _cycle(
            "Surprise: turning β back does not help (DPO)", rps, 0.47, " --advantage 0.47"
        )
        | _loop(0.5, 0.79)
        | {"objective": "dpo", "start": [0.02, 0.96, 0.02]},
    }  # fmt: skip


def _loop(alpha: float, beta: float) -> dict[str, Any]:
    return {"loop": {"alpha": alpha, "beta": beta, "lam": 1.0}, "axes": ["beta", "alpha"]}


def _cycle(title: str, labels: list[str], advantage: float, command: str) -> dict[str, Any]:
    K = len(labels)
    P = preferences.cyclic(K, advantage=advantage)
    python = f"asim.preferences.cyclic({K}, advantage={advantage})"
    return _example(title, labels, P) | {"python": python, "command": command}


def _square(title: str, labels: str, above: list[list[float]]) -> dict[str, Any]:
    """Return an example from the upper half of P."""
    K = len(labels.split())
    P = np.full((K, K), 0.5)
    P[np.triu_indices(K, 1)] = [p for row in above for p in row]
    P = np.where(np.tri(K, dtype=bool), 1.0 - P.T, P)
    return _example(title, labels.split(), P)


def _example(title: str, labels: list[str], P: FloatArray) -> dict[str, Any]:
    return {"title": title, "labels": labels, "P": P.round(DIGITS).tolist()}
