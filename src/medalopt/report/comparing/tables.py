"""Comparison in sentences and tables: cost differences, differing parameters, differing decisions."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.analysis.comparing.comparison import Comparison, Row
from medalopt.analysis.comparing.data import count_by_section
from medalopt.plan.rows import ROUNDING
from medalopt.report.costs import KINDS
from medalopt.report.numbers import digits, money, share
from medalopt.report.section import Column, Section, section
from medalopt.wording import shown

MOST = 20  # rows of a table that a person is shown
NO_PLAN, LEFT_OUT = "no plan", "–"
_STATUS = {"infeasible": NO_PLAN, "unanswered": "no answer"}
_NAME = 40  # characters
TITLES = {
    "streams": "What differs in what is taken from whom, t",
    "treatments": "What differs in the treatments, t of devices",
    "smelters": "What differs by smelter, t of devices whose feed goes there",
    "purchases": "What differs in what is bought, kg",
    "metals": "What differs in the metal, kg",
}


def names(found: Comparison) -> list[str]:
    """Return the column headings of the subjects.

    Args:
        found: Comparison.

    Returns:
        One heading for each subject, shortened.
    """
    return [shown(label, _NAME) for label in found.labels]


def lines(found: Comparison) -> tuple[str, ...]:
    """Return the headline: cost of each subject against the first, and the number of differing parameters.

    Args:
        found: Comparison.

    Returns:
        The sentences.
    """
    said = [_cost(found, number) for number in range(1, len(found.outcomes))]
    if found.outcomes[0].data is not None:
        said.append(_data(found))
    for name, one in zip(names(found), found.outcomes, strict=True):
        if one.data is None:
            said.append(f"{name}: its figures are not known here (its instance is missing, or has changed).")
        if one.saved:
            said.append(f"{name}: as it was saved; medalopt verify checks it.")
    return tuple(said)


def _cost(found: Comparison, number: int) -> str:
    """Return the cost difference of one subject to the first, or which of them has no plan."""
    first, other = (names(found)[n] for n in (0, number))
    row, currency = found.cost, found.outcomes[0].currency
    here, there = (None, None) if row is None else (row.values[0], row.values[number])
    if row is None or here is None or there is None:
        empty = [(names(found)[n], found.outcomes[n].status) for n in (0, number) if not found.outcomes[n].figures]
        none = " and ".join(name for name, status in empty if status != "unanswered")
        open_ = " and ".join(name for name, status in empty if status == "unanswered")
        said = [f"There is no plan for {none}; medalopt explain says why."] if none else []
        return " ".join([*said, *([f"No answer could be proven for {open_}."] if open_ else [])])
    more = there - here
    if not row.differs or abs(more) <= ROUNDING * abs(here):
        return f"{other} costs the same as {first}: {money(there, currency)}."
    size = f"{money(abs(more), currency)} ({share(abs(more), abs(here))}) {'more' if more > 0 else 'less'}"
    return f"{other} costs {size} than {first}: {money(there, currency)}{_kind(found, number)}."


def _kind(found: Comparison, number: int) -> str:
    """Return the kind of cost with the largest difference."""
    changes = [
        (there - here, row.item)
        for row in found.of("cost")
        if (here := row.values[0]) is not None and (there := row.values[number]) is not None
    ]
    most, kind = max(changes, key=lambda one: abs(one[0]))
    sign = "+" if most > 0 else "−"
    return f", above all {KINDS[kind]} ({sign}{money(abs(most))})" if most and kind in KINDS else ""


def _data(found: Comparison) -> str:
    """Return the number of differing parameters by section."""
    count = len(found.data)
    if not count:
        return "No figure differs."
    where = ", ".join(f"{section} {number:,}" for section, number in count_by_section(found.data))
    return f"{count:,} figure{' differs' if count == 1 else 's differ'}: {where}."


def tables(found: Comparison, most: int = MOST) -> tuple[Section, ...]:
    """Return the tables of a comparison that have rows.

    Args:
        found: Comparison.
        most: Greatest number of rows of a table, those that differ most.

    Returns:
        Totals, parameters, cost by kind, and decisions.
    """
    made = (
        _totals(found),
        data(found, most),
        costs(found),
        *(_differing(found, part, title, most) for part, title in TITLES.items()),
    )
    return tuple(table for table in made if table.rows)


def _totals(found: Comparison) -> Section:
    """Return the table of totals."""
    rows = found.of("totals")
    cells = [[one.status if one.figures else _STATUS[one.status] for one in found.outcomes]]
    cells += [[_cell(value) for value in row.values] for row in rows]
    columns = [(Column("", right=False), ["status", *(row.item for row in rows)])]
    columns += [(Column("unit", right=False), ["", *(row.unit for row in rows)])]
    columns += _columns(found, cells)
    if len(found.outcomes) == 2:
        columns.append((Column("change"), ["", *(_change(row) for row in rows)]))
    return section("What they come to", columns, always=9)


def data(found: Comparison, most: int = MOST) -> Section:
    """Return the table of differing parameters.

    Args:
        found: Comparison.
        most: Greatest number of rows.

    Returns:
        The table, a row for each path.
    """
    listed, rest = found.data[:most], len(found.data) - most
    columns = [(Column("figure", right=False), [shown(one.path, 100) for one in listed])]
    cells = [[LEFT_OUT if value is None else shown(value) for value in one.values] for one in listed]
    columns += _columns(found, cells)
    notes = [f"{rest:,} more figures differ (-o NAME.csv, --json)."] if rest > 0 else []
    notes += ["–: left out there, or not known."] if any(LEFT_OUT in row for row in cells) else []
    return section("What differs in the data", columns, notes=notes, always=9)


def costs(found: Comparison) -> Section:
    """Return the table of cost by kind.

    Args:
        found: Comparison.

    Returns:
        The table.
    """
    rows = spent(found)
    return _table(found, f"Cost by kind, {found.outcomes[0].currency}", rows, [KINDS[row.item] for row in rows])


def spent(found: Comparison) -> list[Row]:
    """Return the kinds of cost that are above rounding in any subject.

    Args:
        found: Comparison.

    Returns:
        The rows of the comparison.
    """
    rows = found.of("cost")
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    return [row for row in rows if any(abs(value or 0.0) > ROUNDING * largest for value in row.values)]


def _differing(found: Comparison, part: str, title: str, most: int) -> Section:
    """Return the table of one part of the decisions, the largest differences first."""
    rows = sorted((row for row in found.of(part) if row.differs), key=lambda row: -row.most)
    rest = len(rows) - most
    notes = [f"{rest:,} more differ (-o NAME.csv, --json)."] if rest > 0 else []
    return _table(found, title, rows[:most], [shown(row.item, 60) for row in rows[:most]], notes)


def _table(
    found: Comparison, title: str, rows: Sequence[Row], items: Sequence[str], notes: Sequence[str] = ()
) -> Section:
    """Return a table of values by subject; with two subjects also the change."""
    columns = [(Column("", right=False), list(items))]
    columns += _columns(found, [[_cell(value) for value in row.values] for row in rows])
    if len(found.outcomes) == 2:
        columns.append((Column("change"), [_change(row) for row in rows]))
    return section(title, columns, notes=notes, always=9)


def _columns(found: Comparison, cells: Sequence[Sequence[str]]) -> list[tuple[Column, list[str]]]:
    """Return a column for each subject; `cells` are given by row."""
    return [(Column(name), [row[n] for row in cells]) for n, name in enumerate(names(found))]


def _cell(value: float | None) -> str:
    """Return a value as a cell."""
    return NO_PLAN if value is None else digits(value)


def _change(row: Row) -> str:
    """Return the change from the first to the second subject."""
    first, second = row.values[0], row.values[1]
    if first is None or second is None:
        return ""
    if not row.differs:
        return "0"
    sign = "+" if second > first else "−"
    return f"{sign}{digits(abs(second - first))}"
