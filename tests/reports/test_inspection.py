"""What preference data hold: onsets with their intervals, and what cannot be known."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import Comparisons, Matrices, Ratings
from alignsim.errors import MissingPairsError
from alignsim.reports import inspect

GAME = ["rock", "paper", "scissors"]
CYCLE = asim.preferences.cyclic(3, advantage=0.3)


def votes(rounds=4):
    """Three of four comparisons go round: advantage ¼ for each over the next."""
    losers = ["scissors", "rock", "paper"]
    outcomes = [1] * 3 * (rounds - rounds // 4) + [0] * 3 * (rounds // 4)
    return Comparisons.from_names(GAME * rounds, losers * rounds, outcomes)


@pytest.mark.parametrize(("objective", "gain"), [("ipo", 1.0), ("dpo", 4.0)])
def test_the_onset_of_exact_shares_in_a_circle_is_the_closed_form(objective, gain):
    found = inspect(votes(), objective=objective, alpha=0.5, lam=0.8, exact=True)
    (matrix,) = found.matrices
    exact = np.sqrt(3.0 * (1.0 - 0.5**2)) / (gain * 0.25 * 0.8)
    assert matrix.onset_beta == pytest.approx(exact, rel=1e-6)
    assert matrix.cyclic
    assert matrix.condorcet_winner == ""
    assert matrix.smith_set == ("paper", "rock", "scissors")
    assert found.votes == ()


def test_each_prompt_with_exact_shares_has_its_own_onset():
    """The votes of cycles_by_prompt.csv: two perfect circles, the one against the other."""
    losers = ["scissors", "rock", "paper"]
    shares = [1] * 12 + [0] * 12
    asked = ["u1"] * 12 + ["u2"] * 12
    data = Comparisons.from_names(GAME * 8, losers * 8, shares, prompts=asked)
    found = inspect(data, exact=True).matrices
    assert [matrix.name for matrix in found] == ["u1", "u2"]
    assert [matrix.onset_beta for matrix in found] == pytest.approx([3.0, 3.0], rel=1e-9)
    told = inspect(data)
    assert [problem.name for problem in told.votes] == ["u1", "u2"]
    assert "too few votes for 2 prompts" in dict(told.population)["cycles and onsets"]


@pytest.mark.parametrize("prompts", [3, 20])
def test_a_prompt_with_a_pair_that_never_met_does_not_take_the_others_with_it(prompts):
    """All are listed up to twelve prompts, and counted above; the onset of the circle is 3."""
    losers = ["scissors", "rock", "paper"]
    asked = [f"u{n:02}" for n in range(prompts) for _ in GAME]
    kept = [n for n in range(len(asked)) if n != 5]  # the last pair of u01
    columns = [np.array(names * prompts)[kept].tolist() for names in (GAME, losers)]
    data = Comparisons.from_names(
        *columns, [1] * len(kept), prompts=np.array(asked)[kept].tolist(), by="prompt"
    )
    found = inspect(data, exact=True)
    told = f"1 of {prompts}: pairs without enough votes, first in u01"
    assert dict(found.facts)["incomplete, left out"] == told
    if prompts == 3:
        assert [matrix.name for matrix in found.matrices] == ["u00", "u02"]
        onsets = [matrix.onset_beta for matrix in found.matrices]
        assert onsets == pytest.approx([3.0, 3.0], rel=1e-9)
    else:
        assert dict(found.population)["matrices with K = 3"] == "19"
    with pytest.raises(MissingPairsError, match="'paper' and 'scissors'"):
        inspect(data.split()["u01"], exact=True)


def test_more_votes_narrow_the_interval_around_the_onset():
    exact = np.sqrt(3.0 * 0.75) / 0.25
    widths = []
    for rounds in (400, 40_000):
        found = inspect(votes(rounds)).votes[0].onset
        assert found.low <= exact <= found.high
        assert found.low <= found.median <= found.high
        widths.append(found.high - found.low)
    assert widths[1] < 0.2 * widths[0] < np.inf


def test_what_has_no_fixed_point_is_not_called_stable():
    found = inspect(votes(), alpha=1.0).votes[0].onset
    assert str(found) == "not known: no fixed point was found"
    assert np.isnan([found.low, found.high, found.median]).all()
    many = inspect(Matrices(np.stack([CYCLE] * 20), labels=(), names=()), alpha=1.0)
    assert dict(many.population)["… not known"] == "100 % (of all 20)"


def test_ratings_are_votes_that_share_their_prompts():
    """Two raters of two prompts who agree: the same in all, so one prompt tells nothing new."""
    scores = [[3.0, 3.0], [2.0, 2.0], [1.0, 1.0]]
    each = np.array(scores)[..., None]
    data = Ratings(("p", "q"), (("a", "b", "c"),) * 2, (("x", "y"),) * 2, ("t",), (each, each))
    (found,) = inspect(data).votes
    assert found.votes == 12
    assert found.winners[0][0] == "a"
    exact = inspect(data, exact=True)
    assert exact.votes == ()
    assert exact.matrices[0].condorcet_winner == "a"


def test_a_population_is_counted():
    order = asim.preferences.bradley_terry([1.0, 0.5, 0.0])
    stack = np.stack([CYCLE] * 15 + [order] * 5)
    rows = dict(inspect(Matrices(stack, labels=(), names=())).population)
    assert rows["lose stability at some β ≤ 100"] == "75 % (of all 20)"
    assert rows["cyclic"] == rows["no Condorcet winner"] == "75 %"
    assert "… not known" not in rows


@pytest.mark.parametrize("name", ["alpha", "lam", "beta_max"])
def test_one_number_is_asked_for(name):
    with pytest.raises(ValueError, match=rf"{name} has shape \(2,\); give one number"):
        inspect(votes(), **{name: [0.5, 0.6]})


@pytest.mark.parametrize(
    ("kind", "idle"),
    [
        *[("matrices", {name: 1}) for name in ("smoothing", "min_votes", "rng")],
        ("matrices", {"exact": True}),
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


@pytest.mark.parametrize("name", ["smoothing", "min_votes"])
def test_what_makes_a_matrix_of_votes_needs_them_to_be_exact(name):
    message = rf"^{name} is 2, but shares are not taken as exact, without exact=...; leave it out$"
    with pytest.raises(ValueError, match=message):
        inspect(votes(), **{name: 2})


def test_the_onset_is_that_of_the_method():
    """Schemes 4: soft updates at m = ½ lose stability at βω = 2/√3."""
    alone = Matrices(CYCLE[None], labels=(), names=())
    omega = float(asim.analysis.omega(CYCLE, np.zeros(3)))
    found = inspect(alone, method="soft_reference", mixup=0.5)
    assert found.matrices[0].onset_beta == pytest.approx(2 / np.sqrt(3) / omega, rel=1e-9)
    assert found.settings.parameters == {"mixup": 0.5}
    never = inspect(alone, method="soft_reference", mixup=0.7)
    assert never.matrices[0].onset_beta == 0.0
    assert inspect(alone).settings.parameters == {"alpha": 0.5}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "soft_reference"}, "mixup is missing"),
        ({"method": "egpo", "eta": 0.1}, "method is 'egpo', whose parameters determine β"),
        ({"mixup": 0.3}, "mixup is no parameter of 'mrs'"),
        ({"method": "extragradient", "kappa": [0.1, 0.2]}, r"kappa has shape \(2,\)"),
    ],
)
def test_bad_parameters_of_a_method(given, message):
    with pytest.raises(ValueError, match=message):
        inspect(votes(), **given)
