"""Walk the checklist of a release, and say what is not yet right. Nothing is uploaded.

    python docs/release.py            all of it; the tests take as long as they take
    python docs/release.py --quick    of the tests, those of the import alone

Needs git and the registry of Python packages. When all is right: set the tag, push it, and upload
what lies in build/release/dist.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "release"

SHIPPED = ("alignsim/", "tests/", "benchmarks/", "docs/", "figures/", "notebooks/")
"""Folders of the sdist; of the wheel the first alone."""

BESIDE = (
    "README.md",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "conftest.py",
    "pyproject.toml",
)
"""Single files of the sdist."""

Faults = list[str]


def version_faults(version: str, citation: str, changelog: str) -> Faults:
    """Return where CITATION.cff or CHANGELOG.md do not tell of the version, released on one day."""
    faults = []
    cited = dict(re.findall(r"^(version|date-released): (\S+)$", citation, re.MULTILINE))
    if cited.get("version") != version:
        faults.append(
            f"CITATION.cff is of version {cited.get('version')}, the package of {version}"
        )
    heading = re.search(r"^## (\S+) \((.+)\)$", changelog, re.MULTILINE)
    if heading is None or heading[1] != version:
        faults.append(f"CHANGELOG.md does not begin with a section '## {version} (DATE)'")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]):
        faults.append(f"CHANGELOG.md says of {version} '{heading[2]}'; give it the date")
    elif heading[2] != cited.get("date-released"):
        faults.append(f"CHANGELOG.md says {heading[2]}, CITATION.cff {cited.get('date-released')}")
    return faults


def tag_faults(tag: str, commit_of_tag: str | None, head: str, changed: str) -> Faults:
    """Return what is wrong with the checkout: uncommitted changes, or a tag of another commit."""
    faults = [f"not committed: {line.strip()}" for line in changed.splitlines()]
    if commit_of_tag not in (None, head):
        faults.append(f"the tag {tag} is of another commit")
    return faults


def wheel_faults(names: Iterable[str], tracked: Iterable[str]) -> Faults:
    """Return which tracked files of the package a wheel lacks, and what it should not have."""
    names = set(names)
    package = {name for name in tracked if name.startswith(SHIPPED[0])}
    info = {name for name in names if re.match(r"alignsim-[^/]+\.dist-info/", name)}
    faults = [f"the wheel lacks {name}" for name in sorted(package - names)]
    faults += [f"the wheel should not have {name}" for name in sorted(names - package - info)]
    for needed in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        if not any(name.endswith(f".dist-info/{needed}") for name in info):
            faults.append(f"the wheel lacks {needed}")
    return faults


def sdist_faults(names: Iterable[str], tracked: Iterable[str]) -> Faults:
    """Return which tracked files an sdist lacks, and what it should not have."""
    names = {name.partition("/")[2] for name in names}
    wanted = {name for name in tracked if name.startswith(SHIPPED) or name in BESIDE}
    faults = [f"the sdist lacks {name}" for name in sorted(wanted - names)]
    extra = names - wanted - {"PKG-INFO", ".gitignore"}
    return faults + [f"the sdist should not have {name}" for name in sorted(extra)]


def git(*words: str) -> str | None:
    """Return what git says, None if it fails."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip("\n") if done.returncode == 0 else None


def environment(name: str) -> Path:
    """Make a bare environment and return its Python."""
    folder = FOLDER / name
    venv.create(folder, with_pip=True, clear=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def run(*words: object, cwd: Path) -> Faults:
    """Run a program, and return what it said if it failed."""
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(word) for word in words]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**bare, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    return [f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}"]


def built() -> tuple[Faults, Path | None, Path | None]:
    """Build the sdist, and the wheel from it; return them."""
    dist = FOLDER / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    python = environment("building")
    faults = run(python, "-m", "pip", "install", "-q", "build", cwd=FOLDER)
    faults = faults or run(python, "-m", "build", "--outdir", dist, ROOT, cwd=FOLDER)
    if faults:
        return faults, None, None
    return [], next(dist.glob("*.whl")), next(dist.glob("*.tar.gz"))


def install_faults(wheel: Path, sdist: Path, *, quick: bool) -> Faults:
    """Return what fails of the README's two commands in a bare environment, from these files."""
    empty = FOLDER / "empty"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir(parents=True)
    python = environment("bare")
    faults = run(python, "-m", "pip", "install", "-q", wheel, cwd=empty)
    faults = faults or run(python.with_name("alignsim"), "phase-diagram", cwd=empty)
    if not faults and not (empty / "phase-diagram.png").stat().st_size:
        faults = ["alignsim phase-diagram drew an empty picture"]
    if faults:
        return faults
    with tarfile.open(sdist) as archive:
        archive.extractall(empty, filter="data")
    source = empty / sdist.name.removesuffix(".tar.gz")
    tests = ["tests/test_import.py"] if quick else ["-n", "auto"]
    faults = run(python, "-m", "pip", "install", "-q", ".[test]", cwd=source)
    return faults or run(python, "-m", "pytest", *tests, cwd=source)


def main() -> int:
    """Return the number of steps of the checklist that are not yet right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="run few of the tests")
    quick = parser.parse_args().quick
    FOLDER.mkdir(parents=True, exist_ok=True)
    version = re.findall(
        r'__version__ = "(.+)"', (ROOT / "alignsim" / "_version.py").read_text("utf-8")
    )[0]
    citation, changelog = (
        (ROOT / name).read_text("utf-8") for name in ("CITATION.cff", "CHANGELOG.md")
    )
    tracked = (git("ls-files") or "").splitlines()
    head, changed = git("rev-parse", "HEAD") or "", git("status", "--porcelain") or ""
    tagged = git("rev-parse", "-q", "--verify", f"v{version}^{{commit}}")

    wrong = _told("version, changelog, citation", version_faults(version, citation, changelog))
    wrong += _told(f"checkout and tag v{version}", tag_faults(f"v{version}", tagged, head, changed))
    faults, wheel, sdist = built()
    wrong += _told("wheel and sdist are built", faults)
    if wheel and sdist:
        with zipfile.ZipFile(wheel) as archive:
            wrong += _told("contents of the wheel", wheel_faults(archive.namelist(), tracked))
        with tarfile.open(sdist) as archive:
            wrong += _told("contents of the sdist", sdist_faults(archive.getnames(), tracked))
        faults = install_faults(wheel, sdist, quick=quick)
        wrong += _told("both commands in a bare environment", faults)
    print("Ready." if not wrong else f"{wrong} steps are not yet right.")
    return wrong


def _told(step: str, faults: Faults) -> int:
    """Print a step and its faults; return whether there are any."""
    print(f"[{'ok' if not faults else '--'}] {step}", *faults, sep="\n     ", flush=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
