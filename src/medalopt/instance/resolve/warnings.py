"""Warnings of valid but implausible instances, restricted to cases in which a mistake is likely.

Among them, with the reason: supply that cannot reach a smelter, and smelters and treatments without supply.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Bools, Floats, Ints
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
from medalopt.instance.resolve.streams import LaneRows, StreamRows
from medalopt.instance.smelter_terms import compute_impurity_content, find_accepted_lines, find_refused_elements
from medalopt.text import ParameterPath, escape_text, format_count, join_names, render_path, state_count, suggest_name
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
    _warn_of_unreachable(draft, reachability, supply)
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


_MAX_BATCH = 2_000_000  # pairs times smelters per batch


@dataclass(frozen=True, eq=False)
class Reachability:
    """Reachability of the P pairs of device and region with available supply."""

    instance: Instance

    @cached_property
    def offered(self) -> Ints:
        """Indices of the streams with available supply."""
        return np.flatnonzero((self.instance.streams.available.raw > 0).any(axis=1))

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Ints]:
        """Device and region with available supply (P,) each, and the index of the pair of each such stream."""
        streams, regions = self.instance.streams, max(len(self.instance.regions), 1)
        numbers, which = np.unique(
            streams.device[self.offered] * regions + streams.region[self.offered], return_inverse=True
        )
        return numbers // regions, numbers % regions, which

    @cached_property
    def treated(self) -> Bools:
        """Treatments that are open to each pair, (P, H)."""
        treatments, (device, region, _) = self.instance.treatments, self.pairs
        return treatments.accepts[:, device].T & treatments.regions[:, region].T

    @cached_property
    def leaves(self) -> Bools:
        """Pairs with a treatment that sends nothing to a smelter, (P,)."""
        share = self.instance.treatments.to_smelter.raw[:, self.pairs[0]].T
        return (self.treated & (share == 0)).any(axis=1)

    @property
    def feeds(self) -> Bools:
        """Feeds with available supply that can reach each smelter, (K, D, H)."""
        return self._ways[0]

    @property
    def smelted(self) -> Bools:
        """Pairs that can reach a smelter, (P,)."""
        return self._ways[1]

    @property
    def stranded_metals(self) -> Bools:
        """Metals in available supply that cannot reach a smelter, (E,)."""
        contained = self.instance.devices.assay.raw[self.pairs[0][~self.smelted]] > 0
        return np.asarray(np.logical_or.reduce(contained, axis=0), dtype=np.bool_)

    @cached_property
    def _ways(self) -> tuple[Bools, Bools]:
        """Feeds and pairs that reach a smelter, computed in batches of pairs to bound memory."""
        line, exists = find_accepted_lines(self.instance), self.instance.lanes.exists
        device, region, _ = self.pairs
        feeds, smelted = np.zeros(line.shape, dtype=np.bool_), np.zeros(len(device), dtype=np.bool_)
        step = max(_MAX_BATCH // max(len(line), 1), 1)
        for h in range(line.shape[2]):
            goes = np.flatnonzero(self.treated[:, h])
            for part in (goes[start : start + step] for start in range(0, len(goes), step)):
                k, p = np.nonzero((line[:, device[part], h] >= 0) & exists[region[part]].T)
                feeds[k, device[part[p]], h] = True
                smelted[part[p]] = True
        return feeds, smelted


def _warn_of_unreachable(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of supply that cannot reach a smelter, and of smelters and treatments without supply."""
    _warn_of_refused_feeds(draft, reachability)
    _warn_of_stranded_supply(draft, reachability, supply)
    _warn_of_blocked_bundles(draft, reachability, supply)
    _warn_of_idle_sites(draft, reachability)
    _warn_of_idle_fractions(draft, reachability)


