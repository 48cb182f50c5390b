"""Plan alloys and sourcing of medals: supply streams, treatments, smelters and purchases at the least total cost.

`load` reads an instance, `solve` returns a verified `Plan`, and `build` returns the Pyomo model for constraints of your
own. Pyomo and HiGHS are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.errors import InputError as InputError
    from medalopt.errors import MedaloptError as MedaloptError
    from medalopt.errors import NoPlanError as InfeasibleError
    from medalopt.instance.instance import Instance as Instance
    from medalopt.instance.loading import load as load
    from medalopt.model.build import build as build
    from medalopt.plan.plan import Plan as Plan
    from medalopt.solve_instance import solve as solve

__version__ = "0.1.0"

_HOMES = {
    "InfeasibleError": "medalopt.errors:NoPlanError",
    "InputError": "medalopt.errors:InputError",
    "Instance": "medalopt.instance.instance:Instance",
    "MedaloptError": "medalopt.errors:MedaloptError",
    "Plan": "medalopt.plan.plan:Plan",
    "build": "medalopt.model.build:build",
    "load": "medalopt.instance.loading:load",
    "solve": "medalopt.solve_instance:solve",
}

__all__ = [
    "InfeasibleError",
    "InputError",
    "Instance",
    "MedaloptError",
    "Plan",
    "__version__",
    "build",
    "load",
    "solve",
]


def __dir__() -> list[str]:
    """List the public names, also those not yet imported."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name on first access."""
    if name not in _HOMES:
        raise AttributeError(f"module 'medalopt' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
