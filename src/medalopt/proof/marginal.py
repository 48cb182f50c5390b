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

from medalopt.catalog import FAMILIES, LOWER, group_limits, list_limits
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import Floats, pick_names
from medalopt.instance.bounds import list_axis_names
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.proof.bound import NO_EXTENSION_PRICES, ObjectiveWeights, price_medals
from medalopt.proof.extension_rows import weigh_extension_rows
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, place_extensions
from medalopt.proof.prices import Duals, build_prices, expand_reserve_prices
from medalopt.proof.rows import compute_totals, measure_policies
from medalopt.text import render_path
from medalopt.units import PER_CENT

KILOGRAMS = 1000.0  # of one tonne
SUPPLY_MEANING = "one more tonne on offer"
CHARGE_LIMIT_MEANING = "one more kilogram of these offers charged"
_COMMITTED_MEANING = FAMILIES["stream_commitment"].limits[0].effect


@dataclass(frozen=True)
class MarginalValue:
    """Marginal value of one parameter: `value` in `unit` for one unit more of `path`, in `period` if given."""

    path: str
    period: str | None
    value: float
    unit: str
    meaning: str

    COLUMNS: ClassVar[list[str]] = ["path", "period", "value", "unit", "meaning"]

    def row(self) -> dict[str, Any]:
        """Return the marginal value as a row.

        Returns:
            Value by column.
        """
        return {name: getattr(self, name) for name in self.COLUMNS}


def compute_marginal_values(
    account: PlanAccount, duals: Duals, unit: str, added: ExtensionData = NO_EXTENSIONS
) -> tuple[MarginalValue, ...]:
    """Return all non-zero marginal values: demand first, then supply, limits and policy.

    Args:
        duals: Dual values by constraint and names.
        unit: Unit of the objective.
        added: User extensions with their dual values.

    Returns:
        Marginal values in report order.
    """
    return tuple(
        MarginalValue(*row) for row in zip(*tabulate_marginal_values(account, duals, unit, added).values(), strict=True)
    )


def tabulate_marginal_values(
    account: PlanAccount, duals: Duals, unit: str, added: ExtensionData = NO_EXTENSIONS
) -> dict[str, list[Any]]:
    """Return all non-zero marginal values as columns; faster than objects for large instances.

    Args:
        duals: Dual values by constraint and names.
        unit: Unit of the objective.
        added: User extensions with their dual values.

    Returns:
        By column name, lists of equal length.
    """
    y = build_prices(account.instance, duals)

    def rows(*makers: Callable[[PlanAccount, Any, str], Iterator[MarginalValue]]) -> list[list[Any]]:
        """Return the non-zero marginal values of some families."""
        marginals = [marginal for make in makers for marginal in make(account, y, unit) if marginal.value != 0]
        return [[getattr(marginal, name) for marginal in marginals] for name in MarginalValue.COLUMNS]

    needs = partial(_demand_values, medal_prices=_price_medals(account, y, unit, added))
    parts = zip(
        rows(needs),
        _supply_values(account, y, unit),
        rows(_reserve_values, _charge_limit_values, _limit_values, _step_values, _policy_values),
        strict=True,
    )
    return {
        name: [*before, *own, *after] for name, (before, own, after) in zip(MarginalValue.COLUMNS, parts, strict=True)
    }


def _price_medals(account: PlanAccount, y: Any, unit: str, added: ExtensionData) -> Floats:
    """Return the marginal cost of one more medal of each kind (M,), in the unit of the objective."""
    instance, pull = account.instance, NO_EXTENSION_PRICES
    if any(term.component in ("cast_stock", "missed") for row in added.rows for term in row.terms):
        pull = weigh_extension_rows(place_extensions(instance, account.routes, added, FLOAT_ARITHMETIC.lift))
    weights = ObjectiveWeights(int(unit == instance.currency), 0, 0)
    return price_medals(instance, y, weights, pull)


def _demand_values(account: PlanAccount, y: Any, unit: str, medal_prices: Floats) -> Iterator[MarginalValue]:
    """Yield marginal values of metal demand (per kg) and of medals (per piece)."""
    instance = account.instance
    for e, metal in enumerate(instance.metals.names):
        for t, period in enumerate(instance.periods):
            yield MarginalValue(
                render_path(("metals", metal)),
                period,
                -float(y.balance[e, t]),
                f"{unit}/kg",
                "one more kilogram needed",
            )
    for medal, value in zip(instance.medals.names, medal_prices.tolist(), strict=True):
        yield MarginalValue(render_path(("medals", medal, "count")), None, value, unit, "one more medal")


def _reserve_values(account: PlanAccount, y: Any, unit: str) -> Iterator[MarginalValue]:
    """Yield marginal values of the safety stock, per kilogram at the end of each period."""
    if not (account.instance.metals.reserve > 0).any():
        return
    prices = expand_reserve_prices(account.instance, y)
    for name, row in zip(account.instance.metals.names, prices.tolist(), strict=True):
        for period, value in zip(account.instance.periods, row, strict=True):
            path = render_path(("metals", name, "reserve"))
            yield MarginalValue(path, period, value, f"{unit}/kg", "one more kilogram of safety stock")


