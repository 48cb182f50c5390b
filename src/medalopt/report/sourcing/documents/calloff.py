"""Call-offs: tonnes that a region hands over by stream, period and route, with prices and amounts."""

from __future__ import annotations

from medalopt.analysis.sourcing.handovers import Handover, Storage, handovers, storages
from medalopt.analysis.sourcing.payments import CALL_OFF
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.numbers import amount_decimals
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Document, Table, with_amount_digits, with_exact_digits
from medalopt.report.sourcing.currency import amount, places, rate
from medalopt.report.sourcing.documents.form import TOLERANCE, TONNE, document, window

_RATES = {
    "supply": ("price", "Price"),
    "collection": ("collection", "Collection"),
    "treatment": ("treatment_cost", "Treatment"),
    "transport": ("freight", "Freight"),
    "residue": ("residue", "Residue"),
}
_ALWAYS = ("supply", "collection")
NO_SMELTER = "(leaves the project)"
_WAITS = "What waits at the end of a {period} is called off when it is sent; only its storage is charged before."
_WAYS = "Treatment, freight and residues are charged with the hand-over: the instance knows no other party for them."


def documents(plan: Plan) -> tuple[Document, ...]:
    """Return the call-off of every region with shipments or stockpiles."""
    account, instance = plan.account, plan.instance
    kinds = [kind for kind in _RATES if kind in _ALWAYS or plan.costs[kind]]
    storing = bool(account.decisions.stockpile.any())
    columns = _columns(instance, kinds, storing)
    made: list[Document] = []
    for region, name in enumerate(instance.regions):
        sent, waiting = list(handovers(account, region)), list(storages(account, region))
        if sent or waiting:
            rows = [_sent(instance, one, kinds, storing) for one in sent]
            rows += [_waits(instance, one, kinds) for one in waiting]
            agreed = [f"{_RATES[kind][0]}_per_t" for kind in kinds]
            exact = with_exact_digits(columns, tuple(rows), agreed)
            exact = with_amount_digits(exact, tuple(rows), ("tonnes_t", "waiting_t"))
            lines = Table("call_off_lines", "What is called off", _SAYS, exact, tuple(rows))
            made.append(_document(instance, f"C{len(made) + 1:02d}", name, sent, waiting, lines))
    return tuple(made)


_SAYS = "Devices to hand over, dry tonnes, the way that they go, and what is paid for a tonne of them."


def _document(
    instance: Instance, number: str, region: str, sent: list[Handover], waiting: list[Storage], lines: Table
) -> Document:
    tonnes = sum(one.tonnes for one in sent)
    money = sum(sum(one.costs.values()) for one in sent) + sum(one.cost for one in waiting)
    terms = (
        ("Quantity", f"{tonnes:,.{amount_decimals([tonnes])}f} t of devices, dry, in all"),
        ("Quantity tolerance", f"{TOLERANCE}; never more than is on offer"),
        ("Delivery window", window(instance, [*(one.period for one in sent), *(one.period for one in waiting)])),
        ("Price basis", f"fixed, {instance.currency} per dry tonne of devices"),
        ("Amount", f"{money:,.{places(instance.currency)}f} {instance.currency}".replace("-", "−")),
    )
    word = period_word(instance)
    notes = ((_WAITS.format(period=word),) if waiting else ()) + (
        (_WAYS,) if any(one.costs["treatment"] or one.costs["transport"] for one in sent) else ()
    )
    return document(instance, CALL_OFF, number, ("Region", region), terms, lines, notes)


def _columns(instance: Instance, kinds: list[str], storing: bool) -> tuple[Column, ...]:
    return (
        Column("stream", "Stream"),
        Column("device", "Device"),
        Column("period", period_word(instance).capitalize()),
        Column("treatment", "Treatment"),
        Column("smelter", "Goes to"),
        Column("tonnes_t", "Tonnes", "t", 3, total=True),
        *((Column("waiting_t", "Waits", "t", 3),) if storing else ()),
        *(rate(f"{_RATES[kind][0]}_per_t", _RATES[kind][1], instance.currency, "t") for kind in kinds),
        amount("amount", "Amount", instance.currency),
        Column("unit_code", "Unit code", hidden=True),
    )


def _sent(instance: Instance, one: Handover, kinds: list[str], storing: bool) -> tuple[Cell, ...]:
    return (
        *_named(instance, one.stream, one.period),
        instance.treatments.names[one.treatment],
        instance.smelters.names[one.smelter] if one.smelter >= 0 else NO_SMELTER,
        one.tonnes,
        *((None,) if storing else ()),
        *(one.costs[kind] / one.tonnes for kind in kinds),
        sum(one.costs.values()),
        TONNE,
    )


def _waits(instance: Instance, one: Storage, kinds: list[str]) -> tuple[Cell, ...]:
    cells = (*_named(instance, one.stream, one.period), "waits", None, None, one.tonnes)
    return (*cells, *(None for _ in kinds), one.cost, TONNE)


def _named(instance: Instance, stream: int, period: int) -> tuple[str, str, str]:
    device = instance.devices.names[instance.streams.device[stream]]
    return instance.streams.names[stream], device, instance.periods[period]
