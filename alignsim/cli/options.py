"""Arguments that several commands take."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from alignsim.errors import quote

MATRICES_HELP = (
    "preference matrices or counts of wins (.npy, .npz; .csv of a square, bare or labelled; .json "
    'with [[0.5, 0.7], [0.3, 0.5]], {"P": [[...]], "labels": [...]}, {"wins": [[...]]}, or several '
    'of these by name, {"NAME": {"P": ...}})'
)
TABLES_HELP = (
    "pairwise votes, rankings (rank 1 is best) or ratings (higher is better) (.csv, .tsv, "
    ".parquet; .soc, .soi, .toc, .toi; .jsonl with a record a line; .json with a list of records "
    'such as {"left": "a", "right": "b", "winner": "left"}, {"chosen": "a", "rejected": "b"} or '
    '{"prompt": "p", "response": "a", "taste": 3}); each also .gz, .xz or .zip, and - for standard '
    "input"
)
"""What files of each kind look like."""

_JUDGES_HELP = (
    "Instead of --winner: columns of several judges' outcomes, such as a1,a2,a3; may be repeated."
)
_CODES_HELP = (
    "What outcomes mean, such as left=1,right=2,tie=0; numbers between left and right are graded."
)
_STRENGTH_HELP = "Column of how much better a side is: below 0 the first, above 0 the second."
_WINS_HELP = "Columns of how often each side won, and of ties, such as wins_a,wins_b,ties."
_BY_HELP = "prompt or judge: what makes votes separate problems (default: prompt, as a rule)."
_FORMAT_HELP = "Layout of the file, such as battles or rankings; an unknown name lists them all."
_TEMPERATURE_HELP = "Divides score differences (default: what suits the scale, 1 for 1 to 5)."
_ATTRIBUTES_HELP = "Attributes to use, such as taste,looks; may be repeated."
_INDEX_HELP = "Which matrix of a stack, or of one a prompt, counted from 0."
_RESPONSES_HELP = "Without FILE: size of the cycle, odd (default: 3)."
_ADVANTAGE_HELP = "Without FILE: by how much a winner beats ½ (default: 0.3)."
_RECIPE_HELP = (
    "How scores become preferences: random-attribute (default), mean, mean-score or votes."
)

of_ratings = functools.partial(typer.Option, rich_help_panel="Ratings")
of_votes = functools.partial(typer.Option, rich_help_panel="Votes")
of_methods = functools.partial(typer.Option, rich_help_panel="Method")
"""Options in panels of their own in the help."""


def lower_case(value: str | None) -> str | None:
    """Return a word as it is known, however it was typed."""
    return None if value is None else value.lower()


CONVENTIONS = ("signal", "trl")


def convention(value: str) -> str:
    """Return the name of a convention of β as it is known, if it is one."""
    word = value.lower()
    if word not in CONVENTIONS:
        from alignsim import validation

        validation.choice(word, "--beta-convention", CONVENTIONS)
    return word


def file_argument(metavar: str, help_text: str) -> Any:
    """Return an argument for a file that is read; one that is none is called so."""
    return typer.Argument(metavar=metavar, help=help_text, parser=readable, show_default=False)


def readable(text: str) -> Path:
    """Return a path, if there is such a file, or ``-``, which stands for standard input."""
    path = Path(text)
    try:
        is_folder, exists = path.is_dir(), text == "-" or path.exists()
    except (OSError, ValueError):  # of a name that no file can have
        is_folder, exists = False, False
    if is_folder or not exists:
        what = "does not exist"
        if is_folder:
            from alignsim.data.sources import of_folder

            what = "; ".join(of_folder(path))
        raise typer.BadParameter(f"file {quote(text)} {what}.")
    return path


Preferences = Annotated[
    Path | None,
    file_argument(
        "FILE",
        f"Preferences: {MATRICES_HELP}, or {TABLES_HELP}. Without it: rock-paper-scissors.",
    ),
]
Key = Annotated[str | None, typer.Option(help="Which entry of an .npz or .json file.")]
Objective = Annotated[
    str,
    typer.Option(
        callback=lower_case,
        help="What a round optimises: ipo, dpo, or another that alignsim objectives lists.",
    ),
]
Sampler = Annotated[
    str,
    typer.Option(
        callback=lower_case,
        help="Which pairs a round compares: product, both responses from λπ + (1−λ)π_off, or "
        "another that alignsim samplers lists.",
    ),
]
MethodName = Annotated[
    str | None,
    of_methods(
        "--method",
        callback=lower_case,
        help="How a round is wired; alignsim methods lists all (default: mrs, at α = 0.6, in "
        "inspect at 0.5).",
    ),
]
Lam = Annotated[float, typer.Option(help="λ, on-policy share of the sampler, 0 to 1.")]
BetaConvention = Annotated[
    str,
    typer.Option(
        callback=convention,
        help="signal: a large β moves far from the reference; trl: beta as in TRL and the DPO "
        "paper, one over it (TRL's 0.1 is 10).",
    ),
]
Data = Annotated[Path | None, typer.Option(help="Write the numbers too (.nc, .csv).")]
Recipe = Annotated[str | None, of_ratings(help=_RECIPE_HELP)]
Subsets = Annotated[int | None, of_ratings(help="Take every set of this size.")]
Smoothing = Annotated[float | None, of_votes(help="Pseudo-votes added to each pair (default: 0).")]
Exact = Annotated[
    bool, of_votes("--exact", help="Take the shares of wins as exact, not as a sample.")
]
Out = Annotated[Path, typer.Option(help="Picture to write (.png, .pdf, .svg).")]
Progress = Annotated[bool, typer.Option(help="Show a bar on a terminal if it takes long.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def strength(value: float, option: str, beta_convention: str, *, file: Path | None) -> float:
    """Return β, the strength of the preference signal, from either convention.

    Warns of a β below 1 on data: it may be TRL's, which is one over ours for DPO and for IPO.
    """
    from alignsim.preferences import signal_strength

    found = float(signal_strength(value, beta_convention, option))
    if file is not None and beta_convention == "signal" and 0 < found < 1:
        told = f"alignsim: {option} is {value:g}; here a small β stays near the reference. If it is"
        remedy = f"TRL's, pass --beta-convention trl (β = {1 / found:.4g} here)"
        typer.echo(f"{told} {remedy}", err=True)
    return found


def strength_or(
    usual: float, value: float | None, option: str, beta_convention: str, *, file: Path | None
) -> float:
    """Return β as :func:`strength` does, and the usual one, which is ours, where none is given."""
    if value is None:
        return usual
    return strength(value, option, beta_convention, file=file)


def shows_progress(quiet: bool, progress: bool = True) -> bool:
    """Return whether a progress bar is wanted and standard error is a terminal to show it on."""
    return progress and not quiet and sys.stderr.isatty()


@dataclass(frozen=True)
class VoteColumns:
    """Which columns of a table of votes hold what; None where it is guessed."""

    left: Annotated[str | None, of_votes(help="Column of one side.")] = None
    right: Annotated[str | None, of_votes(help="Column of the other side.")] = None
    pair: Annotated[str | None, of_votes(help="Column of both sides, such as 'a vs b'.")] = None
    winner: Annotated[str | None, of_votes(help="Column of the outcome.")] = None
    loser: Annotated[str | None, of_votes(help="Column of the loser's name.")] = None
    chosen: Annotated[str | None, of_votes(help="Column of the chosen response.")] = None
    rejected: Annotated[str | None, of_votes(help="Column of the rejected response.")] = None
    strength: Annotated[str | None, of_votes(help=_STRENGTH_HELP)] = None
    wins: Annotated[list[str] | None, of_votes(help=_WINS_HELP)] = None
    rank: Annotated[str | None, of_votes(help="Column of the rank; 1 is best.")] = None
    count: Annotated[str | None, of_votes(help="Column of how many votes a row is.")] = None
    judges: Annotated[list[str] | None, of_votes(help=_JUDGES_HELP)] = None
    judge: Annotated[str | None, of_votes(help="Column that names the judge.")] = None
    codes: Annotated[str | None, of_votes(help=_CODES_HELP)] = None
    split_by: Annotated[str | None, of_votes(help=_BY_HELP)] = None
    pool: Annotated[bool, of_votes("--pool", help="Take all votes for one problem.")] = False


@dataclass(frozen=True)
class RatingColumns:
    """Which columns of a table of ratings hold what; None where it is guessed."""

    prompt: Annotated[str | None, of_ratings(help="Column of the prompt, of votes too.")] = None
    response: Annotated[str | None, of_ratings(help="Column of the response.")] = None
    rater: Annotated[str | None, of_ratings(help="Column of the rater.")] = None
    attribute: Annotated[list[str] | None, of_ratings(help=_ATTRIBUTES_HELP)] = None
    attribute_column: Annotated[
        str | None, of_ratings(help="One score a row: column of the attribute.")
    ] = None
    score_column: Annotated[
        str | None, of_ratings(help="One score a row: column of the score; higher is better.")
    ] = None
    label: Annotated[str | None, of_ratings(help="Column of labels, true or false.")] = None
    temperature: Annotated[float | None, of_ratings(help=_TEMPERATURE_HELP)] = None
    format: Annotated[str | None, typer.Option(help=_FORMAT_HELP)] = None


@dataclass(frozen=True)
class Columns(RatingColumns, VoteColumns):
    """Which columns of a table hold what."""


@dataclass(frozen=True)
class Source(Columns):
    """Which matrix of a FILE is meant."""

    key: Key = None
    index: Annotated[int | None, typer.Option(help=_INDEX_HELP)] = None
    smoothing: Smoothing = None
    recipe: Recipe = None
    subsets: Subsets = None


@dataclass(frozen=True)
class Cycle:
    """Which cycle is meant without a FILE."""

    responses: Annotated[int | None, typer.Option(help=_RESPONSES_HELP)] = None
    advantage: Annotated[float | None, typer.Option(help=_ADVANTAGE_HELP)] = None


@dataclass(frozen=True)
class Method:
    """A method of ``alignsim methods`` or one of its other names, and the parameters given."""

    named: str | None = None
    given: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that was given, or that of the usual loop."""
        return "mrs" if self.named is None else self.named

    def parameters(self, **usual: float) -> dict[str, float]:
        """Return the parameters; ``usual`` ones where neither they nor a method are given."""
        return {**usual, **self.given} if self.named is None else dict(self.given)


