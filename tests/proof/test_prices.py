"""Duals as arrays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from tests.model.cases import ROOT

import medalopt
from medalopt.instance.bounds import compute_cumulative_demand
from medalopt.instance.instance import Instance
from medalopt.proof.prices import DualGrid, Prices, build_prices, list_price_axes

TINY = ROOT / "instances" / "tiny.yaml"


def test_a_grid_equals_its_mapping() -> None:
    """A grid has the keys and values of its rows, and gives the same prices as a mapping."""
    instance = medalopt.load(TINY)
    names = instance.streams.names, instance.periods
    shape = (len(names[0]), len(names[1]))
    values = -np.arange(1.0, 1 + shape[0] * shape[1]).reshape(shape)
    there = values % 2 == 0
    grid = DualGrid(names, values, there)
    plain = dict(grid.items())
    assert len(plain) == len(grid) == there.sum()
    first = next(iter(plain))
    assert grid[first] == plain[first] and first in grid
    missing = next((i, t) for i in names[0] for t in names[1] if (i, t) not in plain)
    for key in (missing, ("no such stream", names[1][0]), 3):
        with pytest.raises(KeyError):
            grid[key]
    assert (build_prices(instance, {"supply": grid}).supply == build_prices(instance, {"supply": plain}).supply).all()


@pytest.mark.parametrize("turned", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_a_grid_counts_by_its_names(turned: tuple[int, int]) -> None:
    """Prices of a grid are placed by name, whatever the order of its names."""
    instance = medalopt.load(TINY)
    names = instance.streams.names[:: turned[0]], instance.periods[:: turned[1]]
    values = -np.arange(1.0, 1 + len(names[0]) * len(names[1])).reshape(len(names[0]), -1)
    grid = DualGrid(names, values, np.ones_like(values, dtype=bool))
    assert (build_prices(instance, {"supply": grid}).supply == values[:: turned[0], :: turned[1]]).all()
    few = DualGrid((names[0][:1], names[1][:1]), values[:1, :1], np.ones((1, 1), dtype=bool))
    assert np.count_nonzero(build_prices(instance, {"supply": few}).supply) == 1


FREE = {"balance", "melt", "process_scrap", "purchase", "feed_total"}
AT_LEAST = {"fineness_low", "stream_commitment", "mix_low", "participation"}
AT_MOST = {"treatment_capacity", "cast_capacity", "feed_capacity", "recycled", "mix_high", "footprint_cap"}


def everywhere(instance: Instance, value: float) -> Prices:
    """Return the prices of duals that are `value` at every possible row."""
    duals = {
        family: {key if len(key) > 1 else key[0] if key else None: value for key in product(*names)}
        for family, names in list_price_axes(instance).items()
        if family != "bundle_supply"
    }
    return build_prices(instance, duals)


@pytest.mark.parametrize("value", [0.5, -0.5])
def test_a_price_of_the_wrong_sign_counts_for_nothing(value: float) -> None:
    """Prices are kept where the row's bounds allow their sign, and are exactly 0 elsewhere."""
    instance = medalopt.load(TINY)
    y = everywhere(instance, value)
    assert {name for name in FREE if not (np.isin(getattr(y, name), (value, 0.0))).all()} == set()
    for name in ("balance", "melt", "process_scrap"):
        assert (getattr(y, name) == value).all()
    for name in AT_LEAST:
        assert (getattr(y, name) == max(value, 0.0)).all()
    limits = {
        "treatment_capacity": instance.treatments.capacity.value,
        "cast_capacity": instance.alloys.capacity.value,
        "feed_capacity": instance.smelters.capacity.value,
    }
    for name in AT_MOST:
        limited = np.isfinite(limits[name]) if name in limits else True
        assert (getattr(y, name) == np.where(limited, min(value, 0.0), 0.0)).all()
    for name, limit in (("purchase", instance.market.limit), ("feed_total", instance.smelters.limit)):
        assert (getattr(y, name) == np.where(np.isfinite(limit.value), value, max(value, 0.0))).all()


@pytest.mark.parametrize("value", [0.5, -0.5])
def test_prices_of_windows_demand_and_supply(value: float) -> None:
    """Greatest contents and `others` where they are named, demand where it rises, supply by its being in a bundle."""
    instance = medalopt.load(TINY)
    y = everywhere(instance, value)
    alloys, bundled = instance.alloys, instance.streams.bundle >= 0
    assert (y.fineness_high == np.where(alloys.named[:, :, None], min(value, 0.0), 0.0)).all()
    assert (y.others == np.where(alloys.admits_others[:, None], min(value, 0.0), 0.0)).all()
    due = compute_cumulative_demand(instance)
    for a in range(len(alloys.names)):
        for t in range(len(instance.periods) - 1):
            rises = due[a, t] > (due[a, t - 1] if t else 0.0)
            assert y.demand[a, t] == (max(value, 0.0) if rises else 0.0)
    assert (y.demand[:, -1] == value).all()
    assert (y.supply[bundled] == value).all()
    assert (y.supply[~bundled] == min(value, 0.0)).all()


def test_dual_values_are_frozen() -> None:
    """No array is assigned to dual values; `replace` leaves the original alone."""
    given = Prices(supply=np.zeros(2))
    with pytest.raises(AttributeError, match="frozen"):
        given.supply = np.ones(2)
    assert given.replace(supply=np.ones(2)).supply.sum() == 2 and not given.supply.any()


def test_prices_that_are_no_numbers_count_for_nothing() -> None:
    """Infinite and NaN prices count as 0."""
    instance = medalopt.load(TINY)
    for value in (np.nan, np.inf, -np.inf):
        y = everywhere(instance, value)
        for name in ("balance", "melt", "process_scrap", "purchase", "fineness_low", "supply", "recycled"):
            assert not getattr(y, name).any()
