"""Derivatives of objective coefficients and row bounds with respect to the parameters of an instance.

For a cost or footprint parameter p: ∂c/∂p (N,), the change of the cost vector c per canonical unit of p. For a
right-hand-side parameter p: row shifts (constraint and index, ∂lower/∂p, ∂upper/∂p) per canonical unit of p.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram
from medalopt.catalog import UPPER, Family, Limit, list_limits
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import compute_scrap_rate, may_miss
from medalopt.instance.instance import FRACTION_SEPARATOR, Instance
from medalopt.instance.lots import OFFER_STEPS, STEP_KINDS, STREAM_STEPS, ActivityKind
from medalopt.instance.reader.yaml_nodes import MappingNode, ScalarNode, SequenceNode
from medalopt.instance.routes import compute_residue_shares
from medalopt.instance.smelter_terms import find_pooled_lots, list_terms_names
from medalopt.instance.source_values import SourceValues
from medalopt.proof.marginal import compute_regional_supply
from medalopt.solver.infeasibility import MISSED_ROW
from medalopt.solver.program import CAST_STOCK_ROW
from medalopt.text import ParameterPath, render_path


class CostDerivatives:
    """Columns of a program, indexed by the stream, treatment, smelter, period and purchase that they represent.

    The `differentiate_*` methods take the path of a parameter, and return (N,); None if the parameter is not a cost.

    Args:
        scenario: Scenario whose program is differentiated.
        source_values: Parameter values as written in the file of the instance.
        objective: Objective: cost, footprint or mass.
    """

    def __init__(self, scenario: ScenarioProgram, source_values: SourceValues, objective: str) -> None:
        self._variant, self._written, self._measure = scenario, source_values, objective
        network, routes, instance = scenario.network, scenario.routes, scenario.instance
        route = network.route
        self._route, self._period = route, network.period
        self._stream, self._treatment, self._smelter = (
            routes.stream[route],
            routes.treatment[route],
            routes.smelter[route],
        )
        self._sent_on = routes.to_smelter[route]
        self._treats = routes.treats[route]  # other shipments carry fractions of devices taken already
        self._device, self._region = instance.streams.device[self._stream], instance.streams.region[self._stream]
        self._line = (
            instance.smelters.line[self._smelter, self._device, self._treatment] if route.size else self._smelter
        )
        self._places = {place: scenario.program.network + n for n, place in enumerate(scenario.program.places)}

    def differentiate(self, path: ParameterPath) -> Floats | None:
        """Return the derivative of the cost vector with respect to one parameter.

        Returns:
            (N,) in units of the objective per canonical unit of the parameter; None if the parameter has no effect on
            c.
        """
        rule = _RULES_BY_OBJECTIVE.get(self._measure, {}).get(path[0])
        result = None if rule is None else rule(self, path)
        return result if result is not None and result.any() else None

    def _shipments(self, where: Bools, each: Floats | float = 1.0) -> Floats:
        """Return a vector (N,) that is `each` on the shipment columns marked by `where`."""
        weights = np.zeros(len(self._variant.program.lower))
        weights[: len(self._route)] = np.where(where, each, 0.0)
        return weights

    def _is_sent_in(self, period: int | None) -> Bools:
        """Return a mask (C,) of the shipments in a period; all where it is None."""
        return np.ones(len(self._route), dtype=bool) if period is None else self._period == period

    def _mark_columns(self, name: str, first: str, each: float, period: int | None = None) -> Floats:
        """Return `each` on the columns `name` whose index begins with `first`, in one period or in all."""
        weights, periods = np.zeros(len(self._variant.program.lower)), self._variant.instance.periods
        for (which, index), column in self._places.items():
            if which == name and index[0] == first and period in (None, periods.index(index[-1])):
                weights[column] = each
        return weights

    def _differentiate_stream(self, path: ParameterPath) -> Floats | None:
        """Differentiate by `price`, `collection`, or the `cost` of `storage` of a stream."""
        number = self._variant.instance.streams.names.index(str(path[1]))
        if _is_step_path(path):
            first = self._shipments((self._stream == number) & self._treats)
            return self._differentiate_step(STREAM_STEPS, path, first)
        if path[2:3] in (("price",), ("collection",)):
            return self._shipments((self._stream == number) & self._treats & self._is_sent_in(_get_period(path)))
        if path[2:] != ("storage", "cost"):
            return None
        weights = np.zeros(len(self._variant.program.lower))
        weights[len(self._route) + np.flatnonzero(self._variant.network.stock_stream == number)] = 1.0
        return weights

    def _differentiate_step(self, kind: ActivityKind, path: ParameterPath, first: Floats) -> Floats | None:
        """Differentiate by the price of a step: what is taken beyond the limit before, less what is beyond its own."""
        if path[4] != "price":
            return None
        *owner, number, _ = path
        limits = (render_path((*owner, int(number) - 1, "up_to")), render_path((*owner, number, "up_to")))
        before, beyond = (self._places.get((f"{kind.name}_excess", limit)) for limit in limits)
        weights = np.zeros(len(first)) if number else first.copy()
        for column, sign in ((before, 1.0), (beyond, -1.0)):
            if column is not None:
                weights[column] += sign
        return weights

    def _differentiate_treatment(self, path: ParameterPath) -> Floats | None:
        """Differentiate by `residue_value` or `cost` of a treatment; that of one device takes precedence."""
        names, devices = self._variant.instance.treatments.names, self._variant.instance.devices.names
        here = (self._treatment == names.index(str(path[1]))) & self._is_sent_in(_get_period(path))
        if path[2] == "residue_value":
            shares = compute_residue_shares(self._variant.instance, self._variant.routes)
            return self._shipments(here, -shares[self._route])
        if "sold" in path[-2:]:
            return self._differentiate_sold(path, here)
        if path[2] == "devices" and path[4:5] == ("cost",):
            return self._shipments(here & (self._device == devices.index(str(path[3]))))
        if path[2:3] != ("cost",):
            return None
        stated = [d for d, name in enumerate(devices) if self._has_number((*path[:2], "devices", name, "cost"))]
        return self._shipments(here & ~np.isin(self._device, stated))

    def _differentiate_sold(self, path: ParameterPath, here: Bools) -> Floats:
        """Differentiate by the price of a fraction sold; fractions of one device replace those of its treatment."""
        treatments, devices = self._variant.instance.treatments, self._variant.instance.devices.names
        stated_path = path if path[-1] == "sold" else path[:-1]  # of one period
        fraction = treatments.names.index(f"{path[1]}{FRACTION_SEPARATOR}{stated_path[-2]}")
        stated = [d for d, name in enumerate(devices) if self._has_fractions((*path[:2], "devices", name, "fractions"))]
        if path[2] == "devices":
            here = here & (self._device == devices.index(str(path[3])))
        else:
            here = here & ~np.isin(self._device, stated)
        sold = np.where(treatments.sells[fraction], treatments.to_smelter.value[fraction], 0.0)
        return self._shipments(here, -sold[self._device])

    def _has_fractions(self, path: ParameterPath) -> bool:
        """Return True if the file has fractions at `path`."""
        node = self._written.get_node(path)
        return isinstance(node, MappingNode) and bool(node.items)

    def _differentiate_smelter(self, path: ParameterPath) -> Floats | None:
        """Differentiate by charges, `pays` or a penalty's `charge` of a smelter or of one line of its terms."""
        field = path[4] if path[2] == "terms" and len(path) > 4 else path[2]
        if field == "pays":
            return self._differentiate_price_of_left(path)
        if field == "penalties":
            return self._differentiate_penalty(path)
        period = _get_period(path)
        stated_path = path if period is None else path[:-1]
        if field == "treatment_charge":
            where = self._find_governed(stated_path, "treatment_charge") & self._is_sent_in(period)
            return self._shipments(where, self._sent_on)
        return self._differentiate_refining_charge(stated_path, period) if field == "refining_charge" else None

    def _differentiate_penalty(self, path: ParameterPath) -> Floats | None:
        """Return the derivative by the `charge` of a penalty: the excess of each feed over its threshold, in steps."""
        place = next((number for number, step in enumerate(path) if number > 3 and step == "charge"), None)
        if place is None:
            return None
        instance, routes, step = self._variant.instance, self._variant.routes, path[:place]
        stated_step = step[:-1] if isinstance(step[-1], int) else step  # of the element: of one step or of several
        element, period = str(stated_step[-1]), path[place + 1] if len(path) > place + 1 else None
        governed = np.zeros(len(self._route), dtype=bool)
        for number, (line, k) in enumerate(zip(instance.terms.names, instance.terms.smelter.tolist(), strict=True)):
            smelter: ParameterPath = ("smelters", instance.smelters.names[k])
            own: ParameterPath = (*smelter, "terms", line, "penalties", element)
            stated = line and self._written.get_node(own) is not None
            if stated_step == (own if stated else (*smelter, "penalties", element)):
                governed |= self._line == number
        content = routes.impurity[self._route, instance.impurities.names.index(element)]
        excess = np.maximum(content - self._get_value((*step, "above")) * self._sent_on, 0.0)
        where = governed & (self._smelter >= 0) & self._is_sent_in(None if period is None else int(period))
        return self._shipments(where, excess / self._get_value((*step, "per")))

    def _differentiate_refining_charge(self, path: ParameterPath, period: int | None) -> Floats:
        """Return the derivative by a refining charge, on metal credited in one period or in all."""
        instance, routes = self._variant.instance, self._variant.routes
        total, last = np.zeros(len(self._route)), len(instance.periods)
        for e, metal in enumerate(instance.metals.names):
            back = self._period + instance.smelters.lead[self._smelter, e]
            due = self._find_governed(path, "refining_charge", metal) & (
                back < last if period is None else back == period
            )
            total += np.where(due, routes.returned[self._route, e], 0.0)
        weights = self._shipments(total != 0, total)
        lots, network = find_pooled_lots(instance, routes), self._variant.network
        keys = zip(network.withheld_pool, network.withheld_metal, network.withheld_period, strict=True)
        for column, (pool, e, sent) in enumerate(keys):
            governed = self._find_governed(path, "refining_charge", instance.metals.names[e])
            due = governed & (self._line == lots.line[pool])
            in_period = period in (None, sent + instance.smelters.lead[lots.smelter[pool], e])
            weights[len(network.upper) - len(network.withheld_pool) + column] -= float(due.any() and in_period)
        metals = {metal for _, (_, metal, _) in self._left_columns}
        charged = {metal: self._line[self._find_governed(path, "refining_charge", metal)] for metal in metals}
        lines = {name: number for number, name in enumerate(list_terms_names(instance))}
        for column, (line, metal, label) in self._left_columns:
            in_period = period in (None, instance.periods.index(label))
            weights[column] -= float(lines[line] in charged[metal] and in_period)
        return weights

    @cached_property
    def _left_columns(self) -> list[tuple[int, tuple[str, str, str]]]:
        """Columns of metal left with the smelters, and their line of terms, metal and period."""
        return [(column, index) for (name, index), column in self._places.items() if name == "left"]

    def _differentiate_price_of_left(self, path: ParameterPath) -> Floats:
        """Return the derivative by the price of a metal left: -1 on the columns of the lines that it governs."""
        instance, period = self._variant.instance, _get_period(path)
        base = path if period is None else path[:-1]
        weights, governed = np.zeros(len(self._variant.program.lower)), set()
        lines = zip(list_terms_names(instance), instance.terms.names, instance.terms.smelter.tolist(), strict=True)
        for name, line, k in lines:
            smelter: ParameterPath = ("smelters", instance.smelters.names[k])
            own: ParameterPath = (*smelter, "terms", line, "pays", base[-1])
            if base == (own if line and self._written.get_node(own) is not None else (*smelter, "pays", base[-1])):
                governed.add(name)
        for column, (line, metal, label) in self._left_columns:
            if line in governed and metal == base[-1] and period in (None, instance.periods.index(label)):
                weights[column] = -1.0
        return weights

    def _find_governed(self, path: ParameterPath, field: str, metal: str | None = None) -> Bools:
        """Return the shipments (C,) that the charge at `path` governs: a line of terms overrides its smelter."""
        instance = self._variant.instance
        result = np.zeros(len(self._route), dtype=bool)
        for number, (line, k) in enumerate(zip(instance.terms.names, instance.terms.smelter.tolist(), strict=True)):
            smelter: ParameterPath = ("smelters", instance.smelters.names[k])
            above: tuple[ParameterPath, ...] = ((*smelter, "terms", line, field), (*smelter, field))
            first = next((at for one in above[0 if line else 1 :] if (at := self._find_value_path(one, metal))), None)
            if first == path:
                result |= (self._smelter == k) & (self._line == number)
        return result

    def _find_value_path(self, path: ParameterPath, metal: str | None) -> ParameterPath | None:
        """Return the path of the value for `metal`: its own entry, the `default`, or one scalar for all metals."""
        node = self._written.get_node(path)
        if isinstance(node, MappingNode) and metal is not None:
            return next(((*path, name) for name in (metal, "default") if self._has_number((*path, name))), None)
        return path if self._has_number(path) else None

    def _has_number(self, path: ParameterPath) -> bool:
        """Return True if the file has a number at `path`, or one for each period."""
        node = self._written.get_node(path)
        return isinstance(node, SequenceNode) or (isinstance(node, ScalarNode) and not node.null)

    def _differentiate_lane(self, path: ParameterPath) -> Floats | None:
        """Differentiate by `cost` of a lane, or by its `distance` at the transport rate."""
        if path[2:] not in (("cost",), ("distance",)):
            return None
        each = self._sent_on * (self._get_value(("transport_rate",)) if path[2] == "distance" else 1.0)
        return self._shipments(self._on_lane(str(path[1])), each)

    def _on_lane(self, name: str) -> Bools:
        """Return the shipments (C,) on the named lane."""
        regions, smelters = self._variant.instance.regions, self._variant.instance.smelters.names
        region, smelter = (
            self._written.get_node(("lanes", name, "region")),
            self._written.get_node(("lanes", name, "smelter")),
        )
        assert isinstance(region, ScalarNode) and isinstance(smelter, ScalarNode), "a lane has both ends"
        return (self._region == regions.index(region.text)) & (self._smelter == smelters.index(smelter.text))

    def _get_value(self, path: ParameterPath) -> float:
        """Return the value at `path` in the canonical unit, 0 if absent."""
        exact = self._written.read_number(path)
        return 0.0 if exact is None else float(exact)

    def _differentiate_transport_rate(self, path: ParameterPath) -> Floats:
        """Differentiate by the transport rate, over all lanes that give a distance."""
        total = np.zeros(len(self._route))
        lanes = self._written.get_node(("lanes",))
        for name in lanes.items if isinstance(lanes, MappingNode) else ():
            distance = self._get_value(("lanes", name, "distance"))
            if distance:
                total += np.where(self._on_lane(name), distance * self._sent_on, 0.0)
        return self._shipments(total != 0, total)

    def _differentiate_metal(self, path: ParameterPath) -> Floats | None:
        """Differentiate by `sell` or `holding` of a metal."""
        name, period = str(path[1]), _get_period(path)
        if path[2] == "sell":
            return self._mark_columns("surplus", name, -1.0, period)
        if path[2] != "holding":
            return None
        market, e = self._variant.instance.market, self._variant.instance.metals.names.index(name)
        weights = self._mark_columns("stock", name, 1.0, period)
        for offer, content in zip(market.names, market.composition.value[:, e].tolist(), strict=True):
            weights += self._mark_columns("offer_stock", offer, content, period)
        return weights

    def _differentiate_offer(self, path: ParameterPath) -> Floats | None:
        """Differentiate by the `price` of a market offer."""
        if _is_step_path(path):
            return self._differentiate_step(OFFER_STEPS, path, self._mark_purchases(str(path[1])))
        return self._mark_purchases(str(path[1]), _get_period(path)) if path[2] == "price" else None

    def _mark_purchases(self, offer: str, period: int | None = None) -> Floats:
        """Return 1 on the purchase columns of an offer: into stock if it can be stored, else charged at once."""
        into_stock = ("acquire", (offer, self._variant.instance.periods[0])) in self._places
        return self._mark_columns("acquire" if into_stock else "buy", offer, 1.0, period)

    def _differentiate_alloy(self, path: ParameterPath) -> Floats | None:
        """Differentiate by `holding`, `sell`, or the `value` of process scrap left or not yet available at the end."""
        instance, name = self._variant.instance, str(path[1])
        if path[2] == "sell":
            kept = 1 - float(instance.alloys.scrap_share.value[instance.alloys.names.index(name)])
            return self._mark_columns("cast", name, -kept, _get_period(path))
        if path[2] == "holding":
            return self._mark_columns("cast_stock", str(path[1]), 1.0, _get_period(path))
        if path[2:] != ("scrap", "value"):
            return None
        a, last = instance.alloys.names.index(name), len(instance.periods) - 1
        weights = self._mark_columns("scrap", name, -1.0, last)
        rate = float(compute_scrap_rate(instance)[a])
        for t in range(max(0, last + 1 - int(instance.alloys.scrap_lead[a])), last + 1):
            weights += self._mark_columns("cast", name, -rate, t)
        return weights

    def _differentiate_medal(self, path: ParameterPath) -> Floats | None:
        """Differentiate by the `shortfall` of a medal, its penalty where it is not made."""
        column = self._places.get(("missed", str(path[1])))
        if path[2] != "shortfall" or column is None:
            return None
        weights = np.zeros(len(self._variant.program.lower))
        weights[column] = 1.0
        return weights

    def _differentiate_footprint(self, path: ParameterPath) -> Floats | None:
        """Differentiate by a `footprint`, if footprint is the objective and not also capped."""
        if path[2:] != ("footprint",) or np.isfinite(self._variant.instance.policy.footprint_cap.value):
            return None
        instance, name = self._variant.instance, str(path[1])
        if path[0] == "streams":
            return self._shipments((self._stream == instance.streams.names.index(name)) & self._treats)
        if path[0] == "treatments":
            return self._shipments(self._treatment == instance.treatments.names.index(name))
        if path[0] == "smelters":
            return self._shipments(self._smelter == instance.smelters.names.index(name), self._sent_on)
        if path[0] == "lanes":
            return self._shipments(self._on_lane(name), self._sent_on)
        return self._mark_purchases(name)


