"""Report of a solved plan: status, cost, supply, bottleneck metals and their next source, then tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.instance.bounds import sells_castings
from medalopt.instance.lots import has_activities, has_other_lots, has_price_steps, list_falling_paths
from medalopt.instance.payers import get_restricted_party, parse_cost_objective
from medalopt.plan.metal_values import MetalValues, find_marginal_source, find_rejected_offer
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.report.deadline_risk import describe_confidence_prices, describe_risks, tabulate_risk
from medalopt.report.document import Report, ReportTable
from medalopt.report.numbers import (
    format_mass,
    format_money,
    format_money_range,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.shadow_prices import build_lot_price_table, build_shadow_price_table
from medalopt.report.solve_tables import (
    build_charge_table,
    build_cost_table,
    build_impurity_table,
    build_medal_table,
    build_metal_table,
    build_party_table,
    build_purchase_table,
    build_smelter_table,
    build_source_tables,
    build_step_table,
    build_treatment_table,
)
from medalopt.text import escape_text, format_count, list_first
from medalopt.tolerances import AMOUNT_TOLERANCE, GAP_TOLERANCE

if TYPE_CHECKING:
    from medalopt.report.atomic_write import FileContent

_MAX_BOTTLENECKS = 3
_MAX_PARTIES = 5
_BEST = "Optimal by branch and bound (bound of the solver); "


def summarize_plan(plan: Plan, metal_values: MetalValues) -> tuple[str, ...]:
    """Return the headline of a plan, without its status.

    Bottlenecks are listed only for a plan that is proven optimal, since they follow from its dual values.

    Returns:
        Lines on cost, option premiums, medals not made, whole lots, supply taken, risk of a shortfall, promised
        confidence and bottleneck metals; empty ones are left out.
    """
    scarce = _describe_bottlenecks(plan, metal_values) if plan.certificate.optimal else ()
    promised = describe_confidence_prices(plan) if plan.certificate.optimal else ()
    beside = (_describe_payers(plan), _describe_premiums(plan), _describe_missed_medals(plan), _describe_lot_cost(plan))
    lines = (_describe_cost(plan), *beside, _describe_supply(plan))
    return tuple(line for line in (*lines, *describe_risks(plan.instance, plan.risks), *promised, *scarce) if line)


def name_total_cost(plan: Plan) -> tuple[str, float]:
    """Name the total of a plan: its cost, or where castings are sold for more, the profit.

    Returns:
        Name and amount in money; a profit is positive.
    """
    earns = plan.cost < 0 and sells_castings(plan.instance)
    return ("Profit", -plan.cost) if earns else ("Total cost", plan.cost)


def describe_objective(plan: Plan) -> str:
    """Describe the objective of a plan, a cost as its total.

    Returns:
        A sentence with the amount and its unit.
    """
    named = name_total_cost(plan) if plan.measure == "cost" else (f"Minimum {plan.measure}", plan.objective)
    if plan.measure == "cost" and plan.instance.whole is not None:
        named = f"Minimum cost of {escape_text(get_restricted_party(plan.instance))}", plan.cost
    return f"{named[0]}: {format_money(named[1], plan.unit)}."


def compute_cost_per_medal(plan: Plan) -> float | None:
    """Return the cost of a medal, or its profit where castings are sold for more than they cost.

    Returns:
        Money; None where several parties pay, so that no one pays for a medal, where the plan costs nothing, and of a
        single medal.
    """
    count, total = int(plan.instance.medals.count.sum()), name_total_cost(plan)[1]
    return total / count if len(plan.party_costs) <= 1 and count > 1 and total else None


def _describe_cost(plan: Plan) -> str:
    """Return the line on total cost and cost per medal, preceded by the objective where that is another measure."""
    currency, count = plan.instance.currency, int(plan.instance.medals.count.sum())
    name, total = name_total_cost(plan)
    line = f"{name}: {format_money(total, currency)}"
    if len(plan.party_costs) > 1:
        line += ", all parties together"
    elif (per_medal := compute_cost_per_medal(plan)) is not None:
        line += f", {format_money(per_medal, currency)} per medal"
    line += f" ({format_count(count, 'medal')})" if count > 1 else ""
    party = parse_cost_objective(plan.measure)[1]
    if party is not None:
        line = f"Minimum cost of {party}: {format_money(plan.objective, currency)}. {line}"
    elif plan.measure != "cost":
        line = f"Minimum {plan.measure}: {format_number(plan.objective)} {plan.unit}. {line}"
    return f"{line}."


def _describe_payers(plan: Plan) -> str:
    """Return the line on the cost of each party, the largest first; empty where no payers are stated."""
    parts = [
        f"{escape_text(party)} {format_money(amount, plan.instance.currency)}"
        for party, amount in plan.party_totals.items()
    ]
    return f"Paid by: {list_first(parts, _MAX_PARTIES)}." if parts else ""


def _describe_premiums(plan: Plan) -> str:
    """Return the line on premiums of options, which no plan counts; empty where no offer has one."""
    premiums: dict[str, float] = plan.instance.annex.get("market_option", {})
    bought = dict(zip(plan.instance.market.names, plan.account.bought.tolist(), strict=True))
    paid = {name: premium for name, premium in premiums.items() if premium > 0}
    if not paid:
        return ""
    currency, parts = plan.instance.currency, []
    for name, premium in list(paid.items())[:_MAX_PARTIES]:
        kilograms = bought.get(name, 0.0)
        cost = f", {format_money(premium * kilograms, currency)} for {format_mass(kilograms)}" if kilograms > 0 else ""
        parts.append(f"{escape_text(name)} {format_number(premium)} {currency}/kg{cost}")
    more = f" and {len(paid) - len(parts)} more" if len(paid) > len(parts) else ""
    return f"Option premiums are not in the cost: {'; '.join(parts)}{more}. medalopt stochastic decides on options."


def list_missed_medals(plan: Plan) -> str:
    """Return the medals that are not made by kind, such as `8.73 of 12 silver`; empty where all are made.

    Returns:
        The kinds, separated by commas.
    """
    medals, missed = plan.instance.medals, plan.account.missed
    kinds = np.flatnonzero(missed > AMOUNT_TOLERANCE * medals.count).tolist()
    return ", ".join(
        f"{format_number(float(missed[m]))} of {int(medals.count[m]):,} {escape_text(medals.names[m])}" for m in kinds
    )


def _describe_missed_medals(plan: Plan) -> str:
    """Return the line on the medals that are not made, with their penalty; empty where all are made."""
    if not (kinds := list_missed_medals(plan)):
        return ""
    return f"Medals not made: {kinds} (penalty {format_money(plan.costs['shortfall'], plan.instance.currency)})."


def _describe_lot_cost(plan: Plan) -> str:
    """Return the line on the extra cost of whole lots against the relaxation without them; empty without lots."""
    if plan.lots is None:
        return ""
    lots, unit = plan.lots, plan.unit
    what, whole, without = "Whole lots", "in whole lots or not", "without them"
    if has_activities(plan.instance):
        what, whole, without = "Lots and whole charges", "with lots or not", "without lots, with charges pro rata,"
    if list_falling_paths(plan.instance):
        mean = "with mean prices in place of falling ones"
        if not has_other_lots(plan.instance):
            above = f"{format_number(lots.extra)} {unit} above the best plan {mean}"
            least = f"{format_number(lots.lower_bound, 6)} {unit} (certified)"
            return f"Falling prices: at most {above}; no plan comes to less than {least}."
        what = f"{what.replace(' and', ',')} and falling prices"
        without = f"{without.rstrip(',')} and {mean},"
    best = f"the best plan {without} comes to {format_number(lots.without, 6)} {unit}"
    bound = f"no plan, {whole}, comes to less than {format_number(lots.lower_bound, 6)} {unit} (certified)"
    if not lots.extra:
        return f"{what} cost nothing more: {best}, and {bound}."
    of_all = format_share(lots.extra, abs(lots.without))
    extra = f"{format_number(lots.extra)} {unit}" + ("" if of_all == "–" else f", {of_all}")
    return f"{what} cost {extra}: {best}; {bound}."


def _describe_supply(plan: Plan) -> str:
    """Return the line on tonnes taken of tonnes offered, with the tonnes passed on to ordinary recycling."""
    offered = float(plan.instance.streams.available.value.sum())
    if not offered:
        return ""
    of_all = format_share(plan.tonnes, offered)
    taken = f"{format_tonnes(plan.tonnes)} taken of {format_tonnes(offered)} offered ({of_all})"
    return f"Supply: {taken}{describe_passed_on(plan)}."


def describe_passed_on(plan: Plan) -> str:
    """Describe the tonnes passed on to ordinary recycling, as the end of a sentence on supply; empty where none are.

    Returns:
        The text, preceded by a semicolon.
    """
    routes, split = plan.account.routes, plan.instance.treatments.mark_split()
    passed = (routes.smelter < 0) & ~split[routes.treatment, plan.instance.streams.device[routes.stream]]
    passed_on = float(plan.account.decisions.sent[passed].sum())
    if passed_on <= AMOUNT_TOLERANCE * plan.tonnes:
        return ""
    return f"; {format_tonnes(passed_on)} passed on to ordinary recycling"


def _describe_bottlenecks(plan: Plan, metal_values: MetalValues) -> tuple[str, ...]:
    """Return one line for each of the most valuable bottleneck metals, or the line that there is none."""
    if not metal_values.scarce:
        some = len(plan.instance.streams.names) and plan.measure == "cost"
        return ("No bottleneck: no metal has a shadow price above its market price.",) if some else ()
    listed = metal_values.scarce[:_MAX_BOTTLENECKS]
    return tuple(line for metal in listed for line in _describe_bottleneck(plan, metal_values, metal))


def _describe_bottleneck(plan: Plan, metal_values: MetalValues, metal: int) -> tuple[str, ...]:
    """Return the shadow price of a bottleneck metal with the cheaper offer that is excluded, and its next source."""
    title = plan.instance.metals.titles[metal]
    price = format_money_range([float(metal_values.per_kilogram[metal])])
    line = f"Bottleneck: {title}. Shadow price {price} {plan.unit}/kg"
    refused = find_rejected_offer(plan, metal_values, metal)
    if refused:
        times = f"{refused.times:,.0f}" if refused.times >= 10 else f"{refused.times:.1f}"
        reason = f"; {refused.reason}" if refused.reason else ""
        market_price = f"{format_money(refused.price, plan.instance.currency)}/kg"
        line += f", {times} × the price of {refused.offer} ({market_price}{reason})"
    source = find_marginal_source(plan, metal_values, metal) if plan.measure == "cost" else None
    if source is None:
        return (f"{line}.",)
    tonnes = f"{format_tonnes(source.tonnes)} of {source.what} from {source.region}"
    return (f"{line}.", f"Next source of {title}: {tonnes} per kilogram.")


def describe_status(plan: Plan) -> str:
    """Return the status of a plan: optimal or feasible, how it was verified, and the certified gap.

    Args:
        plan: Plan with its certificate; the saved plan has its gap and its largest violation.

    Returns:
        The sentence; it says so if the search stopped at a limit.
    """
    certificate = plan.certificate
    stopped = "Stopped at a limit. " if plan.stopped else ""
    if certificate.optimal:
        how = "in exact arithmetic" if certificate.exact_value is not None else "independently of the solver"
        return f"{stopped}Optimal (verified {how})."
    bound = "the optimum without whole lots" if plan.instance.lots else "the optimum"
    if has_activities(plan.instance):
        bound = "the optimum without lots and with charges pro rata"
    if list_falling_paths(plan.instance):
        mean = "with mean prices in place of falling ones"
        bound = f"{bound} and {mean}" if has_other_lots(plan.instance) else f"the optimum {mean}"
    search = _describe_search(plan)
    if plan.stopped and search == _BEST:
        stopped = "The gap asked for is not proven. "
    return f"{stopped}{search}{_describe_gap(plan, bound)}."


def _describe_search(plan: Plan) -> str:
    """Return the gap between plan and branch-and-bound bound; that bound is the solver's and not certified."""
    bound = plan.certificate.search_bound
    if bound is None:
        return "Feasible; "
    size = max(1.0, abs(plan.objective), float(sum_absolute_costs(plan.account, plan.measure)))
    gap = (plan.objective - bound) / size
    if gap <= GAP_TOLERANCE:
        return _BEST
    return f"Feasible, within {100 * gap:.2g} % of the bound of the solver; "


