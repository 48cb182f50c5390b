"""Solver options `--gap`, `--time-limit` and `--method`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from medalopt.errors import UsageError
from medalopt.wording import shown

Gap = Annotated[
    str | None,
    typer.Option("--gap", metavar="SHARE", help="A plan proven this near to the best will do, such as 1 % or 0.01."),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        "--time-limit", metavar="SECONDS", help="Stop the search after so many seconds, or 2 min, with what was found."
    ),
]


class Way(StrEnum):
    """Solution method."""

    auto = "auto"
    direct = "direct"
    decomposition = "decomposition"


Method = Annotated[
    Way,
    typer.Option(
        "--method",
        help="The whole program at once, or prices and streams in turn, for very many streams; auto: by the size.",
    ),
]


def limits(gap: str | None, time_limit: str | None) -> tuple[float | None, float | None]:
    """Parse gap and time limit.

    Args:
        gap: Share, such as `1 %` or `0.01`, or None.
        time_limit: Time, such as `60` or `2 min`, or None.

    Returns:
        Relative gap, and seconds; None if not given.

    Raises:
        UsageError: A text is no such quantity.
    """
    share = None if gap is None else _figure("--gap", gap, "")
    if share is not None and share > 1:
        raise UsageError(f"--gap: must be at most 100 %; found {shown(gap or '')}; write a share, such as 1 % or 0.01")
    return share, None if time_limit is None else _figure("--time-limit", time_limit, "s")


def _figure(option: str, text: str, unit: str) -> float:
    """Return a non-negative quantity in the given unit. Raises UsageError."""
    from medalopt.quantity import Money, QuantityError, read

    try:
        figure = float(read(text, unit, Money("")).exact)
    except QuantityError as error:
        raise UsageError(f"{option}: {error}") from error
    if figure < 0:
        raise UsageError(f"{option}: must be 0 or more; found {text}")
    return figure
