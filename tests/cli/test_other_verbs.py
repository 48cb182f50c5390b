"""`check`, `schema`, `new` and `export`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tests.cli.runs import ROOT, TINY, here
from tests.report.reading import mentions

from medalopt.instance.examples import list_examples


def test_check_describes_what_is_right() -> None:
    """A valid instance is summarised in a few lines, and as JSON by its identity."""
    ran = here("check", TINY)
    assert (ran.code, ran.err) == (0, "")
    assert mentions(ran.out, "tiny", "2017-04", "2017-07", "JPY", numbers=(4, 6, 44, 6_060))
    told = json.loads(here("check", TINY, "--json").out)
    assert told.keys() == {"status", "instance", "warnings"}
    assert (told["status"], told["instance"]["name"], told["warnings"]) == ("right", "tiny", [])


def test_check_shows_all_faults_with_their_places(tmp_path: Path) -> None:
    """Every fault is a line `file:line:column: path: message` on standard error, and a row of the JSON object."""
    wrong = tmp_path / "wrong.yaml"
    text = Path(TINY).read_text(encoding="utf-8")
    wrong.write_text(text.replace("lead: 1\n", "lead: soon\n", 1).replace("count: 38", "count: -1"), encoding="utf-8")
    ran = here("check", str(wrong), "--json")
    faults = json.loads(ran.out)["faults"]
    assert ran.code == 2
    assert {fault["path"] for fault in faults} == {"smelters.far.lead", "medals.gold.count"}
    for fault, line in zip(faults, ran.err.splitlines(), strict=True):
        assert line == f"{wrong}:{fault['line']}:{fault['column']}: {fault['path']}: {fault['message']}"
    assert here("check", str(wrong)).err == ran.err


def test_the_schema_is_json() -> None:
    """`schema` prints a JSON Schema that knows the sections of an instance."""
    told = json.loads(here("schema").out)
    assert {"metals", "streams", "medals"} <= told["properties"].keys()


def test_a_new_instance_solves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`new` writes a valid, feasible instance without warnings and overwrites no file."""
    monkeypatch.chdir(tmp_path)
    made = here("new", "my-games")
    assert (made.code, made.out) == (0, "")
    assert "my-games.yaml" in made.err
    ran = here("solve", "my-games.yaml")
    assert (ran.code, ran.err) == (0, "")
    before = Path("my-games.yaml").read_bytes()
    assert here("new", "my-games").code == 5
    assert Path("my-games.yaml").read_bytes() == before
    assert here("new", "my-games", "-o", "other.yaml").code == 0
    assert Path("other.yaml").read_bytes() == before


@pytest.mark.parametrize("example", list_examples())
def test_an_example_is_copied_with_its_tables(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each copy of a shipped instance differs in its name only; no file is overwritten; a wheel contains it."""
    monkeypatch.chdir(tmp_path)
    assert here("new", "my-games", "--example", example).code == 0
    shipped = (ROOT / "instances" / f"{example}.yaml").read_text(encoding="utf-8")
    assert Path("my-games.yaml").read_text(encoding="utf-8") == shipped.replace(
        f"name: {example}\n", "name: my-games\n"
    )
    if not example.startswith("tokyo2020-"):  # a second each, with the tables of tokyo2020 or the like
        assert here("check", "my-games.yaml").code == 0
    assert here("new", "my-games", "--example", example).code == 5
    for table in Path().glob("*/*.csv"):
        assert table.read_bytes() == (ROOT / "instances" / table).read_bytes()
        table.write_text("mine", encoding="utf-8")
        assert here("new", "other", "--example", example).code == 5
        assert not Path("other.yaml").exists() and table.read_text(encoding="utf-8") == "mine"
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert packed["sources"]["instances"] == "medalopt/examples"
    for file in (f"{example}.yaml", *map(str, Path().glob("*/*.csv"))):
        assert any(Path(f"/instances/{file}").match(pattern) for pattern in packed["include"])


def test_examples_are_listed() -> None:
    """`list` prints a line for each shipped instance; an unknown name does so as an error; no name is an error."""
    listed, unknown = here("new", "--example", "list"), here("new", "--example", "nowhere")
    shipped = {path.stem for path in (ROOT / "instances").glob("*.yaml")}
    assert {line.split()[0] for line in listed.out.splitlines()} == shipped
    assert (listed.code, unknown.code, unknown.out) == (0, 2, "") and listed.out in unknown.err
    assert here("new").code == 2


@pytest.mark.parametrize(("form", "beginning"), [("lp", "minimize"), ("mps", "NAME"), ("mathprog", "# tiny: data")])
def test_export_prints_the_program(form: str, beginning: str) -> None:
    """Each format is printed, and begins as such files do."""
    ran = here("export", TINY, "--to", form)
    assert (ran.code, ran.err) == (0, "")
    assert any(line.startswith(beginning) for line in ran.out.splitlines()[:5])


def test_export_writes_the_program_and_its_names(tmp_path: Path) -> None:
    """The ending sets the format; beside LP and MPS a table of names is written; each file is reported."""
    for name in ("tiny.lp", "tiny.mps", "tiny.dat"):
        ran = here("export", TINY, "-o", str(tmp_path / name), "--objective", "mass")
        assert ran.code == 0
        assert all(line.endswith(": written") for line in ran.err.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.dat", "tiny.lp", "tiny.mps", "tiny.names.csv"]


def test_export_refuses_an_ending_of_another_format(tmp_path: Path) -> None:
    """An LP file cannot be named .mps; unknown endings are accepted with --to."""
    ran = here("export", TINY, "--to", "lp", "-o", str(tmp_path / "e.mps"))
    assert (ran.code, ran.out) == (2, "") and "e.mps: has the ending of mps, not of lp" in ran.err
    assert not list(tmp_path.iterdir())
    assert here("export", TINY, "--to", "lp", "-o", str(tmp_path / "e.txt")).code == 0
    assert here("export", TINY, "--to", "lp", "-o", str(tmp_path / "e.LP")).code == 0


def test_export_does_not_overwrite_the_instance(tmp_path: Path) -> None:
    """An output equal to the instance is rejected and the instance unchanged."""
    own = tmp_path / "tiny.lp"
    own.write_bytes(Path(TINY).read_bytes())
    ran = here("export", str(own), "-o", str(own))
    assert ran.code == 5 and "is the instance itself" in ran.err
    assert own.read_bytes() == Path(TINY).read_bytes()
