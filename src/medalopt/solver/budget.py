"""Time limit of a solve."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TimeBudget:
    """Time limit of `seconds`, counted from its creation."""

    seconds: float = math.inf
    _start: float = field(default_factory=time.monotonic)

    def seconds_left(self) -> float:
        """Return the time left.

        Returns:
            Seconds, at least 0.
        """
        return max(0.0, self._start + self.seconds - time.monotonic())


NO_TIME_LIMIT = TimeBudget()
