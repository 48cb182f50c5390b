"""Plans alloys and sourcing: which discarded devices become the metal of medals, by which way, at what cost.

`load` an instance, `solve` it for a `Plan`, or `build` the Pyomo model to add a constraint of one's own.
What needs Pyomo or HiGHS is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance as Instance
    from medalopt.instance.loading import load as load
    from medalopt.model.build import build as build
    from medalopt.plan.plan import Plan as Plan
    from medalopt.solving import solve as solve

__version__ = "0.1.0"

_HOMES = {
    "Instance": "medalopt.instance.instance",
    "Plan": "medalopt.plan.plan",
    "build": "medalopt.model.build",
    "load": "medalopt.instance.loading",
    "solve": "medalopt.solving",
}

__all__ = ["Instance", "Plan", "__version__", "build", "load", "solve"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'medalopt' has no attribute '{name}'")
