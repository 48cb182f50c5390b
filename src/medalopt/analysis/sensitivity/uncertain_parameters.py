"""Uncertain parameters of an instance with their coefficients of variation, and Saltelli samples of them.

A parameter with a coefficient of variation has the distribution of the file with its value as mean; one without is
uniform within ±10 %. Correlated assays of one device are drawn by a Gaussian copula with equal correlation and form one
input. The samples A and B are Latin hypercube samples; a third one is A with one input taken from B.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np

from medalopt.analysis.sampling import SAMPLING_SEED, compute_factors, compute_normal_quantiles, draw_latin_hypercube
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.catalog import PARAMETER_TITLES
from medalopt.instance.arrays import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.reader.yaml_nodes import ScalarNode
from medalopt.instance.scenario import is_firm, list_firm_paths
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import ParameterKind, find_parameter_kind
from medalopt.instance.source_values import SourceValues
from medalopt.instance.uncertainty import SUPPLY, LoadingMatrix, build_loading, list_uncertain_factors
from medalopt.text import ParameterPath, render_path
from medalopt.tolerances import SUM_TOLERANCE

DEFAULT_STEP = 0.1
MAX_SEPARATE_MEMBERS = 12  # streams or lanes varied one by one; more are grouped by device, region or smelter
_VARIED_FIELDS = frozenset((section, field.partition(".")[0]) for section, field in PARAMETER_TITLES)
_NESTED_FIELD_POSITIONS = {
    "devices": 4,
    "terms": 4,
}  # position of the field in paths inside `devices` of a treatment or `terms`
_FIELDS_WITH_CV = {"devices": "content", "treatments": "recovery", "smelters": "returned", "market": "price"}
_SUPPLY_FIELDS = ("available", "total")
_SEPARATE_FIELDS = ("content", "scrap", "storage")


@dataclass(frozen=True)
class _GroupMember:
    """One parameter of a group, with values in canonical units; the entries of a list vary together."""

    path: ParameterPath
    values: tuple[Fraction, ...]
    kind: ParameterKind
    listed: bool
    greatest: float | None = None  # factor up to which the fractions of a treatment sum to at most 100 %

    @property
    def upper_limit(self) -> float | None:
        """Upper limit of the parameter."""
        if self.greatest is not None:
            return float(self.values[0]) * self.greatest
        measure = self.kind.field_type
        return measure.high if isinstance(measure, QuantityField) else None

    def format_value(self, factor: float) -> str:
        """Format the scaled value as it is written in the file."""
        texts = [self._format_scaled(value, factor) for value in self.values]
        return f"[{', '.join(texts)}]" if self.listed else texts[0]

    def _format_scaled(self, value: Fraction, factor: float) -> str:
        """Return the text of one scaled value."""
        measure = self.kind.field_type
        moved = value * Fraction(factor)
        if self.greatest is not None and factor > self.greatest:
            return repr(self.upper_limit)
        if not isinstance(measure, QuantityField):
            return str(round(moved))
        if measure.high is not None and (moved >= measure.high if measure.below else moved > measure.high):
            return repr(float(value)) if measure.below else repr(float(measure.high))
        return repr(float(moved))


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters scaled by one common factor, named by `path`, which may contain `*`, restricted by `of` if given.

    `cv` is their coefficient of variation (relative standard deviation), None if the instance gives none.
    """

    path: ParameterPath
    members: tuple[_GroupMember, ...]
    cv: float | None = None
    of: str = ""

    @property
    def relative_step(self) -> float:
        """Relative step of the variation: the coefficient of variation, or 0.1."""
        return DEFAULT_STEP if self.cv is None else self.cv

    @property
    def parameter_count(self) -> int:
        """Number of parameters in the group: values of all members."""
        return sum(len(member.values) for member in self.members)

    @property
    def _can_have_cv(self) -> bool:
        """Return whether an instance may give a coefficient of variation for this kind of parameter."""
        field = _FIELDS_WITH_CV.get(str(self.path[0]))
        return field is not None and field == self.path[2]

    def make_changes(self, factor: float) -> dict[str, str]:
        """Return the changes that scale the group.

        Args:
            factor: Factor on all values, each capped at its upper limit.

        Returns:
            New text by path.
        """
        return {render_path(member.path): member.format_value(factor) for member in self.members}

    def count_capped(self, factor: float) -> int:
        """Count the parameters that are capped.

        Args:
            factor: Factor on all values.

        Returns:
            Number of values whose scaled value exceeds the upper limit.
        """
        return sum(
            1
            for member in self.members
            for value in member.values
            if member.upper_limit is not None and value * Fraction(factor) > member.upper_limit
        )


