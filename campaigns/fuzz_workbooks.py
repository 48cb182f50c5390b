"""Damaged workbooks passed to `import` and to the reader of saved plans: refused as invalid, or read exactly.

A trial damages a workbook that medalopt wrote: the value or type of a cell, rows, the XML of a part, the texts, the
parts, or the bytes of the archive. It may end with an instance, or with a plan and what was changed in it, or with
InputError; within the time and memory of `fuzz`. An instance that is accepted is written to files and read again: the
same figures. Where one cell alone was changed, the change has to show: an error or a formula without a value is
refused, and another number makes other figures, another plan, or an edit that is told.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tests.cli.runs import TINY, here

from campaigns.fuzz import confine, folder, watched
from campaigns.mutating import FIGURES, SMALL, WORDS
from campaigns.running import Found, campaign
from medalopt.instance import load
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.workbook.importer import import_workbook
from medalopt.instance.workbook.yaml_writer import render_instance_files
from medalopt.plan.reader import read_plan_workbook
from medalopt.report.instance_workbook import render_instance_workbook

Parts = dict[str, bytes]
_CELL = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*?(?:/>|>.*?</c>)')
_NUMBER = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"(?: s="[0-9]+")?><v>([^<]*)</v></c>')
_ATTRIBUTE = re.compile(rb' ([\w:]+)="([^"]*)"')
_ERRORS = ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "")
_TYPES = ("s", "str", "b", "e", "n", "d", "inlineStr", "z", "")
_PLACES = (
    "A1",
    "XFD1048576",
    "XFE1",
    "A1048577",
    "a1",
    "$A$1",
    "A0",
    "ZZZ9999999",
    "",
    "1",
    "A",
    "B4:B5",
    "A1:XFD1048576",
)
_NUMBERS = ("0", "-1", "1", "3", "7", "99", "4294967295", "99999999999999999999", "1.5", "x", "")
_XML = (
    *(
        "<row>",
        '<row r="3">',
        '<row r="1048576"/>',
        "</row>",
        "<c/>",
        '<c r="XFD9"><v>1</v></c>',
        "<v>1</v>",
        "<f>A1</f>",
    ),
    *("<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "&#0;", "&#x1F;", "<![CDATA[x]]>", "<!-- x -->", "<?x y?>", "<a>" * 200),
    *(
        "<mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>",
        "<mergeCell ref='B4:B9'/>",
        "</sheetData>",
        "<t>x</t>",
    ),
    *(
        "<si><t>x</t></si>",
        "<xf numFmtId='14'/>",
        "<sheet name='Streams' r:id='rId1'/>",
        "\x00",
        "\x0b",
        "é",
        "\ud83d",
        "<",
    ),
    *("xml:space='preserve'", 't="s"', "x" * 40_000, "<rPh>", "<is><t> y </t></is>", "<row " * 300),
)


@dataclass(frozen=True)
class DamagedWorkbook:
    """A damaged workbook: its bytes, whether of a plan, and the expected result: '', 'refuse' or 'differ'."""

    content: bytes
    plan: bool
    must: str = ""


def trial(number: int) -> Found:
    """Hand the damaged workbook `number` to its reader."""
    confine()
    return judged(number)


def judged(number: int) -> Found:
    """Make the damaged workbook `number`, and see how its reader ends."""
    random = Random(number)
    plan = random.random() < 0.4
    case = damaged(random, random.choice(plans() if plan else instances()), plan)
    return watched(number, f"{'plans' if plan else 'instances'} in workbooks", lambda: _wrong(case))


@cache
def instances() -> tuple[Parts, ...]:
    """Return workbooks of small instances."""
    return tuple(_parts(render_instance_workbook(open_instance(path))) for path in _written())


@cache
def plans() -> tuple[Parts, ...]:
    """Return workbooks of the plans of two small instances, with the sheets alone that are read back."""
    found = []
    for path in (_written()[0], Path(TINY)):
        book = Path(folder().name) / f"{path.stem}.xlsx"
        assert here("plan", str(path), "-o", str(book)).code == 0, f"{path} has a plan"
        found.append(_parts(book.read_bytes()))
    return tuple(found)


@cache
def _written() -> list[Path]:
    """Return the small instances as files."""
    paths = []
    for number, text in enumerate(SMALL):
        paths.append(Path(folder().name) / f"small{number}.yaml")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def _parts(made: bytes) -> Parts:
    """Return the parts that a reader opens: no drawings, comments or tables."""
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    ours = {
        name: content
        for name, content in parts.items()
        if not re.search("drawing|comments|tables|media|sheets/_rels", name)
    }
    book = ours["xl/workbook.xml"].decode()
    kept = {"Shipments", "Purchases", "Stockpiles"}
    for sheet in re.findall(r"<sheet [^>]*/>", book) if 'name="plan_plan"' in book else ():
        name = re.search(r'name="([^"]*)"', sheet)[1]  # type: ignore[index]
        book = book.replace(sheet, "") if name not in kept and not name.startswith("plan_") else book
    return {**ours, "xl/workbook.xml": book.replace(' fullCalcOnLoad="1"', "").encode()}


def damaged(random: Random, parts: Parts, plan: bool) -> DamagedWorkbook:
    """Return a workbook with some damage."""
    if random.random() < 0.5:
        return _one_cell(random, parts, plan)
    if random.random() < 0.15:
        return DamagedWorkbook(_in_bytes(random, _packed(random, parts)), plan)
    for _ in range(random.choice((1, 1, 2, 4))):
        parts = random.choice((_in_cell, _in_cell, _in_rows, _in_xml, _in_xml, _in_attribute, _in_texts, _in_parts))(
            random, parts
        )
    return DamagedWorkbook(_packed(random, parts), plan)


def _one_cell(random: Random, parts: Parts, plan: bool) -> DamagedWorkbook:
    """Return a workbook with one changed cell below the headings, and the expected result."""
    kind = random.choice(("error", "formula", "number", "any"))
    name = random.choice(_sheets(parts, plan))
    least = 2 if plan else 4
    cells = [one for one in _NUMBER.finditer(parts[name]) if int(re.sub(rb"\D", b"", one[1])) >= least]
    if not cells:
        return DamagedWorkbook(_packed(random, parts), plan)
    cell = random.choice(cells)
    at, value = cell[1].decode(), float(cell[2])
    new, must = {
        "error": (f'<c r="{at}" t="e"><v>{random.choice(_ERRORS)}</v></c>', "refuse"),
        "formula": (f'<c r="{at}"><f>1+1</f>{random.choice(("", "<v></v>", "<v/>"))}</c>', "refuse"),
        "number": (f'<c r="{at}"><v>{value * random.choice((2, 10, 0.5)) if value else 0.25!r}</v></c>', "differ"),
        "any": (_cell(random, at), ""),
    }[kind]
    made = parts[name][: cell.start()] + new.encode("utf-8", "surrogatepass") + parts[name][cell.end() :]
    return DamagedWorkbook(_packed(random, {**parts, name: made}), plan, must)


def _sheets(parts: Parts, hidden: bool = False) -> list[str]:
    """Return the parts that are sheets; of a plan those alone that hold it as it was made."""
    found = [name for name in parts if "worksheets/" in name]
    if not hidden:
        return found
    book, rels = parts["xl/workbook.xml"].decode(), parts["xl/_rels/workbook.xml.rels"].decode()
    own = set(re.findall(r'name="plan_[^>]*r:id="(\w+)"', book))
    targets = dict(re.findall(r'Id="(\w+)"[^>]*Target="([^"]+)"', rels))
    return [f"xl/{targets[one]}" for one in sorted(own) if f"xl/{targets[one]}" in parts]


def _cell(random: Random, at: str) -> str:
    """Return some cell at `at`."""
    text = random.choice((*FIGURES, *WORDS, *_ERRORS)).replace("&", "&amp;").replace("<", "&lt;")
    kind = random.choice(_TYPES)
    style = random.choice(("", "", f' s="{random.choice((*_NUMBERS, *map(str, range(12))))}"'))
    formula = random.choice(("", "", "", "<f>A1</f>", '<f t="shared" si="0"/>', "<f>[1]Sheet!A1</f>"))
    value = random.choice(
        (f"<v>{text}</v>", f"<is><t>{text}</t></is>", "", "<v/>", f"<v>{random.choice(_NUMBERS)}</v>")
    )
    return f'<c r="{random.choice((at, at, at, *_PLACES))}"{style} t="{kind}">{formula}{value}</c>'.replace(' t=""', "")


def _some_part(random: Random, parts: Parts) -> str:
    weighty = [name for name in parts if "worksheets/" in name] * 2
    return random.choice([*parts, *weighty, *["xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"] * 4])


def _in_cell(random: Random, parts: Parts) -> Parts:
    name = random.choice(_sheets(parts) or list(parts))
    cells = list(_CELL.finditer(parts[name]))
    if not cells:
        return parts
    cell = random.choice(cells)
    new = _cell(random, cell[1].decode()).encode("utf-8", "surrogatepass")
    return {**parts, name: parts[name][: cell.start()] + new + parts[name][cell.end() :]}


def _in_rows(random: Random, parts: Parts) -> Parts:
    """Return the parts with a row of a sheet deleted, duplicated, or moved."""
    name = random.choice(_sheets(parts) or list(parts))
    rows = parts[name].split(b"<row ")
    if len(rows) < 3:
        return parts
    one, other = (random.randrange(1, len(rows)) for _ in range(2))
    rows[one : one + 1] = random.choice(([], [rows[one]] * 2, [rows[other]], [rows[one].replace(b'r="', b'R="')]))
    return {**parts, name: b"<row ".join(rows)}


def _in_xml(random: Random, parts: Parts) -> Parts:
    name = _some_part(random, parts)
    content = parts.get(name, b"")
    at = random.randrange(len(content) + 1)
    at = content.find(b"<", at) if random.random() < 0.7 else at
    at, gone = max(at, 0), random.choice((0, 0, 1, 9, 200))
    new = random.choice((*_XML, "")).encode("utf-8", "surrogatepass")
    return {**parts, name: content[:at] + new + content[at + gone :]}


def _in_attribute(random: Random, parts: Parts) -> Parts:
    name = _some_part(random, parts)
    found = list(_ATTRIBUTE.finditer(parts.get(name, b"")))
    if not found:
        return parts
    one = random.choice(found)
    value = random.choice(
        (*_PLACES, *_NUMBERS, *_TYPES, *WORDS, "rId1", "rId2", "External", "../x.xml", "xl/workbook.xml")
    )
    new = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").encode("utf-8", "surrogatepass")
    return {**parts, name: parts[name][: one.start(2)] + new + parts[name][one.end(2) :]}


def _in_texts(random: Random, parts: Parts) -> Parts:
    """Return the parts with one text replaced: a heading, a name, a unit, or a number stored as text."""
    name = "xl/sharedStrings.xml"
    texts = parts.get(name, b"").split(b"<si>")
    if len(texts) < 2:
        return parts
    text = random.choice(
        (*WORDS, *FIGURES, "_x0000_", "_xD800_", "x" * 200, "content.Au", "available[2017-05]", "a\nb")
    )
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    texts[random.randrange(1, len(texts))] = f"<t>{text}</t></si>".encode("utf-8", "surrogatepass")
    ended = b"" if texts[-1].endswith(b"</sst>") else b"</sst>"
    return {**parts, name: b"<si>".join(texts) + ended}


def _in_parts(random: Random, parts: Parts) -> Parts:
    one, other = (random.choice(list(parts)) for _ in range(2))
    change: Callable[[], Parts] = random.choice(
        (
            lambda: {name: content for name, content in parts.items() if name != one},
            lambda: {**parts, one: parts[other]},
            lambda: {**parts, one: parts[one][: random.randrange(len(parts[one]) + 1)]},
            lambda: {**parts, one: b""},
            lambda: {**parts, one: parts[one].decode("utf-8", "replace").replace("UTF-8", "UTF-16").encode("utf-16")},
            lambda: {
                **parts,
                one: parts[one].replace(b"UTF-8", random.choice((b"cp037", b"utf-7", b"latin-1", b"nope"))),
            },
            lambda: {**parts, one.upper(): b"<a/>"},
            lambda: {**parts, f"../{one}": parts[one]},
        )
    )
    return change()


def _in_bytes(random: Random, content: bytes) -> bytes:
    """Return the bytes of an archive with some of them changed, most of them in its directory."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 3, 20))):
        first = content.rfind(b"PK\x01\x02", 0, random.randrange(len(content))) if random.random() < 0.7 else -1
        at = first + random.randrange(46) if first >= 0 else random.randrange(len(changed))
        changed[at % len(changed)] = random.choice((0, 1, 8, 255, random.randrange(256)))
    cut = random.choice((0, 0, 0, random.randrange(len(changed))))
    return bytes(changed[: len(changed) - cut])


