"""Risk of each metal at its deadlines: sentences on those most at risk and on promised confidence, and the table."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.instance.confidence import ConfidenceRow, build_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import DeadlineRisk, get_joint_confidence, get_uncertainty_budget
from medalopt.plan.plan import Plan
from medalopt.proof.confidence import price_confidence
from medalopt.report.document import CellValue, ReportColumn, ReportTable
from medalopt.report.numbers import format_confidence, format_mass, format_money, format_number, format_share
from medalopt.tolerances import DISPLAY_TOLERANCE

SAFE_PROBABILITY = 0.99  # from which on a metal is not named in the headline
_MOST_METALS = 2  # metals named in the headline
_MOST_PARTS = 4  # metals and deadlines of a joint confidence named there
_UNITS = ((1e4, 1e3, "t"), (1.0, 1.0, "kg"), (0.0, 1e-3, "g"))  # least mass (kg), size of the unit (kg)
_PROMISE_STEPS = {True: "percentage point", False: "parameter"}
_DESCRIPTION = (
    "Metal returned by the end of the deadline's period against the need, shipments and purchases as planned. "
    "Melts may be re-timed up to the deadline."
)
RISK_COLUMNS = (
    ReportColumn("metal", "metal"),
    ReportColumn("period", "deadline"),
    ReportColumn("needed_kg", "needed", "kg", style="significant"),
    ReportColumn("mean_kg", "expected", "kg", style="significant"),
    ReportColumn("sd_kg", "standard deviation", "kg", rank=2, style="significant"),
    ReportColumn("q05_kg", "5 % quantile", "kg", rank=1, style="significant"),
    ReportColumn("q95_kg", "95 % quantile", "kg", rank=1, style="significant"),
    ReportColumn("probability", "probability", "%", 1, style="share"),
)


def describe_risks(instance: Instance, risks: Sequence[DeadlineRisk]) -> tuple[str, ...]:
    """Describe the metals most at risk, each by its deadline with the smallest probability.

    Args:
        instance: Instance of a plan.
        risks: Risk of each metal and deadline of the plan.

    Returns:
        At most two sentences; none where nothing returned is uncertain.
    """
    worst: dict[int, DeadlineRisk] = {}
    for risk in sorted(risks, key=lambda risk: (risk.probability, risk.period)):
        worst.setdefault(risk.metal, risk)
    named = [risk for risk in worst.values() if risk.probability < SAFE_PROBABILITY][:_MOST_METALS]
    if not named and worst:
        least = format_probability(min(risk.probability for risk in worst.values()))
        return (f"Every metal suffices at every deadline with a probability of at least {least}.",)
    several = len({risk.period for risk in risks}) > 1
    return tuple(_describe_risk(instance, risk, several) for risk in named)


def describe_confidence_prices(plan: Plan) -> tuple[str, ...]:
    """Describe the binding chance constraints, each with the saving by one percentage point less of confidence.

    With an uncertainty budget it is the saving by one parameter less.

    Returns:
        The split of a joint confidence, and at most two sentences, the most valuable first; none where no promised
        confidence binds.
    """
    instance = plan.instance
    return _describe_split(plan) + tuple(
        f"The {describe_promise(instance, price.row)} for {name_promise(instance, price.row)} binds: "
        f"one {_PROMISE_STEPS[price.row.level > 0]} less saves {format_money(price.saves)} {plan.unit}."
        for price in price_confidence(plan.account, plan.duals)[:_MOST_METALS]
        if price.saves > DISPLAY_TOLERANCE * max(1.0, abs(plan.objective))
    )


def describe_buffers(plan: Plan) -> tuple[str, ...]:
    """Describe the buffer of each metal and deadline whose promise binds: metal expected beyond the need.

    Returns:
        One sentence for each; none without a promise.
    """
    instance = plan.instance
    rows = {(one.row.metal, one.row.period): one.row for one in price_confidence(plan.account, plan.duals)}
    return tuple(
        f"Buffer for the {describe_promise(instance, row)}, {name_promise(instance, row)}: the orders return "
        f"{format_mass(risk.mean - risk.needed)} more than needed ({format_share(risk.mean / risk.needed - 1, 1)})."
        for risk in plan.risks
        if (row := rows.get((risk.metal, risk.period))) is not None and risk.mean > risk.needed > 0
    )


def _describe_split(plan: Plan) -> tuple[str, ...]:
    """Describe the split of a joint confidence over metals and deadlines."""
    joint, policy = get_joint_confidence(plan.instance), build_confidence(plan.instance)
    if joint is None or policy is None:
        return ()
    rows = sorted(policy.rows, key=lambda row: (row.level, row.period, row.metal))
    parts = [f"{format_share(row.level, 1)} for {name_promise(plan.instance, row)}" for row in rows[:_MOST_PARTS]]
    more = f", more for {len(rows) - _MOST_PARTS} others" if len(rows) > _MOST_PARTS else ""
    return (f"The joint confidence of {format_confidence(joint)} is split: {', '.join(parts)}{more}.",)


def describe_promise(instance: Instance, row: ConfidenceRow) -> str:
    """Describe the promise of a chance constraint.

    Args:
        instance: Instance.
        row: Its chance constraint.

    Returns:
        The promised confidence, or the uncertainty budget.
    """
    budget = get_uncertainty_budget(instance)
    if budget:
        return f"uncertainty budget of {format_number(budget)}"
    return f"promised confidence of {format_confidence(row.level)}"


def name_promise(instance: Instance, row: ConfidenceRow) -> str:
    """Name the metal and deadline of a chance constraint.

    Returns:
        The metal, with the deadline where there are several periods.
    """
    when = f" by {instance.periods[row.period]}" if len(instance.periods) > 1 else ""
    return f"{instance.metals.titles[row.metal]}{when}"


def _describe_risk(instance: Instance, risk: DeadlineRisk, dated: bool) -> str:
    """Return the sentence on one metal and deadline."""
    title = instance.metals.titles[risk.metal]
    when = f" by {instance.periods[risk.period]}" if dated else ""
    return describe_distribution(
        f"{title[:1].upper()}{title[1:]}{when}", risk.needed, risk.mean, (risk.low, risk.high), risk.probability
    )


def describe_distribution(
    what: str, needed: float, mean: float, interval: tuple[float, float], probability: float
) -> str:
    """Describe need, expected return, the range of 9 of 10 cases and the probability.

    Args:
        what: Metal, with its deadline where there are several.
        needed: Need (kg).
        mean: Expected return (kg).
        interval: 5 and 95 % quantiles (kg).
        probability: Probability that the return covers the need.
    """
    scale, unit = next((scale, unit) for least, scale, unit in _UNITS if needed >= least)
    first, second, low, high = (format_number(value / scale) for value in (needed, mean, *interval))
    return (
        f"{what}: {first} {unit} needed, {second} expected, {low} to {high} in 9 of 10 cases; "
        f"probability {format_probability(probability)}."
    )


def format_probability(probability: float) -> str:
    """Format a probability in whole per cent, with a decimal from 99 % on and below 1 %.

    Args:
        probability: Probability, 0 to 1.

    Returns:
        The text; only certainty is `100 %`.
    """
    whole = 0.01 <= probability <= SAFE_PROBABILITY
    return f"{100 * probability:.0f} %" if whole else format_share(probability, 1)


def tabulate_risk(plan: Plan) -> ReportTable:
    """Tabulate the risk of every metal and deadline.

    Returns:
        The table `metal_risk`; without rows where nothing returned is uncertain.
    """
    names = plan.instance.metals.titles
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (
            names[risk.metal],
            plan.instance.periods[risk.period],
            *(risk.needed, risk.mean, risk.deviation, risk.low, risk.high, risk.probability),
        )
        for risk in plan.risks
    )
    notes = ("Normal approximation; medalopt risk simulates the distribution of the file.",)
    return ReportTable("metal_risk", "Shortfall risk", _DESCRIPTION, RISK_COLUMNS, rows, notes)
