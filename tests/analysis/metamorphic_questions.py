"""Every public question about the long run, and how its answer changes with the map.

One decorator registers a question and says how its answer changes: which fields stay, which are
renamed with the responses, which are measured in units of β.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import alignsim as asim
from alignsim import analysis
from tests.analysis.metamorphic_cases import COPIES, FAMILIES, HOSTILE, RELATIONS


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
    rate="stability.omega", responses="final_state stability.fixed_point.state",
    untold="rotation_digits exponent exponent_error rounds stability.fixed_point.residual",
    loose=AVERAGES,
)  # fmt: skip
def classify(case):
    """What does not repeat ends where the window ends."""
    found = analysis.classify(case.loop, rounds=12_000, start=case.start)
    ends = np.where((found.period > 0)[..., None, None], found.final_state, np.nan)
    return dataclasses.replace(found, final_state=ends)


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
    same="exponents mean_log_det status evidence", responses="final_state",
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
    asim.basins,
    same=f"label reason_code evidence count undecided resolution {NUMBERED}",
    untold="starts logits orbit_logits",
    loose=AVERAGES,
)
def basins(case):
    """What is too alike is numbered by response; here by entropy, and starts by who goes along."""
    found = told(asim.basins(case.loop, case.starts, rounds=6000, progress=False))
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


MRS_ONLY = {
    "omega": "about P and a policy",
    "collapsed": "about a policy",
    "certificates": "proved for MRS",
    "capture_region": "proved for MRS",
    "entropy_falls_from": "proved for MRS at α = 1",
    "collapse_without_anchor": "α = 1 of MRS",
    "boundary_equilibria": "of MRS at α = 1",
    "critical_signal": "a closed form of MRS",
    "critical_beta": "takes α",
    "crossings_along_alpha": "takes α",
    "advise": "chooses α",
}
"""Questions that are not asked about other methods, and why."""

OF_METHODS = tuple(name for name in QUESTIONS if name not in MRS_ONLY)

SEARCHES = ("crossings", "bifurcations", "bifurcations_along_lam")
"""Questions that search a whole range of a parameter, which takes long."""
