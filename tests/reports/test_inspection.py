"""What preference data hold: onsets with their intervals, and what cannot be known."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import Comparisons, Matrices, Ratings
from alignsim.reports import inspect

GAP = np.nan
GAME = ["rock", "paper", "scissors"]
CYCLE = asim.preferences.cyclic(3, advantage=0.3)


def votes(rounds=4):
    """Three of four comparisons go round: advantage ¼ for each over the next."""
    losers = ["scissors", "rock", "paper"]
    outcomes = [1] * 3 * (rounds - rounds // 4) + [0] * 3 * (rounds // 4)
    return Comparisons.from_names(GAME * rounds, losers * rounds, outcomes)


def ratings(scores):
    """One prompt, three responses and raters, one attribute: scores (3 responses, 3 raters)."""
    return Ratings(
        ("p",), (("a", "b", "c"),), (("x", "y", "z"),), ("q",), (np.array(scores)[..., None],)
    )


@pytest.mark.parametrize(("objective", "gain"), [("ipo", 1.0), ("dpo", 4.0)])
def test_the_onset_of_votes_in_a_circle_is_the_closed_form(objective, gain):
    found = inspect(votes(), objective=objective, alpha=0.5, lam=0.8, resamples=0).matrices[0]
    exact = np.sqrt(3.0 * (1.0 - 0.5**2)) / (gain * 0.25 * 0.8)
    assert found.onset_beta == pytest.approx(exact, rel=1e-6)
    assert found.cyclic
    assert found.condorcet_winner == ""
    assert found.smith_set == ("paper", "rock", "scissors")
    assert np.isnan([found.onset_low, found.onset_high]).all()


def test_more_votes_narrow_the_interval_around_the_onset():
    widths = []
    for rounds in (40, 4000):
        found = inspect(votes(rounds), resamples=60).matrices[0]
        assert found.onset_low <= found.onset_beta <= found.onset_high
        widths.append(found.onset_high - found.onset_low)
    assert widths[1] < 0.3 * widths[0]


def test_resamples_that_leave_a_pair_without_votes_are_counted_and_left_out():
    data = ratings([[3.0, 2.0, GAP], [1.0, GAP, 4.0], [2.0, 5.0, 1.0]])
    found = inspect(data, resamples=50).matrices[0]
    assert "resamples leave a pair without votes" in found.onset_note
    assert not np.isnan(found.onset_low)
    with pytest.raises(asim.errors.MissingPairsError):
        data.resample(np.random.default_rng(1)).pooled()


@pytest.mark.parametrize(("count", "computed"), [(499, 499), (501, 500)])
def test_as_many_onsets_of_a_population_are_computed_as_are_allowed(count, computed):
    P = np.broadcast_to(CYCLE, (count, 3, 3))
    rows = dict(inspect(Matrices(P)).population)
    assert rows["lose stability at some β ≤ 100"] == f"100 % (of {computed} computed)"


def test_what_has_no_fixed_point_is_not_called_stable():
    found = inspect(votes(), alpha=1.0, resamples=20).matrices[0]
    assert found.onset_note == "not known in 100 % of resamples"
    assert np.isnan([found.onset_beta, found.onset_low, found.onset_high]).all()
    many = inspect(Matrices(np.stack([CYCLE] * 20), labels=(), names=()), alpha=1.0)
    assert dict(many.population)["… not known"] == "100 %"


def test_a_population_is_counted():
    order = asim.preferences.bradley_terry([1.0, 0.5, 0.0])
    stack = np.stack([CYCLE] * 15 + [order] * 5)
    rows = dict(inspect(Matrices(stack, labels=(), names=())).population)
    assert rows["cyclic"] == rows["no Condorcet winner"] == "75 %"
    assert rows["lose stability at some β ≤ 100"].startswith("75 %")
    assert "… not known" not in rows


@pytest.mark.parametrize("name", ["alpha", "lam", "beta_max"])
def test_one_number_is_asked_for(name):
    with pytest.raises(ValueError, match=rf"{name} has shape \(2,\); give one number"):
        inspect(votes(), **{name: [0.5, 0.6]})


@pytest.mark.parametrize(
    ("kind", "idle"),
    [
        *[("matrices", {name: 1}) for name in ("smoothing", "min_votes", "resamples", "rng")],
        *[("matrices", {name: 1}) for name in ("temperature", "subsets")],
        *[("votes", {"recipe": "mean"}), ("votes", {"rounding": "nearest"})],
        *[("votes", {name: 1}) for name in ("temperature", "subsets")],
    ],
)
def test_what_says_nothing_about_the_data_is_refused(kind, idle):
    data = votes() if kind == "votes" else Matrices(CYCLE[None])
    ((name, value),) = idle.items()
    message = f"{name} is {value!r}, but data holds {kind}; leave it out"
    with pytest.raises(ValueError, match=f"^{message}$"):
        inspect(data, **idle)
