"""Layout of the lines of an order for people: grouped by bundle or stream, with totals by period, in units of trade.

The exact lines stay in the data sheets. Devices are rounded to the kilogram at the finest, metal and small lots to the
gram; metal bought is rounded up.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from medalopt.report.document import (
    CellValue,
    OrderDocument,
    ReportColumn,
    ReportTable,
    TableRows,
    get_cell_number,
    keep_columns,
)
from medalopt.text import list_first
from medalopt.tolerances import AMOUNT_TOLERANCE

_FINEST_DECIMALS = {"t": 3, "kg": 3}  # a scale for pallets shows 1 kg, a balance for metal 1 g
_LEAST_LOAD = 0.01  # t; an order with smaller loads is weighed in kilograms
_QUANTITIES = "quantities"  # key of the table of an order by period
_LEAST_DIGITS, _MOST_DIGITS = 2, 3  # significant digits kept of the smallest, and of the largest quantity
_PURCHASE_DIGITS = 7  # of metal bought, which is charged to the last gram
_PRICE_DECIMALS = 6  # of a price converted from another unit; the exact lines have all
MOST_GROUPS_ACROSS = 6  # groups of goods with a column of their own
_MOST_PARTS = 6  # devices named in the composition of a bundle
_ROUNDING_NOTE = (
    "Quantities are rounded to units of the trade; the exact lines are in the workbook and the CSV folder, as {}."
)
_MARKS = ("seen", "derived", "recalled", "estimated")
_WHOLE_KEYS = (
    "tonnes_t",
    "tonnes_kg",
    "feed_t",
    "feed_kg",
    "bought_kg",
)  # columns of an order with the quantity of a period
_TONNES_KEY = {key: f"{key.partition('_')[0]}_t" for key in _WHOLE_KEYS}  # of the exact lines
_KILOGRAMS = 1000  # per tonne
Cells = dict[str, CellValue]


def _choose_trade_decimals(amounts: Iterable[float], unit: str, most: int = _MOST_DIGITS) -> int:
    """Choose the decimal places of a column of quantities as weighed: two to three significant digits."""
    sizes = [math.floor(math.log10(abs(amount))) for amount in amounts if amount and math.isfinite(amount)]
    if not sizes:
        return 0
    wanted = max(_LEAST_DIGITS - 1 - min(sizes), most - 1 - max(sizes))
    return max(0, min(_FINEST_DECIMALS[unit], wanted))


def group_order_lines(lines: ReportTable, periods: Sequence[str]) -> tuple[ReportTable, ...]:
    """Group the exact lines of an order for page and paper.

    Args:
        lines: Exact lines: `collection_lines`, `call_off_lines`, `transport_lines`, `toll_lines`, `purchase_lines`,
            `sale_lines` or `metal_sale_lines`.
        periods: Periods of the instance, in their order.

    Returns:
        Tables of the same quantities and amounts: by period, and by kind of goods.
    """
    at = {period: number for number, period in enumerate(periods)}
    rows = sorted(lines.list_records(), key=lambda row: at[str(row["period"])])
    layouts = {"toll_lines": _group_tolling, "purchase_lines": _group_purchase}
    layouts |= {"sale_lines": _group_sale, "metal_sale_lines": _group_sale}
    tables = [replace(table, notes=()) for table in layouts.get(lines.key, _group_call_off)(lines, rows)]
    last = replace(tables[-1], notes=(_ROUNDING_NOTE.format(lines.key),))
    return tuple(map(_round_up, _round_quantities(_convert_small_loads((*tables[:-1], last)))))


def _convert_small_loads(tables: Sequence[ReportTable]) -> Sequence[ReportTable]:
    """Return tables in kilograms where a load is too small for a scale in tonnes."""
    loads = [
        get_cell_number(cell)
        for column in tables[0].columns
        if column.unit == "t"
        for cell in tables[0].list_cells(column.key)
    ]
    if not any(0 < load < _LEAST_LOAD for load in loads):
        return tables
    return [_convert_to_kilograms(table) for table in tables]


def _convert_to_kilograms(table: ReportTable) -> ReportTable:
    """Return a table with tonnes and rates per tonne in kilograms and per kilogram."""
    units = [column.unit or "" for column in table.columns]
    factors = [_KILOGRAMS if unit == "t" else 1 / _KILOGRAMS if unit.endswith("/t") else 1.0 for unit in units]
    columns = tuple(
        column
        if factor == 1
        else replace(
            column,
            key=f"{column.key.removesuffix('_t')}_kg",
            unit=f"{(column.unit or '').removesuffix('t')}kg",
            title={"Tonnes": "Quantity"}.get(column.title, column.title),
        )
        for column, factor in zip(table.columns, factors, strict=True)
    )
    rows = tuple(
        tuple(
            cell if factor == 1 or cell is None else factor * get_cell_number(cell)
            for cell, factor in zip(row, factors, strict=True)
        )
        for row in table.rows
    )
    text = table.description.replace("Tonnes", "Kilograms").replace("tonnes", "kilograms").replace("tonne", "kilogram")
    return replace(table, columns=columns, rows=rows, description=text)


def _round_up(table: ReportTable) -> ReportTable:
    """Return the quantities of metal to buy rounded up, so that the metal suffices."""
    if table.key != _QUANTITIES or "bought_kg" not in table.places:
        return table
    place = table.places["bought_kg"]
    step = 10.0 ** -table.columns[place].digits
    rows = (
        (*row[:place], step * math.ceil(get_cell_number(row[place]) / step * (1 - AMOUNT_TOLERANCE)), *row[place + 1 :])
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def compute_rounding(document: OrderDocument) -> dict[tuple[str, str], float]:
    """Compute the factor by which rounding changes the quantities of an order.

    Returns:
        Rounded over exact quantity, by stream ('' for metal) and period.
    """
    table = document.grouped[0]
    whole = next(column for column in table.columns if column.key in _WHOLE_KEYS)
    groups = {column.title: column for column in table.columns if column.key.startswith("group_")}
    by_period = {str(row["period"]): row for row in table.list_records()}
    exact: dict[tuple[str, str], float] = defaultdict(float)
    lines = document.lines.list_records()
    columns = [groups.get(_name_goods(line), whole) if groups else whole for line in lines]
    for line, column in zip(lines, columns, strict=True):
        tonnes, kilograms = (get_cell_number(line.get(key)) for key in (_TONNES_KEY.get(whole.key, ""), "bought_kg"))
        exact[column.key, str(line["period"])] += kilograms or tonnes * (_KILOGRAMS if column.unit == "kg" else 1)
    result: dict[tuple[str, str], float] = {}
    for line, column in zip(lines, columns, strict=True):
        period = str(line["period"])
        if exact[column.key, period]:
            ordered = round(get_cell_number(by_period[period][column.key]), column.digits)
            result[str(line.get("stream") or ""), period] = ordered / exact[column.key, period]
    return result


def _round_quantities(tables: Sequence[ReportTable]) -> tuple[ReportTable, ...]:
    """Give quantities the decimal places of the trade: tonnes the same in all tables, metal by column; money none."""
    in_tonnes = [(table, column.key) for table in tables for column in table.columns if column.unit == "t"]
    amounts = [get_cell_number(cell) for table, key in in_tonnes for cell in table.list_cells(key)]
    tonnes = _choose_trade_decimals(amounts, "t")
    return tuple(replace(table, columns=tuple(_round_columns(table, tonnes))) for table in tables)


def _round_columns(table: ReportTable, tonnes: int) -> Iterator[ReportColumn]:
    """Yield the columns of a table with the decimal places of the trade."""
    for column in table.columns:
        if column.unit == "t":
            yield replace(column, digits=tonnes)
        elif column.unit == "kg":
            digits = _PURCHASE_DIGITS if column.key == "bought_kg" and table.key == _QUANTITIES else _MOST_DIGITS
            amounts = map(get_cell_number, table.list_cells(column.key))
            yield replace(column, digits=_choose_trade_decimals(amounts, "kg", digits))
        else:
            yield replace(column, digits=0) if column.key == "amount" else column


def _sum_cells(rows: Iterable[Cells], key: str) -> float:
    return sum(get_cell_number(row.get(key)) for row in rows)


def _collect_rows(rows: Iterable[Cells], key: Callable[[Cells], str]) -> dict[str, list[Cells]]:
    """Return rows by a key, in the order in which the keys first appear."""
    groups: dict[str, list[Cells]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _find_column(lines: ReportTable, key: str) -> ReportColumn:
    return lines.columns[lines.places[key]]


def _name_goods(row: Cells) -> str:
    """Return the goods of a line: its bundle or stream, of freight the treated material and its smelter."""
    if "stream" not in row:
        return f"{row.get('treatment', '')} to {row.get('smelter', '')}"
    return f"{row['bundle']} (bundle)" if row.get("bundle") else str(row["stream"])


def _group_call_off(lines: ReportTable, rows: Sequence[Cells]) -> tuple[ReportTable, ...]:
    """Return tonnes by period and kind of goods, then the goods with composition, rates and amount."""
    groups = _collect_rows(rows, _name_goods)
    return (_tabulate_quantities(lines, rows, groups), _tabulate_goods(lines, groups))


def _get_weight(row: Cells) -> float:
    """Return the tonnes that the rates of a line refer to: of devices, or of the fraction shipped."""
    return get_cell_number(row["tonnes_t"]) or get_cell_number(row.get("fraction_t"))


def _tabulate_quantities(lines: ReportTable, rows: Sequence[Cells], groups: Mapping[str, list[Cells]]) -> ReportTable:
    """Return a row for each period: tonnes of each kind of goods, or of all where there are many, and the amount."""
    period = _find_column(lines, "period")
    across = list(groups) if 1 < len(groups) <= MOST_GROUPS_ACROSS else []
    columns = (
        period,
        *(ReportColumn(f"group_{number}_t", name, "t", 2, total=True) for number, name in enumerate(across, start=1)),
        ReportColumn("tonnes_t", "Total" if across else "Tonnes", "t", 2, total=True),
        _find_column(lines, "amount"),
    )
    table: list[tuple[CellValue, ...]] = []
    for name, of_period in _collect_rows(rows, lambda row: str(row["period"])).items():
        each = _collect_rows(of_period, _name_goods)
        tonnes = (_sum_cells(each.get(group, ()), "tonnes_t") for group in across)
        table.append((name, *tonnes, _sum_cells(of_period, "tonnes_t"), _sum_cells(of_period, "amount")))
    word = period.title.lower()
    what = {"transport_lines": "Tonnes to carry", "collection_lines": "Tonnes to hand over"}.get(lines.key, "Tonnes")
    text = f"{what} in each {word}, and the amount due for them."
    return ReportTable(_QUANTITIES, f"Quantities by {word}", text, columns, tuple(table))


def _tabulate_goods(lines: ReportTable, groups: Mapping[str, list[Cells]]) -> ReportTable:
    """Return a row for each kind of goods: composition of a bundle, tonnes, mean rates and amount."""
    rates = [replace(column, optional=True) for column in lines.columns if column.key.endswith("_per_t")]
    columns = (
        ReportColumn("goods", "Material"),
        ReportColumn("contains", "Composition (information)", optional=True),
        ReportColumn("tonnes_t", "Tonnes", "t", 2, total=True),
        *(replace(rate, digits=2) for rate in rates),
        _find_column(lines, "amount"),
    )
    table: list[tuple[CellValue, ...]] = []
    for name, rows in groups.items():
        tonnes = _sum_cells(rows, "tonnes_t")
        means = (
            sum(get_cell_number(row[rate.key]) * _get_weight(row) for row in rows) / tonnes if tonnes else None
            for rate in rates
        )
        table.append((name, _describe_composition(rows, tonnes), tonnes, *means, _sum_cells(rows, "amount")))
    text = "Rates per tonne; of a bundle, or of material on several routes, the mean. Amounts include storage."
    return ReportTable("goods", "Material and rates", text, columns, tuple(table))


def _describe_composition(rows: Sequence[Cells], tonnes: float) -> str:
    """Return the devices of a bundle with their shares of its mass, the largest first; '' for a single stream."""
    if not rows[0].get("bundle") or not tonnes:
        return ""
    held = {
        device: _sum_cells(one, "tonnes_t")
        for device, one in _collect_rows(rows, lambda row: str(row["device"])).items()
    }
    order = sorted(held, key=lambda device: (-held[device], device))
    named = [f"{device} {100 * held[device] / tonnes:.0f} %" for device in order[:_MOST_PARTS]]
    rest = sum(held[device] for device in order[_MOST_PARTS:])
    more = [f"{len(order) - _MOST_PARTS} more {100 * rest / tonnes:.0f} %"] if rest else []
    return ", ".join([*named, *more])


def _group_tolling(lines: ReportTable, rows: Sequence[Cells]) -> tuple[ReportTable, ...]:
    """Return feed and metal by period of shipment, then the charges by line of the terms."""
    items = list(dict.fromkeys(str(row["item"]) for row in rows if get_cell_number(row["returned_kg"])))
    columns = (
        _find_column(lines, "period"),
        replace(_find_column(lines, "feed_t"), title="Feed"),
        *(
            ReportColumn(f"metal_{number}_kg", f"{item.capitalize()} returned", "kg", 3, total=True)
            for number, item in enumerate(items[:MOST_GROUPS_ACROSS], start=1)
        ),
        _find_column(lines, "amount"),
    )
    table: list[tuple[CellValue, ...]] = []
    for name, of_period in _collect_rows(rows, lambda row: str(row["period"])).items():
        by_item = _collect_rows(of_period, lambda row: str(row["item"]))
        metal = (_sum_cells(by_item.get(item, ()), "returned_kg") for item in items[:MOST_GROUPS_ACROSS])
        table.append((name, _sum_cells(of_period, "feed_t"), *metal, _sum_cells(of_period, "amount")))
    text = "Dry tonnes to treat, and the metal to return for them, by period of shipment."
    first = ReportTable(_QUANTITIES, "Feed and metal by period", text, columns, tuple(table))
    return (first, _tabulate_charges(lines, rows))


def _tabulate_charges(lines: ReportTable, rows: Sequence[Cells]) -> ReportTable:
    """Return a row for each item of each line of the terms: quantities summed, contract terms as agreed."""
    shown = keep_columns(lines, [key for key in lines.places if key not in ("period", "back", "unit_code")])
    columns = tuple(replace(column, optional=column.unit is not None) for column in shown.columns)
    sums = ("feed_t", "contained_kg", "returned_kg", "left_kg", "amount")
    folded = _fold_rows(list(shown.places), rows, ("terms", "item"), sums)
    place = shown.places["terms"]
    above = ["", *(row[place] for row in folded)]  # the terms are named once
    named = (
        ("" if row[place] == before else row[place], *row[place + 1 :])
        for row, before in zip(folded, above, strict=False)
    )
    title = "Charges of feed per dry tonne, of metal per kilogram returned"
    return ReportTable("charges", title, "", columns, tuple(named))


def _fold_rows(
    keys: Sequence[str], rows: Iterable[Cells], by: Sequence[str], sums: Sequence[str], last: Sequence[str] = ()
) -> TableRows:
    """Fold rows that agree in the cells `by`: cells summed, the last ones, or else the first ones."""
    groups: dict[tuple[CellValue, ...], list[Cells]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in by)].append(row)
    return tuple(
        tuple(
            _sum_cells(group, key)
            if key in sums and group[0][key] is not None
            else group[-1 if key in last else 0][key]
            for key in keys
        )
        for group in groups.values()
    )


def _group_purchase(lines: ReportTable, rows: Sequence[Cells]) -> tuple[ReportTable, ...]:
    """Return a row for each period: kilograms, price, amount, and the alloys that it is for."""
    keys = ("period", "bought_kg", "price_per_kg", "amount", "alloy")
    selected = [_find_column(lines, key) for key in keys]
    columns = tuple(replace(column, digits=min(column.digits, _PRICE_DECIMALS)) for column in selected)
    table: list[tuple[CellValue, ...]] = []
    for name, of_period in _collect_rows(rows, lambda row: str(row["period"])).items():
        alloys = ", ".join(dict.fromkeys(str(row["alloy"]) for row in of_period))
        amount = _sum_cells(of_period, "amount")
        table.append((name, _sum_cells(of_period, "bought_kg"), of_period[0]["price_per_kg"], amount, alloys))
    text = "Kilograms to deliver in each period, at the agreed price."
    return (ReportTable(_QUANTITIES, "Quantities and price", text, columns, tuple(table)),)


def _group_sale(lines: ReportTable, rows: Sequence[Cells]) -> tuple[ReportTable, ...]:
    """Return quantity, price and amount by period, then of fractions by treatment and region; prices are means."""
    measures = [column for column in lines.columns if column.unit is not None]
    keys = [column.key for column in measures]

    def tabulate(key: str, title: str, text: str, by: Sequence[str]) -> ReportTable:
        """Return a row of sums for each group of lines."""
        groups = _collect_rows(rows, lambda row: "\n".join(str(row[name]) for name in by)).values()
        table = tuple((*(of[0][name] for name in by), *_sum_sales(of, keys)) for of in groups)
        return ReportTable(key, title, text, (*(_find_column(lines, name) for name in by), *measures), table)

    word = lines.columns[0].title.lower()
    text = f"Quantities to hand over in each {word}, with the mean price, and the amount that the buyer pays."
    first = tabulate(_QUANTITIES, f"Quantities by {word}", text, ("period",))
    if "treatment" not in rows[0]:
        return (first,)
    text = "Quantities by origin; the price is the mean of the lines."
    return (first, tabulate("goods", "Material by origin", text, ("material", "treatment", "region")))


def _sum_sales(rows: Sequence[Cells], keys: Sequence[str]) -> tuple[CellValue, ...]:
    """Return quantity, mean price and amount of lines."""
    quantity, amount = (_sum_cells(rows, key) for key in (keys[0], keys[-1]))
    return (quantity, amount / quantity, amount)


MOST_DUE_ORDERS = 14  # rows of orders on the first page
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
    folded = folds[table.key](table) if table.key in folds else table
    left_out = _COLUMNS_LEFT_OUT.get(table.key, ())
    shown = keep_columns(folded, [key for key in folded.places if key not in left_out])
    limit = {"fineness": _MOST_FINENESS_ROWS, "award": _MOST_AWARD_ROWS}.get(table.key, MOST_PRINTED_ROWS)
    return _round_money(*_round_quantities([replace(shown, most=limit)]))


def _round_money(table: ReportTable) -> ReportTable:
    """Show amounts of money, which are columns with a total or named so, in whole units."""
    money = ("cost", "costs", "more", "paid", "earned", "tenth", "in_all")
    columns = tuple(
        replace(column, digits=0)
        if (unit := column.unit)
        and unit.isalpha()
        and unit not in ("t", "kg", "g")
        and (column.total or column.key in money)
        else column
        for column in table.columns
    )
    return replace(table, columns=columns)


def _fold_metal_account(table: ReportTable) -> ReportTable:
    """Return one row for each metal: first opening stock, last closing stock, sums of the flows."""
    flows = [c.key for c in table.columns if c.unit is not None and c.key not in ("opening_kg", "closing_kg")]
    rows = _fold_rows(list(table.places), table.list_records(), ("metal",), flows, ("closing_kg",))
    text = "Over all periods: opening stock + returned + bought − charged − surplus = closing stock."
    return replace(table, description=text, rows=rows, notes=())


def _fold_compliance(table: ReportTable) -> ReportTable:
    """Return one row for each compliance document, with the parties that have to give it."""
    rows = []
    for of_paper in _collect_rows(table.list_records(), lambda row: str(row["paper"])).values():
        roles = dict.fromkeys(role for row in of_paper for role in str(row["role"]).split(", "))
        parties = list(dict.fromkeys(str(row["party"]) for row in of_paper))
        rows.append((*(of_paper[0] | {"role": ", ".join(roles)}).values(), list_first(parties, _MOST_NAMED)))
    columns = (*table.columns, ReportColumn("parties", "Parties"))
    return replace(table, columns=columns, rows=tuple(rows))


def _fold_claims(table: ReportTable) -> ReportTable:
    """Return one row for each metal and supplier: sums of credits and claims, and the last balance."""
    sums = ("credited_kg", "claimed_kg", "released_kg")
    rows = _fold_rows(list(table.places), table.list_records(), ("metal", "supplier"), sums, ("balance_kg",))
    return replace(table, rows=rows)


def _count_assumptions(table: ReportTable) -> ReportTable:
    """Return the number of parameters by their author's mark."""
    place = {mark: number for number, mark in enumerate(_MARKS)}  # the most certain first
    marks = (str(cell).split(", ") for cell in table.list_cells("mark"))
    counts = Counter(", ".join(sorted(each, key=lambda mark: place.get(mark, len(_MARKS)))) for each in marks)
    columns = (ReportColumn("mark", "Mark"), ReportColumn("count", "Parameters", "", 0, total=True))
    text = "Parameters of the instance by the mark of their source; each with its source in the data sheets."
    return replace(table, description=text, columns=columns, rows=tuple(counts.most_common()))
