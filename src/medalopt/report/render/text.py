"""Tables and summaries as people read them, and the report as text for the width of a terminal or a file.

Tables have headers with units, numbers in the style of their column and sums of the rows not shown; a summary is split
into status, key figures and sentences. Optional columns are dropped and long names broken until a table fits.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, chop_cells

from medalopt.report.document import (
    CellValue,
    NumberStyle,
    OrderDocument,
    Report,
    ReportColumn,
    ReportTable,
    ShownValue,
    format_cell,
    get_cell_value,
    sum_column,
)
from medalopt.report.numbers import choose_money_scale, format_column, format_money, format_number, format_share
from medalopt.text import escape_control_characters, escape_text, format_count

DEFAULT_WIDTH = 100  # columns of a pipe, which has no width of its own
FILE_WIDTH = 1_000  # columns of a text file
_STYLE_CODES = {"plain": "", "bold": "\x1b[1m", "faint": "\x1b[2m"}
_RESET_CODE = "\x1b[0m"

TextStyle = Literal["plain", "bold", "faint"]


@dataclass(frozen=True)
class Screen:
    """A text device of `width` columns; plain type unless `typed`."""

    width: int
    typed: bool = False

    @classmethod
    def from_stdout(cls) -> Screen:
        """Return the device for standard output.

        Returns:
            The width of the terminal or of COLUMNS; bold type only on a terminal without NO_COLOR.
        """
        terminal = sys.stdout is not None and sys.stdout.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        fallback = 80 if terminal else DEFAULT_WIDTH
        columns = os.environ.get("COLUMNS", "")
        known = columns.isascii() and columns.isdigit() and int(columns) > 0
        width = int(columns) if known else shutil.get_terminal_size((fallback, 24)).columns if terminal else fallback
        return cls(width, terminal and not plain)

    def format_line(self, text: str, type_: TextStyle = "plain") -> str:
        """Format one line.

        Args:
            text: The line, in which control characters are escaped.
            type_: Style on a terminal.

        Returns:
            The line with its line break.
        """
        text = escape_control_characters(text)
        return (
            f"{_STYLE_CODES[type_]}{text}{_RESET_CODE}\n" if self.typed and text and type_ != "plain" else f"{text}\n"
        )


COLUMN_GAP = 2
MIN_NAME_WIDTHS = (12, 6)  # least width in cells of a column of names; the next one where the table is still too wide
_UNIT_PATTERN = (  # stays with its number
    r"(?:(?<=[0-9]) (?=(?:tn|bn|m|t|kg|g|mg|[A-Z]{3})\b|%)|(?:(?<=[0-9] m)|(?<=[0-9] (?:bn|tn))) (?=[A-Z]{3}\b))"
)
_WORD_PATTERN = re.compile(rf"(?:\S|{_UNIT_PATTERN})*\s*")
_PART_PATTERN = re.compile(r"[^\s_@./+-]*[\s_@./+-]*")


def _select_columns(section: TextTable, width: int) -> tuple[int, ...]:
    """Return the indices of the columns that are shown within a width."""
    selected = tuple(range(len(section.columns)))
    for rank in sorted({column.rank for column in section.columns} - {0}, reverse=True):
        if _sum_widths(_measure_columns(section, selected)) <= width:
            break
        selected = tuple(position for position in selected if section.columns[position].rank < rank)
    return selected


def _lay_out_table(section: TextTable, width: int) -> tuple[list[str], list[list[str]]]:
    """Lay out a table as lines."""
    selected = _select_columns(section, width)
    widths = _measure_columns(section, selected, of_header=2)
    if _sum_widths(widths) > width:
        widths = _measure_columns(section, selected)
    spare = width - _sum_widths(widths)
    names = [n for n, position in enumerate(selected) if not section.columns[position].right]
    for least in MIN_NAME_WIDTHS:
        for n in sorted(names, key=lambda n: -widths[n]):
            shrunk = max(min(least, widths[n]), widths[n] + min(spare, 0))
            spare += widths[n] - shrunk
            widths[n] = shrunk
    rights = [section.columns[position].right for position in selected]
    header = _lay_out_row([section.columns[position].header for position in selected], widths, rights, bottom=True)
    return header, [_lay_out_row([row[position] for position in selected], widths, rights) for row in section.rows]


def _wrap_text(text: str, width: int) -> list[str]:
    """Wrap text between words into at least one line; a word that is too long is broken after a separator inside it."""
    lines, line = [], ""
    for piece in (part for word in _WORD_PATTERN.findall(text) for part in _split_word(word, width)):
        if line and cell_len((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.rstrip() or not lines else lines


def _split_word(word: str, width: int) -> list[str]:
    """Return a word, or its parts up to the separators, or pieces of the width."""
    if cell_len(word.rstrip()) <= width:
        return [word]
    parts = (
        chop_cells(part, max(width, 2)) if cell_len(part) > width else [part] for part in _PART_PATTERN.findall(word)
    )
    return [piece for part in parts for piece in part]


def _sum_widths(widths: Sequence[int]) -> int:
    """Return the width of all columns with the gaps between them."""
    return sum(widths) + COLUMN_GAP * (len(widths) - 1)


def _measure_columns(section: TextTable, kept: Sequence[int], of_header: int = 100) -> list[int]:
    """Return the widest cell of each column; a header may take `of_header` lines."""
    headers = [_measure_header(section.columns[position].header, of_header) for position in kept]
    return [
        max(header, *(cell_len(row[position]) for row in section.rows))
        for header, position in zip(headers, kept, strict=True)
    ]


def _measure_header(header: str, lines: int) -> int:
    """Return the least width at which a header takes at most `lines` lines."""
    width = max((cell_len(word) for word in header.split()), default=0)
    while len(_wrap_header(header, width)) > lines:
        width += 1
    return width


def _lay_out_row(
    cells: Sequence[str], widths: Sequence[int], rights: Sequence[bool], bottom: bool = False
) -> list[str]:
    """Return the lines of one row; numbers are aligned right, the header at the bottom."""
    broken = [
        _wrap_header(cell, width) if bottom else [cell] if right else _wrap_text(cell, width)
        for cell, width, right in zip(cells, widths, rights, strict=True)
    ]
    height = max(len(lines) for lines in broken)
    blank = [[""] * (height - len(lines)) for lines in broken]
    padded = [rest + lines if bottom else lines + rest for rest, lines in zip(blank, broken, strict=True)]
    gap = " " * COLUMN_GAP
    return [
        gap.join(
            _align_cell(text, width, right) for text, width, right in zip(line, widths, rights, strict=True)
        ).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _wrap_header(text: str, width: int) -> list[str]:
    """Wrap a header between words only."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _align_cell(text: str, width: int, right: bool) -> str:
    """Pad a cell to its width."""
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling


