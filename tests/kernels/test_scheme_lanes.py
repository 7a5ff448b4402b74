import json
from pathlib import Path

import numpy as np
import pytest

from alignsim.kernels.status import OK
from tests import naive
from tests.kernels import schemes

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "spec" / "golden_schemes.json"
METHODS = list(schemes.wirings((0.5, 0.5, 0.5)))
ROUNDS = 15
SHAPES = [
    *[(6, 1, 1), (6, 1, 2), (6, 1, 8), (5, 2, 1), (5, 2, 3), (3, 3, 1), (3, 3, 8)],
    *[(7, 1, 1), (7, 1, 8), (8, 2, 3), (20, 3, 8)],
]
FIELDS = ("state", "frames", "averages", "status")


def method_batch(rng, name, K, n=6, *, beta=2.0, objective="ipo"):
    wired = [schemes.wirings(rng.uniform(0, 1, 3))[name] for _ in range(n)]
    return schemes.random_batch(rng, objective, K, wired, beta=beta)


def assert_follows_the_twin(batch, *, rounds=ROUNDS):
    """Frames and averages of a run, against those of the wiring in long doubles."""
    orbits = batch.orbits(rounds)
    n, _, D, K = orbits.shape
    kept = [0, 1, 2, *range(4, rounds + 1, 3)]
    kept += [rounds] if kept[-1] < rounds else []
    out = schemes.run(batch, kept, burn_in=4)
    expected = np.float64(orbits)
    size = 1 + np.abs(expected).max(axis=(1, 2, 3))
    frames = out.frames.reshape(n, len(kept), D, K)
    error = np.abs(frames - expected[:, kept]).max(axis=(1, 2, 3)) / size
    assert error.max() < 1e-12
    np.testing.assert_array_equal(out.state, frames[:, -1])
    averages = np.float64([naive.averages(orbit[4:, 0]) for orbit in orbits])
    np.testing.assert_allclose(out.averages, averages, rtol=1e-11, atol=1e-12)
    assert out.spare_is_untouched()
    policy = schemes.run(batch, kept, burn_in=4, whole=False)
    np.testing.assert_array_equal(policy.frames, frames[:, :, 0])


@pytest.mark.parametrize("K", [3, 7])
@pytest.mark.parametrize("beta", [1.0, 8.0])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_follows_its_wiring(name, beta, K):
    rng = np.random.default_rng(K)
    assert_follows_the_twin(method_batch(rng, name, K, beta=beta))


@naive.needs_extended
@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_follows_its_wiring_with_dpo(name, K):
    rng = np.random.default_rng(K)
    batch = method_batch(rng, name, K, 2, beta=2.0, objective="dpo")
    assert_follows_the_twin(batch, rounds=8)


@pytest.mark.parametrize(("K", "D", "s"), SHAPES)
def test_a_wiring_with_every_coefficient_is_followed(K, D, s):
    rng = np.random.default_rng(10 * D + s)
    wired = [schemes.random_wiring(rng, D, s) for _ in range(6)]
    assert_follows_the_twin(schemes.random_batch(rng, "ipo", K, wired, beta=3.0))


def test_a_stage_that_hardly_uses_a_pull_does_not_stand_for_one_that_does():
    opponents = [[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0.5, 0.5, 0, 0]]
    opponents[1][1:3] = 1 - 1e-12, 1e-12
    reference, update = [[0, 1, 0, 0, 0]] * 3, [[0, 0, 0, 0, 1]]
    wired = [naive.Wiring(*map(np.float64, (reference, opponents, update)))] * 3
    assert_follows_the_twin(schemes.random_batch(np.random.default_rng(0), "ipo", 7, wired))


GOLDEN_NAMES = {
    "soft kappa=.4 alpha=.3": ("soft_reference", (0.4, 0.3, np.nan)),
    "hard m=3 alpha=.2": ("hard_reference(3)", (np.nan, 0.2, np.nan)),
    "extragradient kappa=.3": ("extragradient", (np.nan, np.nan, 0.3)),
    "optimistic c=1 kappa=.3": ("optimistic", (0.0, np.nan, 0.3)),
    "replay delta=.25 kappa=.3": ("replay", (0.25, np.nan, 0.3)),
    "momentum .4 kappa=.3": ("momentum", (0.4, np.nan, 0.3)),
    "nash_md kappa=.3": ("nash_md", (np.nan, np.nan, 0.3)),
    "ipo_md b=.25": ("ipo_md", (0.25, np.nan, np.nan)),
}


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("title", GOLDEN_NAMES)
def test_golden_trajectories_are_hit(title, objective):
    if not GOLDEN.exists():
        pytest.skip("the golden trajectories are not here")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert set(golden["schemes"]) == set(GOLDEN_NAMES)
    name, parameters = GOLDEN_NAMES[title]
    wiring = schemes.wirings(parameters)[name]
    z_ref = np.float64(naive.centre(np.log(golden["ref"])))
    P, offline = np.float64(golden["P"]), np.float64(golden["off"])
    map_ = naive.Map(objective, P, np.nan, golden["beta"], golden["lam"], z_ref, offline)
    start = np.zeros((1, len(wiring.update), 3))
    start[:, 0] = z_ref
    if name in ("soft_reference", "momentum"):
        start[:, 1] = z_ref
    out = schemes.run(schemes.Batch([map_], [wiring], start), [1, 2, 3], 0, whole=False)
    policies = [np.float64(naive.softmax(z)) for z in out.frames[0]]
    expected = np.float64(golden["schemes"][title][objective])
    np.testing.assert_allclose(policies, expected, rtol=0, atol=1e-12)


