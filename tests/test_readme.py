"""README and pages are run, and their numbers are those that scripts measured and stored."""

import contextlib
import hashlib
import io
import operator
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import alignsim as asim
from docs import names
from figures import readme

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SHELL = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)

GENERATED = {"hanna", "names", "theory"}
PAGES = {
    path.stem: path
    for path in (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.stem not in GENERATED | {"architecture"}  # whose code tests/test_recipe.py runs
}
"""What is written by hand for the site, by name."""

CODE = re.compile(r"^```(python|\{code-cell\}|bash)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
"""Blocks of code of a page, in order."""


def text(name):
    """Return a page of the site."""
    return PAGES[name].read_text(encoding="utf-8")


UNMEASURED = {
    "3.11", "2.0",  # a version, a licence
    "20",  # in advise(P, eta=20), an example
    "72",  # how long a subject may be
}  # fmt: skip
"""Numbers of pages outside of their blocks that nobody measures."""


def test_python_blocks_run_and_print_what_their_comment_says(tmp_path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n".join(BLOCKS), "README.md", "exec"), {})
    radius, phase = printed.getvalue().strip().split(" ", 1)
    (said,) = re.findall(r"print\(.*# (.*)", "\n".join(BLOCKS))
    assert said == f"{float(radius):.2f}, {phase}"


def test_commands_on_own_data_run(tmp_path, monkeypatch):
    from alignsim.cli import app

    monkeypatch.chdir(tmp_path)
    lines = [line for line in SHELL[-1].splitlines() if line.startswith(("echo ", "alignsim "))]
    assert len(lines) == 3
    for line in lines:
        name, *words = shlex.split(line)
        if name == "echo":
            text, _, path = words
            Path(path).write_text(text, encoding="utf-8")
        else:
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, result.output


@pytest.fixture
def tables():
    """Tables of the package to which pages add a line, as they were before."""
    from alignsim.feedback.methods.catalogue import METHODS
    from alignsim.objectives import OBJECTIVES

    kept = [(table, dict(table)) for table in (METHODS, OBJECTIVES, asim.data.FORMATS)]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)


@pytest.mark.parametrize("name", [name for name in PAGES if CODE.search(text(name))])
def test_the_code_of_a_page_runs(name, tmp_path, monkeypatch, tables):
    """Python in one namespace, commands in between, all in an empty folder."""
    import matplotlib.pyplot as plt

    from alignsim.cli import app

    plt.switch_backend("Agg")
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page"}
    for language, code in CODE.findall(text(name)):
        if language != "bash":
            exec(compile(re.sub(r"^:.*\n", "", code, flags=re.MULTILINE), name, "exec"), space)
            continue
        for line in code.splitlines():
            program, *words = shlex.split(line)
            if program == "alignsim":
                result = CliRunner().invoke(app, words)
                assert result.exit_code == 0, (line, result.output)
            if program == "python" and words[0] != "-m":
                assert (ROOT / words[0]).is_file(), line
    plt.close("all")


def test_every_command_of_the_readme_is_known():
    from typer.main import get_command

    from alignsim.cli import app

    quoted = re.findall(r"`(alignsim [^`]+)`", README)
    named = set(re.findall(r"\balignsim ([a-z][a-z-]+)", "\n".join(SHELL + quoted)))
    assert named
    assert named <= set(get_command(app).commands)


def test_every_name_of_the_readme_exists():
    names = set(re.findall(r"`asim\.([\w.]+)", README))
    assert len(names) > 10
    for name in names:
        operator.attrgetter(name)(asim)


def test_links_and_figures_exist():
    """Links that begin with a slash start at the repository; the site makes two of its folders."""
    for path in (ROOT / "README.md", ROOT / "docs" / "architecture.md", *PAGES.values()):
        links = re.findall(r"\]\((?!https|#)([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
        for link in set(links) - {"/reference/index.rst", "/gallery/index.rst"}:
            there = ROOT / link[1:] if link[0] == "/" else path.parent / link
            assert there.exists(), (path.name, link)


def test_architecture_names_every_file_of_the_analysis_and_of_the_ground():
    package = ROOT / "alignsim"
    named, folder = {}, ""
    for row in re.findall(
        r"^\|\s*(`\w+/`)?\s*\| [^|]*\? \| ([^|]*) \| [^|]* \|$", ARCHITECTURE, re.MULTILINE
    ):
        folder = row[0].strip("`/") or folder
        named.setdefault(folder, set()).update(re.findall(r"`(\w+)`", row[1]))
    assert set(named) == {p.parent.name for p in (package / "analysis").glob("*/__init__.py")}
    for folder, files in named.items():
        there = {path.stem for path in (package / "analysis" / folder).glob("*.py")}
        assert files - {"classify"} == there - {"__init__"}
    (ground,) = re.findall(r"^\| ground \| (.*?) \|", ARCHITECTURE, re.MULTILINE)
    there = {path.name for path in package.glob("*.py") if not path.name.startswith("_")}
    assert set(re.findall(r"`(\w+\.py)`", ground)) == there


def test_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_blocks_are_made_of_stored_numbers():
    """A number that is edited by hand, here or in docs/hanna.md, fails."""
    numbers = readme.stored()
    assert readme.rendered(README, numbers) == README
    assert readme.HANNA.read_text(encoding="utf-8") == readme.hanna_page(numbers)
    assert {found[2] for found in readme.BLOCK.finditer(README)} == set(readme.TEXTS)


def test_a_block_is_written_anew_from_its_numbers():
    numbers = readme.stored()
    edited = README.replace(f"{numbers['tongues']['points']:,} points", "12 points")
    assert edited != README
    assert readme.rendered(edited, numbers) == README


@pytest.mark.parametrize("name", ["README", "architecture", *PAGES])
def test_no_number_was_typed(name):
    """Outside of the blocks there is no measurement; symbols such as λ = 1 and K = 4 may stay."""
    page = {"README": README, "architecture": ARCHITECTURE}.get(name) or text(name)
    page = re.sub(r"\A---\n.*?^---\n", "", page, flags=re.DOTALL | re.MULTILINE)
    prose = readme.BLOCK.sub("", page)
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", prose, flags=re.DOTALL)
    prose = re.sub(r"^(\d\.|\| \d \|)", " ", prose, flags=re.MULTILINE)  # of lists and floors
    prose = re.sub(r"theory \d[\d.]*(, \d[\d.]*)*|\w [=<>] [01]\b", " ", prose)
    prose = re.sub(r"[\w)] [−+-] 1\b|\b1( [−+-] |/)\w", " ", prose)
    prose = re.sub(r"\b(19|20)\d\d\b|\b\d{4}\.\d{5}\b", " ", prose)  # of papers
    numbers = set(re.findall(r"\d+(?:[.,]\d+)*", prose))
    assert numbers <= UNMEASURED


def test_numbers_say_how_they_were_made(data):
    """One draw is made again."""
    numbers = readme.stored()
    made = numbers["hanna"]["made"]
    path = data / "hanna_ratings.csv"
    assert made["data_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    ratings = asim.data.read_ratings(path)
    P = ratings.matrices(subsets=4, rounding="nearest", rng=made["seeds"][-1])[4].P
    assert len(P) == numbers["hanna"]["matrices"]
    for name, mask in asim.experiments.split_classes(P).items():
        assert numbers["hanna"]["count"][name][-1] == mask.sum()
    strength = asim.FeedbackMap(P[asim.experiments.split_classes(P)["cyclic"]], alpha=0.9,
                                beta=10.0).run(rounds=made["rounds"], keep="last")  # fmt: skip
    place = readme.ALPHAS.index(0.9), readme.SIGNALS.index(10.0)
    kept = np.array(numbers["hanna"]["cycle_strength"][-1])[place]
    assert strength.cycle_strength.mean() == pytest.approx(kept, rel=1e-3)


def test_words_about_hanna_that_are_not_so_are_refused():
    numbers = readme.stored()
    hanna = numbers["hanna"] | {"largest_fall": 0.01}
    with pytest.raises(ValueError, match="cycle strength never falls with βλ"):
        readme.hanna_page(numbers | {"hanna": hanna})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.0], "1"),
        ([0.452, 0.466], "0.459 ± 0.007"),
        ([775.0, 799.0, 781.0], "785 ± 7"),
        ([16_808.0, 16_650.0], "16,729 ± 79"),
        ([3e-5, 3.2e-5], "0"),
        ([1.3862, 1.38621], "1.3862"),
    ],
)
def test_errors_are_over_draws(values, text):
    assert readme.plus_minus(values) == text


def test_list_of_public_names_is_current():
    assert (ROOT / "docs" / "names.md").read_text(encoding="utf-8") == names.page()
