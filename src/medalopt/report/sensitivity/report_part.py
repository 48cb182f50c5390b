"""Parts of the sensitivity report and the report of them all, with the bar chart and phrases that parts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medalopt.catalog import PARAMETER_TITLES
from medalopt.instance.instance import Instance
from medalopt.instance.payers import has_payers
from medalopt.report.charts import COLOURS, FONT, INK, Chart, ChartAxis, build_plot_option
from medalopt.report.document import Report, ReportTable
from medalopt.report.numbers import choose_money_scale, format_mass, format_money, format_number
from medalopt.report.render.json import identify_instance, render_json
from medalopt.text import ParameterPath, escape_text, render_path
from medalopt.tolerances import VALUE_TOLERANCE

if TYPE_CHECKING:
    from medalopt.analysis.sensitivity.base_case import RecyclingPremium
    from medalopt.analysis.sensitivity.tornado import TornadoEnd


@dataclass(frozen=True)
class SensitivityPart:
    """Result of one sensitivity analysis.

    Attributes:
        lines: Summary, a sentence each.
        tables: Tables that belong to no chart.
        charts: Charts, each with its own tables.
        members: Members of the JSON object.
        interrupted: True where the analysis was interrupted; then it holds the results up to that moment.
        heading: Title of the part, shown where there are several.
        screen: Tables on a terminal, where those are a selection.
        in_lots: Whether whole lots, minimum orders and charges count in it.
    """

    lines: tuple[str, ...]
    tables: tuple[ReportTable, ...]
    charts: tuple[Chart, ...]
    members: Mapping[str, Any]
    interrupted: bool = False
    heading: str = ""
    screen: tuple[ReportTable, ...] | None = None
    in_lots: bool = False


def build_sensitivity_report(instance: Instance, parts: Sequence[SensitivityPart], status: str = "") -> Report:
    """Build the report of one or several sensitivity analyses.

    Args:
        instance: Instance that was analysed, identified in the JSON.
        parts: Parts in the order of the report, whose JSON members are joined.
        status: Status of the plan of the base case, for the header of documents; '' where it was not solved.

    Returns:
        The report; JSON is one object of format `medalopt/sensitivity/1`.
    """
    title = f"Sensitivity of the plan: {instance.title or instance.name}"
    reports = [Report(part.heading, part.lines, part.tables, charts=part.charts, screen=part.screen) for part in parts]
    whole = replace(reports[0], title=title) if len(reports) == 1 else Report(title, (), parts=tuple(reports))
    foot = (f"Parameters of {instance.name}: sha256 {instance.figures}.",)
    members: dict[str, Any] = {"format": "medalopt/sensitivity/1", "instance": identify_instance(instance)}
    for part in parts:
        members |= part.members
    return replace(whole, foot=foot, status=status, json=lambda _: render_json(members))


MOST_BARS = 15  # bars of a chart
_MOST_NAME_CHARACTERS = 40  # characters of a label beside its bar
_HATCH_DECAL = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [3, 5], "rotation": -0.8, "color": "#ffffffaa"}
_BRACES_TO_PARENTHESES = str.maketrans("{}", "()")  # ECharts reads braces as a template


@dataclass(frozen=True)
class LossBar:
    """Bar of one loss.

    Attributes:
        name: Label of the bar.
        extra: Change of the objective, in its unit; infinite where no plan exists.
        shortage: Least metal shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.
    """

    name: str
    extra: float
    shortage: Mapping[str, float] | None = None

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists: true if the loss is finite."""
        return self.extra < float("inf")


def describe_shortfall(shortage: Mapping[str, float] | None, joint: str = ", ", brief: bool = False) -> str:
    """Describe the metal shortfall of an infeasible scenario, such as `1,912 kg of silver short`.

    Args:
        shortage: Shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.
        joint: Text between two metals.
        brief: In the few words of a cell or a label.

    Returns:
        The metals with the largest shortfall first.
    """
    if shortage is None:
        return "other constraints" if brief else "not for lack of metal"
    parts = [
        f"{format_mass(kg)} of {escape_text(title)}" for title, kg in sorted(shortage.items(), key=lambda one: -one[1])
    ]
    return f"{joint.join(parts)} short" if parts else "a rounding amount of metal short"


