"""The page as files: one ES module, one style sheet, one HTML document."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path

from alignsim._version import __version__
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

IMPORT = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
NO_CODE = re.compile(r"^ *//.*\n|^/\*\*.*\*/\n|^ +|\n(?=\n)", re.MULTILINE)
"""Comments on lines of their own, indentation, empty lines: no string of ours holds such."""


def export(path: str | Path) -> Path:
    """Return where the page was written, which computes in the browser and needs no server.

    Parameters
    ----------
    path
        A file ``NAME.html``, which holds everything, or a folder, which gets ``index.html``,
        ``explorer.js`` and ``style.css``. A link's fragment picks a state; ``data-theme`` of the
        document, ``"light"`` or ``"dark"``, overrides the system's.

    Examples
    --------
    >>> import tempfile
    >>> from alignsim import explorer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explorer.export(folder + "/page.html").name
    'page.html'
    """
    target = Path(path)
    if target.suffix.lower() in (".html", ".htm"):
        files = {target: single_file()}
    else:
        target.mkdir(parents=True, exist_ok=True)
        texts = {"index.html": document(), "explorer.js": module(), "style.css": style()}
        files = {target / name: text for name, text in texts.items()}
    for place, text in files.items():
        with beside(place) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return target


def single_file() -> str:
    """Return the document with module and style in it: a module is not loaded from ``file://``."""
    link, script = '<link rel="stylesheet" href="style.css">', ' src="explorer.js"></script>'
    page = document().replace(link, f"<style>\n{style()}</style>")
    return page.replace(script, f">\n{module()}</script>")


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
    parts = [
        f"const _methods = {{ METHODS: {_json(table())}, OBJECTIVES: {_json(objectives())} }};"
    ]
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
