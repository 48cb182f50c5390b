"""Cost of the outage of each smelter, treatment, region, channel and offer: summary, table, bars and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medalopt.analysis.sensitivity.steps import status_of
from medalopt.analysis.sensitivity.without import Loss, Without
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import column, scale, share
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity import premium
from medalopt.report.sensitivity.bars import Bar, amount, bars, briefly, by_title, costs, height, missing
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

_SAID = 3  # outages named in a sentence


def told(found: Without, instance: Instance) -> Part:
    """Report the cost of each outage, and the recycling premium where it was computed.

    Args:
        found: Outages with their change of the objective.
        instance: Base instance.

    Returns:
        Summary lines, bars with a table, and the JSON member `without`.
    """
    listed = [loss for loss in found.losses if loss.extra > 0 or not loss.proven]
    table = _table(found, instance, listed)
    proven = [loss for loss in listed if loss.proven]
    charts = (_chart(found, proven, table),) if proven else ()
    first = () if found.premium is None else premium.lines(found.premium, instance)
    more = {} if found.premium is None else premium.members(found.premium, instance)
    lines = [line for line in (_no_plan(found, listed), _dearer(found, listed), *_rest(found)) if line]
    sections = () if charts or not listed else (table,)
    return Part((*first, *lines), sections, charts, {**_members(found), **more}, heading="What drops out")


def _bar(found: Without, loss: Loss) -> Bar:
    return Bar(f"{loss.kind} {loss.name}", loss.extra, by_title(loss.short, found.titles))


def _since(found: Without) -> str:
    return "" if found.whole else f" from {found.start} on"


def _no_plan(found: Without, losses: Sequence[Loss]) -> str:
    none = [loss for loss in losses if loss.proven and not loss.feasible]
    said = "; ".join(f"{_named(loss)} ({missing(_bar(found, loss).short)})" for loss in none[:_SAID])
    rest = f"; and {len(none) - _SAID} more" if len(none) > _SAID else ""
    return f"There is no plan{_since(found)} without {said}{rest}." if none else ""


def _dearer(found: Without, losses: Sequence[Loss]) -> str:
    dearer = [loss for loss in losses if loss.feasible][:_SAID]
    said = [f"without {_named(loss)} {costs(loss.extra, found.unit)}" for loss in dearer]
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}{_since(found)}." if text else ""


def _rest(found: Without) -> tuple[str, ...]:
    """Return the outages at no cost, those not proven, and those that save cost."""
    idle = [_named(loss) for loss in found.losses if loss.proven and loss.extra == 0]
    unknown = [_named(loss) for loss in found.losses if not loss.proven]
    forced = [loss for loss in found.losses if loss.extra < 0]
    saved = ", ".join(f"{_named(loss)} ({amount(loss.extra, found.unit)})" for loss in forced)
    return (
        *((f"Nobody would miss{_since(found)}: {', '.join(idle)}.",) if idle else ()),
        *((f"Not proven what comes of it{_since(found)} without: {', '.join(unknown)}.",) if unknown else ()),
        *((f"Cheaper without, as only a contract or a rule brings it in: {saved}.",) if forced else ()),
    )


def _named(loss: Loss) -> str:
    return f"{loss.kind} {shown(loss.name)}"


def _state(loss: Loss) -> str:
    """Return the cell of an outage without a plan: infeasible or not proven."""
    return "no plan" if loss.proven else "not proven"


def _table(found: Without, instance: Instance, losses: Sequence[Loss]) -> Section:
    size, word = scale(loss.extra for loss in losses if loss.feasible)
    extras = iter(column([loss.extra / size for loss in losses if loss.feasible]))
    columns = [
        (Column("without", right=False), [_named(loss) for loss in losses]),
        (Column(f"more, {word}{found.unit}"), [next(extras) if loss.feasible else _state(loss) for loss in losses]),
        (
            Column("of all", rank=1),
            [share(loss.extra, abs(found.value)) if loss.feasible else "" for loss in losses],
        ),
        (
            Column("short", right=False),
            ["" if loss.feasible or not loss.proven else briefly(_bar(found, loss).short) for loss in losses],
        ),
        (
            Column("of the need", rank=1),
            ["" if loss.feasible or loss.short is None else share(loss.share, 1.0) for loss in losses],
        ),
    ]
    note = "Short: the least metal that would have to come from elsewhere for there to be a plan."
    notes = [note] if any(loss.proven and not loss.feasible for loss in losses) else []
    return section(f"What is lost without it{_since(found)}, the most serious first", columns, notes=notes)


def _chart(found: Without, losses: Sequence[Loss], table: Section) -> Chart:
    rows = [_bar(found, loss) for loss in losses]
    none, dearest = [row for row in rows if not row.feasible], [row for row in rows if row.feasible]
    parts = []
    if len(none) > 1:
        rest = f" or {len(none) - 2} more" if len(none) > 2 else ""
        joint = ", " if rest else " or "
        parts.append(f"there is no plan without {shown(none[0].name)}{joint}{shown(none[1].name)}{rest}")
    elif none:
        parts.append(f"without {shown(none[0].name)} there is no plan ({missing(none[0].short)})")
    if dearest:
        parts.append(f"without {shown(dearest[0].name)} {costs(dearest[0].extra, found.unit)}")
    title = "; ".join(parts)
    return Chart(f"{title[0].upper()}{title[1:]}{_since(found)}", bars(rows, found.unit), (table,), height=height(rows))


def _members(found: Without) -> dict[str, Any]:
    rows = [
        {
            "kind": loss.kind,
            "name": loss.name,
            "path": loss.path,
            "status": status_of(loss.feasible, loss.proven),
            "objective": found.value + loss.extra if loss.feasible else None,
            "extra": loss.extra if loss.feasible else None,
            "short": None if loss.feasible or loss.short is None else dict(loss.short),
        }
        for loss in found.losses
    ]
    return {"without": {"objective": found.value, "unit": found.unit, "from": found.start, "rows": rows}}
