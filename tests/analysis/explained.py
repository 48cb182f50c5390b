"""The explanation of an instance's plan, as objects."""

from __future__ import annotations

from collections.abc import Sequence

import medalopt
from medalopt import Instance
from medalopt.analysis.explain.explanation import Explanation
from medalopt.model.extensions import Extension


def explained(instance: Instance, objective: str = "cost", extensions: Sequence[Extension] = ()) -> Explanation:
    """Return the explanation of the optimal plan."""
    found = medalopt.explain(instance, objective, extensions).data
    assert isinstance(found, Explanation)
    return found
