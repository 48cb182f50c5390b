"""Sensitivity surface: the objective on a grid of two parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import solve_or_none
from medalopt.analysis.sensitivity.curves import LARGE_ENTRIES, CurveProgress
from medalopt.analysis.sensitivity.parameter_range import ParameterRange
from medalopt.analysis.sensitivity.piecewise_linear import select_whole_values
from medalopt.errors import SolverError, UsageError
from medalopt.instance.scenario import ParameterChanges
from medalopt.solver.verification import VerifiedResult
from medalopt.text import escape_text

GRID_SIZE, LARGE_PROGRAM_GRID_SIZE = (15, 11), (7, 5)  # (columns, rows) of the grid; of a large program


@dataclass(frozen=True, eq=False)
class SensitivitySurface:
    """The objective by value of the second parameter (rows) and of the first (columns); None if infeasible.

    At the places `unproven`, (row, column), it is None because no verified result exists.
    """

    across: ParameterRange
    up: ParameterRange
    measure: str
    base: float | None
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    objective: tuple[tuple[float | None, ...], ...]
    unproven: frozenset[tuple[int, int]] = frozenset()


def compute_surface(
    runner: ScenarioRunner, across: ParameterRange, up: ParameterRange, progress: CurveProgress = lambda step: None
) -> SensitivitySurface:
    """Compute the objective on a grid of two parameters.

    Args:
        runner: Scenarios of the instance.
        across: Parameter of the columns, with its range.
        up: Parameter of the rows, with its range.
        progress: Progress callback.

    Returns:
        The grid of objective values.

    Raises:
        UsageError: If both ranges change the same parameter.
    """
    both = across.make_changes(across.low).keys() & up.make_changes(up.low).keys()
    if both:
        raise UsageError(f"--vary: both change {escape_text(min(both))}; name parameters without a value in common")
    result = runner.solve_scenario()
    wide, high = LARGE_PROGRAM_GRID_SIZE if len(runner.base.program.entries.row) >= LARGE_ENTRIES else GRID_SIZE
    columns, rows = _space_values(across, wide), _space_values(up, high)
    row, cells, unproven = _SurfaceRows(runner, across, up, columns), [], set()
    for number, value in enumerate(rows):
        progress(f"row {number + 1} of {len(rows)}")
        answers = row(value)
        cells.append(tuple(result.value if result is not None and result.feasible else None for result in answers))
        unproven |= {(number, index) for index, result in enumerate(answers) if result is None}
    base = result.value if result.feasible else None
    return SensitivitySurface(across, up, runner.objective, base, columns, rows, tuple(cells), frozenset(unproven))


class _SurfaceRows:
    """Solves one row of the grid: a parametric program along the columns if it is affine, else one scenario each."""

    def __init__(
        self, runner: ScenarioRunner, across: ParameterRange, up: ParameterRange, columns: tuple[float, ...]
    ) -> None:
        self._variants, self._across, self._up, self._columns = runner, across, up, columns
        self._straight = not across.is_integer  # a parametric line would treat counts as continuous

    def __call__(self, value: float) -> list[VerifiedResult | None]:
        """Return the results at all columns for a value of the row parameter; None where not verified."""

        def changes(position: float) -> ParameterChanges:
            """Return the changes of both parameters.

            Args:
                position: Value of the parameter on the horizontal axis.

            Returns:
                Changes by path.
            """
            return {**self._across.make_changes(position), **self._up.make_changes(value)}

        if self._straight:
            family = self._variants.build_family(changes, self._across.low, self._across.high)
            if family.line is not None:
                try:
                    return list(family.solve_all(self._columns))
                except SolverError:  # one result is not verified: solve one by one
                    return [solve_or_none(partial(family.solve_at, position)) for position in self._columns]
        self._straight = False  # not affine in one row, so in none
        built = (self._variants.build_scenario(changes(position)) for position in self._columns)
        return [solve_or_none(partial(self._variants.solve_scenario, scenario)) for scenario in built]


def _space_values(vary: ParameterRange, many: int) -> tuple[float, ...]:
    """Return `many` evenly spaced values and the base value, or whole values."""
    if vary.is_integer:
        return tuple(select_whole_values(vary.low, vary.high, many)[0])
    even = {vary.low + (vary.high - vary.low) * step / (many - 1) for step in range(many)}
    base = {vary.base} if vary.base is not None and vary.low < vary.base < vary.high else set()
    return tuple(sorted(even | base))
