"""A plan as one JSON object, `medalopt/plan/1`: the same bytes for the same figures, versions and method."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medalopt.errors import Fault
from medalopt.instance.instance import Instance
from medalopt.plan.added_rows import tables
from medalopt.plan.digests import PLAN_TABLES, digest_plan
from medalopt.plan.plan import Plan
from medalopt.plan.rows import Rows
from medalopt.proof.farkas import Refutation
from medalopt.report.rowtext import coded

FORMAT = "medalopt/plan/1"
_ROUTES = ("supply", "bundle_supply")


@dataclass(frozen=True)
class Table:
    """A table that is written as a list of rows without being made one."""

    columns: Rows


def plan_object(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain data, every figure in its canonical unit."""
    return {name: _listed(one.columns) if isinstance(one, Table) else one for name, one in members(plan).items()}


def members(plan: Plan) -> dict[str, Any]:
    """Return the plan as `plan_object` does, its tables by columns, with the digests of all of it."""
    content = _members(plan)
    return {**content, "digests": digest_plan(content, {name: _columns(content.get(name)) for name in PLAN_TABLES})}


def _columns(table: Table | list[dict[str, Any]] | None) -> Rows:
    if isinstance(table, Table):
        return table.columns
    return {name: [row[name] for row in table] for name in table[0]} if table else {}


def _members(plan: Plan) -> dict[str, Any]:
    certificate = plan.certificate
    return {
        "format": FORMAT,
        "status": plan.status,
        "instance": identity(plan.instance),
        "objective": {"measure": plan.measure, "value": plan.objective, "unit": plan.unit},
        "cost": {**plan.costs, "total": plan.cost},
        "footprint": plan.footprint,
        "tonnes": plan.tonnes,
        **{name: Table(table) for name, table in plan.tables.items()},
        **_whole_lots(plan),
        "prices": Table(plan.priced),
        "duals": list(_duals(plan)),
        **{name: Table(table) for name, table in tables(plan.added).items()},
        "certificate": {
            "primal_violation": certificate.primal_violation,
            "lower_bound": certificate.lower_bound,
            "gap": certificate.gap,
            "arithmetic": certificate.arithmetic,
            "scope": certificate.scope,
            "basis": certificate.basis,
            "exact_value": certificate.exact_value,
            **({} if certificate.search_bound is None else {"search_bound": certificate.search_bound}),
        },
        "solver": {"name": "HiGHS", "version": plan.solver, "method": plan.method},
    }


def _whole_lots(plan: Plan) -> dict[str, Any]:
    """Return what whole lots cost and the marginal values at those that were chosen; nothing where there are none."""
    if plan.lots is None:
        return {}
    names = ("without", "lower_bound", "extra", "above_bound")
    told = {name: getattr(plan.lots, name) for name in names}
    return {"lots": told, "prices_at_lots": [marginal.row() for marginal in plan.marginals_at_lots]}


def identity(instance: Instance) -> dict[str, Any]:
    """Return what says which instance this is: its name, its files, its figures."""
    return {"name": instance.name, "files": dict(sorted(instance.files.items())), "figures": instance.figures}


def no_plan_object(
    instance: Instance, status: str, measure: str, refutation: Refutation | None = None
) -> dict[str, Any]:
    """Return what is said where there is no plan, with what shows it."""
    told = {"format": FORMAT, "status": status, "instance": identity(instance), "objective": {"measure": measure}}
    if refutation is None:
        return told
    own = {name: _listed(table) for name, table in tables(refutation.added).items()}
    return {**told, "proof": _proof(refutation), **own}


def _proof(refutation: Refutation) -> dict[str, Any]:
    return {
        "arithmetic": refutation.arithmetic,
        "scope": refutation.scope,
        "margin": refutation.margin,
        "duals": [_dual(rule, key, value) for rule, rows in refutation.duals.items() for key, value in rows.items()],
    }


def _dual(rule: str, key: Any, value: float) -> dict[str, Any]:
    return {"rule": rule, "key": list(key) if isinstance(key, tuple) else [] if key is None else [key], "value": value}


def lots_asked(instance: Instance) -> list[dict[str, Any]]:
    """Return every lot and minimum order as what stands in the way where no plan was found that keeps them all."""
    rows = []
    for path, amount in instance.annex["lots"].items():
        unit = "t" if path.startswith("streams") else "kg"
        what = "whole lots of" if path.endswith("lot") else "none or at least"
        text = f"what is ordered in a period is {what} {amount:g} {unit}"
        rows.append({"rule": "whole lots", "path": path, "amount": amount, "unit": unit, "text": text})
    return rows


def checked_object(instance: Instance) -> dict[str, Any]:
    """Return what `check` says of an instance that is right: which it is, and what is odd in it."""
    return {"status": "right", "instance": identity(instance), "warnings": _faults(instance.warnings)}


def faults_object(faults: tuple[Fault, ...]) -> dict[str, Any]:
    """Return the faults of an input as plain data."""
    return {"status": "input", "faults": _faults(faults)}


def _faults(faults: tuple[Fault, ...]) -> list[dict[str, Any]]:
    return [
        {"file": fault.file, "line": fault.line, "column": fault.column, "path": fault.path, "message": fault.message}
        for fault in faults
    ]


def text(content: Mapping[str, Any]) -> str:
    """Return `content` as JSON, a line for every member and for every row of a table."""
    return "".join(pieces(content))


def pieces(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the same text in pieces. Raises ValueError where a figure is not finite."""
    before = "{\n"
    for key, value in content.items():
        yield f"{before} {json.dumps(key)}: "
        yield from _rows(value.columns) if isinstance(value, Table) else [_member(value)]
        before = ",\n"
    yield "\n}\n"


def _rows(columns: Rows) -> Iterator[str]:
    keys = ", ".join(f"{json.dumps(name)}: %s" for name in columns)
    before = "["
    for rows in coded(columns, _plain):
        lines = ",\n".join(map(f"  {{{keys}}}".__mod__, rows))
        if lines:
            yield f"{before}\n{lines}"
            before = ","
    yield "\n ]" if before == "," else "[]"


def _member(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_plain(row)}" for row in value) + "\n ]"
    return _plain(value)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _listed(table: Rows) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _duals(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the duals a bound can be rebuilt from: of linking rows, and of supply where it may be stocked."""
    streams = plan.instance.streams
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    for rule, values in plan.duals.items():
        if rule.startswith("define_") or (rule in _ROUTES and not stored):
            continue  # follows from the others
        for key, value in values.items():
            if value != 0 and (rule not in _ROUTES or key[0] in stored):
                yield _dual(rule, key, value)
