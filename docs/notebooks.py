"""Tutorials in Python: from percent-format scripts, which Jupyter and VS Code open as notebooks, to pages.

`docs/tutorials/NAME.py` is the source; `NAME.md` is what it renders to, with the text that each cell prints.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
NOTICE = (
    "Open [{name}]({name}) in VS Code, or in Jupyter with jupytext, to run it cell by cell; "
    "`make docs` generates this page from it."
)


def render_notebook(path: Path, replacements: dict[str, str] | None = None) -> str:
    """Run the cells of a script in this process, in this folder, and return its page.

    Args:
        path: Script in the percent format. Cells tagged `remove-cell` are run and not shown.
        replacements: Texts that are replaced in the code before it runs, such as the address of a cluster.

    Returns:
        Markdown: the title, where to find the script, and the cells with what they print.
    """
    import jupytext

    names: dict[str, Any] = {"__name__": path.stem}
    parts: list[str] = []
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        printed = _run_cell(cell.source, names, replacements or {})
        if "remove-cell" not in cell.metadata.get("tags", ()):
            parts.append(f"```python\n{cell.source}\n```")
            parts += [f"```text\n{printed}\n```"] if printed else []
    title, _, rest = parts[0].partition("\n\n")
    return "\n\n".join([title, NOTICE.format(name=path.name), rest, *parts[1:]]) + "\n"


def _run_cell(source: str, names: dict[str, Any], replacements: dict[str, str]) -> str:
    """Run the code of a cell on `names`, and return what it prints."""
    for text, instead in replacements.items():
        source = source.replace(text, instead)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(source, names)
    return "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())
