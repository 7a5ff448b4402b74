"""Numbers and words in a line: few are listed, many are a range or a count."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.claims import CLAIMS
from alignsim.claims.verification import ClaimResult, Report
from alignsim.summary import (
    LISTED,
    Summarised,
    holding,
    in_words,
    maps,
    number,
    numbers,
    probability,
    settled,
    span,
    tally,
)


def test_few_numbers_are_listed_in_order_and_many_give_their_range():
    assert numbers([3.0, 1.0, 2.0]) == "3, 1, 2"
    assert numbers(np.arange(LISTED + 1)) == f"0 to {LISTED}"
    assert numbers(np.full((2, 3), 0.25)) == "0.25"
    assert numbers(1 / 3) == "0.3333"
    assert numbers(12345) == "12,345"


def test_missing_numbers_are_left_out_and_counted():
    assert numbers([np.nan, 2.0, np.nan, 1.0]) == "2, 1 (2 of 4)"
    assert numbers([np.nan, np.nan]) == numbers(np.nan) == numbers([]) == ""
    assert numbers([np.inf, 1.0]) == "inf, 1"


def test_a_span_is_one_number_where_there_is_one_to_four_digits():
    assert span([1.0, 1.00001]) == "1"
    assert span([0.0, 1e-12]) == "0 to 1e-12"
    assert span([]) == ""


def test_what_is_nothing_but_rounding_is_0():
    assert settled([7.5e-52, -2e-16, np.nan, 0.5, np.inf, -3.0]).tolist() == pytest.approx(
        [0.0, 0.0, np.nan, 0.5, np.inf, -3.0], abs=0.0, nan_ok=True
    )
    assert numbers([7.5e-52, 0.25]) == "0, 0.25"
    assert numbers(np.array([1e-300, 2e-16, 0.0, 0.5])) == "0 to 0.5"
    assert numbers([0, 3]) == "0, 3"  # counts stay integers
    assert number(-4e-16) == "0"
    assert number(2e-13, 3) == "2e-13"
    assert span([1e-20]) == "1e-20"  # a parameter that was given


def test_a_probability_is_0_only_if_it_is():
    assert probability(0.0) == "0"
    assert probability(3e-45) == "below 1e-14"
    assert probability(1e-13, 3) == "1e-13"
    assert probability(np.float64(1 / 3), 3) == "0.333"


def test_words_are_counted_the_most_frequent_first():
    words = np.array([["a", "b"], ["b", ""]])
    assert tally(words) == "2 b, 1 a"
    assert tally(["a", "b", ""]) == "a, b"
    assert tally(np.array("a")) == "a"
    assert tally([]) == ""


def test_codes_without_a_meaning_have_an_empty_word():
    codes = np.array([[0, 3], [-1, 0]], dtype=np.int8)
    words = in_words(codes, {0: "ok", 3: "no_optimum"})
    assert words.tolist() == [["ok", "no optimum"], ["", "ok"]]
    assert in_words(codes[:0], {}).shape == (0, 2)
    assert in_words(codes[0, 1], {3: "three"}).shape == ()


@pytest.mark.parametrize(("mask", "text"), [(True, "yes"), ([False], "no"), ([1, 0, 1], "2 of 3")])
def test_what_holds_is_counted(mask, text):
    assert holding(mask) == text


def test_a_repr_leaves_out_lines_that_say_nothing_and_aligns_the_others():
    class Weather(Summarised):
        status = np.zeros((2, 1))

        def _summary(self):
            yield "sun", "yes"
            yield "rain", ""
            yield "temperature", "20"

    assert repr(Weather()) == "Weather of (2, 1) maps\n  sun          yes\n  temperature  20"
    assert maps(()) == "one map"


def test_a_map_shows_its_parameters():
    P = asim.preferences.cyclic(3, advantage=0.3)
    one = asim.FeedbackMap(P, objective="dpo", beta=4.0, alpha=0.6)
    assert repr(one) == "FeedbackMap('dpo', one map, K=3, beta=4, alpha=0.6, lam=1)"
    many = one.replace(beta=[[1.0], [2.0]], lam=[0.25, 0.5, 1.0])
    expected = "FeedbackMap('dpo', (2, 3) maps, K=3, beta=1 to 2, alpha=0.6, lam=0.25 to 1)"
    assert repr(many) == expected


def test_a_run_shows_where_it_ended():
    P = asim.preferences.cyclic(3, advantage=0.3)
    orbit = asim.FeedbackMap(P, beta=1.0, alpha=0.5).run([0.5, 0.3, 0.2], rounds=1000, keep=100)
    lines = [
        "Trajectory of one map", "  objective       ipo", "  scheme          mrs",
        "  rounds          1,000, 11 frames kept", "  final entropy   1.099",
        f"  cycle strength  {orbit.cycle_strength:.4g}", "  status          ok",
    ]  # fmt: skip
    assert repr(orbit).splitlines() == lines
    drawn = asim.FeedbackMap(P, beta=1.0, alpha=0.5, sampler="mixture").run(rounds=3)
    assert "  sampler         mixture" in repr(drawn).splitlines()


def test_runs_that_failed_are_counted():
    loop = asim.FeedbackMap([[0.5, 1.0], [0.0, 0.5]], objective="dpo", beta=1.0)
    batch = asim.FeedbackMap([[[0.5, 1], [0, 0.5]], [[0.5, 0.6], [0.4, 0.5]]], objective="dpo",
                             beta=[1.0, 2.0])  # fmt: skip
    assert "  status     no optimum" in repr(loop.run(rounds=5))
    text = repr(batch.run(rounds=5))
    assert "status          no optimum, ok" in text
    assert "(1 of 2)" in text


def test_a_report_counts_the_claims_and_names_those_that_did_not_pass():
    instance = {"P": np.zeros((3, 3))}
    results = tuple(
        ClaimResult(name, "s", "paper", "1", status, 10, 0, -1.0, instance, 0.1)
        for name, status in (
            ("a", "passed"), ("b", "failed"), ("c", "passed"), ("d", "failed"), ("e", "error")
        )
    )  # fmt: skip
    text = repr(Report(results, 10, 7))
    assert text.splitlines() == [
        "Report of a verification", "  claims  2 passed, 2 failed, 1 error", "  failed  b, d",
        "  error   e", "  trials  10", "  seed    7",
    ]  # fmt: skip
    assert "worst_instance" not in repr(results[0])
    assert len(repr(asim.verify(trials=1, claims=CLAIMS[:2])).splitlines()) == 4