def find_parameter_groups(runner: ScenarioRunner) -> tuple[ParameterGroup, ...]:
    """Find all parameter groups that affect the objective or the constraints.

    Compositions, lead times, dates and lots are not varied.

    Returns:
        The groups in the order of the file.
    """
    source_values, annex = runner.source_values, runner.instance.annex
    members = [
        member
        for member in _find_members(runner)  # money only matters for cost
        if runner.objective == "cost" or "money" not in getattr(member.kind.field_type, "unit", "")
    ]
    names = Counter(section for section, _ in {member.path[:2] for member in members if len(member.path) > 1})
    many = {section for section in ("streams", "lanes") if names[section] > MAX_SEPARATE_MEMBERS}
    result: dict[tuple[ParameterPath, str], list[_GroupMember]] = {}
    for member in members:
        for key in _get_group_keys(member.path, source_values, many):
            result.setdefault(key, []).append(member)
    for path, member in _find_defaulted_members(runner):
        result.setdefault((path, ""), [member])
    groups = [ParameterGroup(path, tuple(group), None, of) for (path, of), group in result.items()]
    assigned = tuple(group for factor in groups for group in _assign_cv(factor, source_values, annex))
    return tuple(_drop_firm(assigned, list_firm_paths(runner.instance)))


def _drop_firm(groups: tuple[ParameterGroup, ...], firm: tuple[str, ...]) -> Iterator[ParameterGroup]:
    """Yield the groups without firm members, which a split by metal may have brought in."""
    for group in groups:
        members = tuple(member for member in group.members if not is_firm(member.path, firm))
        if members:
            yield group if len(members) == len(group.members) else replace(group, members=members)


def _find_defaulted_members(runner: ScenarioRunner) -> Iterator[tuple[ParameterPath, _GroupMember]]:
    """Yield recoveries and returns that have a coefficient of variation but only their default value."""
    firm = list_firm_paths(runner.instance)
    for section in ("treatments", "smelters"):
        for name in runner.instance.annex.get(f"{section}_cv", {}):
            path: ParameterPath = (section, name, _FIELDS_WITH_CV[section])
            if runner.source_values.get_node((section, name, "fractions")) is not None:
                continue  # which have recoveries of their own
            kind = find_parameter_kind(path)
            if kind is not None and kind.default and kind.default.raw and not is_firm(path, firm):
                yield path, _GroupMember(path, (kind.default.exact,), kind, False)


def _find_members(runner: ScenarioRunner) -> Iterator[_GroupMember]:
    """Yield every parameter of the varied fields that is not firm, a list as one member."""
    source_values, firm = runner.source_values, list_firm_paths(runner.instance)
    result: dict[ParameterPath, tuple[list[Fraction], ParameterKind, bool]] = {}
    for path, scalar, kind in source_values.iterate_parameters():
        if firm and is_firm(path, firm):
            continue
        if (str(path[0]), _get_field(path)) not in _VARIED_FIELDS or path[-1] in ("lead", "up_to"):
            continue
        listed = isinstance(path[-1], int)
        at = path[:-1] if listed else path
        exact = source_values.convert_exact(path, scalar, kind)
        if exact is not None:
            result.setdefault(at, ([], kind, listed))[0].append(exact)
    for path, (values, kind, listed) in result.items():
        if any(values):
            yield _GroupMember(path, tuple(values), kind, listed, _find_greatest_factor(runner.instance, path))


