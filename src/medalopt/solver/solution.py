"""Solutions: decisions and duals in own units, read from the columns and rows of a program, and back.

A verified plan is converted back to columns and duals, from which every post-optimal analysis starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import is_stocked, may_miss
from medalopt.instance.instance import Instance
from medalopt.instance.lots import list_excess_columns
from medalopt.instance.routes import ConfidenceCut, Routes
from medalopt.instance.smelter_terms import leaves_metal, list_terms_names
from medalopt.model.network import Network
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData
from medalopt.proof.prices import Duals
from medalopt.solver.confidence import compute_budget_columns
from medalopt.solver.program import ProgramBasis, SolverProgram, find_defining_rows
from medalopt.tolerances import SUM_TOLERANCE


@dataclass(frozen=True, eq=False)
class Solution:
    """Solution in own units.

    `status` is `optimal`, `infeasible`, `unbounded` or `stopped`; `decisions` are there if a plan was found. `duals`
    belong to the plan, or are Farkas multipliers of infeasibility. `compiled` is evaluated on the compiled program:
    lower bound and greatest violation of a plan with variables of extensions, or the margin of the multipliers.
    """

    status: str
    method: str
    decisions: Decisions | None = None
    duals: Duals = field(default_factory=dict)
    value: float = 0.0  # objective at the solver's columns
    compiled: tuple[float, float] = (0.0, 0.0)
    basis: ProgramBasis | None = None
    added: ExtensionData = NO_EXTENSIONS  # data of extensions with duals and values
    search_bound: float | None = None  # dual bound of branch and bound on the objective, not verified
    cuts: tuple[ConfidenceCut, ...] | None = None  # cuts that `duals` refer to; None: those of the task


def extract_decisions(
    instance: Instance, routes: Routes, network: Network, program: SolverProgram, x: Floats
) -> Decisions:
    """Read the decisions from the columns of a program.

    Args:
        routes: J routes.
        x (N,): Columns in own units.

    Returns:
        The decisions, none below 0.
    """
    x = np.maximum(x, 0.0)
    sent = np.zeros((len(routes), len(instance.periods)))
    shipments = len(network.route)
    sent[network.route, network.period] = x[:shipments]
    stockpile = np.zeros((len(instance.streams.names), len(instance.periods)))
    stockpile[network.stock_stream, network.stock_period] = x[shipments : shipments + len(network.stock_stream)]
    withheld = np.zeros((int(instance.terms.pooled.sum()), len(instance.metals.names), len(instance.periods)))
    end = len(network.upper)
    indices = (network.withheld_pool, network.withheld_metal, network.withheld_period)
    withheld[indices] = x[end - len(network.withheld_pool) : end]
    metals, alloys, offers = instance.metals.names, instance.alloys.names, instance.market.names
    axes = {
        "charge": (alloys, metals, instance.periods),
        "buy": (offers, alloys, instance.periods),
        "surplus": (metals, instance.periods),
        "recharge": (alloys, instance.periods),
        "acquire": (offers, instance.periods),
        "missed": (instance.medals.names,),
    }
    if leaves_metal(instance):
        axes["left"] = (list_terms_names(instance), metals, instance.periods)
    tables = {name: np.zeros(tuple(len(axis) for axis in along)) for name, along in axes.items()}
    place = {
        name: [{label: number for number, label in enumerate(axis)} for axis in along] for name, along in axes.items()
    }
    for (name, index), value in zip(program.places, x[program.network :].tolist(), strict=True):
        if name in tables:
            labels = index if isinstance(index, tuple) else (index,)
            to = tuple(axis[label] for axis, label in zip(place[name], labels, strict=True))
            tables[name][to] = value
    purchased = tables["acquire"][is_stocked(instance)]
    behind = (tables["charge"], tables["buy"], tables["surplus"], tables["recharge"], purchased)
    missed = np.minimum(tables["missed"], instance.medals.count) if may_miss(instance).any() else np.zeros(0)
    left = {"left": tables["left"]} if "left" in tables else {}
    return Decisions(sent, stockpile, *behind, withheld, missed, **left)


def extract_duals(program: SolverProgram, y: Floats) -> Duals:
    """Read the duals of the rows by constraint and index, without those of extensions.

    Args:
        y (M,): Duals in own units.

    Returns:
        Duals, with the offsets of eliminated linking variables added.
    """
    duals: dict[str, dict[Any, float]] = {}
    own = len(program.rows) - len(program.added.rows)
    for (name, index), value in zip(program.rows[:own], y[:own].tolist(), strict=True):
        duals.setdefault(name, {})[index] = value
    for (name, index), shift in program.dual_offsets.items():
        rows = duals.setdefault(name, {})
        rows[index] = rows.get(index, 0.0) + shift
    return duals


def fill_extension_values(program: SolverProgram, x: Floats, y: Floats) -> ExtensionData:
    """Fill in the duals of extension rows and the values of extension variables.

    Args:
        program: Program with its extension data.
        x (N,): Columns in own units.
        y (M,): Duals in own units.

    Returns:
        The extension data with duals and values.
    """
    added = program.added
    duals, values = (
        y[len(y) - len(added.rows) :],
        np.clip(x, program.lower, program.upper)[len(x) - len(added.variables) :],
    )
    return replace(
        added,
        rows=tuple(replace(row, dual=dual) for row, dual in zip(added.rows, duals.tolist(), strict=True)),
        variables=tuple(
            replace(variable, value=value) for variable, value in zip(added.variables, values.tolist(), strict=True)
        ),
    )


def reconstruct_columns(
    account: PlanAccount, block: Network, program: SolverProgram, added: ExtensionData = NO_EXTENSIONS
) -> Floats:
    """Reconstruct the columns of a program from a plan.

    Args:
        account: Plan with its accounting.
        added: Extension data with the values of its variables, which are the last columns.

    Returns:
        Columns (N,) in own units.
    """
    decisions = account.decisions
    network = [
        decisions.sent[block.route, block.period],
        decisions.stockpile[block.stock_stream, block.stock_period],
        _bundle_shares(account, block),
        decisions.withheld[block.withheld_pool, block.withheld_metal, block.withheld_period]
        if len(block.withheld_pool)
        else np.zeros(0),
    ]
    own = [variable.value for variable in added.variables]
    given = {**compute_budget_columns(account), **list_excess_columns(account)}
    places = program.places[: len(program.places) - len(own)]
    behind = [given[place] if place in given else _column_value(account, *place) for place in places]
    x = np.concatenate([*network, np.array([*behind, *own], dtype=np.float64)])
    return np.maximum(_compute_linking_quantities(program, x), program.lower)


def reconstruct_duals(duals: Duals, program: SolverProgram, added: ExtensionData = NO_EXTENSIONS) -> Floats:
    """Reconstruct the duals of the rows of a program from those of a plan.

    Args:
        duals: Duals by constraint and index.
        added: Extension data with the duals of its rows, which are the last rows.

    Returns:
        Duals (M,) in own units; 0 for rows the plan has no dual of, but those of fractions, which the others imply.
    """
    own = [row.dual for row in added.rows]
    rows = program.rows[: len(program.rows) - len(own)]
    model = [duals.get(name, {}).get(index, 0.0) - program.dual_offsets.get((name, index), 0.0) for name, index in rows]
    return _imply_fraction_duals(np.array([*model, *own], dtype=np.float64), program)


def _imply_fraction_duals(y: Floats, program: SolverProgram) -> Floats:
    """Return duals with those of fractions: the least reduced cost of the branches, the columns with coefficient 1."""
    fractions = np.array([name == "fractions" for name, _ in program.rows], dtype=bool)
    if not fractions.any():
        return y
    y, entries = np.where(fractions, 0.0, y), program.entries
    pulled = np.bincount(entries.column, entries.value * y[entries.row], len(program.lower))
    own = np.flatnonzero(fractions[entries.row] & (entries.value == 1))
    least = np.full(len(y), np.inf)
    np.minimum.at(least, entries.row[own], (program.costs[0] - pulled)[entries.column[own]])
    return np.where(fractions & np.isfinite(least), least, y)


def _bundle_shares(account: PlanAccount, network: Network) -> Floats:
    """Return the purchased share of each bundle, in the order of the network columns."""
    instance = account.instance
    member = instance.streams.bundle >= 0
    got, offers = np.zeros((2, len(instance.bundles), len(instance.periods)))
    np.add.at(got, instance.streams.bundle[member], account.taken[member])
    np.add.at(offers, instance.streams.bundle[member], instance.streams.available.value[member])
    index = (network.take_bundle, network.take_period)
    return np.clip(got[index] / offers[index], 0.0, 1.0)


def _column_value(account: PlanAccount, name: str, index: Any) -> float:
    """Return the value of one column outside the network; 0 for a linking variable, which its definition determines."""
    instance, decisions = account.instance, account.decisions
    metals, alloys, offers = instance.metals.names, instance.alloys.names, instance.market.names
    tables: dict[str, tuple[Any, tuple[tuple[str, ...], ...]]] = {
        "charge": (decisions.charged, (alloys, metals)),
        "buy": (decisions.bought, (offers, alloys)),
        "surplus": (decisions.surplus, (metals,)),
        "recharge": (decisions.recharged, (alloys,)),
        "acquire": (account.purchases, (offers,)),
        "offer_stock": (account.offer_stock, (offers,)),
        "stock": (account.stock, (metals,)),
        "cast": (account.cast, (alloys,)),
        "cast_stock": (account.cast_stock, (alloys,)),
        "scrap": (account.scrap, (alloys,)),
    }
    if name == "missed":
        return float(account.missed[instance.medals.names.index(index)])
    if name == "left":
        tables = {name: (decisions.left, (list_terms_names(instance), metals))}
    if name not in tables:
        return 0.0
    table, axes = tables[name]
    *names, period = index
    at = (*(axis.index(label) for axis, label in zip(axes, names, strict=True)), instance.periods.index(period))
    return float(max(table[at], 0.0))


def _compute_linking_quantities(program: SolverProgram, x: Floats) -> Floats:
    """Return `x` with each linking variable computed from its defining row."""
    entries = program.entries
    definition = find_defining_rows(program)
    places = [*[("", None)] * program.network, *program.places]
    its_row = {name.removeprefix("define_") for (name, _), it in zip(program.rows, definition, strict=True) if it}
    quantity = np.array([name in its_row for name, _ in places], dtype=bool)
    quantity[len(quantity) - len(program.added.variables) :] = False
    sums = np.bincount(entries.row, entries.value * x[entries.column], len(program.rows))
    own = definition[entries.row] & quantity[entries.column]
    x = x.copy()
    x[entries.column[own]] = -sums[entries.row[own]] / entries.value[own]
    return x


def leave_rounding(account: PlanAccount) -> PlanAccount:
    """Return the plan with all credited metal left where no more than rounding is called back of it.

    Otherwise instructions to smelters would list metals to return of which there is nothing.

    Args:
        account: Plan.
    """
    left = account.decisions.left
    if not left.size:
        return account
    credited = account.credited_by_line
    left = np.where(np.abs(credited - left) <= SUM_TOLERANCE * credited, credited, left)
    return account.replace_left(left)
