"""``alignsim advise``."""

import numpy as np
import pytest

import alignsim as asim
from tests.cli.commands import PNG


def test_advise_tells_the_trade_off(run, tmp_path):
    printed = run("advise", "--eta", 20, "--alpha", 0.5, "--alpha", 0.95)
    assert (tmp_path / "advice.png").read_bytes().startswith(PNG)
    for words in ("0.9231", "0.9608", "rate at α = 0.5", "rate at α = 0.95"):
        assert words in printed


def test_an_alpha_close_to_one_can_be_used(run):
    printed = run("advise", "--objective", "dpo", "--eta", 500, "--advantage", 0.5)
    told = dict(
        line.strip().split("  ", 1) for line in printed.split("\n") if line.strip().count("  ")
    )
    assert told["stable"].strip() == "for α above 0.999994"
    assert told["fastest α"].strip() == "0.999997"
    assert told["deviation kept a round"].strip() == "0.9999985"
    wanted = next(line for line in printed.split("\n") if line.strip().startswith("η = 500"))
    assert "> 1−6e-06 " in wanted
    assert " 1−3e-06 " in wanted


def test_advise_takes_as_many_matrices_of_a_population_as_are_allowed(run, tmp_path):
    P = np.broadcast_to(asim.preferences.cyclic(3, advantage=0.3), (501, 3, 3))
    np.save(tmp_path / "many.npy", P)
    assert "500 of 501 matrices with K = 3" in run("advise", "many.npy")


def test_advise_on_a_stack_and_on_one_of_it(run):
    np.save("stack.npy", np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.4)]))
    assert "2 matrices with K = 3" in run("advise", "stack.npy")
    assert "stack 1: MRS-IPO" in run("advise", "stack.npy", "--index", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alpha", "0.5", "--alpha", "2"], "alignsim: --alpha is 2; it must be in [0, 1]\n"),
        (["--eta", "-1"], "--eta is -1"),
        (
            ["ratings.csv", "--index", "99"],
            "--index is 99; ratings.csv holds 2 problems, coun",
        ),
        (["votes.csv", "--left", "one", "--right", "other", "--index", "9"], "holds one problem"),
        (["--recipe", "mean"], "--recipe is 'mean', but there is no FILE"),
        (["ratings.csv", "--responses", "3"], "--responses is 3, but the matrices are in"),
        (
            ["ratings.csv", "--recipe", "mean", "--seed", "1"],
            "--seed is 1, but the recipe 'mean' does not use it; leave it out",
        ),
    ],
)
@pytest.mark.usefixtures("ratings", "votes")
def test_advise_refuses(refuse, arguments, message):
    named = ["--winner", "won"] if "votes.csv" in arguments else []
    assert message in refuse("advise", *arguments, *named)


def _votes(path, rows, times=1):
    lines = [f"{left},{right},left" for left, right in rows] * times
    path.write_text("left,right,winner\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path.name


def _safe(printed):
    name = "stable with a probability of 95 %"
    line = next(line for line in printed.splitlines() if name in line)
    return float(line.split("α above")[1])


ROUND = (("a", "b"), ("b", "c"), ("c", "a"))


def test_the_more_votes_there_are_the_closer_the_safe_alpha_is_to_that_of_their_shares(
    run, tmp_path
):
    """Half as many votes go the other way: P = 2/3 around a cycle, and c = ηω with ω = 1/(3√3)."""
    rows = [*ROUND, *ROUND, *((right, left) for left, right in ROUND)]
    few, many = _votes(tmp_path / "few.csv", rows, 2), _votes(tmp_path / "many.csv", rows, 20_000)
    strength = 20.0 / (6.0 * np.sqrt(3.0))
    exact = (strength**2 - 1.0) / (strength**2 + 1.0)
    assert f"for α above {exact:.4g}" in run("advise", many, "--exact")
    assert _safe(run("advise", many)) == pytest.approx(exact, abs=0.01)
    assert _safe(run("advise", few)) > exact + 0.02


def test_advice_on_votes_does_not_depend_on_names_or_on_the_order_of_rows(run, tmp_path):
    names = dict(zip("abc", "zxy", strict=True))
    other = [(names[left], names[right]) for left, right in reversed(ROUND)]
    first = run("advise", _votes(tmp_path / "votes.csv", ROUND, 5))
    second = run("advise", _votes(tmp_path / "votes.csv", other, 5))
    assert first == second


def test_advice_on_too_few_votes_says_that_the_prior_decides(run, tmp_path):
    printed = run("advise", _votes(tmp_path / "votes.csv", ROUND))
    told = "These votes say nothing of cycles: no pair of responses has two votes. The prior"
    assert told in " ".join(printed.split())


def test_advice_names_what_no_comparison_connects(run, tmp_path):
    printed = run("advise", _votes(tmp_path / "votes.csv", [*ROUND, ("d", "e")], 5))
    told = "No comparison connects 'd', 'e' with the others: left out."
    assert told in " ".join(printed.split())


def test_advice_on_many_prompts_needs_votes_enough(refuse, run, tmp_path):
    lines = [f"p{p},{a},{b},left" for p in range(30) for a, b in ROUND for _ in range(6)]
    path = tmp_path / "prompts.csv"
    path.write_text("prompt,left,right,winner\n" + "\n".join(lines[:90]) + "\n")
    assert "too few votes for 5 prompts" in refuse("advise", path.name)
    assert "5 matrices with K = 3" in run("advise", path.name, "--exact")
    path.write_text("prompt,left,right,winner\n" + "\n".join(lines * 2) + "\n")
    printed = run("advise", path.name)
    assert "500 draws for 30 problems with K = 3" in printed
    assert "stable for 95 % of them" in printed
