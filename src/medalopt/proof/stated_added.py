"""The added rows that a saved plan states to be subject to, taken over and held against the plan."""

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

OBJECTIVE = "objective"  # the row of terms that are added costs
RULE = "added rows"


def added(instance: Instance, found: Routes, plan: Any) -> tuple[Added, list[Broken]]:
    """Return what the saved `plan` says was added, and what of it cannot stand."""
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
    """Yield every added row, and every bound of a variable of the user's own, that the plan breaks; in floats."""
    for each in kept(account, rows):
        for number in np.flatnonzero(~(each.worst() <= BROKEN)).tolist():
            amount = float(FLOATS.lift(each.excess)[number])
            text = f"{RULE}: {each.names[number]} is broken by {amount:.6g}"
            yield Broken(RULE, each.names[number], amount, "", text)


def _twice(names: list[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _refused(name: str, why: str) -> Broken:
    return Broken(RULE, name, 0.0, "", f"{RULE}: {name} {why}")


def _end(value: float | None, none: float) -> float:
    return none if value is None else value
