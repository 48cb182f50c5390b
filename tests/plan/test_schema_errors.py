"""Plans of another structure: the place, what stands there, and what is expected, for every kind of error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from pydantic import ValidationError
from tests.model.cases import loaded, plain, planned

from medalopt.errors import InputError
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan, StrictModel, describe_schema_errors
from medalopt.report.solve import build_solve_report


@pytest.fixture(scope="module")
def saved() -> str:
    """Return a plan as written."""
    plan = planned(loaded(plain()))
    assert plan is not None
    report = build_solve_report(plan)
    return "".join(report.json(report))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "value", "place", "text"),
    [
        ((), [1], "", "expected an object with members, found a list of 1"),
        (("format",), "medalopt/plan/9", "format", "expected `medalopt/plan/1`, found the text `medalopt/plan/9`"),
        (("status",), 3, "status", "expected `optimal` or `feasible`, found the number 3"),
        (("instance",), "x\x1b[2J", "instance", "contains a control character"),
        (("instance",), "x", "instance", "expected an object with members, found the text `x`"),
        (("objective", "measure"), "joy", "objective.measure", "expected `cost`, `footprint`, `mass` or `cost@PARTY`"),
        (("objective", "value"), True, "objective.value", "expected a number, found `true`"),
        (("cost",), None, "cost", "expected an object with members, found nothing (null)"),
        (("shipments",), {"a": 1}, "shipments", "expected a list, found an object with 1 member"),
        (("shipments", 0, "tonnes"), "many", "shipments.0.tonnes", "expected a number, found the text `many`"),
        (("shipments", 0, "more"), 1, "shipments.0.more", "is not part of a plan; remove it"),
        (("tonnes",), ..., "tonnes", "is missing; every plan has it"),
        (("solver", "name"), {}, "solver.name", "expected a text, found an object with 0 members"),
        (("sourcing",), {"tables": {"t": {"rows": [{"c": [2]}]}}}, "sourcing.tables.t.rows.0.c", "a text or a number"),
    ],
)
def test_place_and_what_is_expected(
    path: tuple[Any, ...], value: Any, place: str, text: str, saved: str, tmp_path: Path
) -> None:
    """Each error names its place, what stands there and what is expected, and nothing in the words of the library."""
    content = at = json.loads(saved)
    for part in path[:-1]:
        at = at[part]
    if not path:
        content = value
    elif value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_saved_plan(file)
    told = {fault.path: fault.message for fault in caught.value.faults}
    assert text in told[place]
    assert not any("Input" in each or "Field" in each for each in told.values())


def test_every_member_of_any_type_is_described() -> None:
    """A value of each type of JSON at each member: a description in own words, with no fallback."""
    values: tuple[Any, ...] = (None, True, 3, 1.5, "text", [], [3], {}, {"a": 3}, float("nan"))
    for value in values:
        for content in _put_everywhere(SavedPlan, value):
            try:
                SavedPlan.model_validate(content)
            except ValidationError as error:
                found = list(describe_schema_errors(content, error.errors()))
                assert found and not any("writes here" in text for _, text in found), (content, found)


def _put_everywhere(model: type[StrictModel], value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield objects with a value at one member, at any depth."""
    for name, field in model.model_fields.items():
        yield {name: value}
        kinds = get_args(field.annotation) if isinstance(field.annotation, UnionType) else (field.annotation,)
        for kind in kinds:
            yield {name: [value]}
            yield {name: {"x": value}}
            for inner in (kind, *get_args(kind)):
                if isinstance(inner, type) and get_origin(inner) is None and issubclass(inner, StrictModel):
                    for part in _put_everywhere(inner, value):
                        yield {name: part}
                        yield {name: [part]}
                        yield {name: {"x": part}}
