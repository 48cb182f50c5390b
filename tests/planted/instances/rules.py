"""Rules on tiny that bind from below, from above, by a variable's bound, and on the share of a bundle."""

from __future__ import annotations

import os

import pyomo.environ as pyo


def extend(model: pyo.ConcreteModel, instance: object) -> None:
    """Ask for less of the phones and of the bundle than the best plan takes, a little less so if `LOOSER` says so."""
    looser = float(os.environ.get("LOOSER", "0"))
    model.spare = pyo.Var(bounds=(0, 0.2 + looser))
    model.less = pyo.ConstraintList()
    model.less.add(expr=model.sent_stream["phone@east"] - model.spare <= 6.5 + looser)
    model.less.add(expr=-sum(model.take.values()) >= -3 - looser)
