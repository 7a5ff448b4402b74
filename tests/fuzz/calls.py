"""Which calls can be made, and a seeded draw of them."""

import importlib
import inspect
import random
from typing import NamedTuple

import alignsim as asim
from alignsim.batching import Batched
from tests.fuzz.pools import ANYTHING, LONG, RECEIVERS, RESPONSES, Pool, names, pool
from tests.fuzz.values import GOOD_FILES, HOSTILE_FILES, SPECIAL_FILES

ROOMS = (
    "analysis", "claims", "data", "experiments", "feedback", "objectives", "plotting",
    "preferences", "reports", "simplex", "sweeps",
)  # fmt: skip

UNCHECKED = {
    "feedback.FeedbackMap": {
        "advance", "broadcast_to", "comparison", "default_start_logits", "derivative", "holds",
        "linearise", "matrix_table",
        "begin", "of_matrices", "part", "policy_logits", "problem",
        "take", "unflat", "with_matrices", "with_scheme",
    },
    "feedback.Scheme": {"derivative", "eigenvalues", "of", "wired"},
    "data.MatrixStacks": {"get", "items", "keys", "values"},
}  # fmt: skip
"""Methods for developers, which check nothing and say so, and those of Python's mappings."""

DEVELOPERS = {
    "claims.Claim", "claims.agreement",
    "data.Problem",
}  # fmt: skip
"""What serves writers of new claims: contracts, and what they are made with.

So do the classes of ``objectives`` that are not in ``RECEIVERS``.
"""

CONSTRUCTORS = {
    "feedback.FeedbackMap",
    "feedback.Scheme",
    "data.Comparisons",
    "data.Matrices",
    "data.Ratings",
}
"""Classes that people make themselves; all other results come from functions."""


class Target(NamedTuple):
    """Something public to call: its name, how to write it, and its parameters."""

    name: str
    spelt: str
    receivers: tuple
    parameters: dict


def _parameters(function, *, bound):
    found = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {p.name: p for p in found if p.kind not in kinds}


def _reader_options():
    """Return the options of ``read``, which the formats take."""
    names = {option for layout in asim.data.FORMATS.values() for option in layout.options}
    names |= {"format", "key", "pool", "split_by", "temperature"}
    by_name, absent = inspect.Parameter.KEYWORD_ONLY, None
    return {name: inspect.Parameter(name, by_name, default=absent) for name in sorted(names)}


def targets():
    """Return every public function, method and constructor."""
    found = {}

    def add(name, spelt, function, receivers=(), *, bound=False):
        found[name] = Target(name, spelt, receivers, _parameters(function, bound=bound))

    def add_methods(name, kind):
        for method, function in inspect.getmembers(kind, inspect.isroutine):
            unchecked = UNCHECKED.get(name, set()) | vars(Batched).keys()
            if method.startswith("_") or method in unchecked or not callable(function):
                continue
            if inspect.ismethod(function):
                add(f"{name}.{method}", f"asim.{name}.{method}", function)
            else:
                receivers = RECEIVERS[kind.__name__]
                add(f"{name}.{method}", f".{method}", function, receivers, bound=True)

    for room in ROOMS:
        module = importlib.import_module(f"alignsim.{room}")
        listed = getattr(module, "__all__", None) or [
            n for n, f in inspect.getmembers(module, inspect.isfunction)
            if f.__module__ == module.__name__ and not n.startswith("_")
        ]  # fmt: skip
        for short in listed:
            thing, name = getattr(module, short), f"{room}.{short}"
            if inspect.isclass(thing) and issubclass(thing, Exception):
                continue
            if inspect.isclass(thing) and room == "objectives" and short not in RECEIVERS:
                continue
            if inspect.isclass(thing) and name not in DEVELOPERS:
                if name in CONSTRUCTORS and name.startswith("feedback."):
                    add(name, f"asim.{name}", thing)
                add_methods(name, thing)
            elif inspect.isroutine(thing) and name not in DEVELOPERS:
                add(name, f"asim.{name}", thing)
    for name in ("method", "methods", "train"):
        add(f"feedback.{name}", f"asim.{name}", getattr(asim, name))
    read = found["data.read"]
    found["data.read"] = read._replace(parameters=read.parameters | _reader_options())
    return found


def unknown():
    """Return the arguments for which there is no pool, ``room.function.argument``."""
    return [
        f"{target.name}.{name}"
        for target in targets().values()
        for name in target.parameters
        if pool(target.name, name) is None
    ] + [f"{name} {option}" for name, command in commands().items()
         for option in command if option not in OPTIONS]  # fmt: skip


# The command line

