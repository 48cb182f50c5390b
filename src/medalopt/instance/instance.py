"""The frozen `Instance`: all parameters of one planning problem as columns in canonical order.

Every axis is sorted by name, so that the same parameters in another order give the same instance.
A price or charge with an axis `1 or T` has one value per period, or one for all.
Axes: T periods, E metals, D devices, G regions, I streams, B bundles, H treatments, K smelters,
L lines of terms, O offers, A alloys, M medals, W device-mix windows. Mass of devices and feed in
tonnes, of metal in kilograms, money in the instance's currency, footprint in kg CO2e.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from medalopt.errors import Fault
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.text import ParameterPath, render_path

if TYPE_CHECKING:
    from medalopt.instance.loading import InstanceOrigin
    from medalopt.instance.reader.yaml_nodes import SourceNote

Names = tuple[str, ...]
FRACTION_SEPARATOR = "/"  # between the names of a treatment and of its fraction


@dataclass(frozen=True, eq=False)
class Metals:
    """E metals: prices, holding costs and opening stock."""

    names: Names
    titles: Names  # display names; the symbol where no title is given
    sell: ExactArray  # (E, T) money/kg, selling price of surplus metal
    holding: ExactArray  # (E, T) money/kg per period
    opening_stock: ExactArray  # (E,) kg
    surplus_to_smelter: Bools  # (E,) whether metal beyond need is left with the smelter, else the project's
    reserve: Ints  # (E,) periods of coming need that are in stock at the end of each period; 0: none


@dataclass(frozen=True, eq=False)
class Devices:
    """D device types and their assays."""

    names: Names
    assay: ExactArray  # (D, E) kg/t
    unit_mass: ExactArray  # (D,) kg per device; 0 where not given


@dataclass(frozen=True, eq=False)
class PriceSteps:
    """S limits of price steps of streams or offers; `price` is that of the first step.

    Of the quantity over the horizon, all beyond `above` costs `surcharge` more than the step before: more or less than
    0, or infinite where no more can be had.
    """

    owner: Ints  # (S,) index of the stream or offer, sorted
    number: Ints  # (S,) position in the file of the step that ends there, from 0
    above: ExactArray  # (S,) t, of offers kg
    surcharge: ExactArray  # (S,) money/t, of offers money/kg


_NO_INDEX = np.zeros(0, dtype=np.intp)
NO_STEPS = PriceSteps(_NO_INDEX, _NO_INDEX, *[ExactArray(np.zeros(0), _NO_INDEX)] * 2)


@dataclass(frozen=True, eq=False)
class Streams:
    """I streams: the supply of a device type in a region."""

    names: Names
    device: Ints  # (I,) index of the device
    region: Ints  # (I,) index of the region
    bundle: Ints  # (I,) index of the bundle, -1: none
    available: ExactArray  # (I, T) t
    price: ExactArray  # (I, 1 or T) money/t paid to the supplier, of the first step
    collection: ExactArray  # (I, 1 or T) money/t
    committed: ExactArray  # (I,) t over the horizon
    credited: ExactArray  # (I, E) share of the metal credited to the project
    storage_limit: ExactArray  # (I,) t, greatest stockpile; infinite: no limit, 0: no storage
    storage_cost: ExactArray  # (I,) money/t per period
    storable: Bools  # (I,) whether supply may be stockpiled
    footprint: ExactArray  # (I,) kg CO2e/t
    lot: ExactArray  # (I,) t, lot size of the shipments of a period; 0: none
    minimum_order: ExactArray  # (I,) t, minimum order of a period; 0: none
    fixed_charge: ExactArray  # (I,) money, paid once if anything is taken; 0: none
    steps: PriceSteps = NO_STEPS


@dataclass(frozen=True, eq=False)
class Treatments:
    """H treatments (pre-processing) before the smelter, and their fractions.

    A fraction is a treatment with a parent: it costs nothing and sends its share of the devices on. Its parent then
    sends nothing on itself.
    """

    names: Names
    cost: ExactArray  # (H, D, 1 or T) money/t
    to_smelter: ExactArray  # (H, D) mass fraction sent on to the smelter
    recovery: ExactArray  # (H, D, E) recovery into the feed
    residue_value: ExactArray  # (H,) money/t of residue
    capacity: ExactArray  # (H, T) t of input
    accepts: Bools  # (H, D)
    regions: Bools  # (H, G)
    footprint: ExactArray  # (H,) kg CO2e/t of input
    parent: Ints  # (H,) of a fraction: index of the treatment that yields it; -1: a treatment
    sells: Bools  # (H, D) whether the fraction is sold, to no smelter
    sold: ExactArray  # (H, D, 1 or T) money/t of the fraction, price at which it is sold
    fixed_charge: ExactArray  # (H,) money, paid once if anything is treated; 0: none

    @property
    def has_fractions(self) -> bool:
        """Return whether some treatment has several products."""
        return bool((self.parent >= 0).any())

    @property
    def owner(self) -> Ints:
        """Index of the treatment itself, or of that which yields the fraction, (H,)."""
        return np.where(self.parent < 0, np.arange(len(self.parent)), self.parent)

    def list_whole(self) -> Names:
        """Return the names of the treatments, without fractions.

        Returns:
            Names in order.
        """
        return tuple(name for name, parent in zip(self.names, self.parent.tolist(), strict=True) if parent < 0)

    def mark_split(self) -> Bools:
        """Return the devices that each treatment splits into fractions.

        Returns:
            (H, D).
        """
        split, fractions = np.zeros_like(self.accepts), np.flatnonzero(self.parent >= 0)
        np.logical_or.at(split, self.parent[fractions], self.accepts[fractions])
        return split

    def split_name(self, treatment: int) -> tuple[str, str | None]:
        """Return the name of a treatment and None, or of the treatment that yields a fraction and of the fraction.

        Args:
            treatment: Index of the treatment or fraction.

        Returns:
            Treatment and fraction.
        """
        parent = int(self.parent[treatment])
        if parent < 0:
            return self.names[treatment], None
        return self.names[parent], self.names[treatment].removeprefix(f"{self.names[parent]}{FRACTION_SEPARATOR}")


@dataclass(frozen=True, eq=False)
class Smelters:
    """K smelters; charges, recoveries and deductions are in their lines of `SmelterTerms`."""

    names: Names
    capacity: ExactArray  # (K, T) t of feed
    committed: ExactArray  # (K,) t of feed over the horizon
    limit: ExactArray  # (K,) t of feed over the horizon
    lead: Ints  # (K, E) periods from shipment to credited metal
    line: Ints  # (K, D, H) index of the line of terms for this feed, -1 where it is not accepted
    footprint: ExactArray  # (K,) kg CO2e/t of feed
    fixed_charge: ExactArray  # (K,) money, paid once if it is fed; 0: none


@dataclass(frozen=True, eq=False)
class SmelterTerms:
    """L lines of smelter terms; a smelter without a schedule has one line, named ''."""

    names: Names
    smelter: Ints  # (L,)
    treatment_charge: ExactArray  # (L, 1 or T) money/t of feed, by period of shipment
    refining_charge: ExactArray  # (L, E, 1 or T) money/kg of metal returned, by period of credit
    returned: ExactArray  # (L, E) payable share (accountability)
    deduction: ExactArray  # (L, E) kg/t of feed, minimum deduction
    pays: ExactArray  # (L, E, T) money/kg of credited metal left with the smelter; (0, E, T) where none may be left
    pooled: Bools  # (L,) whether all feed of a period is settled as one lot, else each route separately
    minimum_lot: ExactArray  # (L,) t, least feed of a period in which the line is fed; 0: any
    lot_charge: ExactArray  # (L,) money, paid in every period in which the line is fed; 0: none


@dataclass(frozen=True, eq=False)
class Impurities:
    """X elements that smelters refuse, charge or limit: impurities, and metals of the account named in such terms.

    Content is in kg per tonne of feed. Each of the N penalties is due on the feed of one line of terms.
    """

    names: Names
    titles: Names
    metal: Ints  # (X,) index of the metal of the account, whose assay and recovery count; -1: an impurity
    assay: ExactArray  # (D, X) kg/t; 0 for metals
    recovery: ExactArray  # (H, D, X) recovery into the feed; 0 for metals
    refuse: ExactArray  # (L, X) kg/t, greatest content of a feed that is accepted; infinite: any
    limit: ExactArray  # (K, X) kg/t, greatest mean content of all feed of a period; infinite: none
    penalty_line: Ints  # (N,) index of the line of terms
    penalty_element: Ints  # (N,)
    penalty_above: ExactArray  # (N,) kg/t
    penalty_per: ExactArray  # (N,) kg/t
    penalty_charge: ExactArray  # (N, 1 or T) money/t of feed for each `per` above

    @property
    def has_effect(self) -> bool:
        """Return whether any feed may be refused, charged or limited."""
        finite = [bool(np.isfinite(part.raw).any()) for part in (self.refuse, self.limit)]
        return any(finite) or bool(len(self.penalty_line))


@dataclass(frozen=True, eq=False)
class Lanes:
    """Transport lanes from G regions to K smelters."""

    exists: Bools  # (G, K)
    cost: ExactArray  # (G, K) money/t of feed; 0 where there is no lane
    footprint: ExactArray  # (G, K) kg CO2e/t


@dataclass(frozen=True, eq=False)
class MarketOffers:
    """O offers of metal or alloy scrap."""

    names: Names
    composition: ExactArray  # (O, E) mass fractions
    price: ExactArray  # (O, T) money/kg, of the first step
    committed: ExactArray  # (O,) kg
    limit: ExactArray  # (O,) kg
    recycled: ExactArray  # (O,) recycled fraction
    footprint: ExactArray  # (O,) kg CO2e/kg
    lot: ExactArray  # (O,) kg, lot size of the purchases of a period; 0: none
    minimum_order: ExactArray  # (O,) kg, minimum order of a period; 0: none
    fixed_charge: ExactArray  # (O,) money, paid once if anything is bought; 0: none
    storable: Bools  # (O,) whether it may be bought in one period and charged in a later one
    storage_limit: ExactArray  # (O, T) kg, greatest stock at the end of a period; infinite: no limit
    opening_stock: ExactArray  # (O,) kg in stock before the first period
    closing_stock: ExactArray  # (O,) kg, least stock at the end of the last period
    steps: PriceSteps = NO_STEPS


@dataclass(frozen=True, eq=False)
class Alloys:
    """A alloys: composition windows, melt loss and process scrap."""

    names: Names
    named: Bools  # (A, E) metals the alloy names
    low: ExactArray  # (A, E) least share; 0 where not named
    high: ExactArray  # (A, E) greatest share; 0 where not named
    admits_others: Bools  # (A,) whether `others` admits metals that are not named
    others: ExactArray  # (A,) greatest total share of matter that is not named
    loss: ExactArray  # (A,) melt loss
    capacity: ExactArray  # (A, T) kg cast per period
    holding: ExactArray  # (A, T) money/kg per period, of castings in stock
    sell: ExactArray  # (A, T) money/kg, sale price of castings less process scrap, by period of casting
    scrap_share: ExactArray  # (A,) share of the castings
    scrap_returned: ExactArray  # (A,) share of the process scrap that is recharged
    scrap_lead: Ints  # (A,) periods
    scrap_value: ExactArray  # (A,) money/kg


@dataclass(frozen=True, eq=False)
class ChargeLimits:
    """N limits on groups of offers charged together; the same name may stand in several alloys."""

    names: Names
    offers: Bools  # (A, N, O) offers that the limit of an alloy is about
    most: ExactArray  # (A, N, T) kg charged to the alloy in a period; infinite: no such limit


@dataclass(frozen=True, eq=False)
class Medals:
    """M kinds of medal and the demand for them."""

    names: Names
    count: Ints  # (M,)
    due: Ints  # (M,) index of the period by whose end the alloy is cast
    parts: ExactArray  # (M, A) kg of alloy in one medal, without the allowance
    allowance: ExactArray  # (M,) metal lost in working, per kg in the medal
    shortfall: ExactArray  # (M,) money, penalty of a medal that is not made; infinite: all must be made


@dataclass(frozen=True, eq=False)
class PolicyLimits:
    """Limits on recycled content, device mix, participation, footprint and concentration."""

    recycled: ExactArray  # (E,) least recycled share; 0: none
    windows: Names  # (W,) a device, or the name of a group
    members: Bools  # (W, D)
    window_low: ExactArray  # (W,)
    window_high: ExactArray  # (W,)
    participation: ExactArray  # () least share of the supply sent by each region; 0: none
    footprint_cap: ExactArray  # () kg CO2e; infinite: none
    concentration_smelters: ExactArray  # () greatest share of all feed that one smelter receives; 1: no limit
    concentration_regions: ExactArray  # () greatest share of all tonnes sent that one region supplies
    concentration_offers: ExactArray  # () greatest share of all metal bought that one offer supplies

    @property
    def couples_regions(self) -> bool:
        """Whether the tonnes that one region may send depend on those of the others."""
        return bool(self.concentration_regions.value < 1)

    @property
    def couples_offers(self) -> bool:
        """Whether the kilograms that may be bought of one offer depend on those of the others."""
        return bool(self.concentration_offers.value < 1)


@dataclass(frozen=True, eq=False)
class Instance:
    """One planning problem, checked and complete. Change is a copy: `with_changes`, or `dataclasses.replace`."""

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
    terms: SmelterTerms
    impurities: Impurities
    lanes: Lanes
    market: MarketOffers
    alloys: Alloys
    charge_limits: ChargeLimits
    medals: Medals
    policy: PolicyLimits
    lots: Names = ()  # paths of whole lots, minimum orders, lots of feed, fixed charges and falling prices
    annex: Mapping[str, Any] = field(default_factory=dict)  # mixes, scenarios, parties, project, uncertainty
    sources: tuple[SourceNote, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)  # sha256 by path
    warnings: tuple[Fault, ...] = ()
    stated_digest: str = ""  # of a relaxation or restriction: the digest of the instance from which it was made
    whole: Instance | None = None  # of an instance restricted to the costs of one party: that with all costs
    origin: ClassVar[InstanceOrigin | None] = None  # of an instance from a file

    @cached_property
    def figures(self) -> str:
        """SHA-256 of all parameters in canonical order; that of the saved plan if the instance was read from one."""
        return self.stated_digest or compute_digest(self)

    def with_changes(self, changes: Mapping[str, Any]) -> Instance:
        """Return a copy with other parameter values; this instance is unchanged.

        Args:
            changes: Value by path, such as `{"medals.gold.count": 1800, "streams.phone@*.available": "70 %"}`: a text
                as for `--set`; a number in the unit that the file may leave out, or a list, which replace.

        Returns:
            The changed instance, with its own digest; `solve` starts from the optimal basis of the unchanged one.

        Raises:
            InputError: With every fault of the changes, including changes without effect.
            UsageError: The instance was edited in memory.
        """
        from medalopt.instance.loading import change_instance

        return change_instance(self, changes)

    def group_streams(self) -> tuple[list[tuple[str, str]], Ints]:
        """Group streams into sources; the streams of a bundle are one source.

        Returns:
            Region and kind of each source (its bundle, or its own name without the region), and the index of the source
            of each stream, (I,).
        """
        return self._sources

    @cached_property
    def _sources(self) -> tuple[list[tuple[str, str]], Ints]:
        """Sources of the streams, see `group_streams`."""
        streams, order = self.streams, dict[tuple[str, str], int]()
        of = []
        for name, region, bundle in zip(streams.names, streams.region.tolist(), streams.bundle.tolist(), strict=True):
            where = self.regions[region]
            kind = f"{self.bundles[bundle][1]} (bundle)" if bundle >= 0 else name.removesuffix(f"@{where}")
            of.append(order.setdefault((where, kind), len(order)))
        return list(order), np.array(of, dtype=np.intp)

    def __repr__(self) -> str:
        sizes = {
            "periods": self.periods,
            "metals": self.metals.names,
            "devices": self.devices.names,
            "regions": self.regions,
            "streams": self.streams.names,
            "smelters": self.smelters.names,
            "offers": self.market.names,
            "medals": self.medals.names,
        }
        text = ", ".join(f"{len(names)} {kind}" for kind, names in sizes.items())
        return f"<Instance {self.name}: {text}; digest {self.figures[:12] or 'none'}>"


_UNHASHED_FIELDS = (
    *("name", "title", "titles", "annex", "sources", "files", "warnings", "stated_digest", "whole"),
    *("impurities", "charge_limits"),  # hashed separately if they have an effect
)
_SEPARATELY_HASHED_FIELDS = ("lot", "minimum_order", "pooled")  # hashed separately if present
_NEUTRAL_VALUES = {
    ".alloys.holding": 0,
    ".alloys.sell": 0,
    ".market.storable": 0,
    ".market.storage_limit": float("inf"),
    **dict.fromkeys((".market.opening_stock", ".market.closing_stock"), 0),
    ".medals.shortfall": float("inf"),
    ".metals.surplus_to_smelter": 0,
    ".terms.pays": 0,
    ".metals.reserve": 0,
    ".treatments.parent": -1,
    ".treatments.sells": 0,
    ".treatments.sold": 0,
    **dict.fromkeys((".terms.minimum_lot", ".terms.lot_charge"), 0),
    **dict.fromkeys((f".{part}.fixed_charge" for part in ("smelters", "treatments", "streams", "market")), 0),
    **dict.fromkeys((f".policy.concentration_{name}" for name in ("smelters", "regions", "offers")), 1),
}  # of later additions: where all have this value, the digest is the one without them
_PERIODIC_FIELDS = (
    *(".streams.price", ".streams.collection", ".treatments.cost", ".treatments.sold"),
    *(".terms.treatment_charge", ".terms.refining_charge", "impurities.penalty_charge"),
)  # a single value for all periods is hashed without the axis of periods
_DEVIATIONS = tuple(f"{name}_cv" for name in ("devices", "treatments", "smelters", "streams"))


def _has_positive(value: Any) -> bool:
    """Return whether nested mappings hold a positive number."""
    if isinstance(value, Mapping):
        return any(map(_has_positive, value.values()))
    return isinstance(value, float) and value > 0


def compute_digest(instance: Instance) -> str:
    """Compute the digest of all values, names and structure in canonical order, independent of the units in the file.

    Returns:
        SHA-256 digest in hexadecimal.
    """
    state = hashlib.sha256()
    _hash_part(state, "", instance)
    _hash_part(state, "lots", instance.annex.get("lots", {}))
    if instance.terms.pooled.any():
        _hash_part(state, "pooled", instance.terms.pooled)
    if instance.impurities.has_effect:
        _hash_part(state, "impurities", instance.impurities)
    if instance.charge_limits.names:
        _hash_part(state, "charge_limits", instance.charge_limits)
    if _has_positive({name: instance.annex.get(name) for name in _DEVIATIONS}):
        for promise in ("confidence", "uncertainty_budget"):
            if instance.annex.get(promise):
                uncertain_fields = (promise, "supply_correlation", *_DEVIATIONS)
                _hash_part(state, promise, {name: instance.annex.get(name) for name in uncertain_fields})
    return state.hexdigest()


def _hash_part(state: Any, label: str, part: Any) -> None:
    """Hash one part of the instance, preceded by its label and shape."""
    if isinstance(part, PriceSteps) and not len(part.owner):
        return
    values = part.value if isinstance(part, ExactArray) else part
    if label in _NEUTRAL_VALUES and not np.any(values != _NEUTRAL_VALUES[label]):
        return
    if isinstance(part, ExactArray):
        single = label in _PERIODIC_FIELDS and part.shape[-1] == 1
        _hash_part(state, label, part.value[..., 0] if single else part.value)
    elif isinstance(part, np.ndarray):
        kind = "<f8" if part.dtype.kind == "f" else "<i8"
        state.update(json.dumps([label, part.shape]).encode())
        state.update(np.ascontiguousarray(part, dtype=kind).tobytes())
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            if field.name not in (_SEPARATELY_HASHED_FIELDS if label else _UNHASHED_FIELDS):
                _hash_part(state, f"{label}.{field.name}", getattr(part, field.name))
    else:
        state.update(json.dumps([label, part]).encode())


def is_same_instance(instance: Instance, other: Instance) -> bool:
    """Return whether two instances agree in all data that enter a plan: parameters, names, notes, optional sections.

    Returns:
        True where no plan can tell them apart.
    """
    fields = ("figures", "name", "title", "annex", "sources")
    return all(getattr(instance, field) == getattr(other, field) for field in fields) and (
        instance.metals.titles == other.metals.titles and instance.impurities.titles == other.impurities.titles
    )


_MIN_DECADES = 6.0  # decades from which a spread is reported


class MagnitudeSpread(NamedTuple):
    """The smallest and largest parameter of one kind, as path, value and unit, and the decades between them."""

    least: str
    greatest: str
    decades: float

    def __str__(self) -> str:
        return f"{self.least} and {self.greatest} lie {self.decades:.0f} decades apart; check their units"


def find_widest_spread(instance: Instance) -> MagnitudeSpread | None:
    """Return the two parameters of one kind whose magnitudes lie farthest apart.

    Returns:
        The widest spread; None where it is less than six decades.
    """
    spreads = [_measure_spread(*kind) for kind in _list_parameter_kinds(instance)]
    widest = max((spread for spread in spreads if spread is not None), key=lambda spread: spread.decades, default=None)
    return widest if widest is not None and widest.decades >= _MIN_DECADES else None


def _list_parameter_kinds(instance: Instance) -> Iterator[tuple[Floats, str, Callable[[Any], ParameterPath]]]:
    """Yield the parameters of each kind, their unit, and a function from an index to the path."""
    metals, alloys, medals = instance.metals.names, instance.alloys.names, instance.medals.names
    devices, streams, offers = instance.devices.names, instance.streams.names, instance.market.names
    yield instance.medals.parts.value, "kg", lambda at: ("medals", medals[at[0]], "parts", alloys[at[1]])
    yield instance.medals.count.astype(np.float64), "", lambda at: ("medals", medals[at[0]], "count")
    yield instance.devices.assay.value, "kg/t", lambda at: ("devices", devices[at[0]], "content", metals[at[1]])
    yield instance.streams.available.value, "t", lambda at: ("streams", streams[at[0]], "available")
    money = instance.currency
    yield instance.streams.collection.value, f"{money}/t", lambda at: ("streams", streams[at[0]], "collection")
    yield instance.market.price.value, f"{money}/kg", lambda at: ("market", offers[at[0]], "price")


def _measure_spread(values: Floats, unit: str, path: Callable[[Any], ParameterPath]) -> MagnitudeSpread | None:
    """Return the spread of the finite nonzero `values`; None where there are none."""
    size = np.abs(values)
    some = (size > 0) & np.isfinite(size)
    if not some.any():
        return None
    bounds = (np.argmin(np.where(some, size, np.inf)), np.argmax(np.where(some, size, 0.0)))
    at = [np.unravel_index(int(end), size.shape) for end in bounds]
    least, greatest = (f"{render_path(path(one))} ({values[one]:.4g}{f' {unit}' if unit else ''})" for one in at)
    return MagnitudeSpread(least, greatest, float(np.log10(size[at[1]]) - np.log10(size[at[0]])))
