"""The sourcing program as a Pyomo model: a recipe of one call per constraint family."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, routes
from medalopt.model import footprint as emissions
from medalopt.model import links, objective, quantities
from medalopt.model.attach import attach
from medalopt.model.balance import balance, offer_balance
from medalopt.model.capacity import capacity
from medalopt.model.commitments import commitments
from medalopt.model.demand import castings, demand
from medalopt.model.device_mix import device_mix
from medalopt.model.fineness import fineness
from medalopt.model.lots import lots
from medalopt.model.melt import melt
from medalopt.model.network import network
from medalopt.model.participation import participation
from medalopt.model.process_scrap import process_scrap
from medalopt.model.recycled import recycled


def build(instance: Instance, measure: str = "cost") -> pyo.ConcreteModel:
    """Return the unsolved sourcing program of `instance`. Reads no file and calls no solver.

    Component names and indices are documented in `models/sourcing.md`.

    Args:
        instance: Instance.
        measure: Objective to minimise: `cost` (money), `footprint` (kg CO2e) or `mass` (t).

    Returns:
        The complete linear program, or mixed-integer program if the instance has whole lots or minimum orders.
    """
    found = routes(instance)
    model = master(instance, found, measure)
    attach(model, instance, found, network(instance, found))
    return model


def master(instance: Instance, found: Routes, measure: str = "cost", whole: bool = True) -> pyo.ConcreteModel:
    """Return the master problem: all variables and constraints except the network.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        measure: Objective to minimise: `cost`, `footprint` or `mass`.
        whole: Declare a linking variable for every region and stream, see `list_linking_families`.

    Returns:
        The model; linking variables are declared, their definitions are left to `attach_network`.
    """
    model = pyo.ConcreteModel(instance.name)
    links.declare(model, links.links(instance, found, whole))
    quantities.declare(model, instance, found)
    emissions.declare(model, instance)
    capacity(model, instance)
    balance(model, instance)
    offer_balance(model, instance)
    melt(model, instance)
    fineness(model, instance)
    demand(model, instance)
    castings(model, instance)
    commitments(model, instance)
    recycled(model, instance)
    device_mix(model, instance)
    participation(model, instance)
    emissions.footprint(model, instance)
    process_scrap(model, instance)
    lots(model, instance, found)
    objective.declare(model, instance)
    objective.minimise(model, measure)
    return model
