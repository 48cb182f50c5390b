"""Binding constraints and their shadow prices, against finite differences: the parameter is moved and solved again."""

from __future__ import annotations

from collections.abc import Iterator

from tests.analysis.nearby import explanations, size
from tests.laws import pool
from tests.laws.figures import changed, plain

from medalopt import Instance, Plan
from medalopt.analysis.explain.shadow_prices import BindingConstraint
from medalopt.text import parse_path

STEP = 1e-6  # of the unit, then ten times more: whichever stays on the same piece


def loosened(instance: Instance, row: BindingConstraint, by: float) -> Instance | None:
    """Return `instance` with the parameter of `row` changed in the given direction; None for a share."""
    section, *rest = parse_path(row.paths[0])
    if row.paths == ("policy.participation",) or section == "policy":
        return _policy(instance, row, by)
    if section == "alloys" and rest[-1] != "capacity":
        return None
    if rest[-1] == "available":
        return _offered(instance, row, by)
    if rest[1:] == ["storage", "limit"]:
        return _moved(instance, "streams", "storage_limit", str(rest[0]), by)
    return _moved(instance, str(section), str(rest[-1]), str(rest[0]), row.step * by)


def _moved(instance: Instance, section: str, figure: str, name: str, by: float) -> Instance:
    table = getattr(instance, section)
    values = getattr(table, figure).value.copy()
    values[table.names.index(name)] += by
    return changed(instance, section, **{figure: plain(values)})


def _offered(instance: Instance, row: BindingConstraint, by: float) -> Instance:
    streams = [instance.streams.names.index(str(parse_path(path)[1])) for path in row.paths]
    values = instance.streams.available.value.copy()
    values[streams] *= 1 + by / values[streams].sum()
    return changed(instance, "streams", available=plain(values))


def _policy(instance: Instance, row: BindingConstraint, by: float) -> Instance | None:
    path = parse_path(row.paths[0])
    policy = instance.policy
    if path[1] == "footprint_cap":
        return changed(instance, "policy", footprint_cap=plain(policy.footprint_cap.value + 1000 * by))
    if path[1] == "participation":
        return changed(instance, "policy", participation=plain(policy.participation.value - 0.01 * by))
    return None


def slopes(plan: Plan, row: BindingConstraint) -> Iterator[float]:
    """Yield the saving per unit, by finite differences with steps of several sizes, until one suits the caller."""
    for step in (1e-2, 1e-3, 1e-4):
        other = loosened(plan.instance, row, step)
        again = None if other is None else pool.solved(other)
        if again is not None:
            yield (plan.objective - again.objective) / step


def test_the_figure_moved_saves_what_is_reported() -> None:
    """On random instances a small step of every kind of binding parameter saves its shadow price."""
    kinds: dict[str, int] = {}
    for found in explanations():
        for row in found.binding:
            kind = ".".join(str(step) for step in (parse_path(row.paths[0])[0], parse_path(row.paths[0])[-1]))
            if kinds.get(kind, 0) >= 3:
                continue
            noise, saved = 1e-8 * size(found.plan) / 1e-2 + 1e-4 * abs(row.saves), list[float]()
            for value in slopes(found.plan, row):
                saved.append(value)
                if abs(value - row.saves) <= noise:
                    break
            if saved:
                assert abs(saved[-1] - row.saves) <= noise, (row, saved)
                kinds[kind] = kinds.get(kind, 0) + 1
    assert {"streams.available", "smelters.capacity", "market.limit", "market.committed"} <= set(kinds)
    assert {"treatments.capacity", "alloys.capacity", "policy.footprint_cap", "streams.committed"} <= set(kinds)


def test_nothing_binds_that_saves_nothing() -> None:
    """Every binding constraint has a positive shadow price, and they are listed by the saving of one per cent."""
    for found in explanations():
        hints = [row.hint for row in found.binding]
        assert all(row.saves > 0 for row in found.binding) and hints == sorted(hints, reverse=True)
