"""How an answer was obtained, in the words that every result uses."""

from __future__ import annotations

from alignsim.codes import Code


class Evidence(Code):
    """How an answer was obtained.

    ``analytic``: from a formula or an equation solved to rounding. ``certified``: a theorem's
    conditions were checked, up to rounding. ``iterated``: seen on a finite orbit. ``estimated``:
    from noisy data, with an interval that should cover the truth in 95 %.
    """

    NOTHING = "none"
    ANALYTIC = "analytic"
    CERTIFIED = "certified"
    ITERATED = "iterated"
    ESTIMATED = "estimated"
