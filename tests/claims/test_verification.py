"""The machinery: what passes, what fails, what is undecided, what is saved and replayed."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest

from alignsim.claims import CLAIMS, Claim, replay, save_worst, verify
from alignsim.claims.contract import SOURCES
from alignsim.errors import FileFormatError


@dataclass(frozen=True)
class Squares(Claim):
    """x² ≥ floor, on x of which the first is 0."""

    name: ClassVar[str] = "squares"
    statement: ClassVar[str] = "x² ≥ 0."
    source: ClassVar[str] = "literature"
    section: ClassVar[str] = "0"
    floor: float = 0.0
    spoilt: int = 0

    def instances(self, rng, trials):
        x = rng.normal(size=trials)
        x[0] = 0.0
        return {"x": x}

    def margin(self, x):
        value = x["x"] ** 2 - self.floor
        value[: self.spoilt] = np.nan
        return value


@dataclass(frozen=True)
class Costly(Squares):
    name: ClassVar[str] = "costly"
    costly: ClassVar[bool] = True


@dataclass(frozen=True)
class Raising(Squares):
    name: ClassVar[str] = "raising"

    def margin(self, x):
        raise ValueError("no optimum")


@dataclass(frozen=True)
class Needless(Squares):
    name: ClassVar[str] = "needless"

    def counterexample(self):
        return {"x": np.array([2.0])}


def one(claim, **options):
    return verify(claims=[claim], progress=False, **options).results[0]


def test_a_true_claim_passes_with_the_margin_of_its_worst_trial():
    result = one(Squares(), trials=700)
    assert (result.status, result.trials, result.worst_margin) == ("passed", 700, 0.0)
    assert result.worst_instance["x"] == 0.0


def test_a_false_claim_fails_and_says_how_often():
    result = one(Squares(floor=0.01), trials=100)
    assert result.status == "failed"
    assert result.worst_margin == pytest.approx(-0.01)
    assert "of 100 trials fail" in result.note


def test_nan_is_undecided_not_passed():
    result = one(Squares(spoilt=3), trials=100)
    assert (result.status, result.undecided) == ("undecided", 3)
    assert result.worst_margin >= 0.0
    everything = one(Squares(spoilt=100), trials=100)
    assert everything.status == "undecided"
    assert np.isnan(everything.worst_margin)


def test_an_error_is_reported_and_does_not_stop_the_others():
    report = verify(claims=[Raising(), Squares()], trials=20, progress=False)
    assert [result.status for result in report.results] == ["error", "passed"]
    assert report.results[0].note == "ValueError: no optimum"
    assert not report.passed


def test_a_counterexample_that_does_not_fail_fails_the_claim():
    result = one(Needless())
    assert result.status == "failed"
    assert "not needed" in result.note


def test_costly_claims_get_a_tenth_of_the_trials_and_at_least_ten():
    assert one(Costly(), trials=1000).trials == 100
    assert one(Costly(), trials=5).trials == 10


def test_instances_depend_on_the_seed_and_the_name_only():
    alone = one(Squares(), trials=300, seed=4)
    beside = verify(claims=[Costly(), Squares()], trials=300, seed=4, progress=False).results[1]
    assert alone.worst_instance == beside.worst_instance
    other = one(Squares(floor=-1.0, spoilt=1), trials=300, seed=5)
    assert other.worst_instance != one(Squares(spoilt=1), trials=300, seed=4).worst_instance


def test_selection_by_name_pattern_and_source():
    claims = [Squares(), Costly()]
    assert len(verify("squ*", 10, claims=claims, progress=False).results) == 1
    assert len(verify("literature", 10, claims=claims, progress=False).results) == 2
    assert len(verify(["costly", "c*"], 10, claims=claims, progress=False).results) == 1
    with pytest.raises(ValueError, match=r"select is 'squares2'; did you mean 'squares'"):
        verify("squares2", 10, claims=claims)
    with pytest.raises(ValueError, match="trials is 0"):
        verify(trials=0, claims=claims)


def test_the_worst_instance_is_saved_to_the_last_bit_and_replayed(tmp_path):
    claim = Squares(floor=0.01, spoilt=0)
    result = one(replace(claim, floor=1e3), trials=50)
    path = save_worst(result, tmp_path / "new")
    assert replay(path, claims=[replace(claim, floor=1e3)]).worst_margin == result.worst_margin
    assert [entry.name for entry in path.parent.iterdir()] == ["squares.json"]


def squares(instance):
    return f'{{"claim": "squares", "instance": {instance}}}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("{", "line 1: not valid JSON"),
        ("[" * 100_000, "not usable JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ("[]", "is not a saved instance: it needs the keys"),
        ("{}", "is not a saved instance: it needs the keys"),
        ('{"claim": "squares"}', "is not a saved instance: it needs the keys"),
        (squares(1), "is not a saved instance: it needs the keys"),
        (squares('{"x": "no"}'), "field 'x' is no array of numbers .*; save it anew"),
        (squares('{"x": [[1], [2, 3]]}'), "field 'x' is no array of numbers"),
        (squares(f'{{"x": 1{"0" * 400}}}'), "field 'x' is no array of numbers"),
        (squares("{}"), "the instance of 'squares' lacks 'x'; save it anew"),
        ('{"claim": "square", "instance": {"x": 1}}', "claim is 'square'; did you mean 'squares'"),
        ('{"claim": "s*", "instance": {"x": 1}}', r"claim is 's\*'; "),
        ('{"instance": {"x": 1}}', "claim is None; known: 'squares'"),
    ],
)
def test_a_file_that_is_no_instance_is_refused(tmp_path, content, message):
    path = tmp_path / "broken.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=rf"broken\.json.*{message}"):
        replay(path, claims=[Squares()])


def test_numbers_that_a_claim_cannot_use_are_told_with_their_file(tmp_path):
    path = tmp_path / "raising.json"
    path.write_text('{"claim": "raising", "instance": {"x": 1.0}}')
    told = r"raising\.json': its numbers are no instance of 'raising' \(ValueError: no optimum\)"
    with pytest.raises(FileFormatError, match=told):
        replay(path, claims=[Raising()])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: no such file"):
        replay(tmp_path / "none.json")


def test_reports_as_json_and_junit():
    report = verify(claims=[Squares(), Squares(floor=1.0), Raising()], trials=10, progress=False)
    data = json.loads(report.to_json())
    assert data["passed"] is False
    assert [entry["status"] for entry in data["results"]] == ["passed", "failed", "error"]
    assert data["results"][2]["worst_margin"] is None
    suite = ElementTree.fromstring(report.to_junit())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    tags = [[child.tag for child in case] for case in suite]
    assert tags == [["system-out"], ["failure", "system-out"], ["error", "system-out"]]
    assert all(claim.statement in case[-1].text for claim, case in zip(report.results, suite,
                                                                       strict=True))  # fmt: skip


def test_claims_say_who_states_them_and_have_names_of_their_own():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.source in SOURCES
        assert claim.name == claim.name.lower().replace(" ", "-")
        assert claim.statement.endswith(".")
        assert claim.section
        assert claim.__doc__
