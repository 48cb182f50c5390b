"""What is allowed but odd: warnings, few and only where a slip is likely."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_barred, may_buy
from medalopt.instance.paths import Path
from medalopt.instance.reader.nodes import find
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.streams import StreamRows
from medalopt.instance.unnamed import barred_offers, explain_barred
from medalopt.wording import did_you_mean, shown

_RICH_KG_T = 500.0
_FAR = 1000.0


def warn(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Note everything odd about `instance`."""
    _rich_feeds(draft, instance)
    _refining(draft, instance)
    _unused(draft, instance)
    _unfillable(draft, instance)
    _unnamed_matter(draft, instance)
    _outliers(draft, instance, supply)


def _rich_feeds(draft: Draft, instance: Instance) -> None:
    """Warn of feeds with more metal in a tonne than any concentrate holds."""
    treatments = instance.treatments
    with np.errstate(divide="ignore", invalid="ignore"):
        metal = np.einsum("de,hde->hd", instance.devices.assay.value, treatments.recovery.value)
        grade = np.where(
            treatments.accepts & (treatments.to_smelter.value > 0), metal / treatments.to_smelter.value, 0.0
        )
    for h in np.flatnonzero((grade > _RICH_KG_T).any(axis=1)).tolist():
        d = int(np.argmax(grade[h]))
        treatment, device = treatments.names[h], instance.devices.names[d]
        known = find(draft.root, ("treatments", treatment)) is not None
        path: Path = ("treatments", treatment) if known else ("devices", device, "content")
        text = f"a tonne of feed from `{shown(device)}` would hold {grade[h, d]:_.0f} kg of metal"
        draft.warn(path, f"{text}; check `content`, `recovery` and `to_smelter`")


def _refining(draft: Draft, instance: Instance) -> None:
    """Warn of metals that cost something to refine and sell for nothing."""
    charged = (instance.terms.refining_charge.value > 0) & (instance.terms.returned.value > 0)
    worthless = ~(instance.metals.sell.value > 0).any(axis=1)
    for e in np.flatnonzero(charged.any(axis=0) & worthless).tolist():
        name = instance.metals.names[e]
        text = f"`{shown(name)}` costs a refining charge but sells for nothing: every gram left over is paid for"
        draft.warn(("metals", name), f"{text}; give its `sell`")


def _unused(draft: Draft, instance: Instance) -> None:
    """Warn of regions without a stream, alloys without a medal and metals that nothing holds or names."""
    offering = {instance.regions[g] for g in instance.streams.region.tolist()}
    for region in [name for name in instance.regions if name not in offering]:
        text = f"no stream is in the region `{shown(region)}`, which a lane or a treatment names"
        draft.warn(("streams",), f"{text}{did_you_mean(region, offering)}")
    used = {name for medal in draft.document.medals.values() for name in medal.parts}
    for name in [alloy for alloy in instance.alloys.names if alloy not in used]:
        draft.warn(("alloys", name), f"no medal is made of `{shown(name)}`")
    document = draft.document
    holders = [device.content for device in document.devices.values()]
    holders += [offer.composition for offer in document.market.values()]
    held = {name for holder in holders for name in holder}
    held |= {name for alloy in document.alloys.values() for name in alloy.composition}
    for name in [metal for metal in instance.metals.names if metal not in held]:
        draft.warn(("metals", name), f"no device, offer or alloy names `{shown(name)}`")


def _unfillable(draft: Draft, instance: Instance) -> None:
    """Warn of alloys whose greatest shares leave a gap, so that nothing can be charged."""
    alloys = instance.alloys
    full = alloys.high.exact().sum(axis=1) + alloys.others.exact()
    for name, share in zip(alloys.names, full.tolist(), strict=True):
        if share < 1:
            text = f"the greatest shares of `{shown(name)}` sum to {float(share * 100):.6g} %, so it can never be cast"
            draft.warn(("alloys", name), f"{text}; name the rest, or give `others`")