def _is_step_path(path: ParameterPath) -> bool:
    """Return whether a parameter belongs to a step of the price of a stream or offer."""
    return len(path) == 5 and path[2] == "price"


def _get_period(path: ParameterPath) -> int | None:
    """Return the period index at the end of a path, or None."""
    return path[-1] if isinstance(path[-1], int) else None


_DerivativeRule = Callable[[CostDerivatives, ParameterPath], Floats | None]
_COST_RULES: Mapping[str | int, _DerivativeRule] = {
    "streams": CostDerivatives._differentiate_stream,
    "treatments": CostDerivatives._differentiate_treatment,
    "smelters": CostDerivatives._differentiate_smelter,
    "lanes": CostDerivatives._differentiate_lane,
    "transport_rate": CostDerivatives._differentiate_transport_rate,
    "metals": CostDerivatives._differentiate_metal,
    "market": CostDerivatives._differentiate_offer,
    "alloys": CostDerivatives._differentiate_alloy,
    "medals": CostDerivatives._differentiate_medal,
}
_FOOTPRINT_RULES: Mapping[str | int, _DerivativeRule] = dict.fromkeys(
    ("streams", "treatments", "smelters", "lanes", "market"), CostDerivatives._differentiate_footprint
)
_RULES_BY_OBJECTIVE: Mapping[str, Mapping[str | int, _DerivativeRule]] = {
    "cost": _COST_RULES,
    "footprint": _FOOTPRINT_RULES,
}


