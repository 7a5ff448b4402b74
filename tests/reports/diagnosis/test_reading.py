"""Logs from whatever people have, and what is refused with its remedy."""

import gzip
import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.data.formats.catalogue import FORMATS
from alignsim.errors import FileFormatError
from alignsim.reports.diagnosis.reading import Reading, logs_of
from tests.oracles.logged_rounds import SHARES as SHARES_OF_99
from tests.reports.diagnosis.test_estimates import GOLDEN, START, counts, policies

COUNTS = counts(10, 200)
SHARES = COUNTS / 200.0
NAMES = ("a", "b", "c")
COLUMNS = {
    "round": list(range(10)),
    **{name: SHARES[:, i].tolist() for i, name in enumerate(NAMES)},
}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def read(source, n=None, quantity="shares", response=None):
    logs, shape = logs_of(source, Reading(n, quantity, response))
    assert shape == ()
    return logs[0]


def csv(rows):
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    return "\n".join(lines) + "\n"


def files(folder):
    """The same log in every kind of file."""
    (folder / "log.csv").write_text(csv(ROWS))
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (folder / "records.json").write_text(json.dumps(ROWS))
    (folder / "columns.json").write_text(json.dumps(COLUMNS))
    (folder / "rows.json").write_text(json.dumps(SHARES.tolist()))
    (folder / "log.csv.gz").write_bytes(gzip.compress(csv(ROWS).encode()))
    np.save(folder / "log.npy", SHARES)
    return sorted(folder.iterdir())


