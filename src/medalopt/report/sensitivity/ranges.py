"""Sensitivity ranges of parameters: tables of right-hand sides, costs and unused costs, and JSON."""

from __future__ import annotations

import math
from typing import Any

from medalopt.analysis.sensitivity.ranges import Range, Ranges, Turn
from medalopt.report.answer import proof
from medalopt.report.numbers import digits, money
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

MOST = 12  # rows of a table
_COUNTS = 1e-3  # of the objective: least value of a parameter at its price whose range is listed
_SENTENCES = 3
_UNPROVEN = 6  # parameters named as not proven
_NAMES = 2  # sources named at an end of a range


def part(found: Ranges) -> Part:
    """Report the sensitivity range of every cost and right-hand-side parameter.

    Args:
        found: Ranges around the optimal plan.

    Returns:
        Summary lines, up to three tables, and the JSON members `status`, `objective`, `ranges` and `unproven`.
    """
    tables = tuple(table for table in (_sides(found), _costs(found), _left_out(found)) if table.rows)
    plan = found.plan
    objective = {"measure": plan.measure, "value": plan.objective, "unit": plan.unit}
    members = {"status": plan.status, "objective": objective, "ranges": [_row(row) for row in found.rows]}
    members["unproven"] = list(found.unproven)
    return Part(tuple(_said(found)), tables, (), members, heading="How far each figure may move")


def _row(row: Range) -> dict[str, Any]:
    return {
        "path": row.path,
        "unit": row.unit,
        "value": row.value,
        "price_up": row.price_up,
        "price_down": row.price_down,
        "low": row.low,
        "high": row.high,
        "below_low": _turn(row.at_low),
        "above_high": _turn(row.at_high),
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "plan": not turn.stops,
        "takes": [{"what": one.what, "amount": one.amount, "unit": one.unit} for one in (*turn.more, *turn.less)],
    }


def _said(found: Ranges) -> list[str]:
    plan = found.plan
    kinked = [row for row in found.rows if row.kinked]
    lines = [
        f"{'Cost' if plan.measure == 'cost' else f'Least {plan.measure}'}: {money(plan.objective, plan.unit)}. "
        f"{proof(plan).partition(':')[0]}.",
        f"{len(found.rows)} figures cost something or stand at the side of a rule. Each is moved alone, both ways.",
    ]
    if kinked:
        few = f"{len(kinked)} of them have" if len(kinked) > 1 else "One of them has"
        lines.append(f"{few} a kink where the plan stands: one unit less does not save what one unit more costs.")
    if found.unproven:
        named = ", ".join(shown(path) for path in found.unproven[:_UNPROVEN])
        more = f" and {len(found.unproven) - _UNPROVEN} more" if len(found.unproven) > _UNPROVEN else ""
        lines.append(f"Left out, as no answer could be proven: {named}{more}.")
    if found.only is None:
        lines.append("Whether other plans are as good could not be proven.")
    elif not found.only:
        lines.append("Other plans are as good: prices and ranges are those that hold whichever is taken.")
    return [*lines, *(line for row in _narrow(found)[:_SENTENCES] for line in _sentences(row))]


def _sentences(row: Range) -> list[str]:
    """Describe the range of a cost at its nearer end, and the change of the plan beyond it."""
    ends = [(end, turn) for end, turn in ((row.low, row.at_low), (row.high, row.at_high)) if end is not None]
    end, turn = min(ends, key=lambda one: abs(one[0] - row.value))
    way = "down" if end < row.value else "up"
    then = f"; then it takes {_then(turn)}" if _then(turn) else ""
    unit = f" {row.unit}" if row.unit else ""
    now = f"{row.path} ({digits(row.value)}{unit})"
    return [f"The plan stays as it is while {now} moves {way} to {digits(end)}{unit}{then}."]


