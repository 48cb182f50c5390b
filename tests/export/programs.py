"""Small programs that hold everything a file format can lose."""

from __future__ import annotations

import numpy as np

from medalopt.linear_program import NamedLinearProgram, format_component_name

INF = np.inf


def program(
    columns: list[tuple[str, float, float, float]],
    rows: list[tuple[str, float, float]],
    entries: list[tuple[int, int, float]],
    offset: float = 0.0,
) -> NamedLinearProgram:
    """Return a program of `columns` (name, lower, upper, cost), `rows` (name, lower, upper) and `entries`."""
    ordered = sorted(entries, key=lambda entry: (entry[1], entry[0]))
    counts = np.bincount([column for _, column, _ in ordered], minlength=len(columns))
    return NamedLinearProgram(
        columns=tuple(name for name, *_ in columns),
        lower=np.array([lower for _, lower, _, _ in columns]),
        upper=np.array([upper for _, _, upper, _ in columns]),
        cost=np.array([cost for *_, cost in columns]),
        offset=offset,
        rows=tuple(name for name, *_ in rows),
        row_lower=np.array([lower for _, lower, _ in rows]),
        row_upper=np.array([upper for *_, upper in rows]),
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=np.array([row for row, _, _ in ordered], dtype=np.int32),
        data=np.array([value for *_, value in ordered]),
    )


def strange() -> NamedLinearProgram:
    """Return a program with every kind of row, bound and name, and with figures of 17 digits."""
    return program(
        columns=[
            (format_component_name("ship", "phone@tokyo", "dismantle", "kosaka", "2017-04"), 0.0, INF, 0.1 + 0.2),
            (format_component_name("ship", "téléphone, vieux", "a [b]", "NA", "007"), 0.0, 1 / 3, -1e-9 / 7),
            (format_component_name("spend", "2017-04"), -INF, INF, 1.0),
            (format_component_name("stock", "Ag", 1), -1e19 / 3, 1e-9 / 3, 0.0),
            (format_component_name("idle"), -2.5, INF, 0.0),
            ("free", -INF, -1 / 7, 12345678901234567.0),
            ("e10", 4.0, 4.0, 0.0),
        ],
        rows=[
            (format_component_name("supply", "phone@tokyo", "2017-04"), -INF, 2 / 3),
            (format_component_name("demand", "silver 999", "2017-04"), 1.1, 1.1),
            (format_component_name("purchase", "old; \\ \"silver\""), -0.1, 0.7),
            (format_component_name("feed_total", "k"), 1e-3, INF),
            (format_component_name("idle"), -INF, INF),
            (format_component_name("empty"), -INF, 3.0),
        ],
        entries=[
            (0, 0, 1.0), (0, 1, 0.1), (1, 0, 1 / 3), (1, 2, -1e-8 / 3), (2, 1, 1e9 / 7),
            (2, 3, -1.0), (3, 3, 2.5), (3, 5, 1 / 9), (4, 0, 1.0), (4, 6, 1.0),
        ],
        offset=-17.3,
    )  # fmt: skip