def format_change(extra: float, unit: str) -> str:
    """Format a change of the objective: `+71 m JPY`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective: a currency, `t` or `kg CO2e`.
    """
    if extra == 0:
        return "unchanged"
    size = format_money(abs(extra), unit) if unit not in ("t", "kg CO2e") else f"{format_number(abs(extra))} {unit}"
    return f"{'+' if extra > 0 else '−'}{size}"


def title_shortfall(shortage: Mapping[str, float] | None, titles: Mapping[str, str]) -> Mapping[str, float] | None:
    """Replace the symbols of metals by their titles.

    Args:
        shortage: Shortfall [kg] by symbol; None where no amount of metal makes a plan feasible.
        titles: Title of each metal by its symbol.

    Returns:
        Shortfall [kg] by title, or None.
    """
    return None if shortage is None else {titles[metal]: kg for metal, kg in shortage.items()}


def describe_change(extra: float, unit: str) -> str:
    """Describe a change of the objective: `cost +71 m JPY`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective.

    Returns:
        The objective with its change, without a full stop.
    """
    return f"{name_objective(unit)} {format_change(extra, unit)}"


def name_objective(unit: str) -> str:
    """Return the name of the objective by its unit.

    Args:
        unit: Unit of the objective.

    Returns:
        `cost`, `footprint` or `tonnes`.
    """
    return {"kg CO2e": "footprint", "t": "tonnes"}.get(unit, "cost")


def _plot_loss_bars(rows: Sequence[LossBar], unit: str) -> dict[str, Any]:
    """Build the ECharts option of a horizontal bar chart, at most `MOST_BARS` bars, the first at the top.

    Bars of infeasible rows are hatched and as long as the longest feasible bar.
    """
    listed = list(rows[:MOST_BARS])
    size, word = choose_money_scale((row.extra for row in listed if row.feasible), least=1)
    longest = max((abs(row.extra) / size for row in listed if row.feasible), default=0.0) or 1.0
    plain = [round(row.extra / size, 9) if row.feasible else None for row in listed]
    none = [None if row.feasible else longest for row in listed]
    costs = [f"{format_number(row.extra / size, 3)}" if row.feasible else "" for row in listed]
    labels = ["" if row.feasible else f"infeasible: {describe_shortfall(row.shortage, brief=True)}" for row in listed]
    across = ChartAxis("change from the base case", f"{word}{unit}", extra={"scale": False})
    names = [escape_text(row.name, _MOST_NAME_CHARACTERS) for row in listed]
    up = ChartAxis("", names=names, extra={"inverse": True, "data": names})
    series = [
        _bar_series("feasible", plain, costs, COLOURS[0], {"decal": {"symbol": "none"}}, "right"),
        _bar_series("infeasible", none, labels, COLOURS[1], {"decal": _HATCH_DECAL}, "insideLeft"),
    ]
    either = any(row.feasible for row in listed) and not all(row.feasible for row in listed)
    return build_plot_option(across, up, series, legend=either, aria={"enabled": True, "decal": {"show": True}})


def draw_loss_bars(title: str, rows: Sequence[LossBar], unit: str, table: ReportTable) -> Chart:
    """Draw the bars of losses, with their table.

    Args:
        title: Title of the chart.
        rows: Bars, the largest loss first.
        unit: Unit of the losses.
        table: Table with the values of the chart.

    Returns:
        The chart, as high as its bars need.
    """
    return Chart(title, _plot_loss_bars(rows, unit), (table,), height=130 + 30 * min(len(rows), MOST_BARS))


def _bar_series(
    name: str,
    values: Sequence[float | None],
    labels: Sequence[str],
    colour: str,
    style: Mapping[str, Any],
    position: str,
) -> dict[str, Any]:
    """Return one ECharts series of bars with a label at each."""
    data = [
        {"value": value, "label": {"show": bool(label), "formatter": label.translate(_BRACES_TO_PARENTHESES)}}
        for value, label in zip(values, labels, strict=True)
    ]
    look: dict[str, Any] = {"position": position, "color": INK, "fontSize": 12, "fontFamily": FONT}
    look |= {"backgroundColor": "#ffffff", "padding": [2, 4], "borderRadius": 2}
    return {
        "type": "bar",
        "name": name,
        "stack": "one",
        "data": data,
        "barMaxWidth": 20,
        "itemStyle": {"color": colour, **style},
        "label": look,
    }


