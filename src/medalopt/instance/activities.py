r"""Activities: contracts that are used or not, with a least quantity and a charge where they are used.

A line of smelter terms has a `minimum_lot` and a `lot_charge` in each period in which it is fed; a smelter, treatment,
stream or offer has a `fixed_charge`, due once if it is used at all. Charges make the program a mixed-integer one. With
$M$ the greatest quantity, the charge $\eta$ of a used activity is at least $\eta F/M$ for every quantity $F\le M$:
the instance with unit prices raised by $\eta/M$ is a relaxation without integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medalopt.instance.arithmetic import Numbers, bound_below, sum_by_group
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.bounds import VariableBounds, bound_purchases, compute_bounds, drop_lot_constraints
from medalopt.instance.demand import is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import (
    OFFER_STEPS,
    STREAM_STEPS,
    bound_by_steps,
    list_falling_paths,
    spread_falling_steps,
)
from medalopt.instance.routes import Routes, build_routes
from medalopt.instance.smelter_terms import list_terms_names
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


UsedContracts = frozenset[tuple[str, Any]]  # binary variable and its index
_ROUNDING = 2.0**-40  # relative margin for the rounding errors of greatest quantities and raised prices


@dataclass(frozen=True)
class ActivityKind:
    """One kind of activity.

    Attributes:
        name: Prefix of its components in the program: `line`, `smelter`, `treatment`, `stream` or `offer`.
        part: Member of the instance with its parameters.
        charge: Parameter of its charge, money.
        least: Parameter of its least quantity in a period, t; empty for none.
        cost: Kind of cost of the charge.
        periodic: Whether the charge is due in every period in which it is used, else once.
        unit: Unit of its quantity.
    """

    name: str
    part: str
    charge: str
    least: str
    cost: str
    periodic: bool
    unit: str

    def get_charge(self, instance: Instance) -> ExactArray:
        """Return the charge of each member, (N,), money.

        Args:
            instance: Instance.
        """
        charge: ExactArray = getattr(getattr(instance, self.part), self.charge)
        return charge

    def get_least(self, instance: Instance) -> Floats:
        """Return the least quantity of each member where it is used, (N,), t; 0 for none.

        Args:
            instance: Instance.
        """
        if not self.least:
            return np.zeros(len(self.get_charge(instance).raw))
        least: Floats = getattr(getattr(instance, self.part), self.least).value
        return least

    def find_members(self, instance: Instance) -> Bools:
        """Return which members are activities: those with a charge, whoever pays it, or a least quantity, (N,).

        Args:
            instance: Instance.
        """
        return (self.get_charge(instance.whole or instance).raw > 0) | (self.get_least(instance) > 0)

    def list_names(self, instance: Instance) -> tuple[str, ...]:
        """List the names of the members (N,); of lines of terms, their paths.

        Args:
            instance: Instance.
        """
        if self.part == "terms":
            return list_terms_names(instance)
        names: tuple[str, ...] = getattr(instance, self.part).names
        return names

    def list_paths(self, instance: Instance) -> tuple[str, ...]:
        """List the paths of the members (N,).

        Args:
            instance: Instance.
        """
        names = self.list_names(instance)
        return names if self.part == "terms" else tuple(render_path((self.part, name)) for name in names)


LINE_KIND = ActivityKind("line", "terms", "lot_charge", "minimum_lot", "smelting", True, "t")
ACTIVITY_KINDS = (
    LINE_KIND,
    ActivityKind("smelter", "smelters", "fixed_charge", "", "smelting", False, "t"),
    ActivityKind("treatment", "treatments", "fixed_charge", "", "treatment", False, "t"),
    ActivityKind("stream", "streams", "fixed_charge", "", "supply", False, "t"),
    ActivityKind("offer", "market", "fixed_charge", "", "purchases", False, "kg"),
)


def has_activities(instance: Instance) -> bool:
    """Return whether any contract has a minimum lot, a lot charge or a fixed charge.

    Args:
        instance: Instance.
    """
    return any(kind.find_members(instance).any() for kind in ACTIVITY_KINDS)


def list_charging_kinds(instance: Instance) -> tuple[ActivityKind, ...]:
    """List the kinds of activity of which some member has a charge.

    Args:
        instance: Instance.
    """
    return tuple(kind for kind in ACTIVITY_KINDS if (kind.get_charge(instance).raw > 0).any())


def describe_lot_rules(paths: Sequence[str]) -> str:
    """Describe the rules that make an instance a mixed-integer program.

    Args:
        paths: Paths of its lots, minimum orders, minimum lots, charges and falling prices (`Instance.lots`).

    Returns:
        A noun phrase in the plural.
    """
    fields = {path.rpartition(".")[2] for path in paths}
    rules = ["whole lots and minimum orders"] if fields & {"lot", "minimum_order"} else []
    rules += ["lots of feed"] if fields & {LINE_KIND.least, LINE_KIND.charge} else []
    rules += ["fixed charges"] if "fixed_charge" in fields else []
    rules += ["falling prices"] if "up_to" in fields else []
    return " and ".join(filter(None, (", ".join(rules[:-1]), rules[-1])))


def list_charge_paths(instance: Instance) -> tuple[str, ...]:
    """List the paths of all lot charges and fixed charges of an instance.

    Returns:
        Paths; a lot charge has that of its line of terms.
    """
    return tuple(
        f"{path}.{kind.charge}"
        for kind in list_charging_kinds(instance)
        for path, charged in zip(kind.list_paths(instance), kind.get_charge(instance).raw > 0, strict=True)
        if charged
    )


def bound_line_feed(instance: Instance, routes: Routes, bounds: VariableBounds) -> Floats:
    r"""Bound the feed of each line of terms in each period.

    $\min\bigl(u_{kt},\overline u_k,\sum_h\min(v_{ht}\max_j\pi_j,\sum_j\pi_j\hat s_{it})\bigr)$ over the routes $j$ of
    the line, with $\hat s_{it}$ the most that a stream can send.

    Args:
        instance: Instance.
        routes: Routes (J).
        bounds: Implied bounds, for the most that each stream can send.

    Returns:
        Upper bounds (L, T), t.
    """
    lines, treatments, periods = len(instance.terms.names), len(instance.treatments.names), len(instance.periods)
    fed = np.flatnonzero(routes.line >= 0)
    group, share = routes.line[fed] * treatments + routes.treatment[fed], np.asarray(routes.to_smelter, float)[fed]
    supplied = sum_by_group(share[:, None] * np.asarray(bounds.sent)[routes.stream[fed]], group, lines * treatments)
    greatest = np.zeros(lines * treatments)
    np.maximum.at(greatest, group, share)
    capacity = instance.treatments.capacity.value[instance.treatments.owner]
    treated = np.where(greatest.reshape(lines, treatments, 1) > 0, capacity[None], 0.0)
    treated = greatest.reshape(lines, treatments, 1) * treated
    feed = np.minimum(supplied.reshape(lines, treatments, periods), treated).sum(axis=1)
    smelters, smelter = instance.smelters, instance.terms.smelter
    feed = np.minimum(feed, np.minimum(smelters.capacity.value, smelters.limit.value[:, None])[smelter])
    return np.asarray(feed)


def bound_activities(instance: Instance, routes: Routes, bounds: VariableBounds) -> dict[str, Floats]:
    """Bound the quantity of every activity: no plan uses more.

    Returns:
        By kind, upper bounds of lines of terms by period (L, T), of the others over the horizon (N,); t, of offers kg.
    """
    sent, smelters, treatments = np.asarray(bounds.sent), instance.smelters, instance.treatments
    lines = bound_line_feed(instance, routes, bounds)
    fed = np.minimum(sum_by_group(lines, instance.terms.smelter, len(smelters.names)), smelters.capacity.value)
    taken = np.zeros((len(treatments.names), len(instance.streams.names)), dtype=np.bool_)
    taken[routes.treatment, routes.stream] = True
    treated = np.minimum(taken.astype(np.float64) @ sent, treatments.capacity.value)
    capacity = np.where(taken & (treatments.parent < 0)[:, None], treatments.capacity.value.sum(axis=1)[:, None], 0.0)
    supply = np.minimum(instance.streams.available.value.sum(axis=1), capacity.sum(axis=0))
    offers = bound_purchases(instance, bounds)
    repeated = is_stocked(instance) & instance.policy.couples_offers  # else one bound holds in all
    often = np.where(repeated, len(instance.periods), 1)
    return {
        "line": lines,
        "smelter": np.minimum(fed.sum(axis=1), smelters.limit.value),
        "treatment": treated.sum(axis=1),
        "stream": bound_by_steps(STREAM_STEPS, instance, supply),
        "offer": bound_by_steps(OFFER_STEPS, instance, np.minimum(offers * often, instance.market.limit.value)),
    }


def spread_charges(instance: Instance, quantities: Mapping[str, Floats] | None = None) -> Instance:
    """Return the relaxation in which every charge is paid pro rata, and every falling price given: no integers.

    Prices are rounded down, so that no plan costs less than in the instance.

    Args:
        instance: Instance, with or without lots and minimum orders, which are left unchanged.
        quantities: Quantities above 0 over which charges are spread, by kind as `bound_activities` gives them; None:
            the greatest ones. With others the result is no relaxation.

    Returns:
        The relaxed instance; `instance` itself where it has no charges and no falling prices.
    """
    if not list_charging_kinds(instance) and not list_falling_paths(instance):
        return instance
    routes = build_routes(instance)
    upper = bound_activities(instance, routes, compute_bounds(instance, routes))
    if quantities is not None:
        upper = {name: np.where(quantities[name] > 0, quantities[name], most) for name, most in upper.items()}
    rate = {}
    for kind in ACTIVITY_KINDS:
        quantity = upper[kind.name]
        charge = kind.get_charge(instance).value.reshape((-1,) + (1,) * (quantity.ndim - 1))
        rate[kind.name] = np.where(quantity > 0, charge / np.where(quantity > 0, quantity, 1.0), 0.0) * (
            1 - 2 * _ROUNDING
        )
    instance, falling = spread_falling_steps(instance, upper)
    rate |= {name: rate[name] + lower for name, lower in falling.items()}
    terms, market, streams = instance.terms, instance.market, instance.streams
    treatments, feed = instance.treatments, rate["line"] + rate["smelter"][terms.smelter][:, None]
    return replace(
        instance,
        terms=replace(terms, treatment_charge=_raise_prices(terms.treatment_charge, feed)),
        treatments=replace(treatments, cost=_raise_prices(treatments.cost, rate["treatment"])),
        streams=replace(streams, price=_raise_prices(streams.price, rate["stream"])),
        market=replace(market, price=_raise_prices(market.price, rate["offer"])),
    )


def relax_lots(instance: Instance) -> Instance:
    """Return the continuous relaxation: no whole lots and minimum orders, charges and falling prices pro rata.

    Args:
        instance: Instance, with or without lots.

    Returns:
        The relaxed instance; no plan of it costs less than the cheapest of the instance.
    """
    return drop_lot_constraints(spread_charges(instance))


def _raise_prices(prices: ExactArray, rate: Floats) -> ExactArray:
    """Return prices changed by a rate along their first axes, rounded down; those of rate 0 are unchanged."""
    added = rate.reshape(rate.shape + (1,) * (prices.raw.ndim - rate.ndim))
    total = prices.value + added
    total = total - 4 * np.spacing(np.maximum(abs(prices.value), abs(total)))
    chosen = np.broadcast_to(added != 0, total.shape)
    unit = np.where(chosen, len(prices.factors), np.broadcast_to(prices.unit, prices.raw.shape))
    return ExactArray(np.where(chosen, total, prices.raw), unit, (*prices.factors, Fraction(1)))


class UsedContract(NamedTuple):
    """A contract with a minimum lot or a charge that a plan uses: its path, period of use, quantity and charge."""

    contract: str
    period: str  # of a fixed charge, the first period of use
    quantity: float  # in the period; of a fixed charge, over the horizon
    unit: str  # t, of offers kg
    charge: float  # money


def compute_line_feed(account: PlanAccount) -> Numbers:
    r"""Compute $F_{\ell t}$, the feed of each line of terms.

    Returns:
        (L, T) t.
    """
    routes, fed = account.routes, account.routes.line >= 0
    tonnes = routes.to_smelter[fed, None] * account.decisions.sent[fed]
    return sum_by_group(tonnes, routes.line[fed], len(account.instance.terms.names))


def compute_quantity(account: PlanAccount, kind: ActivityKind) -> Numbers:
    """Compute the quantity of each activity of a kind by period.

    Args:
        account: Plan.
        kind: Kind of activity.

    Returns:
        (N, T) t, of offers kg.
    """
    if kind.name == "line":
        return compute_line_feed(account)
    quantities = {"smelter": "feed", "treatment": "treated", "stream": "sent_by_stream", "offer": "purchases"}
    quantity: Numbers = getattr(account, quantities[kind.name])
    return quantity


def measure_activities(account: PlanAccount) -> dict[str, Floats]:
    """Measure the quantity of every activity of a plan.

    Returns:
        By kind, of lines of terms by period (L, T), of the others over the horizon (N,); t, of offers kg; negligible
        quantities are 0.
    """
    result = {}
    for kind in ACTIVITY_KINDS:
        quantity = np.asarray(compute_quantity(account, kind), dtype=np.float64)
        quantity = quantity if kind.periodic else quantity.sum(axis=1)
        result[kind.name] = np.where(quantity > AMOUNT_TOLERANCE * quantity.max(initial=0.0), quantity, 0.0)
    return result


def list_used_keys(account: PlanAccount) -> UsedContracts:
    """List the contracts with lots or charges that a plan uses.

    Returns:
        Names of the binary variables that are 1, each with its index.
    """
    instance, result, quantities = account.instance, set[tuple[str, Any]](), measure_activities(account)
    for kind in ACTIVITY_KINDS:
        names = kind.list_names(instance)
        for n, *when in np.argwhere(quantities[kind.name] > 0).tolist():
            result.add((f"{kind.name}_used", (names[n], instance.periods[when[0]]) if when else names[n]))
    return frozenset(result)


def compute_charges(account: PlanAccount) -> dict[str, Numbers]:
    """Compute lot charges and fixed charges; a fixed charge is due in the first period of use.

    Returns:
        By kind of activity (N, T) money; kinds without charges are left out.
    """
    result = {}
    for kind in list_charging_kinds(account.instance):
        used = bound_below(compute_quantity(account, kind)) > 0
        if not kind.periodic:
            used = used & (np.cumsum(used, axis=1) == 1)
        result[kind.name] = np.where(used, account.read(kind.get_charge(account.instance))[:, None], 0)
    return result


def add_charges(charges: Mapping[str, Numbers], costs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Add lot charges, fixed charges and surcharges of price steps to the costs by kind.

    Args:
        charges: Charges by kind of activity (N, T), money.
        costs: Costs without them by kind (T,), money.

    Returns:
        Costs by kind (T,), money.
    """
    total = dict(costs)
    for kind in ACTIVITY_KINDS:
        if kind.name in charges:
            total[kind.cost] = total[kind.cost] + charges[kind.name].sum(axis=0)
    return total