_FILES = Pool(
    GOOD_FILES, (), (*HOSTILE_FILES, *SPECIAL_FILES, "/dev/zero", "/dev/null", "a\nb", "x" * 300)
)
_WHOLE = ("-1", "0", "1.5", "three", "10**3", "9" * 30, "")
_REAL = ("-1", "nan", "inf", "-inf", "1e400", "1e308", "5e-324", "half", "")
_WORD = ("unknown", "\udcff", "x" * 5000, "", "-", "*", "'", "=")


def _numbers(*good, edge=()):
    return Pool(good, edge, _REAL)


def _counts(*good, edge=()):
    return Pool(good, edge, _WHOLE)


def _words(*good, edge=()):
    return Pool(good, edge, _WORD)


OPTIONS = {
    "file": _FILES,
    "log": _FILES,
    "--n": _numbers("60", "inf", edge=("0", "nan")),
    "--quantity": _words("shares", "share", "entropy", "win rate"),
    "--preferences": _FILES,
    "--key": _words("P", "x", "y", "Q"),
    "--index": _counts("0", "1", edge=("4",)),
    "--smoothing": _numbers("0", "1", "0.5"),
    "--responses": _counts("3", "5", edge=("2", "4", "65", "1000000")),
    "--advantage": _numbers("0.3", "0.5", edge=("0", "0.6")),
    "--objective": _words("ipo", "dpo", "IPO"),
    "--sampler": _words("product", "mixture", "rejection", "two_policies", "fixed_pairs", "PILAF"),
    "--method": _words("mrs", "soft_reference", "omwu", "hard_reference"),
    "name": _words("mrs", "soft_reference", "omwu"),
    "--x": _words("beta,0,12", "lam,0,1", "mixup,0.1,1", "beta,1,100,log"),
    "--y": _words("beta,0,12", "lam,0,1", "mixup,0,1", "alpha,0"),
    "--x-points": _counts("5", "9", edge=("2", "1")),
    "--y-points": _counts("5", "9", edge=("2", "1")),
    "--eta": _numbers("20", "5", edge=("0", "1e6")),
    "--lam": _numbers("1", "0.5", edge=("0",)),
    "--alpha": _numbers("0.5", "0.9", edge=("0", "1", "0.9999999999999999")),
    "--beta": _numbers("8", "3", edge=("0",)),
    "--beta-max": _numbers("12", "20", edge=("1e6",)),
    "--lam-max": _numbers("1", "0.5"),
    "--beta-points": _counts("5", "9", edge=("2", "1000000000000")),
    "--lam-points": _counts("4", "7", edge=("2",)),
    "--min-effective-support": _numbers("2", "1", edge=("99",)),
    "--tolerance": _numbers("1e-6", edge=("0", "1")),
    "--recipe": _words("random-attribute", "mean", "mean-score", "votes"),
    "--subsets": _counts("3", "2", edge=("4", "99")),
    "--seed": _counts("0", "7"),
    "--out": _words("picture.png", "picture.pdf", "out.json", "folder", "out.xml"),
    "--data": _words("numbers.csv", "numbers.nc"),
    "--rounds": _counts("50", "300", edge=("1", "1000000000")),
    "--start": _words("0.4,0.3,0.3", edge=("1,0,0", "0.5,0.5")),
    "--picture": _words("timeline", "simplex"),
    "--time": _words("log", "linear"),
    "--beta-convention": _words("signal", "trl", "TRL"),
    "--by": _words("orbit", "stability", "both"),
    "--value": _words("phase", "entropy_mean", "spectral_radius", "cycle_strength"),
    "--temperature": _numbers("1", "2"),
    "--rounding": _words("nearest"),
    "--over": _words("alpha=0:0.9:3", "alpha=0.5", edge=("mixup=0.5", "alpha", "=1")),
    "--store": _words("study.zarr", "folder", edge=("numbers.csv", "/dev/null/store")),
    "--workers": _counts("1", edge=("0",)),
    "--scheduler": Pool(("",)),
    "--min-votes": _counts("1", "2"),
    "--draws": _counts("1", "2", edge=("1000000000",)),
    "--prompts": _counts("5", "20", edge=("1000000000000",)),
    "--most": _counts("5", "20"),
    "--trials": _counts("2", "5"),
    "--replay": _FILES,
    "--worst": _words("worst"),
    "select": _words("ipo-closed-form", "gap-box", "gap*"),
    "--codes": _words("left=left,right=right,tie=tie", edge=("left=1", "left")),
    "--format": _words("battles", "ratings", edge=("rankings", "counts")),
    "--split-by": _words("prompt", "judge"),
    "--wins": _words("left,right", edge=("left",)),
    "--judges": _words("j1,j2", edge=("j1",)),
    "--attribute": _words("taste,looks", "taste"),
    **{
        option: _words("left", "right", "winner", "prompt", "response", "taste")
        for option in (
            "--left", "--right", "--winner", "--judge", "--prompt", "--response", "--rater",
            "--attribute-column", "--score-column", "--pair", "--loser", "--chosen", "--rejected",
            "--strength", "--rank", "--count", "--label",
        )
    },
    **dict.fromkeys(
        (
            "--dry-run", "--each", "--exact", "--pool", "--progress", "--quick", "--quiet",
            "--rest-is-uniform", "--resume",
        ),
        Pool((None,)),
    ),
}  # fmt: skip
"""What options of commands are drawn from, as typed; None for a switch."""

