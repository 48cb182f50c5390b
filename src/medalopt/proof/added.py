"""What a user added to the program of an instance, as data: rows, variables and costs over its quantities, by name.

A term names a quantity as `models/sourcing.md` does (component and index), or a variable of the user's own. The
added rows are part of what a plan says it is subject to; everything said of them is proven anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from medalopt.wording import counted


@dataclass(frozen=True)
class Term:
    """`coefficient` times one quantity: its component, and its names in the order of the component's index."""

    component: str
    key: tuple[str, ...]
    coefficient: float


@dataclass(frozen=True)
class AddedRow:
    """`lower <= sum of terms <= upper`, in whatever unit its author gave it; `dual` is what a unit more is worth."""

    name: str
    lower: float
    upper: float
    terms: tuple[Term, ...]
    dual: float = 0.0


@dataclass(frozen=True)
class AddedVariable:
    """A variable of the user's own, `lower <= value <= upper`; a term names it as a component without a key."""

    name: str
    lower: float
    upper: float
    value: float = 0.0


@dataclass(frozen=True)
class Added:
    """All that was added to an instance; `costs` count beside its measure."""

    rows: tuple[AddedRow, ...] = ()
    variables: tuple[AddedVariable, ...] = ()
    costs: tuple[Term, ...] = ()

    def times(self, factor: float) -> Added:
        """Return the same with the duals of its rows times `factor`."""
        return replace(self, rows=tuple(replace(row, dual=row.dual * factor) for row in self.rows))

    def bare(self) -> Added:
        """Return the same without what a solution makes of it: duals and values."""
        return replace(self.times(0.0), variables=tuple(replace(one, value=0.0) for one in self.variables))

    def priced_as(self, other: Added) -> Added:
        """Return the same with the duals of `other`, which has the same rows."""
        duals = [row.dual for row in other.rows]
        return replace(self, rows=tuple(replace(row, dual=dual) for row, dual in zip(self.rows, duals, strict=True)))

    @property
    def scope(self) -> str:
        """What a certificate says it is about, such as `instance and 3 added rows`."""
        counts = ((len(self.rows), "added row"), (len(self.variables), "added variable"))
        parts = [counted(count, what) for count, what in counts if count]
        parts += ["added costs"] if self.costs else []
        *first, last = ["instance", *parts]
        return f"{', '.join(first)} and {last}" if first else last


NOTHING = Added()