def _charge_limit_values(account: PlanAccount, y: Any, unit: str) -> Iterator[MarginalValue]:
    """Yield marginal values of the limits on groups of offers charged to alloys."""
    instance, limits = account.instance, account.instance.charge_limits
    for a, n in np.argwhere(y.charge_limit.any(axis=2)).tolist():
        path = render_path(("alloys", instance.alloys.names[a], "limits", limits.names[n], "most"))
        for period, value in zip(instance.periods, y.charge_limit[a, n].tolist(), strict=True):
            yield MarginalValue(path, period, value, f"{unit}/kg", CHARGE_LIMIT_MEANING)


def _supply_values(account: PlanAccount, y: Any, unit: str) -> list[list[Any]]:
    """Return the columns for supply (in a bundle: times the share taken) and for committed tonnes."""
    instance = account.instance
    worth = np.concatenate([price_streams(account, y), y.stream_commitment[:, None]], axis=1)
    stream, column = np.nonzero(worth)
    last = len(instance.periods)
    paths = [
        render_path(("streams", instance.streams.names[i], figure)) if some else None
        for figure, cells in (("available", worth[:, :last]), ("committed", worth[:, last:]))
        for i, some in enumerate(np.count_nonzero(cells, axis=1).tolist())
    ]
    committed = np.asarray(column == last, dtype=np.intp)
    return [
        pick_names(paths, stream + committed * len(worth)),
        pick_names((*instance.periods, None), column),
        worth[stream, column].tolist(),
        [f"{unit}/t"] * len(stream),
        pick_names((SUPPLY_MEANING, _COMMITTED_MEANING), committed),
    ]


def price_streams(account: PlanAccount, y: Any) -> Floats:
    """Return the marginal value of the supply of each stream and period.

    Where a region has a participation constraint, more supply also raises its right-hand side.

    Returns:
        Objective per tonne of supply (I, T); negative for a saving.
    """
    instance = account.instance
    share = np.ones_like(y.supply)
    for bundle in range(len(instance.bundles)):
        members = np.nonzero(instance.streams.bundle == bundle)[0]
        offers = instance.streams.available.value[members].sum(axis=0)
        decisions = account.decisions
        before = np.concatenate([np.zeros((len(members), 1)), decisions.stockpile[members, :-1]], axis=1)
        taken = (decisions.stockpile[members] - before).sum(axis=0)
        for member in members:
            taken = taken + account.treated_devices[account.routes.stream == member].sum(axis=0)
        share[members] = np.divide(taken, offers, out=np.zeros_like(taken), where=offers > 0)
    asked = float(instance.policy.participation.value) * y.participation[instance.streams.region]
    return np.asarray(y.supply * share + asked[:, None])


def _limit_values(account: PlanAccount, y: Any, unit: str) -> Iterator[MarginalValue]:
    """Yield marginal values of capacities, and of commitments and limits over the horizon."""
    instance, names = account.instance, list_axis_names(account.instance)
    for axes, limits in group_limits("smelters", "treatments", "alloys", "market"):
        for n, name in enumerate(names[axes[0]]):
            for family, limit in limits:
                path, of = render_path(limit.locate(name)), f"{unit}/{limit.unit}"
                values = getattr(y, family.name)[n]
                if family.periodic:
                    for period, value in zip(instance.periods, values.tolist(), strict=True):
                        yield MarginalValue(path, period, value, of, limit.effect)
                elif (values > 0) == (limit.side == LOWER):
                    yield MarginalValue(path, None, float(values), of, limit.effect)


def _step_values(account: PlanAccount, y: Any, unit: str) -> Iterator[MarginalValue]:
    """Yield marginal values of the limits of price steps."""
    for kind in STEP_KINDS:
        values = getattr(y, f"{kind.name}_steps").tolist()
        for path, value in zip(kind.list_steps(account.instance), values, strict=True):
            yield MarginalValue(
                path, None, value, f"{unit}/{kind.unit}", f"one more {kind.unit} at the price of the step"
            )


def compute_policy_bases(account: PlanAccount) -> dict[str, tuple[Floats, float]]:
    """Return by how much the rows of each policy move if its parameter increases by one unit, in two factors.

    Returns:
        By constraint: totals of which its limits are shares (members,), and the rest of the factor: 0.01 for per cent.
    """
    measured = measure_policies(account.instance.policy, compute_totals(account))
    return {
        family.name: (
            (np.asarray(measured[family.name][1]), float(PER_CENT)) if limit.unit == "%" else (np.ones(1), KILOGRAMS)
        )
        for family, limit in list_limits("policy")
    }


def compute_regional_supply(instance: Instance) -> Floats:
    """Return the supply of each region over the horizon.

    Returns:
        Tonnes (G,), streams without a route included.
    """
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, instance.streams.region, instance.streams.available.value.sum(axis=1))
    return offers


def _policy_values(account: PlanAccount, y: Any, unit: str) -> Iterator[MarginalValue]:
    """Yield marginal values of policy parameters: per percentage point, or per tonne of CO2e for the cap."""
    names, bases = list_axis_names(account.instance), compute_policy_bases(account)
    for axes, limits in group_limits("policy"):
        for n, name in enumerate(names[axes[0]] if axes and not limits[0][1].common else ("",)):
            for family, limit in limits:
                (base, factor), dual = bases[family.name], np.atleast_1d(getattr(y, family.name))
                moved = float(dual @ base) if limit.common else float(dual[n] * base[n])
                yield MarginalValue(
                    *(render_path(limit.figure(name)), None, limit.slope * moved * factor),
                    *(f"{unit}/{limit.unit}", limit.effect),
                )
