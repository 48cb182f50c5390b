"""Comparison of plans: their quantities by part and item, side by side, with differences from the first plan.

A compared plan is an instance, one of its scenarios, or a saved plan. Parameters that differ are listed too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from medalopt.errors import InputError, NoPlanError, SolverError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.loading import InstanceFile, open_instance
from medalopt.instance.reader.yaml_nodes import MappingNode, ScalarNode
from medalopt.instance.scenario import ParameterChanges, Scenario
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.instance.source_values import SourceValues
from medalopt.plan.plan import Plan
from medalopt.plan.reader import PLAN_SUFFIXES, find_instance_file, read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.plan.tables import PLAN_TABLES, ColumnTable
from medalopt.solve_instance import solve
from medalopt.text import ParameterPath, escape_text, join_names, render_path, suggest_name
from medalopt.tolerances import AMOUNT_TOLERANCE

QuantityKey = tuple[str, str, str]  # part, item, unit
PLAN_PARTS = (
    "totals",
    "cost",
    "risk",
    "parties",
    "streams",
    "treatments",
    "smelters",
    "purchases",
    "metals",
    "shortfall",
)


@dataclass(frozen=True, eq=False)
class PlanSummary:
    """One of the compared plans: its quantities (empty if there is no plan), and its source values if known."""

    name: str
    status: str  # optimal, feasible, infeasible or unanswered
    currency: str
    quantities: Mapping[QuantityKey, float] = field(default_factory=dict)
    source_values: SourceValues | None = None
    digest: str = ""  # SHA-256 of the instance's parameters
    saved: bool = False


def _summarize_plan(name: str, plan: Plan, data: SourceValues | None) -> PlanSummary:
    """Summarize a solved plan."""
    instance = plan.instance
    values = _collect_quantities(
        plan.tables, {**plan.costs, "total": plan.cost}, plan.footprint, plan.tonnes, instance.currency
    )
    return PlanSummary(name, plan.status, instance.currency, values, data, instance.figures)


def _summarize_saved_plan(name: str, plan: SavedPlan, currency: str, data: SourceValues | None) -> PlanSummary:
    """Summarize a saved plan from its tables."""
    tables = {
        table: {column: [getattr(row, column) for row in getattr(plan, table)] for column in PLAN_TABLES[table]}
        for table in ("shipments", "purchases", "offer_stock", "metals", "risk", "shortfall", "parties")
    }
    values = _collect_quantities(tables, plan.cost, plan.footprint, plan.tonnes, currency)
    return PlanSummary(name, plan.status, currency, values, data, plan.instance.figures, saved=True)


def _collect_quantities(
    tables: Mapping[str, ColumnTable], cost: Mapping[str, float], footprint: float, tonnes: float, currency: str
) -> dict[QuantityKey, float]:
    """Return the quantities of a plan from its tables and totals."""
    result: dict[QuantityKey, float] = {
        ("totals", "cost", currency): cost["total"],
        ("totals", "devices taken", "t"): tonnes,
        ("totals", "footprint", "kg CO2e"): footprint,
    }
    result |= {("cost", kind, currency): value for kind, value in cost.items() if kind != "total"}
    paid = tables.get("parties", {"party": [], "cost": []})
    result |= _sum_by_item("parties", currency, paid["party"], paid["cost"])
    sent, bought, metals = tables["shipments"], tables["purchases"], tables["metals"]
    for part, items, amounts in _list_shipment_sums(sent):
        result |= _sum_by_item(part, "t", items, amounts)
    stocked = tables.get("offer_stock", {"offer": [], "bought": []})
    offers, kilograms = bought["offer"] + stocked["offer"], bought["kg"] + stocked["bought"]
    result |= _sum_by_item("purchases", "kg", offers, kilograms)
    for what, text in (("returned", "returned"), ("used", "used"), ("surplus", "surplus")):
        items = [f"{metal}, {text}" for metal in metals["metal"]]
        result |= _sum_by_item("metals", "kg", items, metals[what])
    risk = tables.get("risk", {"metal": [], "period": [], "probability": []})
    deadlines = [f"{metal} by {period}" for metal, period in zip(risk["metal"], risk["period"], strict=True)]
    result |= _sum_by_item("risk", "%", deadlines, [round(100 * probability, 2) for probability in risk["probability"]])
    missed = tables.get("shortfall", {"medal": [], "missed": []})
    return result | _sum_by_item("shortfall", "medals", missed["medal"], missed["missed"])


def _list_shipment_sums(sent: ColumnTable) -> Iterator[tuple[str, list[str | None], list[float]]]:
    """Yield part, item and tonnes of every shipment: of fractions no devices, and the feed of their smelters."""
    fractions = sent.get("fraction", [None] * len(sent["stream"]))
    split = {
        (stream, treatment, period)
        for stream, treatment, period, fraction in zip(
            sent["stream"], sent["treatment"], sent["period"], fractions, strict=True
        )
        if fraction is not None
    }
    rows = [dict(zip(sent, cells, strict=True)) for cells in zip(*sent.values(), strict=True)] if split else []
    if not split:
        for part, column in (("streams", "stream"), ("treatments", "treatment"), ("smelters", "smelter")):
            yield part, sent[column], sent["tonnes"]
        return
    whole = [row for row in rows if row["fraction"] is None]
    yield "streams", [row["stream"] for row in whole], [row["tonnes"] for row in whole]
    yield "treatments", [row["treatment"] for row in whole], [row["tonnes"] for row in whole]
    fed = [row for row in rows if (row["stream"], row["treatment"], row["period"]) not in split or row["smelter"]]
    amounts = [row["tonnes"] if row["fraction"] is None else row["feed"] for row in fed]
    yield "smelters", [row["smelter"] for row in fed], amounts


def _sum_by_item(
    part: str, unit: str, items: Sequence[str | None], amounts: Sequence[float]
) -> dict[QuantityKey, float]:
    """Sum amounts by item, in the order of the items' names."""
    result: dict[QuantityKey, float] = {}
    for item, amount in zip(items, amounts, strict=True):
        key = (part, "none" if item is None else item, unit)
        result[key] = result.get(key, 0.0) + amount
    return dict(sorted(result.items()))


