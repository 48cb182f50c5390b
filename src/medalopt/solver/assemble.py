"""One program out of two halves: the network as arrays, and the rest compiled from Pyomo.

A linking quantity that no constraint uses is substituted where it stands in an objective, and left out:
exact arithmetic on one coefficient each, after which no row or column is there for nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model import attach, build, extend, links
from medalopt.model.network import Entries, Network
from medalopt.solver.compile import Compiled, compiled
from medalopt.solver.linear import Linear, Place
from medalopt.solver.sizes import network_sizes, quantity_sizes, row_sizes


def assembled(
    instance: Instance, found: Routes, block: Network, bounds: Bounds, measure: str, whole: bool = False
) -> Linear:
    """Return the program of `instance` for `measure`, its network taken as arrays.

    With `whole` every linking quantity stays, used or not, as in the model that `build` returns.
    """
    model = build.master(instance, found, measure)
    families = links.links(instance, found)
    linking = list(links.variables(model, families))
    half = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=linking)
    names: list[Place] = [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]
    used = np.full(len(linking), whole)
    used[half.entries.column[half.entries.column < len(linking)]] = True
    sizes = network_sizes(found, block, bounds)
    terms = row_sizes(block.defining, len(linking), sizes)
    rest = quantity_sizes(instance, bounds, half.columns[len(linking) :])
    width = len(block.upper)
    number = np.where(used, np.cumsum(used) - 1, -1)
    kept_columns = np.concatenate([used, np.ones(len(half.columns) - len(linking), dtype=bool)])
    supply_rows = len(block.supply_stream)
    streams, periods = instance.streams.names, instance.periods
    return Linear(
        network=width,
        places=tuple(
            (column.parent_component().local_name, column.index())
            for column, kept in zip(half.columns, kept_columns.tolist(), strict=True)
            if kept
        ),
        lower=np.concatenate([np.zeros(width), half.lower[kept_columns]]),
        upper=np.concatenate([block.upper, half.upper[kept_columns]]),
        size=np.concatenate([sizes, terms[used], rest]),
        costs=np.concatenate([_substituted(half, block, used), half.costs[:, kept_columns]], axis=1),
        rows=(
            *(
                ("bundle_supply" if bundled else "supply", (streams[i], periods[t]))
                for i, t, bundled in zip(
                    block.supply_stream.tolist(),
                    block.supply_period.tolist(),
                    block.supply_bundled.tolist(),
                    strict=True,
                )
            ),
            *(name for name, kept in zip(names, used.tolist(), strict=True) if kept),
            *half.rows,
        ),
        row_lower=np.concatenate([np.where(block.supply_bundled, 0.0, -np.inf), np.zeros(used.sum()), half.row_lower]),
        row_upper=np.concatenate([block.supply_upper, np.zeros(used.sum()), half.row_upper]),
        entries=_glued(block, half, used, number, width, supply_rows, kept_columns),
        given={
            name: cost
            for name, cost, kept in zip(names, half.costs[0, : len(linking)].tolist(), used.tolist(), strict=True)
            if not kept
        },
    )


def _substituted(half: Compiled, block: Network, used: Bools) -> Floats:
    """Return the costs of the network's columns: those of the linking quantities that are left out."""
    costs = np.zeros((len(half.costs), len(block.upper)))
    weight = np.where(used, 0.0, half.costs[:, : len(used)])
    for objective in range(len(costs)):
        terms = weight[objective, block.defining.row] * block.defining.value
        costs[objective] = np.bincount(block.defining.column, terms, len(block.upper))
    return costs


def _glued(
    block: Network, half: Compiled, used: Bools, number: Floats, width: int, supply_rows: int, kept: Bools
) -> Entries:
    """Stack supply, the definitions of the linking quantities that are used, and the constraints on them."""
    defined = used[block.defining.row]
    place = np.cumsum(kept) - 1
    count = int(used.sum())
    row = [
        block.supply.row,
        supply_rows + number[block.defining.row[defined]],
        supply_rows + np.arange(count),
        supply_rows + count + half.entries.row,
    ]
    column = [
        block.supply.column,
        block.defining.column[defined],
        width + np.arange(count),
        width + place[half.entries.column],
    ]
    value = [block.supply.value, -block.defining.value[defined], np.ones(count), half.entries.value]
    return Entries(np.concatenate(row), np.concatenate(column), np.concatenate(value))


def extended(
    instance: Instance, found: Routes, block: Network, bounds: Bounds, measure: str, extensions: tuple[Path, ...]
) -> Linear:
    """Return the program with a user's own constraints, compiled from the whole Pyomo model."""
    model = build.master(instance, found, measure)
    network = attach.attach(model, instance, found, block)
    for path in extensions:
        extend.apply(model, instance, path)
    whole = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    width = len(block.upper)
    sizes = np.concatenate(
        [network_sizes(found, block, bounds), quantity_sizes(instance, bounds, whole.columns[width:])]
    )
    linking = {id(column): n for n, column in enumerate(links.variables(model, links.links(instance, found)))}
    terms = row_sizes(block.defining, len(linking), sizes)
    for at, column in enumerate(whole.columns):
        if id(column) in linking:
            sizes[at] = terms[linking[id(column)]]
    return Linear(
        network=width,
        places=tuple((column.parent_component().local_name, column.index()) for column in whole.columns[width:]),
        lower=whole.lower,
        upper=whole.upper,
        size=sizes,
        costs=whole.costs,
        rows=whole.rows,
        row_lower=whole.row_lower,
        row_upper=whole.row_upper,
        entries=whole.entries,
        given={},
    )