def _packed(random: Random, parts: Parts) -> bytes:
    buffer = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()


def _wrong(case: DamagedWorkbook) -> str:
    """Return the fault of the result of an accepted workbook; '' if none."""
    answer = _plan(case.content) if case.plan else _instance(case.content)
    if case.must == "refuse":
        return "a cell without a value was accepted"
    if case.must == "differ" and answer in _answers(case.plan):
        return "a number was changed, and nothing came of it"
    return ""


def _instance(content: bytes) -> Any:
    """Return the parameters of the instance in a workbook, which its files must have too."""
    found = import_workbook(FileBytes("in.xlsx", content))
    with tempfile.TemporaryDirectory(dir=folder().name) as name:
        for file, text in render_instance_files(found.root, found.calendar, "again").items():
            (Path(name) / file).parent.mkdir(exist_ok=True)
            (Path(name) / file).write_text(text, encoding="utf-8")
        again = load(Path(name) / "again.yaml")
    if (again.figures, again.sources) != (found.instance.figures, found.instance.sources):
        raise AssertionError("the files that were written hold other figures than the workbook")
    return again.figures, again.sources, again.annex


def _plan(content: bytes) -> Any:
    """Return the plan in a workbook, and its manual changes."""
    found = read_plan_workbook(FileBytes("plan.xlsx", content), parts=False)
    return found.plan, found.edits


@cache
def _answers(plan: bool) -> tuple[Any, ...]:
    """Return the results of the undamaged workbooks."""
    read = _plan if plan else _instance
    return tuple(read(_packed(Random(0), parts)) for parts in (plans() if plan else instances()))


if __name__ == "__main__":
    sys.exit(campaign("fuzz_workbooks", trial, 100_000, sys.argv[1:]))
