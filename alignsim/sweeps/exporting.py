"""Sweeps as files: NetCDF, and long tables as CSV or Parquet, written part by part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.summary import in_words as words_of_codes
from alignsim.sweeps import labels
from alignsim.writing import beside

if TYPE_CHECKING:
    import pandas
    import xarray

ROWS_AT_A_TIME = 2**17
"""Rows of a long table that are in memory together."""

KINDS = (".nc", ".csv", ".parquet")


def export(found: xarray.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset; a stored sweep is not held in memory for a table.

    Parameters
    ----------
    found
        What :func:`alignsim.sweep`, :func:`alignsim.open_sweep` or a diagram returns.
    path
        By its ending: ``.nc`` (NetCDF; NetCDF 4 where h5netcdf is installed, else NetCDF 3),
        ``.csv`` or ``.parquet`` (extra ``parquet``), long tables with one row a map and words for
        codes.

    Raises
    ------
    ValueError
        For another ending, or what is no dataset.
    OSError
        If it cannot be written; an older file is left as it was.

    Examples
    --------
    >>> import alignsim as asim, pathlib, tempfile
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.sweep(P, beta=[2.0, 4.0], alpha=0.5, by="stability")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asim.sweeps.export(ds, f"{folder}/a.csv")
    ...     print(pathlib.Path(folder, "a.csv").read_text()[:18])
    beta,phase,spectra
    """
    labels.dataset(found, (), name="found")
    place = validation.path(path)
    kind = place.suffix.lower()
    if kind not in KINDS:
        told = f"is {quote(str(place))}"
        raise InputError("path", told, f"its name must end in {' or '.join(KINDS)}")
    with beside(place) as part:
        if kind == ".nc":
            modern = find_spec("h5netcdf") and find_spec("h5py")
            engine: Any = "h5netcdf" if modern else "scipy"
            found.drop_encoding().to_netcdf(part, engine=engine)
        elif kind == ".csv":
            for n, table in enumerate(_tables(found)):
                table.to_csv(part, mode="a" if n else "w", header=not n, index=False)
        else:
            _to_parquet(found, part)


def in_words(found: xarray.Dataset) -> xarray.Dataset:
    """Return the dataset with the meanings of codes in their place, where its attributes tell."""
    said = {}
    for name, values in found.data_vars.items():
        if "flag_meanings" in values.attrs:
            meanings = values.attrs["flag_meanings"].split()
            codes = dict(zip(values.attrs["flag_values"], meanings, strict=True))
            said[name] = (values.dims, words_of_codes(values.values, codes))
    return found.assign(said)


def _tables(found: xarray.Dataset) -> Iterator[pandas.DataFrame]:
    """Yield the rows of a long table, in order, some at a time."""
    dims = found["phase"].dims if "phase" in found else tuple(found.sizes)
    if not dims:
        yield in_words(found).expand_dims("row").to_dataframe().reset_index(drop=True)
        return
    inner = 1
    for name in dims[1:]:
        inner *= found.sizes[name]
    each = max(1, ROWS_AT_A_TIME // inner)
    for first in range(0, found.sizes[dims[0]], each):
        part = in_words(found.isel({dims[0]: slice(first, first + each)}).load())
        yield part.to_dataframe(dim_order=list(part.sizes)).reset_index()


def _to_parquet(found: xarray.Dataset, part: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        remedy = "pip install 'alignsim[parquet]'"
        raise ImportError(f"Parquet needs pyarrow, which is not installed: {remedy}") from None
    tables = _tables(found)
    first = pyarrow.Table.from_pandas(next(tables), preserve_index=False)
    with parquet.ParquetWriter(part, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(pyarrow.Table.from_pandas(table, schema=first.schema))
