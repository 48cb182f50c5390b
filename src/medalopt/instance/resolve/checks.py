"""Checks of an instance that involve several values: consistency between sections, sums and sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.bounds import compute_bounds, has_negative_price
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import bound_line_feed
from medalopt.instance.payers import TRANSFERS, find_party_faults
from medalopt.instance.reader import limits
from medalopt.instance.reader.files import pause_garbage_collection
from medalopt.instance.reader.yaml_nodes import MappingNode, ScalarNode, find_node
from medalopt.instance.resolve.assemble import find_transfer_members
from medalopt.instance.resolve.broadcast import Figure, NameAxis, convert_quantity, get_window_ends, list_figures
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.smelters import (
    check_impurities,
    leaves_surplus,
    list_smelters,
    list_terms_lines,
    match_terms,
)
from medalopt.instance.resolve.treatments import build_feed_mask, check_fractions, list_treatment_entries
from medalopt.instance.routes import build_routes
from medalopt.instance.scenario import find_idle_paths
from medalopt.instance.schema.document import SURPLUS_TITLES, BundleMix, Document, Group
from medalopt.instance.smelter_terms import find_pooled_lots, locate_pool_terms
from medalopt.instance.source_values import SourceValues
from medalopt.instance.uncertainty import has_uncertain_returns
from medalopt.text import ParameterPath, PathError, escape_text, join_names, parse_path, suggest_name
from medalopt.tolerances import AMOUNT_TOLERANCE
from medalopt.units import Quantity

_ARRAY_AXES = (
    ("streams", "periods"),
    ("streams", "metals"),
    ("devices", "metals"),
    ("devices", "treatments", "metals"),
    ("devices", "treatments", "smelters"),
    ("regions", "smelters"),
    ("regions", "treatments"),
    ("lines that may leave metal", "metals", "periods"),
    ("smelters", "periods"),
    ("smelters", "metals"),
    ("treatments", "periods"),
    ("metals", "periods"),
    ("offers", "periods"),
    ("offers", "alloys", "metals"),
    ("alloys", "periods"),
    ("medals", "alloys"),
    ("windows", "devices"),
)
"""Axes of the arrays of an instance; the product of their lengths is the size of an array."""


def check_array_sizes(draft: Draft, streams: int, regions: int) -> None:
    """Log arrays that exceed `MAX_FIGURES` values, and raise the collected errors if there are any.

    Raises:
        InputError: An array is too large; no further check is made.
    """
    document, lines = draft.document, [len(list_terms_lines(smelter)) for smelter in list_smelters(draft).values()]
    counts = {
        "streams": streams,
        "regions": regions,
        "periods": draft.calendar.count if draft.calendar else 1,
        "metals": len(document.metals),
        "devices": len(document.devices),
        "treatments": len(list_treatment_entries(draft)),
        "smelters": len(lines),
        "lines of terms": sum(lines),
        "lines that may leave metal": sum(lines) if leaves_surplus(draft) else 0,
        "offers": len(document.market),
        "alloys": len(document.alloys),
        "medals": len(document.medals),
        "windows": len(document.policy.device_share),
    }
    found = False
    for kinds in _ARRAY_AXES:
        if math.prod(counts[kind] for kind in kinds) > limits.MAX_FIGURES:
            found = True
            product = " times ".join(f"{counts[kind]:_} {kind}" for kind in kinds)
            section = {"offers": "market", "windows": "policy"}.get(kinds[0], kinds[0])
            section = "smelters" if section.startswith("lines") else section
            message = f"{product} are more than the {limits.MAX_FIGURES:_} values that an instance may have of one kind"
            draft.add_fault((section,), message, key=True, kind=FaultKind.SIZE)
    if found:
        draft.faults.raise_errors()


@pause_garbage_collection()
def check_document(draft: Draft, changed: Collection[str] | None = None) -> None:
    """Log all errors that involve more than one value.

    Args:
        draft: Parsed instance.
        changed: Sections that a scenario changes; only dependent checks are run. None for all.
    """
    for one, sections in _CHECKS.items():
        if changed is None or not sections.isdisjoint(changed):
            one(draft)


def check_storable_offers(draft: Draft, instance: Instance) -> None:
    """Log storable offers with a negative price and without `limit`, and stock of offers that is impossible.

    Without a limit the objective is unbounded at a negative price.

    Args:
        draft: Parsed instance, for the error log.
        instance: Assembled instance.
    """
    market = instance.market
    for o in np.flatnonzero(market.storable & has_negative_price(instance) & np.isinf(market.limit.raw)).tolist():
        message = "a storable offer with a price below 0 needs a `limit`: every kilogram more would pay, without end"
        draft.add_fault(("market", market.names[o], "price"), message, kind=FaultKind.CONFLICT)
    most, least = market.storage_limit.value, market.closing_stock.value
    stated = (
        ("storage", np.isfinite(most).any(axis=1)),
        ("opening_stock", market.opening_stock.raw > 0),
        ("closing_stock", least > 0),
    )
    for field, given in stated:
        for o in np.flatnonzero(given & ~market.storable).tolist():
            message = f"`{field}` is of an offer that is bought into stock: add `storable: true`"
            draft.add_fault(("market", market.names[o], field), message, kind=FaultKind.CONFLICT)
    for o in np.flatnonzero(market.storable & (least > most[:, -1] * (1 + AMOUNT_TOLERANCE))).tolist():
        message = f"{least[o]:,.6g} kg are more than the storage limit of the last period, {most[o, -1]:,.6g} kg"
        draft.add_fault(("market", market.names[o], "closing_stock"), message, kind=FaultKind.CONFLICT)


def check_minimum_lots(draft: Draft, instance: Instance) -> None:
    """Log minimum lots above all feed that the streams of a line of terms offer; warn where no period has as much.

    Args:
        draft: Parsed instance, for the error log.
        instance: Assembled instance.
    """
    least = instance.terms.minimum_lot.value
    if not least.any():
        return
    routes = build_routes(instance)
    fed = np.flatnonzero(routes.line >= 0)
    supply = routes.to_smelter[fed] * instance.streams.available.value.sum(axis=1)[routes.stream[fed]]
    offered = np.bincount(routes.line[fed], supply, len(least))
    feed = bound_line_feed(instance, routes, compute_bounds(instance, routes)).max(axis=1)
    for line in np.flatnonzero((least > feed * (1 + AMOUNT_TOLERANCE)) & (offered > 0)).tolist():
        name, smelter = instance.terms.names[line], instance.smelters.names[instance.terms.smelter[line]]
        path: ParameterPath = ("smelters", smelter, "terms", name, "minimum_lot") if name else ()
        if not path or find_node(draft.root, path) is None:
            path = ("smelters", smelter, "minimum_lot")
        which = f"of `{escape_text(name)}`" if name else "of the smelter"
        if least[line] > offered[line] * (1 + AMOUNT_TOLERANCE):
            message = (
                f"{least[line]:_.6g} t, but all streams {which} together offer {offered[line]:_.6g} t of feed over the "
                "horizon: lower it, or check its unit"
            )
            draft.add_fault(path, message, kind=FaultKind.CONFLICT)
        else:
            message = (
                f"{least[line]:_.6g} t, but at most {feed[line]:_.6g} t {which} can be fed in a period, so nothing "
                "can be fed; lower it, or check its unit"
            )
            draft.add_warning(path, message, kind=FaultKind.MINIMUM_ORDER)


def check_pooled_lots(draft: Draft, instance: Instance) -> None:
    """Log pooled lots with a deduction whose streams have different credited shares: it cannot be allocated.

    Args:
        draft: Parsed instance, for the error log.
        instance: Assembled instance.
    """
    if not instance.terms.pooled.any():
        return
    routes, streams = build_routes(instance), instance.streams
    lots = find_pooled_lots(instance, routes)
    for pool, line in enumerate(lots.line.tolist()):
        feeding = np.unique(routes.stream[lots.routes[lots.pool == pool]])
        for e in np.flatnonzero(instance.terms.deduction.raw[line] > 0).tolist():
            credited = streams.credited.value[feeding, e]
            other = np.flatnonzero(credited != credited[:1])
            if len(other):
                pair = [f"`{escape_text(streams.names[i])}`" for i in (feeding[0], feeding[other[0]])]
                text = (
                    f"of this pooled lot {pair[0]} and {pair[1]} credit different shares of {instance.metals.titles[e]}"
                )
                path = locate_pool_terms(instance, pool)
                draft.add_fault(
                    path,
                    f"{text}; give them the same `credited`, or `settlement_lot: route`",
                    key=True,
                    kind=FaultKind.CONFLICT,
                )
                break


def _check_surplus_titles(draft: Draft) -> None:
    """Log selling prices of metal left with the smelters, and prices that smelters pay for metal that is not."""
    document = draft.document
    left = {name for name, metal in document.metals.items() if metal.surplus == SURPLUS_TITLES[1]}
    for name in sorted(left):
        if _has_figure(document.metals[name].sell):
            message = "is left with the smelters (`surplus: smelter`), who pay for it by `pays`: delete `sell`"
            draft.add_fault(("metals", name, "sell"), f"`{escape_text(name)}` {message}", kind=FaultKind.CONFLICT)
    for smelter, one in (document.smelters or {}).items():
        places: list[tuple[ParameterPath, dict[str, Figure]]] = [(("pays",), one.pays)]
        places += [(("terms", line, "pays"), terms.pays) for line, terms in (one.terms or {}).items()]
        for path, prices in places:
            for metal in [name for name, price in prices.items() if name not in left and _has_figure(price)]:
                message = (
                    f"is paid only for metal left with a smelter: give `metals.{escape_text(metal)}.surplus: smelter`"
                )
                draft.add_fault(("smelters", smelter, *path, metal), message, kind=FaultKind.CONFLICT)


def _has_figure(prices: Figure) -> bool:
    """Test if a price, or that of some period, is not 0."""
    return any(price.raw for price in list_figures(prices))


def _check_sections(draft: Draft) -> None:
    """Log empty required sections, streams without smelters and vice versa, and a metal named `default`."""
    root = draft.root.items
    for name in ("metals", "alloys", "medals"):
        section = root.get(name)
        if isinstance(section, MappingNode) and not section.items:
            draft.add_fault(
                (name,), f"`{name}` is empty: an instance has at least one", key=True, kind=FaultKind.MISSING
            )
    for name, other in (("streams", "smelters"), ("smelters", "streams")):
        if name in root and other not in root:
            draft.add_fault(
                (name,), f"`{name}` is given without `{other}`: give both or neither", key=True, kind=FaultKind.MISSING
            )
    if isinstance(metals := root.get("metals"), MappingNode) and "default" in metals.items:
        draft.add_fault(
            ("metals", "default"),
            "`default` means every metal: give this one another symbol",
            key=True,
            kind=FaultKind.VALUE,
        )


def _check_contents(draft: Draft) -> None:
    """Log contents per piece without unit mass, and contents above 1,000 kg/t."""
    for name, device in draft.document.devices.items():
        mass = device.unit_mass.exact if device.unit_mass else None
        for metal, quantity in device.content.items():
            if quantity.pieces and mass is None and find_node(draft.root, ("devices", name, "unit_mass")) is None:
                message = "a value per piece needs the mass of a piece: give the device a `unit_mass`"
                draft.add_fault(("devices", name, "content", metal), message, kind=FaultKind.UNIT_MASS)
        whole = sum((convert_quantity(quantity, mass).exact for quantity in device.content.values()), Fraction(0))
        if whole > 1000:
            message = f"the metals sum to {float(whole):_.6g} kg/t, more than a tonne in a tonne"
            draft.add_fault(("devices", name, "content"), message, kind=FaultKind.CONFLICT)


def _check_compositions(draft: Draft) -> None:
    """Log compositions and mixes whose (minimal) shares sum to more than 100 %."""
    for name, offer in draft.document.market.items():
        _check_share_sum(draft, ("market", name, "composition"), offer.composition.values(), "the metals")
    for name, alloy in draft.document.alloys.items():
        least = [get_window_ends(window)[0] for window in alloy.composition.values()]
        _check_share_sum(draft, ("alloys", name, "composition"), least, "the least shares")
    for name, mix in draft.document.mixes.items():
        shares = mix.shares if isinstance(mix, BundleMix) else mix
        _check_share_sum(draft, ("mixes", name), shares.values(), "the shares")


def _check_supply_correlation(draft: Draft) -> None:
    """Log parts of the correlation between streams that sum to more than 100 %."""
    parts = draft.document.supply_correlation
    path = ("supply_correlation",)
    _check_share_sum(draft, path, (parts.region, parts.device, parts.all), "region, device and all")


def _list_confidences(draft: Draft) -> Iterator[tuple[ParameterPath, Quantity]]:
    """Yield path and level of every promised confidence."""
    policy = draft.document.policy
    promised = policy.confidence if isinstance(policy.confidence, dict) else {"": policy.confidence}
    for name, level in promised.items():
        if level is not None:
            yield ("policy", "confidence", name) if name else ("policy", "confidence"), level
    if policy.joint_confidence is not None:
        yield ("policy", "joint_confidence"), policy.joint_confidence


def _check_confidence(draft: Draft) -> None:
    """Log a promised confidence below 50 %, and an uncertainty budget beside a confidence."""
    for path, level in _list_confidences(draft):
        if level.exact < Fraction(1, 2):
            message = "a confidence is at least 50 %: below it, uncertainty would count as metal"
            draft.add_fault(path, message, kind=FaultKind.VALUE)
    budget = draft.document.policy.uncertainty_budget
    promised = any(level.exact > Fraction(1, 2) for _, level in _list_confidences(draft))
    if budget is not None and budget.exact > 0 and promised:
        message = "is an alternative to a confidence above 50 %: give one of them; a budget of 0 is none"
        draft.add_fault(("policy", "uncertainty_budget"), message, kind=FaultKind.CONFLICT)


def check_certainty(draft: Draft, instance: Instance) -> None:
    """Log a promised confidence of 100 % where the metal returned is uncertain.

    Args:
        draft: Parsed instance.
        instance: The instance assembled from it.
    """
    for path, level in _list_confidences(draft):
        if level.exact == 1 and has_uncertain_returns(instance):
            message = "no plan is certain with uncertain parameters (`cv`): give less than 100 %, such as 99 %"
            draft.add_fault(path, message, kind=FaultKind.CONFLICT)


def _check_share_sum(draft: Draft, path: ParameterPath, shares: Iterable[Quantity], what: str) -> None:
    """Log shares that sum to more than 100 %."""
    whole = sum((share.exact for share in shares), Fraction(0))
    if whole > 1:
        draft.add_fault(path, f"{what} sum to {float(whole * 100):.10g} %, more than 100 %", kind=FaultKind.CONFLICT)


def _check_commitments(draft: Draft) -> None:
    """Log commitments that exceed the limit."""
    pairs = [
        ("smelters", name, smelter.committed, smelter.limit)
        for name, smelter in (draft.document.smelters or {}).items()
    ]
    pairs += [("market", name, offer.committed, offer.limit) for name, offer in draft.document.market.items()]
    for section, name, committed, limit in pairs:
        if limit.raw != math.inf and committed.exact > limit.exact:
            message = "more is committed than the `limit` allows: the window is turned round"
            draft.add_fault((section, name, "committed"), message, kind=FaultKind.CONFLICT)


def _check_piece_costs(draft: Draft) -> None:
    """Log treatment costs per piece for devices without a unit mass."""
    for name, treatment in (draft.document.treatments or {}).items():
        device_costs = {device: other.cost for device, other in treatment.devices.items() if other.cost is not None}
        for device, cost in device_costs.items():
            if _is_per_piece(cost) and not _has_unit_mass(draft, device):
                message = f"a cost per piece needs the mass of a piece: give `{escape_text(device)}` a `unit_mass`"
                draft.add_fault(("treatments", name, "devices", device, "cost"), message, kind=FaultKind.UNIT_MASS)
        taken = treatment.accepts if treatment.accepts is not None else list(draft.document.devices)
        light = [device for device in taken if device not in device_costs and not _has_unit_mass(draft, device)]
        if _is_per_piece(treatment.cost) and light:
            message = f"a cost per piece needs a `unit_mass` of every device treated; {join_names(light)} give none"
            draft.add_fault(("treatments", name, "cost"), message, kind=FaultKind.UNIT_MASS)


def _is_per_piece(cost: Figure) -> bool:
    """Test if a cost, or that of some period, is per piece."""
    return any(quantity.pieces for quantity in list_figures(cost))


def _has_unit_mass(draft: Draft, device: str) -> bool:
    """Test if a device has a unit mass."""
    return find_node(draft.root, ("devices", device, "unit_mass")) is not None


def _check_terms(draft: Draft) -> None:
    """Log feeds that two terms lines of a smelter match, and warn of lines without a feed."""
    devices, entries = NameAxis.from_names(draft.document.devices), list_treatment_entries(draft)
    treatments, result = list(entries), build_feed_mask(entries, devices)
    for smelter, one in list_smelters(draft).items():
        if one.terms is None:
            continue
        names = list(list_terms_lines(one))
        line, twice = match_terms(one, result, devices, entries)
        for (first, second), (d, h) in twice.items():
            feed = f"`{escape_text(devices.names[d])}` after `{escape_text(treatments[h])}`"
            both = join_names((names[first], names[second]))
            message = f"{both} match the same feed, {feed}: narrow `devices` or `treatments` of one"
            draft.add_fault(("smelters", smelter, "terms", names[second]), message, key=True, kind=FaultKind.CONFLICT)
        used = {names[number] for number in np.unique(line[line >= 0]).tolist()}
        for unused in [] if twice else sorted(one.terms.keys() - used):
            draft.add_warning(
                ("smelters", smelter, "terms", unused),
                f"no feed matches the line `{escape_text(unused)}`",
                kind=FaultKind.UNREACHABLE,
            )


def _check_due_periods(draft: Draft) -> None:
    """Log due dates that are no period."""
    for name, medal in draft.document.medals.items():
        if medal.due is not None and draft.calendar and draft.calendar.find_period(medal.due) is None:
            draft.add_fault(("medals", name, "due"), draft.calendar.describe_unknown(medal.due), kind=FaultKind.VALUE)


def _check_device_shares(draft: Draft) -> None:
    """Log device shares of unknown devices."""
    known = draft.context.names.get("device")
    for name, one in draft.document.policy.device_share.items():
        if not isinstance(one, Group) and known is not None and name not in known:
            suggestion = suggest_name(name, known) or "; a group is written {devices: […], share: [least, greatest]}"
            draft.add_fault(
                ("policy", "device_share", name),
                f"no device is called `{escape_text(name)}`{suggestion}",
                key=True,
                kind=FaultKind.VALUE,
            )


def _check_scenario_paths(draft: Draft) -> None:
    """Log scenario paths that are invalid or in no section, and values that are no quantities."""
    known = Document.model_fields
    for scenario, changes in draft.document.scenarios.items():
        for text, value in changes.items():
            path = ("scenarios", scenario, text)
            try:
                section = str(parse_path(text)[0])
            except PathError as error:
                draft.add_fault(path, str(error), key=True, kind=FaultKind.CHANGE)
                continue
            if section not in known:
                suggestion = suggest_name(section, known)
                draft.add_fault(
                    path,
                    f"a path begins with a section; `{escape_text(section)}` is none{suggestion}",
                    key=True,
                    kind=FaultKind.CHANGE,
                )
            items = value if isinstance(value, list) else [value]
            if not all(isinstance(item, ScalarNode) and not item.null for item in items):
                draft.add_fault(path, "expected the new value: one value, or a list of them", kind=FaultKind.CHANGE)


def collect_addressees(draft: Draft) -> Mapping[str, set[str]]:
    """Collect the names to which orders can be addressed.

    Returns:
        Names of regions, smelters, offers and goods sold, by the field of a party that lists them.
    """
    document, fractions = draft.document, list_treatment_entries(draft).items()
    cells = [sheet.get_column(("region",)) for sheet in (draft.streams, draft.lanes) if sheet is not None]
    return {
        "regions": {text for column in cells for text in column.texts if text},
        "smelters": set(document.smelters or {}),
        "offers": set(document.market),
        "sold": {
            *(name.partition("/")[2] for name, entry in fractions if entry.sold),
            *(name for name, one in {**document.metals, **document.alloys}.items() if "sell" in one.model_fields_set),
        },
    }


def _check_parties(draft: Draft) -> None:
    """Log roles that cannot be assigned."""
    if not draft.document.parties:
        return
    fields = ("role", "regions", "smelters", "offers")
    entries: dict[str, dict[str, Any]] = {
        name: {field: getattr(party, field) for field in fields if getattr(party, field) is not None}
        for name, party in draft.document.parties.items()
    }
    for path, message in find_party_faults(entries, collect_addressees(draft)):
        draft.add_fault(path, message, kind=FaultKind.CONFLICT)


def _check_transfers(draft: Draft) -> None:
    """Log transfers of a party to itself, and those paid for nothing that the instance has."""
    for name, one in draft.document.transfers.items():
        if one.payer == one.receiver:
            text = f"`{escape_text(one.payer)}` would pay itself: name another party as `payer` or `receiver`"
            draft.add_fault((TRANSFERS, name, "receiver"), text, kind=FaultKind.CONFLICT)
        try:
            find_transfer_members(draft, one.per)
        except PathError as error:
            draft.add_fault((TRANSFERS, name, "per"), str(error), kind=FaultKind.VALUE)


_CHECKS: dict[Callable[[Draft], None], frozenset[str]] = {
    _check_sections: frozenset({"metals", "alloys", "medals", "streams", "smelters"}),
    _check_contents: frozenset({"devices"}),
    _check_compositions: frozenset({"market", "alloys", "mixes"}),
    _check_supply_correlation: frozenset({"supply_correlation"}),
    check_impurities: frozenset({"impurities", "metals"}),
    _check_confidence: frozenset({"policy"}),
    _check_commitments: frozenset({"smelters", "market"}),
    _check_piece_costs: frozenset({"treatments", "devices"}),
    check_fractions: frozenset({"treatments", "smelters", "devices", "metals", "impurities"}),
    _check_terms: frozenset({"smelters", "treatments", "devices"}),
    _check_surplus_titles: frozenset({"metals", "smelters"}),
    _check_due_periods: frozenset({"medals", "periods"}),
    _check_device_shares: frozenset({"policy", "devices"}),
    _check_scenario_paths: frozenset({"scenarios"}),
    _check_parties: frozenset({"parties", "streams", "lanes", "smelters", "market", "treatments", "metals", "alloys"}),
    _check_transfers: frozenset({"transfers", "streams", "treatments", "smelters", "metals"}),
}
"""Checks with the sections that each one reads."""


def check_firm(draft: Draft) -> None:
    """Check that every firm path matches something that the file states.

    Args:
        draft: Parsed instance; faults are added to it.
    """
    if draft.document.firm:
        for number, text in find_idle_paths(SourceValues(draft), draft.document.firm):
            draft.add_fault(("firm", number), text, kind=FaultKind.VALUE)
