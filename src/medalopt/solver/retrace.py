"""A verified plan is converted back to columns and duals, from which every post-optimal analysis starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats
from medalopt.model.network import Network
from medalopt.proof.added import NOTHING, Added
from medalopt.solver.linear import Linear, defining
from medalopt.solver.solution import Duals


def columns_of(account: Account, block: Network, linear: Linear, added: Added = NOTHING) -> Floats:
    """Reconstruct the columns of a program from a plan.

    Args:
        account: Plan with its accounting.
        block: Network block.
        linear: Program.
        added: Extension data with the values of its variables, which are the last columns.

    Returns:
        Columns (N,) in own units.
    """
    made = account.decisions
    network = [
        made.sent[block.route, block.period],
        made.stockpile[block.stock_stream, block.stock_period],
        _shares(account, block),
        made.withheld[block.withheld_pool, block.withheld_metal, block.withheld_period]
        if len(block.withheld_pool)
        else np.zeros(0),
    ]
    own = [one.value for one in added.variables]
    behind = [_value(account, *place) for place in linear.places[: len(linear.places) - len(own)]]
    x = np.concatenate([*network, np.array([*behind, *own], dtype=np.float64)])
    return np.maximum(_with_quantities(linear, x), linear.lower)


def duals_of(duals: Duals, linear: Linear, added: Added = NOTHING) -> Floats:
    """Reconstruct the duals of the rows of a program from those of a plan.

    Args:
        duals: Duals by constraint and index.
        linear: Program.
        added: Extension data with the duals of its rows, which are the last rows.

    Returns:
        Duals (M,) in own units; 0 for rows the plan has no dual of.
    """
    own = [row.dual for row in added.rows]
    rows = linear.rows[: len(linear.rows) - len(own)]
    model = [duals.get(name, {}).get(index, 0.0) - linear.given.get((name, index), 0.0) for name, index in rows]
    return np.array([*model, *own], dtype=np.float64)


def _shares(account: Account, block: Network) -> Floats:
    """Return the purchased share of each bundle, in the order of the network columns."""
    instance, made = account.instance, account.decisions
    before = np.concatenate([np.zeros_like(made.stockpile[:, :1]), made.stockpile[:, :-1]], axis=1)
    taken = made.stockpile - before
    np.add.at(taken, account.found.stream, made.sent)
    member = instance.streams.bundle >= 0
    got, offers = np.zeros((2, len(instance.bundles), len(instance.periods)))
    np.add.at(got, instance.streams.bundle[member], taken[member])
    np.add.at(offers, instance.streams.bundle[member], instance.streams.available.value[member])
    at = (block.take_bundle, block.take_period)
    return np.clip(got[at] / offers[at], 0.0, 1.0)


def _value(account: Account, name: str, index: Any) -> float:
    """Return the value of one column outside the network; 0 for a linking variable, which its definition determines."""
    instance, made = account.instance, account.decisions
    metals, alloys, offers = instance.metals.names, instance.alloys.names, instance.market.names
    tables: dict[str, tuple[Any, tuple[tuple[str, ...], ...]]] = {
        "charge": (made.charged, (alloys, metals)),
        "buy": (made.bought, (offers, alloys)),
        "surplus": (made.surplus, (metals,)),
        "recharge": (made.recharged, (alloys,)),
        "acquire": (account.purchases, (offers,)),
        "offer_stock": (account.offer_stock, (offers,)),
        "stock": (account.stock, (metals,)),
        "cast": (account.cast, (alloys,)),
        "cast_stock": (account.cast_stock, (alloys,)),
        "scrap": (account.scrap, (alloys,)),
    }
    if name not in tables:
        return 0.0
    table, axes = tables[name]
    *names, period = index
    at = (*(axis.index(label) for axis, label in zip(axes, names, strict=True)), instance.periods.index(period))
    return float(max(table[at], 0.0))


def _with_quantities(linear: Linear, x: Floats) -> Floats:
    """Return `x` with each linking variable computed from its defining row."""
    entries = linear.entries
    definition = defining(linear)
    places = [*[("", None)] * linear.network, *linear.places]
    its_row = {name.removeprefix("define_") for (name, _), it in zip(linear.rows, definition, strict=True) if it}
    quantity = np.array([name in its_row for name, _ in places], dtype=bool)
    quantity[len(quantity) - len(linear.added.variables) :] = False
    sums = np.bincount(entries.row, entries.value * x[entries.column], len(linear.rows))
    own = definition[entries.row] & quantity[entries.column]
    x = x.copy()
    x[entries.column[own]] = -sums[entries.row[own]] / entries.value[own]
    return x
