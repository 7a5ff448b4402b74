"""Whatever is asked, there is an answer, or one sentence that says what is wrong with the question.

No raw exception, no warning, no hang, no more memory than 2 GiB. ``python -m tests.fuzz`` draws
other calls.
"""

import os

import pytest

from tests.fuzz import values
from tests.fuzz.calls import Call, draw, targets, unknown
from tests.fuzz.fuzzer import HANG, MEMORY, run, run_calls

CALLS = int(os.environ.get("ALIGNSIM_FUZZ_CALLS", "3000"))
SEED = int(os.environ.get("ALIGNSIM_FUZZ_SEED", "0"))


def test_there_are_values_for_every_argument_of_everything_public():
    assert not unknown()
    assert len(targets()) > 100


def test_a_draw_depends_on_its_seed_alone_and_holds_everything():
    calls = draw(400, 5)
    assert calls == draw(400, 5)
    assert calls != draw(400, 6)
    assert {call.target for call in draw(3000, SEED)} >= set(targets())


def test_all_drawn_calls_are_python():
    for call in draw(1000, SEED):
        compile(call.source, call.target, "eval")


@pytest.mark.slow
def test_what_is_wrong_is_found():
    """The fuzzer fails: on each kind of fault that it looks for."""
    faults = {
        "raw": "[][0]",
        "unintended": "int('x')",
        "warning": "np.log(np.zeros(3))",
        "memory": "np.ones(10**8)",
        "hang": "[None for _ in iter(int, 1)]",
        "crash": "np.lib.stride_tricks.as_strided(np.zeros(1), (10**9,), (4096,)).sum()",
    }
    calls = [Call(source, "", False) for source in faults.values()]
    found = run_calls(calls, workers=1, memory=MEMORY // 3)
    assert [finding.source for finding in found.findings] == list(faults.values())
    assert [finding.kind for finding in found.findings] == ["raw"] * 3 + ["memory", "hang", "crash"]
    assert HANG <= 10.0


@pytest.mark.slow
def test_fuzzed_calls_are_answered_or_refused_in_one_sentence():
    found = run(CALLS, SEED)
    told = "\n".join(map(str, found.findings))
    assert not found.findings, f"seed {SEED}; run one with: python -m tests.fuzz --run CALL\n{told}"
    assert sum(found.counts.values()) == CALLS
    assert found.counts["result"] > CALLS / 3
    assert found.peak <= MEMORY


def test_the_files_are_those_that_are_named(tmp_path):
    values.write_files(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {*values.GOOD_FILES, *values.HOSTILE_FILES}
