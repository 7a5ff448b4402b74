"""From what people have, arrays, tables, frames, files and trajectories, to logs of loops."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from alignsim import validation
from alignsim.data.contents import content
from alignsim.data.formats.catalogue import FORMATS
from alignsim.data.formats.contract import FAMILIES
from alignsim.data.grids import Grids, grid_of_table
from alignsim.data.objects import plain_cells, table_of_frame
from alignsim.data.reading import read
from alignsim.data.sources import Source, opened, parse_json, text_of
from alignsim.data.tables import (
    Table,
    header_of_numbers,
    table_from_columns,
    table_from_lines,
    table_from_records,
    table_from_text,
)
from alignsim.errors import Argument, FileFormatError, InputError, listed, quote, shortened
from alignsim.feedback import Trajectory
from alignsim.reports.diagnosis.logs import COUNTED, QUANTITIES, Log, Run, log_of
from alignsim.validation import FloatArray

ROUND = ("round", "iteration", "step")
RUN, LOOP, SAMPLES = "run", "loop", "n"
"""Columns with a meaning of their own; the others are responses."""


class Reading(NamedTuple):
    """How logs are to be understood: samples a round, the quantity, the response that is meant."""

    n: Any
    quantity: str
    response: str | None


class _Part(NamedTuple):
    """One run as it was found: rows of values, names of its columns, its own n a round."""

    values: FloatArray
    labels: tuple[str, ...]
    n: FloatArray | None = None
    logits: FloatArray | None = None


def logs_of(source: Any, how: Reading) -> tuple[list[Log], tuple[int, ...]]:
    """Return the logs of loops, and the shape of the batch that they are.

    A list holds runs of one loop; a mapping of names to logs holds several loops.
    """
    validation.choice(how.quantity, "quantity", QUANTITIES)
    if how.quantity == "shares" and how.response is not None:
        told = f"is {quote(how.response)}, but all shares are fitted"
        share = Argument("quantity", "share")
        raise InputError("response", told, ["pass ", share, ", or leave it out"])
    if isinstance(source, Trajectory):
        return _of_trajectory(source, how)
    if isinstance(source, Mapping) and not _is_table(source, how):
        if not source:
            raise InputError("log", "is an empty mapping", "give one log at least")
        logs = []
        for name, each in source.items():
            n = how.n.get(name) if isinstance(how.n, Mapping) else how.n
            found, shape = logs_of(each, how._replace(n=n))
            if shape:
                told = "holds several loops"
                raise InputError(f"log[{quote(name)}]", told, "give each a name of its own")
            logs.append(_renamed(found[0], str(name)))
        return logs, (len(logs),)
    if isinstance(source, np.ndarray) and source.ndim > 2:
        shape = source.shape[:-2]
        names = [f"log{validation.at(index)}" for index in np.ndindex(shape)]
        each = [
            _loops(source[index], name, how)[None]
            for index, name in zip(np.ndindex(shape), names, strict=True)
        ]
        return [_log(name, runs, how) for name, runs in zip(names, each, strict=True)], shape
    parts = _loops(source, "log", how)
    several = len(parts) > 1 or None not in parts
    alone = str(source) if isinstance(source, str | os.PathLike) else "log"
    logs = [_log(alone if name is None else name, runs, how) for name, runs in parts.items()]
    return logs, (len(logs),) if several else ()


def _renamed(log: Log, name: str) -> Log:
    return Log(name, log.quantity, log.labels, log.values, log.counts, log.first, log.logits)


def _is_table(source: Mapping[Any, Any], how: Reading) -> bool:
    """Return whether a mapping holds columns, and not logs by name."""
    try:
        flat = all(np.ndim(value) == 1 and not isinstance(value, str) for value in source.values())
        paths = all(isinstance(each, str | os.PathLike) for v in source.values() for each in v)
    except Exception:  # ragged lists, or whatever an object raises
        return False
    named = any(str(name).lower() in (*ROUND, RUN, LOOP) for name in source)
    return bool(source) and flat and (named or (how.quantity == "shares" and not paths))


def _of_trajectory(orbit: Trajectory, how: Reading) -> tuple[list[Log], tuple[int, ...]]:
    if how.quantity != "shares":
        told = f"is {how.quantity!r}, but a trajectory has all shares"
        raise InputError("quantity", told, "leave it out")
    exact = how.n is None or (not isinstance(how.n, Mapping) and np.isinf(_real(how.n)).all())
    if not exact:
        raise InputError("n", f"is {quote(how.n)}, but a trajectory is exact", "leave it out")
    _consecutive("log", orbit.rounds, None)
    shape = orbit.status.shape
    K = orbit.logits.shape[-1]
    paths = orbit.logits.reshape(-1, *orbit.logits.shape[-2:])
    logs = []
    for place, (path, policies) in enumerate(
        zip(paths, orbit.policies.reshape(paths.shape), strict=True)
    ):
        index = np.unravel_index(place, shape) if shape else ()
        where = f"log{validation.at(index)}"
        if not np.isfinite(path).all():
            told = f"failed: {orbit.reason(tuple(int(i) for i in index))}"
            raise InputError(where, told)
        run = Run(policies, np.full(len(path), np.inf), path)
        logs.append(log_of(where, "shares", [f"response {i}" for i in range(K)], [run]))
    return logs, shape


def _loops(source: Any, where: str, how: Reading) -> dict[str | None, list[_Part]]:
    """Return the runs of each loop; the name None where there is one loop without a name."""
    if isinstance(source, str | os.PathLike):
        try:
            return _of_file(source, how)
        except FileFormatError:
            _refuse_preferences(source)
            raise
    if isinstance(source, Trajectory):
        if source.status.ndim or how.quantity != "shares":
            raise InputError(where, "is a batch of trajectories", "give one run at a time")
        _consecutive(where, source.rounds, None)
        n = np.full(len(source.rounds), np.inf)
        labels = tuple(f"response {i}" for i in range(source.logits.shape[-1]))
        return {None: [_Part(source.policies, labels, n, source.logits)]}
    table = _table(source, where)
    if table is not None:
        return _of_table(table, how)
    if _holds_runs(source):
        runs: list[_Part] = []
        for place, each in enumerate(source):
            found = _loops(each, f"{where}[{place}]", how)
            if len(found) > 1:
                told = "holds several loops"
                raise InputError(where, told, "give runs of one loop", index=(place,))
            runs += next(iter(found.values()))
        return {None: runs}
    values = validation.real_array(source, where, min_ndim=1)
    if values.ndim > 2:
        remedy = "a log has a row a round and a column a response"
        raise InputError(where, f"has shape {values.shape}", remedy)
    rows = values[:, None] if values.ndim == 1 else values
    return {None: [_Part(rows, tuple(f"response {i}" for i in range(rows.shape[1])))]}


def _holds_runs(source: Any) -> bool:
    """Return whether a list or tuple holds runs, and not the rows of one."""
    if not isinstance(source, list | tuple) or not source:
        return False
    first = source[0]
    if isinstance(first, str | os.PathLike | Trajectory) or _is_frame(first):
        return True
    if isinstance(first, list | tuple) and first and isinstance(first[0], Mapping):
        return True
    if isinstance(first, Mapping):
        return any(np.ndim(value) for value in first.values())
    try:
        return np.ndim(first) >= 2 or (isinstance(first, np.ndarray) and not _equally_long(source))
    except ValueError:  # ragged
        return True


def _equally_long(rows: Sequence[Any]) -> bool:
    return len({np.shape(row) for row in rows}) == 1


def _is_frame(source: Any) -> bool:
    return hasattr(source, "__narwhals_dataframe__") or (
        hasattr(source, "columns") and hasattr(source, "shape") and not hasattr(source, "dtype")
    )


def _table(source: Any, where: str) -> Table | None:
    """Return a frame, a mapping of columns or a list of records as a table; None of others."""
    if _is_frame(source):
        return table_of_frame(source, where)
    if isinstance(source, Mapping):
        if not all(isinstance(value, Iterable) for value in source.values()):
            return None
        columns = {str(name): plain_cells(value) for name, value in source.items()}
        return table_from_columns(where, columns, "row")
    if isinstance(source, list | tuple) and source and isinstance(source[0], Mapping):
        if any(np.ndim(value) for value in source[0].values()):
            return None
        return table_from_records(where, list(source))
    return None


def _of_file(path: str | os.PathLike[str], how: Reading) -> dict[str | None, list[_Part]]:
    file = opened(path)
    if file.suffix == ".npy":
        try:
            array = np.load(io.BytesIO(file.content), allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            told = f"cannot be read ({shortened(error)})"
            raise FileFormatError(file.place, told, "save it again") from None
        return _loops(array, file.place, how)
    if file.suffix == ".npz":
        raise _no_log(file.place, "an archive of arrays")
    if file.suffix in (".parquet", ".pq"):
        found = content(path)
        if not isinstance(found, Table):
            raise FileFormatError(file.place, "holds no table of rounds", "log a row a round")
        return _of_table(found, how)
    if file.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _of_json(file, how)
    return _of_table(table_from_text(file), how)


def _of_json(file: Source, how: Reading) -> dict[str | None, list[_Part]]:
    """Return the runs of each loop in JSON, columns, records or rows, or in JSON Lines."""
    text = text_of(file)
    first, _, others = text.strip().partition("\n")
    if first.startswith("{") and first.rstrip().endswith("}") and others:
        return _of_table(table_from_lines(file.place, text), how)
    found = parse_json(file.place, text)
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        return _of_table(table_from_records(file.place, found), how)
    return _loops(found, file.place, how)


def _of_table(table: Table, how: Reading) -> dict[str | None, list[_Part]]:
    """Return the runs of each loop that a table holds, by its columns ``loop`` and ``run``."""
    lower = {name.lower(): name for name in table.names}
    order = next((lower[name] for name in ROUND if name in lower), None)
    special = [lower[name] for name in (RUN, LOOP, SAMPLES) if name in lower]
    wanted = [name for name in table.names if name != order and name not in special]
    if how.quantity != "shares":
        wanted = [_one_column(table, wanted, how)]
    elif order is None and not special:
        _refuse_votes(table)
    if not wanted:
        raise FileFormatError(table.path, f"has no responses among {listed(table.names)}")
    values = np.column_stack([_numbers(table, name) for name in wanted])
    samples = _numbers(table, lower[SAMPLES]) if SAMPLES in lower else None
    loops = table.full(lower[LOOP]).texts if LOOP in lower else [None] * len(table)
    runs = table.full(lower[RUN]).texts if RUN in lower else [None] * len(table)
    found: dict[str | None, list[_Part]] = {}
    for key in dict.fromkeys(zip(loops, runs, strict=True)):
        rows = np.array([pair == key for pair in zip(loops, runs, strict=True)])
        if order is not None:
            place = table.path + "".join(f", {part}" for part in key if part is not None)
            _consecutive(place, _numbers(table, order)[rows], order)
        own = None if samples is None else samples[rows]
        found.setdefault(key[0], []).append(_Part(values[rows], tuple(wanted), own))
    return found


_NUMBERS = "leave that column out; a log has a row a round and a column a response, in numbers"


def _numbers(table: Table, column: str) -> FloatArray:
    try:
        found = table.numbers(column)
    except FileFormatError as error:
        raise FileFormatError(error.argument, error.complaint, _NUMBERS) from None
    if np.isnan(found).any():
        row = int(np.argmax(np.isnan(found)))
        raise table.error(row, f"column {quote(column)} is empty", "give every round all cells")
    return found


def _refuse_votes(table: Table) -> None:
    """Raise where a table holds votes, ratings or matrices, whose numbers would pass for shares."""
    grid = grid_of_table(table)
    if grid is not None and grid.labels and not header_of_numbers(grid.labels[0]):
        raise _no_log(table.path, "matrices")
    for layout in FORMATS.values():
        if layout.gives != "matrices" and layout.recognises(table, {}):
            raise _no_log(table.path, layout.gives)


def _refuse_preferences(path: str | os.PathLike[str]) -> None:
    """Raise where a file that is no log holds preferences."""
    try:
        found = None if isinstance(content(path), Grids) else read(path)
    except (ValueError, OSError):
        return
    families = (name for name, family in FAMILIES.items() if isinstance(found, family))
    kind = "matrices" if found is None else next(families)
    raise _no_log(str(path), kind) from None


def _no_log(place: str, kind: str) -> FileFormatError:
    return FileFormatError(
        place,
        f"holds {kind}, not the log of a loop",
        "ask alignsim inspect about it; a log has a row a round and a column a response",
    )


def _one_column(table: Table, columns: Sequence[str], how: Reading) -> str:
    """Return the column of a log of one number."""
    if how.response is not None:
        return validation.choice(how.response, "response", columns)
    if len(columns) == 1:
        return columns[0]
    told = f"has columns {listed(columns)}"
    raise FileFormatError(table.path, told, ["say which with ", Argument("response", ...)])


def _consecutive(where: str, rounds: Any, column: str | None) -> None:
    steps = np.diff(np.asarray(rounds, dtype=np.float64))
    if len(steps) and not (steps == 1.0).all():
        place = int(np.argmax(steps != 1.0))
        pair = f"{float(rounds[place]):g} is followed by {float(rounds[place + 1]):g}"
        told = f"has rounds that are not consecutive: {pair}"
        remedy = "log every round, in order" + (", and name runs in a column run" if column else "")
        raise InputError(where, told, remedy)


def _log(name: str, parts: Sequence[_Part], how: Reading) -> Log:
    """Return the log of a loop's runs."""
    labels = parts[0].labels
    for part in parts[1:]:
        if len(part.labels) != len(labels) or set(part.labels) != set(labels):
            told = f"has runs with responses {listed(labels)} and {listed(part.labels)}"
            raise InputError(name, told, "give runs of one loop")
    aligned = [
        part._replace(values=part.values[:, [part.labels.index(label) for label in labels]])
        if part.labels != labels
        else part
        for part in parts
    ]
    if how.quantity != "shares":
        return _scalar_log(name, aligned, how)
    runs = [_run(name, part, how) for part in aligned]
    kinds = {bool(np.isinf(run.counts).all()) for run in runs}
    if len(kinds) > 1:
        raise InputError(name, "mixes exact runs with sampled ones", "diagnose them apart")
    return log_of(name, "shares", labels, runs)


