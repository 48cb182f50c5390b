"""`medalopt stochastic`: contracts to sign before the scenario is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput
from medalopt.errors import LimitError

DrawsOption = Annotated[
    int | None,
    typer.Option("--draws", metavar="N", help="Draw N scenarios; default: those of the file with a probability."),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="S", help="Random seed of --draws.")]
KnownOption = Annotated[
    str | None,
    typer.Option(
        "--known", metavar="PERIOD", help="Period from which the scenario is known; before it, all cases act alike."
    ),
]
FeeOption = Annotated[
    str,
    typer.Option("--take-or-pay", metavar="SHARE", help="Share of the price paid for what is agreed and not used."),
]
LevelOption = Annotated[
    str | None, typer.Option("--cvar", metavar="LEVEL", help="Count the worst cases beyond this level, such as 80%.")
]
WeightOption = Annotated[
    float | None, typer.Option("--weight", metavar="W", help="Weight of the worst cases beside the expected cost.")
]


def stochastic(
    instance: Annotated[Path, typer.Argument(metavar="INSTANCE", help="Instance.")],
    draws: DrawsOption = None,
    seed: SeedOption = 2020,
    known: KnownOption = None,
    take_or_pay: FeeOption = "100%",
    cvar: LevelOption = None,
    weight: WeightOption = None,
    confidence: options.ConfidenceOption = None,
    joint: options.JointOption = False,
    uncertainty_budget: options.UncertaintyBudgetOption = None,
    gap: options.GapOption = None,
    time_limit: options.TimeLimitOption = None,
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Decide contracts now, and the rest in each scenario.

    Agreed now are tonnes of streams, feed of smelters and options, at the least expected cost over all scenarios.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    from medalopt.analysis.risk.two_stage_plan import TwoStageOptions, compute_two_stage_plan
    from medalopt.report.two_stage import build_two_stage_report

    share = options.parse_limit("--take-or-pay", take_or_pay, "")
    level = 0.9 if cvar is None else options.parse_limit("--cvar", cvar, "")
    aversion = weight if weight is not None else 0.0 if cvar is None else 1.0
    settings = TwoStageOptions(draws, seed, known, share, aversion, level, *options.parse_limits(gap, time_limit))
    settings.check()
    set_ = options.add_confidence_change(set_, confidence, joint, uncertainty_budget)
    runner = options.open_variants(instance, set_, "cost")
    with options.report_progress(f"deciding contracts of {runner.instance.name}") as step:
        found = compute_two_stage_plan(runner, settings, step)
    where.deliver(build_two_stage_report(found), "the two-stage plan is written")
    return LimitError.exit_code if found.stopped else 0
