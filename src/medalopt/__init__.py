"""Plan alloys and sourcing of medals: supply streams, treatments, smelters and purchases at the least total cost.

`load` reads an instance, `solve` returns a verified `Plan`, `build` the Pyomo model, and each analysis is one function
that returns an `AnalysisResult`. Pyomo, HiGHS and pandas are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.api import compare as compare
    from medalopt.api import curve as curve
    from medalopt.api import device_mix as device_mix
    from medalopt.api import diagnose as diagnose
    from medalopt.api import explain as explain
    from medalopt.api import outages as outages
    from medalopt.api import price_of_confidence as price_of_confidence
    from medalopt.api import read_plan as read_plan
    from medalopt.api import risk as risk
    from medalopt.api import sensitivity_ranges as sensitivity_ranges
    from medalopt.api import solve as solve
    from medalopt.api import sweep as sweep
    from medalopt.api import tornado as tornado
    from medalopt.api import two_stage_plan as two_stage_plan
    from medalopt.api import value_of_information as value_of_information
    from medalopt.api import variance as variance
    from medalopt.errors import InputError as InputError
    from medalopt.errors import MedaloptError as MedaloptError
    from medalopt.errors import NoPlanError as InfeasibleError
    from medalopt.instance.instance import Instance as Instance
    from medalopt.instance.loading import load as load
    from medalopt.model.build import build as build
    from medalopt.plan.plan import Plan as Plan
    from medalopt.results import AnalysisResult as AnalysisResult

__version__ = "0.1.0"

_HOMES = {  # all others are functions of `api`
    "AnalysisResult": "medalopt.results:AnalysisResult",
    "InfeasibleError": "medalopt.errors:NoPlanError",
    "InputError": "medalopt.errors:InputError",
    "Instance": "medalopt.instance.instance:Instance",
    "MedaloptError": "medalopt.errors:MedaloptError",
    "Plan": "medalopt.plan.plan:Plan",
    "build": "medalopt.model.build:build",
    "load": "medalopt.instance.loading:load",
}

__all__ = [
    "AnalysisResult",
    "InfeasibleError",
    "InputError",
    "Instance",
    "MedaloptError",
    "Plan",
    "__version__",
    "build",
    "compare",
    "curve",
    "device_mix",
    "diagnose",
    "explain",
    "load",
    "outages",
    "price_of_confidence",
    "read_plan",
    "risk",
    "sensitivity_ranges",
    "solve",
    "sweep",
    "tornado",
    "two_stage_plan",
    "value_of_information",
    "variance",
]


def __dir__() -> list[str]:
    """List the public names, also those not yet imported."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name on first access."""
    if name not in __all__:
        raise AttributeError(f"module 'medalopt' has no attribute '{name}'")
    module, _, attribute = _HOMES.get(name, f"medalopt.api:{name}").partition(":")
    return getattr(importlib.import_module(module), attribute)