def _find_greatest_factor(instance: Instance, path: ParameterPath) -> float | None:
    """Find the factor up to which shares or recoveries of fractions may rise together: their sums reach 100 %."""
    treatments = instance.treatments
    if "fractions" not in path or path[0] != "treatments" or path[-1] == "sold":
        return None
    branches = treatments.parent == treatments.names.index(str(path[1]))
    tables = (treatments.recovery, instance.impurities.recovery) if "recovery" in path else (treatments.to_smelter,)
    sums = [np.where(treatments.accepts.T, table.value.T, 0)[..., branches].sum(axis=-1) for table in tables]
    largest = max(float(each.max(initial=0)) for each in sums)
    return (1 - SUM_TOLERANCE) / largest if largest else None


def _get_field(path: ParameterPath) -> str:
    """Return the field name in a path, after the name of the section's member."""
    section = path[0]
    if section in ("exchange", "transport_rate"):
        return ""
    position = 1 if section == "policy" else 2
    if len(path) > position and section in ("treatments", "smelters"):
        position = _NESTED_FIELD_POSITIONS.get(str(path[position]), position)
        if path[position : position + 1] == ("fractions",) and "recovery" in path[position + 2 :]:
            position += 2  # recoveries of fractions vary with that of the treatment
    return str(path[position]) if len(path) > position else ""


def _get_group_keys(
    path: ParameterPath, source_values: SourceValues, many: set[str]
) -> Iterator[tuple[ParameterPath, str]]:
    """Yield the key of each group of a parameter: path with `*`, and restriction to a device, region or smelter."""
    section, field = str(path[0]), _get_field(path)
    if section in many:
        fields = ("device", "region") if section == "streams" else ("smelter",)
        for which in fields:
            node = source_values.find_value((*path[:2], which))
            if isinstance(node, ScalarNode):
                yield (section, "*", *path[2:]), f"{which} {node.text}"
    elif field in _SEPARATE_FIELDS or section in ("metals", "policy"):
        yield path, ""
    elif section in ("treatments", "smelters"):
        yield (section, path[1], field, *(path[-1:] if field == "fractions" else ())), ""
    elif section in ("exchange", "transport_rate"):
        yield path, ""
    else:
        yield (*path[:2], field), ""


def _average_supply_cv(factor: ParameterGroup, given: Mapping[str, Any]) -> float | None:
    """Return the coefficient of variation of streams that vary together, by their supply; None without any."""
    amounts = [float(sum(member.values)) for member in factor.members]
    deviations = [float(given.get(str(member.path[1]), {}).get("cv") or 0.0) for member in factor.members]
    weighted = sum(amount * deviation for amount, deviation in zip(amounts, deviations, strict=True))
    return weighted / sum(amounts) if weighted else None


def _assign_cv(
    factor: ParameterGroup, source_values: SourceValues, annex: Mapping[str, Any]
) -> Iterator[ParameterGroup]:
    """Yield the group with its coefficient of variation, one group per metal if that is given by metal."""
    path = factor.path
    stated_cv = annex.get(f"{path[0]}_cv", {}).get(path[1], {}).get("cv") if factor._can_have_cv else None
    if path[0] == "streams" and path[2] in _SUPPLY_FIELDS:
        stated_cv = _average_supply_cv(factor, annex.get("streams_cv", {}))
    if not isinstance(stated_cv, Mapping):
        yield ParameterGroup(path, factor.members, stated_cv, factor.of)
    elif path[0] == "devices":
        yield ParameterGroup(path, factor.members, stated_cv.get(str(path[3]), stated_cv.get("default")), factor.of)
    else:
        yield from _split_by_metal(factor, source_values, stated_cv)


def _split_by_metal(
    factor: ParameterGroup, source_values: SourceValues, given: Mapping[str, float]
) -> Iterator[ParameterGroup]:
    """Yield one group for each metal."""
    for metal in sorted(str(name) for name in source_values.root.items["metals"].items):  # type: ignore[union-attr]
        cv = given.get(metal, given.get("default"))
        paths = {member.path for member in factor.members}
        tables = {path if path[-1] in ("recovery", "returned") else path[:-1] for path in paths}  # else ends in a metal
        members = tuple(
            one for table in sorted(tables, key=render_path) if (one := _find_metal_member(source_values, table, metal))
        )
        if members:
            yield ParameterGroup((*factor.path, metal), members, cv)


