"""Family 9, device mix: bounds on the share of a device, or a group of devices, in all tonnes sent."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_device_mix_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add device mix constraints (family 9): $\underline\mu X\le X_d\le\overline\mu X$ (t).

    Args:
        model: Model with `sent_device` declared.
        instance: Instance; constraints are added for shares above 0 % and below 100 %.
    """
    policy, devices = instance.policy, instance.devices.names
    member = index_by_name(policy.members, policy.windows, devices)
    low, high = (
        index_by_name(policy.window_low.value, policy.windows),
        index_by_name(policy.window_high.value, policy.windows),
    )

    def excess(m: pyo.ConcreteModel, w: str, share: float) -> object:
        """Return the tonnes of the window's devices above a share of all tonnes sent."""
        return pyo.quicksum([(member[w, d] - share) * m.sent_device[d] for d in devices])

    model.mix_low = pyo.Constraint(
        [w for w in policy.windows if low[w] > 0],
        rule=lambda m, w: (0.0, excess(m, w, low[w]), None),
        doc="9. device mix, least share; dual: shadow price of the required tonnes, >= 0, money/t",
    )
    model.mix_high = pyo.Constraint(
        [w for w in policy.windows if high[w] < 1],
        rule=lambda m, w: (None, excess(m, w, high[w]), 0.0),
        doc="9. device mix, greatest share; dual: shadow price of the allowed tonnes, <= 0, money/t",
    )
