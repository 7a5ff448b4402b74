import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs


def test_counts_and_sizes():
    matrices = asim.data.Matrices(prefs.random_skew(3, size=(2, 5), rng=0))
    assert len(matrices) == 10
    assert matrices.responses == 3
    assert len(asim.data.Matrices(np.full((4, 4), 0.5))) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": (("a", "b", "c"),)}, "labels has 1 entries for 2 matrices"),
        ({"labels": (("a", "b", "c"), ("a", "b"))}, r"labels\[1\] names 2 responses; P has 3"),
        ({"names": ("x",)}, "names has 1 entries for 2 matrices"),
    ],
)
def test_labels_must_fit(fields, message):
    with pytest.raises(ValueError, match=message):
        asim.data.Matrices(prefs.random_skew(3, size=2, rng=0), **fields)


def test_matrices_are_checked():
    with pytest.raises(ValueError, match="symmetrise"):
        asim.data.Matrices(np.array([[0.5, 0.5], [0.6, 0.5]]))


def test_stacks_are_a_mapping():
    stacks = asim.data.MatrixStacks(
        {2: asim.data.Matrices(np.full((1, 2, 2), 0.5))}, skipped=("p",)
    )
    assert dict(stacks) == {2: stacks[2]}
    assert len(stacks) == 1
