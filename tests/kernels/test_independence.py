"""To the bit: an orbit depends neither on its neighbours in the batch nor on the threads."""

import numpy as np
import pytest

import alignsim as asim
from tests import naive

ROUNDS = 12
OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])
RESPONSES = pytest.mark.parametrize("K", [2, 3, 4, 5])
FIELDS = (
    "logits",
    "policy_mean",
    "policy_variance",
    "entropy_mean",
    "entropy_min",
    "status",
)
POSITIONS = [0, 1, 7, 62, 63, 64, 65, 127, 128, 129]


def arguments(rng, K, n):
    """Keyword arguments of n maps, and their starts."""
    maps = {
        "P": np.array([naive.extreme_preferences(rng, K, p_min=0.01) for _ in range(n)]),
        "beta": rng.uniform(0, 3, n),
        "alpha": rng.uniform(0, 1, n),
        "lam": rng.uniform(0, 1, n),
        "reference": rng.dirichlet(np.ones(K), n),
        "offline": rng.dirichlet(np.ones(K), n),
    }
    return maps, 3 * rng.normal(size=(n, K))


def run(objective, maps, starts, **options):
    loop = asim.FeedbackMap(**maps, objective=objective)
    return loop.run(start_logits=starts, rounds=ROUNDS, **options)


def rows(maps, index):
    return {name: values[index] for name, values in maps.items()}


def bits(orbit, index=...):
    """Everything that an orbit holds, at one index of its batch."""
    return {name: getattr(orbit, name)[index] for name in FIELDS}


def assert_same_bits(first, second):
    for name in FIELDS:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@OBJECTIVES
@RESPONSES
def test_a_map_alone_has_the_bits_that_it_has_in_a_batch(objective, K):
    maps, starts = arguments(np.random.default_rng(K), K, 130)
    batch = run(objective, maps, starts)
    assert (batch.status == 0).all()
    for index in POSITIONS:
        alone = run(objective, rows(maps, index), starts[index])
        assert_same_bits(bits(alone), bits(batch, index))


@OBJECTIVES
@RESPONSES
def test_the_position_in_the_batch_does_not_matter(objective, K):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 130)
    order = rng.permutation(130)
    batch = run(objective, maps, starts)
    shuffled = run(objective, rows(maps, order), starts[order])
    assert_same_bits(bits(shuffled), bits(batch, order))


@OBJECTIVES
def test_one_map_has_the_same_bits_in_every_lane(objective):
    maps, starts = arguments(np.random.default_rng(1), 4, 1)
    everywhere = np.zeros(200, dtype=int)
    batch = run(objective, rows(maps, everywhere), starts[everywhere])
    for index in range(1, 200):
        assert_same_bits(bits(batch, index), bits(batch, 0))


@OBJECTIVES
@pytest.mark.parametrize("n", [1, 64, 65, 700])
def test_threads_do_not_matter(objective, n):
    maps, starts = arguments(np.random.default_rng(n), 4, n)
    one = run(objective, maps, starts, threads=1)
    for threads in (2, 3, 16):
        assert_same_bits(bits(run(objective, maps, starts, threads=threads)), bits(one))


@OBJECTIVES
@RESPONSES
@pytest.mark.parametrize("position", [0, 5, 63, 64, 129])
def test_neighbours_that_fail_do_not_change_a_bit(objective, K, position):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 130)
    alone = run(objective, rows(maps, position), starts[position])
    others = np.arange(130) != position
    spoilt = {name: values.copy() for name, values in maps.items()}
    spoilt["alpha"][others], spoilt["beta"][others] = 1.0, 1.7e308
    batch = run(objective, spoilt, starts, threads=1)
    assert_same_bits(bits(alone), bits(batch, position))
    assert batch.failed[others].mean() > 0.5
    assert np.isnan(batch.final_logits[batch.failed]).all()
    lost = int(np.argmax(batch.failed))
    assert np.isfinite(batch.logits[lost, 0]).all()
    assert_same_bits(bits(run(objective, rows(spoilt, lost), starts[lost])), bits(batch, lost))


@RESPONSES
@pytest.mark.parametrize("position", [3, 67])
@pytest.mark.parametrize("worst", [0.0, 1e-290, 1e-12])
def test_neighbours_without_an_optimum_or_slow_to_solve_do_not_change_a_bit(K, position, worst):
    maps, starts = arguments(np.random.default_rng(K), K, 130)
    alone = run("dpo", rows(maps, position), starts[position])
    spoilt = {name: values.copy() for name, values in maps.items()}
    others = np.arange(130) != position
    spoilt["P"][others, :, 0], spoilt["P"][others, 0, :] = worst, 1 - worst
    spoilt["P"][others, 0, 0] = 0.5
    batch = run("dpo", spoilt, starts, threads=1)
    failed = batch.failed[others].mean()
    assert failed < 0.05 if worst == 1e-12 else failed > 0.9
    assert np.isnan(batch.final_logits[batch.failed]).all()
    lost = int(np.argmax(batch.failed)) if failed > 0 else position
    assert np.isfinite(batch.logits[lost, 0]).all()
    assert_same_bits(bits(run("dpo", rows(spoilt, lost), starts[lost])), bits(batch, lost))
    assert_same_bits(bits(alone), bits(batch, position))


@OBJECTIVES
def test_a_shared_matrix_gives_the_bits_of_a_copy_for_every_map(objective):
    maps, starts = arguments(np.random.default_rng(5), 4, 70)
    shared = maps | {"P": maps["P"][0]}
    copied = maps | {"P": np.repeat(maps["P"][:1], 70, axis=0)}
    once, often = run(objective, shared, starts), run(objective, copied, starts)
    assert_same_bits(bits(once), bits(often))


def test_a_map_beyond_the_first_chunk_of_drifts_has_the_same_bits():
    maps, starts = arguments(np.random.default_rng(6), 3, 4)
    which = np.arange(4200) % 4
    batch = run("ipo", rows(maps, which), starts[which], keep="last")
    for index in (4095, 4096, 4097, 4199):
        alone = run("ipo", rows(maps, index % 4), starts[index % 4], keep="last")
        assert_same_bits(bits(alone), bits(batch, index))


@OBJECTIVES
def test_keeping_other_rounds_does_not_change_a_bit(objective):
    maps, starts = arguments(np.random.default_rng(7), 4, 70)
    every = run(objective, maps, starts, keep="all")
    last = run(objective, maps, starts, keep="last")
    np.testing.assert_array_equal(every.final_logits, last.final_logits)
    np.testing.assert_array_equal(every.policy_variance, last.policy_variance)