def _run(name: str, part: _Part, how: Reading) -> Run:
    """Return a run of all shares; whole numbers are counts, whose row sums are n."""
    if part.logits is not None:
        return Run(part.values, np.full(len(part.values), np.inf), part.logits)
    values, n = part.values, _samples(part, how)
    sums = values.sum(axis=1)
    if (values == np.round(values)).all() and (sums != 1.0).any():
        if (values < 0.0).any() or (sums == 0.0).any():
            raise InputError(name, "holds counts below 0, or a round of none", "give counts")
        if n is not None and (n != sums).any():
            row = int(np.argmax(n != sums))
            told = f"is {n[row]:g}, but the counts of row {row} sum to {sums[row]:g}"
            raise InputError("n", told, "leave it out for counts, or give shares")
        return Run(values / sums[:, None], sums)
    if n is None:
        raise InputError(
            "n",
            "is missing, and shares do not tell how many samples they are of",
            ["give the samples a round as ", Argument("n"), ", or infinity for exact policies"],
        )
    if np.isinf(n).any() and not np.isinf(n).all():
        raise InputError("n", "is infinite in some rounds only", "give one number, or all finite")
    return Run(values, n)


def _samples(part: _Part, how: Reading) -> FloatArray | None:
    """Return the samples of each round, (T,), as an argument or a column says; None for neither."""
    if part.n is not None:
        if how.n is not None:
            raise InputError("n", "is given, and is a column too", "leave one of them out")
        n = part.n
    elif how.n is None:
        return None
    else:
        n = np.atleast_1d(_real(how.n))
        if n.ndim > 1 or len(n) not in (1, len(part.values)):
            told = f"has shape {n.shape}"
            raise InputError("n", told, f"give one number, or one a round ({len(part.values)})")
        n = np.broadcast_to(n, len(part.values)).copy()
    validation.refuse_where(~(n >= 1.0), "n", n, "it must be at least 1")
    return n


