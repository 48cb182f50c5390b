"""A command line that is wrong, or asks for help."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from tests.cli.runs import TINY, apart, here, plain

import medalopt
from medalopt.cli.app import build_app

COMMANDS = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
WRONG = {
    "no such verb": ["slove", TINY],
    "no such option": ["solve", TINY, "--nope"],
    "no instance": ["solve"],
    "two instances": ["solve", TINY, TINY],
    "no such objective": ["solve", TINY, "--objective", "beauty"],
    "an option without its value": ["solve", TINY, "--set"],
    "confidence and budget": ["solve", TINY, "--confidence", "90%", "--uncertainty-budget", "2"],
    "a change without a value": ["solve", TINY, "--set", "medals.gold.count"],
    "a change without a path": ["solve", TINY, "--set", "=3"],
    "a figure set twice": ["solve", TINY, "--set", "medals.gold.count=3", "--set", "medals.gold.count=4"],
    "a figure that is not there": ["solve", TINY, "--set", "medals.iron.count=3"],
    "a plan in a format of others": ["solve", TINY, "-o", "plan.docx"],
    "no format to export to": ["export", TINY],
    "no such format": ["export", TINY, "--to", "pdf"],
    "no name": ["new", ""],
    "a name with capitals": ["new", "Tokyo"],
    "a name with control characters": ["new", "a\x1b[31m\n"],
    "a name without end": ["new", "a" * 101],
    "no such extension": ["solve", TINY, "--extend", "nowhere.py"],
    "an option with control characters": ["solve", TINY, "--\x1b[31mred"],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_line_is_refused_in_one_line(name: str) -> None:
    """Each ends with exit code 2, one line on standard error and empty standard output."""
    ran = here(*WRONG[name])
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1 and len(ran.err) > 20
    assert plain(ran.err)


@pytest.mark.parametrize("name", [name for name, words in WRONG.items() if words[0] == "solve"])
def test_a_wrong_command_line_is_reported_to_programs_too(name: str) -> None:
    """With `--json` the same line is a fault of one JSON object on standard output."""
    ran = here(*WRONG[name][:2], "--json", *WRONG[name][2:])
    if not ran.out:  # where --json itself became the value of the option before it
        assert name == "an option without its value"
        return
    told = json.loads(ran.out)
    assert ran.code == 2
    assert told.keys() == {"status", "faults"} and told["status"] == "input"
    assert [fault.keys() for fault in told["faults"]] == [{"file", "line", "column", "path", "message", "kind"}]
    assert told["faults"][0]["message"] in ran.err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--confidence", "40%"), ("--confidence", "200%"), ("--uncertainty-budget", "-3"), ("--uncertainty-budget", "x")],
)
def test_a_wrong_value_is_reported_under_its_option(option: str, value: str) -> None:
    """An option that stands for a changed parameter is named, not `--set`; so is it where `--set` changes that too."""
    ran = here("solve", TINY, option, value)
    assert ran.code == 2 and ran.err.startswith(f"{option}: ") and "policy." not in ran.err
    assert ("expected a number, such as `1.5`; found `x`" in ran.err) is (value == "x")
    path = "policy.confidence" if option == "--confidence" else "policy.uncertainty_budget"
    assert here("solve", TINY, option, value, "--set", f"{path}=1").err.startswith(f"{option}: ")


def test_a_near_miss_is_corrected() -> None:
    """A mistyped verb draws the right one, a mistyped figure its path."""
    assert "solve" in here("slove", TINY).err
    assert "gold" in here("solve", TINY, "--set", "medals.gould.count=3").err


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("verb", [[], ["solve"], ["check"], ["schema"], ["new"], ["export"]])
def test_help_is_printed(verb: list[str], option: str) -> None:
    """Both spellings of help print it, for medalopt and each verb, and end with 0."""
    ran = here(*verb, option)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: medalopt") and plain(ran.out)


def test_commands_of_the_help_are_listed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 80 columns the help lists every command under its panel, none with a summary cut short."""
    monkeypatch.setenv("COLUMNS", "80")
    listed = here("--help").out.split("Commands:", 1)[1]
    assert "..." not in listed
    assert re.findall(r"^    ([a-z]+) ", listed, flags=re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_the_help_can_be_parsed(name: str) -> None:
    """The example that the help of a command ends with is a command line that it accepts, on one line."""
    shown = here(name, "--help").out.rstrip().splitlines()
    assert shown[-2].strip() == "Example:"
    program, verb, *arguments = shlex.split(shown[-1].partition(">")[0])
    assert (program, verb, len(shown[-1]) <= 80) == ("medalopt", name, True)
    assert COMMANDS[name].make_context(name, arguments).info_name == name


def test_no_arguments_draw_help_and_exit_code_2() -> None:
    """`medalopt` alone prints the help to standard error."""
    ran = here()
    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err


def test_version_is_printed() -> None:
    """`--version` prints name and version of the package."""
    ran = here("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"medalopt {medalopt.__version__}\n", "")


def test_what_an_extension_says_is_no_data(tmp_path: Path) -> None:
    """Prints of an extension and logs of Pyomo go to standard error; standard output is one JSON object."""
    own = tmp_path / "own.py"
    rule = "    m.own = pyo.Constraint([1], rule=lambda m, i: 1 / 0)\n"
    head = "import pyomo.environ as pyo\ndef extend(m, instance):\n    print('hello')\n"
    for body, code in ((rule, 2), ("", 0)):
        own.write_text(head + body, encoding="utf-8")
        ran = apart("solve", TINY, "--extend", str(own), "--json")
        assert ran.code == code and json.loads(ran.out)["status"] == ("input" if code else "optimal")
        assert "hello" in ran.err and ("Constraint own with index 1" in ran.err) == bool(code)
