import numpy as np
import pytest
from numba import njit

from alignsim.kernels import vectormath
from tests import naive

EXP_FLOOR = -708.0


@njit(fastmath={"contract"}, error_model="numpy")
def _apply(x, out, logarithm):
    """As the kernels compile the two functions: with contraction, in a loop."""
    for i in range(x.size):
        out[i] = vectormath.log(x[i]) if logarithm else vectormath.exp(x[i])


def exp(x):
    out = np.empty(len(x))
    _apply(np.float64(x), out, False)
    return out


def log(x):
    out = np.empty(len(x))
    _apply(np.float64(x), out, True)
    return out


def error_in_ulp(got, exact):
    return float((abs(got - exact) / np.spacing(abs(np.float64(exact)))).max())


@naive.needs_extended
@pytest.mark.parametrize(
    ("low", "high"),
    [(-708, 709), (-40, 0), (-1, 1), (-0.35, 0.35), (-1e-8, 1e-8), (-708, -700), (700, 709)],
)
def test_exp_is_within_an_ulp_or_so_of_the_truth(low, high):
    x = np.random.default_rng(0).uniform(low, high, 200_000)
    assert error_in_ulp(exp(x), np.exp(x.astype(naive.Wide))) < 1.2


@naive.needs_extended
def test_exp_is_accurate_around_the_seams_of_its_range_reduction():
    seams = (np.arange(-1021, 1022)[:, None] + 0.5) * np.log(2) + np.linspace(-1e-12, 1e-12, 21)
    x = seams[(seams > EXP_FLOOR) & (seams < 709)]
    assert error_in_ulp(exp(x), np.exp(x.astype(naive.Wide))) < 1.2


def test_exp_of_zero_is_exactly_one_and_tiny_arguments_round_to_one():
    assert exp([0.0, -0.0, 5e-324, -1e-320, 1e-17, -1e-17]).tolist() == [1.0] * 6
    assert exp([2.0**-52]).tolist() == [1 + 2.0**-52]


def test_exp_stays_at_its_floor_below_and_never_reaches_zero():
    below = exp([-708.0, np.nextafter(-708, -1000), -709.0, -745.2, -1e5, -1e300, -np.inf])
    assert (below == below[0]).all()
    assert below[0] == pytest.approx(np.exp(-708.0), rel=4e-16, abs=0)
    assert below[0] >= np.finfo(np.float64).tiny


@naive.needs_extended
@pytest.mark.parametrize(
    ("low", "high"), [(1, 1 + 1e-9), (1, 300), (0.70, 0.72), (1.41, 1.42), (0.5, 1), (1e-3, 1e3)]
)
def test_log_is_within_an_ulp_of_the_truth(low, high):
    x = np.random.default_rng(0).uniform(low, high, 200_000)
    assert error_in_ulp(log(x), np.log(x.astype(naive.Wide))) < 1.0


@naive.needs_extended
def test_log_is_within_an_ulp_over_all_normal_numbers():
    x = 2.0 ** np.random.default_rng(0).uniform(-1022, 1023.99, 200_000)
    x = np.concatenate([x, [np.finfo(np.float64).tiny, np.finfo(np.float64).max]])
    assert error_in_ulp(log(x), np.log(x.astype(naive.Wide))) < 1.0


@naive.needs_extended
def test_log_of_one_plus_a_few_ulps_has_no_cancellation():
    steps = np.arange(1, 2000)
    x = np.concatenate([1 + steps * 2.0**-52, 1 - steps * 2.0**-53])
    assert error_in_ulp(log(x), np.log(x.astype(naive.Wide))) < 1.0
    assert log([1.0]).tolist() == [0.0]


def test_log_of_small_counts_is_the_entropy_of_ties():
    counts = np.arange(1.0, 301.0)
    np.testing.assert_allclose(log(counts), np.log(counts), rtol=4e-16)


@njit(fastmath={"contract"}, error_model="numpy")
def _angles(y, x, out):
    for i in range(x.size):
        out[i] = vectormath.angle(y[i], x[i])


def test_angle_is_within_two_ulp_of_arctan2_in_all_quadrants_and_scales():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 200_000)) * 10.0 ** rng.uniform(-150, 150, (2, 200_000))
    x[:50_000], y[:50_000] = rng.normal(size=(2, 50_000))
    out = np.empty(len(x))
    _angles(y, x, out)
    assert error_in_ulp(out, np.arctan2(y, x)) <= 3


def test_angle_on_the_axes_and_at_the_origin():
    y = np.array([0.0, 1.0, 0.0, -1.0, 0.0, 1.0, -1.0])
    x = np.array([1.0, 0.0, -1.0, 0.0, 0.0, 1.0, -1.0])
    out = np.empty(7)
    _angles(y, x, out)
    np.testing.assert_allclose(out, np.arctan2(y, x), rtol=0, atol=5e-16)
