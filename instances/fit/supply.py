"""Who offers what, when: the published cumulative counts cut into months, regions, channels and device types."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import pairwise

from instances.fit import evidence
from instances.fit.evidence import Count

HEADER = ("name", "device", "region", "bundle", "collection", "period", "available", "payer")
MONTHS = [date(2017 + (3 + n) // 12, (3 + n) % 12 + 1, 1) for n in range(24)]  # April 2017 to March 2019
CARRIER = "phone carrier"  # NTT DOCOMO, whose shops took phones back
COLLECTION = {"box": "135000", "pick_up": "70000", "shop": "120000"}  # JPY/t
Row = tuple[str, ...]


def rows(mix: dict[str, float]) -> Iterator[Row]:
    """Yield the rows of the table of streams: in grams and whole phones, so that totals are exact.

    Kilograms would be too coarse: rounding would then decide between months that differ in nothing else.
    """
    counts = evidence.counts()
    monthly = _monthly(counts, lambda count: count.municipal_t)
    totals = apportion(round(sum(monthly) * 1e6), [mix[d] for d in sorted(mix)])
    for device, total_g in zip(sorted(mix), totals, strict=True):
        bundle = "box" if device in evidence.BOX else "pick_up"
        for region, period, grams in _cells(total_g, monthly):
            yield "", device, region, bundle, COLLECTION[bundle], period, f"{grams / 1e6:.6f}", ""
    phones = _monthly(counts, lambda count: count.shop_phones)
    shares = [1 - evidence.SMARTPHONE_SHARE, evidence.SMARTPHONE_SHARE]
    for device, total in zip(evidence.PHONES, apportion(round(sum(phones)), shares), strict=True):
        for region, period, units in _cells(total, phones):
            name = f"shop_{device}@{region}"
            yield name, device, region, "", COLLECTION["shop"], period, f"{units} unit", CARRIER


def by_device(mix: dict[str, float]) -> dict[str, float]:
    """Return the tonnes of each device type that all streams together offer."""
    unit_t = {name: device.unit_kg / 1000 for name, device in evidence.devices().items()}
    found = dict.fromkeys(unit_t, 0.0)
    for _, device, *_, available, _ in rows(mix):
        number, _, unit = available.partition(" ")
        found[device] += float(number) * (unit_t[device] if unit else 1.0)
    return found


def apportion(total: int, weights: Iterable[float]) -> list[int]:
    """Share `total` out by `weights` in whole numbers that add up to it, by rounding the running sum."""
    listed = list(weights)
    whole, running, given, result = sum(listed), 0.0, 0, []
    for weight in listed:
        running += weight
        result.append(round(total * running / whole) - given)
        given += result[-1]
    return result


def _cells(total: int, monthly: list[float]) -> Iterator[tuple[str, str, int]]:
    """Yield region, month and what it offers, for one device type in one channel."""
    for region, part in zip(evidence.POPULATION, apportion(total, evidence.POPULATION.values()), strict=True):
        for month, amount in zip(MONTHS, apportion(part, monthly), strict=True):
            yield region, f"{month:%Y-%m}", amount


def _monthly(counts: list[Count], which: Callable[[Count], float | None]) -> list[float]:
    """Cut a cumulative count into months, each day between two counts alike."""
    points = [(count.as_of.toordinal(), value) for count in counts if (value := which(count)) is not None]
    ends = [month.replace(day=calendar.monthrange(month.year, month.month)[1]).toordinal() for month in MONTHS]
    cumulative = [0.0, *(_between(points, end) for end in ends)]
    return [after - before for before, after in pairwise(cumulative)]


def _between(points: list[tuple[int, float]], day: int) -> float:
    for (start, before), (end, after) in pairwise(points):
        if start <= day <= end:
            return before + (after - before) * (day - start) / (end - start)
    raise ValueError(f"day {date.fromordinal(day)} lies outside the published counts")
