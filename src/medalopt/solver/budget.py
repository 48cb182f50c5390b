"""How long may be sought: a clock that is asked what is left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Budget:
    """A number of `seconds`, which run from the moment it is made."""

    seconds: float = math.inf
    _start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left; 0 when they are over."""
        return max(0.0, self._start + self.seconds - time.monotonic())


ENDLESS = Budget()
