"""Where the loops of methods rest, made without iterating: what claims about methods share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Instances
from alignsim.feedback import FeedbackMap, Scheme
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.validation import FloatArray

FARTHEST = 10.0
"""How far references are from the policy, in logits."""


class AtRest(NamedTuple):
    """Loops (n,) of MRS-IPO's relatives, and a state (n, D, K) of each that a round keeps."""

    loop: FeedbackMap
    state: FloatArray


def scheme(name: str, parameters: Instances) -> Scheme:
    """Return the scheme of a method, batch (n,)."""
    of = METHODS[name]
    return Scheme.of(of, of.checked(parameters))


def resting(x: Instances, wired: Scheme, beta: FloatArray) -> AtRest:
    """Return IPO loops that rest with all opponents at ``policy``, and where.

    ``policy`` is the Nash equilibrium of P. With an anchor they rest there for one reference, log
    policy − gain·βv; the offline policy comes nearer where that would be too far. Without an anchor
    λ is 1.
    """
    rest = wired.rest()
    gain, lift = np.nan_to_num(rest.gain), np.nan_to_num(rest.lift)
    policy = simplex.centred_logits(x["policy"])
    lam = np.where(rest.anchored, x["lam"], 1.0)
    away = (1.0 - lam[:, None]) * (x["offline"] - x["policy"])
    pull = beta[:, None] * simplex.centre(draw.product(x["P"], away))
    farthest = np.maximum(np.abs(gain[:, None] * pull).max(axis=-1), 1e-300)
    near = np.minimum(1.0, FARTHEST / farthest)[:, None]
    offline = x["policy"] + near * (x["offline"] - x["policy"])
    pull = near * pull
    held = policy - gain[:, None] * pull
    loop = FeedbackMap(
        x["P"], beta=beta, lam=lam, reference=simplex.softmax(held), offline=offline,
        scheme=wired,
    )  # fmt: skip
    positions = np.where(wired.directions, 0.0, 1.0)[:, None] * held[:, None, :]
    return AtRest(loop, positions + lift[..., None] * pull[:, None, :])


def growth(at: AtRest, nudge: FloatArray, rounds: int) -> FloatArray:
    """Return log of how far an orbit is from rest after ``rounds``, over how far at first: (n,)."""
    end = at.loop.run(start_state=at.state + nudge, rounds=rounds, keep="last").final_state

    def size(away: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt((away**2).sum(axis=(-2, -1))))

    return np.log(np.maximum(size(end - at.state), 1e-300) / size(nudge))
