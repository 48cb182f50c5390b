"""Parameters and names at the limits of the format: the last valid and the first invalid value."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from tests.instance.writing import faults, loaded, written
from tests.model.cases import ROOT

import medalopt
from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.schema.validation import build_json_schema
from medalopt.units import Money, QuantityError, parse_quantity

YEN = Money("JPY", {})
DIGEST = "61003b4fbdd1fc35b45f4ee24339213feb8abac2e09afd4c42e641662bfe8a72"
SPREAD = "devices: {phone: {content: {Ag: %s}}, laptop: {content: {Ag: 1}}}"


def test_a_lead_may_be_a_million_periods(tmp_path: Path) -> None:
    """A million is a lead of smelters and of process scrap; one more is refused, with the range."""
    for text in (
        "smelters: {kosaka: {returned: {Au: 90 %%}, lead: %d}}",
        "alloys: {silver: {composition: {Ag: 1}, scrap: {share: 1 %%, returned: 0.9, lead: %d}}}",
    ):
        part = text.partition(":")[0]
        assert faults(tmp_path, **{part: text % 10**6}) == []
        ((*_, message),) = faults(tmp_path, **{part: text % (10**6 + 1)})
        assert "1000000" in message.replace("_", "").replace(",", "")


def test_the_longest_text() -> None:
    """Two hundred characters are a figure, and two hundred and one are not."""
    assert parse_quantity("5".ljust(200), "kg", YEN).exact == 5
    with pytest.raises(QuantityError):
        parse_quantity("5".ljust(201), "kg", YEN)


def table(folder: Path, header: str) -> list[tuple[int, int, str, str]]:
    """Return the faults of an instance with its streams in a table of this header and one row."""
    (folder / "rows.csv").write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n", encoding="utf-8")
    return faults(folder, streams="streams: {table: rows.csv}")


def test_a_missing_column_is_reported_at_the_head(tmp_path: Path) -> None:
    """A missing column is reported at the first line and column of the table."""
    assert next(each[:2] for each in table(tmp_path, "device,available")) == (1, 1)
    assert (1, 1, "streams", "a column `available` or `total` is missing") in table(tmp_path, "device,region")


def test_figures_far_from_all_others_are_warned_of(tmp_path: Path) -> None:
    """A thousand times the next is a lot among small figures too, and of two streams one can be far off."""
    near = SPREAD.replace("%s", "2")
    streams = "streams:\n- {device: phone, region: a, available: %s}\n- {device: laptop, region: a, available: 0.0005}"
    smelters = (
        "smelters: {one: {returned: 0.9, refining_charge: {Ag: %s}}, two: {returned: 0.9,"
        " refining_charge: {Ag: 0.0005}}}"
    )
    for many, few in ((streams, "0.4"), (smelters, "0.4")):
        part = many.partition(":")[0]
        for figure, times in ((few, 0), ("0.6", 1)):
            path = tmp_path / "case.yaml"
            path.write_text(written(**{"devices": near, part: many % figure}), encoding="utf-8")
            warned = [each for each in load(path).warnings if "check its unit" in str(each)]
            assert len(warned) == times, (part, figure)


def test_only_the_version_of_yaml_that_is_read_is_declared(tmp_path: Path) -> None:
    """`%YAML 1.2` has no effect; another version is an error in the first line."""
    path = tmp_path / "case.yaml"
    for version, fine in (("1.2", True), ("1.1", False), ("1.3", False)):
        path.write_text(f"%YAML {version}\n---\n{written()}", encoding="utf-8")
        if fine:
            assert load(path).name == "case"
        else:
            with pytest.raises(InputError) as caught:
                load(path)
            assert caught.value.faults[0].line == 1


def test_the_figures_of_an_instance_have_the_digest_they_had() -> None:
    """The digest of a saved plan's instance changes with its parameters and with no other entry."""
    instance = medalopt.load(ROOT / "instances" / "tiny.yaml")
    assert instance.figures == DIGEST


def test_nothing_is_nothing_with_either_sign(tmp_path: Path) -> None:
    """A cost of -0 is one of 0, in the digest too; other figures have another."""
    digests = [
        loaded(tmp_path, treatments=f"treatments: {{shred: {{cost: {cost}}}}}").figures for cost in ("0", "-0.0", "1")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_schema_says_what_is_allowed_and_no_default_that_is_none() -> None:
    """Open ends of a range are exclusive in the schema; fields without default have none."""
    text = json.dumps(build_json_schema())
    assert '"default": null' not in text
    assert build_json_schema()["$defs"]["Metal"]["properties"]["opening_stock"]["default"] == 0
    parts = [part for part in every(build_json_schema()) if "exclusiveMinimum" in part or "minimum" in part]
    assert any(part.get("minimum") == 0 for part in parts)
    assert all(part["exclusiveMinimum"] == 0 for part in parts if "exclusiveMinimum" in part)


def every(part: object) -> list[dict[str, object]]:
    """Return each object within a piece of JSON."""
    if isinstance(part, dict):
        return [part, *(inner for each in part.values() for inner in every(each))]
    return [inner for each in part for inner in every(each)] if isinstance(part, list) else []


def test_a_range_in_words(tmp_path: Path) -> None:
    """Ranges that exclude 0 and ranges that include it have different messages."""
    ((*_, lot),) = faults(tmp_path, streams="streams:\n- {device: phone, region: a, available: 1, lot: -1}")
    ((*_, mass),) = faults(tmp_path, devices="devices: {phone: {unit_mass: 0 g}}")
    assert "must not be negative" in lot
    assert "must be more than 0" in mass
    assert parse_quantity("1 t", "kg", YEN).exact == Fraction(1000)
