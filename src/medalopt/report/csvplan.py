"""A plan as a folder of CSV: a file for every table, and one with all that is said of the plan as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from medalopt.plan.added_rows import csv_tables
from medalopt.plan.marginal import Marginal
from medalopt.plan.plan import Plan
from medalopt.report.jsonplan import plan_object

OPTIONAL = frozenset({"added_rows.csv", "added_terms.csv", "added_variables.csv", "prices_at_lots.csv"})
_FORMULA = frozenset("=+-@'\t\r＝＋－＠")  # an apostrophe too: so one can tell which was added


def folder(plan: Plan) -> dict[str, str]:
    """Return the files of the folder, name to text."""
    files = {f"{name}.csv": csv_text(table) for name, table in plan.tables.items()}
    files["prices.csv"] = _prices(plan.marginals)
    if plan.lots is not None:
        files["prices_at_lots.csv"] = _prices(plan.marginals_at_lots)
    content = plan_object(plan)
    duals = content["duals"]
    files["duals.csv"] = csv_text(
        {
            "rule": [row["rule"] for row in duals],
            **{f"key{n + 1}": [row["key"][n] if len(row["key"]) > n else "" for row in duals] for n in range(3)},
            "value": [row["value"] for row in duals],
        }
    )
    files.update({f"{name}.csv": csv_text(table) for name, table in csv_tables(plan.added).items()})
    files["plan.csv"] = csv_text(_summary(content))
    return files


def _prices(marginals: Iterable[Marginal]) -> str:
    rows = list(marginals)
    return csv_text({name: [getattr(marginal, name) for marginal in rows] for name in Marginal.COLUMNS})


def _summary(content: dict[str, object]) -> dict[str, list[object]]:
    """Everything that is one figure: the objective, the cost by kind, the certificate, the instance it belongs to."""
    rows: list[tuple[str, object]] = []
    for member in ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "certificate", "solver"):
        rows += _flat(member, content[member])
    rows += _flat("lots", content.get("lots", {}))
    return {"item": [name for name, _ in rows], "value": [value for _, value in rows]}


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flat(f"{name}.{key}", part)]
    return [(name, value)]


def csv_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """Return a table as CSV; text that a spreadsheet would run as a formula is written behind an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in _FORMULA:
        return f"'{value}"
    return repr(value) if isinstance(value, float) else "" if value is None else value
