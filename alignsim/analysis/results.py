"""What the results of an analysis have in common: batches, codes with words, a short repr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.batching import Batched
from alignsim.codes import Words, words_of
from alignsim.errors import InputError, quote
from alignsim.summary import Summarised, in_words


class Result(Batched, Summarised):
    """An answer for a batch of maps; its repr says what was found in a few lines."""

    WORDS: ClassVar[Mapping[str, Words]] = {}
    """The meanings of every attribute that holds codes."""

    def _meanings(self, name: str) -> Mapping[int, str]:
        return words_of(self.WORDS[name]) if name in self.WORDS else {}

    def words(self, name: str) -> NDArray[np.str_]:
        """Return what the codes of an attribute mean, in words and in its shape.

        Parameters
        ----------
        name
            An attribute that holds codes: ``type(result).WORDS`` lists them. A place that has
            none, as beyond ``count``, gets an empty word.

        Raises
        ------
        ValueError
            If it holds none; names those that do.

        Examples
        --------
        >>> import alignsim as asim
        >>> P = asim.preferences.cyclic(3, advantage=0.5)
        >>> loop = asim.FeedbackMap(P, beta=[2.9, 3.1], alpha=0.5)
        >>> asim.stability(loop).words("verdict").tolist()
        ['stable', 'unstable']
        """
        if not self.WORDS:
            remedy = f"{type(self).__name__} has no codes"
            raise InputError("name", f"is {quote(name)}", remedy)
        meanings = self.WORDS[validation.choice(name, "name", self.WORDS)]
        return in_words(getattr(self, name), words_of(meanings))
