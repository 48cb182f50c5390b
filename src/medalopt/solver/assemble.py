"""Assembly of the program from the network (built as arrays) and the other constraints (compiled from Pyomo).

With extensions the whole Pyomo model is compiled instead, since they may use any variable.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model import attach, build, extend, links
from medalopt.model.network import Entries, Network
from medalopt.model.talk import talking_to
from medalopt.solver.additions import told_apart
from medalopt.solver.compile import Compiled, compiled
from medalopt.solver.linear import Linear, Place
from medalopt.solver.master import Master, places_of
from medalopt.solver.sizes import network_sizes, quantity_sizes, row_sizes


def assembled(
    instance: Instance, found: Routes, block: Network, bounds: Bounds, measure: str, known: Master | None = None
) -> Linear:
    """Assemble the whole program of an instance.

    Args:
        instance: Instance.
        found: Routes.
        block: Network block as arrays.
        bounds: Implied bounds of the variables.
        measure: Name of the objective.
        known: Compiled part of a similar instance, reused if possible.

    Returns:
        The program in own units, rows in the order supply, settlement, linking definitions, compiled constraints.
    """
    kept = Master.of(instance, found, measure) if known is None else known.like(instance, found, measure)
    half, count = kept.compiled, kept.linking
    sizes = network_sizes(found, block, bounds)
    width = len(block.upper)
    lower, upper = _settlement_ends(block)
    return Linear(
        network=width,
        places=kept.places,
        lower=np.concatenate([np.zeros(width), half.lower]),
        upper=np.concatenate([block.upper, half.upper]),
        size=np.concatenate(
            [sizes, row_sizes(block.defining, count, sizes), quantity_sizes(instance, bounds, kept.places[count:])]
        ),
        costs=np.concatenate([np.zeros((len(half.costs), width)), half.costs], axis=1),
        rows=(
            *supply_rows(instance, block),
            *_settlement_rows(instance, block),
            *_defining_rows(kept.families),
            *half.rows,
        ),
        row_lower=np.concatenate(
            [np.where(block.supply_bundled, 0.0, -np.inf), lower, np.zeros(count), half.row_lower],
        ),
        row_upper=np.concatenate([block.supply_upper, upper, np.zeros(count), half.row_upper]),
        entries=_glued(block, half, count),
        given={},
    )


def supply_rows(instance: Instance, block: Network) -> list[Place]:
    """Return the keys of the supply rows of a network block.

    Args:
        instance: Instance, for the names.
        block: Network block.

    Returns:
        `supply` or, for streams sold in bundles, `bundle_supply`, with stream and period.
    """
    streams, periods = instance.streams.names, instance.periods
    at = zip(block.supply_stream.tolist(), block.supply_period.tolist(), block.supply_bundled.tolist(), strict=True)
    return [("bundle_supply" if bundled else "supply", (streams[i], periods[t])) for i, t, bundled in at]


def _settlement_rows(instance: Instance, block: Network) -> list[Place]:
    """Return the keys of the settlement rows of pooled lots."""
    keys = attach.settlement_keys(instance, block)
    return [(name, key) for name, _, _ in attach.SETTLEMENT for key in keys]


def _settlement_ends(block: Network) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of the settlement rows of pooled lots."""
    least = np.repeat([least for _, least, _ in attach.SETTLEMENT], len(block.withheld_pool))
    return np.where(least, 0.0, -np.inf), np.where(least, np.inf, 0.0)


def _defining_rows(families: tuple[links.Link, ...]) -> list[Place]:
    """Return the keys of the rows that define linking variables."""
    return [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]


def _glued(block: Network, half: Compiled, count: int) -> Entries:
    """Stack the entries of supply, pooled settlement, linking definitions and the compiled constraints."""
    width, supply_rows = len(block.upper), len(block.supply_stream)
    first, numbers = supply_rows + len(attach.SETTLEMENT) * len(block.withheld_pool), np.arange(count)
    row = [
        block.supply.row,
        supply_rows + block.settlement.row,
        first + block.defining.row,
        first + numbers,
        first + count + half.entries.row,
    ]
    column = [
        block.supply.column,
        block.settlement.column,
        block.defining.column,
        width + numbers,
        width + half.entries.column,
    ]
    value = [block.supply.value, block.settlement.value, -block.defining.value, np.ones(count), half.entries.value]
    return Entries(np.concatenate(row), np.concatenate(column), np.concatenate(value))


def extended(
    instance: Instance, found: Routes, block: Network, bounds: Bounds, measure: str, extensions: tuple[Path, ...]
) -> Linear:
    """Assemble the program with the constraints of extensions, compiled from the whole Pyomo model.

    Args:
        instance: Instance.
        found: Routes.
        block: Network block.
        bounds: Implied bounds of the variables.
        measure: Name of the objective.
        extensions: Python files that add constraints.

    Returns:
        The program; rows and variables of extensions come last.
    """
    with talking_to(io.StringIO()):  # Pyomo logs at length when interrupted
        model = build.master(instance, found, measure)
        network = attach.attach(model, instance, found, block)
    before = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    for path in extensions:
        extend.apply(model, instance, path)
    after = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    whole, added = told_apart(before, after, ", ".join(str(path) for path in extensions))
    return Linear(
        network=len(network),
        places=places_of(whole.columns[len(network) :]),
        lower=whole.lower,
        upper=whole.upper,
        size=_sizes(instance, found, block, bounds, model, whole),
        costs=whole.costs,
        rows=whole.rows,
        row_lower=whole.row_lower,
        row_upper=whole.row_upper,
        entries=whole.entries,
        given={},
        added=added,
    )


def _sizes(instance: Instance, found: Routes, block: Network, bounds: Bounds, model: object, whole: Compiled) -> Floats:
    """Return the implied bound of each column of the model with extensions, (N,)."""
    own = network_sizes(found, block, bounds)
    sizes = np.concatenate([own, quantity_sizes(instance, bounds, places_of(whole.columns[len(own) :]))])
    linking = {id(column): n for n, column in enumerate(links.variables(model, links.links(instance, found)))}
    sums = row_sizes(block.defining, len(linking), own)
    for at, column in enumerate(whole.columns):
        if id(column) in linking:
            sizes[at] = sums[linking[id(column)]]
    return sizes
