"""Responses with ranks, a ranking a voter or a list; rank 1 is best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.data.columns import find_column, find_pair, need_column
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import column_of, counts_of, votes_of
from alignsim.data.sources import refuse_large
from alignsim.data.tables import Table
from alignsim.errors import FileFormatError, quote, words

OPTIONS = frozenset({"response", "rank", "judge", "prompt", "count"})


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are responses and their ranks, and no two sides."""
    if not isinstance(content, Table) or find_pair(content) is not None:
        return False
    ranked = "rank" in given or find_column(content, "rank") is not None
    return ranked and ("response" in given or find_column(content, "response") is not None)


def read(table: Table, given: Given) -> Comparisons:
    """Return the votes of every ranking, one a pair of its responses; equal ranks tie."""
    response = table.full(need_column(table, "response", given.get("response")))
    name = need_column(table, "rank", given.get("rank"))
    rank = table.numbers(name)
    group = _rankings(table, given)
    ranked = np.flatnonzero(~np.isnan(rank))
    order = ranked[np.argsort(group[ranked], kind="stable")]
    twins = order[_twins(group[order], response.index[order])]
    if len(twins):
        told = f"{quote(response.values[response.index[twins[0]]])} has two ranks in one ranking"
        remedy = words("name the column that tells rankings apart with {judge=...} or {prompt=...}")
        raise table.error(int(twins[0]), told, remedy)
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    pairs = int((sizes * (sizes - 1) // 2).sum())
    if not pairs:
        remedy = words("name the column that rankings have in common with {judge=...}")
        raise FileFormatError(table.path, "no ranking has two responses", remedy)
    refuse_large(table.path, 64.0 * pairs, f"its rankings hold {pairs:,} pairs")
    one, other = [], []
    for size in np.unique(sizes[sizes > 1]).tolist():
        block = order[starts[sizes == size][:, None] + np.arange(size)]
        i, j = np.triu_indices(size, 1)
        one.append(block[:, i].ravel())
        other.append(block[:, j].ravel())
    first, second = np.concatenate(one), np.concatenate(other)
    share = 0.5 + 0.5 * np.sign(rank[second] - rank[first])
    note = "Rank 1 is best."
    return votes_of(
        table, given, response, response, share, rows=first, right_rows=second, notes=[note],
        skipped=len(table) - len(ranked),
    )  # fmt: skip


def _rankings(table: Table, given: Given) -> NDArray[np.int64]:
    """Return which ranking each row belongs to: a record that was unfolded, or a voter's."""
    if table.record is not None:
        return table.record
    columns = [column_of(table, role, given) for role in ("judge", "prompt")]
    codes = [column.index for column in columns if column is not None]
    if counts_of(table, given) is not None or not codes:
        codes = codes or [np.zeros(len(table), dtype=np.int64)]
    _, group = np.unique(np.stack(codes), axis=1, return_inverse=True)
    return np.asarray(group.reshape(-1))


def _twins(group: NDArray[np.int64], response: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which entries repeat a response of their ranking; groups stand together."""
    order = np.lexsort((response, group))
    same = (np.diff(group[order]) == 0) & (np.diff(response[order]) == 0)
    return np.sort(order[1:][same])


FORMAT = Format(
    name="rankings",
    gives="votes",
    holds="responses and their ranks, 1 is best, by voter, or as a list in each record",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="voter,item,rank\nann,tea,1\nann,milk,2\nbob,milk,1\nbob,tea,1\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
