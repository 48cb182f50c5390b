"""User extensions parsed from a saved plan, and checked on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import FLOATS
from medalopt.instance.decisions import Account
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.proof.added import Added, AddedRow, AddedVariable, Term
from medalopt.proof.placed import Placed, Places
from medalopt.proof.rows import BROKEN
from medalopt.proof.stated import Broken
from medalopt.proof.subject import kept

OBJECTIVE = "objective"  # row name of terms that are added costs
RULE = "added rows"


def added(instance: Instance, found: Routes, plan: Any) -> tuple[Added, list[Broken]]:
    """Parse the extensions of a saved plan.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        plan: Saved plan or statement of infeasibility, see `plan.schema`.

    Returns:
        The extensions, and a violation per duplicate name, empty range or unknown reference.
    """
    wrong = [_refused(name, "comes twice") for name in _twice([OBJECTIVE, *(row.name for row in plan.added_rows)])]
    wrong += [_refused(name, "comes twice") for name in _twice([one.name for one in plan.added_variables])]
    wrong += [
        _refused(one.name, "has a lower end above its upper one")
        for one in (*plan.added_rows, *plan.added_variables)
        if one.lower is not None and one.upper is not None and one.lower > one.upper
    ]
    variables = {one.name: one for one in plan.added_variables}
    places = Places(instance, found, tuple(variables))
    terms: dict[str, list[Term]] = {OBJECTIVE: [], **{row.name: [] for row in plan.added_rows}}
    for stated in plan.added_terms:
        term = Term(stated.component, tuple(stated.key), stated.coefficient)
        if stated.row not in terms:
            wrong.append(_refused(stated.row, "has a term, and is no row of the plan"))
        elif places.place(term) is None:
            what = f"{term.component}[{', '.join(term.key)}]"
            wrong.append(_refused(stated.row, f"names {what}, which the instance does not have"))
        else:
            terms[stated.row].append(term)
    low, high = -math.inf, math.inf
    rows = [
        AddedRow(row.name, _end(row.lower, low), _end(row.upper, high), tuple(terms[row.name]), row.dual)
        for row in plan.added_rows
    ]
    own = [
        AddedVariable(one.name, _end(one.lower, low), _end(one.upper, high), one.value) for one in variables.values()
    ]
    return Added(tuple(rows), tuple(own), tuple(terms[OBJECTIVE])), wrong


def broken(account: Account, rows: Placed) -> Iterator[Broken]:
    """Yield violated extension rows and violated bounds of user variables.

    Args:
        account: Plan.
        rows: Extensions as arrays.

    Yields:
        Violations, with their amount in floats.
    """
    for each in kept(account, rows):
        for number in np.flatnonzero(~(each.worst() <= BROKEN)).tolist():
            amount = float(FLOATS.lift(each.excess)[number])
            text = f"{RULE}: {each.names[number]} is broken by {amount:.6g}"
            yield Broken(RULE, each.names[number], amount, "", text)


def _twice(names: list[str]) -> list[str]:
    """Return the names that occur again."""
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _refused(name: str, why: str) -> Broken:
    """Return the violation of an invalid extension row."""
    return Broken(RULE, name, 0.0, "", f"{RULE}: {name} {why}")


def _end(value: float | None, none: float) -> float:
    """Return a bound, or `none` if it is absent."""
    return none if value is None else value
