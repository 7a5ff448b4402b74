"""Random feedback maps for the tests of this room, drawn with a given seed."""

from typing import NamedTuple

import numpy as np

import alignsim as asim


class System(NamedTuple):
    """The arguments of one map, and a start."""

    P: np.ndarray
    beta: float
    alpha: float
    lam: float
    reference: np.ndarray
    offline: np.ndarray
    start: np.ndarray

    def loop(self, objective="ipo", **changes):
        """Return the map; ``changes`` replace arguments."""
        arguments = {**self._asdict(), **changes}
        del arguments["start"]
        return asim.FeedbackMap(objective=objective, **arguments)


def preferences(rng, K, margin=0.05):
    """P with P_ij uniform on [margin, 1 − margin]."""
    upper = np.triu(rng.uniform(margin, 1.0 - margin, (K, K)), 1)
    return upper + np.tril(1.0 - upper.T, -1) + 0.5 * np.eye(K)


def policy(rng, K):
    """A policy whose least probability is above 0.02/K."""
    return 0.98 * rng.dirichlet(np.ones(K)) + 0.02 / K


def system(rng, K, *, beta=None, alpha=None, lam=None):
    """A map of K responses, random wherever nothing is given."""
    return System(
        preferences(rng, K),
        rng.uniform(0.2, 4.0) if beta is None else beta,
        rng.uniform(0.0, 1.0) if alpha is None else alpha,
        rng.uniform(0.0, 1.0) if lam is None else lam,
        policy(rng, K),
        policy(rng, K),
        policy(rng, K),
    )
