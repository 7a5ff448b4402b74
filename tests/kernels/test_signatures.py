"""What is compiled by public questions: each kernel once, or once for each K that is asked for."""

import ast
from pathlib import Path

import alignsim
from tests.kernels.test_compile import PACKAGE, python

ASK = """
import importlib, pkgutil
import numpy as np
import alignsim as asim, alignsim.kernels
from alignsim import analysis

P3 = asim.preferences.cyclic(3, advantage=0.4)
rng = np.random.default_rng(0)
many = np.array([asim.preferences.cyclic(3, advantage=a) for a in rng.uniform(0.1, 0.4, 70)])
frozen = P3.copy()
frozen.setflags(write=False)
for P, objective in [(P3, "ipo"), (frozen, "ipo"), (many, "ipo"), (P3, "dpo")]:
    loop = asim.FeedbackMap(P, objective=objective, beta=9.0, alpha=0.5)
    for given in (loop, loop.replace(beta=[3.0, 30.0] if P.ndim == 2 else 30.0)):
        given.run(rounds=40)
        given.run(rounds=40, keep="last", start=np.full(3, 1 / 3))
        asim.stability(given)
        analysis.fixed_point(given)
        analysis.classify(given, rounds=1500)
        analysis.lyapunov_spectrum(given, rounds=200)
    for given in ({"beta": 2.0, "mixup": 0.5}, {"beta": [1.0, 2.0], "mixup": [0.3, 0.6]}):
        if P.ndim == 2 or np.ndim(given["beta"]) == 0:
            loop = asim.method("soft_reference", P, objective=objective, **given)
            loop.run(rounds=40)
            loop.run(rounds=40, keep="last", start=np.full(3, 1 / 3))
for given in ({"P": P3, "beta": [1.0, 2.0]}, {"P": frozen}, {"P": many, "rate": 0.5}):
    for pairs in ({"sampling": np.full(3, 1 / 3)}, {"pair_weights": np.ones((3, 3))}):
        asim.train("dpo", **{"rate": [[0.1], [0.2]], **given}, **pairs, steps=3)
for noise in ("pairs", "opponents"):
    asim.FeedbackMap(many, beta=3.0).run(rounds=3, samples_per_round=9, noise=noise, rng=0)
asim.sweep(P3, beta=np.linspace(1, 20, 9), lam=[0.5, 1.0], rounds=1200)
logged = asim.FeedbackMap(P3, beta=5.0, alpha=0.6).run([0.5, 0.3, 0.2], rounds=11).policies
counts = np.floor(100.0 * logged + 0.5)
for log in (logged, counts, counts.tolist(), [counts, counts[::-1]], {"a": counts}):
    asim.diagnose(log, np.inf if log is logged else None)
asim.diagnose(counts, P=P3)
asim.diagnose(counts[:, 0] / 100.0, 100, quantity="share")
asim.diagnose(logged[:, 0], quantity="margin")
for name in pkgutil.iter_modules(alignsim.kernels.__path__):
    module = importlib.import_module(f"alignsim.kernels.{name.name}")
    for kernel in vars(module).values():
        if hasattr(kernel, "signatures") and kernel.py_func.__module__ == module.__name__:
            print(module.__name__, kernel.py_func.__name__, len(kernel.signatures))
"""


def entries():
    """The names of the functions that are marked as kernels."""
    for path in (Path(alignsim.__file__).parent / "kernels").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            marks = getattr(node, "decorator_list", ())
            if any(isinstance(mark, ast.Name) and mark.id == "kernel" for mark in marks):
                yield f"alignsim.kernels.{path.stem} {node.name}"


def test_every_kernel_has_one_signature_once_the_public_questions_were_asked(tmp_path):
    lines = python(ASK, PACKAGE.parent, NUMBA_CACHE_DIR=str(tmp_path))
    compiled = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in lines}
    names = set(entries())
    assert names <= set(compiled)
    assert {name: compiled[name] for name in names if compiled[name] > 1} == {}
    asked = ("ipo_lanes run", "dpo_lanes run", "tangents lead_along", "orbits examine")
    asked += ("scheme_lanes run", "scheme_lanes constants", "scheme_dpo_lanes run")
    asked += (
        "training_lanes run",
        "log_walk walk",
        "log_filter log_posteriors",
        "log_maps rest_points",
    )
    assert all(compiled[f"alignsim.kernels.{name}"] == 1 for name in asked)
