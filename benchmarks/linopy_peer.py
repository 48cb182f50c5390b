"""The same program in linopy, from the same `Instance`, solved with HiGHS: `linopy_peer.py INSTANCE`.

Written as linopy is meant to be used: arrays with named dimensions, masks for what does not exist, sums by group,
no loop over routes or periods. Linking quantities are expressions, not variables of their own.
"""

from __future__ import annotations

import sys
import warnings

import linopy
import numpy as np
import pandas as pd
import xarray as xr

import medalopt
from medalopt.instance.bounds import (
    can_be_in_stock,
    compute_cumulative_demand,
    compute_scrap_rate,
    has_demand,
    may_buy,
    may_charge,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes, compute_route_costs, has_supply


def covered(instance: Instance) -> bool:
    """Return whether the program of `instance` has none of the families that this script omits."""
    figures = [
        instance.streams.committed,
        instance.smelters.committed,
        instance.market.committed,
        instance.policy.participation,
        instance.policy.footprint_cap,
        instance.smelters.limit,
    ]
    unused = all(((part.raw == 0) | np.isinf(part.raw)).all() for part in figures)
    return unused and not instance.policy.windows and not instance.alloys.admits_others.any()


def array(values: object, *dims: str) -> xr.DataArray:
    """Return `values` with named dimensions, each numbered from 0."""
    data = np.asarray(values)
    return xr.DataArray(data, coords={dim: np.arange(n) for dim, n in zip(dims, data.shape, strict=True)}, dims=dims)


def network(m: linopy.Model, instance: Instance, found: Routes) -> tuple[linopy.Variable, linopy.LinearExpression]:
    """Add shipments, stockpiles and bundles with their supply; return the shipments and the cost of the network."""
    some = array(has_supply(instance), "stream", "period")
    streams, available = instance.streams, array(instance.streams.available.value, "stream", "period")
    x = m.add_variables(
        0,
        np.inf,
        array(np.zeros_like(compute_route_costs(instance, found)), "route", "period").coords,
        mask=array(some.values[found.stream], "route", "period"),
        name="x",
    )
    left = x.groupby(array(found.stream, "route").rename("stream")).sum().reindex_like(some)
    cost = (x * array(compute_route_costs(instance, found), "route", "period")).sum()
    if streams.storable.any():
        kept = m.add_variables(
            0,
            array(streams.storage_limit.value, "stream"),
            some.coords,
            name="kept",
            mask=some & array(streams.storable, "stream"),
        )
        left = left + kept - kept.shift(period=1)
        cost = cost + (kept * array(streams.storage_cost.value, "stream")).sum()
    alone = array(streams.bundle < 0, "stream")
    m.add_constraints(left <= available, mask=some & alone, name="supply")
    if len(instance.bundles):
        shape = np.zeros((len(instance.bundles), len(instance.periods)))
        take = m.add_variables(0, 1, array(shape, "bundle", "period").coords, name="take")
        of_stream = take.sel(bundle=array(np.maximum(streams.bundle, 0), "stream"))
        m.add_constraints(left - of_stream * available == 0, mask=some & ~alone, name="bundle_supply")
    return x, cost


def capacities(m: linopy.Model, instance: Instance, found: Routes, x: linopy.Variable) -> None:
    """Limit the feed of smelters and the input of treatments where a capacity is given."""
    travels = found.smelter >= 0
    sent = (x * array(found.to_smelter, "route")).isel(route=travels)
    by_smelter = pd.Series(found.smelter[travels], index=np.nonzero(travels)[0], name="smelter")
    by_treatment = pd.Series(found.treatment, name="treatment")
    by_treatment.index.name = by_smelter.index.name = "route"
    for quantity, limits in (
        (sent.groupby(by_smelter).sum(), array(instance.smelters.capacity.value, "smelter", "period")),
        ((1 * x).groupby(by_treatment).sum(), array(instance.treatments.capacity.value, "treatment", "period")),
    ):
        name = quantity.coords[limits.dims[0]]
        limit = limits.sel({limits.dims[0]: name})
        if np.isfinite(limit).any():
            m.add_constraints(quantity <= limit.where(np.isfinite(limit), 0), mask=np.isfinite(limit))


def returned(instance: Instance, found: Routes, x: linopy.Variable, metal: int) -> linopy.LinearExpression | int:
    """Return the metal that comes back in each period, from the routes that yield it, each after its lead."""
    yielding = np.nonzero((found.smelter >= 0) & (found.returned[:, metal] > 0))[0]
    if not len(yielding):
        return 0
    lead = instance.smelters.lead[found.smelter[yielding], metal]
    kg = array(found.returned[:, metal], "route")
    return linopy.merge(
        [
            (x.isel(route=yielding[lead == late]) * kg.isel(route=yielding[lead == late]))
            .sum("route")
            .shift(period=int(late))
            for late in np.unique(lead)
        ]
    )


def decisions(m: linopy.Model, instance: Instance, found: Routes) -> dict[str, linopy.Variable]:
    """Add stock, surplus, charges, purchases and castings, each where it exists."""
    periods = len(instance.periods)
    exists = {
        "stock": array(can_be_in_stock(instance, found), "metal"),
        "surplus": array(can_be_in_stock(instance, found), "metal"),
        "charge": array(may_charge(instance, found), "alloy", "metal"),
        "buy": array(may_buy(instance), "offer", "alloy"),
        "cast": array(has_demand(instance), "alloy"),
    }
    masks = {name: some.expand_dims(period=range(periods), axis=-1) for name, some in exists.items()}
    return {name: m.add_variables(0, np.inf, mask.coords, mask=mask, name=name) for name, mask in masks.items()}


def balance(
    m: linopy.Model, instance: Instance, found: Routes, x: linopy.Variable, v: dict[str, linopy.Variable]
) -> None:
    """Add the metal balance: metal returned is stocked, charged, or surplus."""
    first = array(np.arange(len(instance.periods)), "period") == 0
    opening = array(instance.metals.opening_stock.value, "metal") * first
    for e in np.nonzero(can_be_in_stock(instance, found))[0]:
        kept = v["stock"].sel(metal=e)
        out = kept - kept.shift(period=1) + v["surplus"].sel(metal=e) + v["charge"].sel(metal=e).sum("alloy")
        m.add_constraints(out - returned(instance, found, x, int(e)) == opening.sel(metal=e), name=f"balance{e}")


def alloys(m: linopy.Model, instance: Instance, v: dict[str, linopy.Variable]) -> None:
    """Add fineness, recycled content, melt, casting capacity and demand."""
    data, market, wanted = instance.alloys, instance.market, has_demand(instance)
    if (compute_scrap_rate(instance) > 0).any():
        raise SystemExit("this script leaves process scrap that is charged again to medalopt")
    content = array(market.composition.value, "offer", "metal")
    of_metal = v["charge"] + (v["buy"] * content).sum("offer")
    in_all = v["charge"].sum("metal") + v["buy"].sum("offer")
    low, high = array(data.low.value, "alloy", "metal"), array(data.high.value, "alloy", "metal")
    named, asked = array(data.named & wanted[:, None], "alloy", "metal"), array(wanted, "alloy")
    m.add_constraints(of_metal - low * in_all >= 0, mask=named & (low > 0), name="fineness_low")
    m.add_constraints(of_metal - high * in_all <= 0, mask=named & (high < 1), name="fineness_high")
    floor = array(instance.policy.recycled.value, "metal")
    new = (v["buy"] * (array(1 - market.recycled.value, "offer") * content)).sum(["offer", "alloy", "period"])
    m.add_constraints(new - (1 - floor) * of_metal.sum(["alloy", "period"]) <= 0, mask=floor > 0, name="recycled")
    m.add_constraints(in_all * array(1 - data.loss.value, "alloy") - v["cast"] == 0, mask=asked, name="melt")
    most = array(data.capacity.value, "alloy", "period")
    m.add_constraints(v["cast"] <= most.where(np.isfinite(most), 0), mask=np.isfinite(most) & asked, name="cast_most")
    need = compute_cumulative_demand(instance)
    rises = np.diff(need, axis=1, prepend=0.0) > 0
    rises[:, -1] = False
    made = (v["cast"] * array(1 - data.scrap_share.value, "alloy")).cumsum("period")
    m.add_constraints(made >= array(need, "alloy", "period"), mask=array(rises, "alloy", "period"), name="demand")
    m.add_constraints(made.isel(period=-1) == array(need[:, -1], "alloy"), mask=asked, name="demand_in_the_end")


def cost(instance: Instance, v: dict[str, linopy.Variable]) -> linopy.LinearExpression:
    """Return the cost of purchases and stock, less sales."""
    bought = v["buy"] * array(instance.market.price.value, "offer", "period")
    held = v["stock"] * array(instance.metals.holding.value, "metal", "period")
    sold = v["surplus"] * array(instance.metals.sell.value, "metal", "period")
    return bought.sum() + held.sum() - sold.sum()


def main(path: str) -> None:
    """Print the optimum of an instance."""
    instance = medalopt.load(path)
    if not covered(instance):
        raise SystemExit(f"{path} uses a constraint that this script leaves out")
    found = build_routes(instance)
    m = linopy.Model()
    x, spend = network(m, instance, found)
    v = decisions(m, instance, found)
    capacities(m, instance, found, x)
    balance(m, instance, found, x, v)
    alloys(m, instance, v)
    m.add_objective(spend + cost(instance, v))
    m.solve(solver_name="highs", io_api="direct", output_flag=False)
    print(repr(float(m.objective.value)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # linopy announces how it will treat masks one day; the optimum is checked
    main(sys.argv[1])
