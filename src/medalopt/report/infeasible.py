"""Report on an infeasible instance: conflicting constraints, repairs by increasing cost, and the proof."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from medalopt.analysis.infeasibility.diagnosis import Diagnosis
from medalopt.analysis.infeasibility.messages import format_period
from medalopt.analysis.infeasibility.repair import RepairChange
from medalopt.analysis.infeasibility.repair_parameter import format_file_value
from medalopt.catalog import find_limit
from medalopt.instance.instance import Instance
from medalopt.instance.paths import ParameterPath, parse_path
from medalopt.instance.scenario import list_firm_paths
from medalopt.proof.certificate import COMPILED_SCOPE, InfeasibilityProof
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.numbers import format_money, format_number
from medalopt.report.render.json import render_json
from medalopt.text import escape_text, format_count, join_names

_EXTENSION_ROOT = "extension"  # first step of the path of a constraint added by the user
_ChangePhrase = Callable[[Instance, ParameterPath, RepairChange], str]


def describe_change(instance: Instance, change: RepairChange) -> str:
    """Return one change of a repair in words, such as `2 t more of phone@tokyo by 2018-03`.

    Args:
        instance: Infeasible instance.
        change: Parameter with its value before and after.

    Returns:
        The phrase; of a parameter without a phrase of its own, its path.
    """
    path = parse_path(change.path)
    if path[0] == _EXTENSION_ROOT:
        return _describe_extension(path, change)
    for step in reversed(path[1:]):
        saying = _CHANGE_PHRASES.get((str(path[0]), str(step)))
        if saying is not None:
            return saying(instance, path, change)
    try:
        return _make_value_phrase(find_limit(path)[1].repair)(instance, path, change)
    except KeyError:
        return f"a new value of {escape_text(change.path)}"


def _describe_extension(path: ParameterPath, change: RepairChange) -> str:
    """Return the change of a constraint that the user added by an extension."""
    name = escape_text(str(path[1]))
    if change.after == []:
        return f"your constraint {name} dropped"
    return f"your constraint {name} relaxed to {format_number(float(str(change.after)))}"


def _format_difference(change: RepairChange) -> str:
    """Return the difference of the values, summed over periods, with its unit, such as `2 t more`."""
    before, after = (sum(value) if isinstance(value, list) else float(value) for value in (change.before, change.after))
    by = abs(after - before)
    return f"{format_number(by)}{f' {change.unit}' if change.unit else ''} {'more' if after > before else 'less'}"


def _format_period_scope(instance: Instance, path: ParameterPath, change: RepairChange, until: bool = False) -> str:
    """Return the periods of a change: one period of an index, all together for a list or a total, else each."""
    if isinstance(path[-1], int):
        return f" {'by the end of' if until else 'in'} {format_period(instance.periods[path[-1]])}"
    if path[-1] == "total" or isinstance(change.after, list):
        return " in total"
    return "" if len(instance.periods) == 1 else f" in each {_name_period(instance)}"


def _describe_stream(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the supply of a stream."""
    return (
        f"{_format_difference(change)} of "
        f"{escape_text(str(path[1]))}{_format_period_scope(instance, path, change, until=True)}"
    )


