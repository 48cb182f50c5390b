"""Changed device mixes of the supply, and their solves: objective, scarce metals with shadow prices, metal shortage.

The tonnes of each source are kept and their split between device types changes. A source is a bundle of a region, or
all streams of a region outside bundles, and never offers a device type that it does not offer in the instance. A stream
whose supply is firm is a source of its own and keeps its tonnes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.analysis.infeasibility.screening import screen_instance
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import BaseCase, ShortageSolver
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, list_step_prices
from medalopt.instance.scenario import is_firm, list_firm_paths
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult
from medalopt.tolerances import AMOUNT_TOLERANCE


@dataclass(frozen=True, eq=False)
class SupplyMix:
    """Supply of an instance by source; S sources, I streams, T periods, D device types."""

    instance: Instance
    source: Ints  # (I,)
    available: Floats  # (I, T) t
    firm: Bools  # (I,) streams whose supply is firm

    @classmethod
    def from_instance(cls, instance: Instance) -> SupplyMix:
        """Return the supply of an instance.

        Returns:
            Available tonnes with the source of each stream.
        """
        streams = instance.streams
        source = np.where(streams.bundle >= 0, streams.bundle, len(instance.bundles) + streams.region)
        paths = list_firm_paths(instance)
        held = [
            any(is_firm(("streams", name, field), paths) for field in ("available", "total")) for name in streams.names
        ]
        firm = np.array(held, dtype=np.bool_)
        source[firm] = len(instance.bundles) + len(instance.regions) + np.arange(int(firm.sum()))
        return cls(instance, source, streams.available.value, firm)

    def by_source(self, tonnes: Floats) -> Floats:
        """Sum tonnes by source.

        Args:
            tonnes (I, T): Tonnes by stream and period.

        Returns:
            (S, T): tonnes by source and period.
        """
        sums = np.zeros((self._source_count, tonnes.shape[1]))
        np.add.at(sums, self.source, tonnes)
        return sums

    @property
    def _source_count(self) -> int:
        """Number of sources."""
        return len(self.instance.bundles) + len(self.instance.regions) + int(self.firm.sum())

    def compute_shares(self, instance: Instance | None = None) -> Floats:
        """Compute the share of each device type in all tonnes offered.

        Args:
            instance: Instance derived from this one; None for this one.

        Returns:
            (D,): shares, which sum to 1.
        """
        available = self.available if instance is None else instance.streams.available.value
        sums = np.bincount(
            self.instance.streams.device, available.sum(axis=1), minlength=len(self.instance.devices.names)
        )
        return np.asarray(sums / max(float(available.sum()), np.finfo(float).tiny))

    def _replace_supply(self, available: Floats) -> Instance:
        """Return the instance with other available tonnes."""
        available = np.where(self.firm[:, None], self.available, available)
        array = ExactArray(available, np.zeros((1, 1), dtype=np.intp))
        return dataclasses.replace(self.instance, streams=dataclasses.replace(self.instance.streams, available=array))

    def _mark_device(self, device: int) -> Bools:
        """Return the streams (I,) of a device type."""
        return np.asarray(self.instance.streams.device == device)

    def compute_max_factors(self, device: int) -> tuple[float, float]:
        """Compute the largest factors on the share of a device type.

        Sources that offer this type alone cannot change and are left out.

        Returns:
            The factor at which the first, and the last, source consists of this type alone; (inf, inf) if none can
            change.
        """
        supply = self.by_source(np.where(self._mark_device(device)[:, None], self.available, 0.0))
        whole = self.by_source(self.available)
        moves = (supply > 0) & (supply < whole)
        if not moves.any():
            return np.inf, np.inf
        times = whole[moves] / supply[moves]
        return float(times.min()), float(times.max())

    def scale_share(self, device: int, times: float) -> Instance:
        """Scale the share of a device type in each source; the other types change in proportion.

        The share is capped at the whole source; sources that offer this type alone are kept.

        Args:
            times: Factor on its share.

        Returns:
            The changed instance.
        """
        mine = self._mark_device(device)[:, None]
        supply, whole = self.by_source(np.where(mine, self.available, 0.0)), self.by_source(self.available)
        rest = whole - supply
        target = np.where(supply * times < whole * (1 - AMOUNT_TOLERANCE), supply * times, whole)
        target = np.where(rest > 0, target, supply)
        more = np.divide(target, supply, out=np.ones_like(supply), where=supply > 0)
        less = np.divide(whole - target, rest, out=np.ones_like(supply), where=rest > 0)
        return self._replace_supply(self.available * np.where(mine, more[self.source], less[self.source]))

    def split_joint_supply(self, parts: Mapping[int, float]) -> Instance:
        """Split the joint tonnes of some device types in each source in given parts.

        A source without all of them splits in proportion to the parts of those it has; if these are all 0 it is kept.

        Args:
            parts: Part of each device type, by index.

        Returns:
            The changed instance.
        """
        weight = np.zeros(len(self.instance.devices.names))
        weight[list(parts)] = list(parts.values())
        supply = self._select_supply(parts)
        weighed = np.where(supply > 0, weight[self.instance.streams.device][:, None] * self._compute_portions(), 0.0)
        before, after = self.by_source(supply), self.by_source(weighed)
        factor = np.divide(before, after, out=np.zeros_like(after), where=after > 0)
        moved = np.where((after > 0)[self.source], weighed * factor[self.source], supply)
        return self._replace_supply(self.available - supply + moved)

    def sum_joint_supply(self, devices: Collection[int]) -> Floats:
        """Sum the tonnes of device types in the sources that offer at least two of them.

        Args:
            devices: Indices of the device types.

        Returns:
            (len(devices),): tonnes of each type.
        """
        supply = self._select_supply(devices)
        kinds = sum(
            (self.by_source(np.where(self._mark_device(device)[:, None], supply, 0.0)) > 0).astype(int)
            for device in devices
        )
        shared = np.where((np.asarray(kinds) > 1)[self.source], supply, 0.0)
        return np.array([shared[self._mark_device(device)].sum() for device in devices])

    def _select_supply(self, devices: Collection[int]) -> Floats:
        """Return the available tonnes (I, T) of some device types, 0 for all others."""
        chosen = np.isin(self.instance.streams.device, list(devices))
        return np.where(chosen[:, None], self.available, 0.0)

    def apply_named_mix(self, shares: Mapping[str, float], bundle: str | None = None) -> Instance:
        """Apply a named mix of the file.

        Without `bundle` each type comes from its present sources in proportion. With `bundle` the mix applies to that
        bundle in each region and period. Shares that sum to less than 1 reduce the supply.

        Args:
            bundle: Name of a bundle; None for all supply.

        Returns:
            The changed instance.
        """
        devices = self.instance.devices.names
        share = np.array([shares.get(name, 0.0) for name in devices])[self.instance.streams.device][:, None]
        if bundle is None:
            present = self.compute_shares()[self.instance.streams.device][:, None]
            return self._replace_supply(
                self.available * np.divide(share, present, out=np.zeros_like(share), where=present > 0)
            )
        inside = np.array([number for number, (_, name) in enumerate(self.instance.bundles) if name == bundle])
        tonnes = self.by_source(self.available)[self.source] * share * self._compute_portions()
        return self._replace_supply(np.where(np.isin(self.source, inside)[:, None], tonnes, self.available))

    def _compute_portions(self) -> Floats:
        """Return each stream's fraction (I, T) of its device type within its source; equal parts if that is 0."""
        devices = len(self.instance.devices.names)
        kind = self.source * devices + self.instance.streams.device
        supply = np.zeros((self._source_count * devices, self.available.shape[1]))
        np.add.at(supply, kind, self.available)
        equal = 1 / np.bincount(kind)[kind][:, None]
        return np.divide(self.available, supply[kind], out=equal + 0 * self.available, where=supply[kind] > 0)


