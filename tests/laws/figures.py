"""Parameters that are money or amounts, and instances with some of them changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from operator import attrgetter
from typing import Any

import numpy as np

from medalopt import Instance
from medalopt.instance.arrays import ExactArray

MONEY: Mapping[str, tuple[str, ...]] = {
    "metals": ("sell", "holding"),
    "streams": ("price", "collection", "storage_cost", "fixed_charge"),
    "treatments": ("cost", "residue_value", "sold", "fixed_charge"),
    "smelters": ("fixed_charge",),
    "terms": ("treatment_charge", "refining_charge", "pays", "lot_charge"),
    "lanes": ("cost",),
    "market": ("price", "fixed_charge"),
    "alloys": ("holding", "sell", "scrap_value"),
    "medals": ("shortfall",),
    "impurities": ("penalty_charge",),
    "streams.steps": ("surcharge",),
    "market.steps": ("surcharge",),
}
AMOUNTS: Mapping[str, tuple[str, ...]] = {  # with the counts of medals
    "metals": ("opening_stock",),
    "streams": ("available", "committed", "storage_limit", "lot", "minimum_order"),
    "treatments": ("capacity",),
    "smelters": ("capacity", "committed", "limit"),
    "terms": ("minimum_lot",),
    "market": ("committed", "limit", "lot", "minimum_order", "storage_limit", "opening_stock", "closing_stock"),
    "alloys": ("capacity",),
    "charge_limits": ("most",),
    "policy": ("footprint_cap",),
    "streams.steps": ("above",),
    "market.steps": ("above",),
}
RATES: Mapping[str, tuple[str, ...]] = {  # that stay as they are when money or amounts change
    "devices": ("assay", "unit_mass"),
    "streams": ("credited", "footprint"),
    "treatments": ("to_smelter", "recovery", "footprint"),
    "smelters": ("footprint",),
    "terms": ("returned", "deduction"),
    "lanes": ("footprint",),
    "market": ("composition", "recycled", "footprint"),
    "alloys": ("low", "high", "others", "loss", "scrap_share", "scrap_returned"),
    "medals": ("parts", "allowance"),
    "impurities": ("assay", "recovery", "refuse", "penalty_above", "penalty_per", "limit"),
    "policy": (
        *("recycled", "window_low", "window_high", "participation"),
        *("concentration_smelters", "concentration_regions", "concentration_offers"),
    ),
}


def times(instance: Instance, fields: Mapping[str, tuple[str, ...]], factor: Fraction | int) -> Instance:
    """Return `instance` with all figures of `fields` multiplied by `factor`, exactly."""
    for section, names in fields.items():
        for name in names:
            figures: ExactArray = getattr(attrgetter(section)(instance), name)
            factors = tuple(each * factor for each in figures.factors)
            instance = changed(instance, section, **{name: dataclasses.replace(figures, factors=factors)})
    return instance


def changed(instance: Instance, section: str, **fields: Any) -> Instance:
    """Return `instance` with some fields of a section, or of a part of one as in `streams.steps`, replaced."""
    outer, _, name = section.rpartition(".")
    part = dataclasses.replace(attrgetter(section)(instance), **fields)
    return changed(instance, outer, **{name: part}) if outer else dataclasses.replace(instance, **{name: part})


def plain(values: Any) -> ExactArray:
    """Return numbers in their canonical unit as figures."""
    raw = np.asarray(values, dtype=np.float64)
    return ExactArray(raw, np.zeros(raw.shape, dtype=np.intp))


def places(instance: Instance) -> set[tuple[str, str]]:
    """Return section and name of everything in `instance` that holds figures."""
    parts = {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}
    parts |= {
        f"{section}.{field.name}": getattr(part, field.name)
        for section, part in parts.items()
        if dataclasses.is_dataclass(part)
        for field in dataclasses.fields(part)
        if dataclasses.is_dataclass(getattr(part, field.name)) and not isinstance(getattr(part, field.name), ExactArray)
    }
    return {
        (section, field.name)
        for section, part in parts.items()
        if dataclasses.is_dataclass(part)
        for field in dataclasses.fields(part)
        if isinstance(getattr(part, field.name), ExactArray)
    }


def listed(*groups: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return section and name of all figures in `groups`."""
    return [(section, name) for group in groups for section, names in group.items() for name in names]
