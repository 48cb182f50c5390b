"""Random damage to a good file ends in an instance or in InputError, never otherwise."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.instance.hostile import GOOD, STREAMS, line

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render

PAGE = (Path(__file__).parents[1] / "conformance" / "page.yaml").read_text(encoding="utf-8")
TREES = [yaml.load(text, yaml.BaseLoader) for text in (GOOD, PAGE)]
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.sampled_from(
    [None, True, 0, -1, 1e308, 5e-324, [], {}, [[]], [None], {"": ""}, "", " ", "~", "5 t", "5 %", "-5 JPY/t",
     "1e9", "default", "source", "note", "5 unit", "phone", "Ag", "kosaka", "2017-05", "9" * 50, "\u202e", "=1",
     {"table": "x"}]
)  # fmt: skip


def outcome(path: Path) -> Instance | None:
    """Return the instance at `path`, None where it is refused in plain words."""
    try:
        return load(path)
    except InputError as error:
        assert error.faults and all(str(fault).isprintable() and fault.message for fault in error.faults)
        return None


@MANY
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD.encode()) - 1), st.binary(max_size=3), st.integers(0, 4)), max_size=4)
)
def test_damaged_bytes(tmp_path: Path, damage: list[tuple[int, bytes, int]]) -> None:
    """Bytes cut out and put in anywhere in the file."""
    content = GOOD.encode()
    for at, new, cut in damage:
        content = content[:at] + new + content[at + cut :]
    (tmp_path / "case.yaml").write_bytes(content)
    outcome(tmp_path / "case.yaml")


@MANY
@given(st.lists(st.tuples(st.integers(0, len(STREAMS) - 1), st.text(max_size=3), st.integers(0, 4)), max_size=4))
def test_damaged_table(tmp_path: Path, damage: list[tuple[int, str, int]]) -> None:
    """Characters cut out and put in anywhere in a table."""
    content = STREAMS
    for at, new, cut in damage:
        content = content[:at] + new + content[at + cut :]
    path = line("streams", "streams: {table: rows.csv}")(tmp_path)
    (tmp_path / "rows.csv").write_text(content, encoding="utf-8", errors="replace", newline="")
    outcome(path)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below `node`."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for name, item in items for found in [(*path, name), *places(item, (*path, name))]]


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put `value` where `path` leads, if it still leads anywhere."""
    above = part(tree, path[:-1])
    if isinstance(above, dict) or (isinstance(above, list) and isinstance(path[-1], int) and path[-1] < len(above)):
        above[path[-1]] = value


@MANY
@given(st.data())
def test_damaged_structure(tmp_path: Path, data: st.DataObject) -> None:
    """Any values replaced by something odd, or by another part of the file."""
    tree = copy.deepcopy(data.draw(st.sampled_from(TREES)))
    known = places(tree)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.sampled_from(known))
        value = data.draw(ODD)
        if data.draw(st.booleans()):
            value = copy.deepcopy(part(tree, data.draw(st.sampled_from(known))))
        replaced(tree, where, value)
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    outcome(tmp_path / "case.yaml")


def part(tree: Any, path: tuple[Any, ...]) -> Any:
    """Return what stands at `path`, None where nothing does any more."""
    for name in path:
        try:
            tree = tree[name]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


@MANY
@given(st.data())
def test_damaging_changes(tmp_path: Path, data: st.DataObject) -> None:
    """Any path of the file, cut short or led astray, set to anything."""
    (tmp_path / "case.yaml").write_text(GOOD, encoding="utf-8")
    path = list(
        data.draw(st.sampled_from([found for found in places(TREES[0]) if found[0] not in ("streams", "lanes")]))
    )
    if data.draw(st.booleans()):
        path = ["streams", data.draw(st.sampled_from(["phone@tokyo", "laptop@osaka", "x"])), *path[1:]]
    if data.draw(st.booleans()):
        path.append(data.draw(st.sampled_from(["Ag", "default", "x", 0, 1, 7])))
    value = data.draw(
        st.one_of(st.text(max_size=20), ODD.map(lambda odd: yaml.safe_dump(odd, default_flow_style=True)))
    )

    try:
        load(tmp_path / "case.yaml", {render(tuple(path)): value})
    except InputError as error:
        assert error.faults and all(str(fault).isprintable() for fault in error.faults)


@pytest.mark.parametrize("tree", TREES, ids=["good", "page"])
def test_the_undamaged_trees_are_good(tmp_path: Path, tree: Any) -> None:
    """What is damaged above was whole before."""
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    assert outcome(tmp_path / "case.yaml") is not None
