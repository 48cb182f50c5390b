"""Price steps in the terms of orders."""

from __future__ import annotations

import numpy as np

from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import StepKind
from medalopt.report.numbers import format_number

STEP_TITLE = "Price steps"


def describe_price_steps(instance: Instance, kind: StepKind, owner: int) -> str:
    """Describe the price steps of a stream or offer.

    Args:
        instance: Instance.
        kind: Streams or offers.
        owner: Index of the stream or offer.

    Returns:
        Text such as `58,000 JPY/kg up to 500 kg, 60,000 JPY/kg beyond, of all that is ordered`; '' without steps.
    """
    steps = kind.get_steps(instance)
    rows = np.flatnonzero(steps.owner == owner).tolist()
    if not rows:
        return ""
    price, parts = float(getattr(instance, kind.part).price.value[owner, 0]), []
    for row in rows:
        unit = f"{instance.currency}/{kind.unit}"
        parts.append(
            f"{format_number(price, 12)} {unit} up to {format_number(float(steps.above.value[row]), 12)} {kind.unit}"
        )
        price += float(steps.surcharge.value[row])
    if np.isfinite(price):
        parts.append(f"{format_number(price, 12)} {instance.currency}/{kind.unit} beyond")
    return f"{', '.join(parts)}, of all that is ordered in the plan; prices by line are means"
