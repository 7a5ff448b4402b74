"""What fuzzed calls are made of: matrices, results, files and things that misbehave.

Everything here is named in the calls that the fuzzer prints, so that they run as they stand after
``from tests.fuzz.values import *``.
"""

import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import zipfile
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

import alignsim as asim

__all__ = [
    "Decimal",
    "Fraction",
    "Path",
    "RaisingArray",
    "RaisingIterator",
    "RaisingPath",
    "Unprintable",
    "advice",
    "asim",
    "basins",
    "claim_result",
    "command",
    "comparisons",
    "diagnosis",
    "diagram",
    "file",
    "logged",
    "matrices",
    "matrix",
    "method_advice",
    "np",
    "oscillating",
    "policies",
    "ratings",
    "report",
    "reproduction",
    "rows",
    "scheme",
    "swept",
    "taken",
    "winner",
]  # fmt: skip


# Things that misbehave


class RaisingArray:
    """NumPy cannot take it."""

    def __array__(self, *_args, **_kwargs):
        raise RuntimeError("this array cannot be read")


class RaisingIterator:
    """It says that it is a sequence, and breaks when it is read."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        raise KeyError(index)


class RaisingPath:
    """A path that cannot tell its name."""

    def __fspath__(self):
        raise PermissionError("this path has no name")


class Unprintable:
    """Its repr is very long."""

    def __repr__(self):
        return "<" + "x" * 100_000 + ">"


# Matrices and policies


def matrix(kind, K, batch=(), seed=0):
    """Return preference matrices (*batch, K, K) of a kind."""
    rng = np.random.default_rng([seed, K])
    shape = (*batch, K, K)
    if kind == "cycle":
        steps = np.subtract.outer(np.arange(K), np.arange(K)) % K
        margin = np.where(2 * steps < K, -0.3, 0.3) * (steps > 0) * (2 * steps != K)
        upper = np.broadcast_to(0.5 + margin, shape)
    elif kind == "sure":
        upper = (rng.uniform(size=shape) < 0.5).astype(float)
    elif kind == "ordered":
        upper = np.ones(shape)
    elif kind == "ties":
        upper = np.full(shape, 0.5)
    elif kind == "some ties":
        upper = rng.choice([0.5, 0.5, 0.7, 0.2], size=shape)
    elif kind == "tiny":
        upper = 10.0 ** -rng.uniform(1, 300, size=shape)
    elif kind == "even":
        upper = 0.5 + 1e-16 * rng.integers(-2, 3, size=shape)
    elif kind == "some sure":
        upper = rng.choice([0.0, 1.0, 0.3, 0.6], size=shape)
    elif kind == "ranked":
        scores = np.sort(rng.normal(size=(*batch, K)))
        upper = 1 / (1 + np.exp(scores[..., None, :] - scores[..., :, None]))
    else:
        upper = rng.uniform(0.02, 0.98, size=shape)
    above = np.triu(upper, 1)
    below = np.swapaxes(np.triu(1 - upper, 1), -1, -2)
    return above + below + 0.5 * np.eye(K)


def policies(K, batch=(), seed=0, concentration=1.0):
    """Return policies (*batch, K)."""
    rng = np.random.default_rng([seed, K, 1])
    weights = rng.gamma(concentration, size=(*batch, K)) + 1e-300
    return weights / weights.sum(axis=-1, keepdims=True)


# Results that other questions are asked about


@cache
def oscillating(K=3, objective="ipo", batch=()):
    """Return maps of which some oscillate."""
    beta = np.linspace(2.0, 9.0, int(np.prod(batch, dtype=int))).reshape(batch)
    return asim.FeedbackMap(matrix("cycle", K), objective=objective, beta=beta, alpha=0.5)


@cache
def method_advice():
    """Return advice on the parameters of one method."""
    return asim.advise(matrix("cycle", 3), 10.0, method="optimistic")


@cache
def scheme():
    """Return a scheme of one's own: a reference that follows the policy."""
    return asim.Scheme(
        reference=[[0, 0, 1, 0]], opponent=[[0, 1, 0, 0]], update=[[0, 0, 0, 1], [0, 0, 0.4, 0.6]]
    )


