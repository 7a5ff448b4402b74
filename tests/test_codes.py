"""Codes are numbered in order and know their words."""

import numpy as np

from alignsim.analysis.equilibria.stability import Verdict
from alignsim.codes import Code, words_of


def test_numbers_follow_the_order_and_words_are_kept():
    class Colour(Code):
        """A colour."""

        RED = "red"
        DARK_BLUE = "dark_blue"

    assert [int(each) for each in Colour] == [0, 1]
    assert words_of(Colour) == {0: "red", 1: "dark_blue"} == words_of(Colour.words())
    assert Colour(1) is Colour.DARK_BLUE
    codes = np.where([True, False], Colour.RED, Colour.DARK_BLUE).astype(np.int8)
    assert (codes == Colour.DARK_BLUE).tolist() == [False, True]


def test_every_word_of_a_verdict_can_be_read():
    assert all(word and word == word.lower() for word in Verdict.words().values())
