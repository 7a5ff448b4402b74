"""The release's checklist sees what is wrong, and CITATION.cff is true."""

import re
from pathlib import Path

import pytest

import alignsim as asim
from docs import release

ROOT = Path(__file__).resolve().parents[1]
CITATION = "cff-version: 1.2.0\nversion: 1.2.0\ndate-released: 2026-03-04\n"
CHANGELOG = "# Changelog\n\n## 1.2.0 (2026-03-04)\n\nNews.\n\n## 1.1.0 (2026-01-02)\n"
TRACKED = ["README.md", "alignsim/__init__.py", "alignsim/page.html", "tests/test_a.py", ".ci/run"]
WHEEL = [
    "alignsim/__init__.py",
    "alignsim/page.html",
    "alignsim-1.2.0.dist-info/METADATA",
    "alignsim-1.2.0.dist-info/entry_points.txt",
    "alignsim-1.2.0.dist-info/licenses/LICENSE",
]
SDIST = ["a-1/README.md", "a-1/alignsim/__init__.py", "a-1/alignsim/page.html",
         "a-1/tests/test_a.py", "a-1/PKG-INFO"]  # fmt: skip


def test_what_is_right_passes():
    assert release.version_faults("1.2.0", CITATION, CHANGELOG) == []
    assert release.tag_faults("v1.2.0", None, "abc", "") == []
    assert release.tag_faults("v1.2.0", "abc", "abc", "") == []
    assert release.wheel_faults(WHEEL, TRACKED) == []
    assert release.sdist_faults(SDIST, TRACKED) == []


@pytest.mark.parametrize(
    ("version", "old", "new", "fault"),
    [
        ("1.3.0", "", "", "CITATION.cff is of version 1.2.0, the package of 1.3.0"),
        ("1.2.0", "## 1.2.0", "## 1.1.9", r"does not begin with a section '## 1.2.0 \(DATE\)'"),
        ("1.2.0", "## 1.2.0 (2026-03-04)", "## 1.2.0 (soon)", "'soon'; give it the date"),
        ("1.2.0", "2026-03-04", "2026-03-05", "says 2026-03-05, CITATION.cff 2026-03-04"),
    ],
)  # fmt: skip
def test_versions_and_dates_that_differ_are_told(version, old, new, fault):
    faults = release.version_faults(version, CITATION, CHANGELOG.replace(old, new, 1))
    assert re.search(fault, faults[0])


def test_changes_and_tags_elsewhere_are_told():
    assert release.tag_faults("v1", "abc", "def", " M a.py\n?? b.py") == [
        "not committed: M a.py", "not committed: ?? b.py", "the tag v1 is of another commit",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", range(len(WHEEL)))
def test_what_a_wheel_lacks_is_told(missing):
    (fault,) = release.wheel_faults(WHEEL[:missing] + WHEEL[missing + 1 :], TRACKED)
    assert fault.startswith("the wheel lacks")


def test_what_should_not_be_shipped_is_told():
    assert release.wheel_faults([*WHEEL, "tests/test_a.py"], TRACKED) == [
        "the wheel should not have tests/test_a.py"
    ]
    assert release.sdist_faults([*SDIST[1:], "a-1/.ci/run"], TRACKED) == [
        "the sdist lacks README.md", "the sdist should not have .ci/run",
    ]  # fmt: skip


def test_the_citation_is_of_this_version():
    """What else it should say waits for a release."""
    citation, changelog = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "CHANGELOG.md")
    )
    faults = release.version_faults(asim.__version__, citation, changelog)
    assert [fault for fault in faults if not fault.endswith("give it the date")] == []
