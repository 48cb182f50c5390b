"""The frozen `Instance`: all parameters of one planning problem as columns in canonical order.

Every axis is sorted by name, so that the same parameters in another order give the same instance.
Axes: T periods, E metals, D devices, G regions, I streams, B bundles, H treatments, K smelters,
L lines of terms, O offers, A alloys, M medals, W device-mix windows. Mass of devices and feed in
tonnes, of metal in kilograms, money in the instance's currency, footprint in kg CO2e.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medalopt.errors import Fault
from medalopt.instance.figures import Bools, Figures, Ints

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Metals:
    """E metals: prices, holding costs and opening stock."""

    names: Names
    titles: Names  # display names; the symbol where no title is given
    sell: Figures  # (E, T) money/kg, selling price of surplus metal
    holding: Figures  # (E, T) money/kg per period
    opening_stock: Figures  # (E,) kg


@dataclass(frozen=True, eq=False)
class Devices:
    """D device types and their assays."""

    names: Names
    assay: Figures  # (D, E) kg/t
    unit_mass: Figures  # (D,) kg per device; 0 where not given


@dataclass(frozen=True, eq=False)
class Streams:
    """I streams: the supply of a device type in a region."""

    names: Names
    device: Ints  # (I,) index of the device
    region: Ints  # (I,) index of the region
    bundle: Ints  # (I,) index of the bundle, -1: none
    available: Figures  # (I, T) t
    price: Figures  # (I,) money/t paid to the supplier
    collection: Figures  # (I,) money/t
    committed: Figures  # (I,) t over the horizon
    credited: Figures  # (I, E) share of the metal credited to the project
    storage_limit: Figures  # (I,) t, greatest stockpile; infinite: no limit, 0: no storage
    storage_cost: Figures  # (I,) money/t per period
    storable: Bools  # (I,) whether supply may be stockpiled
    footprint: Figures  # (I,) kg CO2e/t
    lot: Figures  # (I,) t, lot size of the shipments of a period; 0: none
    minimum_order: Figures  # (I,) t, minimum order of a period; 0: none


@dataclass(frozen=True, eq=False)
class Treatments:
    """H treatments (pre-processing) before the smelter."""

    names: Names
    cost: Figures  # (H, D) money/t
    to_smelter: Figures  # (H, D) mass fraction sent on to the smelter
    recovery: Figures  # (H, D, E) recovery into the feed
    residue_value: Figures  # (H,) money/t of residue
    capacity: Figures  # (H, T) t of input
    accepts: Bools  # (H, D)
    regions: Bools  # (H, G)
    footprint: Figures  # (H,) kg CO2e/t of input


@dataclass(frozen=True, eq=False)
class Smelters:
    """K smelters; charges, recoveries and deductions are in their lines of `SmelterTerms`."""

    names: Names
    capacity: Figures  # (K, T) t of feed
    committed: Figures  # (K,) t of feed over the horizon
    limit: Figures  # (K,) t of feed over the horizon
    lead: Ints  # (K, E) periods from shipment to credited metal
    line: Ints  # (K, D, H) index of the line of terms for this feed, -1 where it is not accepted
    footprint: Figures  # (K,) kg CO2e/t of feed


@dataclass(frozen=True, eq=False)
class Terms:
    """L lines of smelter terms; a smelter without a schedule has one line, named ''."""

    names: Names
    smelter: Ints  # (L,)
    treatment_charge: Figures  # (L,) money/t of feed
    refining_charge: Figures  # (L, E) money/kg of metal returned
    returned: Figures  # (L, E) payable share (accountability)
    deduction: Figures  # (L, E) kg/t of feed, minimum deduction
    pooled: Bools  # (L,) whether all feed of a period is settled as one lot, else each route separately


@dataclass(frozen=True, eq=False)
class Lanes:
    """Transport lanes from G regions to K smelters."""

    exists: Bools  # (G, K)
    cost: Figures  # (G, K) money/t of feed; 0 where there is no lane
    footprint: Figures  # (G, K) kg CO2e/t


@dataclass(frozen=True, eq=False)
class Market:
    """O offers of metal or alloy scrap."""

    names: Names
    composition: Figures  # (O, E) mass fractions
    price: Figures  # (O, T) money/kg
    committed: Figures  # (O,) kg
    limit: Figures  # (O,) kg
    recycled: Figures  # (O,) recycled fraction
    footprint: Figures  # (O,) kg CO2e/kg
    lot: Figures  # (O,) kg, lot size of the purchases of a period; 0: none
    minimum_order: Figures  # (O,) kg, minimum order of a period; 0: none
    storable: Bools  # (O,) whether it may be bought in one period and charged in a later one


@dataclass(frozen=True, eq=False)
class Alloys:
    """A alloys: composition windows, melt loss and process scrap."""

    names: Names
    named: Bools  # (A, E) metals the alloy names
    low: Figures  # (A, E) least share; 0 where not named
    high: Figures  # (A, E) greatest share; 0 where not named
    admits_others: Bools  # (A,) whether `others` admits metals that are not named
    others: Figures  # (A,) greatest total share of matter that is not named
    loss: Figures  # (A,) melt loss
    capacity: Figures  # (A, T) kg cast per period
    holding: Figures  # (A, T) money/kg per period, of castings in stock
    scrap_share: Figures  # (A,) share of the castings
    scrap_returned: Figures  # (A,) share of the process scrap that is recharged
    scrap_lead: Ints  # (A,) periods
    scrap_value: Figures  # (A,) money/kg


@dataclass(frozen=True, eq=False)
class Medals:
    """M kinds of medal and the demand for them."""

    names: Names
    count: Ints  # (M,)
    due: Ints  # (M,) index of the period by whose end the alloy is cast
    parts: Figures  # (M, A) kg of alloy in one medal, without the allowance
    allowance: Figures  # (M,) metal lost in working, per kg in the medal


@dataclass(frozen=True, eq=False)
class Policy:
    """Limits on recycled content, device mix, participation and footprint."""

    recycled: Figures  # (E,) least recycled share; 0: none
    windows: Names  # (W,) a device, or the name of a group
    members: Bools  # (W, D)
    window_low: Figures  # (W,)
    window_high: Figures  # (W,)
    participation: Figures  # () least share of the supply sent by each region; 0: none
    footprint_cap: Figures  # () kg CO2e; infinite: none


@dataclass(frozen=True)
class Source:
    """Source and note of one mapping of the file, as its author wrote them."""

    path: str
    source: Names
    note: str


@dataclass(frozen=True, eq=False)
class Instance:
    """One planning problem, checked and complete. Change is a copy (`dataclasses.replace`)."""

    name: str
    title: str
    currency: str
    periods: Names  # '2017-04', or '1' to 'n'
    period_length: str  # month, quarter or year
    metals: Metals
    devices: Devices
    regions: Names
    streams: Streams
    bundles: tuple[tuple[str, str], ...]  # (B,) region and bundle
    treatments: Treatments
    smelters: Smelters
    terms: Terms
    lanes: Lanes
    market: Market
    alloys: Alloys
    medals: Medals
    policy: Policy
    lots: Names = ()  # paths of whole lots and minimum orders
    annex: Mapping[str, Any] = field(default_factory=dict)  # optional sections: mixes, scenarios, parties, uncertainty
    sources: tuple[Source, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)  # sha256 by path
    figures: str = ""  # sha256 of all parameters in canonical order
    warnings: tuple[Fault, ...] = ()


def same(one: Instance, other: Instance) -> bool:
    """Return whether two instances agree in all data that enter a plan: parameters, names, notes, optional sections.

    Args:
        one: An instance.
        other: Another instance.

    Returns:
        True where no plan can tell them apart.
    """
    fields = ("figures", "name", "title", "annex", "sources")
    return all(getattr(one, field) == getattr(other, field) for field in fields) and (
        one.metals.titles == other.metals.titles
    )
