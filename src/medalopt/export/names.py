"""Names for LP, MPS and MathProg files that stay recognisable.

Names of the program consist of ASCII letters, digits, `_.-~@%` and the brackets and commas of indices. MPS takes them
unchanged. The LP format takes neither brackets nor the minus sign, and reads `e10` as part of a number and words such
as `free` as keywords, so that `ship[phone@tokyo,2017-04]` becomes `ship(phone@tokyo,2017%2D04)` in both formats. A
name longer than the format allows is cut and ends in a hash of the whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from medalopt.linear_program import NamedLinearProgram, percent_encode

MAX_NAME_LENGTH = 255  # characters of a row or column name that CPLEX, GLPK and HiGHS all read
MAX_SYMBOL_LENGTH = 75  # characters of a MathProg symbol: three of them fit into one row name
_LP_SAFE = "(),@%"  # besides letters, digits and `_.~`: characters that every reader of LP files takes
_NUMBER_LIKE = re.compile(r"[^A-Za-z_]|[eE][0-9]")
_LP_WORDS = re.compile(
    r"min|max|minimi[sz]e|maximi[sz]e|minimum|maximum|subject|such|st|s\.t\.|st\.|bounds?|free|inf|infinity|integers?|int"
    r"|generals?|gen|binary|binaries|bin|semis?|sec|sos[12]?|end"
)


def _make_lp_name(name: str) -> str:
    """Return a name with the characters allowed in LP and MPS files, of any length."""
    safe = quote(name.replace("[", "(").replace("]", ")"), safe=_LP_SAFE).replace("-", "%2D")
    return f"_{safe}" if _NUMBER_LIKE.match(safe) or _LP_WORDS.fullmatch(safe.lower()) else safe


def _shorten_name(name: str, longest: int) -> str:
    """Return a name, or if it is longer than `longest` its start with a hash of the whole."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - len(digest) - 1]}~{digest}"


def make_lp_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names in LP and MPS files.

    Args:
        names: Names of rows or columns.

    Returns:
        Distinct names in the same order.
    """
    return make_names_unique((_make_lp_name(name) for name in names), MAX_NAME_LENGTH)


def make_mathprog_symbols(names: Sequence[str]) -> dict[str, str]:
    """Return the symbols in a MathProg data file.

    Args:
        names: Names, possibly repeated.

    Returns:
        Name to symbol; symbols are distinct.
    """
    different = dict.fromkeys(names)
    return dict(zip(different, make_names_unique(map(percent_encode, different), MAX_SYMBOL_LENGTH), strict=True))


def write_names(program: NamedLinearProgram) -> str:
    """Render the mapping from exported names to original names as CSV.

    Args:
        program: Linear program.

    Returns:
        The CSV text, a line for each column and row.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("kind", "name", "original"))
    for kind, names in (("column", program.columns), ("row", program.rows)):
        writer.writerows((kind, safe, unquote(name)) for safe, name in zip(make_lp_names(names), names, strict=True))
    return table.getvalue()


def make_names_unique(names: Iterable[str], longest: int) -> tuple[str, ...]:
    """Shorten names and number those that would be equal.

    Args:
        names: Names.
        longest: Greatest number of characters.

    Returns:
        Distinct names in the same order.
    """
    seen: set[str] = set()
    result = []
    for name in names:
        short, count = _shorten_name(name, longest), 1
        while short in seen:
            count += 1
            short = _shorten_name(f"{name}~{count}", longest)
        seen.add(short)
        result.append(short)
    return tuple(result)
