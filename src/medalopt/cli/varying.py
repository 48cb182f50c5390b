"""Options of `medalopt sensitivity` for curves and maps of the objective."""

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

Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="PATH=LO..HI",
        help="Draw the measure along a figure, such as 'devices.*.content.Ag=70..120%'; given twice, a map.",
    ),
]
Spend = Annotated[
    str | None,
    typer.Option("--budget", metavar="AMOUNT", help="With --vary: the values of the figure at which it is enough."),
]
Exactly = Annotated[
    bool, typer.Option("--exact", help="With --vary: every breakpoint, however many questions of a large instance.")
]


@dataclass(frozen=True)
class Varying:
    """Parameters to vary and their ranges, as given; a budget; and whether every breakpoint is required."""

    figures: tuple[str, ...]
    budget: str | None = None
    exactly: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for options without a curve, and for more than two parameters."""
        if not self.figures and (self.budget is not None or self.exactly):
            raise UsageError("--budget and --exact go with --vary PATH=LO..HI")
        if len(self.figures) == 2 and (self.budget is not None or self.exactly):
            raise UsageError("--budget and --exact go with one --vary, not with a map")
        if len(self.figures) > 2:
            raise UsageError("--vary may be given once for a curve, twice for a map")

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield the function of the curve or map, if requested.

        Yields:
            Functions from the runner of variants to a part.
        """
        if len(self.figures) > 1:
            yield self._map
        elif self.figures:
            yield self._curve

    def _map(self, variants: Variants) -> Part:
        """Return the map over two parameters."""
        from medalopt.analysis.sensitivity.surface import surface
        from medalopt.analysis.sensitivity.vary import vary
        from medalopt.report.sensitivity.surface import part

        across, up = (vary(variants, figure) for figure in self.figures)
        with progress(f"drawing a map of {across.path} and {up.path}") as step:
            return part(surface(variants, across, up, step), variants.instance.currency)

    def _curve(self, variants: Variants) -> Part:
        """Return the curve along one parameter."""
        from medalopt.analysis.sensitivity.budget import amount
        from medalopt.analysis.sensitivity.curve import Asking, curve
        from medalopt.analysis.sensitivity.vary import vary
        from medalopt.report.sensitivity.curve import part

        figure = vary(variants, self.figures[0])
        most = None if self.budget is None else amount(self.budget, variants.measure, variants.written.money)
        with progress(f"drawing the curve along {figure.path}") as step:
            found = curve(variants, figure, Asking(self.exactly, most, step))
            return part(found, variants.instance.currency)
