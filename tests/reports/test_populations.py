"""Shares of populations, with the error of the sample that they come from."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import prompt_posterior
from alignsim.reports import populations
from alignsim.reports.populations import matrix_population, sampled_share, vote_population
from tests.data.posteriors.boards import prompts

LOOP = {"objective": "ipo", "alpha": 0.5, "lam": 1.0, "beta_max": 100.0}
OSCILLATES = "lose stability at some β ≤ 100"


def mixed(cycles, ranked):
    order = asim.preferences.bradley_terry([1.0, 0.5, 0.0])
    cycle = asim.preferences.cyclic(3, advantage=0.3)
    stack = np.stack([cycle] * cycles + [order] * ranked)
    return stack[np.random.default_rng(0).permutation(len(stack))]


def test_all_onsets_are_computed_where_they_can_be():
    rows = dict(matrix_population(mixed(30, 970), LOOP))
    assert rows[OSCILLATES] == "3 % (of all 1,000)"
    assert rows["… at β (quartiles)"] == "5, 5, 5"


def test_a_sample_carries_its_error(monkeypatch):
    monkeypatch.setattr(populations, "ONSET_WORK", 9 * 100)
    rows = dict(matrix_population(mixed(300, 700), LOOP))
    share, rest = rows[OSCILLATES].split(" % (", 1)
    low, _, high = rest.partition(" %")[0].split(" ")
    assert rest.endswith("from 100 of 1,000)")
    assert float(low) < 30.0 < float(high)
    width = 2 * 1.96 * np.sqrt(0.3 * 0.7 / 100) * 95
    assert float(high) - float(low) == pytest.approx(width, rel=0.2)
    assert float(share) != 0.0
    assert "(" in rows["… at β (quartiles)"]


def test_wilson_intervals_cover_what_they_should():
    draw = np.random.default_rng(1)
    hits = 0
    for count in draw.binomial(200, 0.05, 400):
        low, high = sampled_share(int(count), 200, 10**9).split("(")[1].split(" %")[0].split(" to ")
        hits += float(low) <= 5.0 <= float(high)
    assert 0.91 < hits / 400 < 0.99


def test_the_share_of_prompts_that_oscillate_is_found():
    """Sixty prompts with many votes: the share of the exact matrices lies in the interval."""
    votes = prompts(60, 3, 400, 1.0, 0.3, 5)
    onsets = [asim.analysis.critical_beta(part.matrix()) for part in votes.split().values()]
    truth = 100.0 * np.isfinite(onsets).mean()
    rows = dict(vote_population(votes, LOOP))
    bounds = rows[OSCILLATES].split("(")[1].split(" %")[0].split(" to ")
    assert float(bounds[0]) - 1.0 <= truth <= float(bounds[1]) + 1.0
    assert float(bounds[1]) - float(bounds[0]) < 25.0
    assert rows["prompts"] == "60"


def test_a_sample_of_prompts_widens_the_interval(monkeypatch):
    votes = prompts(60, 3, 400, 1.0, 0.3, 5)
    found = prompt_posterior(votes)
    count = np.full(len(found.tau), 15)
    draw = np.random.default_rng(0)
    assert populations._posterior_share(count, found, draw) == "25 % (25 to 25 %)"
    some = asim.data.PromptPosterior(**(vars(found) | {"prompts": 6000}))
    told = populations._posterior_share(count, some, draw)
    assert told.endswith("from 60 of 6,000 prompts)")
    assert "(25 to" not in told


def test_of_one_matrix_there_are_no_shares():
    rows = dict(matrix_population(asim.preferences.cyclic(3, advantage=0.3)[None], LOOP))
    assert rows["cyclic"] == rows["no Condorcet winner"] == "yes"
    assert rows["with ties"] == "no"
    assert not any("%" in text for text in rows.values())
