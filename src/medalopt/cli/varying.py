"""The options of `medalopt sensitivity` that draw curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import progress

if TYPE_CHECKING:
    from medalopt.analysis.variants import Variants
    from medalopt.report.sensitivity.part import Part

Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="PATH=LO..HI",
        help="Draw the measure along a figure, such as 'devices.*.content.Ag=70..120%'.",
    ),
]


@dataclass(frozen=True)
class Varying:
    """What is to be drawn: the figures and their ends, as given."""

    figures: tuple[str, ...]

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield what draws the curve, where one is asked for."""
        if self.figures:
            yield self._curve

    def _curve(self, variants: Variants) -> Part:
        from medalopt.analysis.sensitivity.curve import curve
        from medalopt.analysis.sensitivity.vary import vary
        from medalopt.report.sensitivity.curve import part

        figure = vary(variants, self.figures[0])
        with progress(f"drawing the curve along {figure.path}") as step:
            return part(curve(variants, figure, progress=step), variants.instance.currency)
