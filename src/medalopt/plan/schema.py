"""Schema of saved plans: the required members and their types, and how an error of structure is described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from medalopt.plan.tables import SavedExtensionRow, SavedExtensionTerm, SavedExtensionVariable
from medalopt.text import escape_text

Number = Annotated[float, Field(allow_inf_nan=False)]


class StrictModel(BaseModel):
    """Base of all models of a saved plan: exact set of members, strict types, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SavedIdentity(StrictModel):
    """Identity of the instance: name, digests of its files, and digest of its parameters."""

    name: str
    files: dict[str, str]
    figures: str


class SavedObjective(StrictModel):
    """Objective, its value and unit."""

    measure: Annotated[str, Field(pattern=r"^(cost|footprint|mass|cost@.+)$")]
    value: Number
    unit: str


class SavedCertificate(StrictModel):
    """Claimed certificate; verified, never trusted."""

    primal_violation: Number
    lower_bound: Number
    gap: Number
    arithmetic: str
    scope: str
    basis: str = ""
    exact_value: str | None = None
    search_bound: Number | None = None


class SavedDual(StrictModel):
    """Dual value of a constraint."""

    rule: str
    key: list[str]
    value: Number


class SavedShipment(StrictModel):
    """Tonnes of a stream sent on a route in a period."""

    stream: str
    device: str
    region: str
    treatment: str
    smelter: str | None
    period: str
    tonnes: Number
    cost: Number
    fraction: str | None = None
    feed: Number | None = None  # where treatments have fractions


class SavedFractionShipment(SavedShipment):
    """Tonnes of devices of a stream, all or one fraction of them, on a route; `feed`: mass at the smelter."""

    fraction: str | None
    feed: Number


class SavedFraction(StrictModel):
    """Tonnes of a fraction that treated devices yield in a period, and the revenue where it is sold."""

    treatment: str
    fraction: str
    period: str
    tonnes: Number
    revenue: Number


class SavedStockpile(StrictModel):
    """Tonnes of a stream in stock at the end of a period."""

    stream: str
    period: str
    tonnes: Number


class SavedPurchase(StrictModel):
    """Kilograms of an offer bought for an alloy in a period."""

    offer: str
    alloy: str
    period: str
    kg: Number
    cost: Number


class SavedOfferStock(StrictModel):
    """Kilograms of an offer bought into stock, charged from it and left in a period."""

    offer: str
    period: str
    bought: Number
    charged: Number
    stock: Number
    cost: Number


class SavedOfferCharge(StrictModel):
    """Kilograms of an offer charged from stock to an alloy in a period."""

    offer: str
    alloy: str
    period: str
    kg: Number


class SavedMetal(StrictModel):
    """The account of a metal in a period, kg."""

    metal: str
    period: str
    returned: Number
    used: Number
    surplus: Number
    stock: Number
    called_back: Number | None = None  # where metal may be left with the smelters


class SavedMetalCalledBack(SavedMetal):
    """The account of a metal where metal may be left with the smelters; `surplus` includes metal left."""

    called_back: Number


class SavedMelt(StrictModel):
    """Kilograms of a metal (or `other`) charged to an alloy in a period."""

    alloy: str
    period: str
    metal: str
    kg: Number


class SavedCast(StrictModel):
    """Castings of an alloy in a period: charged, process scrap recharged, cast, kg."""

    alloy: str
    period: str
    charged: Number
    scrap: Number
    cast: Number


class SavedWithheld(StrictModel):
    """Kilograms of metal withheld from a pooled lot, by settlement terms and period of shipment."""

    terms: str
    metal: str
    period: str
    kg: Number


class SavedShortfall(StrictModel):
    """Medals of a kind that are not made, the period in which they are due, and their penalty."""

    medal: str
    period: str
    missed: Number
    cost: Number


class SavedLeftMetal(StrictModel):
    """Kilograms of credited metal left with a smelter, by settlement terms and period of credit, and its revenue."""

    terms: str
    metal: str
    period: str
    kg: Number
    revenue: Number


class SavedFeedContent(StrictModel):
    """Feed of a smelter in a period and its mean content of one element, with the limit of the smelter if any."""

    smelter: str
    period: str
    element: str
    feed: Number
    content: Number
    limit: Number | None


class SavedCharge(StrictModel):
    """A contract with a minimum lot or a charge that is used, with its quantity and its charge."""

    contract: str
    period: str
    quantity: Number
    unit: str
    charge: Number


class SavedPriceStep(StrictModel):
    """A step of the price of a stream or offer that is used, with the quantity at this price and its cost."""

    contract: str
    step: Number
    up_to: Number | None
    price: Number
    quantity: Number
    unit: str
    cost: Number


class SavedPartyCost(StrictModel):
    """Cost of one kind that a party bears over the horizon; revenue is negative."""

    party: str
    kind: str
    cost: Number


class SavedRisk(StrictModel):
    """Need and distribution of the metal returned by a deadline, kg, and the probability that it suffices."""

    metal: str
    period: str
    needed_kg: Number
    mean_kg: Number
    sd_kg: Number
    q05_kg: Number
    q95_kg: Number
    probability: Number


class SavedPrice(StrictModel):
    """A marginal value."""

    path: str
    period: str | None
    value: Number
    unit: str
    meaning: str


class SavedWholeLots(StrictModel):
    """Claimed cost of whole lots: above the best plan without them, and above the certified bound."""

    without: Number
    lower_bound: Number
    extra: Number
    above_bound: Number


SavedCell = str | Number | None


