"""Family 17: metal left with the smelters is at most the metal credited, by line of terms, metal and period."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.credited_metal import compute_worth_left, list_terms_names
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_left_metal_constraints(model: pyo.ConcreteModel) -> None:
    r"""Add the limit on metal left with a smelter (family 17): $L_{\ell et}\le R_{\ell et}$ (kg).

    Args:
        model: Model with `left` and `returned_line` declared.
    """
    if model.component("left") is None:
        return
    doc = "17. title, no more is left than is credited; dual: worth of a kilogram more (negative), money/kg"
    model.left_most = pyo.Constraint(
        list(model.left), rule=lambda m, *key: (None, m.left[key] - m.returned_line[key], 0.0), doc=doc
    )


def list_left_metal_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the cost of metal left with the smelters: their payments, and the refining charge saved (negative).

    Args:
        model: Model with `left` declared.
        instance: Instance.

    Returns:
        Terms of the cost, money; empty where no metal may be left.
    """
    if model.component("left") is None:
        return []
    names, metals = list_terms_names(instance), instance.metals.names
    worth = index_by_name(compute_worth_left(instance), names, metals, instance.periods)
    return [-worth[key] * kilograms for key, kilograms in model.left.items() if worth[key]]
