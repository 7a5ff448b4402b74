"""Training in lanes: the obvious twin to rounding, and the same bits wherever a problem stands."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback import engines
from tests import naive
from tests.kernels.test_independence import assert_same_bits, bits

OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])
PAIRS = pytest.mark.parametrize("kind", ["sampling", "pair_weights"])
STEPS = 25
RATES = {"ipo": 0.2, "dpo": 1.0}


def problems(rng, K, n, kind):
    """Keyword arguments of n problems, some preferences next to 0 and 1."""
    half = rng.uniform(size=(n, K, K))
    weights = half + half.swapaxes(-1, -2)
    return {
        "P": np.array([naive.extreme_preferences(rng, K, p_min=1e-12) for _ in range(n)]),
        kind: rng.dirichlet(np.ones(K), n) if kind == "sampling" else weights,
        "reference": rng.dirichlet(np.ones(K), n),
        "beta": rng.uniform(0.3, 3, n),
        "start": rng.dirichlet(np.ones(K), n),
    }


def rows(given, index):
    return {name: values[index] for name, values in given.items()}


def trained(objective, given, **options):
    return asim.train(objective, **given, rate=RATES[objective], steps=STEPS, **options)


def unordered(given, index):
    """The weights of the pairs of one problem, as they are documented."""
    if "sampling" in given:
        mu = given["sampling"][index]
        return 2 * np.outer(mu, mu)
    w = given["pair_weights"][index] * (1 - np.eye(len(given["P"][index])))
    return (w + w.T) / np.triu(w + w.T).sum()


@OBJECTIVES
@PAIRS
@pytest.mark.parametrize("K", [2, 3, 4, 5, 6, 9])
def test_the_kernel_is_its_naive_twin_to_rounding(objective, kind, K):
    given = problems(np.random.default_rng(K), K, 66, kind)
    path = trained(objective, given)
    assert (path.status == 0).all()
    for index in (0, 1, 63, 65):
        reference = naive.centre(np.log(given["reference"][index]))
        theta = naive.centre(np.log(given["start"][index]))
        for t in range(STEPS + 1):
            np.testing.assert_allclose(path.logits[index, t], np.float64(theta), rtol=0, atol=2e-14)
            theta = naive.descent_step(
                objective, given["P"][index], unordered(given, index), theta, reference,
                given["beta"][index], RATES[objective],
            )  # fmt: skip
        policies = np.array([np.float64(naive.softmax(z)) for z in path.logits[index]])
        late = slice(path.burn_in, None)
        np.testing.assert_allclose(path.policy_mean[index], policies[late].mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(
            path.policy_variance[index], policies[late].var(axis=0), rtol=1e-10, atol=1e-18
        )
        entropies = [float(naive.entropy(z)) for z in path.logits[index][late]]
        np.testing.assert_allclose(path.entropy_mean[index], np.mean(entropies), rtol=1e-13)
        np.testing.assert_allclose(path.entropy_min[index], np.min(entropies), rtol=1e-13)


@OBJECTIVES
@PAIRS
@pytest.mark.parametrize("K", [3, 7])
def test_a_problem_has_the_same_bits_alone_elsewhere_and_on_any_number_of_threads(
    objective, kind, K
):
    rng = np.random.default_rng(K)
    given = problems(rng, K, 200, kind)
    batch = trained(objective, given, threads=1)
    for threads in (2, 5):
        assert_same_bits(bits(trained(objective, given, threads=threads)), bits(batch))
    order = rng.permutation(200)
    assert_same_bits(bits(trained(objective, rows(given, order))), bits(batch, order))
    for index in (0, 63, 64, 199):
        assert_same_bits(bits(trained(objective, rows(given, index))), bits(batch, index))


@OBJECTIVES
@pytest.mark.parametrize("K", [4, 8])
def test_a_run_in_slices_has_the_bits_of_one_in_one_go(objective, K, monkeypatch):
    given = problems(np.random.default_rng(1), K, 130, "sampling")
    whole = trained(objective, given, keep=[3, 17])
    monkeypatch.setattr(engines, "SLICE", 7 * (10 * K * K + 20) * 64)
    assert_same_bits(bits(trained(objective, given, keep=[3, 17])), bits(whole))


@OBJECTIVES
def test_neighbours_that_diverge_do_not_change_a_bit(objective):
    given = problems(np.random.default_rng(2), 4, 130, "sampling")
    alone = trained(objective, rows(given, 67))
    rates = np.full(130, 1e307)
    rates[67] = RATES[objective]
    batch = asim.train(objective, **given, rate=rates, steps=STEPS)
    assert_same_bits(bits(batch, 67), bits(alone))
    assert batch.failed.sum() > 100
    assert np.isnan(batch.policy_mean[batch.failed]).all()
