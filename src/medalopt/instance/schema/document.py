from __future__ import annotations

from typing import Annotated, Any

from pydantic import SkipValidation

from medalopt.instance.schema.entry import Entry, about
from medalopt.instance.schema.fields import Text
from medalopt.instance.schema.forms import Amounts, Named
from medalopt.instance.schema.kinds import (
    AnyName,
    CarbonTonnes,
    Currency,
    FreeText,
    Metal_,
    Rate,
    Share,
    TransportRate,
)
from medalopt.instance.schema.models import (
    Alloy,
    Device,
    Lane,
    Medal,
    Metal,
    Mix,
    Offer,
    Periods,
    Smelter,
    Stream,
    Table,
    Treatment,
    WindowOrGroup,
)


class Policy(Entry):
    """What the plan must respect beside need and supply."""

    recycled: Amounts[Metal_, Share] = about("Floor on the recycled share of what is charged.", {})
    device_share: Named[AnyName, WindowOrGroup] = about("Windows on a device's or group's share.", {})
    participation: Share | None = about("Least share of its offer that each region sends.", None)
    footprint_cap: CarbonTonnes | None = about("Greatest footprint.", None)


class Party(Entry):
    """Whom an order is addressed to."""

    legal_name: FreeText | None = about("Name in law.", None)
    address: FreeText | None = about("Postal address.", None)
    contract: FreeText | None = about("Number of the contract.", None)
    deliver_to: FreeText | None = about("Where goods are delivered.", None)
    incoterm: FreeText | None = about("Delivery term, such as FCA.", None)
    payment: FreeText | None = about("Terms of payment.", None)
    terms: FreeText | None = about("Further terms.", None)


class Document(Entry):
    """An instance of medalopt: devices, smelters, market, alloys and medals of one planning problem."""

    format: Annotated[str, Text(words=("medalopt/1",))] = about("The format and its version.")
    name: Annotated[str, Text("[a-z0-9_-]{1,100}", "small letters, digits, `_` and `-`")] = about("A short name.")
    title: FreeText | None = about("What people call it.", None)
    currency: Currency = about("The currency of all money without a code, by ISO 4217.")
    exchange: Amounts[Currency, Rate] = about("What one unit of another currency is worth.", {})
    periods: Periods = about("The horizon; left out: one period.", Periods())
    metals: Named[AnyName, Metal] = about("Metals, by symbol.")
    devices: Named[AnyName, Device] = about("Device types and their assay.", {})
    streams: SkipValidation[list[Stream] | Table | None] = about("Who offers what.", None)
    treatments: Named[AnyName, Treatment] | None = about("Pre-processing; left out: `whole`, which does nothing.", None)
    smelters: Named[AnyName, Smelter] | None = about("Smelters and their terms.", None)
    lanes: SkipValidation[list[Lane] | Table | None] = about("Region to smelter; left out: every pair, free.", None)
    transport_rate: TransportRate | None = about("Cost of a tonne-kilometre where a lane gives a distance.", None)
    market: Named[AnyName, Offer] = about("Metal or alloy scrap that may be bought.", {})
    alloys: Named[AnyName, Alloy] = about("Alloys and their composition windows.")
    medals: Named[AnyName, Medal] = about("Medals ordered.")
    policy: Policy = about("What the plan must respect.", Policy())
    mixes: Named[AnyName, Mix] = about("Named shares of devices, for sensitivity.", {})
    scenarios: Named[AnyName, dict[str, Any]] = about("Named sets of changes, path to value.", {})
    parties: Named[AnyName, Party] = about("Regions, smelters and offers as parties of a contract.", {})
