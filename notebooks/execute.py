"""Run the notebooks again and keep their outputs, small and the same from run to run.

Usage: python notebooks/execute.py [NOTEBOOK ...]

Needs the packages of ``pip install ".[test]"``. By default all notebooks are run. Pictures are
reduced to a palette of colours, and whatever tells when and on which machine a notebook ran is
left out.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
NOTEBOOKS = sorted(HERE.glob("*.ipynb"))

TIMEOUT = 300
"""Seconds that a cell may take; it needs a few, and more where kernels are compiled first."""

COLOURS = 128
"""Colours of a picture."""

PLAIN_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed(path: Path) -> nbformat.NotebookNode:
    """Return the notebook with the outputs of a new run.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(HERE)}},
    )
    client.execute(env=_environment())
    notebook.metadata = nbformat.from_dict(PLAIN_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        for output in cell.get("outputs", []):
            _shrink(output)
    return notebook


def _environment() -> dict[str, str]:
    """Return the environment of a kernel: this checkout, and pictures inline."""
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm, where ipywidgets is missing
    }


def _shrink(output: nbformat.NotebookNode) -> None:
    """Reduce a picture to a palette, which leaves a third of it, and drop its metadata."""
    from PIL import Image

    if "image/png" not in output.get("data", {}):
        return
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB")
    method, small = Image.Quantize.FASTOCTREE, io.BytesIO()
    picture.quantize(COLOURS, method, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    output.data["image/png"] = base64.b64encode(small.getvalue()).decode("ascii")
    output.metadata = nbformat.NotebookNode()


def main(paths: list[Path]) -> None:
    """Run notebooks and write them back."""
    for path in paths:
        nbformat.write(executed(path), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or NOTEBOOKS)
