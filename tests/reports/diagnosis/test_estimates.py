"""What logs say of multipliers: golden numbers, closed forms, and what must not matter."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.reports.diagnosis.exact import exact_estimate
from alignsim.reports.diagnosis.logs import Run, log_of
from tests.oracles.logged_rounds import RHO, SHARES, THETA

CYCLE = asim.preferences.cyclic(3, advantage=0.3)
GOLDEN = asim.FeedbackMap(CYCLE, beta=5.0, alpha=0.6, lam=0.8)
START = [0.5, 0.3, 0.2]
WILD = asim.FeedbackMap(CYCLE, beta=10.0, alpha=0.6, lam=0.8)


def policies(rounds, loop=GOLDEN, start=START):
    return loop.run(start, rounds=rounds - 1).policies


def counts(rounds, n, seed=0, loop=GOLDEN, start=START):
    return np.random.default_rng(seed).multinomial(n, policies(rounds, loop, start))


def skewed(K, seed):
    rng = np.random.default_rng(seed)
    P = np.full((K, K), 0.5)
    i, j = np.triu_indices(K, 1)
    P[i, j] = rng.uniform(0.05, 0.95, len(i))
    P[j, i] = 1.0 - P[i, j]
    return P


def test_a_golden_exact_log():
    log = policies(12)
    assert log[1] == pytest.approx([0.474813, 0.216248, 0.308940], abs=1e-6)
    found = asim.diagnose(log, np.inf)
    assert float(found.rho) == pytest.approx(RHO, abs=1e-8)
    assert float(found.theta) == pytest.approx(THETA, abs=1e-8)
    assert float(found.alpha) == pytest.approx(0.6, abs=1e-8)
    assert found.rho_interval.tolist() == [float(found.rho)] * 2
    assert found.words("evidence") == "analytic"
    run = log_of("log", "shares", "abc", [Run(log, np.full(12, np.inf))])
    fitted = exact_estimate(run, np.random.default_rng(0)).fits
    assert fitted.u[0] == pytest.approx([1.2, -1.2, 1.2], abs=1e-8)


def test_a_golden_log_on_its_cycle_tells_of_the_rest_point():
    orbit = policies(161, WILD, [0.4, 0.3, 0.3])[120:]
    found = asim.diagnose(orbit, np.inf)
    assert float(found.rho) == pytest.approx(1.5099669, abs=1e-7)
    assert np.degrees(float(found.theta)) == pytest.approx(66.586776, abs=1e-6)
    assert found.words("verdict") == "limit cycle"


def momentum(rounds):
    z = [np.array([0.5, -0.1, -0.4])]
    last = z[0]
    for _ in range(rounds - 1):
        ahead = 0.6 * z[-1] + 0.3 * (z[-1] - last)
        ahead = ahead + 3.0 * (CYCLE - 0.5) @ asim.simplex.softmax(z[-1])
        last = z[-1]
        z.append(ahead)
    return asim.simplex.softmax(np.array(z))


def test_a_golden_log_with_momentum():
    """A round with memory fits no form without it, and one with it to rounding."""
    found = asim.diagnose(momentum(30), np.inf)
    assert float(found.rho) == pytest.approx(1.0121844, abs=1e-7)
    assert np.degrees(float(found.theta)) == pytest.approx(46.545995, abs=1e-6)
    assert float(found.alpha) == pytest.approx(0.9, abs=1e-9)
    assert found.words("evidence") == "analytic"
    assert np.isnan(found.beta_factor)


@pytest.mark.parametrize("n", [100, 1000])
def test_golden_posteriors(n):
    """Those of the page, whose sides are stretched by 1.3 and 1.5."""
    if n == 100:
        golden = [(0.902, 0.81, 0.98), (49.1, 44.0, 55.0), (0.59, 0.50, 0.66)]
        found = asim.diagnose(SHARES, 100)
    else:
        golden = [(0.917, 0.89, 0.945)]
        rounded = np.floor(1000.0 * policies(12) + 0.5)
        found = asim.diagnose(rounded / rounded.sum(axis=1, keepdims=True), 1000)
    seen = [
        (found.rho, found.rho_interval, 1.3),
        (np.degrees(found.theta), np.degrees(found.theta_interval), 1.5),
        (found.alpha, found.alpha_interval, 1.3),
    ]
    for (middle, low, high), (own, ends, stretch), near in zip(
        golden, seen, (0.015, 1.0, 0.02), strict=False
    ):
        assert float(own) == pytest.approx(middle, abs=near)
        plain = own + (ends - own) / stretch
        assert plain == pytest.approx([low, high], abs=2.0 * near)


@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("seed", [0, 1])
def test_exact_logs_of_ipo_give_its_stability(K, seed):
    rng = np.random.default_rng([K, seed])
    loop = asim.FeedbackMap(
        skewed(K, seed),
        beta=rng.uniform(2.0, 12.0),
        alpha=rng.uniform(0.1, 0.9),
        lam=rng.uniform(0.3, 1.0),
        reference=rng.dirichlet(5.0 * np.ones(K)),
        offline=rng.dirichlet(5.0 * np.ones(K)),
    )
    local = asim.stability(loop)
    found = asim.diagnose(loop.run(start_logits=rng.normal(size=K), rounds=40), loop=loop)
    assert float(found.rho) == pytest.approx(float(local.spectral_radius), abs=1e-6)
    assert float(found.theta) == pytest.approx(float(local.angle), abs=1e-6)
    assert float(found.alpha) == pytest.approx(float(loop.alpha), abs=1e-6)
    assert float(found.theory_rho) == float(local.spectral_radius)
    assert "lie in the intervals" in str(found.sentence)


def test_shares_too_small_to_see_leave_an_exact_ipo_log_exact_enough():
    """Shares of 1e-10 hide coefficients of the round, which ρ > 1 hardly rests on."""
    upper = [0.19, 0.32, 0.64, 0.36, 0.37, 0.87, 0.42, 0.31, 0.96, 0.89]
    P = np.full((5, 5), 0.5)
    P[np.triu_indices(5, 1)] = upper
    P.T[np.triu_indices(5, 1)] = 1.0 - np.array(upper)
    loop = asim.FeedbackMap(P, objective="ipo", beta=23.6, alpha=0.79, lam=0.4)
    start = np.array([-9.7, 8.3, 12.4, 9.8, -20.8])
    found = asim.diagnose(loop.run(start_logits=start, rounds=9).policies, np.inf)
    assert found.words("evidence") == "estimated"
    rho = asim.stability(loop).spectral_radius
    assert abs(found.rho - rho) < 1e-6
    assert np.ptp(found.rho_interval) < 1e-4


def test_an_exact_log_of_dpo_is_estimated_with_its_error():
    loop = asim.FeedbackMap(CYCLE, objective="dpo", beta=1.2, alpha=0.6, lam=0.8)
    local = asim.stability(loop)
    found = asim.diagnose(loop.run(START, rounds=30))
    assert found.words("evidence") == "estimated"
    low, high = found.rho_interval
    assert low < float(local.spectral_radius) < high
    assert float(found.rho) == pytest.approx(float(local.spectral_radius), abs=0.02)
    assert high - low > 1e-6


@pytest.mark.parametrize(("K", "seed"), [(4, 3), (4, 10), (5, 2), (5, 4)])
def test_an_exact_log_of_dpo_on_its_cycle_knows_how_little_it_tells_of_the_rest_point(K, seed):
    """No round is near the rest point, and leaving rounds out changes nothing of the fit."""
    loop = asim.FeedbackMap(skewed(K, seed), objective="dpo", beta=1.0, alpha=0.6, lam=0.8)
    loop = loop.replace(
        beta=1.3 * asim.analysis.critical_beta(loop.P, objective="dpo", alpha=0.6, lam=0.8)
    )
    cycle = loop.run(start_logits=np.linspace(0.0, 0.1, K), rounds=400, keep="last").final_logits
    found = asim.diagnose(loop.run(start_logits=cycle, rounds=49))
    local = asim.stability(loop)
    assert found.rho_interval[0] < float(local.spectral_radius) < found.rho_interval[1]
    assert found.rho_interval[0] > 1.0
    assert found.words("verdict") == "limit cycle"


def test_the_order_of_responses_does_not_matter():
    loop = asim.FeedbackMap(skewed(4, 3), beta=6.0, alpha=0.5)
    log, order = policies(25, loop, [0.4, 0.3, 0.2, 0.1]), [2, 0, 3, 1]
    one, other = asim.diagnose(log, np.inf), asim.diagnose(log[:, order], np.inf)
    for name in ("rho", "theta", "alpha", "beta_factor", "amplitude"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9, nan_ok=True)
    assert one.sentence == other.sentence


def test_a_run_may_be_cut_in_two_and_runs_exchanged():
    log = policies(31)
    whole = asim.diagnose(log, np.inf)
    cut = asim.diagnose([log[:15], log[15:]], np.inf)
    turned = asim.diagnose([log[15:], log[:15]], np.inf)
    assert int(cut.runs) == 2
    assert int(cut.rounds) == 31
    assert cut.rho == pytest.approx(whole.rho, abs=1e-9)
    assert turned.rho == pytest.approx(whole.rho, abs=1e-9)


def test_several_runs_say_more_than_one():
    runs = [counts(12, 200, seed) for seed in range(4)]
    alone, all_ = asim.diagnose(runs[0]), asim.diagnose(runs)
    assert np.ptp(all_.rho_interval) < 0.7 * np.ptp(alone.rho_interval)
    assert all_.rho_interval[0] < RHO < all_.rho_interval[1]
    assert int(all_.runs) == 4


@pytest.mark.parametrize("n", [50, 2000])
def test_sampled_logs_hold_the_truth(n):
    found = asim.diagnose(counts(25, n))
    assert found.rho_interval[0] < RHO < found.rho_interval[1]
    assert found.theta_interval[0] < THETA < found.theta_interval[1]
    assert found.words("evidence") == "estimated"


def test_more_samples_narrow_the_interval():
    widths = [np.ptp(asim.diagnose(counts(25, n)).rho_interval) for n in (50, 500, 5000)]
    assert widths[0] > 1.5 * widths[1] > 2.25 * widths[2]


def test_a_seed_repeats_a_diagnosis():
    log = counts(12, 100)
    one, same, other = (asim.diagnose(log, rng=seed) for seed in (1, 1, 2))
    assert one.rho_interval.tolist() == same.rho_interval.tolist()
    assert one.rho_interval.tolist() != other.rho_interval.tolist()


def test_a_known_matrix_is_used():
    log = counts(12, 100)
    known = asim.diagnose(log, P=CYCLE)
    assert known.rho_interval[0] < RHO < known.rho_interval[1]
    assert np.ptp(known.rho_interval) < np.ptp(asim.diagnose(log).rho_interval)
    mirrored = asim.diagnose(log, P=CYCLE.T)  # says that it turns the other way
    assert float(mirrored.alpha) != pytest.approx(float(known.alpha), abs=0.1)


def test_theory_that_a_log_contradicts():
    log = policies(20)
    wrong_beta = asim.diagnose(log, np.inf, loop=GOLDEN.replace(beta=6.0))
    assert "contradicts the map's ρ = 1.025 and θ" in str(wrong_beta.sentence)
    assert "memory" not in str(wrong_beta.sentence)
    wrong_alpha = asim.diagnose(log, np.inf, loop=GOLDEN.replace(alpha=0.5))
    assert "Another α: the round has memory or another form." in str(wrong_alpha.sentence)


@pytest.mark.parametrize("beta", [3.0, 5.0, 10.0])
def test_the_beta_that_calms_a_cycle_is_the_closed_form(beta):
    loop = asim.FeedbackMap(CYCLE, beta=beta, alpha=0.6, lam=0.8)
    found = asim.diagnose(policies(30, loop), np.inf)
    calm = np.sqrt(0.9**2 - 0.6**2) / (0.8 * 0.3 / np.sqrt(3.0))  # ρ² = α² + (βλω)²
    assert float(found.beta_factor) == pytest.approx(calm / beta, rel=1e-8)
    assert found.beta_factor_interval == pytest.approx([calm / beta] * 2, rel=1e-8)
    sampled = asim.diagnose(counts(30, 500, loop=loop))
    low, high = sampled.beta_factor_interval
    assert low < calm / beta < high


def test_the_reference_does_not_scale_with_beta():
    reference = np.array([0.7, 0.2, 0.1])
    loop = asim.FeedbackMap(CYCLE, beta=9.0, alpha=0.5, reference=reference)
    found = asim.diagnose(loop.run(START, rounds=30), reference=reference)
    calmed = loop.replace(beta=9.0 * float(found.beta_factor))
    assert float(asim.stability(calmed).spectral_radius) == pytest.approx(0.9, abs=1e-6)
    taken = asim.diagnose(loop.run(START, rounds=30), loop=loop)
    assert taken.beta_factor == found.beta_factor
    ignored = asim.diagnose(loop.run(START, rounds=30))
    assert float(ignored.beta_factor) != pytest.approx(float(found.beta_factor), rel=1e-3)


def test_no_beta_calms_what_alpha_holds():
    loop = asim.FeedbackMap(CYCLE, beta=2.0, alpha=0.95)
    found = asim.diagnose(loop.run(START, rounds=40))
    assert np.isnan(found.beta_factor)
    assert "No β gives ρ = 0.9: lower α." in str(found.sentence)
