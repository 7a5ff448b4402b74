import numpy as np
import pytest

from alignsim.kernels import dpo_newton, lanes
from alignsim.kernels.dpo_newton import BEND, LANES, SIZE, SPREAD, TRUST, WORST
from alignsim.kernels.dpo_solve import TRUSTED
from tests import naive

MEASURED = (SIZE, BEND, WORST, SPREAD)


def instances(rng, K, *, p_min=1e-3):
    """One system a lane: preferences, samplers and scores near and far from the solution."""
    P = np.array([naive.extreme_preferences(rng, K, p_min=p_min) for _ in range(LANES)])
    mu = rng.dirichlet(np.full(K, 0.5), LANES)
    v = rng.normal(size=(LANES, K)) * rng.choice([0.01, 0.3, 3.0], size=(LANES, 1))
    return P, mu, v


def targets(P):
    """The targets of the pairs of K responses; systems of fewer than four come padded."""
    K = P.shape[-1]
    pairs = [(i, j) for i in range(max(K, 4)) for j in range(i + 1, max(K, 4))]
    aims = np.empty((len(pairs), LANES))
    dpo_newton.load_targets(P, np.arange(LANES) % len(P), 0, aims)
    return aims[[j < K for _, j in pairs]]


def rows_of(count):
    return lanes.block(count * LANES).reshape(count, LANES)


