"""Each family's rows on a small instance, as text that was read by hand; and that no component goes without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pyomo.core as pyo
import pytest
from tests.model import golden
from tests.model.cases import ROOT, at_random, conforming

import medalopt
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.smelter_terms import list_terms_names
from medalopt.model.build import OBJECTIVES, attach_network, build_master
from medalopt.model.network import build_network

COVERED = {name for names in golden.FAMILIES.values() for name in names}


def components(heading: str) -> dict[str, list[str]]:
    """Return the components in the table of models/sourcing.md below `heading`, each with its index letters."""
    page = (ROOT / "models" / "sourcing.md").read_text(encoding="utf-8")
    cells = [line.split("|")[2] for line in page[page.index(heading) :].split("\n\n")[1].splitlines()]
    found = [match for cell in cells for match in re.findall(r"`([a-z_]+)(?:\[([a-z,]+)\])?`", cell)]
    return {name: letters.split(",") if letters else [] for name, letters in found}


def instances() -> Iterator[Instance]:
    """Yield tiny, the instances of the golden files, the conformance instances and fifty random ones."""
    yield medalopt.load(ROOT / "instances" / "tiny.yaml")
    yield from (medalopt.load(golden.FOLDER / f"{family}.yaml") for family in golden.FAMILIES)
    yield from conforming().values()
    yield from map(at_random, range(50))


@cache
def built_models() -> list[tuple[Instance, pyo.ConcreteModel]]:
    """Return every instance with its model."""
    return [(instance, medalopt.build(instance)) for instance in instances()]


@pytest.mark.parametrize(("family", "name"), [(f, name) for f, names in golden.FAMILIES.items() for name in names])
def test_rows_are_as_they_were_read(family: str, name: str) -> None:
    """The rows of the component, coefficient by coefficient, with the bounds of their columns."""
    path = golden.FOLDER / f"{family}.{name}.lp"
    assert golden.rows_of(family, name) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("measure", OBJECTIVES)
def test_objectives_are_as_they_were_read(measure: str) -> None:
    """Every non-zero term of each objective equals its golden file."""
    assert golden.objective(measure) == (golden.FOLDER / f"objective.{measure}.lp").read_text(encoding="utf-8")


def test_every_component_has_a_golden_file() -> None:
    """All components in the page, and all that `build` creates, have a golden file, and no file is superfluous."""
    models = [model for _, model in built_models()]
    promised = medalopt.load(golden.FOLDER / "confidence.yaml")
    routes = golden.build_cut_routes(promised)
    models.append(build_master(promised, routes))
    attach_network(models[-1], promised, routes, build_network(promised, routes))
    built = {part.local_name for model in models for part in model.component_objects(pyo.Constraint)}
    assert set(components("### Constraints")) == built == COVERED
    assert {path.name for path in golden.FOLDER.glob("*.lp")} == {path.name for path in golden.expected()}
    assert {path.stem for path in golden.FOLDER.glob("*.yaml")} == {*golden.FAMILIES, "objective"}


def test_every_golden_file_has_rows() -> None:
    """Every golden file has rows of its component."""
    for family, names in golden.FAMILIES.items():
        for name in names:
            text = (golden.FOLDER / f"{family}.{name}.lp").read_text(encoding="utf-8")
            assert re.search(rf"^ {name}[(:]", text, re.MULTILINE)


LETTERS = {  # what stands at a letter of an index
    "i": lambda instance: instance.streams.names,
    "h": lambda instance: instance.treatments.names,
    "k": lambda instance: instance.smelters.names,
    "t": lambda instance: instance.periods,
    "g": lambda instance: instance.regions,
    "b": lambda instance: [bundle for _, bundle in instance.bundles],
    "d": lambda instance: instance.devices.names,
    "e": lambda instance: instance.metals.names,
    "o": lambda instance: instance.market.names,
    "a": lambda instance: instance.alloys.names,
    "w": lambda instance: instance.policy.windows,
    "m": lambda instance: instance.medals.names,
    "l": list_terms_names,
    "x": lambda instance: instance.impurities.names,
    "q": lambda instance: instance.charge_limits.names,
    "u": lambda instance: [name for kind in STEP_KINDS for name in kind.list_steps(instance)],
    "n": lambda _: [str(number) for number in range(1000)],
}


@pytest.mark.parametrize(("heading", "kind"), [("### Variables", pyo.Var), ("### Constraints", pyo.Constraint)])
def test_components_have_the_names_and_indices_of_the_page(heading: str, kind: type) -> None:
    """Every variable and constraint of `build` is in the table with its index letters."""
    table = components(heading)
    for instance, model in built_models():
        for part in model.component_objects(kind):
            letters = table[part.local_name]
            for index in part if part.is_indexed() else []:
                names = index if isinstance(index, tuple) else (index,)
                assert len(names) == len(letters)
                assert all(name in LETTERS[letter](instance) for name, letter in zip(names, letters, strict=True))
            assert part.is_indexed() == bool(letters)


def test_every_component_says_what_it_is() -> None:
    """All components have a `doc`; that of a constraint states the meaning of its dual value."""
    for _, model in built_models():
        for part in model.component_objects((pyo.Var, pyo.Constraint, pyo.Expression, pyo.Objective)):
            assert part.doc, part.local_name
        for part in model.component_objects(pyo.Constraint):
            assert "dual: " in part.doc, part.local_name


def test_named_expressions_are_those_of_the_page() -> None:
    """The page names the expressions that a user's own constraint may be written on."""
    page = (ROOT / "models" / "sourcing.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("Named expressions:"))
    named = set(re.findall(r"`([a-z_]{4,})[`\[]", line))
    for _, model in built_models():
        assert {part.local_name for part in model.component_objects(pyo.Expression)} == named
