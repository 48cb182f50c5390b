"""Schema of saved plans: the required members and their types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from medalopt.plan.added_rows import SavedRow, SavedTerm, SavedVariable

Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """Base of all models of a saved plan: exact set of members, strict types, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Identity(Strict):
    """Identity of the instance: name, digests of its files, and digest of its parameters."""

    name: str
    files: dict[str, str]
    figures: str


class Objective(Strict):
    """Objective, its value and unit."""

    measure: Literal["cost", "footprint", "mass"]
    value: Number
    unit: str


class Claim(Strict):
    """Claimed certificate; verified, never trusted."""

    primal_violation: Number
    lower_bound: Number
    gap: Number
    arithmetic: str
    scope: str
    basis: str = ""
    exact_value: str | None = None
    search_bound: Number | None = None


class Dual(Strict):
    """Dual value of a constraint."""

    rule: str
    key: list[str]
    value: Number


class Shipment(Strict):
    """Tonnes of a stream sent on a route in a period."""

    stream: str
    device: str
    region: str
    treatment: str
    smelter: str | None
    period: str
    tonnes: Number
    cost: Number


class Stockpile(Strict):
    """Tonnes of a stream in stock at the end of a period."""

    stream: str
    period: str
    tonnes: Number


class Purchase(Strict):
    """Kilograms of an offer bought for an alloy in a period."""

    offer: str
    alloy: str
    period: str
    kg: Number
    cost: Number


class OfferStock(Strict):
    """Kilograms of an offer bought into stock, charged from it and left in a period."""

    offer: str
    period: str
    bought: Number
    charged: Number
    stock: Number
    cost: Number


class OfferCharge(Strict):
    """Kilograms of an offer charged from stock to an alloy in a period."""

    offer: str
    alloy: str
    period: str
    kg: Number


class Metal(Strict):
    """The account of a metal in a period, kg."""

    metal: str
    period: str
    returned: Number
    used: Number
    surplus: Number
    stock: Number


class Melt(Strict):
    """Kilograms of a metal (or `other`) charged to an alloy in a period."""

    alloy: str
    period: str
    metal: str
    kg: Number


class Cast(Strict):
    """Castings of an alloy in a period: charged, process scrap recharged, cast, kg."""

    alloy: str
    period: str
    charged: Number
    scrap: Number
    cast: Number


class Withheld(Strict):
    """Kilograms of metal withheld from a pooled lot, by settlement terms and period of shipment."""

    terms: str
    metal: str
    period: str
    kg: Number


class Price(Strict):
    """A marginal value."""

    path: str
    period: str | None
    value: Number
    unit: str
    meaning: str


class WholeLots(Strict):
    """Claimed cost of whole lots: above the best plan without them, and above the certified bound."""

    without: Number
    lower_bound: Number
    extra: Number
    above_bound: Number


Cell = str | Number | None


class SavedTable(Strict):
    """A table of the sourcing plan."""

    title: str
    says: str
    units: dict[str, str]
    rows: list[dict[str, Cell]]
    notes: list[str]


class SavedDocument(Strict):
    """An order of the sourcing plan."""

    kind: str
    number: str
    stamp: str
    missing: list[str]
    party: dict[str, str]
    terms: dict[str, str]
    lines: SavedTable
    notes: list[str]


class SavedSourcing(Strict):
    """Content that `medalopt plan` writes besides the plan."""

    title: str
    decision: list[str]
    tables: dict[str, SavedTable]
    documents: list[SavedDocument]
    foot: list[str]


class SavedPlan(Strict):
    """A plan as written: decisions, and claims derived from them."""

    format: Literal["medalopt/plan/1"]
    status: Literal["optimal", "feasible"]
    instance: Identity
    objective: Objective
    cost: dict[str, Number]
    footprint: Number
    tonnes: Number
    shipments: list[Shipment]
    stockpiles: list[Stockpile]
    purchases: list[Purchase]
    metals: list[Metal]
    melts: list[Melt]
    casts: list[Cast]
    offer_stock: list[OfferStock] = []
    offer_charges: list[OfferCharge] = []
    prices: list[Price]
    lots: WholeLots | None = None
    prices_at_lots: list[Price] = []
    withheld: list[Withheld] = []
    duals: list[Dual]
    added_rows: list[SavedRow] = []
    added_terms: list[SavedTerm] = []
    added_variables: list[SavedVariable] = []
    certificate: Claim
    solver: dict[str, str]
    sourcing: SavedSourcing | None = None
    digests: dict[str, str] = {}  # see `plan.digests`; absent in files of earlier versions


TABLES: dict[str, type[Strict]] = {
    "shipments": Shipment,
    "stockpiles": Stockpile,
    "purchases": Purchase,
    "metals": Metal,
    "melts": Melt,
    "casts": Cast,
    "prices": Price,
}


OPTIONAL: dict[str, type[Strict]] = {  # tables that only some plans have
    "offer_stock": OfferStock,
    "offer_charges": OfferCharge,
    "prices_at_lots": Price,
    "withheld": Withheld,
}


class Proof(Strict):
    """Claimed proof of infeasibility; verified, never trusted."""

    arithmetic: str
    scope: str
    margin: Number
    duals: list[Dual]


class SavedRefusal(Strict):
    """A statement of infeasibility; further content, such as conflicts and repairs, is ignored."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["medalopt/plan/1"]
    status: Literal["infeasible"]
    instance: Identity
    proof: Proof | None = None
    added_rows: list[SavedRow] = []
    added_terms: list[SavedTerm] = []
    added_variables: list[SavedVariable] = []
