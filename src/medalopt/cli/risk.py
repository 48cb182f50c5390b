"""`medalopt risk`: how safe a plan is as ordered, what a promise costs, and what better knowledge saves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility, solve_with_progress
from medalopt.errors import NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.report.document import Report

DrawsOption = Annotated[int, typer.Option("--draws", metavar="N", help="Number of draws, 1,000 to 1,000,000.")]
PriceOption = Annotated[
    bool, typer.Option("--price-of-confidence", help="Instead: what plans cost that promise a higher confidence.")
]
InformationOption = Annotated[
    bool, typer.Option("--information", help="Instead: what better knowledge of each parameter saves.")
]
SamplesOption = Annotated[int, typer.Option("--samples", metavar="N", help="With --information: number of samples.")]
SampleErrorOption = Annotated[
    str, typer.Option("--sample-error", metavar="SHARE", help="With --information: standard error of one sample.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="S", help="Random seed.")]
_DEFAULT_DRAWS, _DEFAULT_SEED = 20_000, 2020


def risk(
    subject: Annotated[
        Path,
        typer.Argument(metavar="INSTANCE|PLAN", help="Instance, or a saved plan: NAME.json, NAME.xlsx or its folder."),
    ],
    instance: Annotated[
        Path | None, typer.Argument(metavar="INSTANCE", help="Instance of a plan; default: the file that it names.")
    ] = None,
    draws: DrawsOption = _DEFAULT_DRAWS,
    seed: SeedOption = _DEFAULT_SEED,
    price_of_confidence: PriceOption = False,
    information: InformationOption = False,
    confidence: options.ConfidenceOption = None,
    samples: SamplesOption = 10,
    sample_error: SampleErrorOption = "50%",
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Simulate the risk that metal is short at a deadline.

    Shipments and purchases stay as planned; melts may be re-timed, and missing metal bought where the instance allows.
    """
    where = ReportOutput.prepare(
        output, dict.fromkeys((subject, instance or subject), "the instance"), json, full, date
    )
    if price_of_confidence or information:
        _require_instance(subject, instance, "--price-of-confidence" if price_of_confidence else "--information")
    set_ = options.add_confidence_change(set_, confidence)
    standard_error = options.parse_limit("--sample-error", sample_error, "")
    plan, title = _read_plan(subject, instance, set_), "the risk"
    if plan is not None:
        where.deliver(_report_simulation(plan, draws, seed), f"{title} is written")
        return 0
    data = options.read_instance(subject, set_)
    try:
        if price_of_confidence:
            title, report = "the price of confidence", _report_price(data)
        elif information:
            title, report = "the value of information", _report_information(data, samples, standard_error)
        else:
            report = _report_simulation(solve_with_progress(data), draws, seed)
    except NoPlanError as error:
        return report_infeasibility(data, error, subject, set_, "cost", where)
    where.deliver(report, f"{title} is written")
    return 0


def _report_simulation(plan: Plan, draws: int, seed: int) -> Report:
    """Return the report of a simulated plan."""
    from medalopt.analysis.risk.simulation import simulate_risk
    from medalopt.report.risk_simulation import build_risk_report

    return build_risk_report(simulate_risk(plan, draws, seed))


def _report_price(instance: Instance) -> Report:
    """Return the report of the cost of plans by promised confidence."""
    from medalopt.analysis.risk.price_of_confidence import compute_price_of_confidence
    from medalopt.report.confidence import build_confidence_report

    with options.report_progress(f"pricing confidence of {instance.name}") as step:
        return build_confidence_report(compute_price_of_confidence(instance, report_progress=step))


def _report_information(instance: Instance, samples: int, sample_error: float) -> Report:
    """Return the report of the saving by better knowledge of each uncertain parameter."""
    from medalopt.analysis.risk.information import compute_information_value
    from medalopt.report.confidence import build_information_report

    with options.report_progress(f"valuing information in {instance.name}") as step:
        return build_information_report(
            compute_information_value(instance, samples, sample_error, report_progress=step)
        )


def _is_plan(subject: Path) -> bool:
    """Return whether a path names a saved plan."""
    from medalopt.plan.reader import PLAN_SUFFIXES

    return os.path.isdir(subject) or subject.suffix.lower() in PLAN_SUFFIXES


def _require_instance(subject: Path, instance: Path | None, option: str) -> None:
    """Raise a UsageError if a saved plan is given."""
    if instance is not None or _is_plan(subject):
        raise UsageError(f"{option}: takes an instance, not a plan; name the instance file alone")


def _read_plan(subject: Path, instance: Path | None, given: list[str] | None) -> Plan | None:
    """Return the saved plan; None where the subject is an instance."""
    if not _is_plan(subject):
        if instance is not None:
            raise UsageError("a second file goes with a saved plan: medalopt risk PLAN INSTANCE")
        return None
    from medalopt.api import read_plan

    if given and instance is None:
        raise UsageError("--set changes an instance; name that of the plan: medalopt risk PLAN INSTANCE --set …")
    return read_plan(subject, None if instance is None else options.read_instance(instance, given))
