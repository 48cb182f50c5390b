"""Parties to the plan in the instance file: who bears which cost, to whom orders are addressed, and the buyer."""

from __future__ import annotations

from typing import Annotated

from medalopt.instance.schema.containers import Entry, Listed, PerPeriod, describe_field
from medalopt.instance.schema.field_types import AnyName, Charge, FreeText, IntegerField, TextField


class Payers(Entry):
    """Party that bears each kind of cost or receives the revenue."""

    default: AnyName | None = describe_field("Party of all other kinds; default: `project`.", None)
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
    by_products: AnyName | None = describe_field("Revenue for surplus metal, fractions and castings sold.", None)
    scrap: AnyName | None = describe_field("Receives the value of remaining process scrap.", None)
    shortfall: AnyName | None = describe_field("Penalties of medals that are not made.", None)


class Transfer(Entry):
    """Payment of one party to another: a cost of the one, a revenue of the other, and no cost of the whole."""

    payer: AnyName = describe_field("Party that pays.")
    receiver: AnyName = describe_field("Party that is paid.")
    per: FreeText = describe_field(
        "What it is paid for: `streams.NAME` per tonne shipped, `treatments.NAME` per tonne treated, `smelters.NAME` "
        "per tonne of feed, or `metals.NAME` for metal returned; `*` stands for any text."
    )
    price: PerPeriod[Charge] = describe_field("Price, money/t, also of metals.")


PARTY_ROLES = ("collector", "operator", "carrier", "smelter", "mint", "seller", "buyer")
"""Roles of parties: who collects, treats, carries, smelts, strikes, sells and buys."""


class Party(Entry):
    """Contract data of a party to whom orders are addressed."""

    role: Annotated[str, TextField(words=PARTY_ROLES)] | None = describe_field(
        "Role; default: that of the region, smelter or offer of its name.", None
    )
    regions: Listed[AnyName] | None = describe_field(
        "Regions of a collector, operator or carrier; default: all that no other names.", None
    )
    smelters: Listed[AnyName] | None = describe_field("Smelters that a firm runs; default: the one of its name.", None)
    offers: Listed[AnyName] | None = describe_field("Offers of a seller; default: the one of its name.", None)
    legal_name: FreeText | None = describe_field("Legal name.", None)
    address: FreeText | None = describe_field("Postal address.", None)
    country: Annotated[str, TextField("[A-Z]{2}", "two capital letters (ISO 3166)")] | None = describe_field(
        "Country, such as JP.", None
    )
    contract: FreeText | None = describe_field("Contract number.", None)
    licence: FreeText | None = describe_field("Waste licence, with its number and limits.", None)
    deliver_to: FreeText | None = describe_field("Place of delivery.", None)
    incoterm: FreeText | None = describe_field("Delivery term with place and edition, such as FCA Sendai.", None)
    payment: FreeText | None = describe_field("Payment terms.", None)
    title_risk: FreeText | None = describe_field("When title and risk pass.", None)
    data_destruction: FreeText | None = describe_field("Erasure or destruction of data, and its certificate.", None)
    batteries: FreeText | None = describe_field("Removal and packing of batteries.", None)
    moisture: FreeText | None = describe_field("Moisture: how it is found, and the most that is accepted.", None)
    sampling: FreeText | None = describe_field("Weighing and sampling of a lot, and who attends.", None)
    assay: FreeText | None = describe_field("Exchange of assays.", None)
    splitting_limit: FreeText | None = describe_field("Difference of assays up to which the mean is settled.", None)
    umpire: FreeText | None = describe_field("Umpire laboratory, and who bears its cost.", None)
    settlement: FreeText | None = describe_field("Days from receipt to settlement.", None)
    return_form: FreeText | None = describe_field("Form in which metal is returned, such as LBMA bars.", None)
    price_basis: FreeText | None = describe_field(
        "Price basis, such as the monthly mean of the LME and a premium.", None
    )
    grade: FreeText | None = describe_field("Brand or grade, such as SHG 99.995.", None)
    certificate: FreeText | None = describe_field("Certificates that come with the metal.", None)
    chain_of_custody: FreeText | None = describe_field("Chain of custody, such as RJC CoC with its number.", None)
    terms: FreeText | None = describe_field("Further terms.", None)


JURISDICTIONS = ("international", "JP")
"""Jurisdictions whose compliance documents are known; `international`: those that do not depend on a country."""


class Project(Entry):
    """Buyer, fiscal year and jurisdiction for orders and budgets."""

    buyer: FreeText | None = describe_field("Buyer: legal name and address, printed on every order.", None)
    fiscal_year_start: Annotated[int, IntegerField(1, 12)] = describe_field(
        "First month of the fiscal year, 1 to 12; default: January.", 1
    )
    jurisdiction: Annotated[str, TextField(words=JURISDICTIONS)] = describe_field(
        "Jurisdiction whose compliance documents apply; default: the international list.", "international"
    )
    incoterm: FreeText | None = describe_field("Incoterm of every party without its own, such as FCA.", None)
    tax: FreeText | None = describe_field("Tax clause, printed on every order.", None)
