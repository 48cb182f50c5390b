"""Tables of a sourcing plan on paper, a selection for the decision; all rows stay in the data sheets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from medalopt.report.document import CellValue, ReportColumn, ReportTable, get_cell_number
from medalopt.report.sourcing.order_layout import round_quantities
from medalopt.report.sourcing.summary import MOST_DUE_ORDERS

MOST_PRINTED_ROWS = 24  # rows of a table; the rest is summed in one row
_MOST_FINENESS_ROWS, _MOST_AWARD_ROWS = 16, 20
_FIRST_PAGE = ("key_figures", "due_orders")
_MOST_NAMED = 4  # parties of a compliance document
_DATA_ONLY = ("medal_sources", "stream_ends_", "melt_cards", "melts", "plating")  # keys, or how they begin
_COLUMNS_LEFT_OUT = {
    "award": ("device", "bundle"),
    "metal_account": (
        "period",
        "returned_low_kg",
        "returned_high_kg",
        "returned_low_alike_kg",
        "returned_high_alike_kg",
    ),
    "orders": ("first_delivery",),
    "papers": ("party", "smelter", "shows", "asked_by", "reference", "valid_until", "checked_by", "checked_on"),
    "claim_ledger": ("period", "document"),
}


def select_print_tables(tables: Sequence[ReportTable]) -> tuple[ReportTable, ...]:
    """Select the tables on paper: short ones in full, long ones folded or cut, data and first page left out.

    Args:
        tables: Tables of the sourcing plan.

    Returns:
        The tables in their order, each with its greatest number of rows.
    """
    return tuple(_prepare_table(table) for table in tables if not _is_left_out(table))


def _is_left_out(table: ReportTable) -> bool:
    on_first_page = table.key == "orders" and len(table.rows) <= MOST_DUE_ORDERS
    return table.key in _FIRST_PAGE or table.key.startswith(_DATA_ONLY) or on_first_page


def _prepare_table(table: ReportTable) -> ReportTable:
    folds: Mapping[str, Callable[[ReportTable], ReportTable]] = {
        "metal_account": _fold_metal_account,
        "papers": _fold_compliance,
        "claim_ledger": _fold_claims,
        "assumptions": _count_assumptions,
    }
    made = folds[table.key](table) if table.key in folds else table
    left_out = _COLUMNS_LEFT_OUT.get(table.key, ())
    kept = [position for position, column in enumerate(made.columns) if column.key not in left_out]
    columns = tuple(made.columns[position] for position in kept)
    rows = tuple(tuple(row[position] for position in kept) for row in made.rows)
    most = {"fineness": _MOST_FINENESS_ROWS, "award": _MOST_AWARD_ROWS}.get(table.key, MOST_PRINTED_ROWS)
    return _round_money(*round_quantities([replace(made, columns=columns, rows=rows, most=most)]))


def _round_money(table: ReportTable) -> ReportTable:
    """Show amounts of money, which are columns with a total or named so, in whole units."""
    money = ("cost", "costs", "more", "paid", "earned", "tenth", "in_all")
    columns = tuple(
        replace(column, digits=0) if column.unit and column.unit.isalpha() and _is_money(column, money) else column
        for column in table.columns
    )
    return replace(table, columns=columns)


def _is_money(column: ReportColumn, names: tuple[str, ...]) -> bool:
    return column.unit not in ("t", "kg", "g") and (column.total or column.key in names)


def _group_rows(table: ReportTable, key: str) -> dict[CellValue, list[tuple[CellValue, ...]]]:
    position = [column.key for column in table.columns].index(key)
    groups: dict[CellValue, list[tuple[CellValue, ...]]] = defaultdict(list)
    for row in table.rows:
        groups[row[position]].append(row)
    return dict(groups)


def _fold_metal_account(table: ReportTable) -> ReportTable:
    """Return one row for each metal: first opening stock, last closing stock, sums of the flows."""
    rows = []
    for of_metal in _group_rows(table, "metal").values():
        cells: list[CellValue] = []
        for position, column in enumerate(table.columns):
            each = [row[position] for row in of_metal]
            whole = column.unit is None or column.key == "opening_kg"
            cells.append(
                each[0] if whole else each[-1] if column.key == "closing_kg" else sum(map(get_cell_number, each))
            )
        rows.append(tuple(cells))
    text = "Over all periods: opening stock + returned + bought − charged − surplus = closing stock."
    return replace(table, description=text, rows=tuple(rows), notes=())


def _fold_compliance(table: ReportTable) -> ReportTable:
    """Return one row for each compliance document, with the parties that have to give it."""
    place = {column.key: position for position, column in enumerate(table.columns)}
    rows = []
    for of_paper in _group_rows(table, "paper").values():
        roles = dict.fromkeys(role for row in of_paper for role in str(row[place["role"]]).split(", "))
        parties = list(dict.fromkeys(str(row[place["party"]]) for row in of_paper))
        more = f" and {len(parties) - _MOST_NAMED} more" if len(parties) > _MOST_NAMED else ""
        named = ", ".join(parties[:_MOST_NAMED]) + more
        rows.append((", ".join(roles), *of_paper[0][1:], named))
    columns = (*table.columns, ReportColumn("parties", "Parties"))
    return replace(table, columns=columns, rows=tuple(rows))


def _fold_claims(table: ReportTable) -> ReportTable:
    """Return one row for each metal and supplier: sums of credits and claims, and the last balance."""
    place = {column.key: position for position, column in enumerate(table.columns)}
    groups: dict[tuple[CellValue, CellValue], list[tuple[CellValue, ...]]] = defaultdict(list)
    for row in table.rows:
        groups[row[place["metal"]], row[place["supplier"]]].append(row)
    sums = ("credited_kg", "claimed_kg", "released_kg")
    rows = [
        tuple(
            sum(get_cell_number(row[position]) for row in of_supplier) if key in sums else of_supplier[-1][position]
            for key, position in place.items()
        )
        for of_supplier in groups.values()
    ]
    return replace(table, rows=tuple(rows))


def _count_assumptions(table: ReportTable) -> ReportTable:
    """Return the number of parameters by their author's mark."""
    place = [column.key for column in table.columns].index("mark")
    counts = Counter(str(row[place]) for row in table.rows)
    columns = (ReportColumn("mark", "Mark"), ReportColumn("count", "Parameters", "", 0, total=True))
    text = "Parameters of the instance by the mark of their source; each with its source in the data sheets."
    return replace(table, description=text, columns=columns, rows=tuple(counts.most_common()))