MIN_WIDTH, MAX_TEXT_WIDTH = 40, 110  # columns
_ITEM_PATTERN = re.compile(r"(?:-> |- |[0-9]+[.] )?")  # sign or number before the text of an item
MAX_TITLE_LENGTH = 500


def _render_parts(
    screen: Screen, report: Report, lines: Iterable[tuple[str, TextStyle]], tables: Sequence[TextTable | TextHeading]
) -> Iterator[str]:
    """Yield title, lines and tables of the report, with a note where columns were dropped."""
    width, wrap = max(MIN_WIDTH, screen.width), report.wrap
    heading = escape_text(report.title, MAX_TITLE_LENGTH)
    yield from (screen.format_line(line, "bold") for line in (_wrap_text(heading, width) if wrap else [heading]))
    if wrap:
        yield from _render_lines(screen, width, lines)
    else:
        yield from (screen.format_line(f"  {text}", type_) for text, type_ in lines)
    for table in tables:
        if isinstance(table, TextHeading):
            yield "\n"
            yield from (screen.format_line(line, "bold") for line in _wrap_text(table.title.upper(), width))
            yield from _render_lines(screen, width, ((line, "plain") for line in table.lines))
        else:
            yield from _render_table(screen, width, table)
    if any(len(_select_columns(table, width)) < len(table.columns) for table in tables if isinstance(table, TextTable)):
        yield "\n"
        note = "Some columns do not fit: a wider terminal, or -o, has them all."
        yield from (screen.format_line(line, "faint") for line in _wrap_text(note, width))


def _render_lines(screen: Screen, width: int, lines: Iterable[tuple[str, TextStyle]]) -> Iterator[str]:
    """Yield lines wrapped and indented; those that continue an item of a list are indented below its text."""
    for text, type_ in lines:
        hang = len(_ITEM_PATTERN.match(text)[0])  # type: ignore[index]
        for number, line in enumerate(_wrap_text(text, min(width, MAX_TEXT_WIDTH) - 2 - hang)):
            yield screen.format_line(f"  {' ' * hang if number else ''}{line}", type_)


