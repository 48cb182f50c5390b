"""The instance file, section by section, as pydantic models; their descriptions are printed by `medalopt schema`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, SkipValidation, Tag

from medalopt.instance.reader.files import CODECS
from medalopt.instance.schema.containers import (
    BRANCH_MAPPING,
    BRANCH_ONE,
    Amounts,
    ByMetal,
    Entry,
    Listed,
    Named,
    PerPeriod,
    Window,
    describe_field,
)
from medalopt.instance.schema.field_types import (
    NO_LIMIT,
    ONE_QUANTITY,
    ZERO_QUANTITY,
    Alloy_,
    AnyName,
    Assay,
    CarbonPerKilogram,
    CarbonPerTonne,
    CarbonTonnes,
    Count,
    Currency,
    Deduction,
    Device_,
    DeviceCarbon,
    DevicePerTonne,
    DeviceTonnes,
    Distance,
    FreeText,
    HoldingCost,
    IntegerField,
    Kilograms,
    Lead,
    Metal_,
    Penalty,
    PerKilogram,
    PerTonne,
    PieceMass,
    Proportion,
    Rate,
    ScrapLead,
    Share,
    ShareBelowAll,
    Smelter_,
    TextField,
    Tonnes,
    TransportRate,
    Treatment_,
    YesOrNo,
)

DISTRIBUTIONS = ("lognormal", "normal")  # the first is the default
SURPLUS_TITLES = ("project", "smelter")  # the first is the default


class Periods(Entry):
    """The horizon: as many periods of one length, one after the other."""

    start: Annotated[str | None, TextField(r"[0-9]{4}-(0[1-9]|1[0-2])", "a month such as 2017-04")] = describe_field(
        "First month; left out: periods are named 1 to n.", None
    )
    count: Annotated[int, IntegerField(1, 1_000)] = describe_field("Number of periods; left out: 1.", 1)
    length: Annotated[str, TextField(words=("month", "quarter", "year"))] = describe_field(
        "How long one period is.", "month"
    )


class Metal(Entry):
    """How a metal is handled once it is on the account."""

    title: FreeText | None = describe_field("What people call it; left out: its symbol.", None)
    sell: PerPeriod[PerKilogram] = describe_field("Price for metal left over; 0: surplus.", ZERO_QUANTITY)
    surplus: Annotated[str, TextField(words=SURPLUS_TITLES)] = describe_field(
        "Whose metal beyond need is: the `project`'s, or left with the `smelter`, who `pays` for it.", SURPLUS_TITLES[0]
    )
    holding: PerPeriod[HoldingCost] = describe_field("Cost of a kilogram in stock, for each period.", ZERO_QUANTITY)
    opening_stock: Kilograms = describe_field("Metal in stock at the beginning; counts as recycled.", ZERO_QUANTITY)


class Device(Entry):
    """What one dry tonne of a device type holds."""

    unit_mass: PieceMass | None = describe_field("Mass of one device; needed where values are given per unit.", None)
    content: Amounts[Metal_, Assay] = describe_field("Assay by metal; not named: none.", {})
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the assay, by metal.", None)
    correlation: Share | None = describe_field("Correlation between the assays of two metals.", None)


class Storage(Entry):
    """A stockpile: what is not sent may wait."""

    limit: DeviceTonnes = describe_field("Greatest stockpile; left out: none.", NO_LIMIT)
    cost: DevicePerTonne = describe_field("Cost of a tonne, for each period it waits.", ZERO_QUANTITY)


class Stream(Entry):
    """A device type offered by a region: one decision per route and period."""

    name: AnyName | None = describe_field("Left out: device@region.", None)
    device: Device_ = describe_field("The device type offered.")
    region: AnyName = describe_field("The region that offers it.")
    bundle: AnyName | None = describe_field(
        "Streams of one region and bundle are taken in the proportion offered.", None
    )
    available: PerPeriod[DeviceTonnes] | None = describe_field("What is offered in each period.", None)
    total: DeviceTonnes | None = describe_field("Instead of `available`: spread evenly over the periods.", None)
    price: DevicePerTonne = describe_field("What the supplier is paid.", ZERO_QUANTITY)
    collection: DevicePerTonne = describe_field("What fetching costs.", ZERO_QUANTITY)
    committed: DeviceTonnes = describe_field("What must be taken over the horizon.", ZERO_QUANTITY)
    credited: ByMetal[Share] | None = describe_field("Share of the metal that is the project's; left out: all.", None)
    storage: Storage | None = describe_field("The stockpile, where what is not sent may wait.", None)
    footprint: DeviceCarbon = describe_field("Footprint of fetching.", ZERO_QUANTITY)
    lot: DeviceTonnes | None = describe_field("Shipments of a period are whole lots.", None)
    minimum_order: DeviceTonnes | None = describe_field("Shipments of a period are none or at least this.", None)
    cv: Proportion | None = describe_field("Relative standard deviation of the tonnes that arrive.", None)
    payer: AnyName | None = describe_field("Party that pays its price, collection and storage.", None)


class Override(Entry):
    """What a treatment does differently with one device."""

    cost: DevicePerTonne | None = describe_field("Replaces the treatment's cost.", None)
    to_smelter: Share | None = describe_field("Replaces the treatment's share.", None)
    recovery: ByMetal[Share] | None = describe_field("Replaces the whole recovery.", None)


class Treatment(Entry):
    """Pre-processing before the smelter."""

    cost: DevicePerTonne = describe_field("Cost of a tonne of devices.", ZERO_QUANTITY)
    to_smelter: Share = describe_field("Share of the treated tonne that is smelted.", ONE_QUANTITY)
    recovery: ByMetal[Share] = describe_field(
        "Share of the metal in what is smelted: by metal, then default, then 0.", ONE_QUANTITY
    )
    residue_value: PerTonne = describe_field("Worth of a tonne not sent on; negative where it costs.", ZERO_QUANTITY)
    capacity: PerPeriod[Tonnes] = describe_field("Greatest input in each period.", NO_LIMIT)
    accepts: Listed[Device_] | None = describe_field("Devices treated; left out: every one.", None)
    regions: Listed[AnyName] | None = describe_field("Regions served; left out: every one.", None)
    devices: Named[Device_, Override] = describe_field("What differs for single devices.", {})
    footprint: CarbonPerTonne = describe_field("Footprint of a tonne of devices.", ZERO_QUANTITY)
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the recovery.", None)
    payer: AnyName | None = describe_field("Party that pays treatment and residue.", None)


SettlementLot = Annotated[str, TextField(words=("route", "pooled"))]


class Line(Entry):
    """One line of a smelter's schedule of feeds; what it leaves out is the smelter's."""

    devices: Listed[Device_] | None = describe_field("Devices of this feed; left out: all.", None)
    treatments: Listed[Treatment_] | None = describe_field("Treatments of this feed; left out: all.", None)
    treatment_charge: PerTonne | None = describe_field("Charge for a tonne of feed.", None)
    refining_charge: ByMetal[PerKilogram] | None = describe_field("Charge for a kilogram returned.", None)
    returned: ByMetal[Share] | None = describe_field("Metal return.", None)
    deduction: ByMetal[Deduction] | None = describe_field("Metal of a tonne of feed that is never returned.", None)
    pays: Amounts[Metal_, PerPeriod[PerKilogram]] = describe_field("Price for metal left with the smelter.", {})
    settlement_lot: SettlementLot | None = describe_field("What is settled as one lot.", None)


class Smelter(Entry):
    """A smelter, its terms and its capacity."""

    treatment_charge: PerTonne = describe_field("Charge for a tonne of feed.", ZERO_QUANTITY)
    refining_charge: ByMetal[PerKilogram] = describe_field("Charge for a kilogram returned.", ZERO_QUANTITY)
    returned: ByMetal[Share] = describe_field("Metal return; not named: none.", ZERO_QUANTITY)
    deduction: ByMetal[Deduction] = describe_field("Metal of a tonne of feed that is never returned.", ZERO_QUANTITY)
    pays: Amounts[Metal_, PerPeriod[PerKilogram]] = describe_field(
        "Price for metal left with the smelter, where `surplus` is the smelter's.", {}
    )
    settlement_lot: SettlementLot = describe_field(
        "What is settled as one lot: a `route`, or `pooled` all of a line.", "route"
    )
    terms: Named[AnyName, Line] | None = describe_field(
        "Schedule of feeds; a feed that no line names is not accepted.", None
    )
    capacity: PerPeriod[Tonnes] = describe_field("Greatest feed in each period.", NO_LIMIT)
    committed: Tonnes = describe_field("Least feed over the horizon.", ZERO_QUANTITY)
    limit: Tonnes = describe_field("Greatest feed over the horizon.", NO_LIMIT)
    lead: ByMetal[Lead] = describe_field("Periods from shipment to metal on the account.", 0)
    accepts: Listed[Device_] | None = describe_field("Devices accepted; left out: every one.", None)
    footprint: CarbonPerTonne = describe_field("Footprint of a tonne of feed.", ZERO_QUANTITY)
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the return.", None)


class Lane(Entry):
    """The way from a region to a smelter."""

    region: AnyName = describe_field("Where it begins.")
    smelter: Smelter_ = describe_field("Where it ends.")
    distance: Distance | None = describe_field("Length; `transport_rate` makes it a cost.", None)
    cost: PerTonne | None = describe_field("Instead of `distance`: cost of a tonne that arrives.", None)
    footprint: CarbonPerTonne = describe_field("Footprint of a tonne that arrives.", ZERO_QUANTITY)


class Table(Entry):
    """A table beside the instance."""

    table: FreeText = describe_field("Path of a CSV file, relative to the instance and below its folder.")
    encoding: Annotated[str | None, TextField(words=tuple(CODECS))] = describe_field(
        "Its encoding; left out: UTF-8, or else CP932, with a warning.", None
    )


class Offer(Entry):
    """Metal or alloy scrap that may be bought and charged."""

    composition: Amounts[Metal_, Share] = describe_field("Mass fractions; they sum to at most 100 %.")
    price: PerPeriod[PerKilogram] = describe_field("Price of a kilogram.")
    committed: Kilograms = describe_field("What must be bought over the horizon.", ZERO_QUANTITY)
    limit: Kilograms = describe_field("Greatest purchase over the horizon.", NO_LIMIT)
    recycled: Share = describe_field("Recycled fraction.", ZERO_QUANTITY)
    footprint: CarbonPerKilogram = describe_field("Footprint of a kilogram.", ZERO_QUANTITY)
    cv: Proportion | None = describe_field("Relative standard deviation of the price.", None)
    storable: YesOrNo = describe_field("Whether it may be bought in one period and charged in a later one.", False)
    lot: Kilograms | None = describe_field("Purchases of a period are whole lots.", None)
    minimum_order: Kilograms | None = describe_field("Purchases of a period are none or at least this.", None)


class Scrap(Entry):
    """Process scrap: what falls when an alloy is worked, and what becomes of it."""

    share: ShareBelowAll = describe_field("Share of what is cast that falls as scrap.", ZERO_QUANTITY)
    returned: Share = describe_field("Share of the scrap that is charged again.", ONE_QUANTITY)
    lead: ScrapLead = describe_field("Periods until it may be charged again.", 1)
    value: PerKilogram = describe_field("Worth of what is left at the end.", ZERO_QUANTITY)


class Alloy(Entry):
    """An alloy: its composition windows, losses and process scrap."""

    composition: Amounts[Metal_, Window[Share]] = describe_field("Least and greatest share of each metal it names.", {})
    others: Share | None = describe_field(
        "Greatest share of what is not named, offers' unnamed matter too; left out: 0.", None
    )
    loss: ShareBelowAll = describe_field("Melt loss.", ZERO_QUANTITY)
    capacity: PerPeriod[Kilograms] = describe_field("Most that can be cast in each period.", NO_LIMIT)
    holding: PerPeriod[HoldingCost] = describe_field(
        "Cost of a kilogram of castings in stock, for each period.", ZERO_QUANTITY
    )
    scrap: Scrap | None = describe_field("Process scrap.", None)


class Medal(Entry):
    """A kind of medal and how many are ordered."""

    count: Count = describe_field("Medals ordered.")
    due: FreeText | None = describe_field("Period by whose end the alloy is cast; left out: the last.", None)
    parts: Amounts[Alloy_, Kilograms] = describe_field("Mass of each alloy in one medal.")
    allowance: Proportion = describe_field("Metal that never comes back, per kilogram in the medal.", ZERO_QUANTITY)
    shortfall: Penalty = describe_field("Penalty of a medal that is not made; left out: all are made.", NO_LIMIT)


class Group(Entry):
    """A group of devices and its share of all tonnes sent."""

    devices: Listed[Device_] = describe_field("Devices of the group.")
    share: Window[Share] = describe_field("Least and greatest share.")


def _select_window_or_group(value: object) -> str:
    """Select the alternative: a window of one device, or a group of devices."""
    return BRANCH_MAPPING if isinstance(value, dict) else BRANCH_ONE


WindowOrGroup = Annotated[
    Annotated[Window[Share], Tag(BRANCH_ONE)] | Annotated[Group, Tag(BRANCH_MAPPING)],
    Discriminator(_select_window_or_group),
]
"""Window of a device type by name, or a group of device types with its window."""


class BundleMix(Entry):
    """A mix of what one bundle holds; what stands in no such bundle stays as it is."""

    bundle: FreeText = describe_field("Name of the bundle, in every region.")
    shares: Amounts[Device_, Share] = describe_field("Shares of its tonnes, by device.")


def _select_mix_or_bundle(value: object) -> str:
    """Select the alternative: a mix of all supply, or of one bundle."""
    return BRANCH_MAPPING if isinstance(value, dict) and isinstance(value.get("shares"), dict) else BRANCH_ONE


Mix = Annotated[
    Annotated[Amounts[Device_, Share], Tag(BRANCH_ONE)] | Annotated[BundleMix, Tag(BRANCH_MAPPING)],
    Discriminator(_select_mix_or_bundle),
]
"""Shares of all tonnes offered, by device type, or of those of one bundle."""


class Concentration(Entry):
    """The greatest share of all feed, of all tonnes sent and of all metal bought that one partner may have."""

    smelters: Share | None = describe_field("Greatest share of all feed that one smelter receives.", None)
    regions: Share | None = describe_field("Greatest share of all tonnes sent that one region supplies.", None)
    offers: Share | None = describe_field("Greatest share of all metal bought, by mass, from one offer.", None)


class Policy(Entry):
    """What the plan must respect beside need and supply."""

    recycled: Amounts[Metal_, Share] = describe_field("Floor on the recycled share of what is charged.", {})
    device_share: Named[AnyName, WindowOrGroup] = describe_field("Windows on a device's or group's share.", {})
    participation: Share | None = describe_field("Least share of its offer that each region sends.", None)
    footprint_cap: CarbonTonnes | None = describe_field("Greatest footprint.", None)
    concentration: Concentration = describe_field("Greatest shares of one smelter, region or offer.", Concentration())
    confidence: ByMetal[Share] | None = describe_field(
        "Least probability that the metal suffices at every deadline, by metal; 50 % or more.", None
    )
    joint_confidence: Share | None = describe_field(
        "Least probability that every metal suffices at every deadline; 50 % or more.", None
    )


class Payers(Entry):
    """Which party bears each kind of cost, or receives the revenue."""

    default: AnyName | None = describe_field("What no other entry names; left out: `project`.", None)
    supply: AnyName | None = describe_field("Price paid to suppliers.", None)
    collection: AnyName | None = describe_field("Collection.", None)
    treatment: AnyName | None = describe_field("Treatment before the smelter.", None)
    transport: AnyName | None = describe_field("Transport to the smelter.", None)
    smelting: AnyName | None = describe_field("Treatment charges of the smelters.", None)
    refining: AnyName | None = describe_field("Refining charges.", None)
    residue: AnyName | None = describe_field("Residues, cost or revenue.", None)
    storage: AnyName | None = describe_field("Stockpiles of devices.", None)
    purchases: AnyName | None = describe_field("Metal and scrap bought.", None)
    holding: AnyName | None = describe_field("Holding of metal and castings.", None)
    by_products: AnyName | None = describe_field("Receives the revenue for surplus metal.", None)
    scrap: AnyName | None = describe_field("Receives the value of process scrap left.", None)
    shortfall: AnyName | None = describe_field("Penalties of medals that are not made.", None)


class Party(Entry):
    """Whom an order is addressed to."""

    legal_name: FreeText | None = describe_field("Name in law.", None)
    address: FreeText | None = describe_field("Postal address.", None)
    contract: FreeText | None = describe_field("Number of the contract.", None)
    deliver_to: FreeText | None = describe_field("Place of delivery.", None)
    incoterm: FreeText | None = describe_field("Delivery term, such as FCA.", None)
    payment: FreeText | None = describe_field("Terms of payment.", None)
    terms: FreeText | None = describe_field("Further terms.", None)


JURISDICTIONS = ("international", "JP")
"""Jurisdictions whose compliance documents are known; `international`: those that do not depend on a country."""


class Project(Entry):
    """The buyer, and what its orders and budgets depend on."""

    buyer: FreeText | None = describe_field("Who orders: legal name and address; printed on every order.", None)
    fiscal_year_start: Annotated[int, IntegerField(1, 12)] = describe_field(
        "Month in which the fiscal year begins, 1 to 12; left out: January.", 1
    )
    jurisdiction: Annotated[str, TextField(words=JURISDICTIONS)] = describe_field(
        "Country whose compliance documents apply; left out: the international list.", "international"
    )
    incoterm: FreeText | None = describe_field("Delivery term of every party without its own, such as FCA.", None)
    tax: FreeText | None = describe_field("Tax clause, printed on every order.", None)


class SupplyCorrelation(Entry):
    """Correlation between the supply of two streams; the parts that apply to a pair add up."""

    region: Share = describe_field("Added for streams of one region.", ZERO_QUANTITY)
    device: Share = describe_field("Added for streams of one device type.", ZERO_QUANTITY)
    all: Share = describe_field("Correlation of any two streams.", ZERO_QUANTITY)


class Document(Entry):
    """An instance of medalopt: devices, smelters, market, alloys and medals of one planning problem."""

    format: Annotated[str, TextField(words=("medalopt/1",))] = describe_field("The format and its version.")
    name: Annotated[str, TextField("[a-z0-9_-]{1,100}", "small letters, digits, `_` and `-`")] = describe_field(
        "A short name."
    )
    title: FreeText | None = describe_field("What people call it.", None)
    project: Project | None = describe_field("Buyer, fiscal year and jurisdiction of orders and budgets.", None)
    currency: Currency = describe_field("The currency of all money without a code, by ISO 4217.")
    exchange: Amounts[Currency, Rate] = describe_field("What one unit of another currency is worth.", {})
    periods: Periods = describe_field("The horizon; left out: one period.", Periods())
    metals: Named[AnyName, Metal] = describe_field("Metals, by symbol.")
    devices: Named[AnyName, Device] = describe_field("Device types and their assay.", {})
    streams: SkipValidation[list[Stream] | Table | None] = describe_field("Who offers what.", None)
    supply_correlation: SupplyCorrelation = describe_field(
        "Correlation between the supply of streams with a `cv`.", SupplyCorrelation()
    )
    distribution: Annotated[str, TextField(words=DISTRIBUTIONS)] = describe_field(
        "Distribution of what has a `cv`.", DISTRIBUTIONS[0]
    )
    treatments: Named[AnyName, Treatment] | None = describe_field(
        "Pre-processing; left out: `whole`, which does nothing.", None
    )
    smelters: Named[AnyName, Smelter] | None = describe_field("Smelters and their terms.", None)
    lanes: SkipValidation[list[Lane] | Table | None] = describe_field(
        "Region to smelter; left out: every pair, free.", None
    )
    transport_rate: TransportRate | None = describe_field(
        "Cost of a tonne-kilometre where a lane gives a distance.", None
    )
    market: Named[AnyName, Offer] = describe_field("Metal or alloy scrap that may be bought.", {})
    alloys: Named[AnyName, Alloy] = describe_field("Alloys and their composition windows.")
    medals: Named[AnyName, Medal] = describe_field("Medals ordered.")
    policy: Policy = describe_field("What the plan must respect.", Policy())
    mixes: Named[AnyName, Mix] = describe_field("Named shares of devices, for sensitivity.", {})
    scenarios: Named[AnyName, dict[str, Any]] = describe_field("Named sets of changes, path to value.", {})
    payers: Payers = describe_field("Who pays which kind of cost.", Payers())
    parties: Named[AnyName, Party] = describe_field("Regions, smelters and offers as parties of a contract.", {})
