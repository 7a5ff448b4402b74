"""What Python answers is what the analysis says; whatever is wrong is said in a sentence."""

import json
import struct

import numpy as np
import pytest

import alignsim as asim
from alignsim.explorer.answers import MOST_RESPONSES, SIDES, answered, reply
from alignsim.explorer.warming import question

P = [[0.5, 0.8, 0.25], [0.2, 0.5, 0.8], [0.75, 0.2, 0.5]]
REFERENCE = [0.2, -0.3, 0.1]


def asked(kind, **changes):
    return {**json.loads(question(kind)), "reference": REFERENCE, **changes}


def arrays(header, payload):
    return {
        name: np.frombuffer(payload, "<f4", count, offset)
        for name, offset, count in header["arrays"]
    }


@pytest.fixture
def loop():
    reference = asim.simplex.softmax(REFERENCE)
    return asim.FeedbackMap(P, beta=10.0, alpha=0.6, lam=0.8, reference=reference)


def test_stability_and_the_orbit(loop):
    header, payload = reply(asked("local", start=[0.2, 0.3, 0.5], responses=[2, 0]))
    answer, sent = header["answer"], arrays(header, payload)
    local = asim.stability(loop)
    assert answer["rho"] == local.spectral_radius
    assert answer["verdict"] == local.words("verdict")
    np.testing.assert_allclose(answer["points"][0]["policy"], local.fixed_point.policy)
    wanted = asim.analysis.multipliers(loop, local.fixed_point.logits)
    np.testing.assert_allclose([complex(*m) for m in answer["multipliers"]], wanted)
    orbit = loop.run([0.2, 0.3, 0.5], 3000)
    np.testing.assert_allclose(
        sent["policies"].reshape(-1, 2), orbit.policies[:, [2, 0]], atol=1e-6
    )
    np.testing.assert_allclose(sent["entropies"], asim.simplex.entropy(orbit.logits), atol=1e-6)


def test_the_plane(loop):
    header, payload = reply(asked("fine"))
    side = header["answer"]["n"]
    assert side in SIDES
    rho = arrays(header, payload)["rho"].reshape(side, side)
    betas, lams = np.linspace(0, 12, side), np.linspace(0, 1, side)
    wanted = asim.stability(loop.replace(beta=betas, lam=lams[:, None])).spectral_radius
    np.testing.assert_allclose(rho, wanted, rtol=1e-6)


def test_parameters_that_do_not_go_together_are_left_out_of_the_plane():
    values = {"mixup": 0.4, "alpha": 0.0, "pull": 0.1, "beta": 2.0, "lam": 1.0}
    told = {"method": "soft_reference", "values": values, "axes": ["mixup", "pull"]}
    header, payload = reply(asked("plane", **told, ranges=[[0, 1], [0, 1]]))
    side = header["answer"]["n"]
    rho = arrays(header, payload)["rho"].reshape(side, side)
    mixup, pull = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    assert np.isnan(rho[mixup + pull > 1.01]).all()
    assert np.isfinite(rho[(mixup + pull < 0.99) & (pull > 0.0)]).all()


def test_where_the_verdict_changes(loop):
    answer = reply(asked("rest"))[0]["answer"]
    knobs = {each["name"]: each for each in answer["knobs"]}
    for name, low, high in (("beta", 0.1, 100.0), ("lam", 0.0, 1.0), ("alpha", 0.0, 0.999)):
        at = asim.analysis.crossings(loop, name, low, high).at
        own = loop.parameters[name]
        for side, wanted in (("below", at[at < own]), ("above", at[at > own])):
            if len(wanted):
                nearest = wanted[np.abs(wanted - own).argmin()]
                assert knobs[name][side] == pytest.approx(nearest, rel=1e-5)
            else:
                assert knobs[name][side] is None
    assert knobs["beta"]["below"] is not None
    seen = asim.classify(loop)
    assert answer["phase"] == str(seen.phase).replace(" ", "_")
    assert answer["period"] == seen.period


