"""Warnings of values that differ from others of their kind by orders of magnitude, and of implausible bare numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.reader.files import MAX_LISTED
from medalopt.instance.reader.yaml_nodes import ScalarNode, find_node
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.streams import LaneRows, StreamRows
from medalopt.text import ParameterPath, escape_text, render_path
from medalopt.units import Quantity

_OUTLIER_FACTOR = 1000.0
_PRICE_OUTLIER_FACTOR = 100.0  # for prices of one metal, which vary less
_SMALL_SHARE = 0.02  # credited share below which an erroneous % sign is likely
_VALUES_PER_OUTLIER = 10  # values of a kind per outlier allowed
_HEAVY_MEDAL_KG, _HEAVY_PIECE_KG, _RICH_GRADE_KG_T = 10, 100, 20
_PRECIOUS_METALS = frozenset({"Ag", "Au", "Ir", "Os", "Pd", "Pt", "Rh", "Ru"})

PathBuilder = Callable[[int], ParameterPath]


class Outlier(NamedTuple):
    """A value far from others of its kind.

    Attributes:
        place: Index of the value.
        times: Ratio between the value and the nearest other value, above 1.
        above: True if the value is the larger one.
        nearest: Index of the nearest other value.
    """

    place: int
    times: float
    above: bool
    nearest: int


def find_outliers(values: ArrayLike, *, low: bool, far: float = _OUTLIER_FACTOR) -> list[Outlier]:
    """Find the few values that differ from all others of a kind by a large factor.

    Args:
        values: Values (N,); signs, zeros and infinities are ignored.
        low: Search small values too; False searches only a single large value.
        far: Minimal ratio.

    Returns:
        The outliers on one side of the largest gap that has few of them.
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    order = np.flatnonzero((size > 0) & np.isfinite(size))
    if len(order) < 2 or size[order].max() < far * size[order].min():
        return []
    order = order[np.argsort(size[order], kind="stable")]
    ratio = size[order[1:]] / size[order[:-1]]
    few = max(len(order) // _VALUES_PER_OUTLIER, 1) if low else 1
    for gap in np.flatnonzero(ratio >= far)[::-1].tolist():
        below, above, times = order[: gap + 1], order[gap + 1 :], float(ratio[gap])
        if len(above) <= few:
            return [Outlier(int(one), times, True, int(below[-1])) for one in above[::-1]]
        if low and len(below) <= few:
            return [Outlier(int(one), times, False, int(above[0])) for one in below]
    return []


def warn_of_outliers(draft: Draft, instance: Instance, supply: StreamRows, lanes: LaneRows | None) -> None:
    """Warn of outliers, and of bare numbers in an unlikely unit.

    Args:
        draft: Parsed instance, for the log.
        instance: Assembled instance.
        supply: Parsed streams.
        lanes: Parsed lanes; None without the section.
    """
    _warn_of_grades(draft, instance)
    _warn_of_charges(draft, instance)
    _warn_of_periods(draft, instance)
    _warn_of_prices(draft, instance)
    costs = np.abs(instance.treatments.cost.value).max(axis=(1, 2), initial=0.0)
    _warn_of_group(draft, costs, _build_member_path("treatments", instance.treatments.names, "cost"))
    masses = instance.medals.parts.value.sum(axis=1)
    _warn_of_group(draft, masses, _build_member_path("medals", instance.medals.names, "parts"))
    _warn_of_streams(draft, instance, supply)
    _warn_of_small_shares(draft, supply)
    _warn_of_lanes(draft, instance, lanes)
    _warn_of_bare_numbers(draft)


def _warn_of_group(draft: Draft, values: ArrayLike, path: PathBuilder, *, low: bool = True, name: bool = False) -> None:
    """Warn of outliers among `values`; `name` adds the path of the nearest value."""
    for outlier in find_outliers(values, low=low)[:MAX_LISTED]:
        nearest = render_path(path(outlier.nearest)) if name else ""
        draft.add_warning(path(outlier.place), _describe_outlier(outlier, nearest), key=False, kind=FaultKind.OUTLIER)


def _describe_outlier(outlier: Outlier, nearest: str) -> str:
    """Describe an outlier."""
    times, of = f"{outlier.times:_.0f}", f"`{nearest}`" if nearest else "the nearest of its kind"
    text = f"this value is {times} times {of}" if outlier.above else f"{of} is {times} times this value"
    return f"{text}; check its unit"


def _build_member_path(section: str, names: Sequence[str], *field: str) -> PathBuilder:
    """Return the path of a field of a member as a function of its index."""
    return lambda index: (section, names[index], *field)


def _warn_of_grades(draft: Draft, instance: Instance) -> None:
    """Warn of outliers among the grades of each metal."""
    names, grades = instance.devices.names, instance.devices.assay.value
    for e, metal in enumerate(instance.metals.names):
        _warn_of_group(draft, grades[:, e], _build_member_path("devices", names, "content", metal), low=False)


def _warn_of_charges(draft: Draft, instance: Instance) -> None:
    """Warn of outliers among treatment and refining charges."""
    terms, smelters = instance.terms, instance.smelters.names

    def path(*field: str) -> PathBuilder:
        """Return a function that locates a field of a line of terms."""

        def at(line: int) -> ParameterPath:
            """Return the path of the field: of the line if it has its own, else of the smelter."""
            own: ParameterPath = ("smelters", smelters[int(terms.smelter[line])], "terms", terms.names[line], *field)
            return own if find_node(draft.root, own) is not None else (*own[:2], *field)

        return at

    def first(values: Floats) -> Floats:
        """Keep one value per smelter and magnitude, so that a value common to several lines is reported once."""
        _, index = np.unique(np.column_stack([terms.smelter, np.abs(values)]), axis=0, return_index=True)
        kept = np.zeros(len(values))
        kept[index] = values[index]
        return kept

    _warn_of_group(draft, first(_find_largest(terms.treatment_charge.value)), path("treatment_charge"))
    for e, metal in enumerate(instance.metals.names):
        charges = first(_find_largest(terms.refining_charge.value[:, e]))
        _warn_of_group(draft, charges, path("refining_charge", metal))


def _find_largest(values: Floats) -> Floats:
    """Return the value of the period in which each of (N, 1 or T) is largest in magnitude."""
    return np.asarray(np.take_along_axis(values, np.abs(values).argmax(axis=1)[:, None], axis=1)[:, 0])


def _warn_of_periods(draft: Draft, instance: Instance) -> None:
    """Warn of periods whose value is an outlier among the periods."""
    lists: list[tuple[str, str, Sequence[str], Floats, bool, float]] = [
        ("metals", "sell", instance.metals.names, instance.metals.sell.value, True, _PRICE_OUTLIER_FACTOR),
        ("metals", "holding", instance.metals.names, instance.metals.holding.value, True, _OUTLIER_FACTOR),
        ("market", "price", instance.market.names, instance.market.price.value, True, _PRICE_OUTLIER_FACTOR),
        ("smelters", "capacity", instance.smelters.names, instance.smelters.capacity.value, False, _OUTLIER_FACTOR),
        (
            "treatments",
            "capacity",
            instance.treatments.names,
            instance.treatments.capacity.value,
            False,
            _OUTLIER_FACTOR,
        ),
    ]
    for section, field, names, values, low, far in lists:
        for index in np.flatnonzero((values != values[:, :1]).any(axis=1)).tolist() if values.size else ():
            for outlier in find_outliers(values[index], low=low, far=far)[:MAX_LISTED]:
                draft.add_warning(
                    (section, names[index], field, outlier.place),
                    _describe_outlier(outlier, ""),
                    key=False,
                    kind=FaultKind.OUTLIER,
                )


def _warn_of_prices(draft: Draft, instance: Instance) -> None:
    """Warn of outliers among the prices of offers of mostly one metal and its sales price."""
    market, metals = instance.market, instance.metals
    prices = np.abs(market.price.value).max(axis=1, initial=0.0)
    sells = np.abs(metals.sell.value).max(axis=1, initial=0.0)
    main = market.composition.value.argmax(axis=1) if market.composition.raw.size else np.zeros(0, dtype=np.intp)
    for e in np.unique(main).tolist():
        offers = np.flatnonzero(main == e).tolist()
        paths: list[ParameterPath] = [("market", market.names[o], "price") for o in offers]
        pure = np.where(market.composition.value[offers, e] > 1 / 2, prices[offers], 0)
        outliers = find_outliers(pure, low=True, far=_PRICE_OUTLIER_FACTOR)[:MAX_LISTED]
        for outlier in outliers:
            draft.add_warning(
                paths[outlier.place],
                _describe_outlier(outlier, render_path(paths[outlier.nearest])),
                key=False,
                kind=FaultKind.OUTLIER,
            )
        prices[[offers[outlier.place] for outlier in outliers]] = 0
        paths.append(("metals", metals.names[e], "sell"))
        _warn_of_group(draft, [*prices[offers], sells[e]], paths.__getitem__, name=True)


def _warn_of_streams(draft: Draft, instance: Instance, supply: StreamRows) -> None:
    """Warn of outliers among supply, price, collection and storage cost of streams."""
    streams = instance.streams
    columns = {
        ("available",): (streams.available.value.max(axis=1, initial=0.0), False),
        ("collection",): (_find_largest(streams.collection.value), True),
        ("price",): (_find_largest(streams.price.value), True),
        ("storage", "cost"): (streams.storage_cost.value, True),
    }
    for field, (values, low) in columns.items():
        for outlier in find_outliers(values, low=low)[:MAX_LISTED]:
            supply.add_warning(outlier.place, field, _describe_outlier(outlier, ""), FaultKind.OUTLIER)


def _warn_of_small_shares(draft: Draft, supply: StreamRows) -> None:
    """Warn of streams with a very small credited share (the default is 100 %)."""
    first = supply.groups.first.tolist()
    for key, column in ((key, read) for key, read in supply.read.items() if key[0] == "credited"):
        share = column.raw * np.array([float(factor) for factor in column.factors])[column.unit]
        for at in np.flatnonzero(column.filled & (share > 0) & (share < _SMALL_SHARE))[:MAX_LISTED].tolist():
            text = f"only {share[at] * 100:.4g} % of the metal is credited to the project; for a share such as 0.95"
            supply.named.add_warning(first[at], key, f"{text} write `0.95` or `95 %`", FaultKind.UNIT_MISSING)


def _warn_of_lanes(draft: Draft, instance: Instance, lanes: LaneRows | None) -> None:
    """Warn of outliers among transport costs, and of single lanes without cost and distance."""
    if lanes is None:
        return
    sheet, cost, distance = lanes.named.sheet, lanes.read[("cost",)], lanes.read[("distance",)]
    place = {name: number for number, name in enumerate(instance.regions)}
    smelter = {name: number for number, name in enumerate(instance.smelters.names)}
    g = np.array([place[name or ""] for name in sheet.get_column(("region",))], dtype=np.intp)
    k = np.array([smelter[name or ""] for name in sheet.get_column(("smelter",))], dtype=np.intp)
    for outlier in find_outliers(instance.lanes.cost.value[g, k], low=True)[:MAX_LISTED]:
        field = "distance" if distance.filled[outlier.place] else "cost"
        lanes.named.add_warning(outlier.place, (field,), _describe_outlier(outlier, ""), FaultKind.OUTLIER)
    stated = cost.filled | distance.filled
    if stated.any():
        for row in np.flatnonzero(~stated)[:MAX_LISTED].tolist():
            text = "this lane has neither `distance` nor `cost`, so it is free, unlike others; write `cost: 0`"
            lanes.named.add_warning(row, (), f"{text} if that is intended", FaultKind.FREE_LANE)


def _warn_of_bare_numbers(draft: Draft) -> None:
    """Warn of bare numbers that are more likely in another unit, unless there is a warning already."""
    reported = {fault.path for fault in draft.faults.warnings}

    def check(path: ParameterPath, quantity: Quantity, maximum: int, what: str, unit: str, example: str) -> None:
        """Warn of a bare number unless its path is reported already."""
        if render_path(path) not in reported:
            _warn_of_bare_number(draft, path, quantity, maximum, what, unit, example)

    for name, medal in draft.document.medals.items():
        for alloy, mass in medal.parts.items():
            check(("medals", name, "parts", alloy), mass, _HEAVY_MEDAL_KG, "kg in one medal", "kg", "500 g")
    for name, device in draft.document.devices.items():
        if device.unit_mass is not None:
            check(("devices", name, "unit_mass"), device.unit_mass, _HEAVY_PIECE_KG, "kg", "kg", "150 g")
        for metal, grade in device.content.items():
            if metal in _PRECIOUS_METALS:
                what = f"kg of `{metal}` in a tonne"
                check(("devices", name, "content", metal), grade, _RICH_GRADE_KG_T, what, "kg/t", "350 g/t")


def _warn_of_bare_number(
    draft: Draft, path: ParameterPath, quantity: Quantity, maximum: int, what: str, unit: str, example: str
) -> None:
    """Warn of a bare number above `maximum`."""
    node = find_node(draft.root, path)
    if isinstance(node, ScalarNode) and isinstance(node.value, (int, float)) and quantity.exact > maximum:
        text = f"{escape_text(node.text)} {what}: a number without unit is in {unit}"
        draft.add_warning(
            path,
            f"{text}; write its unit, such as `{example}`, or `{escape_text(node.text)} {unit}`",
            key=False,
            kind=FaultKind.UNIT_MISSING,
        )
