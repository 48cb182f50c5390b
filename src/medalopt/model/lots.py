r"""Lots, charges and price steps, which make the program a mixed-integer one, and rows that keep those of a plan.

Family 13, whole lots and minimum orders: a stream $i$ with lot size $\ell_i$ (t) has $X_{it}=\ell_in_{it}$, $n_{it}$
integer; with a minimum order $m_i$ (t): $m_iu_{it}\le X_{it}\le M_{it}u_{it}$, $u_{it}\in\{0,1\}$, $M_{it}$ an upper
bound on the tonnes sent in $t$. The same for offers, with the kilograms bought in $t$ as $X_{it}$.

Family 21, lots of feed and fixed charges: an activity is used or not.

With the quantity $F_n$ of activity $n$ (feed of a line of terms in a period; feed of a smelter, input of a treatment,
tonnes of a stream, kilograms of an offer over the horizon), $\underline m_n$ its least quantity where it is used and
$M_n$ an upper bound: $\underline m_ny_n\le F_n\le M_ny_n$ with $y_n\in\{0,1\}$, and the objective has
$+\eta_ny_n$.

Family 24, price steps: the quantity beyond the limit of a step costs more, or less.

With the quantity $Q$ over the horizon (tonnes of a stream, kilograms of an offer), the limit $u_n$ of a step and the
surcharge $\Delta_n$ of the next one, $e_n\ge0$ is the quantity beyond $u_n$, and the objective has $+\Delta_ne_n$.
Where the price rises: $Q-e_n\le u_n$; the limit of the last step has no $e_n$. Where it falls, $y_n\in\{0,1\}$ is 1
if the next step is used: $e_n+u_ny_n\le Q$ and $e_n\le(M-u_n)y_n$ with an upper bound $M$ of $Q$.

Rows that keep a plan: contracts in use keep their least quantity, all others stay unused, whole lots keep their
numbers, and falling prices the step that is reached, whose price then holds. Charges are constant and left out. The
program is linear then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.bounds import bound_purchases, compute_bounds
from medalopt.instance.instance import Instance, MarketOffers, Streams
from medalopt.instance.lot_relaxation import bound_activities
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    STEP_KINDS,
    ActivityKind,
    compute_quantity,
    has_lot_constraint,
    has_price_steps,
    list_falling_paths,
    list_used_keys,
    mark_falling,
)
from medalopt.instance.routes import Routes
from medalopt.model.balance_and_limits import collect_purchases
from medalopt.model.variables import index_by_name, select_names
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

USED_VARIABLES = frozenset(f"{kind.name}_used" for kind in ACTIVITY_KINDS)  # of lots of feed and fixed charges
STEP_VARIABLES = frozenset(f"{kind.name}_step_used" for kind in STEP_KINDS)  # of falling prices
INTEGER_VARIABLES = USED_VARIABLES | STEP_VARIABLES | {"lots", "ordered", "offer_lots", "offer_ordered"}
_NO_DUAL_DOC = "dual: undefined, the program is not linear"

_OrderKey = tuple[str, str]


def add_lot_constraints(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add whole lots and minimum orders (family 13) of streams and offers; nothing if the instance has none.

    Args:
        model: Model with `shipped` and purchases declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    if not (has_lot_constraint(instance.streams).any() or has_lot_constraint(instance.market).any()):
        return
    bounds, periods = compute_bounds(instance, routes), instance.periods
    most = index_by_name(bound_purchases(instance, bounds), instance.market.names)
    sent = dict(model.shipped.items()) if model.component("shipped") is not None else {}
    _add_order_rows(model, "", instance.streams, sent, index_by_name(bounds.sent, instance.streams.names, periods))
    bought = {key: pyo.quicksum(terms) for key, terms in collect_purchases(model).items()}
    _add_order_rows(model, "offer_", instance.market, bought, {key: most[key[0]] for key in bought})


def _add_order_rows(
    model: pyo.ConcreteModel,
    prefix: str,
    part: Streams | MarketOffers,
    sums: Mapping[_OrderKey, Any],
    most: Mapping[_OrderKey, float],
) -> None:
    """Add variables and constraints for streams or offers; `sums` are the quantities ordered per period."""
    lot, least = index_by_name(part.lot.value, part.names), index_by_name(part.minimum_order.value, part.names)
    in_lots = [key for key in sums if lot[key[0]] > 0]
    from_least = [key for key in sums if least[key[0]] > 0]
    counts = pyo.Var(in_lots, domain=pyo.NonNegativeIntegers, doc="n: number of lots ordered in a period")
    taken = pyo.Var(from_least, domain=pyo.Binary, doc="u: 1 if an order is placed in the period")
    model.add_component(f"{prefix}lots", counts)
    model.add_component(f"{prefix}ordered", taken)
    rows = (
        ("whole_lots", in_lots, lambda m, *key: (0.0, sums[key] - lot[key[0]] * counts[key], 0.0)),
        ("least_order", from_least, lambda m, *key: (0.0, sums[key] - least[key[0]] * taken[key], None)),
        ("most_order", from_least, lambda m, *key: (None, sums[key] - most[key] * taken[key], 0.0)),
    )
    for name, keys, rule in rows:
        family = pyo.Constraint(keys, rule=rule, doc=f"13. whole lots and minimum orders; {_NO_DUAL_DOC}")
        model.add_component(f"{prefix}{name}", family)


def add_activity_constraints(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add lots of feed and fixed charges (family 21); nothing if the instance has none.

    Args:
        model: Model with the linking variables and `bought` declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    kinds = [kind for kind in ACTIVITY_KINDS if kind.find_members(instance).any()]
    if not kinds:
        return
    most = bound_activities(instance, routes, compute_bounds(instance, routes))
    quantities: dict[str, Any] = {
        "line": lambda key: model.line_feed[key],
        "smelter": lambda k: pyo.quicksum(model.feed[k, t] for t in instance.periods),
        "treatment": lambda h: pyo.quicksum(model.treated[h, t] for t in instance.periods),
        "stream": lambda i: model.sent_stream[i],
        "offer": lambda o: model.bought[o],
    }
    for kind in kinds:
        members, names = np.flatnonzero(kind.find_members(instance)), kind.list_names(instance)
        axes = [[names[member] for member in members.tolist()], *([instance.periods] if kind.periodic else [])]
        keys = list(index_by_name(most[kind.name][members], *axes))
        _add_used_rows(
            model,
            kind,
            {key: quantities[kind.name](key) for key in keys},
            index_by_name(most[kind.name][members], *axes),
            index_by_name(kind.get_least(instance), names),
        )


def _add_used_rows(
    model: pyo.ConcreteModel,
    kind: ActivityKind,
    quantity: Mapping[Any, Any],
    most: Mapping[Any, float],
    least: Mapping[str, float],
) -> None:
    """Add the binary variables and constraints of one kind of activity, by name, and period where it is periodic."""
    used = pyo.Var(list(quantity), domain=pyo.Binary, doc="y: 1 if the contract is used")
    model.add_component(f"{kind.name}_used", used)
    doc = f"21. lots of feed and fixed charges; {_NO_DUAL_DOC}"
    if kind.least:
        from_least = [key for key in quantity if least[key[0]] > 0]
        rows = pyo.Constraint(
            from_least, rule=lambda m, *key: (0.0, quantity[key] - least[key[0]] * used[key], None), doc=doc
        )
        model.add_component(f"{kind.name}_least", rows)

    def bound(m: pyo.ConcreteModel, *key: str) -> tuple[None, Any, float]:
        index = key if kind.periodic else key[0]
        return (None, quantity[index] - most[index] * used[index], 0.0)

    model.add_component(f"{kind.name}_most", pyo.Constraint(list(quantity), rule=bound, doc=doc))


def add_price_steps(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add price steps (family 24); nothing if the instance has none.

    Args:
        model: Model with `sent_stream` and `bought` declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    if not has_price_steps(instance):
        return
    falling = bool(list_falling_paths(instance))
    most = bound_activities(instance, routes, compute_bounds(instance, routes)) if falling else {}
    for kind, totals in zip(STEP_KINDS, ("sent_stream", "bought"), strict=True):
        steps = kind.get_steps(instance)
        if not len(steps.owner):
            continue
        names, total = kind.list_steps(instance), getattr(model, totals)
        owners = getattr(instance, kind.part).names
        quantity = {name: total[owners[owner]] for name, owner in zip(names, steps.owner.tolist(), strict=True)}
        last = np.isinf(steps.surcharge.raw)
        excess = pyo.Var(
            select_names(~last, names), domain=pyo.NonNegativeReals, doc=f"e: taken beyond the limit, {kind.unit}"
        )
        model.add_component(f"{kind.name}_excess", excess)
        _add_rising_rows(model, instance, kind, quantity)
        if mark_falling(instance, kind).any():
            _add_falling_rows(model, instance, kind, quantity, most[kind.name][steps.owner])


def _add_rising_rows(
    model: pyo.ConcreteModel, instance: Instance, kind: ActivityKind, quantity: dict[str, Any]
) -> None:
    """Add the constraints of steps above which the price rises or nothing more can be had."""
    names, steps = kind.list_steps(instance), kind.get_steps(instance)
    above, excess = index_by_name(steps.above.value, names), dict(model.component(f"{kind.name}_excess").items())

    def rule(m: pyo.ConcreteModel, name: str) -> tuple[None, Any, float]:
        """Limit the quantity at the price of a step."""
        return (None, quantity[name] - excess.get(name, 0.0), above[name])

    doc = f"24. price steps; dual: change of cost per {kind.unit} more at the lower price, <= 0"
    rising = select_names(~mark_falling(instance, kind), names)
    model.add_component(f"{kind.name}_steps", pyo.Constraint(rising, rule=rule, doc=doc))


def _add_falling_rows(
    model: pyo.ConcreteModel, instance: Instance, kind: ActivityKind, quantity: dict[str, Any], most: Any
) -> None:
    """Add the binary variables and constraints of steps above which the price falls; `most` (S,) bounds quantities."""
    names, steps = kind.list_steps(instance), kind.get_steps(instance)
    above, excess = index_by_name(steps.above.value, names), model.component(f"{kind.name}_excess")
    beyond = index_by_name(np.maximum(most - steps.above.value, 0.0), names)
    falling = select_names(mark_falling(instance, kind), names)
    used = pyo.Var(falling, domain=pyo.Binary, doc="y: 1 if more is taken than the limit of the step")
    model.add_component(f"{kind.name}_step_used", used)
    doc = f"24. price steps; {_NO_DUAL_DOC}"
    least = pyo.Constraint(
        falling, rule=lambda m, name: (None, excess[name] + above[name] * used[name] - quantity[name], 0.0), doc=doc
    )
    model.add_component(f"{kind.name}_steps_least", least)
    greatest = pyo.Constraint(
        falling, rule=lambda m, name: (None, excess[name] - beyond[name] * used[name], 0.0), doc=doc
    )
    model.add_component(f"{kind.name}_steps_most", greatest)


_Row = tuple[str, Any, float | None, float | None]  # name, expression, least and greatest quantity


def build_kept_lots(account: PlanAccount, measure: str) -> Callable[[pyo.ConcreteModel, Instance], None]:
    """Build the extension that keeps the lots of a plan.

    Args:
        account: Plan in lots.
        measure: Its objective.

    Returns:
        A function `extend(model, instance)` for the instance without lots.
    """

    def lots_of_the_plan(model: pyo.ConcreteModel, instance: Instance) -> None:
        """Add `unused`, `least_lot` and `kept_lots`, and the surcharges of the falling steps that are reached."""
        rows = {name: (low, body, high) for name, body, low, high in _list_rows(model, account)}
        groups: dict[str, list[str]] = {"unused": [], "least_lot": [], "kept_lots": []}
        for name, (low, _, high) in rows.items():
            groups["least_lot" if high is None else "kept_lots" if low else "unused"].append(name)
        for component, names in groups.items():
            model.add_component(component, pyo.Constraint(names, rule=lambda m, name: rows[name]))
        if measure == "cost":
            model.objective.expr += pyo.quicksum(_list_step_costs(model, account))

    return lots_of_the_plan


def _list_rows(model: Any, account: PlanAccount) -> Iterator[_Row]:
    """Yield the quantities of contracts, orders and price steps that are kept."""
    instance = account.instance
    used = list_used_keys(account)
    for kind in ACTIVITY_KINDS:
        members, names, paths = kind.find_members(instance), kind.list_names(instance), kind.list_paths(instance)
        least = kind.get_least(instance)
        for n in np.flatnonzero(members).tolist():
            for period in instance.periods if kind.periodic else ("",):
                key = (names[n], period) if kind.periodic else names[n]
                body = _sum_quantity(model, account, kind, n, period)
                if body is None:
                    continue
                name = f"{paths[n]} {period}".strip() + f", {kind.unit}"
                if (f"{kind.name}_used", key) not in used:
                    yield name, body, 0.0, 0.0
                elif least[n] > 0:
                    yield name, body, float(least[n]), None
    yield from _list_order_rows(model, account)
    for steps in STEP_KINDS:
        for path, total, above, _ in _list_reached_steps(model, account, steps):
            yield f"{path}, {steps.unit}", total, above, None


def _sum_quantity(model: Any, account: PlanAccount, kind: ActivityKind, n: int, period: str) -> Any:
    """Return the quantity of an activity as an expression; None where it is always 0."""
    instance, periods = account.instance, account.instance.periods
    if kind.name == "line":
        routes = account.routes
        streams, treatments, smelters = (
            part.names for part in (instance.streams, instance.treatments, instance.smelters)
        )
        keys = {
            (streams[routes.stream[j]], treatments[routes.treatment[j]], smelters[routes.smelter[j]], period): float(
                routes.to_smelter[j]
            )
            for j in np.flatnonzero(routes.line == n).tolist()
        }
        terms = [share * model.ship[key] for key, share in keys.items() if key in model.ship]
        return pyo.quicksum(terms) if terms else None
    name = kind.list_names(instance)[n]
    if kind.name in ("smelter", "treatment"):
        part = model.feed if kind.name == "smelter" else model.treated
        return pyo.quicksum(part[name, t] for t in periods)
    return (model.sent_stream if kind.name == "stream" else model.bought)[name]


def _list_order_rows(model: Any, account: PlanAccount) -> Iterator[_Row]:
    """Yield the quantities of streams and offers with lots or minimum orders, by period."""
    instance = account.instance
    bought = {key: pyo.quicksum(terms) for key, terms in collect_purchases(model).items()}
    treats = {
        (instance.streams.names[i], instance.treatments.names[h])
        for i, h, treats in zip(account.routes.stream, account.routes.treatment, account.routes.treats, strict=True)
        if treats
    }
    sent: dict[tuple[str, str], list[Any]] = {}
    for which in (model.ship, model.leave):
        for index in which:
            if (index[0], index[1]) in treats:
                sent.setdefault((index[0], index[-1]), []).append(which[index])
    sums = {key: pyo.quicksum(terms) for key, terms in sent.items()}
    for section, part, quantity, bodies in (
        ("streams", instance.streams, account.sent_by_stream, sums),
        ("market", instance.market, account.purchases, bought),
    ):
        for n in np.flatnonzero(has_lot_constraint(part)).tolist():
            for t, period in enumerate(instance.periods):
                body = bodies.get((part.names[n], period))
                if body is None:
                    continue
                amount, lot, least = float(quantity[n, t]), float(part.lot.value[n]), float(part.minimum_order.value[n])
                name = f"{render_path((section, part.names[n]))} {period}, {'kg' if section == 'market' else 't'}"
                if lot > 0:
                    amount = lot * round(amount / lot)
                    yield name, body, amount, amount
                elif amount > AMOUNT_TOLERANCE * float(quantity[n].max()):
                    yield name, body, least, None
                else:
                    yield name, body, 0.0, 0.0


def _list_reached_steps(
    model: Any, account: PlanAccount, kind: ActivityKind
) -> Iterator[tuple[str, Any, float, float]]:
    """Yield path, quantity, limit and surcharge of each falling step beyond whose limit the plan goes."""
    instance = account.instance
    steps, names, falls = kind.get_steps(instance), kind.list_steps(instance), mark_falling(instance, kind)
    part = getattr(instance, kind.part).names
    totals = compute_quantity(account, kind).sum(axis=1)
    variable = model.sent_stream if kind.part == "streams" else model.bought
    for row in np.flatnonzero(falls).tolist():
        owner, above = int(steps.owner[row]), float(steps.above.value[row])
        if float(totals[owner]) > above * (1 + AMOUNT_TOLERANCE):
            yield names[row], variable[part[owner]], above, float(steps.surcharge.value[row])


def _list_step_costs(model: Any, account: PlanAccount) -> Iterator[Any]:
    """Yield the surcharges of the falling steps that are reached, for all of the quantity."""
    for kind in STEP_KINDS:
        yield from (surcharge * total for _, total, _, surcharge in _list_reached_steps(model, account, kind))
