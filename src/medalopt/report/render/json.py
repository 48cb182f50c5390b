"""JSON: a plan, and a report; a sourcing plan as the plan of `solve --json`, with the report under `sourcing`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from medalopt.errors import Fault
from medalopt.instance.instance import Instance
from medalopt.plan.digests import (
    compute_part_digests,
    compute_plan_digests,
    join_floats,
    split_sourcing_parts,
)
from medalopt.plan.plan import Plan
from medalopt.plan.tables import PLAN_TABLES, ColumnTable, build_extension_tables
from medalopt.proof.certificate import InfeasibilityProof
from medalopt.report.document import Report, ReportTable, get_cell_value


def make_report(
    instance: Instance, title: str, lines: Iterable[str], members: Callable[[], Mapping[str, Any]] | None, **more: Any
) -> Report:
    """Make the report of a command on an instance, whose parameters its footer identifies.

    Args:
        instance: Instance.
        title: Title, with `{}` for that of the instance.
        lines: Summary, a sentence each.
        members: Returns the members of the JSON object; None: headline and tables.
        **more: Further fields of the report.
    """
    title = title.replace("{}", instance.title or instance.name)
    foot = (f"Parameters of {instance.name}: sha256 {instance.figures}.",)
    json_ = None if members is None else lambda _: render_json(members())
    return Report(title, tuple(lines), foot=foot, json=json_, **more)


def render_report_json(report: Report) -> str | Iterable[str]:
    """Render a report as one JSON object.

    Returns:
        The JSON text; by the writer of the report where it has one.
    """
    return report.json(report) if report.json else render_json(_encode_report(report))


def render_sourcing_json(report: Report) -> str:
    """Render plan and sourcing plan as one JSON object, which `medalopt verify` reads.

    Returns:
        The JSON text, with a digest of each part.
    """
    assert report.plan is not None
    members = build_plan_members(report.plan)
    sourcing = _encode_report(report)
    digests = {**members.pop("digests"), **compute_part_digests("json", split_sourcing_parts(sourcing))}
    return render_json({**members, "sourcing": sourcing, "digests": digests})


def _encode_report(report: Report) -> dict[str, Any]:
    """Return the report for JSON: tables by key, each row by the keys of its columns."""
    return {
        "title": report.title,
        "decision": list(report.headline),
        "tables": {table.key: _encode_table(table) for table in report.tables},
        "documents": [
            {
                "kind": document.kind,
                "number": document.number,
                "stamp": document.stamp,
                "missing": list(document.missing),
                "party": dict(document.party),
                "terms": dict(document.terms),
                "lines": _encode_table(document.lines),
                "notes": list(document.notes),
            }
            for document in report.documents
        ],
        "foot": list(report.foot),
        **({"date": report.date} if report.date else {}),
    }


def _encode_table(table: ReportTable) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    return {
        "title": table.title,
        "says": table.description,
        "units": {column.key: column.unit for column in table.columns if column.unit},
        "rows": [dict(zip(keys, map(get_cell_value, row), strict=True)) for row in table.rows],
        "notes": list(table.notes),
    }


ROWS_PER_CHUNK = 4_096  # rows
CellEncoder = Callable[[Any], str]


def encode_rows(columns: Mapping[str, Sequence[Any]], code: CellEncoder) -> Iterator[Iterator[tuple[str, ...]]]:
    """Yield the encoded cells of the rows in chunks of `ROWS_PER_CHUNK`; each distinct name is encoded once.

    Args:
        columns: Name to cells; all columns of the same length.
        code: Encoder of one cell.
    """
    known: dict[Any, str] = {}
    values = [iter(column) for column in columns.values()]
    while True:
        parts = [list(islice(column, ROWS_PER_CHUNK)) for column in values]
        yield zip(*(_encode_cells(part, code, known) for part in parts), strict=True)
        if not parts or len(parts[0]) < ROWS_PER_CHUNK:
            return


def _encode_cells(values: list[Any], code: CellEncoder, known: dict[Any, str]) -> Iterator[str]:
    """Encode one chunk of a column; finite floats are encoded as by `repr`, repeated names looked up."""
    kinds = set(map(type, values))
    if kinds == {float} and (text := join_floats(values)) is not None:
        return iter(text.split(","))
    if not kinds <= {str, type(None)}:
        return map(code, values)
    for value in set(values) - known.keys():
        known[value] = code(value)
    return map(known.__getitem__, values)


PLAN_FORMAT = "medalopt/plan/1"
_ROUTE_RULES = ("supply", "bundle_supply")
_CERTIFICATE_MEMBERS = ("primal_violation", "lower_bound", "gap", "arithmetic", "scope", "basis", "exact_value")


@dataclass(frozen=True)
class JsonTable:
    """A table held by columns; it is rendered row by row without a list of all rows."""

    columns: ColumnTable


def build_plan_object(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data, all quantities in their canonical units.

    Returns:
        The members of the JSON object, tables as lists of rows.
    """
    return {
        name: _list_rows(one.columns) if isinstance(one, JsonTable) else one
        for name, one in build_plan_members(plan).items()
    }