def _unnamed_matter(draft: Draft, instance: Instance) -> None:
    """Warn of alloys that only the unnamed matter of offers keeps from being cast, and of offers it bars everywhere.

    A metal can be had where it is in stock, in some device, or in an offer that the alloy may be charged with.
    """
    alloys, market = instance.alloys, instance.market
    holds, barred, admitted = market.composition.raw > 0, is_barred(instance), may_buy(instance)
    sourced = (instance.metals.opening_stock.raw > 0) | (instance.devices.assay.raw > 0).any(axis=0)
    told: set[int] = set()
    for a in np.flatnonzero(barred.any(axis=0)).tolist():
        with_them = sourced | holds[admitted[:, a] | barred[:, a]].any(axis=0)
        if _fillable(instance, a, with_them) and not _fillable(
            instance, a, sourced | holds[admitted[:, a]].any(axis=0)
        ):
            offers = barred_offers(instance, a)
            told.update(offers)
            text = f"`{shown(alloys.names[a])}` can never be cast: {explain_barred(instance, a, offers)}"
            draft.warn(("alloys", alloys.names[a]), text)
    for o in np.flatnonzero(barred.any(axis=1) & ~admitted.any(axis=1)).tolist():
        if o not in told:
            text = explain_barred(instance, int(np.argmax(barred[o])), [o])
            draft.warn(("market", market.names[o]), f"no alloy can be charged with this offer: {text}")


def _fillable(instance: Instance, a: int, had: Bools) -> bool:
    """Whether every metal that an alloy must hold is among those that can be `had`, (E,), and these can fill it."""
    alloys = instance.alloys
    return not ((alloys.low.raw[a] > 0) & ~had).any() and bool(alloys.high.exact()[a][had].sum() >= 1)


def _outliers(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of figures at least a thousand times as large as every other of their kind."""
    for e, metal in enumerate(instance.metals.names):
        grades = instance.devices.assay.value[:, e]
        devices = zip(instance.devices.names, grades.tolist(), strict=True)
        _far(draft, {("devices", device, "content", metal): grade for device, grade in devices})
        charges: dict[Path, float] = {}
        for row, k in enumerate(instance.terms.smelter.tolist()):
            path: Path = ("smelters", instance.smelters.names[k], "refining_charge", metal)
            charges[path] = max(charges.get(path, 0.0), abs(float(instance.terms.refining_charge.value[row, e])))
        _far(draft, charges)
    lists: list[tuple[str, str, tuple[str, ...], Floats]] = [
        ("metals", "sell", instance.metals.names, instance.metals.sell.value),
        ("market", "price", instance.market.names, instance.market.price.value),
        ("smelters", "capacity", instance.smelters.names, instance.smelters.capacity.value),
        ("treatments", "capacity", instance.treatments.names, instance.treatments.capacity.value),
    ]
    for section, field, names, values in lists:
        for name, row in zip(names, values, strict=True):
            _far(draft, {(section, name, field, t): value for t, value in enumerate(row.tolist())})
    costs = instance.treatments.cost.value
    tops = np.abs(costs).max(axis=1, initial=0.0)
    treatments = zip(instance.treatments.names, tops.tolist(), strict=True)
    _far(draft, {("treatments", treatment, "cost"): top for treatment, top in treatments})
    _far_streams(draft, instance, supply)


def _far(draft: Draft, values: Mapping[Path, float]) -> None:
    """Warn of the one of `values` that is far above all others, where there is one."""
    sizes = sorted(((abs(value), path) for path, value in values.items() if value and np.isfinite(value)), reverse=True)
    if len(sizes) > 1 and sizes[0][0] >= _FAR * sizes[1][0]:
        times = f"{sizes[0][0] / sizes[1][0]:_.0f}"
        draft.warn(sizes[0][1], f"this figure is {times} times the next of its kind; check its unit", key=False)


def _far_streams(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of a stream whose offer or collection is far above that of all others."""
    streams = instance.streams
    rows = supply.groups.first[supply.order].tolist()
    columns = {
        "available": streams.available.value.max(axis=1, initial=0.0),
        "collection": np.abs(streams.collection.value),
        "price": np.abs(streams.price.value),
    }
    for field, sizes in columns.items():
        if len(sizes) < 2:
            continue
        first, second = np.argsort(sizes)[::-1][:2].tolist()
        if sizes[second] > 0 and sizes[first] >= _FAR * sizes[second]:
            text = f"this figure is {sizes[first] / sizes[second]:_.0f} times the next of its kind; check its unit"
            path = ("streams", streams.names[first], field)
            draft.faults.warn(supply.sheet.place(rows[first], (field,)), path, text)