def _warn_of_idle_fractions(draft: Draft, reachability: Reachability) -> None:
    """Warn of fractions that are neither sold nor accepted by any smelter: they are residue."""
    treatments = reachability.instance.treatments
    goes = reachability.feeds.any(axis=0).T | treatments.sells  # (H, D)
    idle = (treatments.parent >= 0) & ~goes.any(axis=1) & reachability.treated.any(axis=0)
    for h in np.flatnonzero(idle)[:MAX_LISTED].tolist():
        name, fraction = treatments.split_name(h)
        text = f"no smelter that can be reached accepts the fraction `{escape_text(fraction or '')}`: it is residue"
        hint = "name it in `terms` of one, or give the price at which it is `sold`"
        draft.add_warning(("treatments", name), f"{text}; {hint}", kind=FaultKind.UNREACHABLE)


def _warn_of_refused_feeds(draft: Draft, reachability: Reachability) -> None:
    """Warn of feeds that every smelter which could settle them refuses, with the content and the greatest accepted."""
    instance = reachability.instance
    refused = find_refused_elements(instance)
    if not refused.any():
        return
    impurities, line, streams = instance.impurities, instance.smelters.line, instance.streams
    lost = (line >= 0).any(axis=0) & ~(find_accepted_lines(instance) >= 0).any(axis=0)  # (D, H)
    for d, h in np.argwhere(lost & instance.treatments.accepts.T)[:MAX_LISTED].tolist():
        open_to = (streams.device == d) & instance.treatments.regions[h][streams.region]
        tonnes = float(streams.available.value[open_to].sum())
        if not tonnes:
            continue
        held = compute_impurity_content(instance, read_floats, np.array([d]), np.array([h]))[0]
        held = held / instance.treatments.to_smelter.value[h, d]
        x = int(np.argmax(refused[:, d, h].sum(axis=0)))
        k = int(np.argmax(np.where(refused[:, d, h, x], impurities.refuse.value[line[:, d, h], x], -1)))
        device, element = instance.devices.names[d], impurities.names[x]
        feed = f"`{escape_text(device)}` after `{escape_text(instance.treatments.names[h])}`"
        limit = f"{impurities.refuse.value[line[k, d, h], x]:.4g} kg/t (`{escape_text(instance.smelters.names[k])}`)"
        draft.add_warning(
            ("devices", device, "content", element),
            f"every smelter refuses {feed}, {_format_tonnes(tonnes)} on offer: its feed contains {held[x]:.4g} kg/t of "
            f"{escape_text(impurities.titles[x])}, and at most {limit} is accepted",
            kind=FaultKind.UNREACHABLE,
        )


