"""Plan alloys and sourcing of medals: supply streams, treatments, smelters and purchases at the least total cost.

`load` reads an instance, `solve` returns a verified `Plan`, and `build` returns the Pyomo model for constraints of your
own. Pyomo and HiGHS are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance as Instance
    from medalopt.instance.loading import load as load
    from medalopt.model.build import build as build
    from medalopt.plan.plan import Plan as Plan
    from medalopt.solve_instance import solve as solve

__version__ = "0.1.0"

_HOMES = {
    "Instance": "medalopt.instance.instance",
    "Plan": "medalopt.plan.plan",
    "build": "medalopt.model.build",
    "load": "medalopt.instance.loading",
    "solve": "medalopt.solve_instance",
}

__all__ = ["Instance", "Plan", "__version__", "build", "load", "solve"]


def __getattr__(name: str) -> Any:
    """Import an exported name on first access."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'medalopt' has no attribute '{name}'")
