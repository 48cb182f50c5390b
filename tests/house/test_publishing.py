"""The files that hosts and tools of others read: of the right form, pinned, with few rights, of one version."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

import medalopt

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
OF_SCHEMA: dict[str, list[Path]] = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": [path for path in WORKFLOWS if path.stem != "release"],
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [ROOT / ".github/ISSUE_TEMPLATE/config.yml"],
    "vendor.dependabot": [ROOT / ".github/dependabot.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read_yaml(path: Path) -> Any:
    """Return a YAML file; of a workflow the key `on` is read as True."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def check_form(schema: str, *paths: Path) -> tuple[int, str]:
    """Return exit code and output of a check of files against a schema that the checker brings along."""
    ran = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, *map(str, paths)])
    return ran.exit_code, ran.output


@pytest.mark.parametrize("schema", OF_SCHEMA)
def test_a_file_has_the_form_that_its_reader_expects(schema: str) -> None:
    """Workflows, issue forms and citation satisfy the published schemas of their formats."""
    assert OF_SCHEMA[schema]
    assert check_form(schema, *OF_SCHEMA[schema])[0] == 0, check_form(schema, *OF_SCHEMA[schema])[1]


def test_a_file_of_another_form_is_seen(tmp_path: Path) -> None:
    """A misspelt key of a workflow is found where it is planted."""
    planted = tmp_path / "planted.yml"
    planted.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on:", "run-on:"), encoding="utf-8")
    assert check_form("vendor.github-workflows", planted)[0] == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_pinned_and_has_few_rights(path: Path) -> None:
    """Actions of others are pinned by commit with the version beside; a workflow may read, and only one job writes."""
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)", text)
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+|\./\S+\.yml", each) for each in used)
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert sum("permissions" in job for job in workflow["jobs"].values()) <= 1
    assert "secrets." not in text and "pull_request_target" not in text
    named = set(re.findall(r"make ([\w-]+)", text))
    assert named <= set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_all_versions_of_python_are_tested() -> None:
    """The matrix of the workflow has the versions of `make matrix` and of the classifiers."""
    from tests.matrix import PYTHONS

    listed = read_yaml(ROOT / ".github/workflows/test.yml")["jobs"]["matrix"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: "
    classified = [each.removeprefix(prefix) for each in PROJECT["project"]["classifiers"] if each[-2:].isdigit()]
    assert listed == list(PYTHONS) == classified


def test_there_is_one_version() -> None:
    """Package, project and citation have one version, one licence and the same keywords."""
    citation, project = read_yaml(ROOT / "CITATION.cff"), PROJECT["project"]
    assert citation["version"] == project["version"] == medalopt.__version__
    assert citation["license"] == project["license"]
    assert set(citation["keywords"]) <= set(project["keywords"])


def test_the_hooks_run_the_locked_tools() -> None:
    """Each hook runs a tool of `make lint` from the locked environment."""
    hooks = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    linted = (ROOT / "Makefile").read_text(encoding="utf-8").split("lint: ")[1].split("\n\n")[0]
    for hook in hooks:
        program, *words = hook["entry"].removeprefix(".venv/bin/").split()
        assert hook["language"] == "system" and f"$(bin)/{program}" in linted
        assert words[:1] == [] or f"{program} {words[0]}" in linted


def test_the_container_is_built_from_what_the_locks_pin() -> None:
    """The image installs with hashes, has all that the package needs, and runs as a user without rights."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = " ".join(lines)
    assert "--require-hashes" in words and "--no-index --no-deps" in words
    assert lines.index("USER 1000:1000") < next(i for i, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    packed = {each.split("/")[1] for each in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]}
    assert packed == {"src", "instances"}
    assert copied >= {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], *packed}
    admitted = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert copied == {name.removeprefix("!") for name in admitted if name.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


def test_the_schema_has_an_address() -> None:
    """The JSON Schema has the address under which docs/releasing.md offers it to editors."""
    schema = json.loads((ROOT / "instances/medalopt-1.schema.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    entry = json.loads(re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)[0])
    assert entry["url"] == schema["$id"] and "*.medalopt.yaml" in entry["fileMatch"]
