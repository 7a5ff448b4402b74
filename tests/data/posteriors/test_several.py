"""What votes on many prompts say together."""

from dataclasses import replace

import numpy as np
import pytest

from alignsim.data import Comparisons, prompt_posterior
from alignsim.data.posteriors import several
from alignsim.data.posteriors.sampling import Sampler
from alignsim.data.posteriors.stacks import chosen, components, information, placed, stacked
from tests.data.posteriors.boards import GOLDEN, counted, prompts


def stacks(votes):
    return stacked(votes, placed(votes))


@pytest.mark.parametrize(
    ("K", "votes", "needed"),
    [
        *[(4, 2, 170), (4, 3, 63), (4, 5, 23), (4, 10, 8)],
        *[(3, 2, 510), (3, 3, 188), (3, 5, 69), (3, 10, 24)],
    ],
)
def test_as_many_prompts_are_needed_as_the_page_says(K, votes, needed):
    """Rounded up, as the page rounds to ten where there are many."""
    one = information(stacks(prompts(1, K, votes, 0.0, 0.1, 0)), 1.0)
    assert np.ceil(25.0 / one) == pytest.approx(needed, rel=0.01)
    assert information(stacks(prompts(7, K, votes, 0.0, 0.1, 0)), 1.0) == pytest.approx(7 * one)


def test_too_few_votes_are_refused_with_the_number_that_would_do():
    few = prompt_posterior(prompts(10, 4, 3, 0.5, 0.5, 1))
    assert (
        few.undetermined
        == "too few votes for 10 prompts: about 63 prompts with as many votes each are needed"
    )
    assert few.P == ()
    one_pair = Comparisons.from_names(
        ["a"] * 90, ["b"] * 90, [1] * 90, prompts=[str(n) for n in range(90)]
    )
    assert prompt_posterior(one_pair).undetermined.startswith("no prompt has votes that close")


def test_a_pair_that_was_never_compared_adds_no_information():
    left, right = ["m0", "m1", "m2"] * 5 + ["m3"], ["m1", "m2", "m0"] * 5 + ["m0"]
    board = Comparisons.from_names(left, right, [1] * 16, prompts=["one"] * 16, by="prompt")
    (stack,) = stacks(board)
    assert sorted(stack.votes[0]) == [0, 0, 1, 5, 5, 5]
    each = (1 - 1 / 5) / (2 * (0.25 + 4 / 5) ** 2)
    assert information([stack], 1.0) == pytest.approx((4 - 4 + 1) / 4 * 3 * each)


def test_the_evidence_is_that_of_a_plain_average_over_the_prior():
    votes = prompts(3, 3, 6, 0.5, 0.8, 2)
    tau, scale = 0.7, 1.1
    found = Sampler(chosen(stacks(votes), 9)).evidence(np.array([tau]), np.array([scale]))
    draw = np.random.default_rng(0)
    (pairs,) = stacks(votes)
    r = draw.normal(0.0, scale, (400_000, 3))
    theta = pairs.gaps(r) + draw.normal(0.0, tau, (400_000, 3))
    total = 0.0
    for wins, cast in zip(pairs.wins, pairs.votes, strict=True):
        log = (wins * theta - cast * np.logaddexp(0.0, theta)).sum(axis=1)
        total += np.log(np.exp(log).mean())
    assert found[0, 0] == pytest.approx(total, abs=0.03)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_the_spreads_are_recovered(tau):
    found = prompt_posterior(prompts(100, 4, 20, tau, 0.8, 7))
    low, high = np.quantile(found.tau, [0.005, 0.995])
    assert low - 0.1 * (tau == 0.0) <= tau <= high
    assert high - low < 0.4
    r = np.random.default_rng(7).normal(0.0, 0.8, (100, 4))  # the strengths behind the votes
    low, high = np.quantile(found.scale, [0.005, 0.995])
    assert low < np.sqrt(r.var(axis=1, ddof=1).mean()) < high
    assert found.undetermined == ""
    assert (found.prompts, found.sampled) == (100, 100)


def test_many_votes_leave_the_shares():
    votes = prompts(12, 3, 10_000, 0.5, 0.8, 3)
    (P,) = prompt_posterior(votes, draws=20).P
    assert P.shape == (20, 12, 3, 3)
    assert np.ptp(P, axis=0).max() < 0.05
    truth = np.sort([part.matrix().ravel() for part in votes.split().values()], axis=1)
    assert np.abs(np.sort(np.sort(P.mean(axis=0).reshape(12, 9), axis=1), axis=0)
                  - np.sort(truth, axis=0)).max() < 0.02  # fmt: skip


