"""Figures that enter the measure: what one unit more of each adds to the costs of the program's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from medalopt.analysis.variants import Variant
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.needs import process_scrap_rate
from medalopt.instance.paths import Path
from medalopt.instance.pooling import pools
from medalopt.instance.reader.nodes import Mapping as Tree
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.written import Written


class Costed:
    """The columns of `variant`, whose file is `written`, by what they stand for."""

    def __init__(self, variant: Variant, written: Written, measure: str) -> None:
        self._variant, self._written, self._measure = variant, written, measure
        block, found, instance = variant.block, variant.found, variant.instance
        route = block.route
        self._route, self._period = route, block.period
        self._stream, self._treatment, self._smelter = found.stream[route], found.treatment[route], found.smelter[route]
        self._sent_on = found.to_smelter[route]
        self._device, self._region = instance.streams.device[self._stream], instance.streams.region[self._stream]
        self._line = (
            instance.smelters.line[self._smelter, self._device, self._treatment] if route.size else self._smelter
        )
        self._places = {place: variant.linear.network + n for n, place in enumerate(variant.linear.places)}

    def weights(self, path: Path) -> Floats | None:
        """Return what a canonical unit more of the figure at `path` adds to the costs, (N,); None where nothing."""
        rule = _RULES.get(self._measure, {}).get(path[0])
        made = None if rule is None else rule(self, path)
        return made if made is not None and made.any() else None

    def _shipments(self, where: Bools, each: Floats | float = 1.0) -> Floats:
        weights = np.zeros(len(self._variant.linear.lower))
        weights[: len(self._route)] = np.where(where, each, 0.0)
        return weights

    def _behind(self, name: str, first: str, each: float, period: int | None = None) -> Floats:
        """Return `each` for the columns `name` whose index begins with `first`, in one period or in all."""
        weights, periods = np.zeros(len(self._variant.linear.lower)), self._variant.instance.periods
        for (which, index), column in self._places.items():
            if which == name and index[0] == first and period in (None, periods.index(index[-1])):
                weights[column] = each
        return weights

    def stream(self, path: Path) -> Floats | None:
        """`price`, `collection`, and the `cost` of `storage`."""
        number = self._variant.instance.streams.names.index(str(path[1]))
        if path[2:] in (("price",), ("collection",)):
            return self._shipments(self._stream == number)
        if path[2:] != ("storage", "cost"):
            return None
        weights = np.zeros(len(self._variant.linear.lower))
        weights[len(self._route) + np.flatnonzero(self._variant.block.stock_stream == number)] = 1.0
        return weights

    def treatment(self, path: Path) -> Floats | None:
        """`cost`, for all devices but those with their own, or of one device; `residue_value`."""
        names, devices = self._variant.instance.treatments.names, self._variant.instance.devices.names
        here = self._treatment == names.index(str(path[1]))
        if path[2] == "residue_value":
            return self._shipments(here, -(1 - self._sent_on))
        if path[2] == "devices" and path[4:] == ("cost",):
            return self._shipments(here & (self._device == devices.index(str(path[3]))))
        if path[2:] != ("cost",):
            return None
        own = [d for d, name in enumerate(devices) if self._given((*path[:2], "devices", name, "cost"))]
        return self._shipments(here & ~np.isin(self._device, own))

    def smelter(self, path: Path) -> Floats | None:
        """`treatment_charge` and `refining_charge`, of the smelter or of a line of its terms."""
        field = path[4] if path[2] == "terms" and len(path) > 4 else path[2]
        if field == "treatment_charge":
            return self._shipments(self._governed(path, "treatment_charge"), self._sent_on)
        if field != "refining_charge":
            return None
        instance, found = self._variant.instance, self._variant.found
        total = np.zeros(len(self._route))
        for e, metal in enumerate(instance.metals.names):
            in_time = self._period + instance.smelters.lead[self._smelter, e] < len(instance.periods)
            due = self._governed(path, "refining_charge", metal) & in_time
            total += np.where(due, found.returned[self._route, e], 0.0)
        weights = self._shipments(total != 0, total)
        lots, block = pools(instance, found), self._variant.block
        for column, (pool, e) in enumerate(zip(block.withheld_pool, block.withheld_metal, strict=True)):
            due = self._governed(path, "refining_charge", instance.metals.names[e]) & (self._line == lots.line[pool])
            weights[len(block.upper) - len(block.withheld_pool) + column] -= float(due.any())
        return weights

    def _governed(self, path: Path, field: str, metal: str | None = None) -> Bools:
        """Whether the figure at `path` is what counts for each shipment: its line's own, or else the smelter's."""
        instance = self._variant.instance
        result = np.zeros(len(self._route), dtype=bool)
        for number, (line, k) in enumerate(zip(instance.terms.names, instance.terms.smelter.tolist(), strict=True)):
            smelter: Path = ("smelters", instance.smelters.names[k])
            above: tuple[Path, ...] = ((*smelter, "terms", line, field), (*smelter, field))
            first = next((at for one in above[0 if line else 1 :] if (at := self._where(one, metal))), None)
            if first == path:
                result |= (self._smelter == k) & (self._line == number)
        return result

    def _where(self, path: Path, metal: str | None) -> Path | None:
        """Return where the figure for `metal` is written at `path`: of its own, as the default, or for all."""
        node = self._written.at(path)
        if isinstance(node, Tree) and metal is not None:
            return next(((*path, name) for name in (metal, "default") if self._given((*path, name))), None)
        return path if self._given(path) else None

    def _given(self, path: Path) -> bool:
        node = self._written.at(path)
        return isinstance(node, Scalar) and not node.null

    def lane(self, path: Path) -> Floats | None:
        """`cost`, or `distance` at the rate of transport."""
        if path[2:] not in (("cost",), ("distance",)):
            return None
        each = self._sent_on * (self._rate() if path[2] == "distance" else 1.0)
        return self._shipments(self._on_lane(str(path[1])), each)

    def _on_lane(self, name: str) -> Bools:
        regions, smelters = self._variant.instance.regions, self._variant.instance.smelters.names
        region, smelter = self._written.at(("lanes", name, "region")), self._written.at(("lanes", name, "smelter"))
        assert isinstance(region, Scalar) and isinstance(smelter, Scalar), "a lane has both ends"
        return (self._region == regions.index(region.text)) & (self._smelter == smelters.index(smelter.text))

    def _rate(self) -> float:
        return self._figure(("transport_rate",))

    def _figure(self, path: Path) -> float:
        exact = self._written.figure(path)
        return 0.0 if exact is None else float(exact)

    def transport_rate(self, path: Path) -> Floats:
        """The rate, for all lanes that give a distance."""
        total = np.zeros(len(self._route))
        lanes = self._written.at(("lanes",))
        for name in lanes.items if isinstance(lanes, Tree) else ():
            distance = self._figure(("lanes", name, "distance"))
            if distance:
                total += np.where(self._on_lane(name), distance * self._sent_on, 0.0)
        return self._shipments(total != 0, total)

    def metal(self, path: Path) -> Floats | None:
        """`sell` and `holding`."""
        name, period = str(path[1]), _period(path)
        if path[2] == "sell":
            return self._behind("surplus", name, -1.0, period)
        if path[2] != "holding":
            return None
        market, e = self._variant.instance.market, self._variant.instance.metals.names.index(name)
        weights = self._behind("stock", name, 1.0, period)
        for offer, content in zip(market.names, market.composition.value[:, e].tolist(), strict=True):
            weights += self._behind("offer_stock", offer, content, period)
        return weights

    def offer(self, path: Path) -> Floats | None:
        """`price`."""
        return self._bought(str(path[1]), _period(path)) if path[2] == "price" else None

    def _bought(self, offer: str, period: int | None = None) -> Floats:
        """Return 1 for the columns that are purchases of an offer: into stock, or of what is charged at once."""
        into_stock = ("acquire", (offer, self._variant.instance.periods[0])) in self._places
        return self._behind("acquire" if into_stock else "buy", offer, 1.0, period)

    def alloy(self, path: Path) -> Floats | None:
        """`holding`; the `value` of process scrap that is left at the end, or falls too late to be charged again."""
        if path[2] == "holding":
            return self._behind("cast_stock", str(path[1]), 1.0, _period(path))
        if path[2:] != ("scrap", "value"):
            return None
        instance, name = self._variant.instance, str(path[1])
        a, last = instance.alloys.names.index(name), len(instance.periods) - 1
        weights = self._behind("scrap", name, -1.0, last)
        rate = float(process_scrap_rate(instance)[a])
        for t in range(max(0, last + 1 - int(instance.alloys.scrap_lead[a])), last + 1):
            weights += self._behind("cast", name, -rate, t)
        return weights

    def emission(self, path: Path) -> Floats | None:
        """`footprint`, where the footprint is what is made least and no cap holds it too."""
        if path[2:] != ("footprint",) or np.isfinite(self._variant.instance.policy.footprint_cap.value):
            return None
        instance, name = self._variant.instance, str(path[1])
        if path[0] == "streams":
            return self._shipments(self._stream == instance.streams.names.index(name))
        if path[0] == "treatments":
            return self._shipments(self._treatment == instance.treatments.names.index(name))
        if path[0] == "smelters":
            return self._shipments(self._smelter == instance.smelters.names.index(name), self._sent_on)
        if path[0] == "lanes":
            return self._shipments(self._on_lane(name), self._sent_on)
        return self._bought(name)


def _period(path: Path) -> int | None:
    return path[-1] if isinstance(path[-1], int) else None


_Rule = Callable[[Costed, Path], Floats | None]
_COST: Mapping[str | int, _Rule] = {
    "streams": Costed.stream,
    "treatments": Costed.treatment,
    "smelters": Costed.smelter,
    "lanes": Costed.lane,
    "transport_rate": Costed.transport_rate,
    "metals": Costed.metal,
    "market": Costed.offer,
    "alloys": Costed.alloy,
}
_FOOTPRINT: Mapping[str | int, _Rule] = dict.fromkeys(
    ("streams", "treatments", "smelters", "lanes", "market"), Costed.emission
)
_RULES: Mapping[str, Mapping[str | int, _Rule]] = {"cost": _COST, "footprint": _FOOTPRINT}