@dataclass(frozen=True)
class ComparisonRow:
    """One quantity in every plan; None where there is no plan. `differs`: by more than rounding."""

    part: str
    item: str
    unit: str
    values: tuple[float | None, ...]
    differs: bool

    @property
    def largest_difference(self) -> float:
        """Largest absolute difference from the first plan; 0 if one of the two has no plan."""
        first = self.values[0]
        changes = [abs(value - first) for value in self.values[1:] if value is not None and first is not None]
        return max(changes, default=0.0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Plans, the parameters in which their instances differ, and all quantities side by side."""

    summaries: tuple[PlanSummary, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Short unique name of each plan: file name without folder and suffix, or the scenario; else the full name."""
        short = [
            summary.name.rpartition("#")[2] if "#" in summary.name else Path(summary.name).stem
            for summary in self.summaries
        ]
        return tuple(
            name if short.count(name) == 1 and name else summary.name
            for name, summary in zip(short, self.summaries, strict=True)
        )

    @cached_property
    def parameter_differences(self) -> tuple[ParameterDifference, ...]:
        """Parameters that are not equal in all instance files, one entry per path."""
        return _find_differences([summary.source_values for summary in self.summaries])

    @cached_property
    def rows(self) -> tuple[ComparisonRow, ...]:
        """All quantities of any plan, by part in the order of `PLAN_PARTS`."""
        keys = dict.fromkeys(
            key for part in PLAN_PARTS for summary in self.summaries for key in summary.quantities if key[0] == part
        )
        sizes: dict[str, float] = {}
        for summary in self.summaries:
            for (part, _, _), value in summary.quantities.items():
                sizes[part] = max(sizes.get(part, 0.0), abs(value))
        return tuple(self._make_row(key, AMOUNT_TOLERANCE * sizes[key[0]]) for key in keys)

    def _make_row(self, key: QuantityKey, nothing: float) -> ComparisonRow:
        """Return one quantity of all plans; differences up to `nothing` count as rounding."""
        values = tuple(summary.quantities.get(key, 0.0) if summary.quantities else None for summary in self.summaries)
        there = [value for value in values if value is not None]
        return ComparisonRow(*key, values, max(there) - min(there) > nothing)

    @property
    def cost(self) -> ComparisonRow | None:
        """Total cost of each plan, money; None if there is no plan at all."""
        return next((row for row in self.select_part("totals") if row.item == "cost"), None)

    def select_part(self, part: str) -> tuple[ComparisonRow, ...]:
        """Select the quantities of one part.

        Args:
            part: Name of the part, see `PLAN_PARTS`.

        Returns:
            Rows of that part.
        """
        return tuple(row for row in self.rows if row.part == part)


def compare_plans(outcomes: Sequence[PlanSummary]) -> Comparison:
    """Compare plans.

    Args:
        outcomes: Summaries of two or more plans; differences refer to the first.

    Returns:
        The comparison.

    Raises:
        UsageError: If there are fewer than two plans, or several currencies.
    """
    if len(outcomes) < 2:
        raise UsageError(
            "one input alone cannot be compared: name two or more instances or plans, or --scenario of an instance"
        )
    currencies = sorted({summary.currency for summary in outcomes})
    if len(currencies) > 1:
        raise UsageError(f"costs in {' and '.join(currencies)} cannot be compared: compare instances of one currency")
    return Comparison(tuple(outcomes))


WarningCallback = Callable[[str], None]


def load_plan_summary(
    name: str, changes: ParameterChanges, objective: str, report_progress: WarningCallback
) -> PlanSummary:
    """Load or solve one of the compared plans and summarize it.

    Args:
        name: FILE.yaml, FILE.yaml#SCENARIO, or a saved plan: FILE.json, FILE.xlsx or a folder of CSV files.
        changes: Path to value, made in instances (not in saved plans).
        objective: Objective: `cost`, `footprint` or `mass`.
        report_progress: Callback for warnings.

    Returns:
        The summary; infeasible or unanswered instances have no quantities.

    Raises:
        InputError: If a file is not valid.
        UsageError: If there is no such scenario, or the file holds no plan.
    """
    path, scenario = _split_name(name)
    if scenario is None and (os.path.isdir(path) or path.suffix.lower() in PLAN_SUFFIXES):
        return _load_saved_summary(name, path)
    file = open_instance(path)
    requested = changes
    if scenario is not None:
        requested = _find_scenario(file, scenario, changes).texts
        file = file.set_changes(changes).protect_firm()
    instance = file.with_effective_changes(requested)
    for warning in instance.warnings:
        report_progress(f"warning: {warning}")
    data = file.read_source_values(requested)
    try:
        return _summarize_plan(name, solve(instance, objective), data)
    except NoPlanError:
        return PlanSummary(name, "infeasible", instance.currency, {}, data, instance.figures)
    except SolverError as error:
        report_progress(f"{escape_text(name)}: no result: {error}")
        return PlanSummary(name, "unanswered", instance.currency, {}, data, instance.figures)


def summarize_instance(name: str, subject: Instance | Plan, objective: str) -> PlanSummary:
    """Solve an instance, or take its plan, and summarize it.

    Args:
        name: Name in the comparison.
        objective: Objective of an instance: `cost`, `footprint` or `mass`.

    Returns:
        The summary; an infeasible instance has no quantities.
    """
    instance = subject if isinstance(subject, Instance) else subject.instance
    data = None if instance.origin is None else instance.origin.file.read_source_values()
    try:
        plan = solve(subject, objective) if isinstance(subject, Instance) else subject
    except NoPlanError:
        return PlanSummary(name, "infeasible", instance.currency, {}, data, instance.figures)
    return _summarize_plan(name, plan, data)


def _split_name(name: str) -> tuple[Path, str | None]:
    """Split a name into file and scenario; the name of a file may contain #."""
    path, sign, scenario = name.rpartition("#")
    if not sign or os.path.exists(name):
        return Path(name), None
    return Path(path), scenario


def _find_scenario(file: InstanceFile, scenario: str, changes: ParameterChanges) -> Scenario:
    """Return a scenario of an instance. Raises UsageError if the instance has no such scenario."""
    instance = file.with_effective_changes(changes, scenarios=True)
    named: Mapping[str, ParameterChanges] = instance.annex.get("scenarios", {})
    if scenario not in named:
        known = f"; it has {join_names(named)}" if named else "; it has no `scenarios:`"
        raise UsageError(
            f"{instance.name}: has no scenario {escape_text(scenario)}{suggest_name(scenario, named) or known}"
        )
    return Scenario.build(scenario, named[scenario])


def _load_saved_summary(name: str, path: Path) -> PlanSummary:
    """Summarize a saved plan. Raises UsageError if the file holds no plan or the currency is not known."""
    saved = read_saved_plan(path)
    if not isinstance(saved, SavedPlan):
        raise UsageError(f"{escape_text(name)}: is the result of an infeasible instance; compare the instance instead")
    file = find_instance_file(path, saved.instance.files)
    instance, data = _load_matching_instance(file, saved.instance.figures) if file else (None, None)
    unit = saved.objective.unit if saved.objective.measure == "cost" else ""
    currency = instance.currency if instance else unit
    if not currency:
        raise UsageError(f"{escape_text(name)}: its instance is not here, and without it the currency is not known")
    return _summarize_saved_plan(name, saved, currency, data.read_source_values() if data else None)


def _load_matching_instance(file: Path, figures: str) -> tuple[Instance | None, InstanceFile | None]:
    """Return the instance in a file, and the open file if the plan was made from the same parameters."""
    try:
        found = open_instance(file)
        instance = found.with_changes()
    except InputError:
        return None, None
    return instance, found if instance.figures == figures else None


IGNORED_SECTIONS = frozenset(
    {"format", "name", "title", "scenarios", "mixes", "parties", "project"}
)  # sections without effect on a plan
DEFINED = "defined"  # value of a section member that another file lacks, in place of all its parameters


@dataclass(frozen=True)
class ParameterDifference:
    """Parameter that is not equal in all files: its spelling in each, None if it is not given or not known."""

    path: str
    values: tuple[str | None, ...]


def _find_differences(files: Sequence[SourceValues | None]) -> tuple[ParameterDifference, ...]:
    """Find the parameters in which any file differs from the first."""
    first = files[0] if files else None
    if first is None:
        return ()
    base = _collect_parameters(first)
    known = {file: base if file is first else _collect_parameters(file) for file in files if file is not None}
    every = dict.fromkeys(path for values in known.values() for path in values)
    paths = dict.fromkeys(
        path if all(path in values for values in known.values()) else _reduce_to_member(path, known) for path in every
    )
    found = (path for path in paths if any(_is_different(path, first, file, known) for file in known))
    return tuple(
        ParameterDifference(render_path(path), tuple(_format_difference(path, file, first) for file in files))
        for path in found
    )


def _reduce_to_member(path: ParameterPath, known: Iterable[SourceValues]) -> ParameterPath:
    """Return the path, or only its member (a stream, a smelter) if some file has the section but not the member."""
    head = path[:2]
    lacking = (isinstance(file.get_node(path[:1]), MappingNode) and file.get_node(head) is None for file in known)
    return head if len(path) > 2 and any(lacking) else path


def _collect_parameters(file: SourceValues) -> dict[ParameterPath, ScalarNode]:
    """Return all numbers of a file that can change a plan."""
    return {
        path: scalar
        for path, scalar in file.iterate_scalars()
        if path[0] not in IGNORED_SECTIONS and path[-1] != "title"
    }


def _is_different(
    path: ParameterPath,
    first: SourceValues,
    other: SourceValues,
    known: dict[SourceValues, dict[ParameterPath, ScalarNode]],
) -> bool:
    """Return True if the effective values at a path differ; a value given in parts is compared part by part."""
    here, there = (known[file].get(path) or file.find_value(path) for file in (first, other))
    if isinstance(here, ScalarNode) and isinstance(there, ScalarNode):
        return here.text != there.text and _read_exact_value(path, here, first) != _read_exact_value(path, there, other)
    return (here is None) != (there is None) and isinstance(here or there, ScalarNode | MappingNode)


def _read_exact_value(path: ParameterPath, scalar: ScalarNode, file: SourceValues) -> object:
    """Return the exact value of a scalar; its text if it is no number."""
    kind = find_parameter_kind(path)
    exact = file.convert_exact(path, scalar, kind) if kind is not None else None
    return scalar.text if exact is None else exact


def _format_difference(path: ParameterPath, file: SourceValues | None, first: SourceValues) -> str | None:
    """Return the effective value as text; a bare number in the unit of the first file."""
    node = file.find_value(path) if file is not None else None
    if not isinstance(node, ScalarNode):
        return DEFINED if isinstance(node, MappingNode) else None
    base, kind = first.find_value(path), find_parameter_kind(path)
    if (
        file is None
        or kind is None
        or not isinstance(kind.field_type, QuantityField)
        or not isinstance(base, ScalarNode)
    ):
        return node.text
    exact, (unit, factor) = file.convert_exact(path, node, kind), first.get_unit(path, base, kind.field_type)
    if exact is None or node.text.strip().endswith(unit) or not unit:
        return node.text
    return f"{float(exact / factor):.12g} {unit}"


def count_by_section(differences: Sequence[ParameterDifference]) -> Iterator[tuple[str, int]]:
    """Count the differences in each section of the file.

    Yields:
        Section and number of differences.
    """
    yield from Counter(difference.path.partition(".")[0] for difference in differences).items()