def test_names_and_rows_of_prompts_do_not_change_a_bit():
    votes = prompts(40, 4, 6, 0.6, 0.5, 4)
    draw = np.random.default_rng(2)
    rows = draw.permutation(len(votes))
    new = draw.permutation(4)
    asked = draw.permutation(40)
    other = Comparisons(
        tuple("wxyz"), new[votes.right[rows]], new[votes.left[rows]], 1.0 - votes.share[rows],
        votes.count[rows], ("",), votes.judge[rows],
        tuple(f"q{n}" for n in range(40)), asked[votes.prompt[rows]],
    )  # fmt: skip
    first, second = (prompt_posterior(each, draws=5) for each in (votes, other))
    assert (first.P[0] == second.P[0]).all()
    assert (first.tau == second.tau).all()


def test_prompts_of_different_sizes_stand_side_by_side():
    three, four = prompts(15, 3, 40, 0.5, 0.5, 5), prompts(9, 4, 40, 0.5, 0.5, 6)
    both = replace(
        four,
        **{
            name: np.concatenate([getattr(three, name), getattr(four, name)])
            for name in ("left", "right", "share", "count", "judge")
        },
        prompt=np.concatenate([three.prompt, 15 + four.prompt]),
        prompts=tuple(f"p{n}" for n in range(24)),
    )
    found = prompt_posterior(both, draws=4)
    assert [part.shape for part in found.P] == [(4, 15, 3, 3), (4, 9, 4, 4)]


def test_of_many_prompts_a_sample_is_drawn(monkeypatch):
    monkeypatch.setattr(several, "WORK", 6 * 512 * 50)
    found = prompt_posterior(prompts(200, 4, 20, 0.5, 0.5, 8), draws=3)
    assert (found.prompts, found.sampled) == (200, 50)


def test_components_of_each_problem_are_counted():
    rows = [("a", "b", 1, 1), ("c", "d", 1, 1)]
    votes = counted(rows)
    apart = stacks(replace(votes, prompts=("p",), by="prompt"))
    assert components(apart[0]).tolist() == [2]
    assert components(stacks(replace(counted(GOLDEN), by="prompt"))[0]).tolist() == [1]


def test_judges_who_repeat_themselves_weigh_less():
    votes = prompts(30, 3, 12, 0.5, 0.5, 9)
    rows = np.repeat(np.arange(len(votes)), votes.count.astype(int))
    names = ([votes.labels[k] for k in side[rows]] for side in (votes.left, votes.right))
    asked = [votes.prompts[k] for k in votes.prompt[rows]]
    once = [f"j{n}" for n in range(len(rows))]
    apart = Comparisons.from_names(*names, votes.share[rows], judges=once, prompts=asked)
    three = replace(
        apart,
        judges=tuple(f"j{n}" for n in range(len(rows) // 3 + 1)),
        judge=np.arange(len(rows)) // 3,  # rows of a pair follow one another and are alike
    )
    assert prompt_posterior(apart, draws=2).overdispersion == pytest.approx(1.0, abs=0.15)
    assert prompt_posterior(three, draws=2).overdispersion > 1.8


def test_one_problem_is_refused():
    with pytest.raises(ValueError, match="votes are one problem; use posterior"):
        prompt_posterior(replace(counted(GOLDEN), by=""))
    with pytest.raises(ValueError, match=r"^votes is a str; give Comparisons"):
        prompt_posterior("votes")


def test_boards_of_ten_responses_are_drawn_where_their_votes_are():
    """20,000 votes a pair leave nothing open: P is the share of wins, τ the scatter behind them."""
    K, count = 10, 3
    draw = np.random.default_rng(5)
    i, j = np.triu_indices(K, 1)
    scatter = draw.normal(0.0, 0.6, (count, len(i)))
    strength = draw.normal(0.0, 0.8, (count, K))
    P = 1.0 / (1.0 + np.exp(strength[:, j] - strength[:, i] - scatter))
    votes = 20_000.0
    left, right = ([f"m{k}" for k in side] * (2 * count) for side in (i, j))
    votes_of = np.concatenate([(P * votes).ravel(), ((1.0 - P) * votes).ravel()])
    asked = [f"p{n}" for n in range(count) for _ in i] * 2
    board = Comparisons.from_names(
        left, right, [1.0] * P.size + [0.0] * P.size, count=votes_of, prompts=asked, by="prompt"
    )
    found = prompt_posterior(board)
    (drawn,) = found.P
    assert found.undetermined == ""
    assert drawn.shape == (120, count, K, K)
    assert drawn[:, :, j, i] == pytest.approx(1.0 - drawn[:, :, i, j])
    mean = drawn.mean(axis=0)  # responses stand in an order of their own, prompts in any
    both = np.sort(np.concatenate([P, 1.0 - P], axis=1), axis=1)
    seen = np.sort(np.concatenate([mean[:, i, j], mean[:, j, i]], axis=1), axis=1)
    nearest = np.abs(seen[:, None] - both).max(axis=2)
    assert sorted(nearest.argmin(axis=1)) == [0, 1, 2]
    assert nearest.min(axis=1) == pytest.approx(np.zeros(count), abs=0.005)
    low, high = np.quantile(found.tau, [0.005, 0.995])
    assert low < scatter.std() < high < 2.0 * low
