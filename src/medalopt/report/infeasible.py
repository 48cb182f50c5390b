"""Report on an infeasible instance: conflicting constraints, repairs by increasing cost, and the proof."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medalopt.analysis.infeasibility.messages import format_period, name_parameter
from medalopt.analysis.infeasibility.repair import Diagnosis, RepairChange
from medalopt.analysis.infeasibility.repair_parameter import format_file_value
from medalopt.catalog import find_limit
from medalopt.instance.instance import Instance
from medalopt.instance.scenario import list_firm_paths
from medalopt.proof.certificate import COMPILED_SCOPE, InfeasibilityProof
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.numbers import format_money, format_number, format_period_count, name_period_length
from medalopt.report.render.json import make_report
from medalopt.text import ParameterPath, escape_text, format_count, join_names, parse_path

_EXTENSION_ROOT = "extension"  # first step of the path of a constraint added by the user


def describe_change(instance: Instance, change: RepairChange) -> str:
    """Return one change of a repair in words, such as `2 t more of phone@tokyo by 2018-03`.

    Returns:
        The phrase; of a parameter without a phrase of its own, its path.
    """
    words = _ChangeWords(instance, parse_path(change.path), change)
    path = words.path
    if path[0] == _EXTENSION_ROOT:
        return f"your constraint {words.name} " + ("dropped" if change.after == [] else f"relaxed to {words.value}")
    for step in reversed(path[1:]):
        if phrase := _CHANGE_PHRASES.get((str(path[0]), str(step))):
            return phrase.format(words)
    try:
        what = find_limit(path)[1].repair
    except KeyError:
        return f"a new value of {escape_text(change.path)}"
    return f"{what.format(words.name, escape_text(str(path[-1])))} of {words.amount}"


@dataclass(frozen=True)
class _ChangeWords:
    """Words of a change of a repair, for the phrases of `_CHANGE_PHRASES`."""

    instance: Instance
    path: ParameterPath
    change: RepairChange

    @property
    def name(self) -> str:
        """Owner of the parameter."""
        return escape_text(str(self.path[1]))

    @property
    def group(self) -> str:
        """Name of a group of offers."""
        return escape_text(str(self.path[3]))

    @property
    def metal(self) -> str:
        """Title of the metal: that of a rule, or the owner."""
        metals = self.instance.metals
        return escape_text(metals.titles[metals.names.index(str(self.path[2 if self.path[0] == "policy" else 1]))])

    @property
    def impurity(self) -> str:
        """Title of the impurity whose content is limited."""
        impurities = self.instance.impurities
        return escape_text(impurities.titles[impurities.names.index(str(self.path[-1]))])

    @property
    def value(self) -> str:
        """New value."""
        return format_number(float(str(self.change.after)))

    @property
    def amount(self) -> str:
        """New value with its unit."""
        return f"{self.value} {self.change.unit}" if self.change.unit else self.value

    @property
    def difference(self) -> str:
        """Difference of the values, summed over periods, with its unit, such as `2 t more`."""
        before, after = (
            sum(value) if isinstance(value, list) else float(value) for value in (self.change.before, self.change.after)
        )
        unit = f" {self.change.unit}" if self.change.unit else ""
        return f"{format_number(abs(after - before))}{unit} {'more' if after > before else 'less'}"

    @property
    def scope(self) -> str:
        """Periods of a change: one period of an index, all together for a list or a total, else each."""
        if isinstance(self.path[-1], int):
            return f" in {format_period(self.instance.periods[self.path[-1]])}"
        if self.path[-1] == "total" or isinstance(self.change.after, list):
            return " in total"
        return "" if len(self.instance.periods) == 1 else f" in each {name_period_length(self.instance)}"

    @property
    def until(self) -> str:
        """Periods of a change of supply, which may also come earlier."""
        return self.scope.replace(" in ", " by the end of ", 1) if isinstance(self.path[-1], int) else self.scope

    @property
    def limited(self) -> str:
        """Periods of a change of a capacity, or of a limit, which holds for all periods together."""
        return " in total" if self.path[-1] == "limit" else self.scope

    @property
    def offer_limit(self) -> str:
        """Change of the limit of purchases of an offer, or of its storage."""
        return (_STORAGE if "storage" in self.path else "{0.difference} of {0.name}{0.limited}").format(self)

    @property
    def commitment(self) -> str:
        """Change of a committed quantity."""
        dropped = self.change.after == 0
        return f"the commitment of {self.name} dropped" if dropped else f"{self.difference} committed of {self.name}"

    @property
    def minimum_lot(self) -> str:
        """Change of the minimum lot of a smelter, or of one line of its terms."""
        of = escape_text(str(self.path[3])) + " at " if len(self.path) > 3 else ""
        return f"minimum lot of {of}{self.name} of {self.amount}"

    @property
    def medals(self) -> str:
        """Change of the number of medals."""
        by = int(float(str(self.change.after))) - int(float(str(self.change.before)))
        return f"{abs(by):,} {'more' if by > 0 else 'fewer'}"

    @property
    def later(self) -> str:
        """Delay of a due date in periods."""
        values = (self.change.before, self.change.after)
        before, after = (self.instance.periods.index(str(value)) for value in values)
        return format_period_count(self.instance, after - before)

    @property
    def sooner(self) -> str:
        """Reduction of a lead time or safety stock in periods."""
        by = int(float(str(self.change.before))) - int(float(str(self.change.after)))
        return format_period_count(self.instance, by)

    @property
    def window(self) -> str:
        """Owner of a window of fineness or of device shares, and by how many percentage points it becomes wider."""
        of = [escape_text(str(step)) for step in self.path[1:] if step not in ("composition", "device_share", "share")]
        values = [value if isinstance(value, list) else [value] for value in (self.change.before, self.change.after)]
        before, after = ([float(one) for one in ends] for ends in values)
        wider = max(abs(one - before[0]) for one in after)
        return f"{' '.join(one for one in of if not one.isdecimal())} {format_number(wider)}"


_STORAGE = "storage limit of {0.name}: {0.difference}"
_WINDOW = "window of {0.window} % points wider"
_THROUGH, _UP_TO = (
    "{0.difference} through {0.name}{0.limited}",
    "limit of the last price step of {0.name} of {0.amount}",
)
_CHANGE_PHRASES: Mapping[tuple[str, str], str] = {  # by section and field
    ("smelters", "minimum_lot"): "{0.minimum_lot}",
    ("streams", "minimum_order"): "minimum order of {0.name} of {0.amount}",
    ("streams", "lot"): "lots of {0.name} of {0.amount}",
    ("market", "minimum_order"): "minimum order of {0.name} of {0.amount}",
    ("market", "lot"): "lots of {0.name} of {0.amount}",
    ("streams", "available"): "{0.difference} of {0.name}{0.until}",
    ("streams", "total"): "{0.difference} of {0.name}{0.until}",
    ("streams", "limit"): _STORAGE,
    ("streams", "committed"): "{0.commitment}",
    ("streams", "up_to"): _UP_TO,
    ("smelters", "committed"): "{0.commitment}",
    ("smelters", "capacity"): _THROUGH,
    ("smelters", "limit"): _THROUGH,
    ("smelters", "limits"): "limit of {0.name} on {0.impurity}: {0.value} kg/t",
    ("smelters", "lead"): "metal back from {0.name} {0.sooner} sooner",
    ("treatments", "capacity"): _THROUGH,
    ("alloys", "capacity"): "{0.difference} cast of {0.name}{0.limited}",
    ("alloys", "limits"): "limit {0.group} of {0.name}: {0.difference}{0.scope}",
    ("alloys", "composition"): _WINDOW,
    ("alloys", "others"): "up to {0.value} % of unnamed metals in {0.name}",
    ("alloys", "lead"): "process scrap back from {0.name} {0.sooner} sooner",
    ("alloys", "loss"): "melt loss of {0.name} of {0.amount}",
    ("alloys", "share"): "process scrap share of {0.name} of {0.amount}",
    ("alloys", "returned"): "recycled share of the process scrap of {0.name} of {0.amount}",
    ("market", "committed"): "{0.commitment}",
    ("market", "storage"): _STORAGE,
    ("market", "closing_stock"): "closing stock of {0.name}: {0.difference}",
    ("market", "limit"): "{0.offer_limit}",
    ("market", "up_to"): _UP_TO,
    ("medals", "count"): "{0.medals} of medal {0.name}",
    ("medals", "due"): "medal {0.name} due {0.later} later",
    ("metals", "reserve"): "safety stock of {0.name} for {0.sooner} less",
    ("metals", "opening_stock"): "{0.difference} of {0.metal} as opening stock (its price is not included)",
    ("policy", "device_share"): _WINDOW,
    ("policy", "recycled"): "least recycled share of {0.metal} of {0.value} %",
}


_MAX_REASONS, _MAX_CONFLICTS, _MAX_REPAIRS = 3, 6, 8
_MAX_REASON_LENGTH = 400
_VALUE_DIGITS = 6
_TIMED_OUT = "Stopped at the time limit before all repairs were tried; raise --time-limit to try them."


def build_infeasibility_report(
    instance: Instance,
    diagnosis: Diagnosis | None,
    shown_by: InfeasibilityProof | None = None,
    told: Mapping[str, Any] | None = None,
) -> Report:
    """Build the report on an infeasible instance.

    Args:
        instance: Infeasible instance.
        diagnosis: Diagnosis, None where none was made.
        shown_by: Farkas multipliers that prove infeasibility, if there are any.
        told: Members of the JSON object; None: the diagnosis.

    Returns:
        Simple contradictions and the proof; then conflicting constraints, and repairs with the cheapest plan first.
    """
    parts = () if diagnosis is None else (*_report_conflict(diagnosis), _report_repairs(instance, diagnosis))
    members = told if told is not None or diagnosis is None else {"diagnosis": diagnosis.encode()}
    reasons = (*_describe_reasons(diagnosis), *_describe_lot_proof(diagnosis)) if diagnosis else ()
    lines = (*reasons, *_describe_proof(shown_by))
    encode = None if members is None else lambda: members
    return make_report(instance, "{}: no feasible plan exists", lines, encode, parts=parts)


def _describe_reasons(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield contradictions found by arithmetic."""
    yield from (f"{escape_text(reason.text, _MAX_REASON_LENGTH)}." for reason in diagnosis.screened[:_MAX_REASONS])
    if len(diagnosis.screened) > _MAX_REASONS:
        yield f"{len(diagnosis.screened) - _MAX_REASONS} more shortages (--json lists all)."


