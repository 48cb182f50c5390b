"""Build the documentation site: `python docs/site/build.py [FOLDER]`, by default into build/site.

The pages are the Markdown files of the repository at the places where they are, so that every link holds on a code
host and on the site. README.md, all pages in docs/ and each file that one of them links to are staged beside the site.
The navigation is that of `docs/README.md`: a heading is a section, a link a page. Zensical renders the pages, and any
warning of it ends the build. Then formulas become MathML, which browsers show without a script, and every link and
resource of every page is checked: the site has to be readable from a folder, without a network.
"""

from __future__ import annotations

import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
API_PAGE = "docs/reference/api.md"
LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\[\]]*\])*\]\()([^)\s]+)(\))")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', flags=re.DOTALL)
SEARCHED = re.compile(r"\\\\[(\[](.*?)\\\\[)\]]")  # a formula in the index of the search, which is JSON
LAYOUT = re.compile(
    r"\\\\(?:math\w+|bar|hat|tilde|overline|underline|thinspace|q?quad|[bB]ig[lr]|[lr]Vert|d?frac|text|,)|[{}]|\\\\"
)
REFERENCES = {"a": "href", "img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


def list_links(page: Path) -> list[tuple[str, str]]:
    """Return text and target of each link of a Markdown file that stays within the project."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [(found[1][1:-2], found[2]) for found in LINK.finditer(text)]
    return [(name, target) for name, target in links if not re.match(r"[a-z]+:|#", target)]


def collect_files() -> set[Path]:
    """Return README.md, every page in docs/, and all files that one of them leads to.

    Raises:
        SystemExit: A link leads nowhere, or out of the project.
    """
    found: set[Path] = set()
    todo = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    while todo:
        page = todo.pop()
        if page in found:
            continue
        found.add(page)
        for _, target in list_links(page) if page.suffix == ".md" else []:
            path = Path(os.path.normpath(page.parent / target.partition("#")[0]))
            if not path.is_file() or not path.is_relative_to(ROOT):
                sys.exit(f"{page.relative_to(ROOT)}: the link {target} leads to no file")
            todo.append(path)
    return found


def read_navigation() -> list[dict[str, object]]:
    """Return the sections of docs/README.md with their pages, each by its title."""
    index = ROOT / "docs/README.md"
    sections: list[dict[str, object]] = [{"medalopt": "README.md"}]
    for part in re.split(r"^## ", index.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = part.partition("\n")[0].strip()
        items = [LINK.search(line) for line in part.splitlines() if line.startswith("- ")]
        pages: list[dict[str, str]] = []
        for item in filter(None, items):
            path = Path(os.path.normpath(index.parent / item[2].partition("#")[0]))
            pages.append({item[1][1:-2].replace("`", ""): path.relative_to(ROOT).as_posix()})
        sections.append({title: pages})
        if title == "Reference":
            pages.append({"Python API, from the docstrings": API_PAGE})
    return sections


def render_api_page() -> str:
    """Return the page of the Python API: a directive for each public name, in the order of the package."""
    body = ast.parse((ROOT / "src/medalopt/__init__.py").read_text(encoding="utf-8")).body
    imports = [
        node for block in body if isinstance(block, ast.If) for node in block.body if isinstance(node, ast.ImportFrom)
    ]
    lines = ["# Python API", "", "Generated from the docstrings. Examples: [Python](python.md).", ""]
    for node in imports:
        for name in node.names:
            public = name.asname or name.name
            lines += [
                f"::: {node.module}.{name.name}",
                "    options:",
                f"      heading: {public}",
                f"      toc_label: {public}",
                "",
            ]
    return "\n".join(lines)


def stage(folder: Path) -> None:
    """Fill `folder` with the pages, what they link to, the style sheet and the configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "pages"
    for path in collect_files():
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for name in ("site.css", "iframe-worker.js"):
        shutil.copyfile(HERE / name, source / name)
    (source / API_PAGE).write_text(render_api_page(), encoding="utf-8")
    settings = (HERE / "zensical.toml").read_text(encoding="utf-8")
    values = {"NAVIGATION": json_to_toml(read_navigation()), "PACKAGES": json.dumps(str(ROOT / "src"))}
    for name, value in values.items():
        settings = settings.replace(f'"{name}"', value)
    tomllib.loads(settings)
    (folder / "zensical.toml").write_text(settings, encoding="utf-8")


def json_to_toml(value: object) -> str:
    """Return lists, tables and texts as an inline value of TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(json_to_toml(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {json_to_toml(each)}" for name, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def convert_formulas(text: str) -> str:
    """Return a page with MathML in the place of TeX."""
    from latex2mathml.converter import convert

    def to_mathml(found: re.Match[str]) -> str:
        source = html.unescape(found[3]).replace(r"\thinspace", r"\,")
        return convert(source, display="inline" if found[2] == "(" else "block")

    return FORMULA.sub(to_mathml, text)


def simplify_formulas(index: str) -> str:
    """Return the index of the search with formulas as plain text: names of letters, no layout."""

    def simplify(found: re.Match[str]) -> str:
        text = re.sub(r"\\\\ge(?![a-zA-Z])", "≥", found[1])
        return LAYOUT.sub("", re.sub(r"\\\\le(?![a-zA-Z])", "≤", text))

    return SEARCHED.sub(simplify, index)


class References(HTMLParser):
    """The anchors of a page, what it links to, and the resources that it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors and references of an element."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        if target := values.get(REFERENCES.get(tag, "")):
            self.targets.append((tag, target))


def list_faults(site: Path) -> Iterator[str]:
    """Yield each link of the site that leads nowhere, and each resource that needs a network."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = References()
        pages[path].feed(path.read_text(encoding="utf-8"))
    for path, page in pages.items():
        for tag, target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if tag != "a" and parts.scheme != "data":
                    yield f"{path.relative_to(site)}: {target} is loaded from a network"
                continue
            other = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            if path.name == "404.html":
                other = site / unquote(parts.path).lstrip("/") if parts.path else path
            if not other.is_file():
                yield f"{path.relative_to(site)}: {target} leads to no file"
            elif parts.fragment and other in pages and unquote(parts.fragment) not in pages[other].anchors:
                yield f"{path.relative_to(site)}: {target} leads to no heading"


def main() -> int:
    """Build the site; return 1 where a link or a resource is missing."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/site").absolute()
    work = site.parent / f"{site.name}-source"
    stage(work)
    shutil.rmtree(site, ignore_errors=True)
    program = Path(sys.executable).parent / "zensical"
    environment = os.environ | {"NO_COLOR": "1"}
    built = subprocess.run(
        [program, "build", "--strict", "--clean"], cwd=work, env=environment, capture_output=True, text=True
    )
    if built.returncode:
        print(re.sub(r"\x1b\[[\d;]*m", "", built.stdout + built.stderr), file=sys.stderr)
        return 1
    shutil.move(work / "site", site)
    for path in site.rglob("*.html"):
        path.write_text(convert_formulas(path.read_text(encoding="utf-8")), encoding="utf-8")
    for path in site.glob("search.js*"):
        path.write_text(simplify_formulas(path.read_text(encoding="utf-8")), encoding="utf-8")
    faults = list(list_faults(site))
    print(*faults, sep="\n", file=sys.stderr, end="\n" if faults else "")
    print(f"{sum(1 for _ in site.rglob('*.html'))} pages in {site}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
