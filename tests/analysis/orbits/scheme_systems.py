"""Loops of every method whose limits and equilibria are known in closed form."""

import numpy as np

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from tests.feedback.methods.systems import EXAMPLES

UNANCHORED = {
    "soft_reference": {"mixup": 0.5},
    "hard_reference": {"every": 2},
    "extragradient": {"kappa": 0.0},
    "optimistic": {"optimism": 1.0, "kappa": 0.0},
}
"""Parameters with which nothing holds the logits but an equilibrium inside the simplex."""

SCHEMES = [*EXAMPLES.items(), *UNANCHORED.items()]
NAMES = [*EXAMPLES, *(f"{name} without anchor" for name in UNANCHORED)]


def limit(name, parameters):
    """Return the y = βλω at which stability is lost."""
    columns = METHODS[name].checked(parameters)
    return float(METHODS[name].facts.limit.value(**columns))


def at_nash(policy, scale=0.5):
    """Return a three-cycle whose equilibrium is ``policy`` (3,), and that policy's logits."""
    p = np.asarray(policy) / np.sum(policy)
    P = np.full((3, 3), 0.5)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        P[i, j], P[j, i] = 0.5 + scale * p[k], 0.5 - scale * p[k]
    return P, asim.simplex.centre(np.log(p))


def near_limit(name, share, policy=(1, 1, 1), objective="ipo", **parameters):
    """Return loops at shares of the limit, on a three-cycle with its equilibrium at ``policy``.

    At a uniform reference only a uniform policy is a rest point of loops with an anchor.
    """
    P, logits = at_nash(policy, 0.9)
    omega = asim.analysis.omega(P, logits) * {"ipo": 1.0, "dpo": 4.0}[objective]
    beta = np.asarray(share) * limit(name, parameters) / omega
    return asim.method(name, P, beta=beta, objective=objective, **parameters)


def two_modes(ratio):
    """Return P (5, 5) of a circulant cycle whose ω have this ratio, and the larger one."""
    angles = 2.0 * np.pi * np.array([[1.0, 2.0], [2.0, 4.0]]) / 5.0
    first, second = np.linalg.solve(0.4 * np.sin(angles), [1.0, -1.0 / ratio])
    steps = np.array([0.0, first, second, -second, -first])
    margins = steps[(np.arange(5)[None] - np.arange(5)[:, None]) % 5]
    scale = 0.4 / np.abs(margins).max()
    return 0.5 + scale * margins, scale
