"""One door for everything that holds preferences: `read` finds out what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from alignsim import validation
from alignsim.data.columns import (
    find_column,
    find_pair,
    named_column,
    no_columns,
    pair_of,
    pair_remedy,
)
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content, content
from alignsim.data.formats.catalogue import FORMATS, LAST
from alignsim.data.formats.contract import FAMILIES, Format, Found, Given
from alignsim.data.grids import Grids, almost_square
from alignsim.data.matrices import Matrices
from alignsim.data.oddities import oddities
from alignsim.data.ratings import HELPSTEER_ATTRIBUTES, Ratings
from alignsim.data.separation import separated
from alignsim.data.tables import Table
from alignsim.data.unfolding import unfolded
from alignsim.errors import Argument, FileFormatError, InputError, Part, Words, listed, quote, words

OF_ANY = frozenset({"key"})
"""Options that pick a part of a source, whatever it holds."""

OF_FAMILY = {"split_by": "votes", "pool": "votes", "temperature": "ratings"}
"""Options that say something about all votes or all ratings, however they are laid out."""


def read(source: Any, **options: Any) -> Ratings | Comparisons | Matrices:
    r"""Return what a source of preferences holds: ratings, pairwise votes, or matrices.

    Parameters
    ----------
    source
        A path: CSV, TSV, JSON, JSON Lines, NumPy, Parquet (with the extra ``[parquet]``) or
        PrefLib, each also ``.gz``, ``.xz``, ``.bz2`` or ``.zip``; ``"-"`` for standard input. Or an
        object: a pandas, Polars or Arrow frame, a dict of columns, a list of records or rows, a
        Hugging Face Dataset, an array, or a game of Nashpy, QuantEcon or OpenSpiel.
    **options
        ``format``: its name in `FORMATS`, which is otherwise recognised. ``key``: the array or the
        list of records that is meant, if there are several.

        Columns, guessed where they are not named. Of votes: ``left``, ``right`` (or ``pair``, one
        column of both), ``winner`` or ``judges`` (several columns of marks), ``loser``, ``chosen``,
        ``rejected``, ``strength``, ``wins`` (two columns, or three with ties), ``rank`` (1 is
        best), ``count``, ``judge``. Of ratings (higher is better): ``rater``, ``attributes``, or
        ``attribute`` and ``score``, or ``label``. Of both: ``prompt``, ``response``.

        Of votes: ``codes``, what marks mean, ``{"left": ..., "right": ..., "tie": ...}``, each a
        mark or several; between a number for left and one for right, numbers are graded.
        ``split_by``: ``"prompt"`` or ``"judge"``, what makes votes separate problems;
        ``pool=True``: nothing does. Prompts are separate unless they say nothing by themselves.

        Of ratings: ``temperature``, by what score differences are divided.

    Returns
    -------
    Ratings, Comparisons or Matrices
        Its ``problems()`` are (name, labels, P), one a prompt where there are several; its
        ``notes`` say what was assumed.

    Raises
    ------
    FileFormatError
        If the source is malformed or of no known format, or a column is absent or ambiguous: names
        the place and the option to pass.
    ValueError
        If an option is unknown, or options do not go together.

    Examples
    --------
    >>> import alignsim as asim
    >>> columns = {"left": ["tea"] * 2, "right": ["milk"] * 2, "winner": ["left", "tie"]}
    >>> votes = asim.data.read(columns)
    >>> votes.problems()[0].labels, votes.problems()[0].P.tolist()
    (('milk', 'tea'), [[0.5, 0.25], [0.75, 0.5]])
    >>> asim.data.read([("tea", "milk"), ("milk", "tea")], format="winner-loser").votes
    2.0
    """
    return _read(source, options, tuple(FAMILIES))


def read_comparisons(source: Any, **options: Any) -> Comparisons:
    """Return the pairwise votes in a source; as `read`, but in the formats of votes only.

    Raises
    ------
    FileFormatError
        As `read`, and if the source holds no votes.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.data.read_comparisons([{"left": "tea", "right": "milk", "winner": "left"}]).labels
    ('milk', 'tea')
    """
    found: Any = _read(source, options, ("votes",))
    return found


def read_ratings(source: Any, **options: Any) -> Ratings:
    """Return the ratings in a source; as `read`, but in the formats of ratings only.

    Raises
    ------
    FileFormatError
        As `read`, and if the source holds no ratings.

    Examples
    --------
    >>> import alignsim as asim
    >>> columns = {"prompt": ["p"] * 2, "system": ["a", "b"], "taste": [3, 4]}
    >>> asim.data.read_ratings(columns).responses
    (('a', 'b'),)
    """
    found: Any = _read(source, options, ("ratings",))
    return found


def read_matrices(source: Any, *, key: str | None = None) -> Matrices:
    """Return the preference matrices in a source; as `read`, but nothing else is taken.

    Raises
    ------
    FileFormatError
        As `read`, and if what is there is no preference matrix (P + Pᵀ = 1 within 1e-8).

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.data.read_matrices({"P": [[0.5, 0.75], [0.25, 0.5]], "labels": ["tea", "milk"]}).labels
    (('tea', 'milk'),)
    """
    found: Any = _read(source, {"key": key}, ("matrices",))
    return found


def read_helpsteer(source: Any) -> Ratings:
    """Return the ratings of HelpSteer's ``train.jsonl`` or ``train.jsonl.gz``.

    One record a response, no raters; five attributes, integers 0 to 4.

    Raises
    ------
    FileFormatError
        As `read_ratings`.
    """
    return read_ratings(
        source, prompt="prompt", response="response", attributes=HELPSTEER_ATTRIBUTES
    )


def _read(source: Any, options: Given, families: Sequence[str]) -> Found:
    given = {name: value for name, value in options.items() if value is not None}
    name = given.pop("format", None)
    whole = {option: given.pop(option) for option in OF_FAMILY if option in given}
    wanted = _fitting(given, families, name)
    key = given.pop("key", None)
    found = content(source, key)
    if "pair" in given and isinstance(found, Table):
        found = _with_pair(found, given)
    stages = _stages(found, given)
    if name is not None:
        return _finished(_by_name(FORMATS[name], stages, given), whole)
    for stage in stages:
        for layout in wanted:
            if layout.recognises(stage, given):
                return _finished(layout.read(stage, given), whole)
    return _finished(_unrecognised(found, wanted, given), whole)


def _by_name(layout: Format, stages: Iterable[Content], given: Given) -> Found:
    """Return what a format reads of the first stage that it recognises, else of the last one."""
    last = None
    for stage in stages:
        if layout.recognises(stage, given):
            return layout.read(stage, given)
        last = stage
    assert last is not None
    return _checked_kind(layout, last, given)


def _checked_kind(layout: Format, stage: Content, given: Given) -> Found:
    tables = layout.name not in ("matrices", "counts", "payoffs", "preflib")
    if isinstance(stage, Grids) == tables or (not isinstance(stage, Table) and tables):
        told = f"is not of the format {layout.name}: {layout.holds}"
        raise FileFormatError(stage.path, told, "leave the format out, or name another")
    return layout.read(stage, given)


def _finished(found: Found, whole: Given) -> Found:
    for option, value in whole.items():
        family = OF_FAMILY[option]
        if not isinstance(found, FAMILIES[family]):
            told = f"is {quote(value)}, but there are no {family}"
            raise InputError(option, told, "leave it out")
    found = replace(found, notes=(*found.notes, *oddities(found)))
    if isinstance(found, Comparisons):
        return separated(found, whole.get("split_by"), whole.get("pool"))
    return replace(found, **whole)


def _fitting(given: Given, families: Sequence[str], name: str | None) -> list[Format]:
    """Return the formats that take all the options."""
    if name is not None:
        validation.choice(name, "format", FORMATS)
    among = [f for f in FORMATS.values() if f.gives in families and name in (None, f.name)]
    if not among:
        kind = FORMATS[str(name)].gives
        raise InputError("format", f"is {quote(name)}, which gives {kind}", "use read instead")
    known = {f.name: f.options | OF_ANY for f in among}
    every = set().union(*(f.options for f in FORMATS.values()), OF_ANY, OF_FAMILY)
    for option in given:
        validation.choice(option, "option", every)
    fitting = [f for f in among if known[f.name].issuperset(given)]
    if not fitting:
        takes: list[Part] = []
        for family in families:
            names = set().union(*(known[f.name] for f in among if f.gives == family))
            if names:
                takes += ["; ", f"{family} take ", *_named(names)]
        raise InputError("", [*_named(given), " do not go together: ", *takes[1:]])
    return fitting


def _named(keywords: Iterable[str]) -> list[str | Argument]:
    return [part for name in sorted(keywords) for part in (", ", Argument(name))][1:]


def _stages(found: Content, given: Given) -> Iterator[Content]:
    """Yield the content as it is, unless a column that is named lies deeper, and unfolded."""
    if not isinstance(found, Table):
        yield found
        return
    one = {value for value in given.values() if isinstance(value, str)}
    every = one.union(*(value for value in given.values() if isinstance(value, list | tuple)))
    deeper = not every.issubset(found.names)
    unfold = unfolded(found) if deeper else None
    if unfold is not None and (
        every.issubset(unfold.names)
        or not one.issubset(found.names)
        or find_column(found, "response") is None
    ):
        yield unfold
        yield found
        return
    yield found
    if (unfold := unfold or unfolded(found)) is not None:
        yield unfold


def _with_pair(table: Table, given: dict[str, Any]) -> Table:
    """Return a table with a column for either side of the pairs in one column."""
    name = named_column(table, "pair", given["pair"])
    if "left" in given or "right" in given:
        raise InputError("pair", f"is {quote(name)}", words("leave out {left} and {right}"))
    pairs = [pair_of(cell) for cell in table.columns[name]]
    for row, pair in enumerate(pairs):
        if pair is None:
            told = f"column {quote(name)} holds {quote(table.columns[name][row])}"
            raise table.error(row, told, "expected two sides, such as ['a', 'b'] or 'a vs b'")
    sides = {
        f"{name}: {side}": [p[k] for p in pairs if p] for k, side in enumerate(("left", "right"))
    }
    given["left"], given["right"] = sides
    return replace(table, columns={**table.columns, **sides}, _coded={})


def _unrecognised(found: Content, wanted: Sequence[Format], given: Given) -> Found:
    """Complain about a content that no format recognises, as the family complains that is meant."""
    families = {layout.gives for layout in wanted}
    if isinstance(found, Grids) and "matrices" not in families:
        others = f" and no option of {' or '.join(sorted(families))}"
        takes: Words = ["holds matrices, which take ", Argument("key"), others]
        raise FileFormatError(found.path, takes, "leave those out")
    if len(families) == 1 or not isinstance(found, Table):
        last = LAST["matrices" if isinstance(found, Grids) else wanted[0].gives]
        if last not in wanted and not isinstance(found, Grids):
            last = wanted[0]
        return last.read(found, given)
    if told := almost_square(found):
        raise FileFormatError(found.path, told, "name rows and columns alike, each once")
    if find_pair(found) is not None:
        return LAST["votes"].read(found, given)
    for table in filter(None, (found, unfolded(found))):
        remedy = pair_remedy(table)
        if any(isinstance(part, Argument) and part.value is not ... for part in remedy):
            raise no_columns(table, "no columns for the two sides", remedy)
    told = f"neither votes nor ratings by its columns ({listed(found.names)})"
    of_votes = "{left}, {right} and {winner} (or {judges}) for votes"
    of_ratings = "{prompt}, {response} and {attributes} (or {attribute} and {score}) for ratings"
    raise FileFormatError(found.path, told, words(f"name them: {of_votes}, {of_ratings}"))
