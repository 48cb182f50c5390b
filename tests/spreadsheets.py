"""Workbooks changed cell by cell, as a person would, and broken on purpose."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable


def parts(made: bytes) -> dict[str, bytes]:
    """Return the files within a workbook."""
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    """Return a workbook of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def sheet_file(files: dict[str, bytes], sheet: str) -> str:
    """Return which file holds a sheet."""
    found = re.search(f'<sheet name="{re.escape(sheet)}"[^>]*r:id="(\\w+)"', files["xl/workbook.xml"].decode())
    assert found, f"there is no sheet {sheet}"
    target = re.search(f'Id="{found[1]}"[^>]*Target="([^"]+)"', files["xl/_rels/workbook.xml.rels"].decode())
    assert target
    return f"xl/{target[1]}"


def with_sheet(made: bytes, sheet: str, change: Callable[[str], str]) -> bytes:
    """Return the workbook with the XML of one sheet changed."""
    files = parts(made)
    name = sheet_file(files, sheet)
    before = files[name].decode()
    after = change(before)
    assert after != before, "nothing was changed"
    return packed({**files, name: after.encode()})


def with_cell(made: bytes, sheet: str, cell: str, value: str | float | None) -> bytes:
    """Return the workbook with another value in a cell that holds one."""
    if isinstance(value, str):
        new = f'<c r="{cell}" t="inlineStr"><is><t>{value}</t></is></c>'
    else:
        new = "" if value is None else f'<c r="{cell}"><v>{value!r}</v></c>'
    pattern = f'<c r="{cell}"(?: [^>]*)?(?:/>|>.*?</c>)'
    return with_sheet(made, sheet, lambda text: re.sub(pattern, new, text, count=1))


def without_row(made: bytes, sheet: str, row: int) -> bytes:
    """Return the workbook with an empty row where one stood."""
    return with_sheet(made, sheet, lambda text: re.sub(f'<row r="{row}".*?</row>', "", text, count=1))
