"""A plan as a folder of CSV: a file for every table, and one with all that is said of the plan as a whole."""

from __future__ import annotations

from medalopt.plan.marginal import Marginal
from medalopt.plan.plan import Plan
from medalopt.report.files import csv_text
from medalopt.report.jsonplan import plan_object


def folder(plan: Plan) -> dict[str, str]:
    """Return the files of the folder, name to text."""
    files = {f"{name}.csv": csv_text(table) for name, table in plan.tables.items()}
    columns = {name: [getattr(marginal, name) for marginal in plan.marginals] for name in Marginal.COLUMNS}
    files["prices.csv"] = csv_text(columns)
    content = plan_object(plan)
    duals = content["duals"]
    files["duals.csv"] = csv_text(
        {
            "rule": [row["rule"] for row in duals],
            **{f"key{n + 1}": [row["key"][n] if len(row["key"]) > n else "" for row in duals] for n in range(3)},
            "value": [row["value"] for row in duals],
        }
    )
    files["plan.csv"] = csv_text(_summary(content))
    return files


def _summary(content: dict[str, object]) -> dict[str, list[object]]:
    """Everything that is one figure: the objective, the cost by kind, the certificate, the instance it belongs to."""
    rows: list[tuple[str, object]] = []
    for member in ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "certificate", "solver"):
        value = content[member]
        rows += _flat(member, value)
    return {"item": [name for name, _ in rows], "value": [value for _, value in rows]}


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flat(f"{name}.{key}", part)]
    return [(name, value)]
