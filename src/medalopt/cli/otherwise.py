"""Options of `medalopt sensitivity` for what-if analyses: outages, delay, scenarios and recycling premium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import progress
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.analysis.variants import Variants
    from medalopt.report.sensitivity.part import Part

Without = Annotated[
    bool, typer.Option("--without", help="Each smelter, treatment, region, channel and offer drops out in turn.")
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="PATH", help="Only this drops out, such as smelters.kosaka; may be given again."),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="PERIOD", help="It drops out from this period on, such as 2018-04.")
]
Late = Annotated[
    int | None,
    typer.Option(
        "--delay", metavar="N", help="Metal and supply come N periods later; and the last period to sign each."
    ),
]
Named = Annotated[bool, typer.Option("--scenarios", help="The instance's named scenarios beside the base case.")]
Bought = Annotated[
    bool, typer.Option("--premium", help="What recycling costs more than buying the metal, in all and per medal.")
]


@dataclass(frozen=True)
class Otherwise:
    """Requested what-if analyses."""

    without: bool = False
    drop: tuple[str, ...] = ()
    start: str | None = None
    delay: int | None = None
    scenarios: bool = False
    premium: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for options without the one they belong to."""
        if self.start is not None and not (self.without or self.drop):
            raise UsageError("--from says since when something is missing: give it with --without or --drop")
        if self.delay is not None and self.delay < 0:
            raise UsageError(f"--delay {self.delay}: a delay is a whole number of periods, 0 or more")

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield the function of each requested part of the report.

        Yields:
            Functions from the runner of variants to a part.
        """
        if self.without or self.drop:
            yield self._without
        elif self.premium:
            yield self._premium
        if self.delay is not None:
            yield self._delay
        if self.scenarios:
            yield self._scenarios

    def _without(self, variants: Variants) -> Part:
        """Return the outage part."""
        from medalopt.analysis.sensitivity.without import without
        from medalopt.report.sensitivity.without import told

        with progress("leaving out one after the other") as step:
            return told(without(variants, self.drop, self.start, step), variants.instance)

    def _premium(self, variants: Variants) -> Part:
        """Return the recycling premium part."""
        from medalopt.analysis.sensitivity.premium import premium
        from medalopt.report.sensitivity.premium import told

        with progress("buying the metal instead"):
            return told(premium(variants), variants.instance)

    def _delay(self, variants: Variants) -> Part:
        """Return the delay part."""
        from medalopt.analysis.sensitivity.delay import delay
        from medalopt.report.sensitivity.delay import told

        with progress("putting off one after the other") as step:
            return told(delay(variants, self.delay or 0, step), variants.instance)

    def _scenarios(self, variants: Variants) -> Part:
        """Return the part of named scenarios."""
        from medalopt.analysis.sensitivity.scenarios import scenarios
        from medalopt.report.sensitivity.scenarios import told

        with progress("one scenario after the other") as step:
            return told(scenarios(variants, step))