class SavedTable(StrictModel):
    """A table of the sourcing plan."""

    title: str
    says: str
    units: dict[str, str]
    rows: list[dict[str, SavedCell]]
    notes: list[str]


class SavedDocument(StrictModel):
    """An order of the sourcing plan."""

    kind: str
    number: str
    stamp: str
    missing: list[str]
    party: dict[str, str]
    terms: dict[str, str]
    lines: SavedTable
    notes: list[str]


class SavedSourcing(StrictModel):
    """Content that `medalopt plan` writes besides the plan."""

    title: str
    decision: list[str]
    tables: dict[str, SavedTable]
    documents: list[SavedDocument]
    foot: list[str]
    date: str = ""


class SavedPlan(StrictModel):
    """A plan as written: decisions, and claims derived from them."""

    format: Literal["medalopt/plan/1"]
    status: Literal["optimal", "feasible"]
    instance: SavedIdentity
    objective: SavedObjective
    cost: dict[str, Number]
    footprint: Number
    tonnes: Number
    shipments: list[SavedShipment]
    stockpiles: list[SavedStockpile]
    purchases: list[SavedPurchase]
    metals: list[SavedMetal]
    melts: list[SavedMelt]
    casts: list[SavedCast]
    offer_stock: list[SavedOfferStock] = []
    offer_charges: list[SavedOfferCharge] = []
    prices: list[SavedPrice]
    lots: SavedWholeLots | None = None
    prices_at_lots: list[SavedPrice] = []
    withheld: list[SavedWithheld] = []
    shortfall: list[SavedShortfall] = []
    left: list[SavedLeftMetal] = []
    fractions: list[SavedFraction] = []
    feed_content: list[SavedFeedContent] = []
    charges: list[SavedCharge] = []
    price_steps: list[SavedPriceStep] = []
    parties: list[SavedPartyCost] = []
    risk: list[SavedRisk] = []
    duals: list[SavedDual]
    added_rows: list[SavedExtensionRow] = []
    added_terms: list[SavedExtensionTerm] = []
    added_variables: list[SavedExtensionVariable] = []
    certificate: SavedCertificate
    solver: dict[str, str]
    sourcing: SavedSourcing | None = None
    digests: dict[str, str] = {}  # see `plan.digests`; absent in files of earlier versions


def _list_table_models(required: bool) -> dict[str, type[StrictModel]]:
    """Return the models of the rows of those tables that every plan has, or only some plans."""
    tables = {name: field for name, field in SavedPlan.model_fields.items() if get_origin(field.annotation) is list}
    return {
        name: get_args(field.annotation)[0]
        for name, field in tables.items()
        if field.is_required() == required and name != "duals" and not name.startswith("added_")
    }


TABLE_MODELS, OPTIONAL_TABLE_MODELS = _list_table_models(required=True), _list_table_models(required=False)
"""Models of the rows, by table: of every plan, and of some plans."""


class SavedProof(StrictModel):
    """Claimed proof of infeasibility; verified, never trusted."""

    arithmetic: str
    scope: str
    margin: Number
    duals: list[SavedDual]


class SavedInfeasibility(StrictModel):
    """A statement of infeasibility; further content, such as conflicts and repairs, is ignored."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["medalopt/plan/1"]
    status: Literal["infeasible"]
    instance: SavedIdentity
    proof: SavedProof | None = None
    added_rows: list[SavedExtensionRow] = []
    added_terms: list[SavedExtensionTerm] = []
    added_variables: list[SavedExtensionVariable] = []


Path = tuple[str | int, ...]  # members and positions from the top of the plan
_WRITERS = "`medalopt solve -o` or `medalopt plan -o`"
_EXPECTED = {  # by type of the error
    "string_type": "a text",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "dict_type": "an object with members",
    "model_type": "an object with members",
    "string_pattern_mismatch": "`cost`, `footprint`, `mass` or `cost@PARTY`",  # the objective alone has a pattern
}
_SHORT = 60  # characters of a value in a message


def describe_schema_errors(content: Any, errors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """Describe the errors of a plan by its schema; alternatives for one place are one error.

    Yields:
        Path of the place, and what is wrong there with what is expected; the text has no control characters.
    """
    places: dict[Path, list[Mapping[str, Any]]] = {}
    for error in errors:
        places.setdefault(_find_place(content, error), []).append(error)
    for path, found in places.items():
        yield path, _describe(found)


def _find_place(content: Any, error: Mapping[str, Any]) -> Path:
    """Return the path of an error without the names of alternative types, with which pydantic ends it."""
    path: list[str | int] = []
    for part in error["loc"]:
        known = isinstance(content, dict) and part in content
        known = known or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if not known and error["type"] != "missing":
            break
        path.append(part)
        content = content[part] if known else None
    return tuple(path)


def _describe(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong at one place."""
    kind = errors[0]["type"]
    if kind == "missing":
        return f"is missing; every plan has it: give a plan as written by {_WRITERS} of this version"
    if kind == "extra_forbidden":
        return f"is not part of a plan; remove it, or give a plan as written by {_WRITERS}"
    options = dict.fromkeys(_list_expected(error) for error in errors)
    return f"expected {' or '.join(options)}, found {_show_value(errors[0]['input'])}"


def _list_expected(error: Mapping[str, Any]) -> str:
    """Return what is expected by one error."""
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "`")
    return _EXPECTED.get(error["type"], f"what {_WRITERS} writes here")


def _show_value(value: Any) -> str:
    """Return a value of JSON as it is called in a message."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return f"an object with {len(value):,} member{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return f"the text `{escape_text(value, _SHORT)}`"
    return f"the number {escape_text(repr(value), _SHORT)}"
