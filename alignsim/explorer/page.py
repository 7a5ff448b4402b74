"""The page as files: one ES module, one style sheet, one HTML document."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path

from numpy.typing import ArrayLike

from alignsim import validation
from alignsim._version import __version__
from alignsim.explorer.examples import examples
from alignsim.explorer.links import opening
from alignsim.explorer.table import objectives, table
from alignsim.writing import beside

MODULES = (
    "schemes",
    "kernels",
    "state",
    "pen",
    "words",
    "panels",
    "backends",
    "controls",
    "lane",
    "view",
)
"""The parts of the module, each after those that it imports."""

SCRIPT = '<script type="module" src="explorer.js"></script>'

IMPORT = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
NO_CODE = re.compile(r"^ *//.*\n|^/\*\*(?:.|\n)*?\*/\n|^ +|\n(?=\n)", re.MULTILINE)
"""Comments on lines of their own, indentation, empty lines: no string of ours holds such."""


def export(
    path: str | Path,
    P: ArrayLike | None = None,
    *,
    labels: list[str] | None = None,
    method: str = "mrs",
    objective: str = "ipo",
    reference: ArrayLike | None = None,
    start: ArrayLike | None = None,
    **parameters: float,
) -> Path:
    """Return where the page was written, which computes in the browser and needs no server.

    It opens with the loop that is given, with rock, paper, scissors if there is none. What orbits
    do over β and λ takes Python, and is computed here for that loop and for the page's examples,
    MRS at its first values; the page shows it where its state is one of these.

    Parameters
    ----------
    path
        A file ``NAME.html``, which holds everything, or a folder, which gets ``index.html``,
        ``explorer.js`` and ``style.css``. A link's fragment picks a state; ``data-theme`` of the
        document, ``"light"`` or ``"dark"``, overrides the system's.
    P : (K, K)
        Preferences, K at most 6.
    labels, method, objective, reference, start, **parameters
        As for :func:`alignsim.explore`; the objective is ``"ipo"``.

    Raises
    ------
    ValueError
        For preferences or parameters that :func:`alignsim.method` refuses, and for loops that
        need Python: other objectives, more responses.

    Examples
    --------
    >>> import tempfile
    >>> from alignsim import explorer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explorer.export(folder + "/page.html", beta=8.0).name
    'page.html'
    """
    from alignsim.explorer import precomputed

    shown = opening(P, labels, method, objective, reference, start, parameters)
    named = precomputed.of_examples()
    if shown.link == opening(None, None, "mrs", "ipo", None, None, {}).link:
        page, classes = document(), named
    else:
        page, classes = document(start=shown.link), [precomputed.of(shown), *named]
    data = f'<script type="application/json" class="classes">{_json(classes)}</script>\n'
    page = page.replace(SCRIPT, data + SCRIPT)
    target = validation.path(path)
    if target.suffix.lower() in (".html", ".htm"):
        files = {target: _single(page)}
    else:
        target.mkdir(parents=True, exist_ok=True)
        texts = {"index.html": page, "explorer.js": module(), "style.css": style()}
        files = {target / name: text for name, text in texts.items()}
    for place, text in files.items():
        with beside(place) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return target


def _single(page: str) -> str:
    """Return a document with module and style in it: a module is not loaded from ``file://``."""
    link = '<link rel="stylesheet" href="style.css">'
    page = page.replace(link, f"<style>\n{style()}</style>")
    return page.replace(SCRIPT, f'<script type="module">\n{module()}</script>')


def document(**data: str) -> str:
    """Return the HTML document; ``data`` become attributes of its main element."""
    given = {"version": __version__, **data}
    told = "".join(f' data-{name}="{escape(value)}"' for name, value in given.items())
    return _part("index.html").replace(" data-explorer", f" data-explorer{told}")


def style() -> str:
    """Return the style sheet."""
    return _part("style.css")


@cache
def module() -> str:
    """Return the ES module: every part in a scope of its own, and what the last one exports.

    Names: ``mount(element, options)``, ``kernels``, ``methods``, and a default for anywidget.
    """
    tables = {"METHODS": table(), "OBJECTIVES": objectives(), "EXAMPLES": examples()}
    parts = [f"const _methods = {_json(tables)};"]
    for name in MODULES:
        text = _part(f"{name}.js")
        names = [each[1] for each in EXPORT.findall(text)]
        body = NO_CODE.sub("", EXPORT.sub(r"\1", IMPORT.sub(_imported, text)))
        parts.append(f"const _{name} = (() => {{\n{body}return {{ {', '.join(names)} }};\n}})();")
    parts.append(
        "export const mount = _view.mount, kernels = _kernels, methods = _methods;\n"
        "export default { render: _view.render };\n_view.mountAll();\n"
    )
    return "\n".join(parts)


def _imported(found: re.Match[str]) -> str:
    whole, names, name = found.groups()
    return f"const {whole or '{' + names + '}'} = _{name};\n"


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def _part(name: str) -> str:
    return (resources.files("alignsim.explorer") / "web" / name).read_text(encoding="utf-8")