def method_options() -> Iterator[inspect.Parameter]:
    """Yield an option for every parameter of a method or its other names, objective or sampler."""
    from alignsim.feedback.methods.catalogue import METHODS
    from alignsim.objectives import OBJECTIVES
    from alignsim.objectives.samplers import SAMPLERS
    from alignsim.parameters import Parameter

    places: dict[str, list[tuple[str, Parameter]]] = {}
    for method in METHODS.values():
        for each in method.parameters:
            places.setdefault(each.name, []).append((method.name, each))
    own = set(places)
    for method in METHODS.values():
        for alias in method.aliases:
            for each in alias.parameters:
                places.setdefault(each.name, []).append((alias.name, each))
    panels = dict.fromkeys(places, "Parameters of their other names")
    panels |= dict.fromkeys(own, "Parameters of methods")
    for kind, things in (("objectives", OBJECTIVES), ("samplers", SAMPLERS)):
        for thing in things.values():
            for each in thing.parameters:
                places.setdefault(each.name, []).append((thing.name, each))
                panels.setdefault(each.name, f"Parameters of {kind}")
    for name, of in places.items():
        first = of[0][1]
        told = f"{first.meaning}, {first.range}: {', '.join(place for place, _ in of)}."
        number = int if first.whole else float
        panel = panels[name]
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[number | None, typer.Option(help=told, rich_help_panel=panel)],
        )


