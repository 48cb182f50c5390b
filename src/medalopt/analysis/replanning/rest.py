"""Instance of the remaining horizon: past periods removed, executed and contracted quantities subtracted."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from medalopt.analysis.replanning.awaited import with_awaited
from medalopt.analysis.replanning.past import Past
from medalopt.analysis.replanning.stock import with_stock
from medalopt.errors import UsageError
from medalopt.instance.figures import Figures, Floats
from medalopt.instance.instance import Instance, Market, Medals, Metals, Policy, Smelters, Streams
from medalopt.instance.resolve.assemble import digest
from medalopt.plan.rows import ROUNDING
from medalopt.wording import shown

Part = TypeVar("Part")


def rest(past: Past) -> Instance:
    """Make the instance of the remaining horizon.

    Supply, capacities, limits and commitments are reduced by executed quantities, but never below 0.

    Args:
        past: Executed and contracted quantities.

    Returns:
        The instance that remains to be planned, including stockpiles and metal in transit.

    Raises:
        UsageError: If more metal, process scrap or purchased metal was charged than available.
    """
    instance = past.instance
    _check_stock(past)
    _check_scrap(past)
    _check_offers(past)
    left = replace(
        instance,
        name=f"{instance.name}_after_{instance.periods[past.last]}"[:100],
        periods=instance.periods[past.last + 1 :],
        metals=_metals(past),
        streams=_streams(past),
        treatments=_later(instance.treatments, past, capacity=past.mint.treated),
        smelters=_smelters(past),
        market=_market(past),
        alloys=_later(instance.alloys, past),
        medals=_medals(past),
        policy=_policy(past),
        warnings=(),
    )
    left = with_awaited(with_stock(left, past.waiting), past.awaited)
    return replace(left, figures=digest(left))


def _check_stock(past: Past) -> None:
    """Raise UsageError if more metal was charged than available."""
    instance = past.instance
    came = instance.metals.opening_stock.value + past.back[:, : past.last + 1].sum(axis=1)
    for metal in np.flatnonzero(past.stock < 0).tolist():
        used, title = came[metal] - past.stock[metal], instance.metals.titles[metal]
        raise UsageError(
            f"by {instance.periods[past.last]} {used:,.6g} kg of {title} are said to have been charged, but "
            f"only {came[metal]:,.6g} kg were there: look at --frozen, or for lots that are missing in --actuals"
        )


def _check_scrap(past: Past) -> None:
    """Raise UsageError if more process scrap was charged again than available."""
    instance, until = past.instance, past.last + 1
    used = past.mint.decisions.recharged[:, :until].sum(axis=1)
    in_hand = past.mint.scrap[:, past.last]
    for alloy in np.flatnonzero(in_hand < -ROUNDING * used).tolist():
        name, came = instance.alloys.names[alloy], used[alloy] + in_hand[alloy]
        raise UsageError(
            f"by {instance.periods[past.last]} {used[alloy]:,.6g} kg of process scrap of {name} are said to have been "
            f"charged again, but only {came:,.6g} kg had come of what was cast: look at --frozen"
        )


def _check_offers(past: Past) -> None:
    """Raise UsageError if purchased metal is in stock: it cannot be planned, and would be bought again."""
    kept = past.offers_kept
    for offer in np.flatnonzero(kept).tolist():
        when, name = past.instance.periods[past.last], shown(past.instance.market.names[offer])
        how = "is in stock" if kept[offer] > 0 else "has been charged beyond what was bought"
        raise UsageError(
            f"by {when} {abs(kept[offer]):,.6g} kg of {name} {how}, which --after cannot plan with: "
            "plan after a period at whose end all that was bought has been charged"
        )


def _figures(values: Floats) -> Figures:
    """Return computed values as an array in canonical units."""
    return Figures(np.array(values, dtype=float), np.zeros(values.shape, dtype=np.intp))


def _less(figures: Figures, taken: Floats) -> Figures:
    """Subtract used quantities, not below 0; entries without use are unchanged, and rounding residues become 0."""
    if not taken.any():
        return figures
    left = figures.value - taken
    left = np.where(left > ROUNDING * np.minimum(figures.value, taken), left, 0.0)
    return _figures(np.where(taken != 0, left, figures.value))


def _cut(figures: Figures, past: Past) -> Figures:
    """Return an array by period without the past periods."""
    unit = np.broadcast_to(figures.unit, figures.raw.shape)
    return replace(figures, raw=figures.raw[:, past.last + 1 :], unit=unit[:, past.last + 1 :])


def _later(part: Part, past: Past, **taken: Floats) -> Part:
    """Return a section with all arrays by period cut, less the quantities `taken` by field (…, T)."""
    periods = len(past.instance.periods)
    made = {}
    for field in fields(part):  # type: ignore[arg-type]
        figures = getattr(part, field.name)
        by_period = field.name in ("sell", "holding", "available", "capacity", "price") and isinstance(figures, Figures)
        if by_period and figures.raw.ndim == 2 and figures.shape[1] == periods:
            made[field.name] = _cut(_less(figures, taken.get(field.name, np.zeros(figures.shape))), past)
    return replace(part, **made)  # type: ignore[type-var]


def _metals(past: Past) -> Metals:
    """Return the metals with the present stock as opening stock."""
    return replace(_later(past.instance.metals, past), opening_stock=_figures(past.stock))


def _streams(past: Past) -> Streams:
    """Return the streams less contracted shipments; commitments less all executed and contracted tonnes."""
    streams = past.instance.streams
    signed = np.zeros(streams.available.shape)
    np.add.at(signed, past.found.stream, past.mint.decisions.sent)
    gone = np.zeros(len(streams.names))
    np.add.at(gone, past.found.stream, (past.sent + past.mint.decisions.sent).sum(axis=1))
    left = _later(streams, past, available=signed)
    return replace(left, committed=_less(streams.committed, gone + past.waiting))


def _smelters(past: Past) -> Smelters:
    """Return the smelters with capacity, commitment and limit less the executed and contracted feed."""
    smelters, feed = past.instance.smelters, past.mint.feed.copy()
    fed = feed.sum(axis=1)
    went = past.found.smelter >= 0
    lots = (past.found.to_smelter[:, None] * past.sent).sum(axis=1)
    np.add.at(fed, past.found.smelter[went], lots[went])
    left = _later(smelters, past, capacity=feed)
    return replace(left, committed=_less(smelters.committed, fed), limit=_less(smelters.limit, fed))


def _market(past: Past) -> Market:
    """Return the market less past purchases; purchases contracted for later become commitments."""
    market = past.instance.market
    before = past.mint.bought
    committed = _less(market.committed, before)
    later = past.bought_later
    if later.any():
        committed = _figures(np.maximum(committed.value, later))
    limit = _less(market.limit, before)
    if later.any():
        limit = _figures(np.maximum(limit.value, later))
    return replace(_later(market, past), committed=committed, limit=limit)


def _medals(past: Past) -> Medals:
    """Return the medals less alloys already cast, earliest due first; overdue ones are due in the first period."""
    instance, medals = past.instance, past.instance.medals
    cast = past.mint.cast[:, : past.last + 1].sum(axis=1) * (1 - instance.alloys.scrap_share.value)
    parts = medals.parts.value.copy()
    each = parts * (1 + medals.allowance.value)[:, None] * medals.count[:, None]  # (M, A) kg
    for alloy in np.flatnonzero(cast > 0).tolist():
        for medal in np.argsort(medals.due, kind="stable").tolist():
            covered = min(cast[alloy], each[medal, alloy])
            cast[alloy] -= covered
            if covered:
                share = 1 - covered / each[medal, alloy]
                parts[medal, alloy] *= share if share > ROUNDING else 0.0
    unchanged = np.array_equal(parts, medals.parts.value)
    due = np.maximum(medals.due - past.last - 1, 0)
    return replace(medals, due=due, parts=medals.parts if unchanged else _figures(parts))


def _policy(past: Past) -> Policy:
    """Return the policy with the cap less emissions so far; other policies apply to the remaining horizon alone."""
    instance = past.instance
    emitted = float(past.found.footprint @ (past.sent + past.mint.decisions.sent).sum(axis=1))
    emitted += float(instance.streams.footprint.value @ past.waiting)
    emitted += float(instance.market.footprint.value @ past.mint.bought)
    return replace(instance.policy, footprint_cap=_less(instance.policy.footprint_cap, np.array(emitted)))


def overdue(past: Past) -> tuple[str, ...]:
    """Find the kinds of medal that are due in the past and not completely cast.

    Args:
        past: Executed and contracted quantities.

    Returns:
        Their names.
    """
    left, medals = _medals(past), past.instance.medals
    late = (medals.due <= past.last) & ((left.parts.value * medals.count[:, None]).sum(axis=1) > 0)
    return tuple(name for name, is_late in zip(medals.names, late.tolist(), strict=True) if is_late)
