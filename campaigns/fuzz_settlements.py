"""Damaged settlement sheets and contract lists: each is read with finite numbers, or refused as invalid input.

The result is used in the instance of the remaining periods, whose parameters must be finite too.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from random import Random

from campaigns.fuzz import confine, folder, infinite, watched
from campaigns.mutating import FIGURES, UNITS, WORDS, hostile, spoilt
from campaigns.running import Found, campaign
from medalopt.analysis.replanning.replan import make_replan_problem
from medalopt.instance import load
from medalopt.instance.instance import Instance

BASE = Path(__file__).parents[1] / "tests" / "analysis" / "replanning" / "base.yaml"
LOTS = """\
lot,stream,treatment,smelter,period,wet_t,moisture,dry_t,devices_t,assay_Ag,payable_Ag_kg,payable_Cu_kg,charges,settled_on
L1,phone@north,whole,kosaka,2018-01,,,1 t,,2,1.8 kg,,1118 JPY,2018-02-28
L2,laptop@north,dismantle,kosaka,2018-01,0.5 t,10 %,,1,2 kg/t,0.8 kg,,,2018-03
L3,laptop@north,leave,,2018-02,,,1,,,,,,
L4,laptop@north,,,2018-01,,,1,,,,,,
"""
SIGNED = """\
stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg
phone@north,whole,kosaka,,,,2018-03,1 t,
laptop@north,leave,,,,,2018-04,0.5,
,,,silver,silver,,2018-03,,1 kg
,,,,silver,Ag,2018-03,,1
"""
_CELLS = (
    *("phone@north", "laptop@south", "phone@nort", "whole", "leave", "dismantle", "kosaka", "silver", "Ag", "Cu", "L1"),
    *("2018-01", "2018-02", "2018-06", "2018-07", "2017-12", "2018-02-30", "2018-02-28", "0000-00-00", "9999-12-31"),
    *("", " ", "0", "-1", "1e100", "1e-100", "=1+1", "'1", "1,000", "100 %", "99.9 %", "٣", "１", "2018-02-28T00:00"),
)
_HEADS = ("lot", "stream", "dry_t", "payable_Xx_kg", "assay_Cu", "charges", "kg", "tonnes", "period", "", "wet_kg")


def trial(number: int) -> Found:
    """Hand the damaged table of a number to the reader."""
    confine()
    random = Random(number)
    signed = random.random() < 0.4
    path = Path(folder().name) / "table.csv"
    path.write_bytes(_damaged(SIGNED if signed else LOTS, random))
    after = random.choice(("2018-01", "2018-02", "2018-02", "2018-03", "2018-05"))
    files = {"frozen" if signed else "actuals": path}
    return watched(number, "calls of the reader", lambda: _wrong(after, files))


def _wrong(after: str, files: dict[str, Path]) -> str:
    asked = make_replan_problem(_instance(), after, **files)
    return ", ".join(infinite(asked.remaining_instance))


def _damaged(content: str, random: Random) -> bytes:
    rows = [line.split(",") for line in content.splitlines()]
    if random.random() < 0.3:
        rows = [rows[0], *(random.choice(rows[1:]) for _ in range(random.randint(0, 12)))]
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        _damage(rows, random)
    text = "\n".join(",".join(row) for row in rows) + "\n"
    if random.random() < 0.2:
        text = spoilt(text, random)
    whole = text.encode(random.choice(("utf-8",) * 9 + ("utf-8-sig", "utf-16")), "surrogatepass")
    if random.random() < 0.05:
        at = random.randrange(len(whole) + 1)
        whole = whole[:at] + random.randbytes(random.randint(1, 4)) + whole[at + random.randint(0, 3) :]
    return whole


def _damage(rows: list[list[str]], random: Random) -> None:
    """Do one thing to one row: its cells, its length, its place; or to a column."""
    row, act = random.choice(rows), random.random()
    if act < 0.6 and row:
        row[random.randrange(len(row))] = _cell(random)
    elif act < 0.7:
        row.append(_cell(random))
    elif act < 0.8:
        rows.insert(random.randint(0, len(rows)), list(row))
    elif act < 0.88 and row:
        row.pop(random.randrange(len(row)))
    else:
        for one, cell in zip(rows, (random.choice(_HEADS), *(_cell(random) for _ in rows)), strict=False):
            one.append(cell)


def _cell(random: Random) -> str:
    kind = random.random()
    if kind < 0.5:
        return random.choice(_CELLS)
    if kind < 0.8:
        return f"{random.choice(FIGURES)} {random.choice(UNITS)}" if random.random() < 0.5 else random.choice(FIGURES)
    return random.choice(WORDS) if kind < 0.9 else str(hostile(random))


@cache
def _instance() -> Instance:
    return load(BASE)


if __name__ == "__main__":
    sys.exit(campaign("fuzz_settlements", trial, 100_000, sys.argv[1:]))
