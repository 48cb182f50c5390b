"""The sourcing program as a Pyomo model: a recipe of one call per constraint family."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.activities import add_activity_constraints, add_price_steps
from medalopt.model.balance import (
    add_left_metal_constraints,
    add_metal_balance,
    add_offer_balance,
    add_process_scrap_constraints,
    add_reserve_constraints,
)
from medalopt.model.confidence import add_confidence_cuts
from medalopt.model.demand import add_casting_stock, add_demand_constraints, declare_missed_medals
from medalopt.model.fineness import add_fineness_constraints, add_melt_constraints
from medalopt.model.limits import (
    add_capacity_constraints,
    add_charge_limits,
    add_commitment_constraints,
    add_impurity_limits,
    add_offer_stock_limits,
)
from medalopt.model.lots import add_lot_constraints
from medalopt.model.network import build_network
from medalopt.model.network_to_pyomo import attach_network
from medalopt.model.objective import declare_cost_expressions, set_objective
from medalopt.model.policy import add_policy_constraints, declare_footprint
from medalopt.model.variables import declare_linking_variables, declare_metal_variables, list_linking_families


def build(instance: Instance, objective: str = "cost") -> pyo.ConcreteModel:
    """Return the unsolved sourcing program of `instance`. Reads no file and calls no solver.

    Component names and indices are documented in `models/sourcing.md`.

    Args:
        instance: Instance.
        objective: Objective to minimise: `cost` (money), `footprint` (kg CO2e) or `mass` (t).

    Returns:
        The complete linear program, or mixed-integer program if the instance has whole lots, minimum orders,
        lots of feed, fixed charges or falling prices.
    """
    routes = build_program_routes(instance)
    model = build_master(instance, routes, objective)
    attach_network(model, instance, routes, build_network(instance, routes))
    return model


def build_master(instance: Instance, routes: Routes, objective: str = "cost", whole: bool = True) -> pyo.ConcreteModel:
    """Return the master problem: all variables and constraints except the network.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        objective: Objective to minimise: `cost`, `footprint` or `mass`.
        whole: Declare a linking variable for every region and stream, see `list_linking_families`.

    Returns:
        The model; linking variables are declared, their definitions are left to `attach_network`.
    """
    model = pyo.ConcreteModel(instance.name)
    declare_linking_variables(model, list_linking_families(instance, routes, whole))
    declare_metal_variables(model, instance, routes)
    declare_missed_medals(model, instance)
    declare_footprint(model, instance)
    add_capacity_constraints(model, instance)
    add_metal_balance(model, instance)
    add_offer_balance(model, instance)
    add_offer_stock_limits(model, instance)
    add_charge_limits(model, instance)
    add_reserve_constraints(model, instance)
    add_melt_constraints(model, instance)
    add_fineness_constraints(model, instance)
    add_demand_constraints(model, instance)
    add_casting_stock(model, instance)
    add_commitment_constraints(model, instance)
    add_policy_constraints(model, instance)
    add_process_scrap_constraints(model, instance)
    add_left_metal_constraints(model)
    add_impurity_limits(model, instance)
    add_lot_constraints(model, instance, routes)
    add_activity_constraints(model, instance, routes)
    add_price_steps(model, instance, routes)
    add_confidence_cuts(model, instance, routes)
    declare_cost_expressions(model, instance)
    set_objective(model, objective)
    return model