def _render_table(screen: Screen, width: int, table: TextTable) -> Iterator[str]:
    """Yield title, header, rows and notes of a table."""
    header, rows = _lay_out_table(table, width)
    yield "\n"
    yield from (screen.format_line(line, "bold") for line in _wrap_text(table.title, width))
    yield from (screen.format_line(line, "faint") for line in header)
    for number, lines in enumerate(rows):
        total = table.total and number == len(rows) - 1
        yield from (screen.format_line(line, "bold" if total else "plain") for line in lines)
    for note in table.notes:
        yield from (screen.format_line(line, "faint") for line in _wrap_text(note, min(width, MAX_TEXT_WIDTH)))


@contextmanager
def show_progress(activity: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar while the context is open.

    Yields:
        A callback that takes the numbers of items done and of all items.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(activity, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


MOST_CELL_CHARACTERS = 300  # characters of a cell


SCREEN_LINES = 40  # lines of a screen that the summary and the tables of a report fill
_NOTE_LINES = 3  # of them for the note on further tables
_MIN_ROWS = 3  # rows of the first table that are shown in any case


def render_report_text(report: Report, screen: Screen | None = None, written: bool = False, full: bool = True) -> str:
    """Render the report as text.

    Args:
        report: Report to render.
        screen: Width and style, standard output by default; a text file has all tables and documents in full.
        written: True where `-o` writes the report: then a selection of its tables is left out.
        full: All tables of the report on a screen; False for those that fit a screen, in their order.

    Returns:
        The text; tables that a terminal does not show are named at its end.
    """
    used = screen or Screen.from_stdout()
    whole = used.width >= FILE_WIDTH
    short = not full and not whole
    details = report.details if short else ()
    lines: list[tuple[str, TextStyle]] = [(line, "plain") for line in report.headline if line not in details]
    if whole or (report.documents and full):
        lines += [(line, "faint") for line in report.foot]
    brief = written and report.screen is not None and not whole
    parts = [] if brief else [*_list_parts(report, whole), *(_list_documents(report) if whole else ())]
    parts, left = _fit_screen(used, report, lines, parts) if short else (parts, [])
    text = "".join(_render_parts(used, report, lines, parts))
    left += [re.split("[,:]", line, maxsplit=1)[0].lower() for line in details]
    if left:
        kinds = "lines and tables" if details else "tables"
        text += "\n" + _render_note(used, f"More {kinds} with --full: {'; '.join(left)}.")
    if brief or whole or not report.screen or left:
        return text
    shown = {table.key for table in report.screen}
    rest = [table.title.partition(":")[0] for table in report.tables if table.key not in shown]
    rest += [format_count(len(report.documents), "document")] if report.documents else []
    return text + (
        "\n" + _render_note(used, f"Further tables in files written by -o: {'; '.join(rest)}.") if rest else ""
    )


def _render_note(screen: Screen, note: str) -> str:
    """Return a note below the tables."""
    return "".join(screen.format_line(line, "faint") for line in _wrap_text(note, min(screen.width, MAX_TEXT_WIDTH)))


def _fit_screen(
    screen: Screen, report: Report, lines: list[tuple[str, TextStyle]], parts: list[TextTable | TextHeading]
) -> tuple[list[TextTable | TextHeading], list[str]]:
    """Return the tables that fit a screen below the summary, in their order, and the titles of the others.

    The first table is always shown; rows that do not fit are summed in one.
    """

    def measure_excess(shown: list[TextTable | TextHeading]) -> int:
        """Return the lines beyond those of a screen."""
        text = "".join(_render_parts(screen, report, lines, shown))
        return text.count("\n") - (SCREEN_LINES - _NOTE_LINES - bool(report.details))

    shown: list[TextTable | TextHeading] = []
    left: list[str] = []
    for part in parts:
        if measure_excess([*shown, part]) <= 0:
            shown.append(part)
            continue
        if not shown and not left and report.screen and isinstance(part, TextTable):
            shown.append(_cut_rows(report.screen[0], lambda table: measure_excess([table]) <= 0))
        left.append(part.title.partition(":")[0])
    return shown, left


def _cut_rows(table: ReportTable, fits: Callable[[TextTable], bool]) -> TextTable:
    """Return a table with as many rows as fit, the others summed in one, and with `_MIN_ROWS` in any case."""
    most = min(len(table.rows), table.most or len(table.rows))
    cut = (_escape_cells(format_table(table, rows)) for rows in range(most, _MIN_ROWS, -1))
    return next((shown for shown in cut if fits(shown)), _escape_cells(format_table(table, _MIN_ROWS)))


def _list_parts(report: Report, whole: bool) -> Iterator[TextTable | TextHeading]:
    """Yield the tables of a report, then each of its parts with a heading."""
    tables = report.screen
    if tables is None or whole:
        of_charts = (table for chart in report.charts for table in chart.tables)
        again = report.summary.tables if report.summary and report.plan else ()  # the headline says it
        tables = tuple(table for table in (*of_charts, *report.tables) if table.rows and table not in again)
    yield from (_escape_cells(format_table(table, None if whole else table.most)) for table in tables)
    for part in report.parts:
        yield TextHeading(part.title, part.headline)
        yield from _list_parts(part, whole)


def _list_documents(report: Report) -> Iterator[TextTable | TextHeading]:
    """Yield the order documents: party and terms, then lines."""
    for document in report.documents:
        pairs = (f"{field}: {value}" for field, value in (*document.party, *document.terms) if value)
        yield TextHeading(f"{document.kind} {document.number}", (*filter(None, (document.stamp,)), *pairs))
        lines = format_table(document.lines)
        yield _escape_cells(replace(lines, notes=(*lines.notes, *document.notes)))


def _escape_cells(table: TextTable) -> TextTable:
    """Return a table whose cells are one line each, without control characters."""
    return replace(
        table, rows=tuple(tuple(escape_text(cell, MOST_CELL_CHARACTERS) for cell in row) for row in table.rows)
    )


TextRow = tuple[str, ...]
EMPTY_CELLS = frozenset({"", "0", "–"})


@dataclass(frozen=True)
class TextColumn:
    """Column of a text table; where space is short the columns of the highest rank are dropped first, rank 0 never."""

    header: str
    right: bool = True
    rank: int = 0


@dataclass(frozen=True)
class TextTable:
    """Text table with title and notes; the last row is a total if `total` is set."""

    title: str
    columns: tuple[TextColumn, ...]
    rows: tuple[TextRow, ...]
    total: bool = False
    notes: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class TextHeading:
    """Start of a part of a report: its title and the lines below it."""

    title: str
    lines: tuple[str, ...]


BREAK_PATTERN = re.compile(
    r"(?<=\w)([@_/]|\.(?=[A-Za-z*]))(?=[\w*])"
)  # separators of a name, after which a line may be broken
_SCALED_STYLES = ("scaled", "signed")


def format_table(table: ReportTable, maximum: int | None = None) -> TextTable:
    """Format a table as text, without hidden columns and without optional ones that say nothing.

    Args:
        table: Table to format.
        maximum: Rows shown; the rest is summed in one row. None shows all.

    Returns:
        The text table; its last row is the total of all rows where there is one.
    """
    rows = list(table.rows if maximum is None or len(table.rows) <= maximum + 1 else table.rows[:maximum])
    left = len(table.rows) - len(rows)
    if left:
        rows.append(_sum_rows(table, len(rows), f"… and {left:,} more"))
    adds = bool(table.rows) and (bool(table.total) or any(column.total for column in table.columns))
    if adds:
        rows.append(table.total or _sum_rows(table, 0, "total"))
    shown = []
    for position, column in enumerate(table.columns):
        header, cells = _format_column(column, [row[position] for row in rows])
        if not (column.hidden or (column.optional and set(cells) <= EMPTY_CELLS)):
            shown.append((TextColumn(header, column.unit is not None, column.rank), cells))
    lines = tuple(zip(*(cells for _, cells in shown), strict=True))
    return TextTable(table.title, tuple(column for column, _ in shown), lines, adds, table.notes, table.description)


def _format_column(column: ReportColumn, cells: Sequence[CellValue]) -> tuple[str, list[str]]:
    """Return the header of a column with its unit, and its cells as text."""
    numbers = iter(_format_numbers(column, values := [float(cell) for cell in cells if isinstance(cell, int | float)]))
    word = choose_money_scale(values)[1] if column.style in _SCALED_STYLES else ""
    unit = f"{word}{column.unit or ''}".strip()
    texts = [next(numbers) if isinstance(cell, int | float) else format_cell(cell, column) for cell in cells]
    return f"{column.title} ({unit})" if unit and column.title else column.title or unit, texts


def _format_numbers(column: ReportColumn, values: Sequence[float]) -> list[str]:
    """Return the numbers of a column in its style, without the unit."""
    if column.style in _SCALED_STYLES:
        size = choose_money_scale(values)[0]
        texts = format_column([value / size for value in values])
        signed = column.style == "signed"
        return [text if not signed or text.startswith(("−", "0", "≈")) else f"+{text}" for text in texts]
    if column.style == "even":
        return format_column(values)
    if column.style == "share":
        return [format_share(value, 1.0).removesuffix(" %") for value in values]
    if column.style == "money":
        return [format_money(value) for value in values]
    return [format_number(value) if column.style == "significant" else format_cell(value, column) for value in values]


def fix_digits(table: ReportTable) -> ReportTable:
    """Give every column of numbers fixed decimal places, for a program that shows numbers by column.

    Returns:
        The table with the greatest number of decimal places that the style of each column shows, and of no style;
        numbers that people read as another text count as those of significant digits.
    """
    styles: dict[NumberStyle, NumberStyle] = {"scaled": "even", "signed": "even", "fixed": "significant"}
    columns = []
    for position, column in enumerate(table.columns):
        cells = [row[position] for row in table.rows]
        if column.style != "fixed" or any(isinstance(cell, ShownValue) and cell.value is not None for cell in cells):
            values = [float(value) for value in map(get_cell_value, cells) if isinstance(value, int | float)]
            plain = replace(column, style=styles.get(column.style, column.style))
            texts = _format_numbers(plain, values)
            digits = max((len(text.partition(".")[2].partition(" ")[0]) for text in texts), default=0)
            column = replace(column, digits=max(digits, column.digits), style="fixed")
        columns.append(column)
    return replace(table, columns=tuple(columns))


def _sum_rows(table: ReportTable, start: int, name: str) -> tuple[CellValue, ...]:
    """Return a row of the sums of the columns from row `start` on, called `name` in the first shown column."""
    sums: list[CellValue] = [
        sum_column(table, position, start) if column.total else None for position, column in enumerate(table.columns)
    ]
    first = next((position for position, column in enumerate(table.columns) if not column.hidden), 0)
    return tuple(name if position == first and value is None else value for position, value in enumerate(sums))


def encode_document(document: OrderDocument, lines: object) -> dict[str, object]:
    """Return an order document as a page or a print takes it.

    Args:
        document: Order document.
        lines: Its lines, as the renderer lays them out.

    Returns:
        Title, stamp, party, terms, missing details, lines and notes.
    """
    return {
        "title": f"{document.kind.capitalize()} {document.number}",
        "stamp": document.stamp,
        "party": document.party,
        "terms": document.printed_terms,
        "missing": document.missing,
        "lines": lines,
        "notes": document.notes,
    }


_INFEASIBLE_WORDS = ("Infeasible:", "Infeasible (proven)")  # not `Infeasible without`, a finding
_STATUS_WORDS = ("Optimal", "Feasible", "Stopped", *_INFEASIBLE_WORDS, "Plan is", "No plan", "No errors")
_KEY_FIGURE_PATTERN = re.compile(
    r"(?P<label>[A-Z][^.:;,]{1,47}): (?P<value>.+?)(?:(?:[,;.] | (?=[(](?:\w+ )?[0-9]))(?P<detail>.*))?"
)
_PARENTHESIS_PATTERN = re.compile(r"\A[(]([^()]*)[)][.]?\Z")  # around all of a detail
_MAX_KEY_VALUE = 48  # characters of a key figure; longer sentences stay sentences


@dataclass(frozen=True)
class KeyFigure:
    """A line `label: value, detail` of the summary."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class SummaryText:
    """Summary of a page: status, key figures and the other sentences."""

    status: str
    key_figures: tuple[KeyFigure, ...]
    lines: tuple[str, ...]


def split_summary(report: Report) -> SummaryText:
    """Split the headline of a report into status, key figures and sentences.

    Args:
        report: Report; the key figures of one with a first page are those of its table.
    """
    found = _split_headline(report.headline, report.status)
    if not found.status:
        stated = (_split_headline(part.headline).status for part in report.parts)
        found = replace(found, status=next(filter(None, stated), ""))
    if report.summary is None:
        return found
    rows = ([str(get_cell_value(cell) or "") for cell in row] for row in report.summary.figures.rows)
    figures = tuple(KeyFigure(*row) for row in rows)
    return SummaryText(found.status, figures, tuple(line for line in report.headline if line != found.status))


def _split_headline(lines: tuple[str, ...], status: str = "") -> SummaryText:
    """Split sentences into the status, where it is not given, key figures and the others, in their order."""
    status = status or next((line for line in lines if line.startswith(_STATUS_WORDS)), "")
    figures: dict[str, KeyFigure] = {}
    for line in lines:
        found = _KEY_FIGURE_PATTERN.fullmatch(line)
        if found and line != status and len(found["value"]) <= _MAX_KEY_VALUE:
            detail = _PARENTHESIS_PATTERN.sub(r"\1", found["detail"] or "")
            figures[line] = KeyFigure(found["label"], found["value"].removesuffix("."), detail)
    rest = tuple(line for line in lines if line not in figures and line != status)
    return SummaryText(status, tuple(figures.values()), rest)
