"""What leaves a map as it is leaves every answer about it as it is (analysis C.7).

Every public question of the room is registered below by one decorator, which says how its answer
changes: which fields stay, which are renamed with the responses, which are measured in units of β.
Then every relation is tried on every question, for several families of maps.
"""

import dataclasses
import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
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

    @property
    def loop(self):
        return self.at(self.alpha)

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


# Questions, and how their answers change


class Question(NamedTuple):
    """A question about a case, the function that it asks, and how the answer's fields change."""

    ask: Callable
    function: Callable
    roles: dict
    families: tuple
    relations: tuple
    tolerance: dict
    copies: int


QUESTIONS = {}
ROLES = ("same", "responses", "beta", "rate", "untold", "batch")


def question(
    function,
    *,
    families=FAMILIES,
    preferences_only=False,
    tolerance=1e-8,
    loose=(),
    copies=COPIES,
    **fields,
):
    """Register a question about a :class:`Case`, with the fields of its answer by their roles.

    ``same``: it does not change. ``responses``: it is renamed along the last axis. ``beta``: it is
    measured as β is. ``rate``: as 1/β is. ``untold``: no simple rule; only bits are compared.
    ``batch``: it is about the whole batch; not even these. A bare array is the field ``value``.
    ``loose`` fields have a tolerance of their own. ``preferences_only`` functions take no other
    payoffs.
    """

    def register(ask):
        roles = {name: role for role in ROLES for name in fields.get(role, "").split()}
        assert set(fields) <= set(ROLES)
        QUESTIONS[ask.__name__] = Question(
            ask, function, roles,
            tuple(f for f in families if not (preferences_only and f.startswith("game"))),
            ("renamed",) if preferences_only else tuple(RELATIONS),
            dict.fromkeys(roles, tolerance) | dict(loose),
            copies,
        )  # fmt: skip
        return ask

    return register


def told(answer, prefix=""):
    """Return the fields of an answer, and those of answers in it, by dotted names."""
    if dataclasses.is_dataclass(answer) and not isinstance(answer, asim.FeedbackMap):
        answer = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
    if not isinstance(answer, dict):
        return {prefix.rstrip(".") or "value": answer}
    return {
        k: v for name, part in answer.items() for k, v in told(part, f"{prefix}{name}.").items()
    }


IPO = tuple(name for name in FAMILIES if not name.startswith("dpo") and name not in HOSTILE)
EXPANDED = tuple(name for name in FAMILIES if name not in HOSTILE)
"""Of objectives that have an expansion, from which normal forms follow."""


LOCAL = "spectral_radius margin angle verdict fixed_point.status"


@question(analysis.fixed_point, same="status", responses="state", untold="residual")
def fixed_point(case):
    return analysis.fixed_point(case.loop)


@question(
    analysis.fixed_points,
    same="multipliers degenerate count status evidence index", responses="state",
    untold="unseen starts",
)  # fmt: skip
def fixed_points(case):
    return analysis.fixed_points(case.loop)


@question(
    analysis.stability, same=LOCAL, rate="omega", responses="fixed_point.state",
    untold="fixed_point.residual",
)  # fmt: skip
def stability(case):
    return analysis.stability(case.loop)


@question(analysis.spectral_radius, same="value")
def spectral_radius(case):
    return analysis.spectral_radius(case.loop, np.log(case.start))


@question(analysis.multipliers, same="value")
def multipliers(case):
    return analysis.multipliers(case.loop, np.log(case.start))


@question(analysis.omega, rate="value", families=IPO)
def omega(case):
    return analysis.omega(case.P, np.log(case.start))


@question(analysis.transient_growth, same="growth at_round reactivity status")
def transient_growth(case):
    return analysis.transient_growth(case.loop)


@question(
    analysis.certificates, same="centred.holds centred.slack centred.rate", beta="centred.limit",
    untold="C1.holds C1.slack C1.rate C1.limit", families=IPO,
)  # fmt: skip
def certificates(case):
    """C1 bounds ‖P − ½‖ as it stands; U1 and U2 are about preference matrices."""
    found = analysis.certificates(case.loop)
    columns = {
        "holds": found.holds, "slack": found.slack, "rate": found.rate, "limit": found.beta_limit,
    }  # fmt: skip
    return {
        f"{part}.{name}": values[..., own]
        for part, own in (("C1", slice(0, 1)), ("centred", slice(1, 5)))
        for name, values in columns.items()
    }


