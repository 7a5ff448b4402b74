"""Fixed points and ω in kernels: against long double, SVD and each other, far into collapse."""

import numpy as np
import pytest

from alignsim.kernels import equilibrium, equilibrium_lanes, lanes, rotation
from alignsim.kernels.equilibrium import ACCEPTED
from alignsim.kernels.equilibrium_lanes import LANES
from alignsim.kernels.rotation import GENERAL, SKEW, ZERO_SUM
from tests.feedback.systems import policy, preferences
from tests.naive import Wide, needs_extended


class Systems:
    """n maps at α = 0 and β = η, in the arrays of the kernels."""

    def __init__(self, K, n, eta, *, seed=0, lam=None, margin=0.02):
        rng = np.random.default_rng(seed)
        self.P = np.array([preferences(rng, K, margin) for _ in range(n)])
        self.which = np.arange(n)
        self.eta = eta[0] * (eta[1] / eta[0]) ** rng.uniform(size=n)
        lam = rng.choice([0.0, 0.4, 1.0], n) if lam is None else np.full(n, lam)
        reference = np.log([policy(rng, K) for _ in range(n)])
        self.reference = reference - reference.mean(axis=1, keepdims=True)
        offline = np.array([policy(rng, K) for _ in range(n)])
        self.pull = self.eta * lam
        self.drift = np.empty((n, K))
        mixture = np.stack([np.zeros(n), self.eta, lam], axis=-1)
        lanes.drifts(self.P, self.which, mixture, self.reference, offline, self.drift)

    def small(self, first=0, last=None, start=None):
        own = slice(first, last)
        state = (self.reference if start is None else start)[own].copy()
        residual = np.empty(len(state))
        literal = (0,) * state.shape[1]
        equilibrium_lanes.solve(
            literal, self.P, self.which[own], self.pull[own], self.drift[own], state, residual
        )
        return state, residual

    def general(self, start=None):
        state = (self.reference if start is None else start).copy()
        residual = np.empty(len(state))
        equilibrium.solve(
            self.P, self.which, self.pull, self.reference, self.drift, state, residual
        )
        return state, residual

    def wide_residual(self, state):
        """max|R|/(1 + max|z|) in long double."""
        z = state.astype(Wide)
        weights = np.exp(z - z.max(axis=1, keepdims=True))
        pi = weights / weights.sum(axis=1, keepdims=True)
        score = ((self.P.astype(Wide) - 0.5) @ pi[:, :, None])[:, :, 0]
        R = self.drift + self.pull[:, None] * score - z
        R = R - R.mean(axis=1, keepdims=True)
        return np.float64(np.abs(R).max(axis=1) / (1 + np.abs(z).max(axis=1)))


def rotation_of(P, logits):
    omega = np.empty(len(logits))
    code = lanes.code_for(P.shape[-1], rotation.SMALL)
    rotation.rotations(*code, P, np.arange(len(P)), logits, omega)
    return omega


def slow_rotation(P, logits):
    """‖J^½ M J^½‖₂ by SVD of triangle sums, long double: q_i q_j Σ π_k (M_ij+M_jk+M_ki)."""
    M = P.astype(Wide) - Wide(0.5)
    q = np.exp((logits.astype(Wide) - logits.max()) / 2)
    q /= np.sqrt((q * q).sum())
    curl = M[:, :, None] + M[None, :, :] + M.T[:, None, :]
    curl[np.abs(curl) < 1e-15] = 0
    S = q[:, None] * q[None, :] * (curl * (q * q)).sum(axis=2)
    scale = np.abs(S).max()
    return float(scale) * np.linalg.norm(np.float64(S / scale), 2) if scale > 0 else 0.0


@pytest.mark.parametrize("eta", [(0.1, 30.0), (30.0, 1e3), (1e3, 1e6)])
@pytest.mark.parametrize("K", [2, 3, 4, 5, 9, 16])
def test_every_fixed_point_is_found_to_the_rounding_of_its_terms(K, eta):
    systems = Systems(K, 150, eta)
    state, residual = systems.general()
    assert (residual <= ACCEPTED).all()
    assert np.abs(state.mean(axis=1)).max() <= 1e-12 * (1 + np.abs(state).max())
    # z has the rounding eps·|z|, which π multiplies by c
    floor = 1e-16 * (4 + systems.pull * (1 + np.abs(state).max(axis=1)))
    assert (systems.wide_residual(state) <= 1e-15 + 20 * floor).all()
    assert np.abs(systems.wide_residual(state) - residual).max() <= 1e-9


@pytest.mark.parametrize("K", [2, 3, 4])
def test_the_lanes_agree_with_the_general_solver(K):
    systems = Systems(K, 300, (0.1, 100.0))
    state, residual = systems.small()
    other, _ = systems.general()
    done = residual <= ACCEPTED
    assert done.mean() > 0.98
    assert np.abs(state - other)[done].max() <= 1e-12 * (1 + np.abs(other).max())
    assert (systems.wide_residual(state)[done] <= 1e-13).all()


