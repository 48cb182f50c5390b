"""The house rules that can be counted: sizes, docstrings, and that each test says what it proves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("src", "campaigns") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MOST_LINES_IN_A_FILE, MOST_LINES_IN_A_FUNCTION = 600, 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of `tree`, methods and inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Return the number of lines of `function` without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def too_long(tree: ast.AST) -> list[str]:
    """Return the names of the functions of `tree` that are longer than the house allows."""
    return [node.name for node in functions(tree) if length(node) > MOST_LINES_IN_A_FUNCTION]


def undocumented(tree: ast.Module) -> list[str]:
    """Return the public functions, classes and methods of `tree` that have no docstring."""
    top = [node for node in tree.body if isinstance(node, ast.ClassDef | Function)]
    methods = [inner for node in top if isinstance(node, ast.ClassDef) for inner in node.body]
    named = [node for node in top + methods if isinstance(node, ast.ClassDef | Function)]
    return [node.name for node in named if not node.name.startswith("_") and ast.get_docstring(node) is None]


def untold(tree: ast.AST) -> list[str]:
    """Return the tests in `tree` that do not say what they prove."""
    return [node.name for node in functions(tree) if node.name.startswith("test_") and not ast.get_docstring(node)]


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_is_something_to_measure() -> None:
    """The checks below look at real files: a moved folder cannot turn them into checks of nothing."""
    assert {ROOT / "src/medalopt/errors.py", ROOT / "campaigns/fuzz.py"} <= set(SOURCES)
    assert Path(__file__) in TESTS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_file_keeps_to_the_house_rules(path: Path) -> None:
    """A source file has at most 600 lines, no function above 50, and a docstring on everything public."""
    tree = parsed(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_IN_A_FILE
    assert too_long(tree) == []
    assert undocumented(tree) == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_says_what_it_proves(path: Path) -> None:
    """Every test has a docstring."""
    assert untold(parsed(path)) == []


def test_planted_faults_are_seen() -> None:
    """A long function, a missing docstring and a test without a word are found where they are planted."""
    long = ast.parse("def long():\n    '''Told.'''\n" + "    pass\n" * MOST_LINES_IN_A_FUNCTION)
    assert too_long(long) == ["long"]
    assert undocumented(
        ast.parse("class Bare:\n    '''Told.'''\n    def bare(self): ...\n    def _own(self): ...")
    ) == ["bare"]
    assert untold(ast.parse("def test_bare(): ...")) == ["test_bare"]
