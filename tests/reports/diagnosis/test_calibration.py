"""Intervals and verdicts on simulated loops: a small part of ``benchmarks/diagnose.py``."""

import numpy as np
import pytest

from benchmarks.diagnose import cases, diagnosed, scalar


@pytest.mark.slow
def test_sampled_loops_are_covered_and_rightly_judged():
    outcomes = [diagnosed(case) for case in cases(40, 7, (False,))]
    assert np.mean([o.covered("rho", o.case.rho) for o in outcomes]) >= 0.88
    assert np.mean([o.covered("theta", o.case.theta) for o in outcomes]) >= 0.88
    decided = [o for o in outcomes if o.decided]
    assert len(decided) >= 0.3 * len(outcomes)
    assert sum(o.right for o in decided) >= 0.95 * len(decided)


@pytest.mark.slow
def test_exact_loops_of_ipo_to_six_digits():
    for case in cases(30, 8, (True,)):
        outcome = diagnosed(case)
        if case.loop.objective.name == "ipo":
            assert abs(float(outcome.found.rho) - case.rho) < 1e-6
            assert outcome.decided
        assert outcome.right or not outcome.decided


@pytest.mark.slow
def test_scalars_are_rightly_judged():
    outcomes = [scalar(case) for case in cases(120, 9, (False,))]
    decided = [o for o in outcomes if o.decided]
    assert len(decided) >= 24
    assert sum(o.right for o in decided) >= 0.88 * len(decided)
