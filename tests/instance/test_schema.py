"""The JSON Schema, checked by a reader of its own of the few words it uses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
import yamlcore
from tests.instance.hostile import GOOD

from medalopt.instance.examples import render_starter_template
from medalopt.instance.schema.validation import build_json_schema

SCHEMA = build_json_schema()
CONFORMANCE = sorted((Path(__file__).parents[1] / "conformance").glob("*.yaml"))
KINDS = {"string": str, "number": (int, float), "integer": int, "array": list, "object": dict, "boolean": bool}
WORDS = {
    "$ref", "anyOf", "oneOf", "type", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "properties", "additionalProperties", "required", "items", "description", "default", "unit",
}  # fmt: skip


def fits(value: Any, schema: Any) -> bool:
    """Return whether `value` satisfies `schema`."""
    if isinstance(schema, bool):
        return schema
    assert schema.keys() <= WORDS | {"$defs", "$schema", "$id"}, schema.keys() - WORDS
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema and not any(fits(value, one) for one in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(fits(value, one) for one in schema["oneOf"]) != 1:
        return False
    return kind_fits(value, schema) and range_fits(value, schema) and members_fit(value, schema)


def kind_fits(value: Any, schema: Any) -> bool:
    """Return whether `value` has the type, enumeration and pattern of the schema."""
    types = schema.get("type", [])
    names = types if isinstance(types, list) else [types]
    if names and not any(value is None if name == "null" else is_a(value, name) for name in names):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    return "pattern" not in schema or not isinstance(value, str) or bool(re.search(schema["pattern"], value))


def is_a(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name`."""
    return isinstance(value, KINDS[name]) and (name == "boolean" or not isinstance(value, bool))


def range_fits(value: Any, schema: Any) -> bool:
    """Return whether a number is within the bounds of the schema."""
    if not isinstance(value, (int, float)):
        return True
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and value > schema.get("exclusiveMinimum", value - 1)
        and value < schema.get("exclusiveMaximum", value + 1)
    )


def members_fit(value: Any, schema: Any) -> bool:
    """Return whether the items or properties of `value` satisfy theirs."""
    if isinstance(value, list):
        return all(fits(item, schema.get("items", True)) for item in value)
    if not isinstance(value, dict):
        return True
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    inside = all(fits(item, known.get(name, others)) for name, item in value.items())
    return inside and set(schema.get("required", [])) <= value.keys()


def parsed(text: str) -> Any:
    """Return YAML text as an editor sees it."""
    return yaml.load(text, Loader=yamlcore.CoreLoader)


@pytest.mark.parametrize("path", CONFORMANCE, ids=lambda path: path.name)
def test_conformance_instances_fit(path: Path) -> None:
    """An editor that follows the schema finds no fault in instances that load."""
    assert fits(parsed(path.read_text(encoding="utf-8")), SCHEMA)


def test_the_template_fits() -> None:
    """Nor in the instance to start from."""
    assert fits(parsed(render_starter_template("new")), SCHEMA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("capacity: 30 t", "capcity: 30 t"),
        ("format: medalopt/1", "format: medalopt/2"),
        ("name: good", "name: Good"),
        ("currency: JPY", "currency: yen"),
        ("Au: 97 %", "Au: 1.5"),
        ("count: 5", "count: -5"),
        ("available: 10 t", 'available: "10,5 t"'),
        ("length: month", "length: week"),
        ("medals: {first", "medal: {first"),
        ("[99 %, 100 %]", "{least: 99 %}"),
    ],
)
def test_mistakes_do_not_fit(old: str, new: str) -> None:
    """The schema is no blank cheque: common mistakes do not fit it."""
    assert fits(parsed(GOOD), SCHEMA) and not fits(parsed(GOOD.replace(old, new)), SCHEMA)


def test_every_field_says_what_it_is() -> None:
    """Every property has a description, every figure its unit, and the whole is plain JSON without a warning."""
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    for name, model in {"Document": SCHEMA, **SCHEMA["$defs"]}.items():
        assert model["description"], name
        for field, described in model["properties"].items():
            assert described.get("description"), f"{name}.{field}"
    text = json.dumps(SCHEMA)
    for unit in ("kg/t", "money/t/km", "kg CO2e/kg", "t CO2e", "km", "1"):
        assert f'"unit": "{unit}"' in text
    assert SCHEMA["$defs"]["Scrap"]["properties"]["returned"]["default"] == 1
    assert "default" not in SCHEMA["$defs"]["Smelter"]["properties"]["limit"]
