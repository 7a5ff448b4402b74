import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import OBJECTIVES, Comparison, ProductPairs, WeightedPairs
from tests.oracles import golden

COMMON = {"reference": golden.REFERENCE, "beta": golden.BETA}
REFERENCE_LOGITS = np.log(golden.REFERENCE)


@pytest.mark.parametrize(
    ("optimum", "data", "expected"),
    [
        (asim.ipo_optimum, {"sampling": golden.SAMPLING}, golden.IPO),
        (asim.dpo_optimum, {"sampling": golden.SAMPLING}, golden.DPO),
        (asim.ipo_optimum, {"pair_weights": golden.PAIR_WEIGHTS}, golden.IPO_PAIRS),
        (asim.dpo_optimum, {"pair_weights": golden.PAIR_WEIGHTS}, golden.DPO_PAIRS),
    ],
)
def test_the_golden_optima_are_reached(optimum, data, expected):
    np.testing.assert_allclose(optimum(golden.P, **data, **COMMON), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("objective", "data", "scale", "expected"),
    [
        ("dpo", ProductPairs(golden.SAMPLING), 1.0, golden.DPO_SCORE),
        ("ipo", WeightedPairs(golden.PAIR_WEIGHTS), golden.BETA, golden.IPO_PAIRS_SCORE),
        ("dpo", WeightedPairs(golden.PAIR_WEIGHTS), 1.0, golden.DPO_PAIRS_SCORE),
    ],
)
def test_the_golden_scores_are_reached_in_their_gauge(objective, data, scale, expected):
    x = Comparison(golden.P, REFERENCE_LOGITS, np.array(golden.BETA), data)
    score, status = OBJECTIVES[objective].score(x)
    assert status == 0
    np.testing.assert_allclose(scale * score, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_rounds_of_the_feedback_map_reach_the_golden_orbit(objective):
    loop = asim.FeedbackMap(
        golden.P,
        objective=objective,
        beta=golden.LOOP_BETA[objective],
        reference=golden.REFERENCE,
        offline=golden.OFFLINE,
        **golden.LOOP,
    )
    policy = golden.REFERENCE
    for expected in golden.ORBIT[objective]:
        policy = loop.step(policy)
        np.testing.assert_allclose(policy, expected, rtol=0, atol=1e-12)