@cache
def swept(by="orbit", stack=False):
    """Return the dataset of a sweep."""
    P = matrix("random", 3, (4,)) if stack else matrix("cycle", 3)
    return asim.sweep(
        P, beta=[0.0, 3.0, 6.0], lam=[0.5, 1.0], alpha=0.5, by=by, rounds=300, progress=False
    )


@cache
def diagram():
    """Return a phase diagram."""
    return asim.phase_diagram(matrix("cycle", 3), alpha=0.5, resolution=16, progress=False)


@cache
def reproduction():
    """Return the dataset of the paper's experiment."""
    P = np.concatenate([matrix("random", 4, (6,)), matrix("ranked", 4, (4,))])
    return asim.experiments.reproduce(P, beta=[1.0, 30.0], rounds=200, progress=False)


@cache
def winner():
    """Return the dataset of starts in the corners."""
    P = matrix("random", 4, (6,))
    return asim.experiments.winner_from_corners(P, beta=[1.0, 30.0], rounds=200)


@cache
def claim_result():
    """Return what became of a claim."""
    return report().results[0]


@cache
def report():
    """Return what became of claims."""
    return asim.claims.verify(["ipo-closed-form"], 5, progress=False)


@cache
def logged(seed=0, rounds=20):
    """Return the counts of a logged run."""
    policies = oscillating(3).run(rounds=rounds - 1).policies
    return np.random.default_rng(seed).multinomial(60, policies)


def diagnosis(loops=None):
    """Return a diagnosis of one loop or several."""
    log = logged()
    return asim.diagnose(log if loops is None else np.array([log] * loops))


def advice(many=False):
    """Return advice on one matrix or several."""
    return asim.reports.advise(matrix("random", 4, (3,) if many else ()), 5.0)


@cache
def basins(K=3):
    """Return the basins of one map."""
    return asim.basins(oscillating(K), samples=8, rounds=300)


@cache
def ratings(prompts=6):
    """Return ratings that are made up."""
    return asim.data.synthetic_ratings(prompts=prompts, rng=0)


@cache
def comparisons(labels=4, votes=60):
    """Return votes."""
    rng = np.random.default_rng(labels)
    left = rng.integers(0, labels, votes)
    right = (left + rng.integers(1, labels, votes)) % labels
    names = [f"m{i}" for i in range(labels)]
    return asim.data.Comparisons.from_names(
        [names[i] for i in left], [names[i] for i in right], rng.integers(0, 3, votes) / 2.0,
        judges=[f"j{i % 3}" for i in range(votes)],
    )  # fmt: skip


@cache
def matrices(K=3, count=2):
    """Return matrices as they are read from a file."""
    return asim.data.Matrices(matrix("random", K, (count,)))


# Files


def _votes(rows):
    return "left,right,winner\n" + "".join(f"{a},{b},{w}\n" for a, b, w in rows)


def _array(P, **options):
    with io.BytesIO() as stream:
        np.save(stream, P, **options)
        return stream.getvalue()


def _archive(**arrays):
    with io.BytesIO() as stream:
        np.savez(stream, **arrays)
        return stream.getvalue()


def _zip(members):
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return stream.getvalue()