def workspace():
    w = lanes.block((dpo_newton.G23 // LANES + 1) * LANES)
    w[:] = 0.0
    w[TRUST : TRUST + LANES] = TRUSTED
    return w


def fill(w, offset, rows):
    """Write (rows, LANES) into the workspace from ``offset`` on."""
    w[offset : offset + rows.size] = rows.ravel()


def figures(w):
    return np.array([w[offset : offset + LANES] for offset in MEASURED])


def small_step(P, mu, v):
    """The step (LANES, 4) and the figures (4, LANES) of :func:`dpo_newton.step_small`."""
    w = workspace()
    fill(w, dpo_newton.V0, v.T)
    fill(w, dpo_newton.M0, mu.T)
    fill(w, dpo_newton.T01, targets(P))
    for first in range(0, LANES, dpo_newton.GROUP):
        dpo_newton.step_small(w[first:])
    return w[dpo_newton.D0 : dpo_newton.D0 + 4 * LANES].reshape(4, LANES).T, figures(w)


def general_step(P, mu, v):
    """The same of :func:`dpo_newton.step_general`, for any K."""
    K = v.shape[1]
    pairs = K * (K - 1) // 2
    w = workspace()
    score, sampler, step = (rows_of(K) for _ in range(3))
    score[:], sampler[:] = v.T, mu.T
    matrix = rows_of(K * K).reshape((K, K, LANES))
    scratch = [
        lanes.block((rows) * LANES).reshape(-1, LANES) for rows in (pairs, pairs, pairs, K, K)
    ]
    vectors = [rows_of(1)[0] for _ in range(3)]
    system = (matrix, *scratch, *vectors)
    dpo_newton.step_general(w, targets(P), sampler, score, step, system)
    return step.T, figures(w)


def pinned(step, mu):
    """A step moved by a constant, so that the response with the largest μ stays."""
    return np.float64(step - step[np.argmax(mu)])


def naive_newton(P, mu, v):
    return pinned(naive.dpo_correction(P, np.broadcast_to(mu, P.shape), v), mu)


def naive_bend(P, mu, v):
    """c = −½ A⁻¹F''[δ, δ], with the second derivative by differences in long double."""
    rows = np.broadcast_to(mu, P.shape)
    delta = np.asarray(naive_newton(P, mu, v), dtype=naive.Wide)
    h = 1e-4 / max(abs(delta))
    f, A = naive.dpo_rows(P, rows, v)
    ahead, behind = (naive.dpo_rows(P, rows, v + sign * h * delta)[0] for sign in (1, -1))
    curvature = (ahead - 2 * f + behind) / h**2
    others = np.arange(len(v)) != np.argmax(mu)
    bend = np.zeros(len(v), dtype=naive.Wide)
    bend[others] = naive.solve(A[np.ix_(others, others)], -curvature[others] / 2)
    return np.float64(bend)


@pytest.mark.parametrize("seed", range(3))
def test_the_small_and_the_general_step_agree(seed):
    P, mu, v = instances(np.random.default_rng(seed), 4)
    first, measured = small_step(P, mu, v)
    second, others = general_step(P, mu, v)
    size = np.abs(second).max(axis=1, keepdims=True)
    np.testing.assert_allclose(first / size, second / size, rtol=0, atol=1e-12)
    np.testing.assert_allclose(measured[0], others[0], rtol=1e-12)
    np.testing.assert_allclose(measured[1] / measured[0], others[1] / others[0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(measured[2:], others[2:], rtol=1e-13)


@naive.needs_extended
@pytest.mark.parametrize("K", [2, 3, 4, 5, 7])
def test_a_step_is_the_newton_step_bent_by_its_curvature_where_that_is_small(K):
    P, mu, v = instances(np.random.default_rng(K), K, p_min=0.05)
    step, (size, bend, worst, spread) = general_step(P, mu, v)
    for b in range(0, LANES, 4):
        rows = np.broadcast_to(mu[b], (K, K))
        newton, curve = naive_newton(P[b], mu[b], v[b]), naive_bend(P[b], mu[b], v[b])
        length = abs(newton).max()
        assert size[b] == pytest.approx(length, rel=1e-11, abs=0)
        assert bend[b] == pytest.approx(abs(curve).max(), rel=1e-5, abs=1e-9 * length)
        assert worst[b] == pytest.approx(float(max(abs(naive.dpo_rows(P[b], rows, v[b])[0]))))
        assert spread[b] == v[b].max() - v[b].min()
        used = newton + curve if abs(curve).max() <= TRUSTED * length else newton
        np.testing.assert_allclose(step[b], used, rtol=0, atol=1e-5 * length)


@pytest.mark.parametrize("step", [small_step, general_step])
def test_of_several_largest_shares_one_response_is_pinned(step):
    P, _, v = instances(np.random.default_rng(3), 4)
    for mu in ([0.25, 0.25, 0.25, 0.25], [0.1, 0.4, 0.1, 0.4], [0.4, 0.1, 0.4, 0.1]):
        moved = step(P, np.tile(mu, (LANES, 1)), v)[0]
        assert ((np.abs(moved) < 1e-20).sum(axis=1) == 1).all()


def test_a_bent_step_leaves_an_error_of_the_third_order():
    rng = np.random.default_rng(0)
    P, mu, _ = instances(rng, 4, p_min=0.1)
    solved = np.float64([naive.dpo_score(p, m) for p, m in zip(P, mu, strict=True)])
    direction = rng.normal(size=(LANES, 4))
    errors = []
    for distance in (0.02, 0.01):
        v = solved + distance * direction
        left = v + small_step(P, mu, v)[0] - solved
        errors.append(np.ptp(left, axis=1))
    order = np.log2(errors[0] / errors[1])
    assert np.median(order) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("step", [small_step, general_step])
def test_no_step_is_left_at_the_solution(step):
    P, mu, _ = instances(np.random.default_rng(1), 4)
    solved = np.float64([naive.dpo_score(p, m) for p, m in zip(P, mu, strict=True)])
    size = step(P, mu, solved)[1][0]
    assert (size <= 1e-13 * (1 + np.ptp(solved, axis=1))).all()


def test_targets_keep_the_digits_of_a_preference_near_one():
    P = np.full((1, 3, 3), 0.5)
    P[0, 0, 1], P[0, 1, 0] = 1.0, 1e-17
    P[0, 0, 2], P[0, 2, 0] = 1e-13, 1 - 1e-13
    assert targets(P)[:, 0].tolist() == [-1e-17, 1e-13, 0.5]


def test_a_preference_of_zero_keeps_its_side():
    P = np.full((1, 3, 3), 0.5)
    P[0, 0, 1], P[0, 1, 0] = 1.0, 0.0
    P[0, 0, 2], P[0, 2, 0] = 0.0, 1.0
    first, second, _ = targets(P)[:, 0]
    assert -1e-200 < first < 0 < second < 1e-200


@pytest.mark.parametrize("K", [2, 3])
def test_systems_of_fewer_than_four_are_padded_with_ties(K):
    P = np.array([naive.random_preferences(np.random.default_rng(0), K)])
    aims = np.empty((6, LANES))
    dpo_newton.load_targets(P, np.zeros(LANES, dtype=int), 0, aims)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for row, (i, j) in zip(aims, pairs, strict=True):
        expected = 0.5 if j >= K else P[0, i, j] if P[0, i, j] <= 0.5 else -P[0, j, i]
        assert (row == expected).all()
