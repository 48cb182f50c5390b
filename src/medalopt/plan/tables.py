"""The tables of a plan as columns of equal length, and those of its extensions.

Rows of zeros are dropped, except of metals.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats, drop_infinite, pick_names
from medalopt.instance.bounds import is_stocked, may_miss
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import list_used_contracts, list_used_steps
from medalopt.instance.lots import compute_purchase_prices, has_activities, has_price_steps
from medalopt.instance.payers import compute_party_costs, has_payers
from medalopt.instance.routes import compute_fraction_amounts
from medalopt.instance.smelter_terms import leaves_metal, list_pool_names, list_terms_names
from medalopt.instance.uncertainty import compute_risk, has_uncertain_returns
from medalopt.proof.extensions import OBJECTIVE_ROW, ExtensionData
from medalopt.tolerances import AMOUNT_TOLERANCE, SUM_TOLERANCE

ColumnTable = dict[str, list[Any]]
EDITABLE_TABLES = ("shipments", "purchases", "stockpiles")  # on visible sheets of a workbook


@dataclass(frozen=True)
class PlanColumn:
    """A column of a table of a plan: text, or numbers in a unit.

    Attributes:
        unit: Unit of numbers, `money` for the currency, '' for another column's or none; None: text.
        title: Title of numbers in data frames; default: the name.
        nullable: Whether a cell may be empty.
        beside: Table beside which alone the table has this column; default: always.
    """

    unit: str | None = None
    title: str = ""
    nullable: bool = False
    beside: str = ""


def _make_columns(texts: str, **numbers: PlanColumn | str) -> dict[str, PlanColumn]:
    """Return columns: the names of those of text, and the units or more of the others."""
    columns = {name: PlanColumn() for name in texts.split()}
    return columns | {name: PlanColumn(one) if isinstance(one, str) else one for name, one in numbers.items()}


KEYS: Mapping[str, int] = {"duals": 3, "added_terms": 4}
"""Tables of which each row has a list of names, `key`, and the most names of one."""

_NULLABLE_TEXT, _NULLABLE_NUMBER = PlanColumn(nullable=True), PlanColumn("", nullable=True)
_MARGINAL_VALUES = _make_columns("path", period=_NULLABLE_TEXT, value="") | _make_columns("unit meaning")
_KG = dict.fromkeys(("returned", "used", "surplus", "stock"), "kg")
PLAN_TABLES: Mapping[str, Mapping[str, PlanColumn]] = {
    "shipments": _make_columns("stream device region treatment", smelter=_NULLABLE_TEXT) | _make_columns(
        "period", tonnes=PlanColumn("t", "taken"), cost="money",
        fraction=PlanColumn(nullable=True, beside="fractions"), feed=PlanColumn("t", beside="fractions"),
    ),
    "stockpiles": _make_columns("stream period", tonnes=PlanColumn("t", "stock")),
    "purchases": _make_columns("offer alloy period", kg=PlanColumn("kg", "bought"), cost="money"),
    "metals": _make_columns("metal period", **_KG, called_back=PlanColumn("kg", beside="left")),
    "melts": _make_columns("alloy period metal", kg=PlanColumn("kg", "charged")),
    "casts": _make_columns("alloy period", charged="kg", scrap="kg", cast="kg"),
    "prices": _MARGINAL_VALUES,
    "prices_at_lots": _MARGINAL_VALUES,
    "duals": _make_columns("rule", value=""),
    "offer_stock": _make_columns("offer period", bought="kg", charged="kg", stock="kg", cost="money"),
    "offer_charges": _make_columns("offer alloy period", kg=PlanColumn("kg", "charged")),
    "withheld": _make_columns("terms metal period", kg="kg"),
    "shortfall": _make_columns("medal period", missed="", cost="money"),
    "left": _make_columns("terms metal period", kg="kg", revenue="money"),
    "fractions": _make_columns("treatment fraction period", tonnes=PlanColumn("t", "yielded"), revenue="money"),
    "charges": _make_columns("contract period", quantity="") | _make_columns("unit", charge="money"),
    "parties": _make_columns("party kind", cost="money"),
    "risk": _make_columns(
        "metal period",
        **{f"{name}_kg": PlanColumn("kg", name) for name in ("needed", "mean", "sd", "q05", "q95")}, probability="",
    ),
    "feed_content": _make_columns(
        "smelter period element", feed="t", content="kg/t", limit=PlanColumn("kg/t", nullable=True)
    ),
    "price_steps": _make_columns("contract", step="", up_to=_NULLABLE_NUMBER, price="money", quantity="")
    | _make_columns("unit", cost="money"),
    "added_rows": _make_columns("name", lower=_NULLABLE_NUMBER, upper=_NULLABLE_NUMBER, dual=""),
    "added_terms": _make_columns("row component", coefficient=""),
    "added_variables": _make_columns("name", lower=_NULLABLE_NUMBER, upper=_NULLABLE_NUMBER, value=""),
}  # fmt: skip
"""Columns of every table of a plan, in the order of a row, by table."""

REQUIRED_TABLES = ("shipments", "stockpiles", "purchases", "metals", "melts", "casts", "prices", "duals")
"""Tables that every plan has."""
EXTENSION_TABLES = tuple(table for table in PLAN_TABLES if table.startswith("added_"))
"""Tables of extensions; a plan has all of them or none."""


_AXES: Mapping[str, Callable[[Instance], tuple[str, ...]]] = {  # by column, its names
    "stream": lambda instance: instance.streams.names,
    "offer": lambda instance: instance.market.names,
    "alloy": lambda instance: instance.alloys.names,
    "metal": lambda instance: instance.metals.names,
    "terms": list_terms_names,
    "pool": list_pool_names,
    "period": lambda instance: instance.periods,
}


def _tabulate(account: PlanAccount, axes: tuple[str, ...], amounts: Floats, **values: Floats) -> ColumnTable:
    """Return a row for each non-zero amount: its name along each axis, and `values` there."""
    index = np.nonzero(amounts)
    table = {axis: pick_names(_AXES[axis](account.instance), at) for axis, at in zip(axes, index, strict=True)}
    return table | {name: each[index].tolist() for name, each in values.items()}


def _tabulate_shipments(account: PlanAccount) -> ColumnTable:
    """Return shipments: route, period, tonnes and cost; where treatments have fractions, also fraction and feed.

    Devices that are split have one row without a smelter, and one for each fraction and smelter with the same tonnes.
    """
    instance, routes, sent = account.instance, account.routes, account.decisions.sent
    route, period = np.nonzero(sent)
    stream = routes.stream[route]
    smelters = (*instance.smelters.names, None)  # the last, at -1, for a route without a smelter
    tonnes = sent[route, period]
    names = [instance.treatments.split_name(h) for h in range(len(instance.treatments.names))]
    treatment = routes.treatment[route]
    table = {
        "stream": pick_names(instance.streams.names, stream),
        "device": pick_names(instance.devices.names, instance.streams.device[stream]),
        "region": pick_names(instance.regions, instance.streams.region[stream]),
        "treatment": pick_names([name for name, _ in names], treatment),
        "smelter": pick_names(smelters, routes.smelter[route]),
        "period": pick_names(instance.periods, period),
        "tonnes": tonnes.tolist(),
        "cost": account.shipment_costs[route, period].tolist(),
    }
    if instance.treatments.has_fractions:
        table |= {
            "fraction": pick_names([fraction for _, fraction in names], treatment),
            "feed": (routes.to_smelter[route] * tonnes).tolist(),
        }
    return table


def _tabulate_fractions(account: PlanAccount) -> ColumnTable:
    """Return tonnes of each fraction that treated devices yield by period, and the revenue where it is sold."""
    instance = account.instance
    tonnes, paid = compute_fraction_amounts(account)
    fraction, period = np.nonzero(tonnes)
    names = [instance.treatments.split_name(h) for h in fraction.tolist()]
    return {
        "treatment": [treatment for treatment, _ in names],
        "fraction": [name for _, name in names],
        "period": pick_names(instance.periods, period),
        "tonnes": tonnes[fraction, period].tolist(),
        "revenue": paid[fraction, period].tolist(),
    }


def _tabulate_purchases(account: PlanAccount) -> ColumnTable:
    """Return offers bought and charged at once: kg and cost by offer, alloy and period."""
    bought = np.where(is_stocked(account.instance)[:, None, None], 0.0, account.decisions.bought)
    cost = bought * compute_purchase_prices(account)[:, None, :]
    return _tabulate(account, ("offer", "alloy", "period"), bought, kg=bought, cost=cost)


def _tabulate_offer_stock(account: PlanAccount) -> ColumnTable:
    """Return offers in stock: kg bought, charged and left by offer and period, and cost of the purchase.

    Stock below `AMOUNT_TOLERANCE` of all purchases and the opening stock of the offer is set to 0.
    """
    instance, stocked = account.instance, is_stocked(account.instance)[:, None]
    bought = np.where(stocked, account.purchases, 0.0)
    charged = np.where(stocked, account.decisions.bought.sum(axis=1), 0.0)
    size = (account.bought + instance.market.opening_stock.value)[:, None]
    left = np.where(abs(account.offer_stock) > AMOUNT_TOLERANCE * size, account.offer_stock, 0.0)
    some, cost = (bought != 0) | (charged != 0) | (left != 0), bought * compute_purchase_prices(account)
    return _tabulate(account, ("offer", "period"), some, bought=bought, charged=charged, stock=left, cost=cost)


def _tabulate_offer_charges(account: PlanAccount) -> ColumnTable:
    """Return kg charged from offers in stock, by offer, alloy and period."""
    charged = np.where(is_stocked(account.instance)[:, None, None], account.decisions.bought, 0.0)
    return _tabulate(account, ("offer", "alloy", "period"), charged, kg=charged)


def _tabulate_metals(account: PlanAccount) -> ColumnTable:
    """Return the metal account: kg of every metal and period.

    Where metal may be left with the smelters, metal called back has a column, and `surplus` includes metal left.
    Stock below `AMOUNT_TOLERANCE` of all inflow of the metal is set to 0, and metal called back below `SUM_TOLERANCE`.
    """
    back = account.returned.sum(axis=0)
    turnover = (account.instance.metals.opening_stock.value + back.sum(axis=1))[:, None]
    called = np.where(abs(account.called_back) > SUM_TOLERANCE * turnover, account.called_back, 0.0)
    return _tabulate(
        account,
        ("metal", "period"),
        np.ones(back.shape),
        returned=back,
        used=account.decisions.charged.sum(axis=0),
        surplus=account.decisions.surplus + account.left,
        stock=np.where(abs(account.stock) > AMOUNT_TOLERANCE * turnover, account.stock, 0.0),
        **({"called_back": called} if leaves_metal(account.instance) else {}),
    )


def _tabulate_melts(account: PlanAccount) -> ColumnTable:
    """Return kg charged by alloy, period and metal, from stock and offers together; `other` is unnamed matter."""
    instance = account.instance
    other = np.maximum(account.charge - account.composition.sum(axis=1), 0)
    other = np.where(other > 1e-12 * account.charge, other, 0)[:, None, :]  # less is rounding
    charged = np.concatenate([account.composition, other], axis=1).transpose(0, 2, 1)  # (A, T, E + 1)
    alloy, period, metal = np.nonzero(charged)
    return {
        "alloy": pick_names(instance.alloys.names, alloy),
        "period": pick_names(instance.periods, period),
        "metal": pick_names((*instance.metals.names, "other"), metal),
        "kg": charged[alloy, period, metal].tolist(),
    }


def _tabulate_withheld(account: PlanAccount) -> ColumnTable:
    """Return kg withheld from each pooled lot by settlement terms, metal and period of shipment."""
    withheld = account.decisions.withheld
    table = _tabulate(account, ("pool", "metal", "period"), withheld, kg=withheld)
    return {"terms": table.pop("pool"), **table}


def _tabulate_shortfall(account: PlanAccount) -> ColumnTable:
    """Return the medals that are not made by kind, with the period in which they are due and their penalty."""
    medals, missed = account.instance.medals, account.missed
    kinds = np.flatnonzero(missed)
    return {
        "medal": pick_names(medals.names, kinds),
        "period": pick_names(account.instance.periods, medals.due[kinds]),
        "missed": missed[kinds].tolist(),
        "cost": (medals.shortfall.value[kinds] * missed[kinds]).tolist(),
    }


def _tabulate_left(account: PlanAccount) -> ColumnTable:
    """Return kg of credited metal left with the smelters by settlement terms, metal and period, and the revenue."""
    left = account.decisions.left
    paid = left * account.instance.terms.pays.value if len(left) else left
    return _tabulate(account, ("terms", "metal", "period"), left, kg=left, revenue=paid)


def _tabulate_parties(account: PlanAccount) -> ColumnTable:
    """Return cost by party and kind over the horizon, revenue negative; amounts of rounding are left out."""
    noise = AMOUNT_TOLERANCE * sum(float(abs(by_period).sum()) for by_period in account.costs.values())
    rows = [
        (party, kind, total)
        for party, kinds in compute_party_costs(account).items()
        for kind, spent in kinds.items()
        if abs(total := float(spent.sum())) > noise
    ]
    return {name: [row[n] for row in rows] for n, name in enumerate(PLAN_TABLES["parties"])}


def _tabulate_risk(account: PlanAccount) -> ColumnTable:
    """Return need, distribution of the metal returned and probability of each metal and deadline."""
    metals, periods = account.instance.metals.names, account.instance.periods
    rows = [
        (metals[r.metal], periods[r.period], r.needed, r.mean, r.deviation, r.low, r.high, r.probability)
        for r in compute_risk(account)
    ]
    return {name: [row[n] for row in rows] for n, name in enumerate(PLAN_TABLES["risk"])}


def _tabulate_feed_content(account: PlanAccount) -> ColumnTable:
    """Return feed, mean content and limit by smelter, period and element that smelters refuse, charge or limit."""
    instance, held = account.instance, account.impurity
    smelter, period, element = np.nonzero(held.transpose(0, 2, 1))
    feed = account.feed[smelter, period]
    limit = instance.impurities.limit.value[smelter, element].tolist()
    return {
        "smelter": pick_names(instance.smelters.names, smelter),
        "period": pick_names(instance.periods, period),
        "element": pick_names(instance.impurities.names, element),
        "feed": feed.tolist(),
        "content": (held[smelter, element, period] / feed).tolist(),
        "limit": [most if math.isfinite(most) else None for most in limit],
    }


def _tabulate_records(table: str, records: Iterable[Any]) -> ColumnTable:
    """Return the columns of a table from records with a member for each."""
    rows = list(records)
    return {name: [getattr(row, name) for row in rows] for name in PLAN_TABLES[table]}


TABLE_BUILDERS: dict[str, Callable[[PlanAccount], ColumnTable]] = {
    "shipments": _tabulate_shipments,
    "stockpiles": lambda account: _tabulate(
        account, ("stream", "period"), account.decisions.stockpile, tonnes=account.decisions.stockpile
    ),
    "purchases": _tabulate_purchases,
    "metals": _tabulate_metals,
    "melts": _tabulate_melts,
    "casts": lambda account: _tabulate(
        account,
        *(("alloy", "period"), account.cast),
        charged=account.charge,
        scrap=account.decisions.recharged,
        cast=account.cast,
    ),
}
OPTIONAL_TABLE_BUILDERS: dict[str, tuple[Callable[[Instance], bool], Callable[[PlanAccount], ColumnTable]]] = {
    "offer_stock": (lambda instance: bool(is_stocked(instance).any()), _tabulate_offer_stock),
    "offer_charges": (lambda instance: bool(is_stocked(instance).any()), _tabulate_offer_charges),
    "withheld": (lambda instance: bool(instance.terms.pooled.any()), _tabulate_withheld),
    "left": (leaves_metal, _tabulate_left),
    "shortfall": (lambda instance: bool(may_miss(instance).any()), _tabulate_shortfall),
    "fractions": (lambda instance: instance.treatments.has_fractions, _tabulate_fractions),
    "feed_content": (lambda instance: instance.impurities.has_effect, _tabulate_feed_content),
    "charges": (has_activities, lambda account: _tabulate_records("charges", list_used_contracts(account))),
    "price_steps": (has_price_steps, lambda account: _tabulate_records("price_steps", list_used_steps(account))),
    "parties": (has_payers, _tabulate_parties),
    "risk": (has_uncertain_returns, _tabulate_risk),
}  # by table, which instances have it, and its builder


def build_plan_tables(account: PlanAccount) -> dict[str, ColumnTable]:
    """Return the tables of a plan.

    Returns:
        Columns by table; those of offers in stock, pooled lots, metal left with the smelters, medals that may be
        missed, fractions, impurities, lots, charges, price steps, payers and risk only if the instance has any.
    """
    optional = {name: build for name, (has, build) in OPTIONAL_TABLE_BUILDERS.items() if has(account.instance)}
    return {name: build(account) for name, build in {**TABLE_BUILDERS, **optional}.items()}


def build_extension_tables(added: ExtensionData) -> dict[str, ColumnTable]:
    """Return extensions as tables of columns.

    Args:
        added: User extensions with their solution.

    Returns:
        Columns by table; empty without extensions.
    """
    if added == ExtensionData():
        return {}
    terms = [(row.name, term) for row in added.rows for term in row.terms]
    terms += [(OBJECTIVE_ROW, term) for term in added.costs]
    return {
        "added_rows": _tabulate_bounded("added_rows", added.rows),
        "added_terms": {
            "row": [row for row, _ in terms],
            "component": [term.component for _, term in terms],
            "key": [list(term.key) for _, term in terms],
            "coefficient": [term.coefficient for _, term in terms],
        },
        "added_variables": _tabulate_bounded("added_variables", added.variables),
    }


def _tabulate_bounded(table: str, records: Iterable[Any]) -> ColumnTable:
    """Return rows or variables of the user, None for an infinite bound."""
    columns = _tabulate_records(table, records)
    return columns | {end: list(map(drop_infinite, columns[end])) for end in ("lower", "upper")}


def list_csv_columns(table: str, has: Callable[[str], bool]) -> list[str]:
    """Return the columns of the CSV file or sheet of a table, in which each name of a key has its own.

    Args:
        table: Name of the table.
        has: Returns True if the plan has a table.
    """
    columns = [name for name, one in PLAN_TABLES[table].items() if not one.beside or has(one.beside)]
    keys = [f"key{n + 1}" for n in range(KEYS.get(table, 0))]
    return [columns[0], *keys, *columns[1:]] if table == "duals" else [*columns, *keys]


def split_keys(table: str, columns: ColumnTable) -> ColumnTable:
    """Return a table as its CSV file or sheet holds it: each name of a key in its own column.

    Args:
        table: Name of the table.
        columns: Columns of the table.

    Returns:
        The columns; those of another table unchanged.
    """
    if table not in KEYS:
        return columns
    keys = columns["key"]
    split = {f"key{n + 1}": [key[n] if len(key) > n else "" for key in keys] for n in range(KEYS[table])}
    return {name: {**columns, **split}[name] for name in list_csv_columns(table, lambda other: True)}


def name_hidden_sheet(table: str) -> str:
    """Return the name of the hidden sheet of a table.

    Args:
        table: Table of the plan.

    Returns:
        Name of the sheet.
    """
    return f"plan_{table}"


def name_visible_sheet(table: str) -> str:
    """Return the name of the sheet on which a user may edit a table.

    Args:
        table: Table of the plan.

    Returns:
        Name of the sheet.
    """
    return table.capitalize()


def parse_csv_rows(text: str) -> list[list[str]]:
    """Parse a table in CSV.

    Returns:
        Cells by row.

    Raises:
        csv.Error: The text is no valid CSV.
    """
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def parse_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """Parse the rows of a CSV file or sheet.

    Args:
        table: Name of the table.
        columns: Columns, as `list_csv_columns` gives them.
        rows: Cells of each row.

    Returns:
        Rows as JSON has them, not yet validated.
    """
    known, result = PLAN_TABLES[table], []
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        parsed: dict[str, Any] = {name: _parse_cell(known[name], cells[name]) for name in columns if name in known}
        if table in KEYS:
            parsed["key"] = [cells[name] for name in columns if name not in known and cells[name]]
        result.append(parsed)
    return result


def parse_number(cell: str) -> Any:
    """Parse a number.

    Returns:
        The number; another text unchanged, which validation reports.
    """
    try:
        return float(cell)
    except ValueError:
        return cell


def _parse_cell(column: PlanColumn, cell: str) -> Any:
    """Return a cell as a number or text, None where it is empty and may be."""
    if not cell and column.nullable:
        return None
    return cell if column.unit is None else parse_number(cell)
