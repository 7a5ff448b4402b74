"""Examples in public docstrings can be pasted: they import what they use, public names only."""

import ast
import builtins
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import alignsim as asim
from alignsim import simplex

ROOT = Path(__file__).parent.parent
ROOMS = tuple(name for name in asim.__all__ if hasattr(getattr(asim, name), "__path__"))


def documented():
    """Every public object and method with examples, by name."""
    public = {name: getattr(asim, name) for name in asim.__all__}
    for room in ROOMS:
        module = getattr(asim, room)
        public |= {f"{room}.{name}": getattr(module, name) for name in module.__all__}
    public |= {
        f"simplex.{name}": thing
        for name, thing in inspect.getmembers(simplex, inspect.isfunction)
        if thing.__module__ == simplex.__name__ and not name.startswith("_")
    }
    found = {}
    for name, thing in public.items():
        if inspect.isroutine(thing):
            found[name] = thing
        elif inspect.isclass(thing):
            found[name] = thing
            methods = inspect.getmembers(thing, inspect.isroutine)
            found |= {f"{name}.{m}": method for m, method in methods if not m.startswith("_")}
    return {name: thing for name, thing in found.items() if ">>>" in (inspect.getdoc(thing) or "")}


def names_not_bound(source):
    """What a piece of code uses that it neither imports nor sets."""
    bound, used = set(dir(builtins)), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    return used - bound


DOCUMENTED = documented()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_example_runs_where_it_is_pasted(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(DOCUMENTED[name]))
    assert names_not_bound("".join(example.source for example in examples)) == set()


def test_bare_names_are_noticed():
    assert names_not_bound("import numpy as np\nx = [np.cos(y) for y in z]") == {"z"}


def test_most_of_what_is_public_has_an_example():
    assert len(DOCUMENTED) > 60


def test_the_examples_of_a_file_named_like_its_function_run_alone():
    command = [sys.executable, "-m", "pytest", "alignsim/plotting/simplex.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
