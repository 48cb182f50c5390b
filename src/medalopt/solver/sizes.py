"""Implied bounds of all columns in own units, from which the column scale factors are taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from medalopt.instance.bounds import Bounds, needed
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Entries, Network
from medalopt.model.tables import by_name
from medalopt.solver.linear import Place


def network_sizes(found: Routes, block: Network, bounds: Bounds) -> Floats:
    """Return the implied upper bound of each network column.

    Args:
        found: Routes.
        block: Network block of C columns.
        bounds: Implied bounds of the variables.

    Returns:
        Bounds (C,): tonnes sent and stored, shares of bundles (1), metal withheld.
    """
    sizes = [
        bounds.sent[found.stream[block.route], block.period],
        bounds.stockpile[block.stock_stream, block.stock_period],
        np.ones(len(block.take_bundle)),
    ]
    count, own = len(block.withheld_pool), np.concatenate([*sizes, np.zeros(len(block.withheld_pool))])
    all_of_it = row_sizes(block.settlement, 3 * count, own)[2 * count :]  # at most the full share is withheld
    return np.concatenate([*sizes, all_of_it])


def row_sizes(entries: Entries, height: int, sizes: Floats) -> Floats:
    """Return the greatest activity of each row, the sum of the magnitudes of its terms at their bounds.

    Args:
        entries: Sparse matrix.
        height: Number of rows.
        sizes (N,): Implied bound of each column.

    Returns:
        Bounds (height,).
    """
    return np.bincount(entries.row, np.abs(entries.value) * sizes[entries.column], height).astype(np.float64)


def quantity_sizes(instance: Instance, bounds: Bounds, columns: Sequence[Place]) -> Floats:
    """Return the implied upper bound of each column on metals, alloys and offers.

    Args:
        instance: Instance.
        bounds: Implied bounds of the variables.
        columns: Keys of the columns.

    Returns:
        Bounds (columns,); infinite for variables of extensions.
    """
    metals, alloys, periods = instance.metals.names, instance.alloys.names, instance.periods
    stock = by_name(bounds.stock, metals, periods)
    ever = by_name(bounds.stock[:, -1], metals)
    cast, charge, scrap = (by_name(table, alloys) for table in (bounds.cast, bounds.charge, bounds.scrap))
    purchase = by_name(bounds.purchase, instance.market.names)
    most = max(sum(charge.values()), *(len(periods) * one for one in purchase.values()), 0.0)
    rules: dict[str, Callable[..., float]] = {
        "stock": lambda e, t: stock[e, t],
        "surplus": lambda e, t: stock[e, t],
        "charge": lambda a, e, t: min(charge[a], ever[e]),
        "buy": lambda o, a, t: charge[a],
        "acquire": lambda o, t: purchase[o],
        "offer_stock": lambda o, t: purchase[o] * len(periods),
        "cast": lambda a, t: cast[a],
        "cast_stock": lambda a, t: cast[a],
        "recharge": lambda a, t: min(charge[a], scrap[a]),
        "scrap": lambda a, t: scrap[a],
        "bought": lambda o: most,
    }
    sizes = np.full(len(columns), np.inf)
    for number, (name, index) in enumerate(columns):
        rule = rules.get(name)
        if rule is not None:
            sizes[number] = rule(*(index if isinstance(index, tuple) else (index,)))
    return sizes


def within_need(instance: Instance, found: Routes, bounds: Bounds) -> Bounds:
    """Return bounds cut to the metal, and the tonnes of each stream, that all melts together could use.

    For scaling only: a feasible plan may exceed them by a surplus.

    Args:
        instance: Instance.
        found: Routes.
        bounds: Implied bounds of the variables.

    Returns:
        The tighter bounds.
    """
    useful = needed(instance, found, bounds)
    some = (useful > 0) & (found.returned > 0)
    tonnes = np.divide(useful, found.returned, out=np.zeros(some.shape), where=some).max(axis=1)
    most = np.zeros(len(instance.streams.names))
    np.maximum.at(most, found.stream, tonnes)
    sent = np.minimum(bounds.sent, np.where(most > 0, most, np.inf)[:, None])
    with_it = sent.sum(axis=1)[found.stream] @ found.returned
    cut = np.where(useful > 0, useful, instance.metals.opening_stock.value + with_it)
    return replace(bounds, sent=sent, stock=np.minimum(bounds.stock, cut[:, None]))


def powers(sizes: Floats) -> Ints:
    """Return the exponent of the nearest power of two.

    Args:
        sizes: Nonnegative numbers.

    Returns:
        Exponents of the same shape; 0 for a size of 0 or infinity.
    """
    positive = (sizes > 0) & np.isfinite(sizes)
    return np.where(positive, np.rint(np.log2(np.where(positive, sizes, 1.0))), 0).astype(np.intp)
