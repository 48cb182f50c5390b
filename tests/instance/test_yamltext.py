"""The text of an instance file as YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.instance.writing import written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.reader.yaml_nodes import parse_yaml


def test_the_mark_of_yaml(tmp_path: Path) -> None:
    """A file may declare YAML 1.2; YAML 1.1 is an error."""
    path = tmp_path / "case.yaml"
    path.write_text(f"%YAML 1.2\n---\n{written()}", encoding="utf-8")
    assert load(path).name == "case"
    path.write_text(f"%YAML 1.1\n---\n{written()}", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    assert [(fault.line, fault.column, fault.message) for fault in caught.value.faults] == [
        (1, 1, "is marked as YAML 1.1; the format is YAML 1.2: delete the `%YAML` line")
    ]


def test_yaml_that_breaks_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the YAML reader that has no mark is a fault of the whole file, in two hundred characters."""

    def breaks(_: str, **_loader: object) -> object:
        raise yaml.YAMLError("x" * 300)

    monkeypatch.setattr(yaml, "parse", breaks)
    found = FaultLog()
    assert parse_yaml("a: 1", "f", found) is None
    (fault,) = found.errors
    assert (fault.line, fault.column) == (0, 0)
    assert fault.message == f"is not YAML: {'x' * 200}…"
    monkeypatch.undo()
    found = FaultLog()
    assert parse_yaml("\n\x07", "f", found) is None and (found.errors[0].line, found.errors[0].column) == (
        2,
        1,
    )
