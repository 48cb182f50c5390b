"""Names that LP, MPS and MathProg files can hold, and that a person still recognises.

The program's own names are made of ASCII letters, digits, `_.-~@%` and the brackets and commas between indices.
MPS takes them as they are. The LP format takes neither brackets nor the minus sign, and reads `e10` as part
of a number and words such as `free` as its own, so `ship[phone@tokyo,2017-04]` is written
`ship(phone@tokyo,2017%2D04)`, in both formats alike. A name longer than its format allows is cut short and
ends in a hash of the whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from medalopt.program import Program, percent_encoded

LONGEST_NAME = 255  # of a row or column: what CPLEX, GLPK and HiGHS all read
LONGEST_SYMBOL = 75  # of a name in MathProg data, so that three of them fit into one row name
_LP_SAFE = "(),@%"  # beside letters, digits and `_.~`: what every reader of LP files takes
_NUMBER_LIKE = re.compile(r"[^A-Za-z_]|[eE][0-9]")
_LP_WORDS = re.compile(
    r"min|max|minimi[sz]e|maximi[sz]e|minimum|maximum|subject|such|st|s\.t\.|st\.|bounds?|free|inf|infinity|integers?|int"
    r"|generals?|gen|binary|binaries|bin|semis?|sec|sos[12]?|end"
)


def lp_name(name: str) -> str:
    """Return `name` as LP and MPS files hold it, of any length."""
    safe = quote(name.replace("[", "(").replace("]", ")"), safe=_LP_SAFE).replace("-", "%2D")
    return f"_{safe}" if _NUMBER_LIKE.match(safe) or _LP_WORDS.fullmatch(safe.lower()) else safe


def shortened(name: str, longest: int) -> str:
    """Return `name`, or where it is longer than `longest` its beginning with a hash of the whole."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - len(digest) - 1]}~{digest}"


def lp_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return a safe name for each of `names`, in order; no two are alike."""
    return unlike((lp_name(name) for name in names), LONGEST_NAME)


def symbols(names: Sequence[str]) -> dict[str, str]:
    """Return the MathProg symbol of each of the different `names`; no two are alike."""
    different = dict.fromkeys(names)
    return dict(zip(different, unlike(map(percent_encoded, different), LONGEST_SYMBOL), strict=True))


def write_names(program: Program) -> str:
    """Return a CSV table of what each name in an exported LP or MPS file stands for."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("kind", "name", "original"))
    for kind, names in (("column", program.columns), ("row", program.rows)):
        writer.writerows((kind, safe, unquote(name)) for safe, name in zip(lp_names(names), names, strict=True))
    return table.getvalue()


def unlike(names: Iterable[str], longest: int) -> tuple[str, ...]:
    """Shorten `names`, and number those that would be alike."""
    seen: set[str] = set()
    result = []
    for name in names:
        short, count = shortened(name, longest), 1
        while short in seen:
            count += 1
            short = shortened(f"{name}~{count}", longest)
        seen.add(short)
        result.append(short)
    return tuple(result)
