"""User extensions as data: constraints, variables and costs over the instance's quantities, by name.

A term refers to a quantity as `models/sourcing.md` does (component and index), or to a variable of the user. These
rows belong to the claims of a plan, and every claim about them is verified.
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
    """A constraint `lower <= sum of terms <= upper` in the unit of its author, with its dual value."""

    name: str
    lower: float
    upper: float
    terms: tuple[Term, ...]
    dual: float = 0.0


@dataclass(frozen=True)
class AddedVariable:
    """A variable of the user, `lower <= value <= upper`; a term refers to it as a component without a key."""

    name: str
    lower: float
    upper: float
    value: float = 0.0


@dataclass(frozen=True)
class Added:
    """All extensions of an instance: constraints, variables, and `costs` added to the objective."""

    rows: tuple[AddedRow, ...] = ()
    variables: tuple[AddedVariable, ...] = ()
    costs: tuple[Term, ...] = ()

    def times(self, factor: float) -> Added:
        """Return a copy with the dual values multiplied by a factor.

        Args:
            factor: Factor of every dual value.

        Returns:
            The scaled copy.
        """
        return replace(self, rows=tuple(replace(row, dual=row.dual * factor) for row in self.rows))

    def bare(self) -> Added:
        """Return a copy without solution values: dual values and variable values are 0."""
        return replace(self.times(0.0), variables=tuple(replace(one, value=0.0) for one in self.variables))

    def priced_as(self, other: Added) -> Added:
        """Return a copy with the dual values of `other`.

        Args:
            other: Extensions with the same rows in the same order.

        Returns:
            The copy.
        """
        duals = [row.dual for row in other.rows]
        return replace(self, rows=tuple(replace(row, dual=dual) for row, dual in zip(self.rows, duals, strict=True)))

    @property
    def scope(self) -> str:
        """Scope of a certificate on these extensions, such as `instance and 3 added rows`."""
        counts = ((len(self.rows), "added row"), (len(self.variables), "added variable"))
        parts = [counted(count, what) for count, what in counts if count]
        parts += ["added costs"] if self.costs else []
        *first, last = ["instance", *parts]
        return f"{', '.join(first)} and {last}" if first else last


NOTHING = Added()
