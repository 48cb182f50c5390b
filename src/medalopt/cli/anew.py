"""Replanning options `--after`, `--actuals` and `--frozen`, and the instance of the remaining horizon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import progress
from medalopt.cli.ending import say
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.analysis.replanning.replan import Question
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.report.sourcing.content import Content

After = Annotated[
    str | None,
    typer.Option("--after", metavar="PERIOD", help="Plan anew what is left after this period, such as 2018-06."),
]
Actuals = Annotated[
    Path | None,
    typer.Option("--actuals", metavar="FILE", help="With --after: what happened, smelters' settlement sheet as CSV."),
]
Frozen = Annotated[
    Path | None,
    typer.Option("--frozen", metavar="PATH", help="With --after: what is signed, as CSV, or a saved plan."),
]


@dataclass(frozen=True, eq=False)
class Anew:
    """The instance to plan: as given, or its remaining horizon."""

    figures: Instance
    question: Question | None = None

    @classmethod
    def of(cls, figures: Instance, after: str | None, actuals: Path | None, frozen: Path | None) -> Anew:
        """Return the instance to plan.

        Args:
            figures: Instance as given.
            after: Last executed period, or None to plan all of it.
            actuals: CSV file of actual settlements, or None.
            frozen: CSV file of signed contracts or a saved plan, or None.

        Returns:
            The request.

        Raises:
            UsageError: The options contradict each other.
            InputError: A file is invalid.
        """
        if after is None:
            if actuals is not None or frozen is not None:
                raise UsageError("--actuals and --frozen tell what happened up to a period: name it by --after")
            return cls(figures)
        from medalopt.analysis.replanning.replan import question

        asked = question(figures, after, actuals, frozen)
        for warning in asked.left.warnings:
            say(f"warning: {warning}")
        return cls(asked.left, asked)

    @property
    def settled(self) -> frozenset[str]:
        """Parties that have delivered already and get no order."""
        return self.question.settled_parties if self.question else frozenset()

    def told(self, content: Content, made: Plan) -> Content:
        """Return the sourcing plan with the actuals in front, if replanning.

        Args:
            content: Sourcing plan.
            made: Plan of the remaining horizon.

        Returns:
            The report.
        """
        if self.question is None:
            return content
        from medalopt.analysis.replanning.replan import beside
        from medalopt.report.replanning.added import with_actuals

        with progress("solving the first plan"):
            found = beside(self.question, made)
        return with_actuals(content, found)