def _find_metal_member(source_values: SourceValues, table: ParameterPath, metal: str) -> _GroupMember | None:
    """Return the entry of one metal in a table, if the file has it."""
    path = (*table, metal)
    kind, node = find_parameter_kind(path), source_values.find_value(path)
    if kind is None or not isinstance(node, ScalarNode):
        return None
    exact = source_values.convert_exact(path, node, kind)
    return _GroupMember(path, (exact,), kind, False) if exact else None


def get_assay_correlation(runner: ScenarioRunner, device: str) -> float:
    """Return the correlation between the assays of a device's metals.

    Args:
        device: Name of the device.

    Returns:
        Correlation coefficient, 0 if the instance gives none.
    """
    return float(runner.instance.annex.get("devices_cv", {}).get(device, {}).get("correlation") or 0.0)


@dataclass(frozen=True)
class UncertainInput:
    """Parameter groups that are drawn jointly with a common `correlation`; a single group has none.

    Supplies have the matrix of `instance.uncertainty` as `loading`; `correlation` is then the greatest of two of them.
    """

    path: ParameterPath
    factors: tuple[ParameterGroup, ...]
    correlation: float = 0.0
    normal: bool = False  # else lognormal
    loading: LoadingMatrix | None = None

    @property
    def variate_count(self) -> int:
        """Number of uniform variates per draw: one per group, and one for the common term if correlated."""
        return self.loading.shape[1] if self.loading else len(self.factors) + bool(self.correlation)

    def _transform_variates(self, evenly: Floats) -> Floats:
        """Transform uniform variates to factors of the groups."""
        z = compute_normal_quantiles(evenly)
        if self.loading:
            z = self.loading.apply(z)
        elif self.correlation:
            z = math.sqrt(self.correlation) * z[:, -1:] + math.sqrt(1 - self.correlation) * z[:, :-1]
        return np.stack(
            [_compute_factors(group, z[:, index], self.normal) for index, group in enumerate(self.factors)], axis=1
        )


def find_uncertain_inputs(runner: ScenarioRunner) -> tuple[UncertainInput, ...]:
    """Find the uncertain inputs.

    Returns:
        All groups with a coefficient of variation, supplies besides; without any, all assays, recoveries, returns and
        offer prices.
    """
    moved = [factor for factor in find_parameter_groups(runner) if factor._can_have_cv]
    groups = [factor for factor in moved if factor.cv]
    supply = _find_supply_inputs(runner)
    result: dict[ParameterPath, list[ParameterGroup]] = {}
    for factor in groups or (() if supply else moved):
        correlated = factor.path[0] == "devices" and get_assay_correlation(runner, str(factor.path[1])) > 0
        result.setdefault(factor.path[:2] if correlated else factor.path, []).append(factor)
    return (*(_make_uncertain_input(runner, path, tuple(group)) for path, group in result.items()), *supply)


def _find_supply_inputs(runner: ScenarioRunner) -> tuple[UncertainInput, ...]:
    """Return the supplies with a coefficient of variation: one input each, or one of all where they are correlated."""
    annex = runner.instance.annex
    factors = tuple(factor for factor in list_uncertain_factors(runner.instance) if factor.kind == SUPPLY)
    if not factors:
        return ()
    offered = {
        str(member.path[1]): member
        for member in _find_members(runner)
        if member.path[0] == "streams" and member.path[2] in _SUPPLY_FIELDS
    }
    factors = tuple(factor for factor in factors if factor.owner in offered)
    groups = [
        ParameterGroup(offered[factor.owner].path, (offered[factor.owner],), factor.deviation) for factor in factors
    ]
    normal, parts = annex.get("distribution") == "normal", annex.get("supply_correlation", {})
    if not parts or len(groups) < 2:
        return tuple(UncertainInput(group.path, (group,), normal=normal) for group in groups)
    loading = build_loading(runner.instance, factors)
    return (UncertainInput(("streams", "*"), tuple(groups), sum(parts.values()), normal, loading),)


