"""The table of objectives, and the page that says where every system is."""

import re
from pathlib import Path

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.objectives import OBJECTIVES, Facts
from alignsim.objectives.contract import FORMS
from alignsim.objectives.naming import FACTS

PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")

PLANNED = {
    "ipo", "dpo", "psi", "rlhf", "preference_matching", "cdpo", "robust_dpo", "dpo_sft",
    "stable_preference", "exo", "xpo", "slic", "curation", "simpo", "alpha_dpo", "orpo", "kto",
    "two_gain",
}  # fmt: skip


def test_the_table_has_every_objective_with_all_that_is_known():
    table = asim.objectives_table()
    assert table.names == list(OBJECTIVES)
    for row, of in zip(table.rows(), OBJECTIVES.values(), strict=True):
        assert row["name"] == of.name
        assert row["class"] == f"{of.form}: {FORMS[of.form]}"
        assert row["source"]
        assert row["optimum"].endswith(".")
        for name in of.options():
            assert name in row["parameters"]
        known = set() if row["proved"] == "nothing" else set(row["proved"].split(", "))
        assert known == {FACTS[fact] for fact in of.facts.sources()}
    told = str(table)
    assert "psi(odds_smoothing=0)" in told
    assert "rlhf(rewards)" in told
    assert repr(table).startswith(f"{len(OBJECTIVES)} objectives")


def test_every_fact_has_words():
    assert set(FACTS) == set(Facts.__dataclass_fields__)


def test_the_page_places_every_objective_once():
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| ([abc]) \|", PAGE, flags=re.MULTILINE)
    classes = dict(rows)
    assert len(rows) == len(classes)
    assert set(classes) == PLANNED
    assert set(OBJECTIVES) <= PLANNED
    for name, of in OBJECTIVES.items():
        assert classes[name] == of.form, name


def test_the_page_names_what_exists():
    """And nothing of unknown formula has its name in a table."""
    known = {"two_gain", *PLANNED, *METHODS}
    known |= {alias.name for method in METHODS.values() for alias in method.aliases}
    for name in re.findall(r"the method[s]? `(\w+)`|method\n  `(\w+)`", PAGE):
        assert (name[0] or name[1]) in known
    for taboo in ("sgdpo", "dmpo", "spo", "aspo"):
        assert taboo not in OBJECTIVES
        assert taboo not in METHODS
    for name in re.findall(r"`asim\.(\w+)", PAGE):
        assert hasattr(asim, name)
