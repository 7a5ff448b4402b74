"""Build the documentation site; any warning is an error.

    pip install ".[docs]" && python docs/build.py

writes build/site/html/index.html. Pages with code are run, later only those whose code has changed;
the notebooks are shown as they are stored. With --fresh everything is built anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
SOURCE = SITE / "source"
HTML = SITE / "html"

COPIED = ("docs", "notebooks", "benchmarks", "figures", "README.md", "CHANGELOG.md",
          "CONTRIBUTING.md", "CITATION.cff", "LICENSE")  # fmt: skip
"""What pages are made of or link to; laid out as in the repository, so that links hold in both."""

STARTUP = """\
import sys
sys.path.insert(0, {docs!r})
import both_themes
both_themes.install()
"""
"""What the kernel of an executed page does first."""


def lay_out() -> None:
    """Copy the sources to build/site/source, and generate the pages of the reference there."""
    from docs import reference

    for name in COPIED:
        here, there = ROOT / name, SOURCE / name
        if here.is_dir():
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            SOURCE.mkdir(parents=True, exist_ok=True)
            shutil.copy2(here, there)
    (SOURCE / "docs" / "index.md").replace(SOURCE / "index.md")
    reference.write(SOURCE / "reference")
    profile = SITE / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True, exist_ok=True)
    startup = STARTUP.format(docs=str(ROOT / "docs"))
    (profile / "startup" / "figures.py").write_text(startup, encoding="utf-8")
    quiet = "get_config().Application.log_level = 40\n"
    (profile / "ipython_kernel_config.py").write_text(quiet, encoding="utf-8")


def build() -> int:
    """Return the exit code of Sphinx; 0 if there was no warning."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "IPYTHONDIR": str(SITE / "ipython"),
    }
    environment.pop("MPLBACKEND", None)  # kernels draw in the page, the gallery into files
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto"]
    folders = ["-c", str(SOURCE / "docs"), "-d", str(SITE / "doctrees"), str(SOURCE), str(HTML)]
    command = [*sphinx, "-b", "html", *folders]
    return subprocess.run(command, env=environment, check=False).returncode


def check() -> list[str]:
    """Return what is wrong with the reference: public names that it lacks or has twice."""
    from sphinx.util.inventory import InventoryFile

    from docs import names

    with (HTML / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda *parts: "/".join(parts))
    found = {name for kind, items in inventory.items() if kind.startswith("py:") for name in items}
    wanted = {f"{room}.{name}" for room, own in names.rooms().items() for name in own}
    return [f"{name} is not in the reference" for name in sorted(wanted - found)]


def main() -> int:
    """Build; return 0 if all went well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--fresh", action="store_true", help="build everything anew")
    if parser.parse_args().fresh:
        shutil.rmtree(SITE, ignore_errors=True)
    sys.path.insert(0, str(ROOT))
    from alignsim import explorer

    lay_out()
    if code := build():
        return code
    (HTML / "explorer").mkdir(exist_ok=True)
    explorer.export(HTML / "explorer" / "index.html")  # one file: it works from disk, too
    if wrong := check():
        print("\n".join(wrong), file=sys.stderr)
        return 1
    print(f"The site is at {HTML / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
