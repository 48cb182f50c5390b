"""Warnings of valid but implausible instances, restricted to cases in which a mistake is likely."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import (
    explain_exclusion,
    find_excluded_offers,
    has_demand,
    is_excluded_by_unnamed,
    may_buy,
)
from medalopt.instance.instance import Instance
from medalopt.instance.reader.files import MAX_LISTED
from medalopt.instance.reader.yaml_nodes import find_node
from medalopt.instance.resolve.outliers import warn_of_outliers
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.reachability import Reachability, warn_of_unreachable
from medalopt.instance.resolve.streams import LaneRows, StreamRows
from medalopt.text import ParameterPath, escape_text, join_names, render_path, state_count, suggest_name
from medalopt.tolerances import AMOUNT_TOLERANCE

_MAX_FEED_GRADE_KG_T = 500.0
_WHOLE_KG_T = 1000.0
_NAME_SIMILARITY = 0.8  # similarity of names above which one may be misspelled


def add_warnings(draft: Draft, instance: Instance, supply: StreamRows, lanes: LaneRows | None) -> None:
    """Add all warnings about an instance.

    Args:
        draft: Parsed instance, for the log.
        instance: Assembled instance.
        supply: Parsed streams.
        lanes: Parsed lanes; None without the section.
    """
    reachability = Reachability(instance)
    warn_of_unreachable(draft, reachability, supply)
    _warn_of_rich_feeds(draft, instance)
    _warn_of_worthless_refining(draft, instance)
    _warn_of_unused_names(draft, instance)
    _warn_of_unfillable_alloys(draft, instance)
    _warn_of_unnamed_matter(draft, instance)
    in_time, ever = _find_returned_metals(instance, reachability)
    _warn_of_missing_sources(
        draft, instance, in_time | reachability.stranded_metals | (instance.metals.opening_stock.raw > 0)
    )
    _warn_of_late_returns(draft, instance, ever)
    _warn_of_unused_floors(draft, instance)
    _warn_of_minimum_orders(draft, instance, supply)
    _warn_of_similar_names(draft, instance, supply)
    _warn_of_similar_bundles(draft, instance, supply)
    warn_of_outliers(draft, instance, supply, lanes)


def _warn_of_rich_feeds(draft: Draft, instance: Instance) -> None:
    """Warn of feeds whose metal grade exceeds that of any concentrate."""
    treatments = instance.treatments
    with np.errstate(divide="ignore", invalid="ignore"):
        metal = np.einsum("de,hde->hd", instance.devices.assay.value, treatments.recovery.value)
        grade = np.where(
            treatments.accepts & (treatments.to_smelter.value > 0), metal / treatments.to_smelter.value, 0.0
        )
    largest = np.where(treatments.parent >= 0, _WHOLE_KG_T, _MAX_FEED_GRADE_KG_T)  # fractions may be nearly pure
    for h in np.flatnonzero((grade > largest[:, None] * (1 + AMOUNT_TOLERANCE)).any(axis=1)).tolist():
        d = int(np.argmax(grade[h]))
        treatment, device = treatments.names[h], instance.devices.names[d]
        known = find_node(draft.root, ("treatments", treatment)) is not None
        path: ParameterPath = ("treatments", treatment) if known else ("devices", device, "content")
        if treatments.parent[h] >= 0:
            path = ("treatments", treatments.split_name(h)[0])
        text = f"a tonne of feed from `{escape_text(device)}` would contain {grade[h, d]:_.0f} kg of metal"
        draft.add_warning(path, f"{text}; check `content`, `recovery` and `to_smelter`", kind=FaultKind.RICH_FEED)


def _warn_of_worthless_refining(draft: Draft, instance: Instance) -> None:
    """Warn of metals with a refining charge and no sales price."""
    charged = (instance.terms.refining_charge.value > 0).any(axis=2) & (instance.terms.returned.value > 0)
    worthless = ~(instance.metals.sell.value > 0).any(axis=1) & ~instance.metals.surplus_to_smelter
    for e in np.flatnonzero(charged.any(axis=0) & worthless).tolist():
        name = instance.metals.names[e]
        text = f"`{escape_text(name)}` has a refining charge but no selling price, so that surplus costs money"
        draft.add_warning(("metals", name), f"{text}; give its `sell`", kind=FaultKind.REFINING_WITHOUT_PRICE)


def _warn_of_unused_names(draft: Draft, instance: Instance) -> None:
    """Warn of regions without a stream, alloys without a medal, and metals without a device, offer or alloy."""
    offering = {instance.regions[g] for g in instance.streams.region.tolist()}
    for region in [name for name in instance.regions if name not in offering]:
        text = f"no stream is in the region `{escape_text(region)}`, which a lane or a treatment names"
        draft.add_warning(("streams",), f"{text}{suggest_name(region, offering)}", kind=FaultKind.UNUSED)
    used = {name for medal in draft.document.medals.values() for name in medal.parts}
    for name in [alloy for alloy in instance.alloys.names if alloy not in used]:
        draft.add_warning(("alloys", name), f"no medal is made of `{escape_text(name)}`", kind=FaultKind.UNUSED)
    document = draft.document
    holders = [device.content for device in document.devices.values()]
    holders += [offer.composition for offer in document.market.values()]
    contained = {name for holder in holders for name in holder}
    contained |= {name for alloy in document.alloys.values() for name in alloy.composition}
    for name in [metal for metal in instance.metals.names if metal not in contained]:
        draft.add_warning(
            ("metals", name), f"no device, offer or alloy names `{escape_text(name)}`", kind=FaultKind.UNUSED
        )


def _warn_of_unfillable_alloys(draft: Draft, instance: Instance) -> None:
    """Warn of alloys whose upper bounds sum to less than 100 %, so that they can never be cast."""
    alloys = instance.alloys
    full = alloys.high.exact().sum(axis=1) + alloys.others.exact()
    for name, share in zip(alloys.names, full.tolist(), strict=True):
        if share < 1:
            text = (
                f"the greatest shares of `{escape_text(name)}` sum to {float(share * 100):.6g} %, so it "
                f"can never be cast"
            )
            draft.add_warning(
                ("alloys", name), f"{text}; name the remaining metals, or give `others`", kind=FaultKind.NEVER_CAST
            )


def _warn_of_unnamed_matter(draft: Draft, instance: Instance) -> None:
    """Warn of alloys that cannot be cast only due to unnamed matter in offers, and of offers no alloy admits.

    A metal is available from the opening stock, from a device, or from an offer that the alloy admits.
    """
    alloys, market = instance.alloys, instance.market
    holds, barred = market.composition.raw > 0, is_excluded_by_unnamed(instance)
    admitted = may_buy(instance) & ~barred
    sourced = (instance.metals.opening_stock.raw > 0) | (instance.devices.assay.raw > 0).any(axis=0)
    reported: set[int] = set()
    for a in np.flatnonzero(barred.any(axis=0)).tolist():
        with_them = sourced | holds[admitted[:, a] | barred[:, a]].any(axis=0)
        if _is_fillable(instance, a, with_them) and not _is_fillable(
            instance, a, sourced | holds[admitted[:, a]].any(axis=0)
        ):
            offers = find_excluded_offers(instance, a)
            reported.update(offers)
            text = f"`{escape_text(alloys.names[a])}` can never be cast: {explain_exclusion(instance, a, offers)}"
            draft.add_warning(("alloys", alloys.names[a]), text, kind=FaultKind.NEVER_CAST)
    for o in np.flatnonzero(barred.any(axis=1) & ~admitted.any(axis=1)).tolist():
        if o not in reported:
            text = explain_exclusion(instance, int(np.argmax(barred[o])), [o])
            draft.add_warning(
                ("market", market.names[o]),
                f"no alloy can be charged with this offer: {text}",
                kind=FaultKind.NEVER_CAST,
            )


def _is_fillable(instance: Instance, a: int, had: Bools) -> bool:
    """Test if the available metals `had` (E,) include all required ones and can sum to 100 %."""
    alloys = instance.alloys
    return not ((alloys.low.raw[a] > 0) & ~had).any() and bool(alloys.high.exact()[a][had].sum() >= 1)


def _warn_of_missing_sources(draft: Draft, instance: Instance, stock: Bools) -> None:
    """Warn of alloys that require more of a metal than any source offers: `stock` (E,), or a market offer.

    Alloys with another such warning are skipped.
    """
    alloys, market = instance.alloys, instance.market
    reported = {fault.path for fault in draft.faults.warnings}
    low, share = alloys.low.value, market.composition.value
    some = (market.limit.raw > 0) | (market.opening_stock.raw > 0)
    usable = (may_buy(instance) | is_excluded_by_unnamed(instance)) & some[:, None]
    for a in np.flatnonzero(has_demand(instance)).tolist():
        richest = np.where(stock, 1.0, (share * usable[:, a, None]).max(axis=0, initial=0.0))
        lacks = (
            []
            if render_path(("alloys", alloys.names[a])) in reported
            else np.flatnonzero(richest < low[a])[:MAX_LISTED].tolist()
        )
        for e in lacks:
            name, metal = alloys.names[a], instance.metals.names[e]
            text = (
                f"`{escape_text(name)}` needs {low[a, e] * 100:.6g} % `{escape_text(metal)}`, but there "
                f"is no source of it"
            )
            if richest[e]:
                text = f"{text} except offers that contain at most {richest[e] * 100:.6g} %"
            text += ": it is not in stock, and no smelter returns it in time"
            draft.add_warning(
                ("alloys", name, "composition", metal),
                f"{text}, so the alloy can never be cast",
                kind=FaultKind.NEVER_CAST,
            )


def _find_returned_metals(instance: Instance, reachability: Reachability) -> tuple[Bools, Bools]:
    """Return the metals that smelters return within the horizon (E,), and those each smelter returns at all (K, E)."""
    feeds, line, terms = reachability.feeds, instance.smelters.line, instance.terms
    treatments, assay = instance.treatments, instance.devices.assay.value
    ever = np.zeros((len(instance.smelters.names), len(instance.metals.names)), dtype=np.bool_)
    k, d, h = np.nonzero(feeds)
    index = line[k, d, h]
    for e in np.flatnonzero((assay > 0).any(axis=0)).tolist():
        metal = assay[d, e] * treatments.recovery.value[h, d, e]
        deducted = terms.deduction.value[index, e] * treatments.to_smelter.value[h, d]
        yields = np.minimum(terms.returned.value[index, e] * metal, metal - deducted) > 0
        ever[k[yields], e] = True
    in_time = instance.smelters.lead < len(instance.periods)
    return np.logical_or.reduce(ever & in_time, axis=0), ever


def _warn_of_late_returns(draft: Draft, instance: Instance, ever: Bools) -> None:
    """Warn of smelters that return metal only after the last period; `ever` (K, E): metals returned at all."""
    periods, lead = len(instance.periods), instance.smelters.lead
    late = ever & (lead >= periods)
    for k in np.flatnonzero(late.any(axis=1)).tolist():
        name, metals = instance.smelters.names[k], np.flatnonzero(late[k]).tolist()
        what = join_names(instance.metals.names[e] for e in metals)
        text = f"{what} from `{escape_text(name)}` is returned after the last period: the lead is {lead[k, metals[0]]}"
        draft.add_warning(
            ("smelters", name, "lead"),
            f"{text}, and {state_count(periods, 'period')}",
            key=False,
            kind=FaultKind.LATE_METAL,
        )


def _warn_of_unused_floors(draft: Draft, instance: Instance) -> None:
    """Warn of recycled-content floors on metals in no alloy, and of offers without cost and limit."""
    named = instance.alloys.named.any(axis=0)
    for e in np.flatnonzero((instance.policy.recycled.raw > 0) & ~named).tolist():
        metal = instance.metals.names[e]
        text = f"no alloy names `{escape_text(metal)}`, so this floor has no effect"
        draft.add_warning(("policy", "recycled", metal), text, kind=FaultKind.NO_EFFECT)
    market = instance.market
    for o in np.flatnonzero((market.price.raw <= 0).all(axis=1) & np.isinf(market.limit.raw)).tolist():
        text = "this offer has a price of zero or less and no `limit`; check its `price`"
        draft.add_warning(("market", market.names[o], "price"), text, key=False, kind=FaultKind.FREE_OFFER)


def _warn_of_minimum_orders(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of streams and offers whose `minimum_order` or `lot` exceeds the maximal amount."""
    streams, market = instance.streams, instance.market
    maximum = _compute_largest_shipment(instance)
    for field, minimum in (("minimum_order", streams.minimum_order.value), ("lot", streams.lot.value)):
        for i in np.flatnonzero((maximum > 0) & (minimum > maximum * (1 + AMOUNT_TOLERANCE)))[:MAX_LISTED].tolist():
            text = (
                f"{minimum[i]:_.6g} t, but at most {maximum[i]:_.6g} t can be sent in a period, so nothing can be taken"
            )
            supply.add_warning(i, (field,), f"{text}; lower it, or check its unit", FaultKind.MINIMUM_ORDER)
    for field, minimum in (("minimum_order", market.minimum_order.value), ("lot", market.lot.value)):
        limit = market.limit.value
        for o in np.flatnonzero((limit > 0) & (minimum > limit * (1 + AMOUNT_TOLERANCE)))[:MAX_LISTED].tolist():
            text = f"{minimum[o]:_.6g} kg, but the `limit` of the offer is {limit[o]:_.6g} kg, so nothing can be bought"
            draft.add_warning(
                ("market", market.names[o], field),
                f"{text}; lower it, or raise the `limit`",
                key=False,
                kind=FaultKind.MINIMUM_ORDER,
            )


