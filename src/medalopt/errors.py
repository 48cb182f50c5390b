"""Everything that can go wrong, each with the exit code a caller of the command line sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong, or odd, in the input: where it stands and what to do about it.

    `line` and `column` count from 1; 0 means that the fault belongs to the file as a whole.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class MedaloptError(Exception):
    """The root of all errors of medalopt; `exit_code` is what the command line ends with."""

    exit_code = 70


class UsageError(MedaloptError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class InputError(MedaloptError):
    """The instance is wrong; `faults` lists everything that is, in the order of the files."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class OutputError(MedaloptError):
    """An output could not be written; what stood there before still stands."""

    exit_code = 5


class SolverError(MedaloptError):
    """No answer that can be proven was found, though there should be one."""

    exit_code = 70


class SpreadError(SolverError):
    """No answer that can be proven was found, and figures lie so far apart that arithmetic may not tell them."""

    exit_code = 2


class LimitError(MedaloptError):
    """The time was over before any plan had been come to."""

    exit_code = 4


class NoPlanError(MedaloptError):
    """No plan exists (`status` is `infeasible`), or none is best (`unbounded`: an extension makes it so).

    `refutation` is what shows that none exists, a `medalopt.proof.farkas.Refutation`.
    """

    exit_code = 3

    def __init__(self, name: str, status: str, refutation: Any = None) -> None:
        self.status, self.refutation = status, refutation
        reason = {
            "infeasible": "no plan exists: needs, dates and rules cannot all be met (proven)",
            "unbounded": "no plan is best: an extension lets the measure fall without end",
        }[status]
        super().__init__(f"{name}: {reason}")


class NoLotsError(NoPlanError):
    """No plan in whole lots was found, by a search that proves nothing; without lots there is one."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "infeasible")
        self.args = (
            f"{name}: no plan in whole lots and with the minimum orders was found (by search, not proven); "
            "without them a plan exists: make lots smaller, drop a minimum order, or let an offer be `storable`",
        )