def test_whole_numbers_are_looked_at_one_by_one():
    values = {"every": 3.0, "alpha": 0.2, "beta": 4.0, "lam": 1.0}
    cycle = asim.preferences.cyclic(3, advantage=0.3)
    told = {"P": cycle.tolist(), "reference": None, "method": "hard_reference", "values": values}
    answer = reply(asked("rest", **told))[0]["answer"]
    every = next(each for each in answer["knobs"] if each["name"] == "every")
    counts = np.arange(1.0, 13.0)
    loops = asim.method("hard_reference", cycle, **(values | {"every": counts}))
    stable = asim.stability(loops).stable
    changed = counts[stable != stable[2]]
    assert every["below"] == max(changed[changed < 3], default=None)
    assert every["above"] == min(changed[changed > 3], default=None)
    assert len(changed)


def test_classes_and_attractors(loop):
    header, payload = reply(asked("classes"))
    side, words = header["answer"]["n"], header["answer"]["words"]
    codes = arrays(header, payload)["codes"].astype(int).reshape(side, side)
    corners = asim.classify(loop.replace(beta=[0.0, 12.0], lam=[0.0, 1.0]), rounds=3000).phase
    assert [words[codes[0, 0]].replace("_", " "), words[codes[-1, -1]].replace("_", " ")] == list(
        corners
    )
    header, payload = reply(asked("attractors"))
    found = asim.basins(loop, samples=256)
    assert [each["share"] for each in header["answer"]["list"]] == found.share.tolist()
    points = arrays(header, payload)["points0"].reshape(-1, 3)
    np.testing.assert_allclose(points, found.attractor_points[0], atol=1e-6)


def test_the_bytes_of_a_reply():
    reply_bytes = answered(json.dumps(asked("local")))
    (length,) = struct.unpack("<I", reply_bytes[:4])
    header = json.loads(reply_bytes[4 : 4 + length])
    assert length % 4 == 0
    assert len(reply_bytes) - 4 - length == sum(4 * count for _, _, count in header["arrays"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"P": [[0.5, 0.9], [0.3, 0.5]]}, "P"),
        ({"P": [[0.5] * (MOST_RESPONSES + 1)] * (MOST_RESPONSES + 1)}, "the page shows 2 to 40"),
        ({"P": []}, "the page shows 2 to 40"),
        ({"method": "nope"}, "method is 'nope'"),
        ({"objective": "nope"}, "objective"),
        ({"values": {"alpha": 2.0, "beta": 1.0, "lam": 1.0}}, "alpha"),
        ({"values": {"alpha": float("nan"), "beta": 1.0, "lam": 1.0}}, "alpha"),
        ({"start": [0.5, 0.5]}, "start"),
        ({"start": [1.0, 0.0, 0.0]}, "start"),
        ({"values": None}, "no question"),
        ({"P": 5}, "no question"),
        ({"kind": "shell"}, "no question"),
        ({"responses": [99]}, "no question"),
    ],
)
def test_a_bad_question_is_answered_by_a_sentence(changes, told):
    header, payload = reply({**asked("local"), **changes})
    assert told in header["error"]
    assert "\n" not in header["error"]
    assert payload == b""
    assert header["id"] == 0


@pytest.mark.parametrize("message", ["", "{", "[]", "5", '{"id": 1}', b"\xff", "[" * 100_000])
def test_what_is_no_question_at_all(message):
    header, _ = reply(message)
    assert header["error"]


def test_a_loop_without_a_rest_point():
    values = {"alpha": 1.0, "beta": 1.0, "lam": 1.0}
    answer = reply(asked("local", values=values))[0]["answer"]
    assert answer["rho"] is None
    assert answer["reason"] == "none_at_alpha_1"
    assert answer["multipliers"] == []
    knobs = reply(asked("rest", values=values))[0]["answer"]["knobs"]
    assert {each["below"] for each in knobs} == {None}
