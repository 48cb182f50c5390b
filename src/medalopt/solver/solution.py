"""Solutions: decisions and duals in own units, read from the columns and rows of a program, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalopt.instance.decisions import Decisions
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_stocked
from medalopt.instance.routes import Routes
from medalopt.model.network import Network
from medalopt.proof.added import NOTHING, Added
from medalopt.solver.linear import Linear
from medalopt.solver.standing import Standing

Duals = Mapping[str, Mapping[Any, float]]  # by constraint and index: objective per unit of the row


@dataclass(frozen=True, eq=False)
class Solution:
    """Solution in own units.

    `status` is `optimal`, `infeasible`, `unbounded` or `stopped`; `decisions` are there if a plan was found. `duals`
    belong to the plan, or are Farkas multipliers of infeasibility. `compiled` is evaluated on the compiled program:
    lower bound and greatest violation of a plan, or the margin of the multipliers.
    """

    status: str
    method: str
    decisions: Decisions | None = None
    duals: Duals = field(default_factory=dict)
    value: float = 0.0  # objective at the solver's columns
    compiled: tuple[float, float] = (0.0, 0.0)
    standing: Standing | None = None
    added: Added = NOTHING  # data of extensions with duals and values
    search_bound: float | None = None  # dual bound of branch and bound on the objective, not verified


def decided(instance: Instance, found: Routes, block: Network, linear: Linear, x: Floats) -> Decisions:
    """Read the decisions from the columns of a program.

    Args:
        instance: Instance.
        found: J routes.
        block: Network block.
        linear: Program.
        x (N,): Columns in own units.

    Returns:
        The decisions, none below 0.
    """
    x = np.maximum(x, 0.0)
    sent = np.zeros((len(found), len(instance.periods)))
    shipments = len(block.route)
    sent[block.route, block.period] = x[:shipments]
    stockpile = np.zeros((len(instance.streams.names), len(instance.periods)))
    stockpile[block.stock_stream, block.stock_period] = x[shipments : shipments + len(block.stock_stream)]
    withheld = np.zeros((int(instance.terms.pooled.sum()), len(instance.metals.names), len(instance.periods)))
    end = len(block.upper)
    at = (block.withheld_pool, block.withheld_metal, block.withheld_period)
    withheld[at] = x[end - len(block.withheld_pool) : end]
    metals, alloys, offers = instance.metals.names, instance.alloys.names, instance.market.names
    axes = {
        "charge": (alloys, metals, instance.periods),
        "buy": (offers, alloys, instance.periods),
        "surplus": (metals, instance.periods),
        "recharge": (alloys, instance.periods),
        "acquire": (offers, instance.periods),
    }
    tables = {name: np.zeros(tuple(len(axis) for axis in along)) for name, along in axes.items()}
    place = {
        name: [{label: number for number, label in enumerate(axis)} for axis in along] for name, along in axes.items()
    }
    for (name, index), value in zip(linear.places, x[linear.network :].tolist(), strict=True):
        if name in tables:
            to = tuple(axis[label] for axis, label in zip(place[name], index, strict=True))
            tables[name][to] = value
    purchased = tables["acquire"][is_stocked(instance)]
    behind = (tables["charge"], tables["buy"], tables["surplus"], tables["recharge"], purchased)
    return Decisions(sent, stockpile, *behind, withheld)


def priced(linear: Linear, y: Floats) -> Duals:
    """Read the duals of the rows by constraint and index, without those of extensions.

    Args:
        linear: Program.
        y (M,): Duals in own units.

    Returns:
        Duals, with the offsets of eliminated linking variables added.
    """
    duals: dict[str, dict[Any, float]] = {}
    own = len(linear.rows) - len(linear.added.rows)
    for (name, index), value in zip(linear.rows[:own], y[:own].tolist(), strict=True):
        duals.setdefault(name, {})[index] = value
    for (name, index), shift in linear.given.items():
        rows = duals.setdefault(name, {})
        rows[index] = rows.get(index, 0.0) + shift
    return duals


def filled(linear: Linear, x: Floats, y: Floats) -> Added:
    """Fill in the duals of extension rows and the values of extension variables.

    Args:
        linear: Program with its extension data.
        x (N,): Columns in own units.
        y (M,): Duals in own units.

    Returns:
        The extension data with duals and values.
    """
    added = linear.added
    duals, values = (
        y[len(y) - len(added.rows) :],
        np.clip(x, linear.lower, linear.upper)[len(x) - len(added.variables) :],
    )
    return replace(
        added,
        rows=tuple(replace(row, dual=dual) for row, dual in zip(added.rows, duals.tolist(), strict=True)),
        variables=tuple(replace(one, value=value) for one, value in zip(added.variables, values.tolist(), strict=True)),
    )
