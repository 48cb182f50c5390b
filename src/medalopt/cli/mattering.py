"""What matters most, in `medalopt sensitivity`: every figure moved, by many solves on all cores."""

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
    """What is asked of this kind, and how it is to be solved."""

    tornado: bool
    rows: int | None
    jobs: int | None
    journal: Path | None

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield what gives each part that is asked for."""
        if self.tornado:
            yield self._tornado
        if self.rows is not None:
            yield self._global

    def _tornado(self, variants: Variants) -> Part:
        from medalopt.analysis.sensitivity.tornado import tornado
        from medalopt.report.sensitivity.tornado import told

        with self._answering(variants, "moving every figure") as (journal, step):
            return told(variants.instance, variants.unit, tornado(variants, self.jobs, journal, step))

    def _global(self, variants: Variants) -> Part:
        from medalopt.analysis.sensitivity.variance import variance
        from medalopt.report.sensitivity.variance import told

        assert self.rows is not None
        with self._answering(variants, "moving all figures at once") as (journal, step):
            return told(variants.instance, variants.unit, variance(variants, self.rows, self.jobs, journal, step))

    @contextmanager
    def _answering(self, variants: Variants, doing: str) -> Iterator[tuple[Journal | None, Callable[[int, int], None]]]:
        """Give the journal of the answers, where one is asked for, and who is told how many there are."""
        from medalopt.analysis.journal import journal
        from medalopt.report.progressbar import progressbar

        with journal(self.journal, variants.instance, variants.measure) as kept, progressbar(doing) as step:
            yield kept, step
