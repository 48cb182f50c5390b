"""One number of a valid instance altered in its text: the instance differs, or the alteration is reported.

A trial takes a shipped or a random instance, in a file of many lines or of one, with tables or without, and gives one
number a comma, another unit, ten or a thousand times its size, or another sign. The result must differ from the
original, or be an error or a warning at the place of the number.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from tests.random_instances import Case, as_text, case, with_stock

from campaigns.mutating import flow, parsed
from campaigns.running import Found, campaign
from medalopt.errors import InputError
from medalopt.instance.instance import Instance, is_same_instance
from medalopt.instance.loading import open_instance
from medalopt.text import render_path

ROOT = Path(__file__).parents[1]
SHIPPED = ("tiny", "rio2016", "london2012", "dantzig", "steelco", "steel_mill", "tokyo2020")
_TOKEN = re.compile(r"([+-]?)([0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?)( ?[A-Za-z%][A-Za-z0-9%/_ ]*)?")
_OTHER = {"t": "kg", "kg": "g", "g": "kg", "mg": "g", "lb": "t", "ozt": "g", "oz_t": "g", "%": "ppm", "ppm": "%"}
_OTHER |= {"JPY": "XAU", "USD": "JPY", "km": "kg", "unit": "km", "pcs": "kg"}


@dataclass(frozen=True)
class Figure:
    """A parameter of an instance: its path, and the location of its text (file, line and column or cell, from 1)."""

    path: str
    file: Path
    line: int
    column: int


@dataclass(frozen=True)
class Altered:
    """Result of altering the text of one parameter."""

    kind: str
    before: str
    after: str


def trial(number: int) -> Found:
    """Alter one parameter of instance `number`, and check the result of reading."""
    random = Random(number)
    with tempfile.TemporaryDirectory() as folder:
        path = _written(random, number, Path(folder))
        file = open_instance(path)
        base = file.with_changes()
        figures = [
            Figure(render_path(steps), Path(scalar.place.file), scalar.place.line, scalar.place.column)
            for steps, scalar, _ in file.read_source_values().iterate_parameters()
        ]
        if not figures:
            return Found(Counter({"without a figure": 1}))
        figure = random.choice(figures)
        altered = _alter(random, figure)
        if altered is None:
            return Found(Counter({"nothing to alter": 1}))
        end, wrong = judge(path, figure, base)
    told = f"{number}: {figure.path}, {altered.before} -> {altered.after}: {wrong}"
    return Found(Counter({f"{altered.kind}: {end}": 1}), (told,) if wrong else ())


def judge(path: Path, figure: Figure, base: Instance) -> tuple[str, str]:
    """Return the class of the altered instance, and its fault, if any."""
    try:
        after = open_instance(path).with_changes()
    except InputError as error:
        if any(_names(figure, fault.path, Path(fault.file), fault.line) for fault in error.faults):
            return "refused", ""
        if any(_contradicts(figure, str(fault)) for fault in error.faults):
            return "refused where it contradicts another value", ""
        return "refused elsewhere", f"told of something else, {error.faults[0]}"
    if not is_same_instance(base, after):
        return "another instance", ""
    known = {str(warning) for warning in base.warnings}
    new = [warning for warning in after.warnings if str(warning) not in known]
    if any(_names(figure, warning.path, Path(warning.file), warning.line) for warning in (*new, *after.warnings)):
        return "warned of", ""
    return "no difference", "the instance is the same, and nothing is told"


def _names(figure: Figure, path: str, file: Path, line: int) -> bool:
    """Return whether a fault or warning is about the parameter: at, above or below its path, or in its line."""
    by_path = bool(path) and (figure.path.startswith(path) or path.startswith(figure.path))
    return by_path or (file.name == figure.file.name and line == figure.line)


def _contradicts(figure: Figure, message: str) -> bool:
    """Return whether an error at another place names the altered parameter, such as a limit below a commitment."""
    names = re.findall(r"[a-z_]{4,}", figure.path)
    return bool(names) and (names[-1] in message or (names[0] == "periods" and "period" in message))


@cache
def _shipped(name: str) -> Case:
    """Return a shipped instance as files."""
    text = (ROOT / "instances" / f"{name}.yaml").read_text(encoding="utf-8")
    tables = {
        f"{name}/{one.name}": one.read_text(encoding="utf-8") for one in (ROOT / "instances" / name).glob("*.csv")
    }
    return Case({"instance.yaml": text, **tables})


def _written(random: Random, number: int, folder: Path) -> Path:
    """Write the instance of a trial and return its path: one in five a shipped one, one in three on a single line."""
    if random.random() < 0.2:
        content = _shipped(random.choice(SHIPPED))
    else:
        content = case(number) if random.random() < 0.7 else Case({"instance.yaml": as_text(with_stock(number))})
    path = content.write(folder)
    if random.random() < 0.35:
        path.write_text(flow(parsed(content.files["instance.yaml"])), encoding="utf-8")
    return path


def _alter(random: Random, figure: Figure) -> Altered | None:
    """Write another text for the parameter into its file, and return the change; None if it cannot be altered."""
    lines = figure.file.read_text(encoding="utf-8").split("\n")
    line = lines[figure.line - 1]
    at = figure.column - 1
    if figure.file.suffix == ".csv":
        at = sum(len(cell) + 1 for cell in line.split(",")[: figure.column - 1])
    match = _TOKEN.match(line, at + (line[at : at + 1] in ('"', "'")))
    if match is None or ('"' in line[:at] and figure.file.suffix == ".csv"):
        return None
    altered = _other(random, match)
    if altered is None:
        return None
    lines[figure.line - 1] = line[: match.start()] + altered.after + line[match.end() :]
    figure.file.write_text("\n".join(lines), encoding="utf-8")
    return altered


def _other(random: Random, match: re.Match[str]) -> Altered | None:
    """Return another text for a parameter, by one kind of typing error."""
    sign, number, unit = match[1], match[2], match[3] or ""
    kind = random.choice(("comma", "unit", "ten times", "a thousand times", "sign"))
    if kind == "comma":
        return Altered(kind, match[0], f"{sign}{_with_comma(random, number)}{unit}")
    if not float(number.replace("_", "")):
        return None  # nothing is nothing in any unit
    if kind == "unit":
        return Altered(kind, match[0], f"{sign}{number}{_other_unit(unit)}")
    if kind == "sign":
        return Altered(kind, match[0], f"{'' if sign == '-' else '-'}{number}{unit}")
    times = 10 if kind == "ten times" else 1000
    mantissa, _, exponent = number.lower().partition("e")
    power = int(exponent or 0) + (1 if times == 10 else 3)
    return Altered(
        kind, match[0], f"{sign}{mantissa}e{power}{unit}" if exponent else _times(sign, number, times) + unit
    )


def _times(sign: str, number: str, times: int) -> str:
    value = float(number.replace("_", "")) * times
    return f"{sign}{int(value) if value.is_integer() and value < 1e15 else value!r}"


def _with_comma(random: Random, number: str) -> str:
    """Return a number with a comma where a person may write one: before thousands or decimals."""
    digits = number.replace("_", "")
    if "." in digits:
        return digits.replace(".", ",", 1)
    if len(digits) > 3 and digits.isdigit():
        return f"{digits[:-3]},{digits[-3:]}"
    return f"{digits},{random.choice(('000', '5', '050', '400'))}"


def _other_unit(unit: str) -> str:
    """Return another unit: of the same kind where there is one, else of another kind; no parameter is a temperature."""
    names = re.findall(r"[A-Za-z_%]+", unit)
    return unit.replace(names[0], _OTHER.get(names[0], "km"), 1) if names else " kelvin"


if __name__ == "__main__":
    sys.exit(campaign("differential", trial, 10_000, sys.argv[1:]))