SCARCITY_FACTOR = 1 + 1e-6  # multiple of the offer or sale price above which a metal is scarce

MetalAmounts = Mapping[str, float]  # by metal


@dataclass(frozen=True)
class MixResult:
    """Result of one device mix: `value` of the objective, None if infeasible.

    `scarce`: shadow price per kilogram of each scarce metal. `shortage`: missing kilograms by metal if infeasible; None
    if
    no metal restores feasibility, and `reason` then gives the reason found by screening.
    """

    shares: tuple[float, ...]  # (D,) of all tonnes offered
    tonnes: float
    value: float | None
    scarce: MetalAmounts
    shortage: MetalAmounts | None
    reason: str = ""

    @property
    def total_shortage(self) -> float:
        """Sum of the missing metal over all metals, kg."""
        return sum((self.shortage or {}).values())


class MixSolver:
    """Solves device mixes of one instance with warm-started programs.

    Args:
        runner: Scenarios of the instance.
    """

    def __init__(self, runner: ScenarioRunner) -> None:
        self.runner, self._case = runner, BaseCase(runner)
        self.in_lots = self._case.in_lots
        self.offer = SupplyMix.from_instance(self._case.scenario.instance)

    @cached_property
    def base(self) -> MixResult:
        """Result of the instance as it is, solved once."""
        return self.solve_mix(self._case.scenario)

    def build_scenario(self, instance: Instance) -> ScenarioProgram:
        """Build the program of an instance with a changed mix.

        Args:
            instance: Changed instance.

        Returns:
            The scenario with its program.
        """
        return ScenarioProgram.build(instance, self.runner.objective)

    def solve_mix(self, scenario: ScenarioProgram, short: bool = True) -> MixResult:
        """Solve one mix.

        Args:
            scenario: Scenario with the changed mix.
            short: Determine the metal shortage if infeasible.

        Returns:
            Objective, scarce metals, and shortage.
        """
        result = self._case.solve(scenario)
        shares = tuple(self.offer.compute_shares(scenario.instance).tolist())
        tonnes = float(scenario.instance.streams.available.value.sum())
        if result.feasible:
            return MixResult(shares, tonnes, result.value, self._price_scarce_metals(scenario.program, result), {})
        lack = self.shortage_solver.compute_for_instance(scenario.instance) if short else None
        if self.in_lots and lack == {}:
            return MixResult(shares, tonnes, None, {}, None, "enough metal, but no plan in lots")
        reasons = screen_instance(scenario.instance) if short and lack is None else ()
        return MixResult(shares, tonnes, None, {}, lack, reasons[0].text if reasons else "")

    def _price_scarce_metals(self, program: SolverProgram, result: VerifiedResult) -> MetalAmounts:
        """Return the shadow price of each scarce metal, in the period of its charges where it is highest."""
        columns = enumerate(program.places, start=program.network)
        charged = {index[1:] for column, (name, index) in columns if name == "charge" and result.x[column] > 0}
        prices: dict[str, float] = {}
        for row, (family, index) in enumerate(program.rows):
            if family == "balance" and index in charged:
                prices[index[0]] = max(prices.get(index[0], 0.0), -float(result.y[row]))
        return {
            metal: saves
            for metal, saves in prices.items()
            if saves > SCARCITY_FACTOR * self._external_prices[metal] + 1e-9
        }

    @cached_property
    def _external_prices(self) -> dict[str, float]:
        """Price of a kilogram of each metal apart from the plan: the larger of offer price and sale price."""
        instance = self.runner.instance
        names, content = instance.metals.names, instance.market.composition.value
        if self.runner.objective != "cost":
            return dict.fromkeys(names, 0.0)
        price = np.broadcast_to(np.maximum(list_step_prices(instance, OFFER_STEPS)[1], 0)[:, None], content.shape)
        lowest = np.divide(price, content, out=np.zeros_like(content), where=content > 0)
        lowest = np.where(content > 0, lowest, np.inf).min(axis=0, initial=np.inf)
        sold = instance.metals.sell.value.max(axis=1)
        if leaves_metal(instance):
            lost = compute_worth_left(instance).max(axis=(0, 2), initial=0.0)
            sold = np.where(instance.metals.surplus_to_smelter, lost, sold)
        known = np.where(np.isfinite(lowest), np.maximum(lowest, sold), sold)
        return dict(zip(names, known.tolist(), strict=True))

    @cached_property
    def shortage_solver(self) -> ShortageSolver:
        """Solver of metal shortages."""
        return ShortageSolver(self.runner.instance)