RowShift = tuple[tuple[str, ...], float, float]  # constraint and index, shift of its lower and of its upper bound


def compute_row_shifts(instance: Instance, path: ParameterPath) -> list[RowShift]:
    """Return the derivatives of row bounds with respect to one parameter.

    Returns:
        The shifts of all rows concerned, whether or not the program has these rows; empty if none depend on it.
    """
    rule = _ROW_SHIFT_RULES.get((path[0], path[2])) if len(path) > 2 else _ROW_SHIFT_RULES.get(path[:2])
    return [] if rule is None else list(rule(instance, path))


def _shift_stream_rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by commitment, stockpile limit or supply of a stream; supply moves participation too."""
    streams, name = instance.streams, str(path[1])
    i = streams.names.index(name)
    if path[2] == "committed":
        return [(("stream_commitment", name), 1.0, 0.0)]
    if path[2] == "storage":
        return [(("stockpile", name, t), 0.0, 1.0) for t in instance.periods] if path[3] == "limit" else []
    if streams.bundle[i] >= 0:
        return []
    periods = [path[3]] if len(path) > 3 else range(len(instance.periods))
    share = 1.0 / len(instance.periods) if path[2] == "total" else 1.0
    required = float(instance.policy.participation.value) * share
    region = instance.regions[int(streams.region[i])]
    rows: list[RowShift] = [(("supply", name, instance.periods[int(t)]), 0.0, share) for t in periods]
    return [*rows, *((("participation", region), required, 0.0) for _ in periods)]


def _make_limit_rule(family: Family, limit: Limit) -> Callable[[Instance, ParameterPath], Iterable[RowShift]]:
    """Return the rule for the capacities of a family per period, or its commitments and limits over the horizon."""

    def rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
        """Return the shifts of the rows of the subject: in one period or in all, or its only row."""
        upper, width = float(limit.side == UPPER), len(limit.locate(""))
        if family.periodic and len(path) < width:
            return []
        if not family.periodic:
            return [((family.name, str(path[1])), 1.0 - upper, upper)]
        period = path[width] if len(path) > width else None
        periods = [instance.periods[period]] if isinstance(period, int) else instance.periods
        return [((family.name, str(path[1]), t), 1.0 - upper, upper) for t in periods]

    return rows


def _shift_step_rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by the limit of a price step of a stream or offer."""
    kind = STREAM_STEPS if path[0] == STREAM_STEPS.part else OFFER_STEPS
    return [((f"{kind.name}_steps", render_path(path)), 0.0, 1.0)] if _is_step_path(path) and path[4] == "up_to" else []