def _make_uncertain_input(
    runner: ScenarioRunner, path: ParameterPath, group: tuple[ParameterGroup, ...]
) -> UncertainInput:
    """Return the input of one group, or of correlated groups."""
    normal = runner.instance.annex.get("distribution") == "normal"
    if len(group) == 1:
        return UncertainInput(group[0].path, group, normal=normal)
    return UncertainInput(path, group, get_assay_correlation(runner, str(path[1])), normal)


def _compute_factors(factor: ParameterGroup, z: Floats, normal: bool) -> Floats:
    """Return the factors for standard normal variates: with mean 1 and its cv, or uniform within the step."""
    if factor.cv is None:
        share = np.vectorize(NormalDist().cdf, otypes=[float])(z)
        return 1 + factor.relative_step * (2 * share - 1)
    return compute_factors(z, factor.cv, normal)


@dataclass(frozen=True, eq=False)
class _SaltelliSample:
    """Samples A (`first`) and B (`second`) of `count` rows, and for each input the sample A with that input from B."""

    inputs: tuple[UncertainInput, ...]
    count: int
    first: tuple[Floats, ...]  # per input the factors of its groups, (N, F)
    second: tuple[Floats, ...]

    def iterate_changes(self) -> Iterator[dict[str, str]]:
        """Iterate over the changes of all rows of the design."""
        yield from self.iterate_draws()
        yield from (self._make_row_changes(self.second, row) for row in range(self.count))
        for index in range(len(self.inputs)):
            mixed = (*self.first[:index], self.second[index], *self.first[index + 1 :])
            yield from (self._make_row_changes(mixed, row) for row in range(self.count))

    def _make_row_changes(self, drawn: tuple[Floats, ...], row: int) -> dict[str, str]:
        """Return the changes of one row."""
        result: dict[str, str] = {}
        for uncertain_input, draws in zip(self.inputs, drawn, strict=True):
            for factor, by in zip(uncertain_input.factors, draws[row].tolist(), strict=True):
                result.update(factor.make_changes(by))
        return result

    def iterate_draws(self) -> Iterator[dict[str, str]]:
        """Iterate over the changes of sample A."""
        return (self._make_row_changes(self.first, row) for row in range(self.count))

    @property
    def capped_fraction(self) -> float:
        """Fraction of the draws of sample A that are capped at an upper limit."""
        held = [
            bool(factor.count_capped(by))
            for uncertain_input, draws in zip(self.inputs, self.first, strict=True)
            for factor, column in zip(uncertain_input.factors, draws.T, strict=True)
            for by in column.tolist()
        ]
        return sum(held) / len(held) if held else 0.0


def draw_saltelli_sample(
    uncertain_inputs: tuple[UncertainInput, ...], count: int, seed: int = SAMPLING_SEED
) -> _SaltelliSample:
    """Draw two Latin hypercube samples.

    Args:
        uncertain_inputs: Uncertain inputs.
        count: Rows of each sample.

    Returns:
        Both samples, as factors on the parameters.
    """
    width = sum(uncertain_input.variate_count for uncertain_input in uncertain_inputs)
    random = np.random.Generator(np.random.PCG64(seed))
    evenly = draw_latin_hypercube(random, count, 2 * width)
    edges = np.cumsum([0, *(uncertain_input.variate_count for uncertain_input in uncertain_inputs)])
    pieces = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    first, second = evenly[:, :width], evenly[:, width:]
    return _SaltelliSample(
        uncertain_inputs,
        count,
        tuple(
            uncertain_input._transform_variates(first[:, a:b])
            for uncertain_input, (a, b) in zip(uncertain_inputs, pieces, strict=True)
        ),
        tuple(
            uncertain_input._transform_variates(second[:, a:b])
            for uncertain_input, (a, b) in zip(uncertain_inputs, pieces, strict=True)
        ),
    )
