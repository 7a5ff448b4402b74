"""What fixed points along η cost: each row is that of its fixed point, each best step the best."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis.equilibria.fixed_point import fixed_point
from alignsim.analysis.equilibria.stability import multipliers, omega
from alignsim.reports import tradeoff
from alignsim.reports.advice import advise
from alignsim.reports.tradeoff import TradeoffRow, _speed, quantiles
from tests.feedback.systems import preferences

CYCLE = asim.preferences.cyclic(3, advantage=0.3)


def test_the_bisection_finds_the_best_step_for_any_spectrum():
    rng = np.random.default_rng(2)
    gap = 1 - (rng.normal(size=(200, 5)) + 1j * rng.normal(size=(200, 5))) * rng.uniform(
        0.1, 3.0, (200, 1)
    )
    low, share, log_rate = _speed(gap)
    stable = (gap.real > 0).all(axis=-1)
    assert np.isnan(low).tolist() == (~stable).tolist()
    assert 20 < stable.sum() < 180
    grid = np.linspace(1e-4, 1.0, 4000)
    size = np.abs(1 - grid[:, None, None] * gap[stable]).max(axis=-1)
    assert (np.exp(log_rate[stable]) <= size.min(axis=0) * (1 + 1e-12)).all()
    assert np.exp(log_rate[stable]) == pytest.approx(size.min(axis=0), abs=1e-3)
    assert share[stable] == pytest.approx(grid[size.argmin(axis=0)], abs=1e-2)


def test_the_trade_off_is_that_of_the_fixed_points():
    reference = np.array([0.2, 0.3, 0.5])
    found = advise(CYCLE, 6.0, 0.7, reference=reference)
    trade = found.tradeoff
    assert trade.eta == pytest.approx(6.0 * 2.0 ** (np.arange(-24, 9) / 4))
    assert found.eta == trade.eta[trade.wanted] == 6.0
    for i in (0, 10, trade.wanted, -1):
        loop = asim.FeedbackMap(CYCLE, beta=trade.eta[i], lam=0.7, reference=reference)
        z = fixed_point(loop).logits
        pi = simplex.softmax(z)
        assert trade.win_rate[i] == pytest.approx(pi @ CYCLE @ reference, rel=1e-9)
        assert trade.entropy[i] == pytest.approx(simplex.entropy(z), rel=1e-9)
        c = trade.eta[i] * 0.7 * omega(CYCLE, z)
        assert trade.alpha[i] == pytest.approx(c**2 / (1 + c**2), rel=1e-6)
        single = advise(CYCLE, trade.eta[i], 0.7, reference=reference)
        assert single.rate == pytest.approx(trade.rate[i], rel=1e-7)
        assert single.alpha_certified == pytest.approx(trade.alpha_certified[i], rel=1e-12)
    row = found.table()[trade.wanted]
    assert row.eta == 6.0
    assert row.effective_support == pytest.approx(float(np.exp(found.entropy)))
    assert row.rounds == found.rounds


@pytest.mark.parametrize(
    ("objective", "lam"), [("ipo", 1.0), ("ipo", 0.6), ("dpo", 1.0), ("dpo", 0.6)]
)
def test_of_many_wide_matrices_each_octave_is_the_one_that_finer_steps_lead_to(
    monkeypatch, objective, lam
):
    rng = np.random.default_rng(5)
    P = np.stack([preferences(rng, 7) for _ in range(6)])
    fine = advise(P, 20.0, lam, objective)
    monkeypatch.setattr(tradeoff, "FINE_WORK", 5 * 7**3)
    found = advise(P, 20.0, lam, objective)
    alone = (objective, lam) != ("dpo", 0.6)  # fixed points that may be several are followed
    assert (found.tradeoff.octave, found.tradeoff.wanted) == ((1, 6) if alone else (4, 24))
    assert advise(P[:5], 20.0, lam, objective).tradeoff.octave == 4
    every = 4 // found.tradeoff.octave
    for name in TradeoffRow._fields:
        octaves = getattr(fine.tradeoff, name)[:, ::every]
        assert getattr(found.tradeoff, name) == pytest.approx(octaves, rel=1e-8), name
        assert getattr(found, name) == pytest.approx(getattr(fine, name), rel=1e-8), name


def test_what_decides_of_imaginary_multipliers_decides_as_all_of_them():
    rng = np.random.default_rng(3)
    P = np.stack([preferences(rng, 6) for _ in range(20)])
    flat = asim.FeedbackMap(P, beta=30.0, lam=0.8)
    logits = fixed_point(flat).logits
    gap = tradeoff._gap(flat, logits)
    assert gap.shape == (20, 1)
    for few, all_of_them in zip(_speed(gap), _speed(1.0 - multipliers(flat, logits)), strict=True):
        assert few == pytest.approx(all_of_them, rel=1e-9)


def test_quantiles_leave_nan_out():
    values = np.array([[3.0, np.nan], [1.0, np.nan], [np.nan, np.nan], [2.0, np.inf]])
    low, middle, high = quantiles(values, (0.0, 0.5, 1.0))
    assert (low[0], middle[0], high[0]) == (1.0, 2.0, 3.0)
    assert low[1] == high[1] == np.inf
    assert np.isnan(quantiles([np.nan, np.nan], (0.5,))).all()
    rng = np.random.default_rng(0)
    x = rng.normal(size=11)
    assert quantiles(x, (0.25, 0.6)) == pytest.approx(np.quantile(x, [0.25, 0.6]))
