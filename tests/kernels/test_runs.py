"""What both lane kernels promise: naive orbits, at every size, for every choice of rounds."""

from functools import cache

import numpy as np
import pytest

import alignsim as asim
from alignsim import progress
from alignsim.feedback import engines, threads
from tests import naive
from tests.kernels import batches
from tests.oracles import golden

ROUNDS = {64: 2}
SIZES = [1, 63, 64, 65, 130]


@cache
def case(objective, K):
    """Three maps with their naive orbits."""
    batch = batches.random_batch(np.random.default_rng(K), objective, K, 3)
    rounds = ROUNDS.get(K, 6)
    orbits = [naive.orbit(m, z, rounds) for m, z in zip(batch.maps, batch.starts, strict=True)]
    return batch, np.array(orbits), rounds


@pytest.mark.parametrize("K", [2, 3, 4, 5, 7, 12, 64])
@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_every_lane_of_every_batch_follows_the_naive_orbit(objective, K):
    batch, orbits, rounds = case(objective, K)
    expected = np.float64(orbits)
    statistics = np.float64([naive.averages(states) for states in orbits])
    for n in SIZES:
        out = batches.run(batch.tiled(n), range(rounds + 1), burn_in=0)
        own = np.arange(n) % 3
        np.testing.assert_allclose(out.frames, expected[own], rtol=0, atol=2e-14)
        np.testing.assert_allclose(out.averages, statistics[own], rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(out.state, out.frames[:, -1])
        assert out.spare_is_untouched()
        assert objective == "ipo" or (out.status == 0).all()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize(
    "kept", [[6], [0, 6], [1, 2, 6], [5, 6], [0, 1, 2, 3, 4, 5, 6]], ids=lambda kept: f"{kept}"
)
def test_frames_hold_the_rounds_asked_for_and_change_nothing_else(objective, kept):
    batch, _, rounds = case(objective, 5)
    whole = batches.run(batch.tiled(65), range(rounds + 1), burn_in=2)
    some = batches.run(batch.tiled(65), kept, burn_in=2)
    np.testing.assert_array_equal(some.frames, whole.frames[:, kept])
    np.testing.assert_array_equal(some.state, whole.state)
    np.testing.assert_array_equal(some.averages, whole.averages)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("burn_in", [0, 1, 3, 5, 6])
@pytest.mark.parametrize("K", [3, 7])
def test_averages_begin_with_the_state_after_burn_in(objective, burn_in, K):
    batch, orbits, rounds = case(objective, K)
    expected = np.float64([naive.averages(states[burn_in:]) for states in orbits])
    out = batches.run(batch, [rounds], burn_in)
    np.testing.assert_allclose(out.averages, expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_no_rounds_give_back_the_start_to_the_bit(objective):
    batch, _, _ = case(objective, 4)
    out = batches.run(batch.tiled(65), [0], burn_in=0)
    np.testing.assert_array_equal(out.frames[:, 0], batch.tiled(65).starts)
    np.testing.assert_array_equal(out.state, batch.tiled(65).starts)
    assert (out.averages[:, 4:8] < 1e-40).all()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_run_of_some_blocks_leaves_the_others_alone(objective):
    batch, _, rounds = case(objective, 4)
    wide = batch.tiled(3 * 64 + 5)
    whole = batches.run(wide, [1, rounds], burn_in=1)
    middle = batches.run(wide, [1, rounds], burn_in=1, blocks=(1, 3))
    own = slice(64, 192)
    for name in ("state", "frames", "averages", "status"):
        got, expected = getattr(middle, name), getattr(whole, name)
        np.testing.assert_array_equal(got[own], expected[own])
        others = np.delete(got, own, axis=0)
        untouched = np.delete(wide.starts, own, axis=0) if name == "state" else others[0]
        np.testing.assert_array_equal(others, np.broadcast_to(untouched, others.shape))
    assert middle.frames[0, 0, 0] == batches.POISON
    assert middle.spare_is_untouched()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_lanes_reach_the_golden_orbit(objective):
    reference = np.float64(naive.centre(np.log(golden.REFERENCE)))
    loop = naive.Map(
        objective,
        golden.P,
        beta=golden.LOOP_BETA[objective],
        reference=reference,
        offline=golden.OFFLINE,
        **golden.LOOP,
    )
    out = batches.run(batches.Batch([loop], reference[None]), [1, 2, 3], burn_in=0)
    policies = np.float64([naive.softmax(z) for z in out.frames[0]])
    np.testing.assert_allclose(policies, golden.ORBIT[objective], rtol=0, atol=1e-12)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_logits_stay_centred_for_a_thousand_rounds(objective):
    batch, _, _ = case(objective, 5)
    out = batches.run(batch, [1000], burn_in=500)
    assert np.abs(out.state.sum(axis=-1)).max() < 1e-12 * (1 + np.abs(out.state).max())


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [2, 3, 4, 5, 7])
@pytest.mark.parametrize(("burn_in", "cuts"), [(0, [1]), (9, range(1, 31)), (9, [9, 10, 23])])
def test_a_run_in_parts_has_the_bits_of_one_in_a_go(objective, K, burn_in, cuts):
    batch = batches.random_batch(np.random.default_rng(K), objective, K, 65, beta=20.0)
    kept = [0, 3, 4, 9, 10, *range(12, 26), 30]
    whole = batches.run(batch, kept, burn_in)
    parts = batches.run(batch, kept, burn_in, cuts=cuts)
    for name in ("state", "frames", "averages", "status"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert parts.spare_is_untouched()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("objective", "K"), [("ipo", 3), ("ipo", 66), ("dpo", 5)])
def test_a_run_of_many_calls_is_one_run_and_its_bar_comes_to_the_end(
    monkeypatch, objective, K, threads
):
    rng = np.random.default_rng(0)
    P, starts = naive.random_preferences(rng, K), rng.normal(size=(130, K))
    loop = asim.FeedbackMap(P, objective=objective, beta=5.0, alpha=0.5)
    whole = loop.run(start_logits=starts, rounds=9, threads=1)
    monkeypatch.setattr(engines, "SLICE", 1)
    monkeypatch.setattr(progress, "DELAY", 1e9)
    bars = []
    monkeypatch.setattr(progress.ProgressBar, "__exit__", lambda bar, *_: bars.append(bar))
    parts = loop.run(start_logits=starts, rounds=9, threads=threads, progress=True)
    np.testing.assert_array_equal(parts.logits, whole.logits)
    np.testing.assert_array_equal(parts.policy_variance, whole.policy_variance)
    np.testing.assert_array_equal(parts.entropy_mean, whole.entropy_mean)
    assert bars[0]._done == bars[0]._look["total"]


def test_an_interrupt_ends_a_run_between_two_calls_on_all_threads(monkeypatch):
    calls = []

    def run(first, last):
        for _ in range(10**9):
            calls.append(first)
            if len(calls) >= 50:
                raise KeyboardInterrupt
            yield 1

    with pytest.raises(KeyboardInterrupt):
        threads.in_threads(run, 8, 2)
    threads._helpers().submit(lambda: None).result()  # what ran before has come to an end
    done = len(calls)
    threads._helpers().submit(lambda: None).result()
    assert len(calls) == done