def _describe_gap(plan: Plan, best: str) -> str:
    """Return the certified gap in per cent of all payments, which it names where the cost is far less than these."""
    gap, above = plan.certificate.gap, plan.objective - plan.certificate.lower_bound
    if gap >= 1:
        return f"gap to {best} not proven"
    base = "" if above <= 1.1 * gap * abs(plan.objective) else " (of all payments)"
    return f"verified within {100 * gap:.2g} %{base} of {best}"


def build_plan_tables(plan: Plan, values: MetalValues, whole: bool = False) -> tuple[ReportTable, ...]:
    """Return all tables of a plan that have rows, in the order of interest.

    Args:
        plan: Solved plan.
        values: Marginal values of its metals.
        whole: All rows; else many sources are summed, and only the largest shadow prices are listed.

    Returns:
        The tables; shadow prices only for a plan that is proven optimal.
    """
    tables = (
        build_metal_table(plan, values),
        tabulate_risk(plan),
        *((build_party_table(plan),) if plan.party_costs else ()),
        build_cost_table(plan),
        *build_source_tables(plan, whole),
        build_smelter_table(plan),
        build_impurity_table(plan),
        build_treatment_table(plan),
        build_purchase_table(plan),
        build_medal_table(plan, values),
        *((build_shadow_price_table(plan, values, whole),) if plan.certificate.optimal else ()),
        *((build_charge_table(plan, whole),) if has_activities(plan.instance) else ()),
        *((build_step_table(plan),) if has_price_steps(plan.instance) else ()),
        *((build_lot_price_table(plan, whole),) if plan.lots else ()),
    )
    return tuple(table for table in tables if table.rows)


