"""Exceptions of medalopt, each with the exit code of the command line, and the faults of an input by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class FaultKind(StrEnum):
    """Kind of an error or a warning, by its remedy; each has a section in docs/reference/messages.md."""

    # errors
    USAGE = "usage"
    FILE = "file"
    ENCODING = "encoding"
    SYNTAX = "syntax"
    TABLE = "table"
    WORKBOOK = "workbook"
    SIZE = "size"
    UNKNOWN_KEY = "unknown-key"
    MISSING = "missing"
    STRUCTURE = "structure"
    VALUE = "value"
    UNIT_MASS = "unit-mass"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    CHANGE = "change"
    SCENARIOS = "scenarios"
    ACTUALS = "actuals"
    SAVED_PLAN = "saved-plan"
    COEFFICIENT_RANGE = "coefficient-range"
    # warnings
    NO_EFFECT = "no-effect"  # an error for a change of a scenario
    UNREACHABLE = "unreachable"
    UNUSED = "unused"
    NEVER_CAST = "never-cast"
    LATE_METAL = "late-metal"
    OUTLIER = "outlier"
    UNIT_MISSING = "unit-missing"
    LIST_OF_DIGITS = "list-of-digits"
    RICH_FEED = "rich-feed"
    REFINING_WITHOUT_PRICE = "refining-without-price"
    FREE_OFFER = "free-offer"
    FREE_LANE = "free-lane"
    MINIMUM_ORDER = "minimum-order"
    SIMILAR_NAMES = "similar-names"
    # both
    UNLISTED = "unlisted"


@dataclass(frozen=True, order=True)
class Fault:
    """One error or warning of the input, with its location and its remedy.

    Attributes:
        file: Name of the file, as given.
        line: Line from 1; 0 if the fault concerns the file as a whole.
        column: Column from 1; 0 if the fault concerns the file as a whole.
        path: Path of the parameter, such as `smelters.kosaka.limit`; may be empty.
        message: Description of the fault and the remedy.
        kind: Its kind.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    kind: FaultKind = field(compare=False, kw_only=True)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class MedaloptError(Exception):
    """Base class of all errors of medalopt; `exit_code` is the exit code of the command line."""

    exit_code = 70


class UsageError(MedaloptError):
    """Invalid combination or value of command line options or arguments."""

    exit_code = 2


class InputError(MedaloptError):
    """Invalid instance or input file; `faults` lists every error, ordered by file and line."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class OutputError(MedaloptError):
    """Output that cannot be written; an existing file is left unchanged."""

    exit_code = 5


class SolverError(MedaloptError):
    """No solution that can be verified was found, although one should exist."""

    exit_code = 70


class CoefficientRangeError(SolverError):
    """No solution could be verified, and the coefficients span more orders of magnitude than doubles resolve."""

    exit_code = 2


class LimitError(MedaloptError):
    """The time limit expired before a feasible plan was found."""

    exit_code = 4


class NoPlanError(MedaloptError):
    """The instance is infeasible, or its objective is unbounded because of an extension.

    Attributes:
        status: `infeasible` or `unbounded`.
        proof: Proof of infeasibility, an `InfeasibilityProof` of `medalopt.proof.certificate`; None without one.
        diagnose: Finds conflicts and repairs, for an error raised by `medalopt.solve`; None otherwise.
    """

    exit_code = 3
    diagnose: Callable[[], Any] | None = None

    def __init__(self, name: str, status: str, proof: Any = None) -> None:
        self.status, self.proof = status, proof
        reason = {
            "infeasible": "no feasible plan exists: demands, dates and constraints conflict (proven)",
            "unbounded": "unbounded: an extension lets the objective decrease without limit",
        }[status]
        super().__init__(f"{name}: {reason}")

    @cached_property
    def diagnosis(self) -> Any:
        """Conflicting constraints and repairs, computed on first access.

        Returns:
            An `AnalysisResult`; None if the error carries no function to compute it.
        """
        return self.diagnose() if self.diagnose is not None else None


class ConfidenceNotReachedError(NoPlanError):
    """No plan can promise the required confidence, or hold the uncertainty budget; without it the instance is feasible.

    Attributes:
        highest: The highest one found, a `HighestConfidence` of `medalopt.solver.highest_confidence`.
        task: What was solved, where the highest one has not been looked for.
    """

    def __init__(self, name: str, proof: Any, highest: Any, reason: str, task: Any = None) -> None:
        super().__init__(name, "infeasible", proof)
        self.highest, self.task = highest, task
        self.args = (f"{name}: {reason}",)


class TwoStageInfeasibleError(NoPlanError):
    """No contracts allow a plan in every scenario."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, "infeasible")
        self.args = (f"{name}: {reason}",)


class WholeLotsNotFoundError(NoPlanError):
    """The search found no feasible plan in whole lots (not proven); the continuous relaxation is feasible."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "infeasible")
        self.args = (
            f"{name}: no plan in whole lots and with the minimum orders was found (by search, not proven); "
            "without them a plan exists: make lots smaller, drop a minimum order or minimum lot, or let an offer be "
            "`storable`",
        )