USUAL = {
    "verify": ("--trials", "2", "select", "gap-box"),
    "reproduce": ("--prompts", "8", "--rounds", "20", "--draws", "1"),
    "phase-diagram": ("--beta-points", "5", "--lam-points", "4", "--rounds", "100"),
}
"""What keeps a command short; its opposite is drawn as any other option."""


def commands():
    """Return the options of every command of the command line that ends by itself."""
    from typer.main import get_command

    from alignsim.cli import app

    return {
        name: {
            (p.opts[0] if p.opts[0].startswith("-") else p.name): p
            for p in command.params
            if p.name != "help"
        }
        for name, command in get_command(app).commands.items()
        if name != "explore"
    }


# Drawing


class Call(NamedTuple):
    """A call as Python, whose it is, and whether it asks for hours of work."""

    source: str
    target: str
    long: bool


def draw(count, seed):
    """Return ``count`` calls: all functions and methods in turn, a command after each eighth."""
    rng = random.Random(seed)
    whole, lines = list(targets().values()), commands()
    order, calls = [], []
    while len(calls) < count:
        if len(calls) % 8 == 7:
            calls.append(_command(rng, rng.choice(sorted(lines)), lines))
            continue
        order = order or rng.sample(whole, len(whole))
        calls.append(_call(rng, order.pop()))
    return calls


def _call(rng, target):
    K, s = rng.choice(RESPONSES), rng.randrange(9)
    chosen = [
        name
        for name, p in target.parameters.items()
        if p.default is p.empty or name in ("rounds", "progress", "select") or rng.random() < 0.35
    ]
    hostile = set(rng.sample(chosen, min(len(chosen), rng.choice((0, 0, 1, 1, 1, 2)))))
    arguments = []
    for name in chosen:
        parameter = target.parameters[name]
        value = _value(rng, pool(target.name, name), name in hostile)
        bare = parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY
        arguments.append(value if bare else f"{name}={value}")
    place = rng.choice(target.receivers) if target.receivers else ""
    source = f"{place}{target.spelt}({', '.join(arguments)})"
    source = source.replace("{K}", str(K)).replace("{s}", str(s))
    return Call(source, target.name, _is_long(source, target.name))


def _is_long(source, name):
    """Return whether a call asks for so much that it may take longer than a minute.

    Branches of fixed points of DPO are followed by small steps up to β = 1e308.
    """
    far = "'dpo'" in source and "1e308" in source and name.endswith(("crossings", "bifurcations"))
    return far or any(size in source for size in (LONG, "10**9", "10**15"))


def _value(rng, choices, hostile):
    if hostile:
        return rng.choice(choices.hostile if choices.hostile and rng.random() < 0.5 else ANYTHING)
    return rng.choice(
        choices.edge if choices.edge and rng.random() < 0.25 else choices.good or choices.edge
    )


def _command(rng, name, lines):
    options = lines[name]
    typed = [name]
    hostile = rng.random() < 0.5
    given = {}
    for option, parameter in options.items():
        if parameter.required or rng.random() < (0.6 if option == "file" else 0.08):
            bad = hostile and rng.random() < 0.3
            choices = OPTIONS[option]
            part = choices.hostile if bad and choices.hostile else (
                choices.edge if choices.edge and rng.random() < 0.2 else choices.good)  # fmt: skip
            given[option] = rng.choice(part)
    usual = USUAL.get(name, ())
    for option, value in zip(usual[::2], usual[1::2], strict=True):
        given.setdefault(option, value)
    for option, value in given.items():
        if option.startswith("-"):
            typed += [option] if value is None else [option, value]
    for option in ("file", "log", "select"):
        if option in given:
            typed.append(given[option])
    is_file = {given.get(name) for name in ("file", "log", "--replay", "--preferences")} & {
        *GOOD_FILES, *HOSTILE_FILES, *SPECIAL_FILES
    }  # fmt: skip
    written = [f"file({word!r})" if word in is_file else repr(word) for word in typed]
    long = any(word.startswith("1000000") for word in typed)
    return Call(f"command({', '.join(written)})", f"alignsim {name}", long)


__all__ = ["Call", "commands", "draw", "names", "targets", "unknown"]
