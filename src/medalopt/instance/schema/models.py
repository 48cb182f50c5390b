"""The instance file, section by section, as pydantic models; their descriptions are printed by `medalopt schema`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from medalopt.instance.reader.encodings import CODECS
from medalopt.instance.schema.entry import Entry, about
from medalopt.instance.schema.fields import Text, Whole
from medalopt.instance.schema.forms import NAMED, ONE, Amounts, ByMetal, Listed, Named, PerPeriod, Window
from medalopt.instance.schema.kinds import (
    ALL,
    NO_LIMIT,
    ZERO,
    Alloy_,
    AnyName,
    Assay,
    CarbonPerKilogram,
    CarbonPerTonne,
    Count,
    Deduction,
    Device_,
    DeviceCarbon,
    DevicePerTonne,
    DeviceTonnes,
    Distance,
    FreeText,
    HoldingCost,
    Kilograms,
    Lead,
    Metal_,
    PerKilogram,
    PerTonne,
    PieceMass,
    Proportion,
    ScrapLead,
    Share,
    ShareBelowAll,
    Smelter_,
    Tonnes,
    Treatment_,
    YesOrNo,
)


class Periods(Entry):
    """The horizon: as many periods of one length, one after the other."""

    start: Annotated[str | None, Text(r"[0-9]{4}-(0[1-9]|1[0-2])", "a month such as 2017-04")] = about(
        "First month; left out: periods are named 1 to n.", None
    )
    count: Annotated[int, Whole(1, 1_000)] = about("Number of periods; left out: 1.", 1)
    length: Annotated[str, Text(words=("month", "quarter", "year"))] = about("How long one period is.", "month")


class Metal(Entry):
    """How a metal is handled once it is on the account."""

    title: FreeText | None = about("What people call it; left out: its symbol.", None)
    sell: PerPeriod[PerKilogram] = about("Price for metal left over; 0: surplus.", ZERO)
    holding: PerPeriod[HoldingCost] = about("Cost of a kilogram in stock, for each period.", ZERO)
    opening_stock: Kilograms = about("Metal in stock at the beginning; counts as recycled.", ZERO)


class Device(Entry):
    """What one dry tonne of a device type holds."""

    unit_mass: PieceMass | None = about("Mass of one device; needed where figures are given per unit.", None)
    content: Amounts[Metal_, Assay] = about("Assay by metal; not named: none.", {})
    cv: ByMetal[Proportion] | None = about("Relative standard deviation of the assay, by metal.", None)
    correlation: Share | None = about("Correlation between the assays of two metals.", None)


class Storage(Entry):
    """A stockpile: what is not sent may wait."""

    limit: DeviceTonnes = about("Greatest stockpile; left out: none.", NO_LIMIT)
    cost: DevicePerTonne = about("Cost of a tonne, for each period it waits.", ZERO)


class Stream(Entry):
    """A device type offered by a region: one decision per route and period."""

    name: AnyName | None = about("Left out: device@region.", None)
    device: Device_ = about("The device type offered.")
    region: AnyName = about("The region that offers it.")
    bundle: AnyName | None = about("Streams of one region and bundle are taken in the proportion offered.", None)
    available: PerPeriod[DeviceTonnes] | None = about("What is offered in each period.", None)
    total: DeviceTonnes | None = about("Instead of `available`: spread evenly over the periods.", None)
    price: DevicePerTonne = about("What the supplier is paid.", ZERO)
    collection: DevicePerTonne = about("What fetching costs.", ZERO)
    committed: DeviceTonnes = about("What must be taken over the horizon.", ZERO)
    credited: ByMetal[Share] | None = about("Share of the metal that is the project's; left out: all.", None)
    storage: Storage | None = about("The stockpile, where what is not sent may wait.", None)
    footprint: DeviceCarbon = about("Footprint of fetching.", ZERO)
    lot: DeviceTonnes | None = about("Shipments of a period are whole lots.", None)
    minimum_order: DeviceTonnes | None = about("Shipments of a period are none or at least this.", None)


class Override(Entry):
    """What a treatment does differently with one device."""

    cost: DevicePerTonne | None = about("Replaces the treatment's cost.", None)
    to_smelter: Share | None = about("Replaces the treatment's share.", None)
    recovery: ByMetal[Share] | None = about("Replaces the whole recovery.", None)


class Treatment(Entry):
    """Pre-processing before the smelter."""

    cost: DevicePerTonne = about("Cost of a tonne of devices.", ZERO)
    to_smelter: Share = about("Share of the treated tonne that is smelted.", ALL)
    recovery: ByMetal[Share] = about("Share of the metal in what is smelted: by metal, then default, then 0.", ALL)
    residue_value: PerTonne = about("Worth of a tonne not sent on; negative where it costs.", ZERO)
    capacity: PerPeriod[Tonnes] = about("Greatest input in each period.", NO_LIMIT)
    accepts: Listed[Device_] | None = about("Devices treated; left out: every one.", None)
    regions: Listed[AnyName] | None = about("Regions served; left out: every one.", None)
    devices: Named[Device_, Override] = about("What differs for single devices.", {})
    footprint: CarbonPerTonne = about("Footprint of a tonne of devices.", ZERO)
    cv: ByMetal[Proportion] | None = about("Relative standard deviation of the recovery.", None)


SettlementLot = Annotated[str, Text(words=("route", "pooled"))]


class Line(Entry):
    """One line of a smelter's schedule of feeds; what it leaves out is the smelter's."""

    devices: Listed[Device_] | None = about("Devices of this feed; left out: all.", None)
    treatments: Listed[Treatment_] | None = about("Treatments of this feed; left out: all.", None)
    treatment_charge: PerTonne | None = about("Charge for a tonne of feed.", None)
    refining_charge: ByMetal[PerKilogram] | None = about("Charge for a kilogram returned.", None)
    returned: ByMetal[Share] | None = about("Metal return.", None)
    deduction: ByMetal[Deduction] | None = about("Metal of a tonne of feed that is never returned.", None)
    settlement_lot: SettlementLot | None = about("What is settled as one lot.", None)


class Smelter(Entry):
    """A smelter, its terms and its capacity."""

    treatment_charge: PerTonne = about("Charge for a tonne of feed.", ZERO)
    refining_charge: ByMetal[PerKilogram] = about("Charge for a kilogram returned.", ZERO)
    returned: ByMetal[Share] = about("Metal return; not named: none.", ZERO)
    deduction: ByMetal[Deduction] = about("Metal of a tonne of feed that is never returned.", ZERO)
    settlement_lot: SettlementLot = about("What is settled as one lot: a `route`, or `pooled` all of a line.", "route")
    terms: Named[AnyName, Line] | None = about("Schedule of feeds; a feed that no line names is not accepted.", None)
    capacity: PerPeriod[Tonnes] = about("Greatest feed in each period.", NO_LIMIT)
    committed: Tonnes = about("Least feed over the horizon.", ZERO)
    limit: Tonnes = about("Greatest feed over the horizon.", NO_LIMIT)
    lead: ByMetal[Lead] = about("Periods from shipment to metal on the account.", 0)
    accepts: Listed[Device_] | None = about("Devices accepted; left out: every one.", None)
    footprint: CarbonPerTonne = about("Footprint of a tonne of feed.", ZERO)
    cv: ByMetal[Proportion] | None = about("Relative standard deviation of the return.", None)


class Lane(Entry):
    """The way from a region to a smelter."""

    region: AnyName = about("Where it begins.")
    smelter: Smelter_ = about("Where it ends.")
    distance: Distance | None = about("Length; `transport_rate` makes it a cost.", None)
    cost: PerTonne | None = about("Instead of `distance`: cost of a tonne that arrives.", None)
    footprint: CarbonPerTonne = about("Footprint of a tonne that arrives.", ZERO)


class Table(Entry):
    """A table beside the instance."""

    table: FreeText = about("Path of a CSV file, relative to the instance and below its folder.")
    encoding: Annotated[str | None, Text(words=tuple(CODECS))] = about(
        "Its encoding; left out: UTF-8, or else CP932, with a warning.", None
    )


class Offer(Entry):
    """Metal or alloy scrap that may be bought and charged."""

    composition: Amounts[Metal_, Share] = about("Mass fractions; they sum to at most 100 %.")
    price: PerPeriod[PerKilogram] = about("Price of a kilogram.")
    committed: Kilograms = about("What must be bought over the horizon.", ZERO)
    limit: Kilograms = about("Greatest purchase over the horizon.", NO_LIMIT)
    recycled: Share = about("Recycled fraction.", ZERO)
    footprint: CarbonPerKilogram = about("Footprint of a kilogram.", ZERO)
    cv: Proportion | None = about("Relative standard deviation of the price.", None)
    storable: YesOrNo = about("Whether it may be bought in one period and charged in a later one.", False)
    lot: Kilograms | None = about("Purchases of a period are whole lots.", None)
    minimum_order: Kilograms | None = about("Purchases of a period are none or at least this.", None)


class Scrap(Entry):
    """Process scrap: what falls when an alloy is worked, and what becomes of it."""

    share: ShareBelowAll = about("Share of what is cast that falls as scrap.", ZERO)
    returned: Share = about("Share of the scrap that is charged again.", ALL)
    lead: ScrapLead = about("Periods until it may be charged again.", 1)
    value: PerKilogram = about("Worth of what is left at the end.", ZERO)


class Alloy(Entry):
    """An alloy: its composition windows, losses and process scrap."""

    composition: Amounts[Metal_, Window[Share]] = about("Least and greatest share of each metal it names.", {})
    others: Share | None = about("Greatest share of what is not named, offers' unnamed matter too; left out: 0.", None)
    loss: ShareBelowAll = about("Melt loss.", ZERO)
    capacity: PerPeriod[Kilograms] = about("Most that can be cast in each period.", NO_LIMIT)
    holding: PerPeriod[HoldingCost] = about("Cost of a kilogram of castings in stock, for each period.", ZERO)
    scrap: Scrap | None = about("Process scrap.", None)


class Medal(Entry):
    """A kind of medal and how many are ordered."""

    count: Count = about("Medals ordered.")
    due: FreeText | None = about("Period by whose end the alloy is cast; left out: the last.", None)
    parts: Amounts[Alloy_, Kilograms] = about("Mass of each alloy in one medal.")
    allowance: Proportion = about("Metal that never comes back, per kilogram in the medal.", ZERO)


class Group(Entry):
    """A group of devices and its share of all tonnes sent."""

    devices: Listed[Device_] = about("Devices of the group.")
    share: Window[Share] = about("Least and greatest share.")


def _window_or_group(value: object) -> str:
    """Select the alternative: a window of one device, or a group of devices."""
    return NAMED if isinstance(value, dict) else ONE


WindowOrGroup = Annotated[
    Annotated[Window[Share], Tag(ONE)] | Annotated[Group, Tag(NAMED)], Discriminator(_window_or_group)
]
"""The window of a device by its name, or a group of devices with theirs."""


class BundleMix(Entry):
    """A mix of what one bundle holds; what stands in no such bundle stays as it is."""

    bundle: FreeText = about("Name of the bundle, in every region.")
    shares: Amounts[Device_, Share] = about("Shares of its tonnes, by device.")


def _mix_or_bundle(value: object) -> str:
    """Select the alternative: a mix of all supply, or of one bundle."""
    return NAMED if isinstance(value, dict) and isinstance(value.get("shares"), dict) else ONE


Mix = Annotated[
    Annotated[Amounts[Device_, Share], Tag(ONE)] | Annotated[BundleMix, Tag(NAMED)], Discriminator(_mix_or_bundle)
]
"""Shares of all tonnes offered, by device; or of those of one bundle."""