def _compute_largest_shipment(instance: Instance) -> Floats:
    """Return the largest shipment of each stream in any period, including stored supply (I,) [t]."""
    streams = instance.streams
    offered, limit = streams.available.value, streams.storage_limit.value
    stored, maximum = np.zeros(len(offered)), np.zeros(len(offered))
    for t in range(offered.shape[1]):
        there = stored + offered[:, t]
        maximum, stored = np.maximum(maximum, there), np.minimum(there, limit)
    return maximum


def _warn_of_similar_names(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of names of one kind that differ only in case, blanks or width."""
    for section in ("metals", "devices", "treatments", "smelters", "market", "alloys", "medals"):
        for name, like in _find_similar_names(getattr(instance, section).names):
            draft.add_warning((section, name), _describe_similar_names(name, like), kind=FaultKind.SIMILAR_NAMES)
    streams = instance.streams
    offering = np.unique(streams.region)
    for name, like in _find_similar_names(instance.regions[g] for g in offering.tolist()):
        i = int(np.argmax(streams.region == instance.regions.index(name)))
        text = _describe_similar_names(name, like)
        supply.add_warning(i, ("region",), text, FaultKind.SIMILAR_NAMES)


def _find_similar_names(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return each name that differs from an earlier one only in case, blanks or width, with that one."""
    first: dict[str, str] = {}
    pairs = ((name, first.setdefault(_fold_name(name), name)) for name in names)
    return [(name, like) for name, like in pairs if name != like][:MAX_LISTED]


def _fold_name(name: str) -> str:
    """Fold case, blanks and width of a name."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _describe_similar_names(name: str, like: str) -> str:
    """Describe two names that differ only in case, blanks or width."""
    text = f"`{escape_text(name)}` differs from `{escape_text(like)}` only in case, blanks or width"
    return f"{text}, but is another name; write both alike if they mean the same"


def _warn_of_similar_bundles(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of similar bundle names in a region, and of single-stream bundles with a name close to another."""
    bundle = instance.streams.bundle
    size = np.bincount(bundle[bundle >= 0], minlength=len(instance.bundles)).tolist()
    by_region: dict[str, list[tuple[str, int]]] = {}
    for number, (region, name) in enumerate(instance.bundles):
        by_region.setdefault(region, []).append((name, number))
    result: list[tuple[int, str]] = []
    for members in (members for members in by_region.values() if members[1:]):
        number_of = dict(members)
        same = dict(_find_similar_names(number_of))
        result += [(number_of[name], _describe_similar_names(name, like)) for name, like in same.items()]
        for name, number in members[:MAX_LISTED]:
            if (
                size[number] == 1
                and name not in {*same, *same.values()}
                and (suggestion := _find_near_name(name, number_of))
            ):
                text = f"this bundle has a single stream, and this region has a bundle `{escape_text(suggestion)}`"
                result.append((number, f"{text}; write both alike if one is meant"))
    for number, text in result[:MAX_LISTED]:
        i = int(np.argmax(bundle == number))
        supply.add_warning(i, ("bundle",), text, FaultKind.SIMILAR_NAMES)


def _find_near_name(name: str, names: Iterable[str]) -> str:
    """Return a similar name with the same digits, '' if there is none."""
    digits = [char for char in name if char.isdigit()]
    others = [one for one in names if one != name and [char for char in one if char.isdigit()] == digits]
    return next(iter(difflib.get_close_matches(name, others[:MAX_LISTED], n=1, cutoff=_NAME_SIMILARITY)), "")
