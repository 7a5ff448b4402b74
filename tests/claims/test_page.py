"""The page of the theory is made from the claims, and holds what docstrings cite."""

import re
from pathlib import Path

from alignsim.claims import CLAIMS
from alignsim.claims.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_the_one_that_the_claims_make():
    """Else run: python -m alignsim.claims.page > docs/theory.md."""
    assert (ROOT / "docs/theory.md").read_text(encoding="utf-8") == page()


def test_every_claim_is_there_once():
    for claim in CLAIMS:
        assert page().count(f"- **{claim.name}** ") == 1


def test_every_section_that_a_docstring_cites_is_there():
    headings = set(re.findall(r"^## ([\d.]+)\.", page(), flags=re.MULTILINE))
    headings |= set(re.findall(r"^- \*\*(C\.\d)", page(), flags=re.MULTILINE))
    headings |= {part for claim in CLAIMS for part in claim.section.split(", ")}
    cited = set()
    for path in (ROOT / "alignsim").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        cited |= set(re.findall(r"\b(?:theory|analysis) (C\.\d|\d(?:\.\d)?)\b", text))
    assert len(cited) > 15
    assert {place for place in cited if place not in headings} <= {"3.3"}  # in the text of 3
