"""The schema as it is printed."""

from __future__ import annotations

import json
import re

from tests.instance.writing import PARTS

from medalopt.instance.schema.validation import build_json_schema


def test_the_schema_says_what_is_left_out() -> None:
    """Defaults that are numbers or words are in the schema, empty ones and generated titles are not."""
    schema = build_json_schema()
    assert schema["$id"].endswith("/medalopt-1.json")
    assert schema["$schema"].startswith("https://json-schema.org/draft/2020-12")
    periods = schema["$defs"]["Periods"]["properties"]
    assert (periods["count"]["default"], periods["length"]["default"]) == (1, "month")
    assert "default" not in periods["start"] and "title" not in periods["start"]
    smelter = schema["$defs"]["Smelter"]["properties"]
    assert smelter["committed"]["default"] == 0.0 and "default" not in smelter["limit"]
    assert schema["properties"]["policy"]["default"] == {} and set(PARTS) <= set(schema["properties"])


def test_the_schema_says_which_figures_may_be() -> None:
    """An end that is let in, one that is not and none: each as JSON Schema has it."""
    defs = build_json_schema()["$defs"]

    def ends(entry: str, field: str) -> dict[str, object]:
        numbers = [
            part for part in re.findall(r"\{[^{}]*\}", json.dumps(defs[entry]["properties"][field])) if "in " in part
        ]
        return {key: end for key, end in json.loads(numbers[0]).items() if "imum" in key}

    assert ends("Device", "unit_mass") == {"exclusiveMinimum": 0}
    texts = [json.dumps(defs["Device"]["properties"][field]) for field in ("unit_mass", "correlation")]
    assert "in kg" in texts[0] and "in parts of 1" in texts[1]
    assert ends("Device", "correlation") == {"minimum": 0, "maximum": 1}
    assert ends("Metal", "sell") == {} and ends("Alloy", "loss") == {"minimum": 0, "exclusiveMaximum": 1}
