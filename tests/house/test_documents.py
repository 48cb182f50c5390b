"""README and documents are true: commands run, examples load, generated pages are up to date."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import generate
import pytest
from notebooks import NOTEBOOKS, render_notebook
from tests.cli.runs import here
from tests.documents import Command, list_commands, list_scripts, list_untrue_lines, run_commands

import medalopt

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# with a cluster, in tests/analysis/sweep/test_cluster.py; as generated pictures
ELSEWHERE = {"docs/tutorials/nation.md", "docs/gallery.md"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """Return page and text of every block of code in `language`."""
    fence = re.compile(rf"^```{language}\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
    return [
        (str(page.relative_to(ROOT)), text)
        for page in PAGES
        for text in fence.findall(page.read_text(encoding="utf-8"))
    ]


def pages_with(listed: Callable[[str], Iterator[Command]]) -> list[str]:
    """Return the pages in which `listed` finds something."""
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
    return [page for page, text in texts.items() if any(listed(text))]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder that holds the instances and models and may be written to."""
    for name in ("instances", "models"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_readme_starts_with_the_two_commands() -> None:
    """README.md names `make solve` and `make test`, in this order, before anything else that is to be run."""
    first = blocks("console")[0]
    assert first[0] == "README.md"
    assert re.findall(r"^\$ (make \w+)", first[1], flags=re.MULTILINE) == ["make solve", "make test"]


@pytest.mark.parametrize("page", [page for page in pages_with(list_commands) if page not in ELSEWHERE])
def test_commands_of_the_documents_run(page: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that a page shows at a prompt run, one after the other, and print the lines below them."""
    monkeypatch.chdir(desk)
    assert run_commands(page) == []


# cells of notebooks run below
@pytest.mark.parametrize(
    "page", [page for page in pages_with(list_scripts) if not (ROOT / page).with_suffix(".py").exists()]
)
def test_python_of_the_documents_runs(page: str, desk: Path) -> None:
    """The Python that a page shows runs, block after block in one process, and prints the text below it."""
    scripts = list(list_scripts((ROOT / page).read_text(encoding="utf-8")))
    mark = "-- end of a block --"
    text = "".join(f"{script.words[0]}\nprint({mark!r})\n" for script in scripts)
    (desk / "page.py").write_text(text, encoding="utf-8")  # a file, as the processes of a cluster start from it
    command = [sys.executable, "-W", "error", "page.py"]
    ran = subprocess.run(command, cwd=desk, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    printed = ran.stdout.split(mark + "\n")
    wrong = [list_untrue_lines(script.shown, part) for script, part in zip(scripts, printed, strict=False)]
    assert len(printed) == len(scripts) + 1 and not any(wrong), wrong


@pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path.stem != "nation"], ids=lambda path: path.stem)
def test_a_notebook_is_its_page(notebook: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of a tutorial in Python run, and its page has their text, code and output."""
    monkeypatch.chdir(desk)
    assert render_notebook(notebook) == notebook.with_suffix(".md").read_text(encoding="utf-8")


def test_a_page_that_is_not_true_is_seen(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another exit code and another line than those on the page are found where they are planted."""
    monkeypatch.chdir(desk)
    page = "```console\n$ medalopt check instances/gone.yaml\ninstances/gone.yaml: no errors found.\n```\n"
    (desk / "page.md").write_text(page, encoding="utf-8")
    assert len(run_commands(str(desk / "page.md"))) == 2


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_an_instance_of_the_documents_is_right(page: str, text: str, tmp_path: Path) -> None:
    """A whole instance that a page shows is accepted without a warning, and has a plan."""
    path = tmp_path / "shown.yaml"
    path.write_text(text, encoding="utf-8")
    checked = here("check", str(path))
    assert (checked.code, checked.err) == (0, "")
    assert here("solve", str(path)).code == 0


SECTIONS = {
    "periods": ["Periods"],
    "metals": ["Metal"],
    "devices": ["Device"],
    "streams": ["Stream", "Storage"],
    "treatments": ["Treatment", "Override"],
    "smelters": ["Smelter", "Line"],
    "lanes and transport_rate": ["Lane"],
    "market": ["Offer"],
    "alloys": ["Alloy", "Scrap"],
    "medals": ["Medal"],
    "policy": ["Policy", "Group"],
}


def test_every_section_of_the_format_is_reported() -> None:
    """docs/reference/format.md tells of every section that the schema knows."""
    schema = json.loads((ROOT / "instances/medalopt-1.schema.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs/reference/format.md").read_text(encoding="utf-8")
    assert [name for name in schema["properties"] if not re.search(rf"`{name}:?`|^### {name}", text, re.M)] == []


@pytest.mark.parametrize(("section", "models"), SECTIONS.items())
def test_every_field_of_the_format_is_reported(section: str, models: list[str]) -> None:
    """A section of docs/reference/format.md has every field that the schema knows there, and no other in its table."""
    schema = json.loads((ROOT / "instances/medalopt-1.schema.json").read_text(encoding="utf-8"))
    known = {name for model in models for name in schema["$defs"][model]["properties"]}
    text = (ROOT / "docs/reference/format.md").read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: part for part in re.split(r"^#+ ", text, flags=re.MULTILINE)}
    elsewhere = parts["Quantities"] + parts["Optional sections"]
    assert {name for name in known if not re.search(rf"[`{{ ]{name}[`,:}} ]", parts[section] + elsewhere)} == set()
    rows = re.findall(r"^\| (`[^|]+`) \|", parts[section], flags=re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} <= known


GALLERY = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"^\$ medalopt .* -o (docs/images/.*\.svg)$", GALLERY, flags=re.MULTILINE)


@pytest.mark.parametrize("page", [*generate.PAGES, *PICTURES])
def test_a_generated_page_is_up_to_date(page: str) -> None:
    """Generated files in docs/, and the pictures of each command of the gallery, equal the output of `make docs`."""
    made = generate.render_pages(page, check=True)
    assert made and generate.list_stale(made) == []


def test_the_gallery_shows_every_picture() -> None:
    """Each picture in docs/images is in the gallery, which has at least twelve, each below its command."""
    shown = re.findall(r"^!\[[^\]]{20,}\]\(images/(.+)\)$", GALLERY, flags=re.MULTILINE)
    assert len(shown) >= 12 and sorted(shown) == sorted(path.name for path in (ROOT / "docs/images").iterdir())


def test_the_index_lists_every_page() -> None:
    """Each page below docs/ is linked from docs/README.md, so that none is written and never found."""
    folder = ROOT / "docs"
    links = re.findall(r"\]\(([^)#]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")} - {"README.md"}
    assert pages <= set(links)


def test_every_make_command_that_a_page_names_exists() -> None:
    """Whatever a page tells to make, the Makefile can make."""
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named and named <= known


def test_every_public_name_of_python_is_documented() -> None:
    """The page of the Python API names each public name, and each public member of a plan and of a result."""
    text = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    members = {
        name for one in (medalopt.Plan, medalopt.AnalysisResult) for name in vars(one) if not name.startswith("_")
    }
    words = set(re.findall(r"\w+", text))
    assert sorted((set(medalopt.__all__) | members) - words) == []