def _warn_of_stranded_supply(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of supply that cannot reach a smelter, by reason, with the tonnes.

    Devices that no smelter accepts and that a treatment passes on to ordinary recycling are as intended.
    """
    instance, (_, _, which) = reachability.instance, reachability.pairs
    tonnes = instance.streams.available.value.sum(axis=1)
    reasons: dict[tuple[str, str, str], list[int]] = {}
    why: dict[int, tuple[str, str, str] | None] = {}
    stranded = ~reachability.smelted[which]
    for i, p in zip(reachability.offered[stranded].tolist(), which[stranded].tolist(), strict=True):
        if p not in why:
            why[p] = _explain_stranded(draft, reachability, p)
        if (reason := why[p]) is not None:
            reasons.setdefault(reason, []).append(i)
    ordered = sorted(reasons.items(), key=lambda item: -float(tonnes[item[1]].sum()))
    for (field, what, text), streams in ordered[:MAX_LISTED]:
        amount = f"{_format_tonnes(float(tonnes[streams].sum()))} {what} cannot reach any smelter: {text}"
        supply.add_warning(streams[0], (field,), amount, FaultKind.UNREACHABLE)
    if rest := ordered[MAX_LISTED:]:
        lost = float(sum(tonnes[streams].sum() for _, streams in rest))
        text = f"{_format_tonnes(lost)} more cannot reach any smelter, for {format_count(len(rest), 'more reason')}"
        supply.add_warning(rest[0][1][0], ("region",), text, FaultKind.UNREACHABLE)


def _explain_stranded(draft: Draft, reachability: Reachability, p: int) -> tuple[str, str, str] | None:
    """Return field, subject and reason why a pair reaches no smelter; None if that is as intended.

    Reasons are tried from the most general to the one that concerns this pair only.
    """
    instance = reachability.instance
    d, g = int(reachability.pairs[0][p]), int(reachability.pairs[1][p])
    device, region = escape_text(instance.devices.names[d]), escape_text(instance.regions[g])
    exists, treatments = instance.lanes.exists, instance.treatments
    if not exists[g].any():
        known = [instance.regions[index] for index in np.flatnonzero(np.logical_or.reduce(exists, axis=1)).tolist()]
        suggestion = suggest_name(instance.regions[g], known) or "; add one, or correct the region"
        return "region", f"in `{region}`", f"no lane leaves this region{suggestion}"
    if not treatments.accepts[:, d].any():
        return "device", f"of `{device}`", "no treatment accepts this device; name it in `accepts` of one"
    if not reachability.treated[p].any():
        text = f"no treatment that accepts this device is open to `{region}`; name the region in `regions` of one"
        return "region", f"of `{device}` in `{region}`", text
    if not ((find_accepted_lines(instance)[:, d, :] >= 0) & treatments.accepts[:, d]).any():
        if ((instance.smelters.line[:, d, :] >= 0) & treatments.accepts[:, d]).any():
            return None  # reported as a refused feed
        if reachability.leaves[p]:
            return None
        text = (
            "no smelter accepts this device; name it in `accepts` or `terms` of one, "
            "or in a treatment that sends nothing on"
        )
        return "device", f"of `{device}`", text
    if reachability.leaves[p]:
        return None
    text = f"no lane from `{region}` leads to a smelter that accepts this device as it is treated there"
    return "region", f"of `{device}` in `{region}`", text


def _warn_of_blocked_bundles(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of bundles that cannot be purchased because one of their streams has no route."""
    instance, (_, _, which) = reachability.instance, reachability.pairs
    stranded = reachability.offered[~(reachability.smelted | reachability.leaves)[which]]
    bundle = instance.streams.bundle
    tonnes = instance.streams.available.value.sum(axis=1)
    for b in np.unique(bundle[stranded][bundle[stranded] >= 0])[:MAX_LISTED].tolist():
        members = np.flatnonzero(bundle == b)
        first = int(stranded[bundle[stranded] == b][0])
        name, region = escape_text(instance.bundles[b][1]), escape_text(instance.bundles[b][0])
        if len(members) > 1:
            text = f"the bundle `{name}` of `{region}`, {_format_tonnes(float(tonnes[members].sum()))}, cannot be taken"
            stream = escape_text(instance.streams.names[first])
            reason = f"its stream `{stream}` has no route, and streams of a bundle are taken in proportion"
            supply.add_warning(first, ("bundle",), f"{text}: {reason}", FaultKind.UNREACHABLE)


def _warn_of_idle_sites(draft: Draft, reachability: Reachability) -> None:
    """Warn of smelters and treatments that no supply can reach, if supply can reach others."""
    instance = reachability.instance
    if not reachability.smelted.any():
        return
    lanes = instance.lanes.exists.any(axis=0)
    for k in np.flatnonzero(~reachability.feeds.any(axis=(1, 2)) & lanes)[:MAX_LISTED].tolist():
        name = instance.smelters.names[k]
        text = f"no supply can be sent to `{escape_text(name)}`; check its `accepts`, `terms` and lanes"
        draft.add_warning(("smelters", name), text, kind=FaultKind.UNREACHABLE)
    for h in np.flatnonzero(~reachability.treated.any(axis=0))[:MAX_LISTED].tolist():
        name = instance.treatments.names[h]
        if find_node(draft.root, ("treatments", name)) is not None:
            text = f"no supply can go through `{escape_text(name)}`; check its `accepts` and `regions`"
            draft.add_warning(("treatments", name), text, kind=FaultKind.UNREACHABLE)


def _format_tonnes(amount: float) -> str:
    """Format tonnes: four significant digits, from 10,000 t on whole tonnes."""
    return f"{amount:_.4g} t" if amount < 10_000 else f"{amount:_.0f} t"