def assorted(rng, K, n, objective="ipo"):
    """Methods of one (D, s), on and off the policy, with and without earlier pulls."""
    wired = []
    for i in range(n):
        if i % 3 == 0:
            wired.append(schemes.random_wiring(rng, 1, 4))
        else:
            wired.append(schemes.wirings(rng.uniform(0, 1, 3))["hard_reference(4)"])
    return schemes.random_batch(rng, objective, K, wired)


def assert_same_bits(first, second):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def rows_of(out, index):
    return schemes.Output(*(getattr(out, name)[index] for name in FIELDS), [])


KERNELS = pytest.mark.parametrize(
    ("objective", "K"), [("ipo", 3), ("ipo", 7), ("dpo", 3), ("dpo", 5)]
)


@KERNELS
def test_a_map_has_the_same_bits_alone_and_anywhere_in_any_batch(objective, K):
    rng = np.random.default_rng(K)
    batch = assorted(rng, K, 130, objective)
    together = schemes.run(batch, [0, 5, 12], 3)
    assert objective == "ipo" or (together.status == OK).all()
    for index in (0, 1, 2, 63, 64, 65, 129):
        alone = schemes.run(batch.take([index]), [0, 5, 12], 3)
        assert_same_bits(alone, rows_of(together, [index]))
    order = rng.permutation(130)
    assert_same_bits(schemes.run(batch.take(order), [0, 5, 12], 3), rows_of(together, order))


@KERNELS
def test_a_stage_that_nothing_uses_does_not_change_a_bit(objective, K):
    rng = np.random.default_rng(K)
    mrs = [schemes.wirings(rng.uniform(0, 1, 3))["mrs"] for _ in range(70)]
    idle = [
        naive.Wiring(
            np.array([[1.0, 0, 0, 0], [*own.reference[0, :2], 0, 0]]),
            np.array([[0.5, 0.5, 0, 0], [0, 1, 0, 0]]),
            np.array([[0.0, 0, 0, 1]]),
        )
        for own in mrs
    ]
    batch = schemes.random_batch(rng, objective, K, mrs)
    longer = schemes.Batch(batch.maps, idle, batch.starts)
    assert_same_bits(schemes.run(longer, [3, 12], 4), schemes.run(batch, [3, 12], 4))


@KERNELS
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 3)])
def test_cutting_a_run_into_parts_does_not_change_a_bit(objective, K, shape):
    rng = np.random.default_rng(K)
    wired = [schemes.random_wiring(rng, *shape) for _ in range(70)]
    batch = schemes.random_batch(rng, objective, K, wired)
    kept = [0, 3, *range(5, 30), 40]
    whole = schemes.run(batch, kept, 7)
    for cuts in ([1], [7], [8], [3, 4, 21, 40]):
        assert_same_bits(schemes.run(batch, kept, 7, cuts=cuts), whole)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_call_writes_its_own_blocks_only(objective):
    batch = assorted(np.random.default_rng(0), 3, 200, objective)
    every = schemes.run(batch, [0, 5], 2)
    part = schemes.run(batch, [0, 5], 2, blocks=(1, 3))
    own = slice(64, 192)
    assert_same_bits(rows_of(part, own), rows_of(every, own))
    assert part.spare_is_untouched()
    others = np.r_[0:64, 192:200]
    np.testing.assert_array_equal(part.state[others], batch.starts[others])
    assert (part.frames[others] == schemes.poison(np.float64)).all()


@KERNELS
def test_what_is_not_finite_stays_in_its_lane(objective, K):
    batch = assorted(np.random.default_rng(K), K, 130, objective)
    clean = schemes.run(batch, [0, 5, 12], 3)
    lost = np.arange(130) % 5 == 2
    for index in np.flatnonzero(lost):
        batch.maps[index] = batch.maps[index]._replace(beta=1.7e308)
    spoilt = schemes.run(batch, [0, 5, 12], 3)
    assert_same_bits(rows_of(spoilt, ~lost), rows_of(clean, ~lost))
    assert np.isfinite(spoilt.state[lost]).all(axis=(1, 2)).mean() < 0.5


@pytest.mark.parametrize("K", [3, 5])
def test_a_score_out_of_range_is_marked_and_spares_the_neighbours(K):
    batch = assorted(np.random.default_rng(K), K, 6, "dpo")
    clean = schemes.run(batch, [0, 3], 1)
    P = naive.extreme_preferences(np.random.default_rng(K), K, p_min=0.1)
    P[0, 1:], P[1:, 0] = 1.0, 1e-290
    batch.maps[1] = batch.maps[1]._replace(P=P, beta=1.0)
    out = schemes.run(batch, [0, 3], 1)
    others = [0, 2, 3, 4, 5]
    assert_same_bits(rows_of(out, others), rows_of(clean, others))
    assert (out.status != OK).tolist() == [False, True, False, False, False, False]
    assert np.isnan(out.state[1]).all()
    assert np.isnan(out.frames[1, 1]).all()