def build_plan_members(plan: Plan) -> dict[str, Any]:
    """Return a plan as `build_plan_object` does, with tables by columns, and the digests of all members.

    Returns:
        Member to value; tables are `JsonTable`.
    """
    content = _build_members(plan)
    return {
        **content,
        "digests": compute_plan_digests(content, {name: _list_columns(content.get(name)) for name in PLAN_TABLES}),
    }


def _list_columns(table: JsonTable | list[dict[str, Any]] | None) -> ColumnTable:
    """Return a table, or a list of rows, by columns."""
    if isinstance(table, JsonTable):
        return table.columns
    return {name: [row[name] for row in table] for name in table[0]} if table else {}


def _build_members(plan: Plan) -> dict[str, Any]:
    """Return all members of a plan but the digests."""
    certificate = plan.certificate
    return {
        "format": PLAN_FORMAT,
        **identify_plan(plan),
        "cost": {**plan.costs, "total": plan.cost},
        "footprint": plan.footprint,
        "tonnes": plan.tonnes,
        **{name: JsonTable(table) for name, table in plan.tables.items()},
        **_build_lot_members(plan),
        "prices": JsonTable(plan.priced),
        "duals": list(_list_duals(plan)),
        **{name: JsonTable(table) for name, table in build_extension_tables(plan.added).items()},
        "certificate": {
            **{name: getattr(certificate, name) for name in _CERTIFICATE_MEMBERS},
            **({} if certificate.search_bound is None else {"search_bound": certificate.search_bound}),
        },
        "solver": {"name": "HiGHS", "version": plan.solver, "method": plan.method},
    }


def _build_lot_members(plan: Plan) -> dict[str, Any]:
    """Return the cost of whole lots and the marginal values with the numbers of lots fixed; nothing without lots."""
    if plan.lots is None:
        return {}
    names = ("without", "lower_bound", "extra", "above_bound")
    members = {name: getattr(plan.lots, name) for name in names}
    return {"lots": members, "prices_at_lots": [marginal.row() for marginal in plan.marginals_at_lots]}


def identify_plan(plan: Plan) -> dict[str, Any]:
    """Return status, instance and objective of a plan.

    Returns:
        The members `status`, `instance` and `objective` of JSON outputs.
    """
    return {
        "status": plan.status,
        "instance": identify_instance(plan.instance),
        "objective": {"measure": plan.measure, "value": plan.objective, "unit": plan.unit},
    }


def identify_instance(instance: Instance) -> dict[str, Any]:
    """Return the identity of an instance: name, digests of its files, digest of its data.

    Returns:
        The members `name`, `files` and `figures`.
    """
    return {"name": instance.name, "files": dict(sorted(instance.files.items())), "figures": instance.figures}