def _real(value: Any) -> FloatArray:
    try:
        return np.asarray(value, dtype=np.float64)
    except Exception:  # whatever an object raises
        raise InputError("n", f"is {quote(value)}", "give a number, or inf for exact") from None


def _scalar_log(name: str, parts: Sequence[_Part], how: Reading) -> Log:
    runs = []
    for part in parts:
        if part.values.shape[1] != 1:
            chosen = _chosen(part, how)
            part = part._replace(values=part.values[:, [chosen]], labels=(part.labels[chosen],))
        n = _samples(part, how)
        if how.quantity in COUNTED and n is None:
            told = f"is missing, and a {how.quantity} does not tell how many samples it is of"
            raise InputError("n", told, ["give the samples a round as ", Argument("n")])
        if how.quantity not in COUNTED and n is not None:
            told = f"is given, but the noise of {how.quantity} is estimated"
            raise InputError("n", told, "leave it out")
        counts = np.full(len(part.values), np.nan) if n is None else n
        runs.append(Run(part.values, counts))
    return log_of(name, how.quantity, parts[0].labels[:1], runs)


def _chosen(part: _Part, how: Reading) -> int:
    if how.response is None:
        told = f"has columns {listed(part.labels)}"
        raise InputError("log", told, ["say which with ", Argument("response", ...)])
    return part.labels.index(validation.choice(how.response, "response", part.labels))
