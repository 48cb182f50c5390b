"""Schema of saved plans: the required members and their types, and how an error of structure is described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from medalopt.plan.tables import EXTENSION_TABLES, KEYS, PLAN_TABLES, REQUIRED_TABLES, PlanColumn
from medalopt.text import escape_text

Number = Annotated[float, Field(allow_inf_nan=False)]


class StrictModel(BaseModel):
    """Base of all models of a saved plan: exact set of members, strict types, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SavedIdentity(StrictModel):
    """Identity of the instance: name, digests of its files, and digest of its parameters."""

    name: str
    files: dict[str, str]
    figures: str


class SavedObjective(StrictModel):
    """Objective, its value and unit."""

    measure: Annotated[str, Field(pattern=r"^(cost|footprint|mass|cost@.+)$")]
    value: Number
    unit: str


class SavedCertificate(StrictModel):
    """Claimed certificate; verified, never trusted."""

    primal_violation: Number
    lower_bound: Number
    gap: Number
    arithmetic: str
    scope: str
    basis: str = ""
    exact_value: str | None = None
    search_bound: Number | None = None


def _find_cell_type(column: PlanColumn) -> Any:
    """Return the type of the cells of a column."""
    kind: Any = str if column.unit is None else Number
    return kind | None if column.nullable or column.beside else kind


def _list_fields(tables: Iterable[str]) -> dict[str, Any]:
    """Return the fields of some tables: lists of rows, of which those that only some plans have may be left out."""
    fields: dict[str, Any] = {}
    for table in tables:
        cells: dict[str, Any] = {
            name: (_find_cell_type(column), None if column.beside else ...)
            for name, column in PLAN_TABLES[table].items()
        }
        if table in KEYS:
            cells["key"] = (list[str], ...)
        row = create_model(f"Row of {table}", __base__=StrictModel, **cells)
        fields[table] = (list[row], ... if table in REQUIRED_TABLES else [])  # type: ignore[valid-type]
    return fields


_ExtensionTables = create_model("_ExtensionTables", __base__=StrictModel, **_list_fields(EXTENSION_TABLES))
_PlanTables = create_model(
    "_PlanTables",
    __base__=_ExtensionTables,
    **_list_fields(table for table in PLAN_TABLES if table not in EXTENSION_TABLES),
)


class SavedDual(StrictModel):
    """Dual value of a constraint."""

    rule: str
    key: list[str]
    value: Number


class SavedWholeLots(StrictModel):
    """Claimed cost of whole lots: above the best plan without them, and above the certified bound."""

    without: Number
    lower_bound: Number
    extra: Number
    above_bound: Number


SavedCell = str | Number | None


class SavedTable(StrictModel):
    """A table of the sourcing plan."""

    title: str
    says: str
    units: dict[str, str]
    rows: list[dict[str, SavedCell]]
    notes: list[str]


class SavedDocument(StrictModel):
    """An order of the sourcing plan."""

    kind: str
    number: str
    stamp: str
    missing: list[str]
    party: dict[str, str]
    terms: dict[str, str]
    lines: SavedTable
    notes: list[str]


class SavedSourcing(StrictModel):
    """Content that `medalopt plan` writes besides the plan."""

    title: str
    decision: list[str]
    tables: dict[str, SavedTable]
    documents: list[SavedDocument]
    foot: list[str]
    date: str = ""


class SavedPlan(_PlanTables):  # type: ignore[misc, valid-type]
    """A plan as written: decisions, and claims derived from them, in the tables of `PLAN_TABLES` and other members."""

    format: Literal["medalopt/plan/1"]
    status: Literal["optimal", "feasible"]
    instance: SavedIdentity
    objective: SavedObjective
    cost: dict[str, Number]
    footprint: Number
    tonnes: Number
    lots: SavedWholeLots | None = None
    certificate: SavedCertificate
    solver: dict[str, str]
    sourcing: SavedSourcing | None = None
    digests: dict[str, str] = Field(default_factory=dict)  # see `plan.digests`; absent in files of earlier versions


class SavedProof(StrictModel):
    """Claimed proof of infeasibility; verified, never trusted."""

    arithmetic: str
    scope: str
    margin: Number
    duals: list[SavedDual]


class SavedInfeasibility(_ExtensionTables):  # type: ignore[misc, valid-type]
    """A statement of infeasibility; further content, such as conflicts and repairs, is ignored."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["medalopt/plan/1"]
    status: Literal["infeasible"]
    instance: SavedIdentity
    proof: SavedProof | None = None


Path = tuple[str | int, ...]  # members and positions from the top of the plan
_WRITERS = "`medalopt solve -o` or `medalopt plan -o`"
_EXPECTED = {  # by type of the error
    "string_type": "a text",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "dict_type": "an object with members",
    "model_type": "an object with members",
    "string_pattern_mismatch": "`cost`, `footprint`, `mass` or `cost@PARTY`",  # the objective alone has a pattern
}
_SHORT = 60  # characters of a value in a message


def describe_schema_errors(content: Any, errors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """Describe the errors of a plan by its schema; alternatives for one place are one error.

    Yields:
        Path of the place, and its error with the expected value; the text has no control characters.
    """
    places: dict[Path, list[Mapping[str, Any]]] = {}
    for error in errors:
        places.setdefault(_find_place(content, error), []).append(error)
    for path, found in places.items():
        yield path, _describe(found)


def _find_place(content: Any, error: Mapping[str, Any]) -> Path:
    """Return the path of an error without the names of alternative types, with which pydantic ends it."""
    path: list[str | int] = []
    for part in error["loc"]:
        known = isinstance(content, dict) and part in content
        known = known or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if not known and error["type"] != "missing":
            break
        path.append(part)
        content = content[part] if known else None
    return tuple(path)


def _describe(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the errors at one place."""
    kind = errors[0]["type"]
    if kind == "missing":
        return f"is missing; every plan has it: give a plan as written by {_WRITERS} of this version"
    if kind == "extra_forbidden":
        return f"is not part of a plan; remove it, or give a plan as written by {_WRITERS}"
    options = dict.fromkeys(_list_expected(error) for error in errors)
    return f"expected {' or '.join(options)}, found {_show_value(errors[0]['input'])}"


def _list_expected(error: Mapping[str, Any]) -> str:
    """Return the value that an error expects."""
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "`")
    return _EXPECTED.get(error["type"], f"what {_WRITERS} writes here")


def _show_value(value: Any) -> str:
    """Return a value of JSON as it is called in a message."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return f"an object with {len(value):,} member{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return f"the text `{escape_text(value, _SHORT)}`"
    return f"the number {escape_text(repr(value), _SHORT)}"
