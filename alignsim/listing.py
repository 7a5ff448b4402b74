"""Tables of what the package knows by name, such as its methods and its objectives."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from alignsim.notebook import Table
from alignsim.summary import Lines, Summarised


class Listing(Summarised):
    """Things with names, one a row; ``print`` shows all of them, and so does a notebook."""

    kind: ClassVar[str]
    """What they are, such as "methods"."""
    caption: ClassVar[str]
    """What stands in the columns."""

    @abstractmethod
    def rows(self) -> list[dict[str, str]]:
        """Return what there is to say of each, as words by column; the first one is its name."""

    @abstractmethod
    def _summary(self) -> Lines: ...

    @property
    def names(self) -> list[str]:
        """The names, in the order of the table."""
        return [next(iter(row.values())) for row in self.rows()]

    def _title(self) -> str:
        return f"{len(self.names)} {self.kind}"

    def _tables(self) -> list[Table]:
        rows = self.rows()
        return [Table(self.caption, list(rows[0]), [[*row.values()] for row in rows])]
