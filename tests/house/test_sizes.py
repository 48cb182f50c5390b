"""House rules that can be counted: sizes, docstrings, and a docstring for each test."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

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


SECTION = re.compile(r"^(Args|Returns|Raises|Yields):", re.MULTILINE)


def without_sections(tree: ast.Module) -> list[str]:
    """Return the public functions and methods of `tree` with parameters or a result whose docstring has no section."""
    owners = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]
    named = [node for owner in owners for node in owner.body if isinstance(node, Function)]
    return [node.name for node in named if needs_sections(node) and not SECTION.search(ast.get_docstring(node) or "")]


def needs_sections(function: Function) -> bool:
    """Return whether a function is public, not a property, and takes or returns a value."""
    of_property = any("property" in ast.unparse(decorator) for decorator in function.decorator_list)
    taken = {argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]} - {"self", "cls"}
    returned = function.returns is not None and ast.unparse(function.returns) != "None"
    return not function.name.startswith("_") and not of_property and (bool(taken) or returned)


def untold(tree: ast.AST) -> list[str]:
    """Return the tests in `tree` without a docstring."""
    return [node.name for node in functions(tree) if node.name.startswith("test_") and not ast.get_docstring(node)]


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_is_something_to_measure() -> None:
    """The checks below find source files, so that a moved folder cannot empty them."""
    assert {ROOT / "src/medalopt/errors.py", ROOT / "campaigns/fuzz.py"} <= set(SOURCES)
    assert Path(__file__) in TESTS


def repeated_classes(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Return the class names that are defined more than once, each with its files."""
    files: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                files[node.name].append(file)
    return {name: places for name, places in files.items() if len(places) > 1}


def offences(path: Path) -> list[str]:
    """Return the violations of the house rules in a source file."""
    tree, lines = parsed(path), len(path.read_text(encoding="utf-8").splitlines())
    found = [f"{lines} lines"] if lines > MOST_LINES_IN_A_FILE else []
    found += [f"{name} is too long" for name in too_long(tree)]
    return found + [f"{name} has no docstring" for name in undocumented(tree)]


def test_source_files_keep_to_the_house_rules() -> None:
    """A source file has at most 600 lines, no function above 50, and a docstring on everything public."""
    found = {str(path.relative_to(ROOT)): offences(path) for path in SOURCES}
    assert {path: what for path, what in found.items() if what} == {}


def test_public_functions_have_sections() -> None:
    """A public function with parameters or a result has them in sections; the docstring of a verb is its help."""
    sources = [path for path in SOURCES if path.is_relative_to(ROOT / "src") and path.parent.name != "cli"]
    found = {str(path.relative_to(ROOT)): without_sections(parsed(path)) for path in sources}
    assert {path: names for path, names in found.items() if names} == {}


def test_every_test_says_what_it_proves() -> None:
    """Every test has a docstring."""
    found = {str(path.relative_to(ROOT)): untold(parsed(path)) for path in TESTS}
    assert {path: names for path, names in found.items() if names} == {}


def test_class_names_are_unique() -> None:
    """No class name is defined twice in the package: a name that is searched for is found once."""
    trees = {str(path.relative_to(ROOT)): parsed(path) for path in SOURCES if path.is_relative_to(ROOT / "src")}
    assert repeated_classes(trees) == {}


def test_planted_faults_are_seen() -> None:
    """A long function, a missing docstring or section, a test without a word and a class name used twice are found."""
    long = ast.parse("def long():\n    '''Told.'''\n" + "    pass\n" * MOST_LINES_IN_A_FUNCTION)
    assert too_long(long) == ["long"]
    assert undocumented(
        ast.parse("class Bare:\n    '''Told.'''\n    def bare(self): ...\n    def _own(self): ...")
    ) == ["bare"]
    bare = ast.parse("def bare(x): 'Told.'\ndef _own(x): ...\nclass Bare:\n    def give(self) -> int: 'Told.'")
    assert without_sections(bare) == ["bare", "give"]
    assert untold(ast.parse("def test_bare(): ...")) == ["test_bare"]
    twice = ast.parse("class Row:\n    class Key: ...")
    assert repeated_classes({"a": twice, "b": ast.parse("class Key: ...")}) == {"Key": ["a", "b"]}
