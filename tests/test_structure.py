"""The layout holds: who imports whom, how long files are, who may know an objective's name."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "alignsim"

LONGEST_FILE = 450
"""Lines."""

ORDER = (
    ("kernels",),
    (
        "_version",
        "batching",
        "codes",
        "parameters",
        "errors",
        "listing",
        "notebook",
        "progress",
        "simplex",
        "summary",
        "validation",
        "writing",
    ),
    ("preferences",),
    ("data",),
    ("objectives",),
    ("feedback", "methods"),
    ("analysis",),
    ("reports",),
    ("sweeps",),
    ("experiments",),
    ("plotting",),
    ("claims",),
    ("explorer",),
    ("cli",),
)
"""Rooms and single files, from the ground up: each imports what stands before it, and itself."""

ANALYSIS = (
    ("results", "evidence"),
    ("equilibria",),
    ("collapse", "bifurcations", "orbits"),
)
"""The same within ``analysis``."""

LEVELS = {name: level for level, names in enumerate(ORDER) for name in names}
ANALYSIS_LEVELS = {name: level for level, names in enumerate(ANALYSIS) for name in names}

NAMES_UPWARD: set[tuple[str, str]] = set()
"""Imports for types only (``if TYPE_CHECKING``) that look up: (importer, imported)."""

NAMELESS = ("analysis", "sweeps", "reports", "plotting", "experiments")
"""Rooms that ask an objective for its facts, never for its name."""

RIDDLES = ("cellar", "so many ", "of which each", "what is told", "is told of")
"""Phrases that nobody who uses the package should have to read."""

READ_BY_USERS = ("README.md", "CHANGELOG.md", "docs/*.md", "notebooks/*.ipynb", "benchmarks/*.md")


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_name(path):
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def test_there_are_files():
    assert len(FILES) > 100
    assert {name.split(".")[1] for name in FILES if "." in name} - {"__main__"} <= set(LEVELS)


def for_types_only(path):
    """Return the statements under ``if TYPE_CHECKING``, all levels deep."""
    blocks = [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    return {id(inner) for block in blocks for part in block.body for inner in ast.walk(part)}


@cache
def imports(name):
    """Return what a module imports, wherever in it: {(module, for types only)}."""
    path = FILES[name]
    typed = for_types_only(path)
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [each if each in FILES else node.module for each in whole]
        else:
            continue
        found |= {(t, id(node) in typed) for t in targets if t.split(".")[0] == "alignsim"}
    return frozenset(found)


def level(name, levels=LEVELS):
    """Return how high a module stands; None for the face of the package."""
    parts = name.split(".")
    return levels[parts[1]] if len(parts) > 1 else None


@pytest.mark.parametrize("name", [n for n in FILES if n.count(".") >= 1])
def test_nothing_imports_what_stands_above_it_nor_the_face_of_the_package(name):
    wrong = []
    for target, typed in imports(name):
        if name == "alignsim.__main__":
            continue
        if target == "alignsim":
            wrong.append("the face of the package")
        elif level(target) > level(name) and not (typed and (name, target) in NAMES_UPWARD):
            wrong.append(target)
        elif (level(target) == level(name)) and target.split(".")[1] != name.split(".")[1]:
            ground = level(name) == LEVELS["simplex"]
            wrong += [] if ground else [f"{target}, beside it"]
    assert not wrong, f"{name} imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("alignsim.analysis.")])
def test_within_the_analysis_too(name):
    def floor(module):
        return ANALYSIS_LEVELS[module.split(".")[2]]

    inside = [t for t, _ in imports(name) if t.startswith("alignsim.analysis.")]
    wrong = [t for t in inside if floor(t) > floor(name)]
    assert not wrong, f"{name} imports {', '.join(sorted(wrong))}"
    assert "alignsim.analysis" not in {t for t, _ in imports(name)}, f"{name} imports its own room"


def test_no_two_files_import_each_other():
    """However long the way round, and wherever the imports stand."""
    graph = {n: {t for t, typed in imports(n) if t in FILES and not typed} - {n} for n in FILES}
    for name in graph:  # a folder's face re-exports its files; they may not ask the face
        graph[name] = {t for t in graph[name] if t != "alignsim"}
    while True:
        leaves = {name for name, targets in graph.items() if not targets}
        if not leaves:
            break
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    while True:  # what nothing in a circle imports
        wanted = set().union(*graph.values()) if graph else set()
        if wanted >= set(graph):
            break
        graph = {name: targets & set(graph) for name, targets in graph.items() if name in wanted}
    assert not graph, f"these import one another: {sorted(graph)}"


def test_the_upward_names_are_still_needed():
    assert {
        (name, target)
        for name in FILES
        if name.count(".") >= 1
        for target, typed in imports(name)
        if typed and target != "alignsim" and level(target) > level(name)
    } == NAMES_UPWARD


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_too_long(name):
    lines = len(FILES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{name} has {lines} lines"


def names_an_objective(node):
    """Return whether an expression is an objective's name or where it is kept."""
    if isinstance(node, ast.Constant):
        return node.value in ("ipo", "dpo", "IPO", "DPO")
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(names_an_objective, node.elts))
    return isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).endswith("objective")


@pytest.mark.parametrize(
    "name", [n for n in FILES if n.split(".")[1:2] and n.split(".")[1] in NAMELESS]
)
def test_nobody_above_asks_for_the_name_of_an_objective(name):
    """A theorem is a fact that the objective declares; ``is None`` and the like are no names."""
    asked = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree(FILES[name]))
        if isinstance(node, ast.Compare)
        and any(map(names_an_objective, [node.left, *node.comparators]))
        and not any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
    ]
    asked += [
        f"line {node.lineno}: {ast.unparse(node)[:60]}"
        for node in ast.walk(tree(FILES[name]))
        if isinstance(node, ast.Dict) and any(k and names_an_objective(k) for k in node.keys)
    ]
    assert not asked, f"{name}: {'; '.join(asked)}"


def test_the_tests_mirror_the_package():
    """A folder of tests a room; a file of tests is that of a module, or of the whole room."""
    rooms = {path.parent.relative_to(PACKAGE) for path in FILES.values()} - {Path()}
    untested = [
        str(room)
        for room in rooms
        if room != Path("cli") and not any((ROOT / "tests" / room).glob("test_*.py"))
    ]
    assert not untested, f"no tests of {', '.join(sorted(untested))}"
    homeless = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.parent.relative_to(ROOT / "tests")
        not in {Path(), Path("fuzz"), Path("oracles"), *rooms}
    ]
    assert not homeless, f"no room of {', '.join(homeless)}"


def texts(path):
    """Return the strings of a file, docstrings and messages, with their lines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def riddles(text):
    flat = " ".join(text.lower().split()) + " "
    return [phrase for phrase in RIDDLES if re.search(rf"\b{re.escape(phrase)}", flat)]


@pytest.mark.parametrize("name", FILES)
def test_no_riddles_in_docstrings_and_messages(name):
    found = [f"line {line}: {riddles(text)}" for line, text in texts(FILES[name]) if riddles(text)]
    assert not found, f"{name}: {'; '.join(found)}"


@pytest.mark.parametrize("pattern", READ_BY_USERS)
def test_no_riddles_on_pages(pattern):
    pages = sorted(ROOT.glob(pattern))
    assert pages, f"no pages {pattern}"
    for page in pages:
        assert not riddles(page.read_text(encoding="utf-8")), page.name
