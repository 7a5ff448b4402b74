"""Results show themselves in a notebook: escaped, well-formed, from nowhere else, in full."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import alignsim as asim
from alignsim import notebook
from alignsim.summary import Summarised

P = asim.preferences.cyclic(3, advantage=0.3)
LOOP = asim.FeedbackMap(P, beta=8.0, alpha=0.6)

RESULTS = {
    "Trajectory": lambda: LOOP.run([0.8, 0.1, 0.1], rounds=300),
    "batch": lambda: LOOP.broadcast_to((2, 4)).run(rounds=30),
    "failed": lambda: asim.FeedbackMap(P, beta=1e308, alpha=1.0).run(rounds=9),
    "Basins": lambda: asim.basins(asim.FeedbackMap.from_payoffs(np.eye(3), beta=8.0), resolution=6),
    "Orbit": lambda: asim.classify(LOOP.replace(beta=np.linspace(1, 9, 12))),
    "Stability": lambda: asim.stability(LOOP),
    "Advice": lambda: asim.advise(P, eta=20.0),
    "Structure": lambda: asim.preferences.structure(P),
    "Report": lambda: asim.verify("ipo-closed-form", trials=10, progress=False),
    "ClaimResult": lambda: asim.verify("ipo-closed-form", trials=10, progress=False).results[0],
    "Ratings": lambda: asim.data.synthetic_ratings(prompts=4, rng=0),
}


def parsed(result):
    """Return the HTML of a result as a tree: it is well-formed XML too."""
    return ElementTree.fromstring(result._repr_html_())


def told(tree):
    return "".join(part for part in tree.itertext())


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_a_well_formed_table_with_all_lines_of_its_repr(name):
    result = RESULTS[name]()
    tree = parsed(result)
    cells = [[told(cell) for cell in row] for row in tree.find("table")]
    lines = repr(result).splitlines()
    assert told(tree.find("b")) == lines[0]
    assert [re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines[1:]] == cells


@pytest.mark.parametrize("name", RESULTS)
def test_nothing_comes_from_elsewhere_and_nothing_has_a_colour_that_light_or_dark_swallows(name):
    text = RESULTS[name]()._repr_html_()
    assert not re.search(r"(src=|href|url\(|@import|<script|http)", text)
    assert "background:none" in text
    assert set(re.findall(r'(?:stroke|fill)="([^"]+)"', text)) <= {
        "none", "currentColor", "gray", *notebook.COLOURS,
    }  # fmt: skip
    assert len(text) < 60_000


def test_what_people_write_is_escaped():
    class Note(Summarised):
        def _title(self):
            return "<script>alert(1)</script>"

        def _summary(self):
            yield "<b>", "a & b \ud800"

        def _tables(self):
            return [notebook.Table("<i>", ("<u>",), [("</td><script>",)])]

        def _pictures(self):
            return [notebook.Picture("<p>", notebook.lines([[0, 1]], ["<q>"]))]

    text = Note()._repr_html_()
    assert not re.search(r"<(script|b>a|i>|u>|p>|q>)", text.replace("<b>&lt;", ""))
    assert "a &amp; b ?" in text
    text.encode()


def test_an_orbit_shows_its_first_and_its_last_rounds_one_by_one():
    run = RESULTS["Trajectory"]()
    pictures = list(run._pictures())
    assert [picture.caption for picture in pictures] == [
        "policy, 60 frames, rounds 0 to 59", "policy, 60 frames, rounds 241 to 300",
    ]  # fmt: skip
    points = re.findall(r'points="([^"]*)"', pictures[1].svg)
    assert [len(line.split()) for line in points] == [60, 60, 60]
    heights = [float(pair.partition(",")[2]) for pair in points[-1].split()]  # the first, on top
    shown = run.policies[-60:]
    scaled = (shown[:, 0] - shown.min()) / np.ptp(shown)
    np.testing.assert_allclose(1 - np.array(heights) / notebook.HEIGHT, scaled, atol=2e-3)
    assert len(list(LOOP.run(rounds=30)._pictures())) == 1
    assert not list(RESULTS["batch"]()._pictures())


def test_the_shares_of_basins_are_one_bar():
    found = RESULTS["Basins"]()
    (picture,) = found._pictures()
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="14" fill="#', picture.svg)]
    np.testing.assert_allclose(widths, found.share * notebook.WIDTH, atol=0.11)


def test_fields_say_their_type_their_values_and_the_words_of_their_codes():
    tree = parsed(RESULTS["Orbit"]())
    rows = {told(row[0]): row for row in tree.find("details").find("table")[1:]}
    assert told(rows["exponent"][1]) == "float64 (12,)"
    assert "converged" in told(rows["code"][2])
    assert told(rows["stability"][2]) == "Stability of (12,) maps"
    assert rows["entropy_mean"][3].find("svg") is not None


@pytest.mark.parametrize(
    ("values", "bars"),
    [(np.arange(24.0), 24), (np.zeros(9), 0), (np.array([1.0, 2.0]), 0), (np.array(["a"] * 9), 0),
     (np.r_[np.arange(9.0), np.nan, np.inf], 9), (np.full(9, np.nan), 0),
     (np.array([-1e308, 1e308] * 9), 0), (np.repeat([0, 1], 9), 2)],
)  # fmt: skip
def test_a_histogram_counts_what_is_finite(values, bars):
    assert notebook.histogram(values).count("<rect") == bars


def test_a_huge_array_is_not_read():
    big = np.broadcast_to(np.float64(1.0), (10**6, 10**6))
    assert notebook.histogram(big) == ""


def test_print_tells_statement_margin_and_note_of_every_claim_in_full():
    report = RESULTS["Report"]()
    one = replace(report.results[0], statement="s " * 300, note="n " * 200, worst_margin=0.125)
    text = str(replace(report, results=(one, report.results[0])))
    assert text.startswith(repr(replace(report, results=(one, report.results[0]))))
    for part in ("s " * 300, "n " * 200, "0.125", report.results[0].statement):
        assert part.strip() in text
    html = told(parsed(replace(report, results=(one,))))
    assert ("s " * 300).strip() in html
    assert "0.125" in html
    xml = replace(report, results=(one,)).to_junit()
    assert ("s " * 300).strip() in xml
    assert "0.125" in xml


def test_advice_tells_its_warnings_in_full():
    sentence = "Beware of this, " * 20
    advice = replace(RESULTS["Advice"](), warnings=(sentence, "and of that"))
    for text in (repr(advice), str(advice), told(parsed(advice))):
        assert sentence.strip() in text
        assert "and of that" in text
