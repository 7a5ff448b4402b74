"""Where randomness comes in: one argument, ``rng``, everywhere."""

from __future__ import annotations

import numpy as np

from alignsim.errors import InputError, quote

Seed = None | int | np.random.Generator
"""What ``rng`` may be: None (fresh entropy), a seed, or a generator to draw from."""


def generator(rng: Seed) -> np.random.Generator:
    """Return the generator that ``rng`` stands for.

    >>> bool(generator(7).random() == generator(7).random())
    True
    """
    try:
        return np.random.default_rng(rng)
    except Exception:  # whatever an object raises that is asked for numbers
        remedy = "give None, a whole number >= 0 or a numpy.random.Generator"
        raise InputError("rng", f"is {quote(rng)}", remedy) from None
