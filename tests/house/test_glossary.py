"""The glossary: terms in order, each once, and everything it refers to exists."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = {part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
SCHEMA: dict[str, Any] = json.loads((ROOT / "instances/medalopt-1.schema.json").read_text(encoding="utf-8"))
KINDS = {"Unit", "Symbol", "Format", "Report", "Code"}


def attributes(text: str) -> dict[str, str]:
    """Return what an entry says of unit, symbol, format, report and code."""
    lines = re.findall(r"^- (.+)$", text, flags=re.MULTILINE)
    return dict(part.split(": ", 1) for line in lines for part in line.split(" · "))


def quoted(kind: str) -> list[tuple[str, str]]:
    """Return term and reference for every reference of one kind."""
    parts = {term: attributes(text).get(kind, "") for term, text in ENTRIES.items()}
    return [(term, reference) for term, part in parts.items() for reference in re.findall(r"`([^`]+)`", part)]


def defined_in(body: list[ast.stmt], name: str) -> ast.stmt | None:
    """Return the class, function or attribute `name` of a module or class; None where there is none."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return node
    return None


def exists_in_code(reference: str) -> bool:
    """Return whether `file.py:Name` or `file.py:Name.attribute` is defined in the package."""
    file, _, name = reference.partition(":")
    path = ROOT / "src" / "medalopt" / file
    if not path.exists():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        node = defined_in(body, part)
        if node is None:
            return False
        body = node.body if isinstance(node, ast.ClassDef) else []
    return True


def known_fields() -> set[str]:
    """Return the names of all sections and fields of the instance format."""
    models = [SCHEMA, *SCHEMA["$defs"].values()]
    return {name for model in models for name in model.get("properties", {})}


def test_terms_are_alphabetical_and_unique() -> None:
    """The terms stand in alphabetical order, and none stands twice."""
    terms = re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    assert len(terms) > 80
    assert terms == sorted(set(terms), key=str.lower)


@pytest.mark.parametrize("term", ENTRIES)
def test_an_entry_is_complete(term: str) -> None:
    """Each entry has a definition that ends in a full stop, and says where the term appears."""
    definition = ENTRIES[term].strip().partition("\n")[0]
    assert definition.endswith(".") and not definition.startswith("- ")
    assert attributes(ENTRIES[term]).keys() & {"Report", "Code"}
    assert attributes(ENTRIES[term]).keys() <= KINDS


@pytest.mark.parametrize(("term", "reference"), quoted("Code"))
def test_code_of_the_glossary_exists(term: str, reference: str) -> None:
    """Each class, function and attribute that the glossary names is defined where it says."""
    assert exists_in_code(reference), f"{term}: src/medalopt/{reference}"


@pytest.mark.parametrize(("term", "reference"), quoted("Format"))
def test_fields_of_the_glossary_exist(term: str, reference: str) -> None:
    """Each field that the glossary names is a field of the instance format."""
    assert {part for part in reference.split(".") if part != "*"} <= known_fields(), term


@pytest.mark.parametrize(("term", "symbol"), quoted("Symbol"))
def test_symbols_of_the_glossary_exist(term: str, symbol: str) -> None:
    """Each symbol that the glossary names stands in models/sourcing.md."""
    assert symbol in (ROOT / "models" / "sourcing.md").read_text(encoding="utf-8"), term


def test_a_reference_to_nothing_is_seen() -> None:
    """A file, a name and an attribute that do not exist are found where they are planted."""
    assert exists_in_code("instance/instance.py:Streams.available")
    planted = ("instance/gone.py:Streams", "instance/instance.py:Gone", "instance/instance.py:Streams.gone")
    assert not any(exists_in_code(reference) for reference in planted)