def _header(shape):
    """Return a .npy file that promises far more than it holds."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 64


def _rated(prompts, responses):
    return [
        {"prompt": f"p{p}", "response": f"r{p}{r}", "taste": (p * r) % 5, "looks": (p + r) % 5}
        for p in range(prompts)
        for r in range(responses)
    ]


def _contents():
    cycle = [("a", "b", "left"), ("b", "c", "left"), ("c", "a", "left")] * 4
    P = matrix("cycle", 3)
    good = {
        "votes.csv": _votes(cycle),
        "votes.tsv": _votes(cycle).replace(",", "\t"),
        "judged.csv": "left,right,j1,j2\na,b,left,right\nb,c,tie,left\nc,a,right,left\n",
        "votes.json": json.dumps([{"left": a, "right": b, "winner": w} for a, b, w in cycle]),
        "votes.jsonl": "\n".join(
            json.dumps({"left": a, "right": b, "winner": w}) for a, b, w in cycle
        ),
        "ratings.json": json.dumps(_rated(4, 4)),
        "ratings.jsonl.gz": gzip.compress("\n".join(map(json.dumps, _rated(4, 4))).encode()),
        "helpsteer.jsonl": "\n".join(
            json.dumps(
                {
                    "prompt": f"p{p}",
                    "response": f"r{r}",
                    "helpfulness": r,
                    "correctness": 4 - r,
                    "coherence": 2,
                    "complexity": p,
                    "verbosity": 1,
                }
            )
            for p in range(3)
            for r in range(4)
        ),
        "P.npy": _array(P),
        "stack.npy": _array(matrix("random", 3, (5,))),
        "one.npz": _archive(P=P),
        "two.npz": _archive(P=P, Q=matrix("random", 4), names=np.array(["a", "b"])),
        "P.json": json.dumps({"P": P.tolist(), "labels": ["rock", "paper", "scissors"]}),
        "named.json": json.dumps({n: {"P": P.tolist()} for n in ("x", "y")}),
    }
    hostile = {
        "empty.csv": "",
        "blank.csv": "\n \n",
        "header.csv": "left,right,winner\n",
        "binary.csv": bytes(range(256)) * 40,
        "nul.csv": "left,right,winner\na,\0,left\n",
        "ragged.csv": "left,right,winner\na,b\na,b,left,more,and,more\n",
        "quote.csv": 'left,right,winner\n"a,b,left\n' * 50,
        "wide.csv": ",".join(f"c{i}" for i in range(40_000)) + "\n" + ",".join("1" * 40_000) + "\n",
        "twins.csv": "left,left,winner\na,b,left\n",
        "alone.csv": _votes([("a", "a", "left")]),
        "codes.csv": _votes([("a", "b", "17"), ("b", "c", "yes")]),
        "texts.csv": _votes([(f"text {i}", f"other {i}", "left") for i in range(6_000)]),
        "gaps.csv": _votes(
            [(f"m{i}", f"m{j}", "left") for i in range(150) for j in range(i) if (i * j) % 10]
        ),
        "long.csv": _votes([("a" * 200_000, "b", "left")]),
        "accents.csv": "left,right,winner\ncafé,thé,left\n".encode("latin-1"),
        "surrogate.json": '[{"left": "\\udc80", "right": "b", "winner": "left"}]',
        "broken.json": '{"P": [[0.5, 0.7], [0.3',
        "deep.json": "[" * 100_000,
        "deeper.json": '{"P": ' * 30_000,
        "scalar.json": "3",
        "null.json": '{"P": null}',
        "texts.json": '{"P": [["a", "b"], ["c", "d"]]}',
        "nan.json": '{"P": [[NaN, Infinity], [1e999, 0.5]]}',
        "digits.json": '{"P": [[0.5, ' + "9" * 6_000 + "], [0.3, 0.5]]}",
        "mixed.json": '[1, {"left": "a"}, null, "x"]',
        "nested.json": '[{"left": {"a": [1]}, "right": ["b"], "winner": {}}]',
        "keys.json": json.dumps({f"entry {i}": {"P": [[0.5]]} for i in range(3_000)}),
        "labels.json": '{"P": [[0.5, 0.5], [0.5, 0.5]], "labels": ["a", ["b"]]}',
        "sizes.json": json.dumps({"x": {"P": P.tolist()}, "y": {"P": [[0.5, 1], [0, 0.5]]}}),
        "scores.json": json.dumps([{"prompt": "p", "response": "r", "taste": "good"}]),
        "one.json": json.dumps([{"prompt": "p", "response": "r", "taste": 3}]),
        "lines.jsonl": '{"left": "a"}\nnot json\n{}',
        "lists.jsonl": "[1]\n[2]\n",
        "objects.npy": _array(np.array([None, 1], dtype=object), allow_pickle=True),
        "objects.npz": _archive(P=np.array([{"a": 1}], dtype=object)),
        "pickle.npy": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin.",
        "huge.npy": _header((10**6, 10**6)),
        "overflow.npy": _header((2**62, 2**62)),
        "negative.npy": _header((-1, -1)),
        "axes.npy": _array(np.full((1,) * 30, 0.5)),
        "strings.npy": _array(np.array(["a", "b"])),
        "complex.npy": _array(P * 1j),
        "cut.npy": _array(P)[:-20],
        "cut.npz": _archive(P=P)[:-40],
        "member.npz": _zip({"P.npy": b"no array", "readme.txt": b"hello"}),
        "text.npz": _zip({"notes": b"hello"}),
        "surrogate.npz": _zip({"caf\udc80".encode("utf-8", "replace").decode(): _array(P)}),
        "no.npz": b"PK\x03\x04 and nothing else",
        "cut.csv.gz": gzip.compress(_votes(cycle).encode())[:-12],
        "bomb.csv.gz": gzip.compress(b"left,right,winner\n" + b"a,b,left\n" * 3_000_000, 9),
        "zeros.csv.gz": gzip.compress(b"\0" * 50_000_000, 9),
        "matrix.xlsx": b"PK\x03\x04",
        "no_suffix": "left,right,winner\na,b,left\n",
        "wrong.npy": _votes(cycle),
    }  # fmt: skip
    return good, hostile


GOOD_FILES, HOSTILE_FILES = (tuple(part) for part in _contents())
SPECIAL_FILES = ("folder.csv", "pipe.csv", "pipe.npy", "locked.csv", "loop.csv", "absent.csv")

FOLDER_VARIABLE = "ALIGNSIM_FUZZ_FILES"
"""Where the files lie; the fuzzer sets it for its workers."""


def write_files(folder):
    """Write all files into a folder."""
    folder = Path(folder)
    for part in _contents():
        for name, content in part.items():
            raw = content if isinstance(content, bytes) else content.encode("utf-8")
            (folder / name).write_bytes(raw)
    (folder / "folder.csv").mkdir()
    for name in ("pipe.csv", "pipe.npy"):
        os.mkfifo(folder / name)
    (folder / "locked.csv").write_text("left,right,winner\na,b,left\n")
    (folder / "locked.csv").chmod(0)
    (folder / "loop.csv").symlink_to(folder / "loop.csv")


@cache
def _own_folder():
    folder = tempfile.mkdtemp(prefix="alignsim-fuzz-")
    write_files(folder)
    return folder


def file(name):
    """Return the path of a file by its name."""
    return os.path.join(os.environ.get(FOLDER_VARIABLE) or _own_folder(), name)


# The command line


class CommandFailure(Exception):
    """A command that ended otherwise than it may; the message says how."""


def command(*arguments):
    """Run a command in this process: (exit code, standard output, standard error).

    Raises
    ------
    CommandFailure
        Unless it exits with 0, with 1 from ``verify``, or with 2 and one short line of complaint.
    """
    from alignsim.cli import app

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app([str(argument) for argument in arguments], prog_name="alignsim")
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
    said = err.getvalue()
    if code == 2:
        lines = said.splitlines()
        if len(lines) != 1 or not said.startswith("alignsim: ") or len(said) > 700:
            raise CommandFailure(f"exit code 2 and {len(lines)} lines: {said[:900]!r}")
    elif code == 1 and arguments[0] == "verify":
        pass
    elif code == 130 or (code == 1 and "Abort" in said):
        raise KeyboardInterrupt
    elif code != 0:
        raise CommandFailure(f"exit code {code}: {said[:900]!r}")
    elif "Traceback" in said or "Warning" in said:
        raise CommandFailure(f"success, and {said[:900]!r}")
    return code, out.getvalue(), said


# What is done with an answer


def taken(answer):
    """Return an answer after reading all that it offers without arguments."""
    repr(answer)
    if type(answer).__module__.startswith("alignsim."):
        for name in dir(type(answer)):
            absent = name == "alpha" and not getattr(answer, "mixes_references", True)
            if absent or name.startswith("_"):
                continue
            if isinstance(getattr(type(answer), name), property):
                getattr(answer, name)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    if type(answer).__name__ == "FuncAnimation":
        answer._draw_was_started = True  # an animation warns when it goes unseen
    return answer


def rows(kind):
    """Return columns of votes for ``from_names``: (left, right, share)."""
    if kind == "cycle":
        return ["a", "b", "c"], ["b", "c", "a"], [1, 1, 0.5]
    return ["a"] * 3, ["b"] * 3, [1, 0.5, 0]