@question(analysis.capture_region, same="radius span rate", responses="logits", families=IPO)
def capture_region(case):
    """Of a certified fixed point."""
    loop = case.loop
    return analysis.capture_region(loop, analysis.fixed_point(loop))


@question(analysis.critical_signal, beta="value")
def critical_signal(case):
    return analysis.critical_signal(case.loop)


@question(
    analysis.critical_beta,
    beta="value",
    preferences_only=True,
    families=("ipo-4", "dpo-3"),
    copies=2,
)
def critical_beta(case):
    return analysis.critical_beta(
        case.P, objective=case.objective, alpha=case.alpha, beta_max=40.0, **case.mixing
    )


@question(
    analysis.crossings,
    same="direction status", responses="logits", beta="at searched_to", untold="along", copies=2,
)  # fmt: skip
def crossings(case):
    return analysis.crossings(case.loop, high=40.0 * case.unit, points=12)


@question(
    analysis.crossings, same="direction status at searched_to", responses="logits",
    untold="along", families=("ipo-3", "dpo-3", "game-3"), copies=2,
)  # fmt: skip
def crossings_along_alpha(case):
    return analysis.crossings(case.loop, along="alpha", points=12)


NORMAL_FORM = "angle coefficient direction kind criticality status"


@question(
    analysis.bifurcations, same=NORMAL_FORM, responses="logits", beta="at searched_to",
    rate="multiplier_slope angle_slope", untold="along", batch="loop", tolerance=1e-6,
    families=("ipo-4", "game-3", "cycle-3"), copies=2,
)  # fmt: skip
def bifurcations(case):
    return analysis.bifurcations(case.loop, high=20.0 * case.unit)


@question(
    analysis.bifurcations, same=f"{NORMAL_FORM} at searched_to multiplier_slope angle_slope",
    responses="logits", untold="along", batch="loop", tolerance=1e-6,
    families=("ipo-3", "game-3"), copies=2,
)  # fmt: skip
def bifurcations_along_lam(case):
    return analysis.bifurcations(case.loop, along="lam")


@question(
    analysis.first_lyapunov_coefficient,
    same="multiplier coefficient kind criticality response", tolerance=1e-6, families=EXPANDED,
)  # fmt: skip
def first_lyapunov_coefficient(case):
    loop = case.loop
    return analysis.first_lyapunov_coefficient(loop, analysis.fixed_point(loop).logits)


AVERAGES = dict.fromkeys(["cycle_strength", "amplitude", "entropy_mean", "entropy_min"], 1e-3)
"""Of a circle: over a window that doubles until it is long enough, which rounding may decide."""


@question(
    analysis.classify,
    same="code period rotation_number cycle_strength amplitude entropy_mean entropy_min "
    "spectral_radius evidence reason_code "
    + " ".join(f"stability.{name}" for name in LOCAL.split()),
    rate="stability.omega", responses="final_logits stability.fixed_point.state",
    untold="rotation_digits exponent exponent_error rounds stability.fixed_point.residual",
    loose=AVERAGES,
)  # fmt: skip
def classify(case):
    """What does not repeat ends where the window ends."""
    found = analysis.classify(case.loop, rounds=12_000, start=case.start)
    ends = np.where((found.period > 0)[..., None], found.final_logits, np.nan)
    return dataclasses.replace(found, final_logits=ends)


@question(analysis.collapsed, same="value")
def collapsed(case):
    return analysis.collapsed(9.0 * np.log(case.start))


COLLAPSE = (
    "entropy_final entropy_mean entropy_min merged_entropy threshold first_round recovered kind "
    "slope predicted_slope entropy_floor span_bound asymptotic_entropy evidence"
)


@question(analysis.collapse, same=COLLAPSE, responses="top", beta="eta", untold="responses")
def collapse(case):
    return analysis.collapse(case.loop, rounds=600, start=case.start)


@question(analysis.collapse, same=COLLAPSE, responses="top", beta="eta", untold="responses")
def collapse_without_anchor(case):
    return analysis.collapse(case.at(1.0), rounds=200, start=case.start)


