"""Report on an infeasible instance: conflicting constraints, repairs by increasing cost, and the proof."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from medalopt.analysis.refusal import Diagnosis
from medalopt.analysis.repair import Change
from medalopt.analysis.repair_figure import spelled
from medalopt.instance.instance import Instance
from medalopt.instance.paths import parse
from medalopt.proof.farkas import COMPILED, Refutation
from medalopt.report import cures
from medalopt.report.numbers import digits, money
from medalopt.report.page import printed
from medalopt.report.screen import Screen, Type
from medalopt.wording import shown

MOST_KNOWN, MOST_RULES, MOST_CURES = 3, 6, 8
_LONGEST = 400
_DIGITS = 6
_OVER = "The time was over before every cure had been tried; allow more of it by --time-limit."

Line = tuple[str, Type]


def refusal(
    instance: Instance, found: Diagnosis | None, shown_by: Refutation | None = None, screen: Screen | None = None
) -> str:
    """Render the report on an infeasible instance as text.

    Args:
        instance: Infeasible instance.
        found: Diagnosis, None where none was made.
        shown_by: Farkas multipliers that prove infeasibility, if there are any.
        screen: Width and style; None for standard output.

    Returns:
        The page: simple contradictions, conflicting constraints, repairs with the cheapest plan first, the proof.
    """
    title = f"{instance.title or instance.name}: no plan exists"
    lines = [] if found is None else [*_reasons(found), *_cures(instance, found)]
    return printed(screen or Screen.of_output(), title, [*lines, *_proof(shown_by)], ())


def _reasons(found: Diagnosis) -> Iterator[Line]:
    """Yield contradictions found by arithmetic, then the conflicting constraints."""
    yield from ((f"{shown(reason.text, _LONGEST)}.", "plain") for reason in found.known[:MOST_KNOWN])
    if len(found.known) > MOST_KNOWN:
        yield f"And {len(found.known) - MOST_KNOWN} more of the kind.", "faint"
    if not found.rules:
        return
    one = len(found.rules) == 1
    yield ("What alone cannot be met:" if one else _together(found)), "bold"
    for reason in found.rules[:MOST_RULES]:
        yield f"- {reason.rule}: {shown(reason.text, _LONGEST)}", "plain"
    if len(found.rules) > MOST_RULES:
        yield f"- and {len(found.rules) - MOST_RULES} more", "faint"


def _together(found: Diagnosis) -> str:
    """Return the heading of a conflict, with a remark if it is irreducible."""
    without = "; without any one of them the others can" if found.irreducible else ""
    return f"What cannot all be met{without}:"


def _proof(shown_by: Refutation | None) -> Iterator[Line]:
    """Yield the line on the Farkas multipliers."""
    if shown_by is None:
        return
    several = f"{shown_by.rules} rows of the rules, each with its weight, contradict each other"
    found = "one row of the rules cannot be kept" if shown_by.rules == 1 else several
    more = "--json has the weights" if shown_by.scope == COMPILED else "--json has the weights, and verify checks them"
    more = more if shown_by.scope == "instance" else f"{shown_by.scope}; {more}"
    yield f"Proven: {found} ({shown_by.arithmetic}; {more}).", "plain"


def _cures(instance: Instance, found: Diagnosis) -> Iterator[Line]:
    """Yield the repairs with the objective of the plan after each, and the options that apply them."""
    if not found.repairs:
        none = "No change of a figure, nor of a few together, was found to cure it."
        yield _OVER if found.stopped else none, "bold"
        return
    yield "What would cure it, each moved as little as suffices, the cheapest plan first:", "bold"
    for number, repair in enumerate(found.repairs[:MOST_CURES], 1):
        what = ", and ".join(cures.said(instance, change) for change in repair.changes)
        yield f"{number}. {what}: {_price(repair.objective, found.unit)}", "plain"
        yield f"-> {', and '.join(_changed(change) for change in repair.changes)}", "faint"
    if len(found.repairs) > MOST_CURES:
        yield f"{len(found.repairs) - MOST_CURES} more: --json", "faint"
    if found.stopped:
        yield _OVER, "faint"
    yield _to_see(found), "faint"


def _to_see(found: Diagnosis) -> str:
    """Return the options that solve with the first repair; an added constraint is changed in its own file."""
    for repair in found.repairs:
        if not any(parse(change.path)[0] == cures.OWN for change in repair.changes):
            which = "the first" if repair is found.repairs[0] else f"number {found.repairs.index(repair) + 1}"
            return f"To see the plan with {which}: {' '.join(_set(change) for change in repair.changes)}"
    options = [_set(change) for change in found.repairs[0].changes if parse(change.path)[0] != cures.OWN]
    also = f", and {' '.join(options)}" if options else "."
    return f"To see the plan with the first: change the rule in the file given by --extend{also}"


def _set(change: Change) -> str:
    """Return the `--set` option of a change, quoted for a shell."""
    return f"--set {shlex.quote(f'{change.path}={spelled(change.after, change.unit)}')}"


def _changed(change: Change) -> str:
    """Return the path of a change with its value before and after."""
    path = shown(change.path, 200)
    if change.after == []:
        return f"{path}: left out"
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        times = sum(after) / sum(before)
        return (
            f"{path}: {digits(times)} times as much in every period, {digits(sum(after))} {change.unit} in all "
            f"instead of {digits(sum(before))}"
        )
    return f"{path}: {_written(after, change.unit)} instead of {_written(before, None)}"


def _written(value: object, unit: str | None) -> str:
    """Return a value, or a list of values, with its unit."""
    if isinstance(value, list):
        text = f"[{', '.join(_written(one, unit) for one in value)}]"
        return text
    text = f"{value:,.{_DIGITS}g}" if isinstance(value, float) and abs(value) < 1e6 else _whole(value)
    return f"{text} {unit}" if unit else text


def _whole(value: object) -> str:
    """Return a number without decimals; other values as text."""
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def _price(objective: float, unit: str) -> str:
    """Return an objective value with its unit."""
    if unit in ("t", "kg CO2e"):
        return f"{digits(objective)} {unit}"
    return money(objective, unit)
