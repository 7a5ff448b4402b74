"""Families of maps, and what may be done to a map without changing what it does (analysis C.7)."""

from functools import cache
from typing import NamedTuple

import numpy as np

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.scheme import Scheme
from tests.feedback.methods.systems import EXAMPLES, drawn
from tests.feedback.systems import policy, preferences
from tests.hostile import TOYS

MAPS = 6
"""Maps in a family."""

COPIES = 11
"""Of each family where bits are compared, so that it fills more than one block of lanes."""

FACTOR = 3.0
"""By which payoffs are multiplied and β divided."""


class Case(NamedTuple):
    """The arguments of n maps of K responses, and a start each."""

    P: np.ndarray
    beta: np.ndarray
    alpha: np.ndarray
    lam: np.ndarray
    reference: np.ndarray
    offline: np.ndarray
    start: np.ndarray
    objective: str
    payoffs: bool = False
    unit: float = 1.0
    """Of β."""
    order: tuple = (0, 1, 2, 3)
    """Of the responses."""
    method: str = "mrs"
    parameters: dict | None = None
    """Of the method, (n,) each, in place of alpha."""

    @property
    def loop(self):
        if self.parameters is None:
            return self.at(self.alpha)
        method = METHODS[self.method]
        scheme = Scheme.of(method, method.checked(self.parameters))
        if self.payoffs:
            return asim.FeedbackMap.from_payoffs(
                self.P, beta=self.beta, scheme=scheme, **self.mixing
            )
        return asim.FeedbackMap(
            self.P, objective=self.objective, beta=self.beta, scheme=scheme, **self.mixing
        )

    def at(self, alpha):
        arguments = {"beta": self.beta, "alpha": alpha, **self.mixing}
        if self.payoffs:
            return asim.FeedbackMap.from_payoffs(self.P, **arguments)
        return asim.FeedbackMap(self.P, objective=self.objective, **arguments)

    @property
    def mixing(self):
        return {"lam": self.lam, "reference": self.reference, "offline": self.offline}

    @property
    def starts(self):
        """Policies from which all maps start, whatever the batch."""
        K = self.P.shape[-1]
        return np.random.default_rng(K).dirichlet(np.ones(K), 5)[:, self.order[:K]]

    def each(self, change):
        """Return the case with ``change`` applied to every array."""
        arrays = {k: change(v) for k, v in self._asdict().items() if isinstance(v, np.ndarray)}
        if self.parameters is not None:
            arrays["parameters"] = {k: change(v) for k, v in self.parameters.items()}
        return self._replace(**arrays)


STRENGTH = {
    "ipo": 3.0, "dpo": 0.7, "game": 0.8, "cycle": 0.7, "ladder": 1.0, "coordination": 4.0,
    "self": 0.8, "contrary": 0.7,
}  # fmt: skip
"""Of the signal: some maps of each random family oscillate, games have several fixed points."""


@cache
def family(name):
    """Return maps with references and offline samplers of their own."""
    kind, K = name.split("-")
    n, K = MAPS, int(K)
    rng = np.random.default_rng(K)
    P = {
        "game": lambda: rng.uniform(0.0, 1.0, (n, K, K)) + np.eye(K),
        "cycle": lambda: asim.preferences.cyclic(K, advantage=np.linspace(0.2, 0.45, n)),
        "ladder": lambda: asim.preferences.bradley_terry(
            [[2.0, top, 1.0, 0.0] for top in np.resize([2.0, 1.6], n)]
        ),
    }.get(kind, lambda: np.array([preferences(rng, K) for _ in range(n)]))()
    reference, offline = (np.array([policy(rng, K) for _ in range(n)]) for _ in range(2))
    if kind == "cycle":
        reference = offline = np.full((n, K), 1.0 / K)
    return Case(
        P=P,
        beta=rng.uniform(2.0, 10.0, n) * STRENGTH[kind],
        alpha=rng.uniform(0.1, 0.8, n),
        lam=np.resize([1.0, 0.7], n),
        reference=reference,
        offline=offline,
        start=np.array([policy(rng, K) for _ in range(n)]),
        objective={"dpo": "dpo", **TOYS}.get(kind, "ipo"),
        payoffs=kind == "game",
    )


HOSTILE = ("coordination-3", "self-4", "contrary-3")
FAMILIES = ("ipo-3", "ipo-4", "dpo-3", "dpo-4", "game-3", "cycle-3", "ladder-4", *HOSTILE)


METHOD_FAMILIES = tuple(f"{name}.{kind}" for name in EXAMPLES for kind in ("ipo-3", "dpo-3"))
METHOD_MAPS = 4


@cache
def family_of_method(name):
    """Return few maps of a method: with parameters in the middle of their ranges, then random."""
    method, kind = name.split(".")
    rng = np.random.default_rng(len(method))
    case = family(kind).each(lambda array: array[:METHOD_MAPS])
    parameters = drawn(method, METHOD_MAPS, rng)
    for key, values in parameters.items():
        values[:2] = EXAMPLES[method].get(key, METHODS[method].parameters[0].default)
    strength = {"ipo": 6.0, "dpo": 1.5}[case.objective]
    return case._replace(
        method=method, parameters=parameters, beta=strength * np.linspace(0.5, 1.5, METHOD_MAPS)
    )


# Relations


def renamed(case, order=(2, 0, 3, 1)):
    """The responses have other names."""
    order = [i for i in order if i < case.P.shape[-1]]
    return case._replace(
        P=case.P[..., order, :][..., order],
        **{name: getattr(case, name)[..., order] for name in ("reference", "offline", "start")},
        order=tuple(order),
    )


def shifted(case):
    """P + 1vᵀ: what an opponent gives to all responses alike."""
    gift = np.random.default_rng(0).normal(size=(len(case.P), 1, case.P.shape[-1]))
    return case._replace(P=case.P + gift, payoffs=True)


def scaled(case):
    """Payoffs k times as large, β one k-th."""
    return case._replace(
        P=FACTOR * case.P, beta=case.beta / FACTOR, payoffs=True, unit=1.0 / FACTOR
    )


RELATIONS = {"renamed": renamed, "shifted": shifted, "scaled": scaled}
