"""Options of `medalopt sensitivity` for global sensitivity: tornado and variance-based, by many solves on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medalopt.analysis.journal import Journal
    from medalopt.analysis.variants import Variants
    from medalopt.report.sensitivity.part import Part

Moved = Annotated[
    bool, typer.Option("--tornado", help="Move every figure alone, by its cv or by 10 %: which matter most.")
]
Drawn = Annotated[
    int | None,
    typer.Option("--global", metavar="N", help="Move all at once, in samples of N rows: which cause the spread."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Processes for these two; left out: all cores."),
]
Kept = Annotated[
    Path | None,
    typer.Option("--journal", metavar="FILE", help="Keep their answers there, and go on from there."),
]


@dataclass(frozen=True)
class Mattering:
    """Requested global sensitivities, and how to solve them."""

    tornado: bool
    rows: int | None
    jobs: int | None
    journal: Path | None

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield the function of each requested part of the report.

        Yields:
            Functions from the runner of variants to a part.
        """
        if self.tornado:
            yield self._tornado
        if self.rows is not None:
            yield self._global

    def _tornado(self, variants: Variants) -> Part:
        """Return the tornado chart."""
        from medalopt.analysis.sensitivity.tornado import tornado
        from medalopt.report.sensitivity.tornado import told

        with self._answering(variants, "moving every figure") as (journal, step):
            return told(variants.instance, variants.unit, tornado(variants, self.jobs, journal, step))

    def _global(self, variants: Variants) -> Part:
        """Return the variance decomposition."""
        from medalopt.analysis.sensitivity.variance import variance
        from medalopt.report.sensitivity.variance import told

        assert self.rows is not None
        with self._answering(variants, "moving all figures at once") as (journal, step):
            return told(variants.instance, variants.unit, variance(variants, self.rows, self.jobs, journal, step))

    @contextmanager
    def _answering(self, variants: Variants, doing: str) -> Iterator[tuple[Journal | None, Callable[[int, int], None]]]:
        """Open the result cache, if given, and a progress bar."""
        from medalopt.analysis.journal import journal
        from medalopt.report.progressbar import progressbar

        with journal(self.journal, variants.instance, variants.measure) as kept, progressbar(doing) as step:
            yield kept, step