@question(analysis.entropy_floor, same="value")
def entropy_floor(case):
    return analysis.entropy_floor(case.loop)


@question(analysis.span_bound, same="value")
def span_bound(case):
    return analysis.span_bound(case.loop)


@question(analysis.asymptotic_entropy, same="value")
def asymptotic_entropy(case):
    return analysis.asymptotic_entropy(case.loop)


@question(analysis.entropy_falls_from, same="value")
def entropy_falls_from(case):
    return analysis.entropy_falls_from(case.at(1.0), np.log(case.start))


@question(
    analysis.lyapunov_spectrum,
    same="exponents mean_log_det status evidence", responses="final_logits",
    untold="standard_errors rounds burn_in", tolerance=1e-6, loose={"exponents": 0.03},
)  # fmt: skip
def lyapunov_spectrum(case):
    """The first tangent vectors are those of a basis that does not know the names."""
    return analysis.lyapunov_spectrum(case.loop, rounds=1000, start=case.start)


def sorted_by(found, keys, names):
    """Return the answer with the fields ``names`` sorted along the last axis of ``keys``."""
    order = np.lexsort(keys, axis=-1)
    for name in names:
        values = found[name]
        index = order.reshape(*order.shape, *[1] * (values.ndim - order.ndim))
        found[name] = np.take_along_axis(values, index, axis=order.ndim - 1)
    return found


@question(
    analysis.boundary_equilibria,
    same="internal count status",
    responses="support policy exponents",
    families=("ipo-3", "ipo-4", "dpo-3", "dpo-4", "game-3", *HOSTILE),
)
def boundary_equilibria(case):
    """They are listed by response; here by what does not depend on it, save for symmetry."""
    found = told(analysis.boundary_equilibria(case.at(1.0)))
    size = found["support"].sum(axis=-1)
    growth = np.abs(found["exponents"]).sum(axis=-1).round(9)
    return sorted_by(
        found, (growth, size, size == 0), ("internal", "support", "policy", "exponents")
    )


NUMBERED = "code period rotation_number entropy_mean cycle_strength share share_low share_high"


@question(
    analysis.basins,
    same=f"label reason_code evidence count undecided resolution {NUMBERED}",
    untold="starts logits orbit_logits",
    loose=AVERAGES,
)
def basins(case):
    """What is too alike is numbered by response; here by entropy, and starts by who goes along."""
    found = told(analysis.basins(case.loop, case.starts, rounds=6000))
    together = found["label"][..., :, None] == found["label"][..., None, :]
    found["label"] = np.where(found["label"] < 0, -1, together.argmax(axis=-1))
    return sorted_by(found, (found["entropy_mean"],), NUMBERED.split())


ADVICE = (
    "lam status radii far_starts arrived evidence tradeoff.win_rate tradeoff.entropy "
    "tradeoff.alpha_lowest tradeoff.alpha tradeoff.rate tradeoff.rounds tradeoff.alpha_certified"
)


@question(
    asim.advise, same=ADVICE, responses="policy", beta="eta eta_largest tradeoff.eta "
    "tradeoff.beta",
    batch="alphas min_effective_support probe_rounds tolerance objective warnings",
    families=("ipo-3", "dpo-4", "cycle-3"), copies=2,
    preferences_only=True, tolerance=1e-6,
)  # fmt: skip
def advise(case):
    return asim.advise(
        case.P, eta=case.beta / (1.0 - case.alpha), objective=case.objective,
        min_effective_support=1.5, alphas=[0.2, 0.9], **case.mixing,
    )  # fmt: skip


# Every relation on every question


@cache
def answer(name, kind):
    return told(QUESTIONS[name].ask(family(kind)))


def nothing(rest):
    """Whether padding holds nothing."""
    return rest.size == 0 or bool(np.isin(np.nan_to_num(rest, nan=0.0), (0, -1)).all())


def common(one, other):
    """Return two arrays of a kind cut to their common shape; what lies outside holds nothing."""
    one, other = np.asarray(one), np.asarray(other)
    assert one.ndim == other.ndim
    cut = tuple(slice(0, min(pair)) for pair in zip(one.shape, other.shape, strict=True))
    for axis, place in enumerate(cut):
        for whole in (one, other):
            assert nothing(np.moveaxis(whole, axis, 0)[place.stop :])
    return one[cut], other[cut]


