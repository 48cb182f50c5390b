"""Instance of the remaining horizon: past periods removed, executed and contracted quantities subtracted.

Devices in stock form a region `NAME, in stock` of streams already collected and paid, with the lanes and treatments of
their origin, so that no delivery is ordered twice. Metal in transit is one free, committed stream per period of
arrival, which consists of the metal itself; its tonnes equal the mass of the metal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from medalopt.analysis.replanning.actuals import Actuals
from medalopt.catalog import list_limits
from medalopt.errors import UsageError
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.bounds import compute_offer_holding_cost, get_limit, may_buy, may_miss
from medalopt.instance.instance import Instance, Lanes, MarketOffers, Medals, Metals, PolicyLimits, Smelters, Streams
from medalopt.instance.lot_relaxation import use_up_steps
from medalopt.instance.lots import OFFER_STEPS, STREAM_STEPS, list_charging_kinds
from medalopt.instance.payers import truncate_transfers
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal, list_terms_names
from medalopt.text import escape_text, join_names, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

InstancePart = TypeVar("InstancePart")
_PERIODIC_FIELDS = (
    *("sell", "holding", "pays", "available", "capacity", "price", "collection"),
    *("cost", "sold", "treatment_charge", "refining_charge", "penalty_charge", "storage_limit", "most"),
)  # those of prices and charges have one value for all periods, or one per period


def make_remaining_instance(actuals: Actuals) -> Instance:
    """Make the instance of the remaining horizon.

    Supply, capacities, limits and commitments are reduced by executed quantities, but never below 0.

    Args:
        actuals: Executed and contracted quantities.

    Returns:
        The instance that remains to be planned, including stockpiles and metal in transit.

    Raises:
        UsageError: If more metal, process scrap or purchased metal was charged than available.
    """
    instance = actuals.instance
    _check_metal_stock(actuals)
    _check_scrap_stock(actuals)
    _check_offer_stock(actuals)
    left = replace(
        instance,
        name=f"{instance.name}_after_{instance.periods[actuals.last]}"[:100],
        periods=instance.periods[actuals.last + 1 :],
        metals=_reduce_metals(actuals),
        streams=_reduce_streams(actuals),
        treatments=_cut_section(instance.treatments, actuals, capacity=actuals.executed_account.treated),
        smelters=_reduce_smelters(actuals),
        terms=_cut_section(instance.terms, actuals),
        impurities=_cut_section(instance.impurities, actuals),
        market=_reduce_market(actuals),
        alloys=_cut_section(instance.alloys, actuals),
        charge_limits=_cut_section(instance.charge_limits, actuals),
        medals=_reduce_medals(actuals),
        policy=_reduce_policy(actuals),
        warnings=(),
        annex=truncate_transfers(instance.annex, len(instance.periods) - actuals.last - 1),
    )
    left = add_offer_stock(_drop_paid_charges(left, actuals), actuals.offer_stock_left)
    return add_metal_in_transit(add_stockpiles(left, actuals.stockpiles), actuals.metal_in_transit_by_line)


def _drop_paid_charges(instance: Instance, actuals: Actuals) -> Instance:
    """Return the instance without the fixed charges of contracts that are used already: they are paid."""
    parts = {}
    for kind in list_charging_kinds(instance):
        if not kind.periodic:
            charge, used = kind.get_charge(instance), actuals.used_contracts[kind.name]
            left = ExactArray(np.where(used, 0.0, charge.raw), charge.unit, charge.factors)
            parts[kind.part] = replace(getattr(instance, kind.part), **{kind.charge: left})
    return replace(instance, **parts)


def _check_metal_stock(actuals: Actuals) -> None:
    """Raise UsageError if more metal was charged than available."""
    instance = actuals.instance
    came = instance.metals.opening_stock.value + actuals.metal_by_arrival[:, : actuals.last + 1].sum(axis=1)
    for metal in np.flatnonzero(actuals.metal_stock < 0).tolist():
        sold = actuals.executed_account.decisions.surplus[metal].any()
        gone = f"charged{' or sold' if sold else ''}{', or left with smelters' if leaves_metal(instance) else ''}"
        used, title = came[metal] - actuals.metal_stock[metal], instance.metals.titles[metal]
        raise UsageError(
            f"by {instance.periods[actuals.last]} {used:,.6g} kg of {title} were {gone} according to "
            f"the input, but only {came[metal]:,.6g} kg were available: look for lots missing in --actuals; where "
            "less has come than planned, give --frozen as a CSV file with what was really charged"
        )


def _check_scrap_stock(actuals: Actuals) -> None:
    """Raise UsageError if more process scrap was charged again than available."""
    instance, until = actuals.instance, actuals.last + 1
    used = actuals.executed_account.decisions.recharged[:, :until].sum(axis=1)
    in_hand = actuals.executed_account.scrap[:, actuals.last]
    for alloy in np.flatnonzero(in_hand < -AMOUNT_TOLERANCE * used).tolist():
        name, came = instance.alloys.names[alloy], used[alloy] + in_hand[alloy]
        raise UsageError(
            f"by {instance.periods[actuals.last]} {used[alloy]:,.6g} kg of process scrap of {name} were charged "
            f"again according to the input, but only {came:,.6g} kg had fallen: check --frozen"
        )


def _check_offer_stock(actuals: Actuals) -> None:
    """Raise UsageError if more purchased metal was charged than bought."""
    kept = actuals.offer_stock_left
    for offer in np.flatnonzero(kept < 0).tolist():
        when, name = actuals.instance.periods[actuals.last], escape_text(actuals.instance.market.names[offer])
        raise UsageError(f"by {when} {-kept[offer]:,.6g} kg of {name} more were charged than bought: check --frozen")


def _make_array(values: Floats) -> ExactArray:
    """Return computed values as an array in canonical units."""
    return ExactArray(np.array(values, dtype=float), np.zeros(values.shape, dtype=np.intp))


def _subtract_used(array: ExactArray, taken: Floats) -> ExactArray:
    """Subtract used quantities, not below 0; entries without use are unchanged, and rounding residues become 0."""
    if not taken.any():
        return array
    left = array.value - taken
    left = np.where(left > AMOUNT_TOLERANCE * np.minimum(array.value, taken), left, 0.0)
    return _make_array(np.where(taken != 0, left, array.value))


def _cut_past_periods(array: ExactArray, actuals: Actuals) -> ExactArray:
    """Return an array by period without the past periods."""
    unit = np.broadcast_to(array.unit, array.raw.shape)
    return replace(array, raw=array.raw[..., actuals.last + 1 :], unit=unit[..., actuals.last + 1 :])


def _cut_section(part: InstancePart, actuals: Actuals, **taken: Floats) -> InstancePart:
    """Return a section with all arrays by period cut, less the quantities `taken` by field (…, T)."""
    periods = len(actuals.instance.periods)
    result = {}
    for field in fields(part):  # type: ignore[arg-type]
        array = getattr(part, field.name)
        by_period = isinstance(array, ExactArray) and len(array.shape) > 1 and array.shape[-1] == periods
        if field.name in _PERIODIC_FIELDS and by_period:
            result[field.name] = _cut_past_periods(
                _subtract_used(array, taken.get(field.name, np.zeros(array.shape))), actuals
            )
    return replace(part, **result)  # type: ignore[type-var]


def _reduce_metals(actuals: Actuals) -> Metals:
    """Return the metals with the present stock as opening stock."""
    return replace(_cut_section(actuals.instance.metals, actuals), opening_stock=_make_array(actuals.metal_stock))


def _reduce_streams(actuals: Actuals) -> Streams:
    """Return the streams less contracted shipments; commitments less all executed and contracted tonnes."""
    taken = actuals.taken_by_stream.sum(axis=1)
    streams = use_up_steps(actuals.instance, STREAM_STEPS, taken, np.zeros(len(taken)))
    left = _cut_section(streams, actuals, available=_spread_over_supply(actuals))
    return replace(left, committed=_subtract_used(streams.committed, taken))


def _spread_over_supply(actuals: Actuals) -> Floats:
    """Return the supply (I, T) that contracted shipments use; of storable streams the excess was stored before."""
    used = np.array(actuals.executed_account.sent_by_stream, dtype=np.float64)
    streams = actuals.instance.streams
    for period in range(used.shape[1] - 1, actuals.last + 1, -1):
        over = np.where(streams.storable, np.maximum(used[:, period] - streams.available.value[:, period], 0.0), 0.0)
        used[:, period] -= over
        used[:, period - 1] += over
    return used


def _reduce_smelters(actuals: Actuals) -> Smelters:
    """Return the smelters with capacity, commitment and limit less the executed and contracted feed."""
    smelters, feed = actuals.instance.smelters, actuals.executed_account.feed.copy()
    fed = feed.sum(axis=1)
    went = actuals.routes.smelter >= 0
    lots = (actuals.routes.to_smelter[:, None] * actuals.sent).sum(axis=1)
    np.add.at(fed, actuals.routes.smelter[went], lots[went])
    left = _cut_section(smelters, actuals, capacity=feed)
    return replace(left, committed=_subtract_used(smelters.committed, fed), limit=_subtract_used(smelters.limit, fed))


def _reduce_market(actuals: Actuals) -> MarketOffers:
    """Return the market less past purchases; purchases contracted for later become commitments."""
    before = actuals.executed_account.bought
    market = use_up_steps(actuals.instance, OFFER_STEPS, before, actuals.contracted_purchases)
    committed = _subtract_used(market.committed, before)
    later = actuals.contracted_purchases
    if later.any():
        committed = _make_array(np.maximum(committed.value, later))
    limit = _subtract_used(market.limit, before)
    if later.any():
        limit = _make_array(np.maximum(limit.value, later))
    return replace(_cut_section(market, actuals), committed=committed, limit=limit)


def _reduce_medals(actuals: Actuals) -> Medals:
    """Return the medals less alloys already cast, earliest due first; overdue ones are due in the first period.

    Of medals that may be missed there are fewer instead, and none that are overdue: missed at their date, they are
    never made. Their number is rounded up; alloy and penalty of all of them together are right.
    """
    medals, missable = actuals.instance.medals, may_miss(actuals.instance)
    parts = _subtract_castings(actuals)
    due = np.maximum(medals.due - actuals.last - 1, 0)
    left = replace(medals, due=due)
    if not np.array_equal(parts, medals.parts.value):
        left = replace(left, parts=_make_array(parts))
    if not missable.any():
        return left
    exact = np.where(missable & (medals.due > actuals.last), _compute_uncast_share(medals, parts), 0) * medals.count
    count = np.where(missable, np.ceil(exact * (1 - AMOUNT_TOLERANCE)), medals.count)
    scale = np.where(missable & (count > 0), medals.count / np.maximum(count, 1), 1.0)  # of parts: a whole medal again
    each = np.where(missable & (count > 0), exact / np.maximum(count, 1), 1.0)
    return replace(
        left,
        count=count.astype(np.intp),
        parts=_make_array(parts * scale[:, None]),
        shortfall=_make_array(np.where(np.isfinite(medals.shortfall.value), medals.shortfall.value * each, np.inf)),
    )


def _subtract_castings(actuals: Actuals) -> Floats:
    """Return the alloy that is left to cast for a medal of each kind, (M, A) kg; castings go to the earliest due.

    Of medals due by then the plan may have missed some: castings are for the others.
    """
    instance, medals = actuals.instance, actuals.instance.medals
    cast = actuals.executed_account.cast[:, : actuals.last + 1].sum(axis=1) * (1 - instance.alloys.scrap_share.value)
    parts = medals.parts.value.copy()
    wanted = medals.count - _count_signed_misses(actuals)
    each = parts * (1 + medals.allowance.value)[:, None] * wanted[:, None]  # (M, A) kg
    missable = may_miss(instance)
    for alloy in np.flatnonzero(cast > 0).tolist():
        for medal in np.lexsort((missable, medals.due)).tolist():
            covered = min(cast[alloy], each[medal, alloy])
            cast[alloy] -= covered
            if covered:
                share = 1 - covered / each[medal, alloy]
                parts[medal, alloy] *= share if share > AMOUNT_TOLERANCE else 0.0
    return parts


def _count_signed_misses(actuals: Actuals) -> Floats:
    """Return the medals (M,) that the plan before missed at a date that has passed."""
    missed, medals = actuals.signed.missed, actuals.instance.medals
    return np.where(medals.due <= actuals.last, missed, 0.0) if len(missed) else np.zeros(len(medals.names))


def _compute_uncast_share(medals: Medals, parts: Floats) -> Floats:
    """Return the share of each kind of medal (M,) for which some alloy is left to cast."""
    whole = medals.parts.value
    return np.asarray(np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0).max(axis=1, initial=0.0))


def count_missed_medals(actuals: Actuals) -> Floats:
    """Count the medals that were missed at their date.

    Args:
        actuals: Executed and contracted quantities.

    Returns:
        Medals (M,); 0 of those that must be made.
    """
    medals, before = actuals.instance.medals, _count_signed_misses(actuals)
    late = may_miss(actuals.instance) & (medals.due <= actuals.last)
    if not late.any():
        return np.zeros(len(medals.names))
    share = _compute_uncast_share(medals, _subtract_castings(actuals))
    return np.where(late, before + share * (medals.count - before), 0.0)


def _reduce_policy(actuals: Actuals) -> PolicyLimits:
    """Return the policy with the cap less emissions so far; other policies apply to the remaining horizon alone."""
    instance = actuals.instance
    emitted = float(actuals.routes.footprint @ (actuals.sent + actuals.executed_account.decisions.sent).sum(axis=1))
    emitted += float(instance.streams.footprint.value @ actuals.stockpiles)
    emitted += float(instance.market.footprint.value @ actuals.executed_account.bought)
    return replace(instance.policy, footprint_cap=_subtract_used(instance.policy.footprint_cap, np.array(emitted)))


def find_overdue_medals(actuals: Actuals) -> tuple[str, ...]:
    """Find the kinds of medal that are due in the past and not completely cast.

    Args:
        actuals: Executed and contracted quantities.

    Returns:
        Their names.
    """
    left, medals = _reduce_medals(actuals), actuals.instance.medals
    late = (medals.due <= actuals.last) & ((left.parts.value * left.count[:, None]).sum(axis=1) > 0)
    return tuple(name for name, is_late in zip(medals.names, late.tolist(), strict=True) if is_late)


IN_STOCK_FORMAT = "{}, in stock"
_ZERO_FIELDS = ("footprint", "lot", "minimum_order", "fixed_charge")  # of what is in stock


def add_stockpiles(instance: Instance, tonnes: Floats) -> Instance:
    """Add stockpiled devices to an instance as free streams.

    Args:
        instance: The instance.
        tonnes (I,): Stock of each stream, t.

    Returns:
        The instance with one more stream per stockpile; unchanged if there is no stock.
    """
    waits = np.flatnonzero(tonnes > 0)
    if not len(waits):
        return instance
    homes = np.unique(instance.streams.region[waits])
    region = len(instance.regions) + np.searchsorted(homes, instance.streams.region[waits])
    regions = np.append(np.arange(len(instance.regions)), homes)
    lanes = instance.lanes
    return replace(
        instance,
        regions=(*instance.regions, *(IN_STOCK_FORMAT.format(instance.regions[home]) for home in homes.tolist())),
        streams=_add_stock_streams(instance.streams, waits, tonnes[waits], region),
        treatments=replace(instance.treatments, regions=instance.treatments.regions[:, regions]),
        lanes=Lanes(lanes.exists[regions], lanes.cost.select(regions), lanes.footprint.select(regions)),
    )


def _repeat_members(part: Any, members: Ints, zero: tuple[str, ...]) -> dict[str, Any]:
    """Return names and arrays of streams or offers with some of them repeated at the end, in stock and 0 in `zero`."""
    indices, first = np.append(np.arange(len(part.names)), members), len(part.names)
    names = (*part.names, *(IN_STOCK_FORMAT.format(part.names[member]) for member in members.tolist()))
    result: dict[str, Any] = {"names": names}
    for field in fields(part):
        array = getattr(part, field.name)
        if isinstance(array, ExactArray):
            result[field.name] = array.select(indices)
        elif isinstance(array, np.ndarray):
            result[field.name] = array[indices]
    for name in zero:
        result[name].raw[first:] = 0.0
    return result


def _add_stock_streams(streams: Streams, waits: Ints, tonnes: Floats, region: Ints) -> Streams:
    """Return the streams with those in stock appended."""
    result, first = (
        _repeat_members(streams, waits, ("committed", "price", "collection", *_ZERO_FIELDS)),
        len(streams.names),
    )
    offered = result["available"].value.copy()
    offered[first:] = 0.0
    offered[first:, 0] = tonnes
    result["available"] = ExactArray(offered, np.zeros(offered.shape, dtype=np.intp))
    result["bundle"][first:], result["region"][first:] = -1, region
    return replace(streams, **result)


def add_offer_stock(instance: Instance, kilograms: Floats) -> Instance:
    """Add purchased metal in stock to an instance, as storable offers `NAME, in stock` that are paid already.

    Where storage or the charge of an offer is limited, or it has an opening or closing stock, its stock is opening
    stock instead. Otherwise all of it is committed. A kilogram that is entered in a later period costs the holding
    until then, so that the plan pays for holding from the first period on, whenever it is entered, also for metal
    that is never charged.

    Args:
        instance: The instance.
        kilograms (O,): Stock of each offer, kg.

    Returns:
        The instance with one more offer per stock that some alloy in demand admits.

    Raises:
        UsageError: If no offer may exceed a share of purchases, of which metal bought before is no part.
    """
    market, held = instance.market, _has_limited_stock(instance)
    opening = ExactArray(np.where(held, kilograms, 0.0), np.zeros(len(held), dtype=np.intp))
    instance = replace(instance, market=replace(market, opening_stock=opening))
    market = instance.market
    waits = np.flatnonzero((kilograms > 0) & may_buy(instance).any(axis=1) & ~held)
    if not len(waits):
        return instance
    shares = [
        render_path(limit.figure(""))
        for family, limit in list_limits("policy")
        if "offer" in family.axes and get_limit(instance, limit).value < limit.free
    ]
    if shares:
        offers = join_names([market.names[o] for o in waits.tolist()])
        raise UsageError(
            f"purchases of {offers} are in stock, and {join_names(shares)} limits shares of purchases "
            "from now on, which --after cannot separate: plan after a period at whose end all of it has been charged"
        )
    holding = compute_offer_holding_cost(instance, read_floats)[waits]
    price = np.zeros(holding.shape)
    price[:, 1:] = np.cumsum(holding[:, :-1], axis=1)
    result, first = _repeat_members(market, waits, _ZERO_FIELDS), len(market.names)
    result["storable"][first:] = True
    for name, values in (("committed", kilograms[waits]), ("limit", kilograms[waits]), ("price", price)):
        own = getattr(market, name).value
        result[name] = ExactArray(
            np.concatenate([own, values]), np.zeros((first + len(waits), *own.shape[1:]), dtype=np.intp)
        )
    groups = instance.charge_limits
    return replace(
        instance,
        market=replace(market, **result),
        charge_limits=replace(groups, offers=np.append(groups.offers, groups.offers[:, :, waits], axis=2)),
    )


def _has_limited_stock(instance: Instance) -> Bools:
    """Return the offers whose stock or charge is limited, or that have an opening or closing stock."""
    market = instance.market
    stated = np.isfinite(market.storage_limit.raw).any(axis=1) | instance.charge_limits.offers.any(axis=(0, 1))
    return np.asarray(stated | (market.opening_stock.raw > 0) | (market.closing_stock.raw > 0))


IN_TRANSIT = "in transit"
KG_PER_TONNE = 1000.0  # kg


def get_in_transit_streams(instance: Instance) -> frozenset[str]:
    """Return the streams that represent metal in transit.

    Args:
        instance: Instance of a remaining horizon.

    Returns:
        Their names.
    """
    if IN_TRANSIT not in instance.regions:
        return frozenset()
    placeholder = instance.regions.index(IN_TRANSIT)
    of = zip(instance.streams.names, instance.streams.region.tolist(), strict=True)
    return frozenset(name for name, region in of if region == placeholder)


def add_metal_in_transit(instance: Instance, awaited: Floats) -> Instance:
    """Add metal in transit to an instance.

    Where metal may be left with the smelters, it is known by line of terms: metal left is paid as by the line,
    and saves the refining charge, which counts in the cost of the shipment.

    Args:
        instance: The instance.
        awaited (L + 1, E, T): Metal by line of terms and period of arrival, kg; the last line is process scrap. One
            line alone (1, E, T) where no metal may be left.

    Returns:
        The instance with one more stream per line and period of arrival; unchanged if there is no metal in transit.

    Raises:
        UsageError: If a region, treatment or smelter already has the reserved name.
    """
    line, periods = np.nonzero(awaited.sum(axis=1) > 0)
    if not len(periods):
        return instance
    if IN_TRANSIT in (*instance.regions, *instance.treatments.names, *instance.smelters.names):
        raise UsageError(
            f"`{IN_TRANSIT}` is reserved for metal in transit: rename the region, treatment or smelter of this name"
        )
    kilograms = awaited[line, :, periods]  # (N, E)
    origins = (*(list_terms_names(instance) if len(awaited) > 1 else ()), "")
    names = tuple(
        ", ".join(filter(None, (IN_TRANSIT, instance.periods[t], origins[number])))
        for number, t in zip(line.tolist(), periods.tolist(), strict=True)
    )
    count, lines = len(names), len(origins)
    added = {"D": count, "I": count, "G": 1, "H": 1, "K": 1, "L": lines, "P": lines if leaves_metal(instance) else 0}
    fill = _list_transit_entries(instance, kilograms, periods)
    parts = {name: _extend_section(getattr(instance, name), name, added, fill.get(name, {})) for name in _GROWING}
    treatments, new = parts["treatments"], np.arange(-count, 0)  # device types
    treatments["accepts"][-1, new], treatments["regions"][-1, -1], parts["lanes"]["exists"][-1, -1] = True, True, True
    parts["smelters"]["line"][-1, new, -1] = len(instance.terms.names) + line
    own = {"devices": names, "streams": names, "terms": origins, "treatments": (IN_TRANSIT,), "smelters": (IN_TRANSIT,)}
    for name, more in own.items():
        parts[name]["names"] = (*getattr(instance, name).names, *more)
    changed = {name: replace(getattr(instance, name), **arrays) for name, arrays in parts.items()}
    return replace(instance, regions=(*instance.regions, IN_TRANSIT), **changed)


def _list_transit_entries(instance: Instance, kilograms: Floats, periods: Ints) -> dict[str, dict[str, Any]]:
    """Return what is not 0 of metal in transit, by section: committed streams of the metal itself, and no limits."""
    count, tonnes = len(periods), kilograms.sum(axis=1) / KG_PER_TONNE
    available = np.zeros((count, len(instance.periods)))
    available[np.arange(count), periods] = tonnes
    worth = compute_worth_left(instance) if leaves_metal(instance) else np.zeros((0, *instance.terms.pays.shape[1:]))
    streams = {"device": np.arange(count) + len(instance.devices.names), "region": len(instance.regions), "bundle": -1}
    return {
        "devices": {"assay": KG_PER_TONNE * kilograms / kilograms.sum(axis=1, keepdims=True)},
        "streams": {**streams, "available": available, "committed": tonnes, "credited": 1.0},
        "treatments": {"to_smelter": 1.0, "recovery": 1.0, "capacity": np.inf, "parent": -1},
        "smelters": {"capacity": np.inf, "limit": np.inf, "line": -1},
        "terms": {
            **{"smelter": len(instance.smelters.names), "returned": 1.0},
            "pays": np.pad(worth, [(0, 1), (0, 0), (0, 0)]),  # scrap: nothing
        },
        "impurities": {"refuse": np.inf, "limit": np.inf},
    }


# axes by which the arrays of a section grow, of all or by name: D devices, I streams, G regions, H treatments,
# K smelters, L lines of terms, P those that pay for metal left
_GROWING: Mapping[str, Mapping[str, str] | str] = {
    "devices": "D",
    "streams": "I",
    "treatments": {
        **dict.fromkeys(("residue_value", "capacity", "footprint", "parent", "fixed_charge"), "H"),
        **dict.fromkeys(("cost", "to_smelter", "recovery", "accepts", "sells", "sold"), "HD"),
        "regions": "HG",
    },
    "smelters": {
        **dict.fromkeys(("capacity", "committed", "limit", "lead", "footprint", "fixed_charge"), "K"),
        "line": "KDH",
    },
    "terms": {
        **dict.fromkeys(("smelter", "treatment_charge", "refining_charge", "returned", "deduction"), "L"),
        **dict.fromkeys(("pooled", "minimum_lot", "lot_charge"), "L"),
        "pays": "P",
    },
    "impurities": {"assay": "D", "recovery": "HD", "refuse": "L", "limit": "K"},
    "lanes": "GK",
    "policy": {"members": ".D"},
}


def _extend_section(
    part: Any, section: str, added: Mapping[str, int], fill: Mapping[str, float | Floats]
) -> dict[str, Any]:
    """Return the arrays of a section with entries added along each axis that grows: those of `fill`, else 0."""
    axes, result = _GROWING[section], {}
    for field in fields(part):
        array = getattr(part, field.name)
        if isinstance(array, ExactArray | np.ndarray):
            for axis, letter in enumerate(axes if isinstance(axes, str) else axes.get(field.name, "")):
                count, value = added.get(letter, 0), fill.get(field.name, 0.0)
                if isinstance(array, ExactArray):
                    array = array.append(count, value, axis)
                else:
                    array = np.insert(array, np.full(count, array.shape[axis]), value, axis=axis)
            result[field.name] = array
    return result
