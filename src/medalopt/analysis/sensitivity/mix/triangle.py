"""How the tonnes of three device types are split among them: what each split costs, and what is scarce in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.errors import UsageError
from medalopt.wording import did_you_mean, shown

STEPS = 10  # of a side


@dataclass(frozen=True)
class Split:
    """One split: the part of each of the three in their tonnes together, and its answer."""

    parts: tuple[float, float, float]
    answer: Answer


@dataclass(frozen=True)
class Triangle:
    """Three devices, their `share` of all tonnes together, the split now, and splits all over the triangle."""

    devices: tuple[str, str, str]
    share: float
    now: Split
    splits: tuple[Split, ...]


def chosen(answers: Answers, names: Sequence[str]) -> tuple[int, int, int]:
    """Return the numbers of three devices. Raises UsageError where they are not three that are offered."""
    known = answers.variants.instance.devices.names
    for name in names:
        if name not in known:
            raise UsageError(f"--triangle: {shown(name)} is no device of this instance{did_you_mean(name, known)}")
        if answers.offer.shares()[known.index(name)] <= 0:
            raise UsageError(f"--triangle: no stream offers {shown(name)}; name a device that is offered")
    if len(names) != 3 or len(set(names)) != 3:
        raise UsageError("--triangle takes three devices: write A,B,C, such as --triangle phone,laptop,tablet")
    first, second, third = (known.index(name) for name in names)
    return first, second, third


def triangle(
    answers: Answers, devices: tuple[int, int, int], tell: Callable[[str], None] = lambda doing: None
) -> Triangle:
    """Return the splits of `devices` in steps of a tenth.

    Each source keeps its tonnes of the three together. Where sources differ, not every split can be had: the parts
    told are those of all sources together.
    """
    share = answers.offer.shares()
    now = [float(share[device]) for device in devices]
    whole = sum(now)
    names = answers.variants.instance.devices.names

    def split(answer: Answer) -> Split:
        first, second, third = (answer.shares[device] / whole for device in devices)
        return Split((first, second, third), answer)

    splits = []
    for number, parts in enumerate(_grid()):
        if number % (STEPS + 1) == 0:
            tell(f"the split of {', '.join(names[device] for device in devices)}, {number} of {len(_grid())}")
        times = tuple(part * whole / STEPS / own for part, own in zip(parts, now, strict=True))
        splits.append(split(answers.of(answers.made(answers.offer.split(devices, times)))))
    corners = (names[devices[0]], names[devices[1]], names[devices[2]])
    return Triangle(corners, whole, split(answers.base), tuple(splits))


def _grid() -> list[tuple[int, int, int]]:
    """Return the points of the triangle, to and fro, so that each is near to the one before."""
    rows = ([(STEPS - a - b, b, a) for b in range(STEPS - a + 1)] for a in range(STEPS + 1))
    return [point for number, row in enumerate(rows) for point in (row[::-1] if number % 2 else row)]