def test_a_lane_that_fails_says_so_and_leaves_the_others_alone():
    systems = Systems(4, 3 * LANES, (0.5, 5.0))
    expected, _ = systems.small()
    systems.pull[5], systems.drift[5] = 1e5, 1e5 * systems.drift[5]
    state, residual = systems.small()
    assert residual[5] > ACCEPTED
    others = np.arange(len(state)) != 5
    assert np.array_equal(state[others], expected[others])
    assert (residual[others] <= 1e-14).all()


@pytest.mark.parametrize("K", [2, 3, 4])
def test_the_bits_do_not_depend_on_the_batch(K):
    systems = Systems(K, LANES + 7, (0.5, 50.0))
    state, residual = systems.small()
    for first, last in ((0, 1), (3, 11), (LANES - 1, LANES + 7)):
        part, left = systems.small(first, last)
        assert np.array_equal(part, state[first:last])
        assert np.array_equal(left, residual[first:last])


def test_the_start_does_not_matter_and_may_be_missing():
    systems = Systems(5, 60, (1.0, 1e3))
    expected, _ = systems.general()
    rng = np.random.default_rng(1)
    far = 5 * rng.normal(size=(60, 5))
    for start in (np.full((60, 5), np.nan), far - far.mean(axis=1, keepdims=True)):
        state, residual = systems.general(start)
        assert (residual <= ACCEPTED).all()
        assert np.abs(state - expected).max() <= 1e-9


def test_payoffs_of_any_kind_have_fixed_points_too():
    """P = I, K = 3, η = 5: one start for each of the three coordinated ones, and uniform."""
    n = 4
    P, zero = np.eye(3)[None], np.zeros((n, 3))
    state = np.vstack([4 * np.eye(3) - 4 / 3, np.zeros(3)])
    residual = np.empty(n)
    equilibrium.solve(P, np.zeros(n, np.intp), np.full(n, 5.0), zero, zero, state, residual)
    assert (residual <= 1e-15).all()
    assert (state[:3].argmax(axis=1) == [0, 1, 2]).all()
    assert np.abs(state[3]).max() == 0
    top = state[0, 0] - state[0, 1]  # gap = η(p − q) with p = 1/(1 + 2e^−gap)
    assert top == pytest.approx(5 * np.expm1(top) / (np.exp(top) + 2), rel=1e-13)


@needs_extended
@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 300.0, 1000.0])
@pytest.mark.parametrize("K", [3, 4, 5, 6, 11, 20])
def test_omega_keeps_its_digits_however_far_the_policy_has_collapsed(K, spread):
    rng = np.random.default_rng(K)
    n = 40
    P = np.array([preferences(rng, K, 0.0) for _ in range(n)])
    logits = -spread * rng.uniform(size=(n, K))
    expected = [slow_rotation(P[i], logits[i]) for i in range(n)]
    normal = np.array(expected) > 1e-290
    found = rotation_of(P, logits)
    assert normal.sum() > n // 3
    # the entries of P − ½ are known to 1e-16, and so is their curl
    assert found[normal] == pytest.approx(np.array(expected)[normal], rel=2e-13)


@pytest.mark.parametrize("K", [2, 3, 4, 5, 8])
def test_omega_is_zero_for_two_responses_and_rounding_for_additive_preferences(K):
    rng = np.random.default_rng(K)
    r = rng.uniform(0.0, 0.5, K)
    P = 0.5 + (r[:, None] - r[None, :])[None] / 2
    assert rotation_of(P, rng.normal(size=(1, K)))[0] <= (0.0 if K == 2 else 1e-16)


@pytest.mark.parametrize("K", [5, 6, 9, 12])
def test_omega_survives_double_and_split_values(K):
    """Circulants have pairs of equal ω; block matrices reduce to a split tridiagonal form."""
    from alignsim.preferences import cyclic, nearest_neighbour_cycle

    for P in (nearest_neighbour_cycle(K, advantage=0.5), cyclic(K | 1, advantage=0.5)):
        size = len(P)
        expected = np.linalg.norm(P - 0.5, 2) / size
        assert rotation_of(P[None], np.zeros((1, size)))[0] == pytest.approx(expected, rel=1e-14)
    P = np.full((6, 6), 0.5)
    P[:3, :3] = P[3:, 3:] = cyclic(3, advantage=0.4)
    expected = slow_rotation(P, np.zeros(6))
    assert rotation_of(P[None], np.zeros((1, 6)))[0] == pytest.approx(expected, rel=1e-13)


def test_matrices_are_told_apart():
    rng = np.random.default_rng(0)
    P = preferences(rng, 5)
    shifted = P + rng.normal(size=5)[None, :] + 3 * rng.normal(size=5)[:, None]
    table = np.array([P, shifted, 7 * P, P + P.T, np.eye(5), shifted + np.eye(5)])
    kinds = np.empty(len(table), dtype=np.int8)
    rotation.classify(table, kinds)
    # P + Pᵀ = 1 is constant, and skew after that
    assert kinds.tolist() == [SKEW, ZERO_SUM, ZERO_SUM, ZERO_SUM, GENERAL, GENERAL]
