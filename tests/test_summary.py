"""Numbers and words in a line: few are listed, many are a range or a count."""

import numpy as np
import pytest

from alignsim.summary import LISTED, Summarised, holding, maps, numbers, span, tally


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


def test_words_are_counted_the_most_frequent_first():
    words = np.array([["a", "b"], ["b", ""]])
    assert tally(words) == "2 b, 1 a"
    assert tally(["a", "b", ""]) == "a, b"
    assert tally(np.array("a")) == "a"
    assert tally([]) == ""


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
