"""Normal forms of maps whose coefficients are known from the literature."""

import numpy as np
import pytest

from alignsim.analysis.bifurcations.normal_form import (
    TaylorMap,
    flip_coefficient,
    fold_coefficient,
    inner,
    leading,
    neimark_sacker_coefficient,
    resonant,
)

RESONANT_ANGLE = {k: 2 * np.pi / k for k in (1, 2, 3, 4)}


def delayed_logistic(r):
    """(x, y) ↦ (rx(1 − y), x) about x = y = 1 − 1/r."""
    x = 1 - 1 / r
    A = np.array([[[r * (1 - x), -r * x], [1.0, 0.0]]])

    def B(u, v):
        bent = -r * (u[:, 0] * v[:, 1] + u[:, 1] * v[:, 0])
        return np.stack([bent, np.zeros_like(bent)], axis=-1)

    return TaylorMap(A, B, lambda u, v, w: np.zeros_like(u * v * w))


def logistic(r):
    """The map x ↦ rx(1 − x) about x = 1 − 1/r."""
    A = np.array([[[2.0 - r]]])
    return TaylorMap(A, lambda u, v: -2.0 * r * u * v, lambda u, v, w: np.zeros_like(u * v * w))


def planar(m, quadratic, cubic):
    """ζ ↦ mζ + Σ g_jk ζ^j ζ̄^k/(j!k!) in the plane (Re ζ, Im ζ), ‖q‖² = ½.

    ``quadratic`` is (g20, g11, g02), ``cubic`` (g30, g21, g12, g03).
    """
    A = np.array([[[m.real, -m.imag], [m.imag, m.real]]])

    def both(u):
        return u[:, 0] + 1j * u[:, 1], u[:, 0] - 1j * u[:, 1]

    def real(value, conjugate):
        return np.stack([(value + conjugate) / 2, (value - conjugate) / 2j], axis=-1)

    def form(coefficients, pairs):
        """Σ g_jk times the mean of all products of j first and k second entries of the pairs."""
        total = 0
        for choice in np.ndindex(*(2,) * len(pairs)):
            product = 1
            for pair, taken in zip(pairs, choice, strict=True):
                product = product * pair[taken]
            total = total + coefficients[sum(choice)] * product
        return total

    def multilinear(coefficients):
        def apply(*directions):
            pairs = [both(u) for u in directions]
            mirrored = [pair[::-1] for pair in pairs]
            return real(form(coefficients, pairs), form(np.conj(coefficients), mirrored))

        return apply

    return TaylorMap(A, multilinear(quadratic), multilinear(cubic))


def textbook(m, quadratic, cubic):
    """e^{−iθ}c₁ of a planar map with |m| = 1 (Kuznetsov, Elements, section 4.7)."""
    (g20, g11, g02), g21 = quadratic, cubic[1]
    c = (
        g20 * g11 * (np.conj(m) - 3 + 2 * m) / (2 * (m * m - m) * (np.conj(m) - 1))
        + abs(g11) ** 2 / (1 - np.conj(m))
        + abs(g02) ** 2 / (2 * (m * m - np.conj(m)))
        + g21 / 2
    )
    return c / m


def drawn(rng, n):
    return rng.normal(size=n) + 1j * rng.normal(size=n)


def test_the_vectors_are_those_of_the_multiplier():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(50, 5, 5))
    lead = leading(A, length=2.0)
    m, q, p = lead.multiplier, lead.right, lead.left
    assert np.abs(m) == pytest.approx(np.abs(np.linalg.eigvals(A)).max(axis=-1), rel=1e-12)
    assert (m.imag >= 0).all()
    assert 10 < (m.imag > 0).sum() < 45
    assert lead.simple.all()
    np.testing.assert_allclose((A @ q[..., None])[..., 0], m[:, None] * q, atol=1e-11)
    transposed = np.swapaxes(A, -1, -2)
    error = (transposed @ p[..., None])[..., 0] - np.conj(m)[:, None] * p
    assert np.abs(error).max() < 1e-11 * np.abs(p).max()
    np.testing.assert_allclose(inner(p, q), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(q, axis=-1), 2.0, rtol=1e-14)


