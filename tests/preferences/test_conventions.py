import numpy as np
import pytest

from alignsim.preferences import beta_from_rafailov


def test_beta_is_one_over_rafailovs():
    assert np.array_equal(beta_from_rafailov([[0.1, 0.5], [1.0, 4.0]]), [[10.0, 2.0], [1.0, 0.25]])


@pytest.mark.parametrize("bad", [[0.1, 0.0], [0.1, -1.0], [0.1, 1e-310], [0.1, np.inf]])
def test_beta_refusals_name_the_index(bad):
    with pytest.raises(ValueError, match=r"beta_rafailov\[1\] is .*must be"):
        beta_from_rafailov(bad)
