"""The instance file, section by section, as pydantic models; their descriptions are printed by `medalopt schema`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, SkipValidation, Tag

from medalopt.instance.reader.files import CODECS
from medalopt.instance.schema.containers import (
    BRANCH_MAPPING,
    BRANCH_ONE,
    Amounts,
    ByElement,
    ByMetal,
    Entry,
    Listed,
    Named,
    OneOrMore,
    PerPeriod,
    PerPeriodOrSteps,
    Window,
    describe_field,
    refuse_step_list,
    select_one_or_mapping,
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
    Charge,
    ContentStep,
    Count,
    Currency,
    Deduction,
    Device_,
    DeviceCarbon,
    DevicePerTonne,
    DeviceTonnes,
    Distance,
    Element_,
    FeedContent,
    FixedCharge,
    FreeText,
    HeatMass,
    HoldingCost,
    IntegerField,
    Kilograms,
    Lead,
    Metal_,
    Number,
    Offer_,
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
    StepKilograms,
    StepTonnes,
    TextField,
    Tonnes,
    TransportRate,
    Treatment_,
    YesOrNo,
)
from medalopt.instance.schema.parties import Party, Payers, Project, Transfer

DISTRIBUTIONS = ("lognormal", "normal")  # the first is the default
SURPLUS_TITLES = ("project", "smelter")  # the first is the default


class Periods(Entry):
    """Planning horizon: consecutive periods of equal length."""

    start: Annotated[str | None, TextField(r"[0-9]{4}-(0[1-9]|1[0-2])", "a month such as 2017-04")] = describe_field(
        "First month; default: periods are numbered from 1.", None
    )
    count: Annotated[int, IntegerField(1, 1_000)] = describe_field("Number of periods; default: 1.", 1)
    length: Annotated[str, TextField(words=("month", "quarter", "year"))] = describe_field(
        "Length of a period.", "month"
    )


class Metal(Entry):
    """A metal: sale of surplus, holding cost and opening stock."""

    title: FreeText | None = describe_field("Display name; default: the symbol.", None)
    sell: PerPeriod[PerKilogram] = describe_field(
        "Sale price of surplus metal, money/kg; negative: disposal cost.", ZERO_QUANTITY
    )
    surplus: Annotated[str, TextField(words=SURPLUS_TITLES)] = describe_field(
        "Whose metal beyond need is: the `project`'s, or left with the `smelter`, who `pays` for it.", SURPLUS_TITLES[0]
    )
    holding: PerPeriod[HoldingCost] = describe_field(
        "Holding cost of metal in stock, money/kg per period.", ZERO_QUANTITY
    )
    opening_stock: Kilograms = describe_field("Stock before the first period, kg; counts as recycled.", ZERO_QUANTITY)
    reserve: Lead = describe_field("Periods of coming need in stock at the end of each period; default: 0.", 0)


class Impurity(Entry):
    """An element that costs money or is refused; never part of an alloy or of the metal account."""

    title: FreeText | None = describe_field("Display name; default: the symbol.", None)


class Device(Entry):
    """A device type: assay of a dry tonne, and its uncertainty."""

    unit_mass: PieceMass | None = describe_field("Mass of one device, kg; required for values per unit.", None)
    content: Amounts[Element_, Assay] = describe_field(
        "Assay, kg per dry tonne, by metal or impurity; not named: 0.", {}
    )
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the assay, by metal.", None)
    correlation: Share | None = describe_field("Correlation between the assays of two metals of the device.", None)


class Storage(Entry):
    """Stockpile of a stream for tonnes supplied and not yet shipped."""

    limit: DeviceTonnes = describe_field("Capacity of the stockpile, t; default: unlimited.", NO_LIMIT)
    cost: DevicePerTonne = describe_field(
        "Storage cost, money/t per period; negative if the supplier pays for storage.", ZERO_QUANTITY
    )


class StreamPriceStep(Entry):
    """Price of a stream up to a quantity."""

    up_to: StepTonnes | None = describe_field(
        "Quantity over the horizon up to which the price holds, t; of the last step: the limit, default: none.", None
    )
    price: DevicePerTonne = describe_field("Price paid to the supplier, money/t.")


class Stream(Entry):
    """Supply of one device type by one region."""

    name: AnyName | None = describe_field("Name in paths and plans; default: device@region.", None)
    device: Device_ = describe_field("Device type.")
    region: AnyName = describe_field("Region of the supplier.")
    bundle: AnyName | None = describe_field(
        "Bundle: its streams in a region are taken in the proportion offered.", None
    )
    available: PerPeriod[DeviceTonnes] | None = describe_field("Supply in each period, t.", None)
    total: DeviceTonnes | None = describe_field(
        "Supply over the horizon, t, spread evenly over the periods; instead of `available`.", None
    )
    price: PerPeriodOrSteps[DevicePerTonne, StreamPriceStep] = describe_field(
        "Price paid to the supplier, money/t; negative if the supplier pays. Or steps by quantity over the horizon.",
        ZERO_QUANTITY,
    )
    collection: PerPeriod[DevicePerTonne] = describe_field("Collection cost, money/t.", ZERO_QUANTITY)
    committed: DeviceTonnes = describe_field("Commitment: least tonnes taken over the horizon, t.", ZERO_QUANTITY)
    credited: ByMetal[Share] | None = describe_field(
        "Share of the returned metal credited to the project; default: 100 %.", None
    )
    storage: Storage | None = describe_field("Stockpile for tonnes not yet shipped; default: none.", None)
    footprint: DeviceCarbon = describe_field("Footprint of collection, kg CO2e/t.", ZERO_QUANTITY)
    lot: DeviceTonnes | None = describe_field("Lot size, t: shipments of a period are a multiple of it.", None)
    minimum_order: DeviceTonnes | None = describe_field(
        "Minimum order, t: shipments of a period are 0 or at least this.", None
    )
    fixed_charge: FixedCharge = describe_field("Paid once if anything is taken, money.", ZERO_QUANTITY)
    cv: Proportion | None = describe_field("Relative standard deviation of the tonnes supplied.", None)
    payer: AnyName | None = describe_field(
        "Party that bears price, collection, storage and fixed charge of the stream.", None
    )


class TreatmentFraction(Entry):
    """One of several products of a treatment, such as boards or cables."""

    share: Share = describe_field("Share of the input mass.")
    recovery: ByElement[Share] = describe_field(
        "Recovery: share of the metal or impurity that is in the fraction; not named: `default`, else 0.", ZERO_QUANTITY
    )
    sold: PerPeriod[PerTonne] | None = describe_field(
        "Price, money per tonne of the fraction, at which it is sold; default: it goes to a smelter.", None
    )


class Override(Entry):
    """Exceptions of a treatment for one device."""

    cost: PerPeriod[DevicePerTonne] | None = describe_field("Cost for this device, money/t.", None)
    to_smelter: Share | None = describe_field("Share of its tonnes sent to the smelter.", None)
    recovery: ByElement[Share] | None = describe_field(
        "Recovery for this device; replaces that of the treatment for all metals and impurities.", None
    )
    fractions: Named[AnyName, TreatmentFraction] | None = describe_field(
        "Fractions of this device; replace all of the treatment.", None
    )


class Treatment(Entry):
    """Treatment of devices before the smelter."""

    cost: PerPeriod[DevicePerTonne] = describe_field("Treatment cost, money per tonne of devices.", ZERO_QUANTITY)
    to_smelter: Share = describe_field("Share of the input mass sent to the smelter.", ONE_QUANTITY)
    recovery: ByElement[Share] = describe_field(
        "Recovery: share of the metal or impurity that reaches the smelter; not named: `default`, else 0.", ONE_QUANTITY
    )
    fractions: Named[AnyName, TreatmentFraction] | None = describe_field(
        "Several products, each with a smelter of its own or sold; in place of `to_smelter` and `recovery`.", None
    )
    residue_value: PerTonne = describe_field("Value of the residue, money/t; negative: disposal cost.", ZERO_QUANTITY)
    capacity: PerPeriod[Tonnes] = describe_field("Capacity: greatest input in each period, t.", NO_LIMIT)
    accepts: Listed[Device_] | None = describe_field("Device types accepted; default: all.", None)
    regions: Listed[AnyName] | None = describe_field("Regions served; default: all.", None)
    devices: Named[Device_, Override] = describe_field("Values that differ for single device types.", {})
    footprint: CarbonPerTonne = describe_field("Footprint, kg CO2e per tonne of devices.", ZERO_QUANTITY)
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the recovery.", None)
    fixed_charge: FixedCharge = describe_field("Paid once if anything is treated, money.", ZERO_QUANTITY)
    payer: AnyName | None = describe_field("Party that bears the cost of treatment and residue.", None)


class PenaltyStep(Entry):
    """Penalty per tonne of feed, in proportion to its content above a threshold."""

    above: FeedContent = describe_field("Content of the feed above which it is charged, kg/t.", ZERO_QUANTITY)
    charge: PerPeriod[Charge] = describe_field("Charge, money per tonne of feed, for each `per` above.")
    per: ContentStep = describe_field("Content that is charged once, kg/t; pro rata.")


Penalties = Amounts[Element_, OneOrMore[PenaltyStep]]
"""Penalty of each element, one or several."""

SettlementLot = Annotated[str, TextField(words=("route", "pooled"))]


class Line(Entry):
    """Terms of a smelter for one class of feed; missing values are those of the smelter."""

    devices: Listed[Device_] | None = describe_field("Device types of this feed; default: all.", None)
    treatments: Listed[Treatment_] | None = describe_field("Treatments of this feed; default: all.", None)
    fractions: Listed[AnyName] | None = describe_field(
        "Fractions of this feed; default: all, and feed of treatments without fractions.", None
    )
    treatment_charge: PerPeriod[PerTonne] | None = describe_field("Treatment charge, money per tonne of feed.", None)
    refining_charge: ByMetal[PerPeriod[PerKilogram]] | None = describe_field(
        "Refining charge, money per kilogram returned.", None
    )
    returned: ByMetal[Share] | None = describe_field(
        "Accountability: share of the metal in the feed that is returned.", None
    )
    deduction: ByMetal[Deduction] | None = describe_field("Minimum deduction, kg of metal per tonne of feed.", None)
    pays: Amounts[Metal_, PerPeriod[PerKilogram]] = describe_field(
        "Price for metal left with the smelter; negative: charge for keeping it.", {}
    )
    settlement_lot: SettlementLot | None = describe_field(
        "Settlement lot: one `route`, or all feed of the line (`pooled`).", None
    )
    minimum_lot: Tonnes | None = describe_field("Feed of the line in a period is 0 or at least this, t.", None)
    lot_charge: FixedCharge | None = describe_field("Paid in every period in which the line is fed, money.", None)
    refuse: Amounts[Element_, FeedContent] | None = describe_field("Greatest content of feed accepted, kg/t.", None)
    penalties: Penalties | None = describe_field("Penalties on the content of the feed.", None)


class Smelter(Entry):
    """A smelter: terms, capacity and lead times."""

    treatment_charge: PerPeriod[PerTonne] = describe_field("Treatment charge, money per tonne of feed.", ZERO_QUANTITY)
    refining_charge: ByMetal[PerPeriod[PerKilogram]] = describe_field(
        "Refining charge, money per kilogram returned.", ZERO_QUANTITY
    )
    returned: ByMetal[Share] = describe_field(
        "Accountability: share of the metal in the feed that is returned; metals not named: 0.", ZERO_QUANTITY
    )
    deduction: ByMetal[Deduction] = describe_field("Minimum deduction, kg of metal per tonne of feed.", ZERO_QUANTITY)
    pays: Amounts[Metal_, PerPeriod[PerKilogram]] = describe_field(
        "Price for metal left with the smelter, where `surplus` is the smelter's; negative: charge for keeping it.", {}
    )
    settlement_lot: SettlementLot = describe_field(
        "Settlement lot: one `route`, or all feed of a line of terms (`pooled`).", "route"
    )
    minimum_lot: Tonnes = describe_field("Feed of a line of terms in a period is 0 or at least this, t.", ZERO_QUANTITY)
    lot_charge: FixedCharge = describe_field(
        "Paid for every line of terms and period in which it is fed, money.", ZERO_QUANTITY
    )
    fixed_charge: FixedCharge = describe_field("Paid once if the smelter is fed at all, money.", ZERO_QUANTITY)
    refuse: Amounts[Element_, FeedContent] = describe_field(
        "Greatest content of feed accepted, kg/t, by metal or impurity; feed above is refused.", {}
    )
    penalties: Penalties = describe_field("Penalties on the content of the feed, by metal or impurity.", {})
    limits: Amounts[Element_, FeedContent] = describe_field(
        "Greatest mean content of all feed of a period, kg/t, by metal or impurity.", {}
    )
    terms: Named[AnyName, Line] | None = describe_field(
        "Terms by class of feed; feed without a line is not accepted.", None
    )
    capacity: PerPeriod[Tonnes] = describe_field("Capacity: greatest feed in each period, t.", NO_LIMIT)
    committed: Tonnes = describe_field("Commitment: least feed over the horizon, t.", ZERO_QUANTITY)
    limit: Tonnes = describe_field("Greatest feed over the horizon, t.", NO_LIMIT)
    lead: ByMetal[Lead] = describe_field("Lead time: periods from shipment to metal on the account.", 0)
    accepts: Listed[Device_] | None = describe_field("Device types accepted; default: all.", None)
    footprint: CarbonPerTonne = describe_field("Footprint, kg CO2e per tonne of feed.", ZERO_QUANTITY)
    cv: ByMetal[Proportion] | None = describe_field("Relative standard deviation of the metal returned.", None)


class Lane(Entry):
    """Transport lane from a region to a smelter."""

    region: AnyName = describe_field("Region of origin.")
    smelter: Smelter_ = describe_field("Smelter of destination.")
    distance: Distance | None = describe_field(
        "Distance, km; its cost is `transport_rate` per tonne and kilometre.", None
    )
    cost: PerTonne | None = describe_field("Transport cost, money per tonne shipped; instead of `distance`.", None)
    footprint: CarbonPerTonne = describe_field("Footprint, kg CO2e per tonne shipped.", ZERO_QUANTITY)


class Table(Entry):
    """Reference to a table in a CSV file."""

    table: FreeText = describe_field("Path of a CSV file, relative to the instance and below its folder.")
    encoding: Annotated[str | None, TextField(words=tuple(CODECS))] = describe_field(
        "Encoding; default: UTF-8, else CP932 with a warning.", None
    )


class OfferStorage(Entry):
    """Storage of an offer that is bought into stock."""

    limit: PerPeriod[Kilograms] = describe_field("Greatest stock at the end of each period, kg.", NO_LIMIT)


class OfferPriceStep(Entry):
    """Price of an offer up to a quantity."""

    up_to: StepKilograms | None = describe_field(
        "Quantity over the horizon up to which the price holds, kg; of the last step: the limit, default: none.", None
    )
    price: Annotated[PerKilogram, BeforeValidator(refuse_step_list)] = describe_field("Price, money/kg.")


class Offer(Entry):
    """An offer of metal or alloy scrap on the market."""

    composition: Amounts[Metal_, Share] = describe_field("Mass fractions; their sum is at most 100 %.")
    price: PerPeriodOrSteps[PerKilogram, OfferPriceStep] = describe_field(
        "Price, money/kg; or steps by quantity over the horizon."
    )
    committed: Kilograms = describe_field("Commitment: least purchase over the horizon, kg.", ZERO_QUANTITY)
    limit: Kilograms = describe_field("Greatest purchase over the horizon, kg.", NO_LIMIT)
    recycled: Share = describe_field("Recycled share of the offer.", ZERO_QUANTITY)
    footprint: CarbonPerKilogram = describe_field("Footprint, kg CO2e/kg.", ZERO_QUANTITY)
    cv: Proportion | None = describe_field("Relative standard deviation of the price.", None)
    storable: YesOrNo = describe_field("Purchases may be stored and charged in later periods.", False)
    storage: OfferStorage | None = describe_field("Storage of a storable offer; default: unlimited.", None)
    opening_stock: Kilograms = describe_field(
        "Stock of a storable offer before the first period, kg; paid already.", ZERO_QUANTITY
    )
    closing_stock: Kilograms = describe_field(
        "Least stock of a storable offer at the end of the last period, kg.", ZERO_QUANTITY
    )
    option: HoldingCost | None = describe_field(
        "Premium of the right to buy, money/kg; read by two-stage plans alone.", None
    )
    lot: Kilograms | None = describe_field("Lot size, kg: purchases of a period are a multiple of it.", None)
    minimum_order: Kilograms | None = describe_field(
        "Minimum order, kg: purchases of a period are 0 or at least this.", None
    )
    fixed_charge: FixedCharge = describe_field("Paid once if anything is bought, money.", ZERO_QUANTITY)


class Scrap(Entry):
    """Process scrap of an alloy: amount, return to the melt and value."""

    share: ShareBelowAll = describe_field("Share of castings that becomes process scrap.", ZERO_QUANTITY)
    returned: Share = describe_field("Share of the scrap that can be charged again.", ONE_QUANTITY)
    lead: ScrapLead = describe_field("Periods before it can be charged again.", 1)
    value: PerKilogram = describe_field("Value of scrap remaining at the end of the horizon, money/kg.", ZERO_QUANTITY)


class ChargeLimit(Entry):
    """Limit on the offers charged to an alloy together in a period."""

    offers: Listed[Offer_] = describe_field("Offers that it limits.")
    most: PerPeriod[Kilograms] = describe_field("Greatest charge of these offers together in each period, kg.")


class Alloy(Entry):
    """An alloy: composition limits, melt loss, capacity and process scrap."""

    composition: Amounts[Metal_, Window[Share]] = describe_field("Least and greatest mass fraction by metal.", {})
    others: Share | None = describe_field(
        "Greatest share of all other metals and unnamed matter of offers; default: 0.", None
    )
    loss: ShareBelowAll = describe_field("Melt loss, share of the charge.", ZERO_QUANTITY)
    capacity: PerPeriod[Kilograms] = describe_field("Casting capacity in each period, kg.", NO_LIMIT)
    holding: PerPeriod[HoldingCost] = describe_field(
        "Holding cost of castings in stock, money/kg per period.", ZERO_QUANTITY
    )
    sell: PerPeriod[PerKilogram] = describe_field(
        "Sale price of the castings that medals take, money/kg, in the period of casting; negative: cost of casting.",
        ZERO_QUANTITY,
    )
    heat: HeatMass | None = describe_field(
        "Greatest charge of one heat, kg, for the melt cards; default: heats are not distinguished.", None
    )
    scrap: Scrap | None = describe_field("Process scrap.", None)
    limits: Named[AnyName, ChargeLimit] = describe_field("Limits on groups of offers charged to it, by name.", {})


class Medal(Entry):
    """A type of medal: number, due date and parts."""

    count: Count = describe_field("Number of medals.")
    due: FreeText | None = describe_field("Due period: the alloy is cast by its end; default: the last period.", None)
    parts: Amounts[Alloy_, Kilograms] = describe_field("Mass of each alloy in one medal, kg.")
    allowance: Proportion = describe_field(
        "Allowance for metal lost in manufacture, kg per kilogram in the medal.", ZERO_QUANTITY
    )
    shortfall: Penalty = describe_field(
        "Penalty for a medal that is not made, money; default: all medals must be made.", NO_LIMIT
    )


class Group(Entry):
    """A group of device types and its share of all tonnes shipped."""

    devices: Listed[Device_] = describe_field("Device types of the group.")
    share: Window[Share] = describe_field("Least and greatest share of all tonnes shipped.")


WindowOrGroup = Annotated[
    Annotated[Window[Share], Tag(BRANCH_ONE)] | Annotated[Group, Tag(BRANCH_MAPPING)],
    Discriminator(select_one_or_mapping),
]
"""Window of a device type by name, or a group of device types with its window."""


class BundleMix(Entry):
    """Device mix of one bundle; supply outside it is unchanged."""

    bundle: FreeText = describe_field("Bundle, in every region.")
    shares: Amounts[Device_, Share] = describe_field("Share of each device type in its tonnes.")


def _select_mix_or_bundle(value: object) -> str:
    """Select the alternative: a mix of all supply, or of one bundle."""
    return BRANCH_MAPPING if isinstance(value, dict) and isinstance(value.get("shares"), dict) else BRANCH_ONE


Mix = Annotated[
    Annotated[Amounts[Device_, Share], Tag(BRANCH_ONE)] | Annotated[BundleMix, Tag(BRANCH_MAPPING)],
    Discriminator(_select_mix_or_bundle),
]
"""Shares of all tonnes offered, by device type, or of those of one bundle."""


class Concentration(Entry):
    """Concentration limits: greatest share of one smelter, region or offer."""

    smelters: Share | None = describe_field("Greatest share of one smelter in all feed.", None)
    regions: Share | None = describe_field("Greatest share of one region in all tonnes shipped.", None)
    offers: Share | None = describe_field("Greatest share of one offer in all metal bought, by mass.", None)


class Policy(Entry):
    """Policy constraints of the plan."""

    recycled: Amounts[Metal_, Share] = describe_field("Least recycled share of the metal charged, by metal.", {})
    device_share: Named[AnyName, WindowOrGroup] = describe_field(
        "Least and greatest share of a device type or group in all tonnes shipped.", {}
    )
    participation: Share | None = describe_field(
        "Participation: least share of its supply taken from every region.", None
    )
    footprint_cap: CarbonTonnes | None = describe_field("Footprint cap, t CO2e.", None)
    concentration: Concentration = describe_field("Concentration limits.", Concentration())
    confidence: ByMetal[Share] | None = describe_field(
        "Least probability that the metal suffices at every deadline, by metal; 50 % or more.", None
    )
    joint_confidence: Share | None = describe_field(
        "Least probability that every metal suffices at every deadline; 50 % or more.", None
    )
    uncertainty_budget: Number | None = describe_field(
        "Number of uncertain parameters that may be one standard deviation off at once; the metal suffices.", None
    )


class SupplyCorrelation(Entry):
    """Correlation between the supply of two streams: the sum of the terms that apply to the pair."""

    region: Share = describe_field("Term for streams of one region.", ZERO_QUANTITY)
    device: Share = describe_field("Term for streams of one device type.", ZERO_QUANTITY)
    all: Share = describe_field("Term for any two streams.", ZERO_QUANTITY)


class Document(Entry):
    """An instance: devices, smelters, market, alloys and medals of one planning problem."""

    format: Annotated[str, TextField(words=("medalopt/1",))] = describe_field("Format and version.")
    name: Annotated[str, TextField("[a-z0-9_-]{1,100}", "small letters, digits, `_` and `-`")] = describe_field(
        "Identifier."
    )
    title: FreeText | None = describe_field("Display name.", None)
    project: Project | None = describe_field("Buyer, fiscal year and jurisdiction of orders and budgets.", None)
    currency: Currency = describe_field("Currency of amounts without a code, by ISO 4217.")
    exchange: Amounts[Currency, Rate] = describe_field("Exchange rates: value of one unit of another currency.", {})
    periods: Periods = describe_field("Planning horizon; default: one period.", Periods())
    metals: Named[AnyName, Metal] = describe_field("Metals, by symbol.")
    impurities: Named[AnyName, Impurity] = describe_field(
        "Elements that cost money or are refused, by symbol; in no alloy and on no account.", {}
    )
    devices: Named[AnyName, Device] = describe_field("Device types and their assays.", {})
    streams: SkipValidation[list[Stream] | Table | None] = describe_field("Supply of devices.", None)
    supply_correlation: SupplyCorrelation = describe_field(
        "Correlation between the supply of streams with a `cv`.", SupplyCorrelation()
    )
    distribution: Annotated[str, TextField(words=DISTRIBUTIONS)] = describe_field(
        "Distribution of uncertain parameters (`cv`).", DISTRIBUTIONS[0]
    )
    treatments: Named[AnyName, Treatment] | None = describe_field(
        "Treatments before the smelter; default: `whole`, without effect and cost.", None
    )
    smelters: Named[AnyName, Smelter] | None = describe_field("Smelters and their terms.", None)
    lanes: SkipValidation[list[Lane] | Table | None] = describe_field(
        "Transport lanes; default: every pair of region and smelter, at no cost.", None
    )
    transport_rate: TransportRate | None = describe_field(
        "Transport rate of lanes with a `distance`, money per tonne and kilometre.", None
    )
    market: Named[AnyName, Offer] = describe_field("Offers of metal or alloy scrap.", {})
    alloys: Named[AnyName, Alloy] = describe_field("Alloys and their composition limits.")
    medals: Named[AnyName, Medal] = describe_field("Medals to be made.")
    policy: Policy = describe_field("Policy constraints.", Policy())
    mixes: Named[AnyName, Mix] = describe_field("Named device mixes, for sensitivity analysis.", {})
    scenarios: Named[AnyName, dict[str, Any]] = describe_field(
        "Named scenarios: new values by path, or {changes: new values by path, probability: share}.", {}
    )
    payers: Payers = describe_field("Party that bears each kind of cost.", Payers())
    transfers: Named[AnyName, Transfer] = describe_field("Payments of one party to another.", {})
    parties: Named[AnyName, Party] = describe_field(
        "Parties by role, and the contract data of regions, smelters and offers.", {}
    )
    firm: Listed[FreeText] = describe_field("Paths of parameters that no repair and no variation changes.", [])
