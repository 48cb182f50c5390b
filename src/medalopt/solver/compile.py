"""Compilation of a Pyomo model to arrays, by Pyomo's linear representation without an intermediate file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.common.errors import InvalidValueError
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from medalopt.errors import UsageError
from medalopt.instance.figures import Floats
from medalopt.model.network import Entries
from medalopt.solver.linear import Place


@dataclass(frozen=True, eq=False)
class Compiled:
    """Variables and constraints of a Pyomo model as arrays; `costs` (objectives, N) has a row for each objective."""

    columns: tuple[Any, ...]
    lower: Floats
    upper: Floats
    costs: Floats
    rows: tuple[Place, ...]
    row_lower: Floats
    row_upper: Floats
    entries: Entries


def compiled(model: pyo.ConcreteModel, objectives: Sequence[Any], first: Sequence[Any] = ()) -> Compiled:
    """Return the variables and active constraints of `model` as arrays.

    Args:
        model: Pyomo model.
        objectives: Linear expressions to minimise, the main one first.
        first: Variables that become the first columns, in this order.

    Returns:
        The arrays; a constant in a constraint body is moved to the right-hand side.

    Raises:
        UsageError: An expression (of an extension) is nonlinear, not finite or uses a variable of another model.
    """
    order = {id(column): number for number, column in enumerate(first)}
    columns = list(first)
    for column in model.component_data_objects(pyo.Var):
        if id(column) not in order:
            order[id(column)] = len(columns)
            columns.append(column)
    walk, names = _Walk(order), Names()
    rows: list[Place] = []
    lower: list[float] = []
    upper: list[float] = []
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        low, body, high = _bounded(constraint)
        offset = walk.row(body, len(rows), constraint)
        rows.append((names(constraint), constraint.index()))
        lower.append(-math.inf if low is None else low - offset)
        upper.append(math.inf if high is None else high - offset)
    costs = np.zeros((len(objectives), len(columns)))
    for number, objective in enumerate(objectives):
        for column, value in walk.terms(objective, None)[1]:
            costs[number, column] = value
    return Compiled(
        tuple(columns),
        np.array([-math.inf if column.lb is None else column.lb for column in columns], dtype=np.float64),
        np.array([math.inf if column.ub is None else column.ub for column in columns], dtype=np.float64),
        costs,
        tuple(rows),
        np.array(lower, dtype=np.float64),
        np.array(upper, dtype=np.float64),
        walk.entries(),
    )


def _name(row: Any) -> str:
    """Return the name of a constraint for messages, `objective` for None."""
    return "objective" if row is None else str(row.name)


def _bounded(constraint: Any) -> tuple[float | None, Any, float | None]:
    """Return lower bound, body and upper bound of a constraint."""
    try:
        low, body, high = constraint.to_bounded_expression(evaluate_bounds=True)
    except ValueError as error:
        raise UsageError(f"{constraint.name} has a bound that is no number: {error}") from error
    return low, body, high


class Names:
    """Cache of component names by component, since Pyomo composes a name at each access."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def __call__(self, part: Any) -> str:
        """Return the name of the component that a constraint or variable belongs to."""
        component = part.parent_component()
        if id(component) not in self._known:
            self._known[id(component)] = component.name
        return self._known[id(component)]


class _Walk:
    """Collector of the constants, columns and coefficients of linear expressions."""

    def __init__(self, order: dict[int, int]) -> None:
        self.order = order
        self.visitor = LinearRepnVisitor({}, var_recorder=VarRecorder({}, None))
        self.at: list[tuple[int, int]] = []
        self.values: list[float] = []

    def terms(self, body: Any, row: Any) -> tuple[float, list[tuple[int, float]]]:
        """Return the constant of `body` and its (column, coefficient) pairs; `row` names it in messages."""
        try:
            form = self.visitor.walk_expression(body)
            finite = all(math.isfinite(value) for value in (form.constant, *form.linear.values()))
        except InvalidValueError as error:
            raise UsageError(f"{_name(row)} holds what is no number: {error}") from error
        if form.nonlinear is not None:
            raise UsageError(f"{_name(row)} is not linear: write it as a sum of variables, each times a number")
        if not finite:
            raise UsageError(f"{_name(row)} holds a number that is not finite: look at the figures it is made of")
        try:
            found = [(self.order[which], value) for which, value in form.linear.items()]
        except KeyError:
            text = f"{_name(row)} holds a variable that is not part of the model: add it to the model"
            raise UsageError(text) from None
        return float(form.constant), found

    def row(self, body: Any, number: int, constraint: Any) -> float:
        """Record the coefficients of row `number` and return its constant."""
        constant, found = self.terms(body, constraint)
        self.at += [(number, column) for column, _ in found]
        self.values += [value for _, value in found]
        return constant

    def entries(self) -> Entries:
        """Return the nonzero coefficients of all recorded rows as a sparse matrix."""
        at = np.array(self.at, dtype=np.intp).reshape(-1, 2)
        values = np.array(self.values, dtype=np.float64)
        kept = values != 0
        return Entries(at[kept, 0], at[kept, 1], values[kept])
