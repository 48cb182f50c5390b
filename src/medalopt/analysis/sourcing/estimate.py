"""What a figure is worth at the prices of a plan: the measure's slope times the figure, without solving anything.

Where an assay, a recovery or a price rises by one per cent, the measure changes by a hundredth of this at first. It is
an estimate by which figures are chosen that are then moved and solved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from medalopt.analysis.explanation.invoice import Line, invoice
from medalopt.analysis.explanation.near import Near
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import casting_holding
from medalopt.instance.paths import Path, parse, render

_RATES = {
    ("treatments", "cost"): "treating",
    ("treatments", "residue_value"): "residue",
    ("treatments", "to_smelter"): "smelting",
    ("smelters", "treatment_charge"): "smelting",
    ("streams", "price"): "supply",
    ("streams", "collection"): "collection",
    ("lanes", "distance"): "transport",
    ("lanes", "cost"): "transport",
}


class Estimates:
    """The worth of every kind of figure in the plan that `near` stands at; money, of all of it."""

    def __init__(self, near: Near) -> None:
        self._near = near
        self._instance: Instance = near.instance

    def of(self, path: Path, of: str = "") -> float:
        """Return what the figures at `path`, all `of` those it names, are worth; 0 where nothing is known of it."""
        section, field = str(path[0]), _field(path)
        routes = self._chosen(path, of)
        if (section, field) in _RATES:
            return abs(float((getattr(self._near.account.found, _RATES[section, field]) @ self._sent(routes)).sum()))
        makers: Mapping[tuple[str, str], Callable[[], float]] = {
            ("transport_rate", ""): lambda: self._cost("transport"),
            ("devices", "content"): lambda: self._metal(routes, str(path[3])),
            ("treatments", "recovery"): lambda: self._metal(routes, _metal(path)),
            ("smelters", "returned"): lambda: self._metal(routes, _metal(path)),
            ("streams", "credited"): lambda: self._metal(routes, ""),
            ("smelters", "refining_charge"): lambda: self._refining(routes),
            ("market", "price"): lambda: self._bought(str(path[1])),
            ("streams", "storage"): lambda: self._cost("storage"),
            ("metals", "sell"): lambda: self._cost("sales"),
            ("metals", "holding"): lambda: self._cost("holding"),
            ("alloys", "holding"): lambda: self._castings(str(path[1])),
            ("alloys", "scrap"): lambda: self._scrap(str(path[1])),
            ("alloys", "loss"): lambda: self._melted(str(path[1])),
        }
        made = makers.get((section, field))
        return made() if made else self._invoiced(path, of)

    def _cost(self, kind: str) -> float:
        return abs(float(self._near.account.costs[kind].sum()))

    def _sent(self, routes: Bools) -> Floats:
        return np.where(routes[:, None], self._near.account.decisions.sent, 0.0)

    def _chosen(self, path: Path, of: str) -> Bools:
        """Return which routes the figures at `path` concern, (J,)."""
        found, instance, section = self._near.account.found, self._instance, str(path[0])
        kind, _, name = of.partition(" ")
        axes = {
            "devices": (instance.devices.names, instance.streams.device[found.stream]),
            "device": (instance.devices.names, instance.streams.device[found.stream]),
            "region": (instance.regions, instance.streams.region[found.stream]),
            "treatments": (instance.treatments.names, found.treatment),
            "smelters": (instance.smelters.names, found.smelter),
            "smelter": (instance.smelters.names, found.smelter),
            "streams": (instance.streams.names, found.stream),
        }
        names, numbers = axes.get(kind if of else section, ((), found.stream))
        wanted = name if of else str(path[1]) if len(path) > 1 else ""
        if section == "lanes" and not of:
            region, _, smelter = wanted.rpartition("@")
            return self._on(region, axes["region"]) & self._on(smelter, axes["smelter"])
        return self._on(wanted, (names, numbers))

    def _on(self, name: str, axis: tuple[tuple[str, ...], np.ndarray[tuple[int], np.dtype[np.intp]]]) -> Bools:
        names, numbers = axis
        return np.asarray(numbers == names.index(name)) if name in names else np.zeros(len(numbers), dtype=bool)

    @cached_property
    def _worth(self) -> Floats:
        """What the metals are worth that come back by each route, refining paid, (J, E)."""
        found, instance = self._near.account.found, self._instance
        sent, periods = self._near.account.decisions.sent, len(instance.periods)
        worth = np.zeros((len(found), len(instance.metals.names)))
        travels = np.flatnonzero(found.smelter >= 0)
        for e in range(worth.shape[1]):
            back = np.arange(periods)[None, :] + instance.smelters.lead[found.smelter[travels], e][:, None]
            each = -self._near.prices.balance[e][np.minimum(back, periods - 1)]
            net = found.returned[travels, e][:, None] * each - found.refining[travels, e][:, None]
            settled = self._near.account.settled(travels, e) * sent[travels]
            worth[travels, e] = np.where(back < periods, net * settled, 0.0).sum(axis=1)
        return worth

    def _metal(self, routes: Bools, metal: str) -> float:
        names = self._instance.metals.names
        worth = self._worth[routes]
        return abs(float((worth[:, names.index(metal)] if metal in names else worth).sum()))

    def _refining(self, routes: Bools) -> float:
        return abs(float((self._near.account.found.refining * self._sent(routes).sum(axis=1)[:, None]).sum()))

    def _bought(self, offer: str) -> float:
        market, bought = self._instance.market, self._near.account.purchases
        at = market.names.index(offer)
        return float(market.price.value[at] @ bought[at])

    def _castings(self, alloy: str) -> float:
        """Return what castings of an alloy in stock cost."""
        at = self._instance.alloys.names.index(alloy)
        kept = self._near.account.cast_stock[at]
        return abs(float(casting_holding(self._instance)[at] @ kept))

    def _melted(self, alloy: str) -> float:
        """Return what the charge of an alloy costs, times its loss over what is left."""
        loss = float(self._instance.alloys.loss.value[self._instance.alloys.names.index(alloy)])
        return self._owed(alloy) * loss / (1 - loss)

    def _scrap(self, alloy: str) -> float:
        share = float(self._instance.alloys.scrap_share.value[self._instance.alloys.names.index(alloy)])
        return self._owed(alloy) * share / (1 - share)

    def _owed(self, alloy: str) -> float:
        """Return what the last kilograms of an alloy cost, times all that is cast of it."""
        at = self._instance.alloys.names.index(alloy)
        return abs(float(self._near.prices.melt[at] @ self._near.account.cast[at]))

    @cached_property
    def _lines(self) -> tuple[tuple[Path, Line], ...]:
        return tuple((parse(line.path), line) for line in invoice(self._near))

    def _invoiced(self, path: Path, of: str) -> float:
        """Return what stands in the invoice of the plan at `path`: supply, capacities, limits, stock."""
        if of or "*" in path:
            streams, (kind, _, name) = self._instance.streams, of.partition(" ")
            axis = self._instance.devices.names if kind == "device" else self._instance.regions
            member = streams.device if kind == "device" else streams.region
            own = {render(("streams", streams.names[i])) for i in np.flatnonzero(member == _index(axis, name)).tolist()}
            return abs(sum(line.value for at, line in self._lines if render(at[:2]) in own))
        return abs(sum(line.value for at, line in self._lines if at[:2] == path[:2]))


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _field(path: Path) -> str:
    return str(path[2]) if len(path) > 2 else ""


def _metal(path: Path) -> str:
    return str(path[3]) if len(path) > 3 else ""
