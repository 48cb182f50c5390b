from __future__ import annotations

from pathlib import Path

import numpy as np

from medalopt.errors import Fault
from medalopt.instance.decisions import Decisions
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.reader.faults import Faults
from medalopt.instance.routes import Routes
from medalopt.instance.schema.fields import Measure
from medalopt.instance.settlement.lots import routes_of
from medalopt.instance.settlement.table import Table

_COLUMNS = ("stream", "treatment", "smelter", "offer", "alloy", "metal", "period", "tonnes", "kg")
_KINDS = (
    "a shipment (stream, treatment, smelter, tonnes), a purchase (offer, alloy, kg), metal from stock charged to a "
    "melt (alloy, metal, kg), or process scrap charged again (alloy, kg)"
)


def nothing(instance: Instance, found: Routes) -> Decisions:
    """Return decisions that are all zero.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        The decisions.
    """
    periods, alloys = len(instance.periods), len(instance.alloys.names)
    return Decisions(
        sent=np.zeros((len(found), periods)),
        stockpile=np.zeros((len(instance.streams.names), periods)),
        charged=np.zeros((alloys, len(instance.metals.names), periods)),
        bought=np.zeros((len(instance.market.names), alloys, periods)),
        surplus=np.zeros((len(instance.metals.names), periods)),
        recharged=np.zeros((alloys, periods)),
        withheld=np.zeros((int(instance.terms.pooled.sum()), len(instance.metals.names), periods)),
    )


def read_signed(path: Path, instance: Instance, found: Routes) -> tuple[Decisions, str, tuple[Fault, ...]]:
    """Read signed contracts and completed operations from a CSV file.

    Each row is a shipment, a purchase, or metal from stock or process scrap charged to a melt.

    Args:
        path: Path of the file.
        instance: The instance.
        found: Its routes.

    Returns:
        The quantities as decisions, the sha256 of the file, and warnings.

    Raises:
        InputError: With every fault.
    """
    faults = Faults()
    table = Table.of(path, "frozen", _COLUMNS, ("period",), instance, faults)
    if table is None:
        faults.settle()
    assert table is not None, "a table that cannot be read is a fault"
    made = nothing(instance, found)
    period = table.periods("period")
    tonnes, kilograms = table.figures("tonnes", Measure("t")), table.figures("kg", Measure("kg"))
    at = {
        name: table.names(name, known)
        for name, known in (
            ("stream", instance.streams.names),
            ("treatment", instance.treatments.names),
            ("smelter", instance.smelters.names),
            ("offer", instance.market.names),
            ("alloy", instance.alloys.names),
            ("metal", instance.metals.names),
        )
    }
    route = routes_of(table, found, at["stream"], at["treatment"], at["smelter"])
    for row in range(table.count):
        if not table.given("period", row):
            table.needs(row, "period")
        _row(table, made, row, route, at, period, tonnes, kilograms)
    _warn_of_repeated_rows(table)
    faults.settle()
    return made, table.sha256, faults.warnings()


def _warn_of_repeated_rows(table: Table) -> None:
    """Warn of rows that agree in every column; their amounts are added."""
    columns = [table.texts(name) for name in _COLUMNS]
    first: dict[tuple[str, ...], int] = {}
    for row, cells in enumerate(zip(*columns, strict=True)):
        before = first.setdefault(cells, row)
        if before < row:
            text = f"this row repeats line {table.sheet.lines[before]}, and both are added up"
            table.warn(row, "", f"{text}; delete one of them where the same is meant")


def _row(
    table: Table,
    made: Decisions,
    row: int,
    route: Ints,
    at: dict[str, Ints],
    period: Ints,
    tonnes: Floats,
    kilograms: Floats,
) -> None:
    """Add one row to the decisions; a row of no known kind is a fault."""
    filled = {name for name in (*at, "tonnes", "kg") if table.given(name, row)}
    t, alloy = period[row], at["alloy"][row]
    if filled in ({"stream", "treatment", "tonnes"}, {"stream", "treatment", "smelter", "tonnes"}):
        if route[row] >= 0 and t >= 0 and np.isfinite(tonnes[row]):
            made.sent[route[row], t] += tonnes[row]
    elif filled == {"offer", "alloy", "kg"}:
        if min(at["offer"][row], alloy, t) >= 0 and np.isfinite(kilograms[row]):
            made.bought[at["offer"][row], alloy, t] += kilograms[row]
    elif filled == {"alloy", "metal", "kg"}:
        if min(alloy, at["metal"][row], t) >= 0 and np.isfinite(kilograms[row]):
            made.charged[alloy, at["metal"][row], t] += kilograms[row]
    elif filled == {"alloy", "kg"}:
        if min(alloy, t) >= 0 and np.isfinite(kilograms[row]):
            made.recharged[alloy, t] += kilograms[row]
    else:
        table.fault(row, "", f"a row is {_KINDS}; this one fills {', '.join(sorted(filled)) or 'nothing'}")
