"""Small instances written as text, for tests that need one figure changed."""

from __future__ import annotations

from pathlib import Path

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.instance import Instance

HEAD = "format: medalopt/1\nname: case\ncurrency: JPY\n"
PARTS = {
    "periods": "periods: {start: 2017-04, count: 2, length: month}",
    "metals": "metals: {Au: {sell: 100}, Ag: {sell: 100}}",
    "devices": "devices: {phone: {unit_mass: 100 g, content: {Au: 1, Ag: 2}}, laptop: {content: {Ag: 3}}}",
    "streams": "streams:\n- {device: phone, region: tokyo, available: 10}",
    "smelters": "smelters: {kosaka: {returned: {Au: 90 %, Ag: 80 %}}}",
    "alloys": "alloys: {silver: {composition: {Ag: 1}}}",
    "medals": "medals: {first: {count: 1, parts: {silver: 1}}}",
}


def written(**parts: str) -> str:
    """Return a small instance with these sections instead of, or beside, its own; '' leaves one out."""
    sections = {**PARTS, **parts}
    return HEAD + "".join(f"{section}\n" for section in sections.values() if section)


def loaded(folder: Path, **parts: str) -> Instance:
    """Return the instance of `written`, loaded from a file in `folder`."""
    path = folder / "case.yaml"
    path.write_text(written(**parts), encoding="utf-8")
    return load(path)


def faults(folder: Path, **parts: str) -> list[tuple[int, int, str, str]]:
    """Return line, column, path and message of every fault of `written`."""
    path = folder / "case.yaml"
    path.write_text(written(**parts), encoding="utf-8")
    try:
        load(path)
    except InputError as error:
        assert {fault.file for fault in error.faults} <= {str(path), str(folder / "rows.csv")}
        return [(fault.line, fault.column, fault.path, fault.message) for fault in error.faults]
    return []