_NESTED_FIELDS = ("scrap", "fractions")


def title_parameter(instance: Instance, path: ParameterPath, of: str = "") -> str:
    """Return the title of a parameter, such as `price of mined_silver`.

    Args:
        instance: Instance, for the titles of metals.
        path: Path of the parameter in the instance file.
        of: Owner of parameters that change together, such as `device phone`.

    Returns:
        The title; the path itself where it has none.
    """
    section = str(path[0])
    position = {"exchange": 9, "transport_rate": 9, "policy": 1}.get(section, 2)
    field = str(path[position]) if len(path) > position else ""
    rest = path[position + 1 :]
    if field in _NESTED_FIELDS and rest:
        field, rest = f"{field}.{rest[0]}", ()
    entry = (section, f"{field}.*")
    template = PARAMETER_TITLES.get(entry if rest and entry in PARAMETER_TITLES else (section, field))
    if template is None:
        return render_path(path)
    one = _title_metal(instance, str(path[1])) if section == "metals" else str(path[1]) if len(path) > 1 else ""
    if of:
        one = of.partition(" ")[2]
    two = _title_metal(instance, str(rest[0])) if rest else "metal"
    return escape_text(template.format(one, two), 200)


def capitalize_first(text: str) -> str:
    """Capitalise the first letter.

    Args:
        text: Beginning of a sentence.

    Returns:
        The text with its first letter in upper case, the rest unchanged.
    """
    return text[:1].upper() + text[1:]


def _title_metal(instance: Instance, name: str) -> str:
    metals = instance.metals
    return metals.titles[metals.names.index(name)] if name in metals.names else name


def format_step(part: float) -> str:
    """Format a relative step of a parameter in per cent.

    Args:
        part: Step relative to the value, 0.1 for 10 %.

    Returns:
        Three significant digits and `%`.
    """
    return f"{format_number(100 * part, 3)} %"


def describe_step(end: TornadoEnd) -> str:
    """Return the change of the parameter at an end.

    Args:
        end: End of a bar.

    Returns:
        Such as `−10 %`.
    """
    return f"{'−' if end.factor < 1 else '+'}{format_step(abs(end.factor - 1))}"


def describe_premium(premium: RecyclingPremium, instance: Instance) -> tuple[str, ...]:
    """Describe the recycling premium, in total and per medal, and both footprints.

    Args:
        premium: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        One or two sentences; the reason where the benchmark is not available.
    """
    currency, titles = instance.currency, dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    if premium.cost == float("inf"):
        return (f"Benchmark, buying all metal: not available ({_describe_missing_offers(premium.shortage, titles)}).",)
    if not premium.recycles and abs(premium.amount) <= VALUE_TOLERANCE * abs(premium.plan):
        return (
            f"Recycling premium: none (no devices taken, all metal bought for {format_money(premium.plan, currency)}).",
        )
    sign = "+" if premium.amount >= 0 else ""
    what = "Recycling premium" if premium.recycles else "Cost of the constraints (the plan takes no devices)"
    first = f"{what}: {sign}{format_money(premium.amount, currency)}"
    if premium.medals > 1 and not has_payers(instance):  # where several pay, no one pays for a medal
        first += f", {sign}{format_money(premium.per_medal, currency)} per medal"
    bought = format_money(premium.cost, currency)
    first += f"; total cost {format_money(premium.plan, currency)}, buying all metal {bought}"
    result = [f"{first}."]
    if premium.footprint or premium.footprint_bought:
        result.append(
            f"Footprint: {format_number(premium.footprint / 1000)} t CO2e; buying all metal "
            f"{format_number(premium.footprint_bought / 1000)} t CO2e."
        )
    return tuple(result)


def _describe_missing_offers(shortage: Mapping[str, float] | None, titles: Mapping[str, str]) -> str:
    """Return the reason why all metal cannot be bought: `no sufficient offer of silver: 6 kg short`."""
    if not shortage:
        return describe_shortfall(shortage)
    named = {titles[metal]: kg for metal, kg in shortage.items()}
    return f"no sufficient offer of {' and '.join(map(escape_text, named))}: {describe_shortfall(named)}"