def _describe_lot_proof(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the line on how it is known that no plan in lots exists."""
    if not diagnosis.in_lots:
        return
    if diagnosis.cases:
        cases = format_count(diagnosis.cases, "case")
        each = "each" if diagnosis.cases > 1 else "it is"
        yield f"Without lots a plan exists. Proof that none exists in lots: {cases}, {each} refuted by multipliers."
        if not diagnosis.irreducible:
            yield "Fewer constraints may conflict as well: a limit of cases, rules or time ended the search for fewer."
    else:
        yield (
            "Without lots a plan exists. In lots the search of the solver found none; "
            "that none exists is not proven within the limits of cases and time."
        )


def _report_conflict(diagnosis: Diagnosis) -> tuple[Report, ...]:
    """Return the part on conflicting constraints, if there are any."""
    if not diagnosis.conflict:
        return ()
    lines = [f"- {one.rule}: {escape_text(one.text, _MAX_REASON_LENGTH)}" for one in diagnosis.rules[:_MAX_CONFLICTS]]
    if len(diagnosis.rules) > _MAX_CONFLICTS:
        lines.append(f"- and {len(diagnosis.rules) - _MAX_CONFLICTS} more")
    if diagnosis.irreducible and len(diagnosis.rules) > 1:
        lines.insert(0, "Relaxing any one of them resolves the conflict.")
    columns = (
        ReportColumn("rule", "constraint"),
        ReportColumn("path", "path"),
        ReportColumn("amount", "amount", "", style="significant"),
        ReportColumn("unit", "unit"),
        ReportColumn("text", "in words"),
    )
    rows = tuple((one.rule, one.path, one.amount, one.unit, one.text) for one in diagnosis.conflict)
    text = "Shortages found by arithmetic, and constraints that cannot all be satisfied."
    table = ReportTable("conflict", "Conflicting constraints", text, columns, rows)
    title = "Conflicting constraints" if len(diagnosis.rules) != 1 else "Constraint that cannot be satisfied"
    return (Report(title, tuple(lines), (table,), screen=()),)


def _describe_proof(shown_by: InfeasibilityProof | None) -> Iterator[str]:
    """Yield the line on the Farkas multipliers."""
    if shown_by is None:
        return
    found = f"Farkas multipliers of {format_count(shown_by.rules, 'constraint row')}"
    more = "in --json" if shown_by.scope == COMPILED_SCOPE else "in --json; verify checks them"
    more = more if shown_by.scope == "instance" else f"{shown_by.scope}; {more}"
    yield f"Proof of infeasibility: {found} ({shown_by.arithmetic}; {more})."


def _report_repairs(instance: Instance, diagnosis: Diagnosis) -> Report:
    """Return the part on repairs with the objective of the plan after each, and the options that apply them."""
    if not diagnosis.repairs:
        none = "No repair was found: neither a change of one parameter nor of a few together."
        return Report("Repairs", (_TIMED_OUT if diagnosis.stopped else none, *_describe_firm(instance)))
    lines = ["Each changes its parameters by the least amount that suffices; sorted by the objective of its plan."]
    for number, repair in enumerate(diagnosis.repairs[:_MAX_REPAIRS], 1):
        what = ", and ".join(describe_change(instance, change) for change in repair.changes)
        lines.append(f"{number}. {what}: {_format_objective(repair.objective, diagnosis.unit)}")
        lines.append(f"-> {', and '.join(_format_change(instance, change) for change in repair.changes)}")
    if len(diagnosis.repairs) > _MAX_REPAIRS:
        lines.append(f"{len(diagnosis.repairs) - _MAX_REPAIRS} more repairs (--json lists all).")
    lines += [*([_TIMED_OUT] if diagnosis.stopped else []), *_describe_firm(instance)]
    lines.append(_describe_repair_command(diagnosis))
    return Report("Repairs", tuple(lines), (_tabulate_repairs(instance, diagnosis),), screen=())


def _describe_firm(instance: Instance) -> tuple[str, ...]:
    """Return the line on the firm parameters that repairs leave alone; nothing without them."""
    firm = list_firm_paths(instance)
    return (f"No repair changes what is firm: {join_names(firm)}.",) if firm else ()


def _tabulate_repairs(instance: Instance, diagnosis: Diagnosis) -> ReportTable:
    """Return the repairs as a table, a row for each changed figure."""
    columns = (
        ReportColumn("repair", "repair", ""),
        ReportColumn("change", "change"),
        ReportColumn("path", "path"),
        ReportColumn("from", "from"),
        ReportColumn("to", "to"),
        ReportColumn("unit", "unit"),
        ReportColumn("objective", "objective", diagnosis.unit, style="significant"),
    )
    rows = tuple(
        (
            number,
            describe_change(instance, change),
            change.path,
            _format_value(change.before, None),
            _format_value(change.after, None),
            change.unit,
            repair.objective,
        )
        for number, repair in enumerate(diagnosis.repairs, 1)
        for change in repair.changes
    )
    text = "Changes that restore feasibility; those of one number are applied together."
    return ReportTable("repairs", "Repairs", text, columns, rows)


def _describe_repair_command(diagnosis: Diagnosis) -> str:
    """Return the options that solve with the first repair; an added constraint is changed in its own file."""
    for repair in diagnosis.repairs:
        if not any(parse_path(change.path)[0] == _EXTENSION_ROOT for change in repair.changes):
            which = "the first" if repair is diagnosis.repairs[0] else f"number {diagnosis.repairs.index(repair) + 1}"
            return f"To solve with {which}: {' '.join(_format_set_option(change) for change in repair.changes)}"
    options = [
        _format_set_option(change)
        for change in diagnosis.repairs[0].changes
        if parse_path(change.path)[0] != _EXTENSION_ROOT
    ]
    also = f", and {' '.join(options)}" if options else "."
    return f"To solve with the first: change the constraint in the file given by --extend{also}"


def _format_set_option(change: RepairChange) -> str:
    """Return the `--set` option of a change, quoted for a shell."""
    return f"--set {shlex.quote(f'{change.path}={format_file_value(change.after, change.unit)}')}"


def _format_change(instance: Instance, change: RepairChange) -> str:
    """Return the parameter of a change with its value before and after."""
    path = escape_text(name_parameter(instance, parse_path(change.path)), 200)
    if change.after == []:
        return f"{path}: dropped"
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        times = sum(after) / sum(before)
        return (
            f"{path}: × {format_number(times)} in every period, total {format_number(sum(after))} {change.unit} "
            f"instead of {format_number(sum(before))}"
        )
    return f"{path}: {_format_value(after, change.unit)} instead of {_format_value(before, None)}"


def _format_value(value: object, unit: str | None) -> str:
    """Return a value, or a list of values, with its unit."""
    if isinstance(value, list):
        return f"[{', '.join(_format_value(one, unit) for one in value)}]"
    text = f"{value:,.0f}" if isinstance(value, int | float) else str(value)
    if isinstance(value, float) and abs(value) < 1e6:
        text = f"{value:,.{_VALUE_DIGITS}g}"
    return f"{text} {unit}" if unit else text


def _format_objective(objective: float, unit: str) -> str:
    """Return an objective value with its unit."""
    if unit in ("t", "kg CO2e"):
        return f"{format_number(objective)} {unit}"
    return format_money(objective, unit)
