"""Split of the joint tonnes of three device types, on a triangular grid: objective and scarce metals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.errors import SolverError, UsageError
from medalopt.wording import did_you_mean, shown

STEPS = 10  # steps along each side


@dataclass(frozen=True)
class Split:
    """Result of one split; `parts` of the three types sum to 1."""

    parts: tuple[float, float, float]
    answer: Answer


@dataclass(frozen=True)
class Triangle:
    """Three device types and a grid of splits of the tonnes that sources offer of them side by side.

    `share`: these tonnes as a share of all supply; `now`: the present split with the base-case result.
    """

    devices: tuple[str, str, str]
    share: float
    now: Split
    splits: tuple[Split, ...]


def chosen(answers: Answers, names: Sequence[str]) -> tuple[int, int, int]:
    """Return the indices of three device types; raise UsageError unless they are distinct and offered side by side."""
    known = answers.variants.instance.devices.names
    for name in names:
        if name not in known:
            raise UsageError(f"--triangle: {shown(name)} is no device of this instance{did_you_mean(name, known)}")
        if answers.offer.shares()[known.index(name)] <= 0:
            raise UsageError(f"--triangle: no stream offers {shown(name)}; name a device that is offered")
    if len(names) != 3 or len(set(names)) != 3:
        raise UsageError("--triangle takes three devices: write A,B,C, such as --triangle phone,laptop,tablet")
    devices = (known.index(names[0]), known.index(names[1]), known.index(names[2]))
    for name, tonnes in zip(names, answers.offer.together(devices), strict=True):
        if tonnes <= 0:
            raise UsageError(
                f"--triangle: {shown(name)} is offered beside neither of the other two, in a bundle or among what a "
                "region offers in none, so that none of it can take their place; choose three that come together"
            )
    return devices


def triangle(
    answers: Answers, devices: tuple[int, int, int], tell: Callable[[str], None], unproven: list[str]
) -> Triangle:
    """Solve all splits in steps of 10 %; splits without a verified result are added to `unproven`."""
    tonnes = answers.offer.together(devices)
    names = answers.variants.instance.devices.names
    grid, splits = _grid(), []
    for number, parts in enumerate(grid):
        if number % (STEPS + 1) == 0:
            tell(f"the split of {', '.join(names[device] for device in devices)}, {number} of {len(grid)}")
        variant = answers.made(answers.offer.split(dict(zip(devices, parts, strict=True))))
        try:
            splits.append(Split((parts[0] / STEPS, parts[1] / STEPS, parts[2] / STEPS), answers.of(variant)))
        except SolverError:
            unproven.append(f"the split {' : '.join(str(part) for part in parts)} of the triangle")
    first, second, third = (tonnes / tonnes.sum()).tolist()
    share = float(tonnes.sum() / answers.offer.available.sum())
    corners = (names[devices[0]], names[devices[1]], names[devices[2]])
    return Triangle(corners, share, Split((first, second, third), answers.base), tuple(splits))


def _grid() -> list[tuple[int, int, int]]:
    """Return the grid points row by row in alternating direction, so that successive programs differ little."""
    rows = ([(STEPS - a - b, b, a) for b in range(STEPS - a + 1)] for a in range(STEPS + 1))
    return [point for number, row in enumerate(rows) for point in (row[::-1] if number % 2 else row)]
