"""Tables of the binding constraints of a plan with their shadow prices, and of its marginal values with lots fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.catalog import STEP_TITLE, find_limit
from medalopt.instance.bounds import get_limit, list_axis_names, list_axis_titles
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.plan.metal_values import MetalValues
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.confidence import price_confidence
from medalopt.proof.marginal import CHARGE_LIMIT_MEANING, SUPPLY_MEANING, MarginalValue, price_streams
from medalopt.report.deadline_risk import name_promise
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import format_money_range
from medalopt.text import parse_path

MAX_SEPARATE_SOURCES = 12  # sources that are listed one by one
_MAX_ROWS = 15  # rows
_MIN_VALUE, _MIN_PART_VALUE = 1e-4, 1e-3  # relative to all payments: constraints of a smaller total value are left out
_STEP_NEEDED, _STEP_AS_OFFERED, _STEP_EACH_PERIOD = (
    "1 kg less needed",
    "1 t more, as offered",
    "1 {} more in each period",
)
_DEFINITIONS = (
    "Metals in proportion to what is charged, streams to what is offered. In one period: that period alone, as in "
    "medalopt sensitivity (metals: 1 kg more of recycled metal in stock). Where increase and decrease differ "
    "(medalopt explain), a value between the two."
)
_STEP_LESS_IN_RESERVE = "1 kg less"
_RANKS = {"smelters": 1, "treatments": 1, "alloys": 1, "streams": 2, "market": 3, "policy": 4}  # order by section


@dataclass(frozen=True)
class ConstraintPrice:
    """Shadow price of one right-hand side: `saves` per unit, or least and greatest; `total` for the entire quantity.

    With a `period`, `saves` refers to that period alone. `by_period` is the saving from a change in all periods
    together,
    which `step` names; without it the single periods are shown as a range.
    """

    rank: int  # order of the groups: metals, capacities, supply, offers, policy
    name: str
    step: str
    saves: tuple[float, ...]
    total: float
    period: str | None = None
    by_period: tuple[float, ...] = ()


def build_shadow_price_table(plan: Plan, metal_values: MetalValues, whole: bool = False) -> ReportTable:
    """Return the table of binding constraints with shadow prices.

    Args:
        plan: Optimal plan.
        metal_values: Marginal values of its metals.
        whole: All of them; else those with the largest total value.

    Returns:
        The table: metals, capacities, supply, offers, policy constraints; in each group the largest total value first.
    """
    minimum = _MIN_VALUE * max(1.0, sum_absolute_costs(plan.account, plan.measure))
    groups: dict[tuple[int, str, str], list[ConstraintPrice]] = {}
    marginals = _list_rule_marginals(plan)
    for price in (
        *_price_metals(plan, metal_values),
        *_price_sources(plan, metal_values, _MIN_PART_VALUE * minimum),
        *_price_promises(plan),
        *_price_reserves(plan, marginals),
        *_price_charge_limits(plan, marginals),
        *_price_limits(plan, marginals),
    ):
        if price.total > _MIN_PART_VALUE * minimum:
            groups.setdefault((price.rank, price.name, price.step), []).append(price)
    total = {key: sum(price.total for price in group) for key, group in groups.items()}
    keys = sorted((key for key in groups if total[key] > minimum), key=lambda key: (key[0], -total[key], key))
    listed = keys if whole else keys[:_MAX_ROWS]
    rest = len(keys) - len(listed)
    columns = (
        ReportColumn("constraint", "constraint"),
        ReportColumn("change", "change", optional=True),
        ReportColumn("saves", "saves", plan.unit, style="money", optional=True),
        ReportColumn("in_one_period", "in one period", plan.unit, rank=1, style="money", optional=True),
        ReportColumn("binding_periods", "binding in", "", rank=2, optional=True),
    )
    rows = tuple((what, step, *_tabulate_group(plan, groups[rank, what, step])) for rank, what, step in listed)
    notes = [_DEFINITIONS] if any(price.by_period for group in groups.values() for price in group) else []
    notes += [f"{rest} more: -o or --json."] if rest > 0 else []
    title, text = "Binding constraints and shadow prices", "Saving in the objective from relaxing each by one unit."
    return ReportTable("shadow_prices", title, text, columns, rows, tuple(notes))


def _tabulate_group(plan: Plan, group: list[ConstraintPrice]) -> tuple[CellValue, CellValue, CellValue]:
    """Return the saving, that of a change in one period alone, and the number of periods in which it binds.

    The saving is that from a change in all periods together, or the range over single periods.
    """
    every = [each for price in group for each in price.by_period or price.saves]
    single = [each for price in group for each in price.saves] if any(price.by_period for price in group) else []
    return _show_range(every), _show_range(single), _count_periods(plan, group)


def _show_range(values: list[float]) -> CellValue:
    """Return the greatest of some amounts, shown as their range."""
    return ShownValue(max(values), format_money_range(values)) if values else None


def _price_metals(plan: Plan, metal_values: MetalValues) -> Iterator[ConstraintPrice]:
    """Yield the shadow price of each bottleneck metal, and of its stock in each period."""
    charged = plan.account.composition.sum(axis=0)
    for e in metal_values.scarce:
        price = (float(metal_values.per_kilogram[e]),)
        for t, period in enumerate(plan.instance.periods):
            if metal_values.used[e, t]:
                value = float(metal_values.at_hand[e, t])
                yield ConstraintPrice(
                    0, plan.instance.metals.titles[e], _STEP_NEEDED, (value,), value * charged[e, t], period, price
                )


def _price_promises(plan: Plan) -> Iterator[ConstraintPrice]:
    """Yield the saving from one percentage point, or parameter of the budget, less of each promise that binds."""
    budget = get_uncertainty_budget(plan.instance)
    kind, step, steps = ("uncertainty budget", "1 less", budget) if budget else ("confidence", "1 % less", 100)
    for price in price_confidence(plan.account, plan.duals):
        what = f"{kind} of {name_promise(plan.instance, price.row)}"
        yield ConstraintPrice(_RANKS["policy"], what, step, (price.saves,), steps * price.saves)


def _price_sources(plan: Plan, metal_values: MetalValues, minimum: float) -> Iterator[ConstraintPrice]:
    """Yield the shadow price of one more tonne of each source, scaled as it is offered, a bundle in its proportions.

    Sources under one label are one row. Sources with a total value of at most `minimum` are left out.
    """
    labels, of = plan.instance.group_streams()
    available = plan.instance.streams.available.value
    offered, saved = np.zeros((2, len(labels), available.shape[1]))
    np.add.at(offered, of, available)
    np.add.at(saved, of, -price_streams(plan.account, metal_values.prices) * available)
    lines = [f"{what} from {region}" if len(labels) <= MAX_SEPARATE_SOURCES else what for region, what in labels]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(lines))}
    kind = np.array([numbers[name] for name in lines], dtype=np.intp)
    source, period = np.nonzero((saved > max(minimum, 0.0)) & (offered > 0))
    amount = saved[source, period]
    each, index = amount / offered[source, period], (kind[source], period)
    whole, low, high = np.zeros((3, len(numbers), available.shape[1])) + np.array([0.0, np.inf, 0.0])[:, None, None]
    np.add.at(whole, index, amount)
    np.minimum.at(low, index, each)
    np.maximum.at(high, index, each)
    tonnes, total = (np.bincount(kind, each.sum(axis=1)).astype(np.float64) for each in (offered, saved))
    scaled = np.divide(total, tonnes, out=np.zeros_like(total), where=tonnes > 0)
    for name, number in numbers.items():
        for t in np.flatnonzero(whole[number]).tolist():
            saves, every = (float(low[number, t]), float(high[number, t])), (float(scaled[number]),)
            yield ConstraintPrice(
                2, name, _STEP_AS_OFFERED, saves, float(whole[number, t]), plan.instance.periods[t], every
            )


def _price_reserves(plan: Plan, marginals: list[MarginalValue]) -> Iterator[ConstraintPrice]:
    """Yield the shadow price of the safety stock of each metal at the end of each period."""
    metals, periods = plan.instance.metals, plan.instance.periods
    coming, sums = plan.account.compute_coming_need(), dict[str, float]()
    found = [one for one in marginals if parse_path(one.path)[::2] == ("metals", "reserve")]
    for one in found:
        sums[one.path] = sums.get(one.path, 0.0) + one.value
    for one in found:
        e = metals.names.index(str(parse_path(one.path)[1]))
        total = one.value * float(coming[e, periods.index(str(one.period))])
        step, every = _STEP_LESS_IN_RESERVE, (sums[one.path],)
        yield ConstraintPrice(1, f"safety stock of {metals.titles[e]}", step, (one.value,), total, one.period, every)


def _price_charge_limits(plan: Plan, marginals: list[MarginalValue]) -> Iterator[ConstraintPrice]:
    """Yield shadow prices of the limits on groups of offers charged to alloys."""
    instance, sums = plan.instance, dict[str, float]()
    found = [one for one in marginals if one.meaning == CHARGE_LIMIT_MEANING]
    for one in found:
        sums[one.path] = sums.get(one.path, 0.0) - one.value
    for one in found:
        _, alloy, _, name, _ = parse_path(one.path)
        at = instance.alloys.names.index(str(alloy)), instance.charge_limits.names.index(str(name))
        most = float(instance.charge_limits.most.value[(*at, instance.periods.index(str(one.period)))])
        what, step = f"limit {name} of {alloy}", _STEP_EACH_PERIOD.format("kg")
        yield ConstraintPrice(1, what, step, (-one.value,), -one.value * most, one.period, (sums[one.path],))


def _price_limits(plan: Plan, every: list[MarginalValue]) -> Iterator[ConstraintPrice]:
    """Yield shadow prices of capacities, limits, commitments and policy constraints."""
    instance = plan.instance
    place = {period: number for number, period in enumerate(instance.periods)}
    names = list_axis_names(instance)
    marginals = [one for one in every if parse_path(one.path)[0] in _RANKS and one.meaning != CHARGE_LIMIT_MEANING]
    sums: dict[str, float] = {}
    for marginal in marginals:
        sums[marginal.path] = sums.get(marginal.path, 0.0) - marginal.value
    limits_of_steps = {
        path: (kind, limit)
        for kind in STEP_KINDS
        for path, limit in zip(kind.list_steps(instance), kind.get_steps(instance).above.value.tolist(), strict=True)
    }
    for marginal in marginals:
        path = parse_path(marginal.path)
        if marginal.path in limits_of_steps:
            kind, most = limits_of_steps[marginal.path]
            what = STEP_TITLE.format(int(path[3]) + 1, path[1])
            yield _price_relaxation(marginal, _RANKS[kind.part], what, kind.unit, most)
            continue
        family, limit = find_limit(path, marginal.meaning)
        rank, values = _RANKS[limit.section], get_limit(instance, limit).value
        if limit.section == "policy":
            titles = list_axis_titles(instance, family.axes)
            subject = "" if limit.common else titles[names[family.axes[0]].index(str(path[2]))]
            yield _price_relaxation(marginal, rank, limit.title.format(subject), limit.unit, 1.0)
            continue
        amount, what = values[names[family.axes[0]].index(str(path[1]))], limit.title.format(path[1])
        if not family.periodic:
            yield _price_relaxation(marginal, rank, what, limit.unit, float(amount))
            continue
        amount, step = float(amount[place[str(marginal.period)]]), _STEP_EACH_PERIOD.format(limit.unit)
        saves, together = -marginal.value, (sums[marginal.path],)
        yield ConstraintPrice(rank, what, step, (saves,), saves * amount, marginal.period, together)


def _price_relaxation(marginal: MarginalValue, rank: int, what: str, unit: str, amount: float) -> ConstraintPrice:
    """Return the saving from one unit more of an upper limit, or one unit less of a lower one."""
    step = f"1 {unit} {'more' if marginal.value < 0 else 'less'}"
    return ConstraintPrice(rank, what, step, (abs(marginal.value),), abs(marginal.value) * max(amount, 1.0))


def _list_rule_marginals(plan: Plan) -> list[MarginalValue]:
    """Return all marginal values but those of supply, which can be very many."""
    columns = list(plan.priced.values())
    return [
        MarginalValue(*(column[number] for column in columns))
        for number, meaning in enumerate(columns[-1])
        if meaning != SUPPLY_MEANING
    ]


_MAX_LOT_ROWS = 15  # rows


def build_lot_price_table(plan: Plan, whole: bool = False) -> ReportTable:
    """Return the table of marginal values with the numbers of lots fixed at those of the plan.

    Args:
        plan: Solved plan in whole lots.
        whole: All parameters; else the first ones.

    Returns:
        The table, one row for each parameter; no rows without lots.
    """
    groups: dict[tuple[str, str], list[MarginalValue]] = {}
    for marginal in plan.marginals_at_lots:
        groups.setdefault((marginal.path, marginal.meaning), []).append(marginal)
    listed = list(groups.items())[: None if whole else _MAX_LOT_ROWS]
    rest = len(groups) - len(listed)
    columns = (
        ReportColumn("figure", "figure"),
        ReportColumn("when", "when", "", rank=1, optional=True),
        ReportColumn("change", "change", optional=True),
        ReportColumn("value", "changes the plan by", "", style="money", optional=True),
        ReportColumn("unit", "", optional=True),
    )
    rows = tuple(
        (
            path,
            _count_periods(plan, marginals),
            meaning,
            _show_range([marginal.value for marginal in marginals]),
            marginals[0].unit,
        )
        for (path, meaning), marginals in listed
    )
    notes = ["Of the linear program in which the numbers of lots are fixed at those of this plan; less than 0 saves."]
    notes += [f"{rest} more are in the plan's prices_at_lots (-o, --json)."] if rest > 0 else []
    title, text = "What one unit more changes at the chosen lots", "Marginal values with the numbers of lots fixed."
    return ReportTable("lot_prices", title, text, columns, rows, tuple(notes))


def _count_periods(plan: Plan, priced: Sequence[ConstraintPrice | MarginalValue]) -> CellValue:
    """Return the number of periods with a price, of all periods."""
    periods, count = {one.period for one in priced} - {None}, len(plan.instance.periods)
    return ShownValue(len(periods), f"{len(periods)} of {count}") if periods and count > 1 else None