def _shift_opening_balance(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by the opening stock of a metal or offer: both bounds of its first balance row."""
    row = "balance" if path[0] == "metals" else "offer_balance"
    return [((row, str(path[1]), instance.periods[0]), 1.0, 1.0)]


def _shift_demand_rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate the demand by the number of medals, their alloy parts, or their allowance for lost metal.

    Of medals that may be missed, parts and allowance are coefficients of the matrix too, and no right-hand sides; their
    number also limits the medals missed.
    """
    medals = instance.medals
    m = medals.names.index(str(path[1]))
    missable = bool(may_miss(instance)[m])
    if missable and path[2] != "count":
        return []
    count, parts, allowance = float(medals.count[m]), medals.parts.value[m], float(medals.allowance.value[m])
    each: Floats = parts * (1 + allowance)
    if path[2] == "allowance":
        each = parts * count
    elif path[2] == "parts":
        each = np.array([float(name == path[3]) for name in instance.alloys.names]) * count * (1 + allowance)
    late = instance.periods[int(medals.due[m]) :]
    alloys = zip(instance.alloys.names, each.tolist(), strict=True)
    rows = [row for alloy, kg in alloys if kg for t in late for row in compute_demand_shift(alloy, t, kg)]
    return [*rows, ((MISSED_ROW, medals.names[m]), 0.0, 1.0)] if missable else rows


def compute_demand_shift(alloy: str, period: str, kg: float) -> tuple[RowShift, RowShift]:
    """Return the shifts of the demand rows per `kg` more of an alloy due by the end of a period.

    Args:
        alloy: Name of the alloy.
        period: Label of the period.
        kg: Change of the quantity due, kg.

    Returns:
        The shift of the demand row, and of the row of castings in stock.
    """
    return (("demand", alloy, period), kg, kg), ((CAST_STOCK_ROW, alloy, period), -kg, -kg)


def _shift_charge_limit_rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by the greatest charge of a group of offers to an alloy, in one period or in all."""
    if path[4:5] != ("most",):
        return []
    period = path[5] if len(path) > 5 else None
    periods = [instance.periods[period]] if isinstance(period, int) else instance.periods
    return [(("charge_limit", str(path[1]), str(path[3]), t), 0.0, 1.0) for t in periods]


def _shift_participation_rows(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by the participation rate: the offered tonnes of each region."""
    offers = compute_regional_supply(instance)
    return [(("participation", g), t, 0.0) for g, t in zip(instance.regions, offers.tolist(), strict=True)]


def _shift_footprint_cap(instance: Instance, path: ParameterPath) -> Iterable[RowShift]:
    """Differentiate by the footprint cap, kg CO2e per t."""
    return [(("footprint_cap",), 0.0, 1000.0)]


_ROW_SHIFT_RULES: Mapping[tuple[str | int, ...], Callable[[Instance, ParameterPath], Iterable[RowShift]]] = {
    **{("streams", field): _shift_stream_rows for field in ("available", "total", "committed", "storage")},
    **{
        (limit.section, limit.parameter): _make_limit_rule(family, limit)
        for family, limit in list_limits("treatments", "smelters", "alloys", "market")
    },
    **dict.fromkeys((("metals", "opening_stock"), ("market", "opening_stock")), _shift_opening_balance),
    **{(kind.part, "price"): _shift_step_rows for kind in STEP_KINDS},
    **{("medals", field): _shift_demand_rows for field in ("count", "parts", "allowance")},
    ("alloys", "limits"): _shift_charge_limit_rows,
    ("policy", "participation"): _shift_participation_rows,
    ("policy", "footprint_cap"): _shift_footprint_cap,
}