def add_split_charges(
    charges: Mapping[str, Numbers], kind: str, group: Ints, split: Mapping[int, Numbers]
) -> dict[int, Numbers]:
    """Add charges of streams or treatments to a kind of cost that is split by groups of them.

    Args:
        charges: Charges by kind of activity (N, T), money.
        kind: Kind of cost; `supply` has the charges of streams, `treatment` those of treatments.
        group: Group of each stream (I,) or treatment (H,).
        split: Money without them by group and period (T,).

    Returns:
        Money by group and period (T,).
    """
    charge = charges.get({"supply": "stream", "treatment": "treatment"}.get(kind, ""))
    if charge is None:
        return dict(split)
    return {number: spent + charge[group == number].sum(axis=0) for number, spent in split.items()}


def list_used_contracts(account: PlanAccount) -> tuple[UsedContract, ...]:
    """List the uses of contracts with a minimum lot or a charge.

    Returns:
        One use for each period in which a line of terms is fed, and one for each other contract that is used.
    """
    used: list[UsedContract] = []
    instance = account.instance
    for kind in ACTIVITY_KINDS:
        members = kind.find_members(instance)
        if not members.any():
            continue
        quantity, names = compute_quantity(account, kind), kind.list_paths(instance)
        charge = account.read(kind.get_charge(instance))
        taken = (bound_below(quantity) > 0) & members[:, None]
        first = taken & (kind.periodic | (np.cumsum(taken, axis=1) == 1))
        for n, t in zip(*(axis.tolist() for axis in np.nonzero(first)), strict=True):
            amount = float(quantity[n, t] if kind.periodic else quantity[n].sum())
            used.append(UsedContract(names[n], instance.periods[t], amount, kind.unit, float(charge[n])))
    return tuple(used)