def test_other_multipliers_may_be_defective():
    A = np.zeros((1, 5, 5))
    A[0, :2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    A[0, 2:, 2:] = 0.5 * np.eye(3) + np.eye(3, k=1)
    lead = leading(A)
    assert lead.multiplier[0] == pytest.approx(0.6 + 0.8j, abs=1e-14)
    assert lead.simple.all()
    assert np.abs(lead.left[0, 2:]).max() < 1e-13


def test_several_leading_multipliers_are_noticed():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    pair_and_pair = np.kron(np.eye(2), turn)
    pair_and_one = np.block([[turn, np.zeros((2, 2))], [np.zeros((2, 2)), np.diag([1.0, 0.1])]])
    both_signs = np.diag([1.0, -1.0, 0.5, 0.3])
    alone = np.diag([-1.0, 0.99, 0.5, 0.3])
    lead = leading(np.array([pair_and_pair, pair_and_one, both_signs, alone]))
    assert lead.simple.tolist() == [False, False, False, True]


def test_the_delayed_logistic_map():
    """Analysis C.7: at r = 2, θ = π/3 and Re d = −1 with ‖q‖ = 1."""
    series = delayed_logistic(2.0)
    lead = leading(series.A)
    assert np.angle(lead.multiplier[0]) == pytest.approx(np.pi / 3, abs=1e-14)
    d = neimark_sacker_coefficient(series, lead)
    assert d.value[0].real == pytest.approx(-1.0, abs=1e-14)
    longer = neimark_sacker_coefficient(series, leading(series.A, length=3.0))
    assert longer.value[0] == pytest.approx(9.0 * d.value[0], rel=1e-14)
    assert not d.degenerate[0]
    assert not resonant(series, lead)[0]


def test_the_circle_of_the_delayed_logistic_map_has_the_predicted_radius():
    """mean |⟨p, x − x*⟩|² ≈ −(|m| − 1)/Re d, within the next order in r − 2."""
    r = 2.001
    series = delayed_logistic(r)
    lead = leading(series.A)
    d = neimark_sacker_coefficient(series, lead).value[0]
    fixed = 1 - 1 / r
    x, y = fixed + 0.03, fixed
    powers = []
    for t in range(30_000):
        x, y = r * x * (1 - y), x
        if t >= 20_000:
            z = inner(lead.left, np.array([[x - fixed, y - fixed]]))[0]
            powers.append(abs(z) ** 2)
    predicted = -(abs(lead.multiplier[0]) - 1) / d.real
    assert predicted == pytest.approx(5e-4, rel=2e-3)
    assert np.mean(powers) == pytest.approx(predicted, rel=4e-3)


def test_planar_maps_have_the_coefficient_of_the_textbook():
    rng = np.random.default_rng(1)
    for _ in range(50):
        m = np.exp(1j * rng.uniform(0.1, 3.0))
        quadratic, cubic = drawn(rng, 3), drawn(rng, 4)
        series = planar(m, quadratic, cubic)
        lead = leading(series.A, length=np.sqrt(0.5))
        d = neimark_sacker_coefficient(series, lead)
        assert d.value[0] == pytest.approx(textbook(m, quadratic, cubic), rel=1e-10)


def test_coordinates_change_the_coefficient_by_the_length_of_q_only():
    rng = np.random.default_rng(2)
    m = np.exp(1.3j)
    plain = planar(m, drawn(rng, 3), drawn(rng, 4))
    S = rng.normal(size=(2, 2))
    R = np.linalg.inv(S)
    skewed = TaylorMap(
        S @ plain.A @ R,
        lambda u, v: plain.B(u @ R.T, v @ R.T) @ S.T,
        lambda u, v, w: plain.C(u @ R.T, v @ R.T, w @ R.T) @ S.T,
    )
    straight, bent = leading(plain.A), leading(skewed.A)
    ratio = np.linalg.norm(straight.right @ S.T) ** 2
    d = neimark_sacker_coefficient(plain, straight).value[0]
    assert neimark_sacker_coefficient(skewed, bent).value[0] == pytest.approx(d / ratio, rel=1e-10)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("offset", [0.0, 1e-4, -1e-4])
def test_strong_resonances_are_refused(k, offset):
    rng = np.random.default_rng(3)
    m = np.exp(1j * (RESONANT_ANGLE[k] + offset + (1e-5 if k < 3 else 0.0)))
    if m.imag < 0:
        m = np.conj(m)
    quadratic, cubic = drawn(rng, 3), drawn(rng, 4)
    series = planar(m, quadratic, cubic)
    assert resonant(series, leading(series.A))[0]


@pytest.mark.parametrize("angle", [0.3, 1.0, np.pi / 2 - 0.01, 2 * np.pi / 5, 2 * np.pi / 3 + 0.01])
def test_weak_resonances_are_not(angle):
    rng = np.random.default_rng(4)
    series = planar(np.exp(1j * angle), drawn(rng, 3), drawn(rng, 4))
    assert not resonant(series, leading(series.A))[0]


def test_a_resonance_without_its_term_does_no_harm():
    rng = np.random.default_rng(5)
    (g20, g11, g02), (g30, g21, g12, g03) = drawn(rng, 3), drawn(rng, 4)
    third = planar(np.exp(2j * np.pi / 3), np.array([g20, g11, 0]), (g30, g21, g12, g03))
    assert not resonant(third, leading(third.A))[0]
    fourth = planar(1j, np.zeros(3), np.array([g30, g21, g12, 0]))
    assert not resonant(fourth, leading(fourth.A))[0]
    plain = planar(1j, np.zeros(3), np.array([g30, g21, g12, g03]))
    assert resonant(plain, leading(plain.A))[0]
    silent = planar(1j, np.array([g20, g11, g02]), np.array([g30, g21, g12, 0]))
    assert resonant(silent, leading(silent.A))[0]  # the quadratic terms make a ζ̄³ of their own


def test_the_logistic_map_flips_at_three_and_folds_at_one():
    flip = logistic(3.0)
    lead = leading(flip.A)
    assert lead.multiplier[0] == pytest.approx(-1.0)
    assert flip_coefficient(flip, lead).value[0] == pytest.approx(9.0, rel=1e-14)
    fold = logistic(1.0)
    assert fold_coefficient(fold, leading(fold.A)).value[0] == pytest.approx(1.0, rel=1e-14)


def test_a_linear_map_is_degenerate():
    series = planar(np.exp(1j), np.zeros(3), np.zeros(4))
    lead = leading(series.A)
    assert neimark_sacker_coefficient(series, lead).degenerate[0]
    assert flip_coefficient(series, lead).degenerate[0]
    assert fold_coefficient(series, lead).degenerate[0]
