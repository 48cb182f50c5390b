"""The instance of what is left to plan: the periods to come, without what has been done, sent or signed."""

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
    """Return what is left to plan. Raises UsageError where more metal or process scrap was used than there was.

    What is taken out of supply, capacities, limits and commitments never makes them less than nothing.
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
    instance = past.instance
    came = instance.metals.opening_stock.value + past.back[:, : past.last + 1].sum(axis=1)
    for metal in np.flatnonzero(past.stock < 0).tolist():
        used, title = came[metal] - past.stock[metal], instance.metals.titles[metal]
        raise UsageError(
            f"by {instance.periods[past.last]} {used:,.6g} kg of {title} are said to have been charged, but "
            f"only {came[metal]:,.6g} kg were there: look at --frozen, or for lots that are missing in --actuals"
        )


def _check_scrap(past: Past) -> None:
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
    """What has been bought into stock cannot be planned on: the rest would buy it again."""
    kept = past.offers_kept
    for offer in np.flatnonzero(kept).tolist():
        when, name = past.instance.periods[past.last], shown(past.instance.market.names[offer])
        how = "is in stock" if kept[offer] > 0 else "has been charged beyond what was bought"
        raise UsageError(
            f"by {when} {abs(kept[offer]):,.6g} kg of {name} {how}, which --after cannot plan with: "
            "plan after a period at whose end all that was bought has been charged"
        )


def _figures(values: Floats) -> Figures:
    """Return figures that were worked out, each as the decimal that is nearest to it."""
    return Figures(np.array(values, dtype=float), np.zeros(values.shape, dtype=np.intp))


def _less(figures: Figures, taken: Floats) -> Figures:
    """Return `figures` less what is taken of them, none below nothing; those of which nothing is taken as they were.

    What rounding alone leaves is nothing.
    """
    if not taken.any():
        return figures
    left = figures.value - taken
    left = np.where(left > ROUNDING * np.minimum(figures.value, taken), left, 0.0)
    return _figures(np.where(taken != 0, left, figures.value))


def _cut(figures: Figures, past: Past) -> Figures:
    """Return figures by period, without the periods that are over."""
    unit = np.broadcast_to(figures.unit, figures.raw.shape)
    return replace(figures, raw=figures.raw[:, past.last + 1 :], unit=unit[:, past.last + 1 :])


def _later(part: Part, past: Past, **taken: Floats) -> Part:
    """Return a part of the instance with all its figures by period cut, less what is `taken`, by field, (…, T)."""
    periods = len(past.instance.periods)
    made = {}
    for field in fields(part):  # type: ignore[arg-type]
        figures = getattr(part, field.name)
        by_period = field.name in ("sell", "holding", "available", "capacity", "price") and isinstance(figures, Figures)
        if by_period and figures.raw.ndim == 2 and figures.shape[1] == periods:
            made[field.name] = _cut(_less(figures, taken.get(field.name, np.zeros(figures.shape))), past)
    return replace(part, **made)  # type: ignore[type-var]


def _metals(past: Past) -> Metals:
    """The account as it stands: what has come back, less what was charged."""
    return replace(_later(past.instance.metals, past), opening_stock=_figures(past.stock))


def _streams(past: Past) -> Streams:
    """What is offered, less what is signed."""
    streams = past.instance.streams
    signed = np.zeros(streams.available.shape)
    np.add.at(signed, past.found.stream, past.mint.decisions.sent)
    gone = np.zeros(len(streams.names))
    np.add.at(gone, past.found.stream, (past.sent + past.mint.decisions.sent).sum(axis=1))
    left = _later(streams, past, available=signed)
    return replace(left, committed=_less(streams.committed, gone + past.waiting))


def _smelters(past: Past) -> Smelters:
    smelters, feed = past.instance.smelters, past.mint.feed.copy()
    fed = feed.sum(axis=1)
    went = past.found.smelter >= 0
    lots = (past.found.to_smelter[:, None] * past.sent).sum(axis=1)
    np.add.at(fed, past.found.smelter[went], lots[went])
    left = _later(smelters, past, capacity=feed)
    return replace(left, committed=_less(smelters.committed, fed), limit=_less(smelters.limit, fed))


def _market(past: Past) -> Market:
    """What was bought counts for commitment and limit; what is signed for later is a commitment."""
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
    """What has been cast leaves the need, of the medals that are due first; what is overdue is due at once."""
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
    """The cap, less what has been emitted; the other rules are kept by what is left to plan alone."""
    instance = past.instance
    emitted = float(past.found.footprint @ (past.sent + past.mint.decisions.sent).sum(axis=1))
    emitted += float(instance.streams.footprint.value @ past.waiting)
    emitted += float(instance.market.footprint.value @ past.mint.bought)
    return replace(instance.policy, footprint_cap=_less(instance.policy.footprint_cap, np.array(emitted)))


def overdue(past: Past) -> tuple[str, ...]:
    """Return the kinds of medal whose alloy was due before and has not all been cast."""
    left, medals = _medals(past), past.instance.medals
    late = (medals.due <= past.last) & ((left.parts.value * medals.count[:, None]).sum(axis=1) > 0)
    return tuple(name for name, is_late in zip(medals.names, late.tolist(), strict=True) if is_late)