FORMS = {
    "rows": SHARES.tolist(),
    "columns": COLUMNS,
    "records": ROWS,
    "pandas": lambda: pytest.importorskip("pandas").DataFrame(COLUMNS),
    "polars": lambda: pytest.importorskip("polars").DataFrame(COLUMNS),
    "arrow": lambda: pytest.importorskip("pyarrow").table(COLUMNS),
    "one run": [SHARES],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_log(form):
    source = FORMS[form]() if callable(FORMS[form]) else FORMS[form]
    log = read(source, n=200)
    assert log.values == pytest.approx(SHARES, abs=1e-15)
    assert (log.counts == 200).all()
    assert log.first.tolist() == [True, *[False] * 9]
    if form in ("columns", "records", "pandas", "polars", "arrow"):
        assert log.labels == NAMES


def test_every_kind_of_file_is_the_same_log(tmp_path):
    for file in files(tmp_path):
        for path in (file, str(file)):
            assert read(path, n=200).values == pytest.approx(SHARES, abs=1e-15), file


@pytest.mark.parametrize("whole", [COUNTS, COUNTS.tolist(), COUNTS.astype(float)])
def test_counts_need_no_n(whole):
    log = read(whole)
    assert log.values.tolist() == SHARES.tolist()
    assert (log.counts == 200).all()
    assert (read(whole, n=200).counts == 200).all()


def test_a_trajectory_is_exact():
    orbit = GOLDEN.run(START, rounds=9)
    log = read(orbit)
    assert log.exact
    assert log.logits == pytest.approx(orbit.logits, abs=1e-15)
    assert read([orbit, orbit]).first.sum() == 2


def test_n_may_differ_between_rounds():
    n = np.arange(100, 110)
    shares = np.array(
        [np.random.default_rng(t).multinomial(n[t], [0.5, 0.3, 0.2]) for t in range(10)]
    )
    log = read(shares)
    assert log.counts.tolist() == n.tolist()
    given = read(shares / n[:, None], n=n)
    column = read({**dict(zip(NAMES, (shares / n[:, None]).T, strict=True)), "n": n})
    assert given.counts.tolist() == column.counts.tolist() == n.tolist()


def test_runs_by_column_and_by_list(tmp_path):
    rows = [{"run": run, **row} for run in ("x", "y") for row in ROWS]
    (tmp_path / "log.csv").write_text(csv(rows))
    (tmp_path / "one.csv").write_text(csv(ROWS))
    for source in (
        tmp_path / "log.csv",
        rows,
        [tmp_path / "one.csv"] * 2,
        [SHARES, SHARES],
        [ROWS, ROWS],
    ):
        log = read(source, n=200)
        assert np.flatnonzero(log.first).tolist() == [0, 10]
        assert log.values == pytest.approx(np.concatenate([SHARES, SHARES]))


def test_runs_are_aligned_by_the_names_of_responses():
    turned = {name: COLUMNS[name] for name in ("c", "round", "a", "b")}
    log = read([COLUMNS, turned], n=200)
    assert log.labels == NAMES
    assert log.values[10:] == pytest.approx(log.values[:10])


def test_loops_by_column_and_by_mapping(tmp_path):
    rows = [{"loop": loop, **row} for loop in ("x", "y") for row in ROWS]
    for source in (rows, {"x": SHARES, "y": ROWS}, {"x": [SHARES], "y": SHARES}):
        logs, shape = logs_of(source, Reading(200, "shares", None))
        assert shape == (2,)
        assert [log.name for log in logs] == ["x", "y"]
        assert [log.rounds for log in logs] == [10, 10]
    logs, _ = logs_of({"x": SHARES, "y": SHARES}, Reading({"x": 200, "y": 1000}, "shares", None))
    assert [log.counts[0] for log in logs] == [200, 1000]


def test_one_number_a_round():
    for source in (SHARES[:, 0], SHARES[:, :1], {"round": range(10), "a": SHARES[:, 0]}):
        log = read(source, n=200, quantity="share")
        assert log.values[:, 0].tolist() == SHARES[:, 0].tolist()
    log = read(ROWS, n=200, quantity="share", response="b")
    assert log.values[:, 0].tolist() == SHARES[:, 1].tolist()
    assert log.labels == ("b",)
    several = {"x": SHARES[:, 0].tolist(), "y": SHARES[:, 1].tolist()}
    logs, shape = logs_of(several, Reading(200, "share", None))
    assert shape == (2,)
    assert logs[1].values[:, 0].tolist() == SHARES[:, 1].tolist()


@pytest.mark.parametrize("runs", [3, 5])
def test_averages_of_runs_are_refused(runs):
    several = np.mean([counts(10, 200, seed) / 200.0 for seed in range(runs)], axis=0)
    told = rf"in steps of 1/\(200×{runs}\), as averages of {runs} runs have; give each run"
    with pytest.raises(ValueError, match=told):
        asim.diagnose(several, 200)
    assert read(several, n=200 * runs).rounds == 10


@pytest.mark.parametrize("digits", [2, 3, 6])
def test_rounded_shares_are_no_averages(digits):
    assert read(np.round(counts(10, 70) / 70.0, digits), n=70).rounds == 10
    assert read(SHARES_OF_99, n=100).rounds == 12


LATE = {**COLUMNS, "round": [0, 1, 2, 4, *range(5, 11)]}
SEVEN = np.random.default_rng(0).dirichlet(np.ones(7), 10)
COLLAPSED = np.tile([0.98, 0.01, 0.01], (10, 1))
ZERO = np.array([[0.5, 0.5, 0.0], *[[0.4, 0.3, 0.3]] * 9])

REFUSED = [
    (SHARES[:7], 200, {}, "log has 7 rounds; log 1 more: fewer than 8 tell nothing"),
    ([SHARES[:4], SHARES[:4]], 200, {}, "log has 8 rounds in 2 runs; log 1 more"),
    (np.ones((10, 1)), 200, {}, "has one column, 'response 0'; give the shares of all responses"),
    (SEVEN, np.inf, {}, "has 7 responses; all shares are fitted up to 6"),
    (ZERO, np.inf, {}, "share of 0 for 'response 2' in row 0, which no exact"),
    (0.9 * SHARES, 200, {}, "shares that sum to 0.9 in row 0; give the shares of all responses"),
    (SHARES.round(2) + 0.001, np.inf, {}, "in row 0; give all digits"),
    (SHARES - 0.5, 200, {}, "has a share of"),
    (SHARES, None, {}, "n is missing, and shares do not tell how many samples they are of; give"),
    (COLLAPSED, 100, {}, "has a mean share of 0.980 for 'response 0': collapsed"),
    (LATE, 200, {}, "log has rounds that are not consecutive: 2 is followed by 4; log every round"),
    (GOLDEN.run(START, rounds=20, keep=2), None, {}, "not consecutive: 0 is followed by 2"),
    (GOLDEN.run(START, rounds=20), 100, {}, "n is 100, but a trajectory is exact; leave it out"),
    (COUNTS, 100, {}, "n is 100, but the counts of row 0 sum to 200; leave it out for counts"),
    (SHARES, 0, {}, "n[0] is 0; it must be at least 1"),
    (SHARES, "many", {}, "n is 'many'; give a number, or inf for exact"),
    (SHARES, [10, 20], {}, "n has shape (2,); give one number, or one a round (10)"),
    ({}, 100, {}, "log is an empty mapping"),
    (SHARES, 200, {"quantity": "votes"}, "quantity is 'votes'; known: 'entropy', 'margin'"),
    (SHARES, 200, {"response": "a"}, "response is 'a', but all shares are fitted"),
    (SHARES[:, 0], None, {"quantity": "share"}, "n is missing, and a share does not tell how many"),
    (SHARES[:, 0], 10, {"quantity": "entropy"}, "n is given, but the noise of"),
    (SHARES, 200, {"quantity": "share"}, "log has columns 'response 0', 'response 1', 'response"),
    (np.ones(10), None, {"quantity": "margin"}, "holds 1 in every round; a loop at rest"),
    (3 * SHARES[:, 0], 10, {"quantity": "win rate"}, "a win rate lies in [0, 1]"),
    ({**COLUMNS, "a": ["x"] * 10}, 200, {}, "column 'a' holds 'x', not a finite number"),
    ({**COLUMNS, "a": [0.5]}, 200, {}, "column 'round' has 10 entries and 'a' 1"),
    (SHARES, 200, {"P": np.full((4, 4), 0.5)}, "P has shape (4, 4), and the log has 3 responses"),
    (SHARES, 200, {"P": np.full((3, 3), 0.5), "loop": GOLDEN}, "P is given, and loop has one too"),
    (SHARES, 200, {"loop": GOLDEN.replace(beta=[1.0, 2.0])}, "loop is a batch of shape"),
    (SHARES, 200, {"reference": [0.5, 0.5]}, "reference has 2 responses"),
    (SHARES[:, 0], 200, {"quantity": "share", "P": np.eye(3)}, "P is given, but a log of one"),
    ([SHARES, policies(10)[:, :2]], 200, {}, "has runs with responses"),
    ([GOLDEN.run(START, rounds=9), SHARES], 200, {}, "mixes exact runs with sampled ones"),
    ("absent.csv", 200, {}, "absent.csv: no such file"),
    (None, 200, {}, "log has dtype object"),
]  # fmt: skip


@pytest.mark.parametrize(("log", "n", "options", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_say_what_to_give_instead(log, n, options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        asim.diagnose(log, n, **options)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_map_that_is_none():
    with pytest.raises(TypeError, match="loop is of type int"):
        asim.diagnose(SHARES, 200, loop=3)


def test_a_failed_trajectory_says_why():
    P = np.array([[0.5, 1.0], [0.0, 0.5]])
    orbit = asim.FeedbackMap(P, beta=1e300, alpha=1.0).run([0.5, 0.5], rounds=20)
    assert orbit.failed
    with pytest.raises(ValueError, match="log failed: "):
        asim.diagnose(orbit)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"counts", "matrices", "payoffs"}))
def test_votes_and_ratings_are_no_log_even_if_they_are_numbers(tmp_path, name):
    path = tmp_path / f"file{FORMATS[name].suffix}"
    path.write_text(FORMATS[name].example, encoding="utf-8")
    with pytest.raises(FileFormatError, match=f"holds {FORMATS[name].gives}, not the log"):
        asim.diagnose(path, n=np.inf)


def test_numbers_of_winners_and_losers_are_no_shares(tmp_path):
    path = tmp_path / "votes.csv"
    rows = [f"{i % 3},{(i + 1) % 3}" for i in range(40)]
    path.write_text("\n".join(["winner,loser", *rows]), encoding="utf-8")
    with pytest.raises(FileFormatError, match="holds votes, not the log of a loop"):
        asim.diagnose(path, n=np.inf)