def build_no_plan_object(
    instance: Instance, status: str, objective: str, proof: InfeasibilityProof | None = None
) -> dict[str, Any]:
    """Return the result of a solve without a plan as plain data.

    Args:
        instance: Instance.
        status: Status, such as `infeasible`.
        objective: Objective to minimise.
        proof: Farkas multipliers that prove infeasibility, if there are any.

    Returns:
        The members of the JSON object; `proof` and the tables of added constraints with a proof only.
    """
    members = {
        "format": PLAN_FORMAT,
        "status": status,
        "instance": identify_instance(instance),
        "objective": {"measure": objective},
    }
    if proof is None:
        return members
    extensions = {name: _list_rows(table) for name, table in build_extension_tables(proof.added).items()}
    return {
        **members,
        "proof": {
            "arithmetic": proof.arithmetic,
            "scope": proof.scope,
            "margin": proof.margin,
            "duals": [
                _build_dual_row(rule, key, value) for rule, rows in proof.duals.items() for key, value in rows.items()
            ],
        },
        **extensions,
    }


def _build_dual_row(rule: str, key: Any, value: float) -> dict[str, Any]:
    """Return one dual value with its constraint and key."""
    return {"rule": rule, "key": list(key) if isinstance(key, tuple) else [] if key is None else [key], "value": value}


def build_check_object(instance: Instance) -> dict[str, Any]:
    """Return the result of `check` on a valid instance as plain data.

    Args:
        instance: Instance without errors.

    Returns:
        Status, identity and warnings.
    """
    return {"status": "right", "instance": identify_instance(instance), "warnings": _list_faults(instance.warnings)}


def build_faults_object(faults: tuple[Fault, ...]) -> dict[str, Any]:
    """Return the errors of an input as plain data.

    Args:
        faults: Errors with place and message.
    """
    return {"status": "input", "faults": _list_faults(faults)}


def _list_faults(faults: tuple[Fault, ...]) -> list[dict[str, Any]]:
    """Return errors or warnings as rows."""
    names = ("file", "line", "column", "path", "message")
    return [{**{name: getattr(fault, name) for name in names}, "kind": str(fault.kind)} for fault in faults]


def render_json(content: Mapping[str, Any]) -> str:
    """Render an object as JSON with one line for each member and each row of a table.

    Raises:
        ValueError: A number is not finite.
    """
    return "".join(stream_json(content))


def stream_json(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of `render_json` in pieces.

    Raises:
        ValueError: A number is not finite.
    """
    before = "{\n"
    for key, value in content.items():
        yield f"{before} {json.dumps(key)}: "
        yield from _stream_rows(value.columns) if isinstance(value, JsonTable) else [_render_member(value)]
        before = ",\n"
    yield "\n}\n"


def _stream_rows(columns: ColumnTable) -> Iterator[str]:
    """Yield a table as a list of rows, some rows at a time."""
    keys = ", ".join(f"{json.dumps(name)}: %s" for name in columns)
    before = "["
    for rows in encode_rows(columns, _render_value):
        lines = ",\n".join(map(f"  {{{keys}}}".__mod__, rows))
        if lines:
            yield f"{before}\n{lines}"
            before = ","
    yield "\n ]" if before == "," else "[]"


def _render_member(value: Any) -> str:
    """Render one member, a list with one line for each row."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_render_value(row)}" for row in value) + "\n ]"
    return _render_value(value)


def _render_value(value: Any) -> str:
    """Render one value on one line; numbers must be finite."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _list_rows(table: ColumnTable) -> list[dict[str, Any]]:
    """Return a table by columns as a list of rows."""
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _list_duals(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the dual values from which a bound can be rebuilt: of linking rows, and of supply that may be stored."""
    streams = plan.instance.streams
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    for rule, values in plan.duals.items():
        if rule.startswith("define_") or (rule in _ROUTE_RULES and not stored):
            continue  # is computed from the other dual values
        for key, value in values.items():
            if value != 0 and (rule not in _ROUTE_RULES or key[0] in stored):
                yield _build_dual_row(rule, key, value)