def _describe_impurity_limit(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the mean content that a smelter allows in its feed."""
    title = instance.impurities.titles[instance.impurities.names.index(str(path[-1]))]
    to = f"{format_number(float(str(change.after)))} kg/t"
    return f"limit of {escape_text(str(path[1]))} on {escape_text(title)}: {to}"


def _describe_storage(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the storage limit of a stream or offer."""
    return f"storage limit of {escape_text(str(path[1]))}: {_format_difference(change)}"


def _describe_commitment(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of a committed quantity."""
    name = escape_text(str(path[1]))
    return (
        f"the commitment of {name} dropped"
        if change.after == 0
        else f"{_format_difference(change)} committed of {name}"
    )


def _make_capacity_phrase(what: str) -> _ChangePhrase:
    """Make the phrase for a capacity or limit."""

    def saying(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
        """Describe the change of the capacity or limit."""
        in_all = " in total" if path[-1] == "limit" else _format_period_scope(instance, path, change)
        return f"{_format_difference(change)} {what} {escape_text(str(path[1]))}{in_all}"

    return saying


def _describe_offer_limit(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the limit of purchases of an offer, or of its storage."""
    if "storage" in path:
        return _describe_storage(instance, path, change)
    return _make_capacity_phrase("of")(instance, path, change)


def _describe_charge_limit(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the greatest charge of a group of offers to an alloy."""
    scope = _format_period_scope(instance, path, change)
    return f"limit {escape_text(str(path[3]))} of {escape_text(str(path[1]))}: {_format_difference(change)}{scope}"


def _describe_closing_stock(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the least stock of an offer at the end."""
    return f"closing stock of {escape_text(str(path[1]))}: {_format_difference(change)}"


def _describe_medal_count(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the number of medals."""
    by = int(float(str(change.after))) - int(float(str(change.before)))
    return f"{abs(by):,} {'more' if by > 0 else 'fewer'} of medal {escape_text(str(path[1]))}"


def _describe_due_date(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return the delay of a due date in periods."""
    before, after = (instance.periods.index(str(value)) for value in (change.before, change.after))
    return f"medal {escape_text(str(path[1]))} due {format_period_count(instance, after - before)} later"


def _describe_lead_time(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return the reduction of a lead time in periods."""
    by = int(float(str(change.before))) - int(float(str(change.after)))
    what = "process scrap" if path[0] == "alloys" else "metal"
    return f"{what} back from {escape_text(str(path[1]))} {format_period_count(instance, by)} sooner"


def _describe_reserve(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return the reduction of a safety stock in periods of coming need."""
    by = int(float(str(change.before))) - int(float(str(change.after)))
    return f"safety stock of {escape_text(str(path[1]))} for {format_period_count(instance, by)} less"


def format_period_count(instance: Instance, count: int) -> str:
    """Return a number of periods in words, by their length where it is known: `2 months`.

    Args:
        instance: Instance with its periods.
        count: Number of periods.

    Returns:
        The count with its noun.
    """
    return format_count(count, _name_period(instance))


def _name_period(instance: Instance) -> str:
    """Return the word for one period: its length, or `period` where periods are only numbered."""
    return "period" if instance.periods[0].isdecimal() else instance.period_length


def _describe_window(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return by how many percentage points a window of fineness or of device shares becomes wider."""
    of = [escape_text(str(step)) for step in path[1:] if step not in ("composition", "device_share", "share")]
    values = [value if isinstance(value, list) else [value] for value in (change.before, change.after)]
    before, after = ([float(one) for one in ends] for ends in values)
    wider = max(abs(one - before[0]) for one in after)
    return f"window of {' '.join(one for one in of if not one.isdecimal())} {format_number(wider)} % points wider"


def _describe_others_share(_: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the admitted share of metals that the composition does not name."""
    return f"up to {format_number(float(str(change.after)))} % of unnamed metals in {escape_text(str(path[1]))}"


def _make_value_phrase(what: str) -> _ChangePhrase:
    """Make the phrase for a parameter that is set to a value."""

    def saying(_: Instance, path: ParameterPath, change: RepairChange) -> str:
        """Describe the new value."""
        unit = f" {change.unit}" if change.unit else ""
        return (
            f"{what.format(escape_text(str(path[1])), escape_text(str(path[-1])))} of "
            f"{format_number(float(str(change.after)))}{unit}"
        )

    return saying


def _describe_opening_stock(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the opening stock of a metal."""
    title = instance.metals.titles[instance.metals.names.index(str(path[1]))]
    return f"{_format_difference(change)} of {escape_text(title)} as opening stock (its price is not included)"


def _describe_recycled_floor(instance: Instance, path: ParameterPath, change: RepairChange) -> str:
    """Return a change of the minimum recycled share of a metal."""
    title = instance.metals.titles[instance.metals.names.index(str(path[2]))]
    return f"least recycled share of {escape_text(title)} of {format_number(float(str(change.after)))} %"


_CHANGE_PHRASES: Mapping[tuple[str, str], _ChangePhrase] = {
    ("streams", "available"): _describe_stream,
    ("streams", "total"): _describe_stream,
    ("streams", "limit"): _describe_storage,
    ("streams", "committed"): _describe_commitment,
    ("smelters", "committed"): _describe_commitment,
    ("market", "committed"): _describe_commitment,
    ("smelters", "capacity"): _make_capacity_phrase("through"),
    ("smelters", "limit"): _make_capacity_phrase("through"),
    ("smelters", "limits"): _describe_impurity_limit,
    ("treatments", "capacity"): _make_capacity_phrase("through"),
    ("alloys", "capacity"): _make_capacity_phrase("cast of"),
    ("alloys", "limits"): _describe_charge_limit,
    ("market", "storage"): _describe_storage,
    ("market", "closing_stock"): _describe_closing_stock,
    ("market", "limit"): _describe_offer_limit,
    **dict.fromkeys(
        (("market", "up_to"), ("streams", "up_to")), _make_value_phrase("limit of the last price step of {}")
    ),
    ("medals", "count"): _describe_medal_count,
    ("medals", "due"): _describe_due_date,
    ("smelters", "lead"): _describe_lead_time,
    ("alloys", "lead"): _describe_lead_time,
    ("metals", "reserve"): _describe_reserve,
    ("alloys", "composition"): _describe_window,
    ("alloys", "others"): _describe_others_share,
    ("policy", "device_share"): _describe_window,
    ("alloys", "loss"): _make_value_phrase("melt loss of {}"),
    ("alloys", "share"): _make_value_phrase("process scrap share of {}"),
    ("alloys", "returned"): _make_value_phrase("recycled share of the process scrap of {}"),
    ("policy", "recycled"): _describe_recycled_floor,
    ("metals", "opening_stock"): _describe_opening_stock,
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
    return Report(
        f"{instance.title or instance.name}: no feasible plan exists",
        (*(_describe_reasons(diagnosis) if diagnosis else ()), *_describe_refutation(shown_by)),
        foot=(f"Parameters of {instance.name}: sha256 {instance.figures}.",),
        parts=parts,
        json=None if members is None else lambda _: render_json(members),
    )


def _describe_reasons(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield contradictions found by arithmetic."""
    yield from (f"{escape_text(reason.text, _MAX_REASON_LENGTH)}." for reason in diagnosis.screened[:_MAX_REASONS])
    if len(diagnosis.screened) > _MAX_REASONS:
        yield f"{len(diagnosis.screened) - _MAX_REASONS} more shortages (--json lists all)."


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


def _describe_refutation(shown_by: InfeasibilityProof | None) -> Iterator[str]:
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
        lines.append(f"-> {', and '.join(_format_change(change) for change in repair.changes)}")
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


def _format_change(change: RepairChange) -> str:
    """Return the path of a change with its value before and after."""
    path = escape_text(change.path, 200)
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
        text = f"[{', '.join(_format_value(one, unit) for one in value)}]"
        return text
    text = f"{value:,.{_VALUE_DIGITS}g}" if isinstance(value, float) and abs(value) < 1e6 else _format_rounded(value)
    return f"{text} {unit}" if unit else text


def _format_rounded(value: object) -> str:
    """Return a number without decimals; other values as text."""
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def _format_objective(objective: float, unit: str) -> str:
    """Return an objective value with its unit."""
    if unit in ("t", "kg CO2e"):
        return f"{format_number(objective)} {unit}"
    return format_money(objective, unit)
