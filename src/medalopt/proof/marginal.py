"""Marginal values by parameter: change of the objective per unit of a right-hand side or policy parameter.

They are dual values of the linear program: valid for small changes, and one-sided at a degenerate optimum. A negative
value is a saving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from medalopt.instance.arithmetic import FLOATS
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats
from medalopt.instance.paths import render
from medalopt.proof.added import NOTHING, Added
from medalopt.proof.bound import NO_PULL, Weights, castings, owing
from medalopt.proof.placed import placed
from medalopt.proof.prices import Duals, prices
from medalopt.proof.subject import asked_by

PER_CENT = 0.01
ON_OFFER = "one more tonne on offer"


@dataclass(frozen=True)
class Marginal:
    """Marginal value of one parameter: `value` in `unit` for one unit more of `path`, in `period` if given."""

    path: str
    period: str | None
    value: float
    unit: str
    meaning: str

    COLUMNS: ClassVar[list[str]] = ["path", "period", "value", "unit", "meaning"]

    def row(self) -> dict[str, Any]:
        """Return the marginal value as a mapping from column to value."""
        return {name: getattr(self, name) for name in self.COLUMNS}


def marginals(account: Account, duals: Duals, unit: str, added: Added = NOTHING) -> tuple[Marginal, ...]:
    """Return all non-zero marginal values: demand first, then supply, limits and policy.

    Args:
        account: Plan.
        duals: Dual values by constraint and names.
        unit: Unit of the objective.
        added: User extensions with their dual values.

    Returns:
        Marginal values in report order.
    """
    return tuple(Marginal(*row) for row in zip(*table(account, duals, unit, added).values(), strict=True))


def table(account: Account, duals: Duals, unit: str, added: Added = NOTHING) -> dict[str, list[Any]]:
    """Return all non-zero marginal values as columns; faster than objects for large instances.

    Args:
        account: Plan.
        duals: Dual values by constraint and names.
        unit: Unit of the objective.
        added: User extensions with their dual values.

    Returns:
        By column name, lists of equal length.
    """
    y = prices(account.instance, duals)

    def rows(*makers: Callable[[Account, Any, str], Iterator[Marginal]]) -> list[list[Any]]:
        """Return the columns of the non-zero marginal values of some families."""
        found = [marginal for make in makers for marginal in make(account, y, unit) if marginal.value != 0]
        return [[getattr(marginal, name) for marginal in found] for name in Marginal.COLUMNS]

    needs = partial(_needs, due=_due(account, y, unit, added))
    parts = zip(rows(needs), _supply(account, y, unit), rows(_limits, _rules), strict=True)
    return {name: [*before, *own, *after] for name, (before, own, after) in zip(Marginal.COLUMNS, parts, strict=True)}


def _due(account: Account, y: Any, unit: str, added: Added) -> Floats:
    """Return the dual value of alloy due from each period on (A, T), objective per kg."""
    instance, pull = account.instance, NO_PULL
    if any(term.component == "cast_stock" for row in added.rows for term in row.terms):
        pull = asked_by(placed(instance, account.found, added, FLOATS.lift))
    weights = Weights(int(unit == instance.currency), 0, 0)
    return np.asarray(owing(y, castings(instance, weights, pull=pull)))


def _needs(account: Account, y: Any, unit: str, due: Floats) -> Iterator[Marginal]:
    """Yield marginal values of metal demand (per kg) and of medals (per piece)."""
    instance = account.instance
    for e, metal in enumerate(instance.metals.names):
        for t, period in enumerate(instance.periods):
            yield Marginal(
                render(("metals", metal)), period, -float(y.balance[e, t]), f"{unit}/kg", "one more kilogram needed"
            )
    each = instance.medals.parts.value * (1 + instance.medals.allowance.value)[:, None]
    for m, medal in enumerate(instance.medals.names):
        value = float(each[m] @ due[:, instance.medals.due[m]])
        yield Marginal(render(("medals", medal, "count")), None, value, unit, "one more medal")


def _supply(account: Account, y: Any, unit: str) -> list[list[Any]]:
    """Return the columns for supply (in a bundle: times the share taken) and for committed tonnes."""
    instance = account.instance
    worth = np.concatenate([stream_worth(account, y), y.stream_commitment[:, None]], axis=1)
    stream, column = (axis.tolist() for axis in np.nonzero(worth))
    last = len(instance.periods)
    offered, committed = (
        {i: render(("streams", instance.streams.names[i], figure)) for i in set(stream)}
        for figure in ("available", "committed")
    )
    when = (*instance.periods, None)
    return [
        [offered[i] if t < last else committed[i] for i, t in zip(stream, column, strict=True)],
        [when[t] for t in column],
        worth[worth != 0].tolist(),
        [f"{unit}/t"] * len(stream),
        [ON_OFFER if t < last else "one more tonne committed" for t in column],
    ]


def stream_worth(account: Account, y: Any) -> Floats:
    """Return the marginal value of the supply of each stream and period.

    Where a region has a participation constraint, more supply also raises its right-hand side.

    Args:
        account: Plan.
        y: Dual values of the linking constraints.

    Returns:
        Objective per tonne of supply (I, T); negative for a saving.
    """
    instance = account.instance
    share = np.ones_like(y.supply)
    for bundle in range(len(instance.bundles)):
        members = np.nonzero(instance.streams.bundle == bundle)[0]
        offers = instance.streams.available.value[members].sum(axis=0)
        made = account.decisions
        before = np.concatenate([np.zeros((len(members), 1)), made.stockpile[members, :-1]], axis=1)
        taken = (made.stockpile[members] - before).sum(axis=0)
        for member in members:
            taken = taken + made.sent[account.found.stream == member].sum(axis=0)
        share[members] = np.divide(taken, offers, out=np.zeros_like(taken), where=offers > 0)
    asked = float(instance.policy.participation.value) * y.participation[instance.streams.region]
    return np.asarray(y.supply * share + asked[:, None])


def _limits(account: Account, y: Any, unit: str) -> Iterator[Marginal]:
    """Yield marginal values of capacities, and of commitments and limits over the horizon."""
    instance = account.instance
    for section, names, values, of in (
        ("smelters", instance.smelters.names, y.feed_capacity, "t"),
        ("treatments", instance.treatments.names, y.treatment_capacity, "t"),
        ("alloys", instance.alloys.names, y.cast_capacity, "kg"),
    ):
        tonne = "tonne" if of == "t" else "kilogram"
        for n, name in enumerate(names):
            for t, period in enumerate(instance.periods):
                path, value = render((section, name, "capacity")), float(values[n, t])
                yield Marginal(path, period, value, f"{unit}/{of}", f"one more {tonne} of capacity")
    for section, names, values, of in (
        ("market", instance.market.names, y.purchase, "kg"),
        ("smelters", instance.smelters.names, y.feed_total, "t"),
    ):
        for n, name in enumerate(names):
            figure = "committed" if values[n] > 0 else "limit"
            path, value = render((section, name, figure)), float(values[n])
            yield Marginal(path, None, value, f"{unit}/{of}", f"one more {of} {figure}")


def _rules(account: Account, y: Any, unit: str) -> Iterator[Marginal]:
    """Yield marginal values of policy parameters: per percentage point, or per tonne of CO2e for the cap."""
    instance, policy = account.instance, account.instance.policy
    charged = account.composition.sum(axis=(0, 2))
    for e, metal in enumerate(instance.metals.names):
        value = -float(y.recycled[e] * charged[e]) * PER_CENT
        yield Marginal(render(("policy", "recycled", metal)), None, value, f"{unit}/%", "one more per cent recycled")
    everything = float(account.tonnes) * PER_CENT
    for w, window in enumerate(policy.windows):
        path = render(("policy", "device_share", window))
        yield Marginal(path, None, float(y.mix_low[w]) * everything, f"{unit}/%", "least share one per cent higher")
        yield Marginal(path, None, float(y.mix_high[w]) * everything, f"{unit}/%", "greatest share one per cent higher")
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, instance.streams.region, instance.streams.available.value.sum(axis=1))
    value = float(y.participation @ offers) * PER_CENT
    yield Marginal("policy.participation", None, value, f"{unit}/%", "every region one per cent more")
    value = float(y.footprint_cap) * 1000
    yield Marginal("policy.footprint_cap", None, value, f"{unit}/t", "one more tonne of CO2e allowed")
