"""The forms a value may take."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import faults, loaded

from medalopt.instance.reader.csv_reader import read_csv_rows
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.reader.yaml_nodes import SequenceNode, find_node, parse_yaml
from medalopt.instance.schema.validation import build_json_schema
from medalopt.units import Money, parse_quantity


def test_an_amount_given_as_nothing_is_left_out(tmp_path: Path) -> None:
    """Null means no value, in a mapping of metals and in one by metal: the default applies."""
    one = loaded(
        tmp_path,
        devices="devices: {phone: {content: {Au: ~, Ag: 2}}}",
        smelters="smelters: {kosaka: {returned: {default: 90 %, Au: }}}",
    )
    assert one.devices.assay.value.tolist() == [[2, 0]] and one.metals.names == ("Ag", "Au")
    assert one.terms.returned.value.tolist() == [[0.9, 0.9]]


def test_small_things(tmp_path: Path) -> None:
    """A list ends where it ends, 0 is 0 with any power of ten, 32 levels are not too deep, and sources stay apart."""
    (found,) = [
        node for node in [parse_yaml("[" * 32 + "1" + "]" * 32, "f", FaultLog())] if isinstance(node, SequenceNode)
    ]
    assert find_node(found, (0,)) is not None and find_node(found, (1,)) is None
    assert parse_quantity("0e5", "t", Money("JPY")).raw == 0 and read_csv_rows('"a').whole
    streams = "streams:\n- {device: phone, region: a, total: 1, source: x}\n"
    streams += "- {device: phone, region: b, total: 1, source: y}"
    assert [one.source for one in loaded(tmp_path, streams=streams).sources] == [("x",), ("y",)]
    assert [told[:3] for told in faults(tmp_path, scenarios="scenarios: {s: 5}")] == [(12, 16, "scenarios.s")]
    (tmp_path / "rows.csv").write_text("x\n1\n")
    assert "the columns known are" in faults(tmp_path, lanes="lanes: {table: rows.csv}")[0][3]
    assert build_json_schema()["$defs"]["Periods"]["properties"]["length"]["enum"] == ["month", "quarter", "year"]