def _sides(found: Ranges) -> Section:
    """Return right-hand-side parameters with their shadow prices, the largest total value first."""
    listed = _apart(sorted((row for row in found.rows if not row.costs and _price(row)), key=lambda row: -_worth(row)))
    unit = found.plan.unit
    columns = [
        *_figure(listed),
        (Column(f"one more costs {unit}"), [_money(row.price_up) for row in listed[:MOST]]),
        (Column(f"one less costs {unit}", rank=1), [_money(row.price_down) for row in listed[:MOST]]),
        *_ends(listed),
    ]
    title = "What a unit of need, supply or capacity is worth, and from where to where that holds"
    return section(title, columns, notes=_rest(listed), always=5)


def _apart(listed: list[Range]) -> list[Range]:
    """Move the first parameter of each list to the front where the table cannot hold all rows."""
    if len(listed) <= MOST:
        return listed
    first = set({row.path.partition("[")[0]: row.path for row in reversed(listed)}.values())
    return sorted(listed, key=lambda row: row.path not in first)


def _costs(found: Ranges) -> Section:
    """Return the costs with the smallest allowable change."""
    listed = _narrow(found)
    columns = [*_figure(listed), *_ends(listed)]
    return section("Costs that may move least before the plan changes", columns, notes=_rest(listed), always=4)


def _narrow(found: Ranges) -> list[Range]:
    """Return the costs that matter and have a finite range, the smallest relative allowance first."""
    least = _COUNTS * abs(found.plan.objective)
    ended = (row for row in found.rows if row.costs and math.isfinite(_room(row)))
    return sorted((row for row in ended if _worth(row) > least), key=_room)


def _left_out(found: Ranges) -> Section:
    """Return the costs of unused sources, with the value at which each enters the plan."""
    listed = sorted(
        (row for row in found.rows if row.costs and not _price(row) and math.isfinite(_room(row)) and row.value),
        key=_room,
    )
    columns = [*_figure(listed), *_ends(listed)]
    return section("Costs of what is left out, and where it would come in", columns, notes=_rest(listed), always=4)


def _figure(rows: list[Range]) -> list[tuple[Column, list[str]]]:
    return [
        (Column("figure", right=False), [row.path for row in rows[:MOST]]),
        (Column("now"), [f"{digits(row.value)} {row.unit or ''}".rstrip() for row in rows[:MOST]]),
    ]


def _ends(rows: list[Range]) -> list[tuple[Column, list[str]]]:
    told = rows[:MOST]
    return [
        (Column("holds from"), [_end(row.low) for row in told]),
        (Column("to"), [_end(row.high) for row in told]),
        (Column("below that", right=False, rank=3), [_then(row.at_low) for row in told]),
        (Column("above that", right=False, rank=2), [_then(row.at_high) for row in told]),
    ]


def _rest(rows: list[Range]) -> list[str]:
    return [f"{len(rows) - MOST} more (--json has all)."] if len(rows) > MOST else []


def _price(row: Range) -> float:
    """Return the larger shadow price of both directions [unit of the objective per unit]."""
    return max(abs(row.price_up or 0.0), abs(row.price_down or 0.0))


def _worth(row: Range) -> float:
    """Return the parameter's value times its shadow price [unit of the objective]."""
    return _price(row) * max(abs(row.value), 1e-9)


def _room(row: Range) -> float:
    """Return the smaller allowable change relative to the value."""
    ends = [abs(end - row.value) for end in (row.low, row.high) if end is not None]
    return min(ends, default=math.inf) / max(abs(row.value), 1e-9)


def _money(value: float | None) -> str:
    return "no plan" if value is None else money(value)


def _end(value: float | None) -> str:
    return "any" if value is None else digits(value)


def _then(turn: Turn) -> str:
    """Describe the change of the plan beyond an end of the range."""
    if turn.stops:
        return "no plan"
    more = [shown(one.what) for one in turn.more[:_NAMES]]
    less = [shown(one.what) for one in turn.less[:_NAMES]]
    told = [f"more {' and '.join(more)}"] if more else []
    return ", ".join([*told, *([f"less {' and '.join(less)}"] if less else [])])
