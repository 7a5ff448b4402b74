"""One map and a million maps are the same call: a batch is the loop over its maps, bit for bit."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import alignsim as asim
from tests.feedback.systems import policy, preferences

K = 3
ROUNDS = 25
TRAILING = {"P": 2, "reference": 1, "offline": 1, "start": 1}
BATCH = {
    "P": (2, 1, 1),
    "beta": (3,),
    "alpha": (2, 1),
    "lam": (1, 3),
    "reference": (2, 1, 3),
    "offline": (2, 3),
    "start": (2, 2, 1),
}

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def arguments(which, seed=0):
    """Random arguments, those in ``which`` with the batch axes of ``BATCH``."""
    rng = np.random.default_rng(seed)

    def draw(name):
        shape = BATCH[name] if name in which else ()
        draws = {
            "P": lambda: preferences(rng, K),
            "beta": lambda: rng.uniform(0.5, 6.0),
            "alpha": lambda: rng.uniform(0.0, 0.9),
            "lam": lambda: rng.uniform(0.3, 1.0),
        }
        one = draws.get(name, lambda: policy(rng, K))
        values = np.array([one() for _ in range(int(np.prod(shape)))])
        return values.reshape((*shape, *values.shape[1:]))

    return {name: draw(name) for name in BATCH}


def single(values, name, shape, index):
    """What the map at ``index`` of the batch gets for one argument."""
    trailing = values.shape[values.ndim - TRAILING.get(name, 0) :]
    return np.broadcast_to(values, (*shape, *trailing))[index]


def split(given):
    given = dict(given)
    start = given.pop("start")
    return given, start


@objectives
def test_every_combination_of_batched_arguments_equals_the_loop_over_single_maps(objective):
    alone = {}
    for size in range(len(BATCH) + 1):
        for which in itertools.combinations(BATCH, size):
            given = arguments(which)
            shape = np.broadcast_shapes((), *(BATCH[name] for name in which))
            maps, start = split(given)
            orbit = asim.FeedbackMap(objective=objective, **maps).run(start, ROUNDS, keep=5)
            assert orbit.logits.shape == (*shape, 6, K), which
            assert orbit.status.shape == orbit.entropy_mean.shape == shape, which
            assert orbit.policy_variance.shape == orbit.policy_mean.shape == (*shape, K), which
            assert orbit.reference_logits.shape == (*shape, K), which
            assert not orbit.failed.any(), which
            for index in np.ndindex(shape):
                own = {name: single(a, name, shape, index) for name, a in given.items()}
                key = tuple(a.tobytes() for a in own.values())
                if key not in alone:
                    maps, start = split(own)
                    one = asim.FeedbackMap(objective=objective, **maps)
                    alone[key] = one.run(start, ROUNDS, keep=5)
                one = alone[key]
                for field in ("logits", "policy_mean", "policy_variance", "entropy_mean"):
                    same = np.array_equal(getattr(orbit, field)[index], getattr(one, field))
                    assert same, (which, index, field)


@objectives
def test_steps_and_jacobians_broadcast_as_runs_do(objective):
    given = arguments(BATCH)
    maps, start = split(given)
    loop = asim.FeedbackMap(objective=objective, **maps)
    shape = (2, 2, 3)
    assert loop.shape == shape
    assert loop.responses == K
    stepped, jacobian = loop.step(start), loop.jacobian(start)
    assert stepped.shape == (*shape, K)
    assert jacobian.shape == (*shape, K, K)
    assert loop.jacobian(start, basis="tangent").shape == (*shape, K - 1, K - 1)
    for index in np.ndindex(shape):
        own = {name: single(a, name, shape, index) for name, a in given.items()}
        maps, start_here = split(own)
        one = asim.FeedbackMap(objective=objective, **maps)
        assert np.abs(stepped[index] - one.step(start_here)).max() < 1e-15
        assert np.abs(jacobian[index] - one.jacobian(start_here)).max() < 1e-13


@objectives
def test_a_policy_may_have_more_batch_axes_than_the_map(objective):
    rng = np.random.default_rng(1)
    loop = asim.FeedbackMap(preferences(rng, K), objective=objective, beta=[1.0, 2.0], alpha=0.5)
    starts = np.array([[policy(rng, K)], [policy(rng, K)], [policy(rng, K)]])
    assert loop.step(starts).shape == (3, 2, K)
    assert loop.jacobian(starts).shape == (3, 2, K, K)
    orbit = loop.run(starts, rounds=4)
    assert orbit.policies.shape == (3, 2, 5, K)
    assert np.array_equal(orbit.logits[2, 1], loop.run(starts[2, 0], rounds=4).logits[1])


@objectives
@pytest.mark.parametrize("responses", [2, 3, 4, 5, 8])
def test_bits_depend_neither_on_the_batch_nor_on_the_threads(objective, responses):
    """300 maps are several blocks of lanes, the last one not full."""
    rng = np.random.default_rng(2)
    n = 300
    P = np.array([preferences(rng, responses) for _ in range(n)])
    start = np.array([policy(rng, responses) for _ in range(n)])
    beta, alpha, lam = rng.uniform(0.2, 8.0, n), rng.uniform(0, 0.9, n), rng.uniform(0.2, 1, n)
    loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha, lam=lam)
    whole = loop.run(start, rounds=60, keep="last", threads=1)
    for threads in (2, 3, 7):
        again = loop.run(start, rounds=60, keep="last", threads=threads)
        assert np.array_equal(again.logits, whole.logits)
        assert np.array_equal(again.policy_variance, whole.policy_variance)
        assert np.array_equal(again.entropy_mean, whole.entropy_mean)
    for i in (0, 63, 64, 127, 200, 299):
        one = asim.FeedbackMap(P[i], objective=objective, beta=beta[i], alpha=alpha[i], lam=lam[i])
        assert np.array_equal(one.run(start[i], rounds=60).final_logits, whole.final_logits[i])
    order = rng.permutation(n)
    shuffled = asim.FeedbackMap(
        P[order], objective=objective, beta=beta[order], alpha=alpha[order], lam=lam[order]
    )
    assert np.array_equal(
        shuffled.run(start[order], rounds=60).final_logits, whole.final_logits[order]
    )


@objectives
def test_runs_may_go_on_at_the_same_time_in_several_threads(objective):
    rng = np.random.default_rng(3)
    loop = asim.FeedbackMap(
        np.array([preferences(rng, 4) for _ in range(200)]), objective=objective, beta=3.0
    )
    expected = loop.run(rounds=50, keep="last").logits
    with ThreadPoolExecutor(4) as pool:
        orbits = pool.map(lambda _: loop.run(rounds=50, keep="last", threads=2), range(8))
    assert all(np.array_equal(orbit.logits, expected) for orbit in orbits)


def test_maps_that_share_a_matrix_are_as_those_with_a_copy_each():
    """More of them than the 4,096 whose matrices are gathered at a time."""
    rng = np.random.default_rng(4)
    P, n = preferences(rng, 4), 4500
    beta, offline = rng.uniform(0, 9, n), np.array([policy(rng, 4) for _ in range(n)])
    shared = asim.FeedbackMap(P, beta=beta, alpha=0.3, lam=0.4, offline=offline)
    copied = asim.FeedbackMap(np.tile(P, (n, 1, 1)), beta=beta, alpha=0.3, lam=0.4, offline=offline)
    assert np.array_equal(
        shared.run(rounds=9, keep="last").logits, copied.run(rounds=9, keep="last").logits
    )


@objectives
def test_part_and_take_give_the_maps_of_the_flattened_batch(objective):
    maps, start = split(arguments(BATCH))
    loop = asim.FeedbackMap(objective=objective, **maps)
    flat_start = np.broadcast_to(start, (2, 2, 3, K)).reshape(-1, K)
    whole = loop.run(start, rounds=7).logits.reshape(12, 8, K)
    assert loop.size == 12
    assert np.array_equal(loop.part(5, 9).run(flat_start[5:9], rounds=7).logits, whole[5:9])
    assert np.array_equal(loop.part(9, 99).run(flat_start[9:], rounds=7).logits, whole[9:])
    some = np.array([11, 0, 4, 4])
    taken = loop.take(some)
    assert np.array_equal(taken.run(flat_start[some], rounds=7).logits, whole[some])
    assert np.array_equal(taken.take(np.array([3, 1])).run(flat_start[[4, 0]], rounds=7).logits,
                          whole[[4, 0]])  # fmt: skip
    assert (
        np.abs(taken.step(flat_start[some]) - loop.step(start).reshape(12, K)[some]).max() < 1e-15
    )


@objectives
def test_replace_gives_the_same_maps_with_other_parameters(objective):
    maps, start = split(arguments(("P", "reference")))
    loop = asim.FeedbackMap(objective=objective, **maps)
    beta = np.array([0.5, 1.5, 2.5])
    replaced = loop.replace(beta=beta, alpha=0.25)
    fresh = asim.FeedbackMap(objective=objective, **{**maps, "beta": beta, "alpha": 0.25})
    assert replaced.shape == (2, 1, 3)
    assert np.array_equal(replaced.run(start, rounds=5).logits, fresh.run(start, rounds=5).logits)
    taken = loop.take(np.array([3, 0])).replace(lam=[[0.1], [0.9]])
    assert taken.shape == (2, 2)
    assert np.array_equal(taken.lam, [[0.1, 0.1], [0.9, 0.9]])
    single = loop.take(np.array([3])).replace(lam=0.9)
    assert np.array_equal(taken.run(start, 5).logits[1, 0], single.run(start, 5).logits[0])


def test_eta_is_infinite_where_nothing_holds_the_logits_back():
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, beta=[[0.0], [1.0], [1.7e308]], alpha=[0.0, 0.5, 1.0])
    expected = [[0.0, 0.0, np.inf], [1.0, 2.0, np.inf], [1.7e308, np.inf, np.inf]]
    assert loop.eta.tolist() == expected


def test_threads_do_not_change_a_bit_of_many_responses():
    """At β = 100 orbits are chaotic: a rounding would be a different policy by the end."""
    rng = np.random.default_rng(0)
    P, start = preferences(rng, 100), rng.normal(size=(300, 100))
    loop = asim.FeedbackMap(P, beta=100.0, alpha=0.5)
    ends = [
        loop.run(start_logits=start, rounds=200, keep="last", threads=threads).final_logits
        for threads in (1, 2, 3)
    ]
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])