def build_solve_report(plan: Plan, whole: bool = True, text: bool = True) -> Report:
    """Build the report of a solved plan.

    Args:
        plan: Solved plan.
        whole: Build the tables in full besides those of a terminal; a large plan has very many rows.
        text: Build sentences and tables; False for a program that reads the plan alone.

    Returns:
        The report; JSON and CSV are the saved plan, which the workbook holds besides.
    """
    title = plan.instance.title or plan.instance.name
    writers: dict[str, Any] = {"json": lambda _: _stream_plan(plan), "csv": lambda _: _render_folder(plan)}
    if not text:
        return Report(title, (), plan=plan, **writers)
    values = MetalValues(plan)
    screen = build_plan_tables(plan, values)
    return Report(
        title,
        (describe_status(plan), *summarize_plan(plan, values)),
        build_plan_tables(plan, values, whole=True) if whole else screen,
        foot=(f"Parameters of {plan.instance.name}: sha256 {plan.instance.figures}.",),
        screen=screen,
        plan=plan,
        **writers,
    )


def _stream_plan(plan: Plan) -> Iterator[str]:
    """Yield the saved plan as JSON text; the writers of files are imported only if they are used."""
    from medalopt.report.render.json import build_plan_members, stream_json

    return stream_json(build_plan_members(plan))


def _render_folder(plan: Plan) -> Mapping[str, FileContent]:
    """Return the saved plan as CSV files by name."""
    from medalopt.report.render.csv import render_packaged_folder

    return render_packaged_folder(plan)
