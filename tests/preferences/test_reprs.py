"""What preference data show of themselves: a few lines, however much there is."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import Comparisons, Matrices, synthetic_ratings
from alignsim.experiments import class_rates
from alignsim.preferences import order_lp, structure, violations

MANY = asim.preferences.random_strictly_strongly_transitive(4, size=300, rng=0)
RATINGS = synthetic_ratings(prompts=200, rng=0)
LEFT, RIGHT = np.array([(i, j) for i in range(40) for j in range(i)]).T
VOTES = Comparisons.from_names(
    [f"tea {i}" for i in LEFT], [f"tea {j}" for j in RIGHT], np.ones(len(LEFT), dtype=int)
)

SHOWN = {
    "Ratings of 200 prompts": RATINGS,
    "Comparisons of 40 responses": VOTES,
    "Matrices: 300 matrices of 4 responses": Matrices(MANY, names=tuple(map(str, range(300)))),
    "Matrices: one matrix of 4 responses": Matrices(MANY[0]),
    "MatrixStacks of 1 sizes": RATINGS.matrices(rng=0),
    "Structure of (300,) matrices": structure(MANY),
    "Structure of one matrix": structure(MANY[0]),
    "Violations by (300,) policies": violations(np.full((300, 4), 0.25), MANY),
    "OrderLP of (300,) matrices": order_lp(MANY),
    "ClassRates of 3 draws": class_rates(RATINGS, draws=3),
}


@pytest.mark.parametrize("title", SHOWN)
def test_a_repr_is_a_title_and_a_few_lines(title):
    text = repr(SHOWN[title])
    first, *lines = text.splitlines()
    assert first.startswith(title)
    assert len(lines) <= 10
    assert max(map(len, text.splitlines())) < 100
    assert "array(" not in text