def expected(value, role, case):
    """Return what a field becomes in ``case``."""
    value = np.asarray(value)
    if role == "responses":
        return value[..., list(case.order[: value.shape[-1]])]
    return value * {"beta": case.unit, "rate": 1.0 / case.unit}.get(role, 1)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_what_leaves_the_map_as_it_is_leaves_the_answer(name, relation):
    asked = QUESTIONS[name]
    if relation not in asked.relations:
        pytest.skip("takes preference matrices only")
    of_payoffs = relation != "renamed"
    for kind in asked.families:
        if of_payoffs and kind not in IPO:
            continue
        case = RELATIONS[relation](family(kind))
        after = told(asked.ask(case))
        for field, before in answer(name, kind).items():
            role = asked.roles[field]
            if role in ("untold", "batch"):
                continue
            here, there = common(after[field], expected(before, role, case))
            label = f"{name}.{field}, {kind}, {relation}"
            if here.dtype.kind in "fc":
                atol = asked.tolerance[field]
                np.testing.assert_allclose(here, there, atol=atol, rtol=atol, err_msg=label)
            else:
                np.testing.assert_array_equal(here, there, err_msg=label)


def same_bits(one, other, label):
    one, other = common(one, other)
    assert np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"), label


@pytest.mark.parametrize("name", QUESTIONS)
def test_neighbours_and_threads_do_not_change_a_bit(name, monkeypatch):
    asked = QUESTIONS[name]
    for kind in asked.families:
        case = family(kind)
        many = case.each(lambda array: np.concatenate([array] * asked.copies))
        answers = []
        for threads in (1, 2):
            for module in [m for n, m in sys.modules.items() if n.startswith("alignsim.")]:
                if hasattr(module, "available_threads"):
                    monkeypatch.setattr(module, "available_threads", lambda n=threads: n)
            answers.append(told(asked.ask(many)))
        whole = answers[0]
        compared = [field for field in whole if asked.roles[field] != "batch"]
        for field in compared:
            values = whole[field]
            same_bits(values, answers[1][field], f"{name}.{field}, {kind}, threads")
        for i in (0, MAPS - 1):
            alone = told(asked.ask(case.each(lambda array, i=i: array[i])))
            for field in compared:
                value, values = alone[field], whole[field]
                for place in (i, i + MAPS * (asked.copies - 1)):
                    batched = np.ndim(values) > np.ndim(value)
                    beside = values[place] if batched else values
                    same_bits(value, beside, f"{name}.{field}, {kind}, map {i}")


# The registry is complete


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_field_has_a_role(name):
    asked = QUESTIONS[name]
    assert set(answer(name, asked.families[0])) == set(asked.roles)


def test_every_function_of_the_room_is_asked():
    public = {getattr(analysis, name) for name in analysis.__all__}
    functions = {function for function in public if inspect.isfunction(function)}
    asked = {each.function for each in QUESTIONS.values()}
    assert functions | {asim.advise} == asked


# The diagram


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_refined_diagram_is_part_of_the_dense_one_whatever_the_names(objective):
    case = family("ipo-3").each(lambda array: array[0])
    axes = {"x": ("beta", 0.0, 40.0), "y": ("lam", 0.2, 1.0), "alpha": 0.6, "resolution": 128}

    def diagram(of):
        policies = {"reference": of.reference, "offline": of.offline}
        return asim.phase_diagram(
            of.P, objective=objective, audit=0.0, progress=False, **axes, **policies
        )

    refined = diagram(case)
    beta, lam = np.meshgrid(refined.beta, refined.lam)
    dense = analysis.stability(
        case._replace(objective=objective).at(0.6).replace(beta=beta, lam=lam)
    )
    seen = refined.evaluated.values
    assert seen.mean() < 0.5
    assert len(np.unique(dense.verdict)) > 1
    np.testing.assert_array_equal(refined.phase, dense.verdict)
    np.testing.assert_allclose(
        refined.spectral_radius.values[seen], dense.spectral_radius[seen], rtol=1e-10
    )
    again = diagram(renamed(case))
    np.testing.assert_array_equal(again.phase, refined.phase)
    np.testing.assert_array_equal(again.evaluated, refined.evaluated)