def given(group: RatingColumns | Cycle) -> dict[str, object]:
    """Return the values of a group by the names of their options."""
    return {f"--{name}".replace("_", "-"): value for name, value in vars(group).items()}


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes each field of its dataclass arguments as an option.

    The parameters of methods, which only the library knows, are options of what its attribute
    ``completed`` returns.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: argument.annotation
        for name, argument in signature.parameters.items()
        if is_dataclass(argument.annotation)
    }

    def arguments() -> Iterator[inspect.Parameter]:
        for name, argument in signature.parameters.items():
            if name not in groups:
                yield argument
            elif groups[name] is Method:
                yield argument.replace(default=None, annotation=MethodName)
            else:
                kinds = get_type_hints(groups[name], include_extras=True)
                for each in fields(groups[name]):
                    kind = kinds[each.name]
                    yield argument.replace(name=each.name, default=each.default, annotation=kind)

    def taking(further: list[inspect.Parameter]) -> Callable[..., None]:
        @functools.wraps(command)
        def taking_all(**values: Any) -> None:
            for name, group in groups.items():
                if group is Method:
                    own = {each.name: values.pop(each.name) for each in further}
                    given = {name: value for name, value in own.items() if value is not None}
                    values[name] = Method(values[name], given)
                else:
                    own = {each.name: values.pop(each.name) for each in fields(group)}
                    values[name] = group(**own)
            command(**values)

        known = [*arguments(), *further]
        taking_all.__signature__ = signature.replace(parameters=known)  # type: ignore[attr-defined]
        return taking_all

    def completed() -> Callable[..., None]:
        known = {each.name for each in arguments()}
        return taking([each for each in method_options() if each.name not in known])

    short = taking([])
    if Method in groups.values():
        short.completed = completed  # type: ignore[attr-defined]
    return short


def refuse(given: Mapping[str, object], because: str) -> None:
    """Raise ValueError for the first option that is given although it says nothing here."""
    for option, value in given.items():
        if value is True:
            raise ValueError(f"{option} is given, but {because}; leave it out")
        if value is not False and value not in (None, []):
            shown = ",".join(value) if isinstance(value, list) else value
            raise ValueError(f"{option} is {quote(shown)}, but {because}; leave it out")
