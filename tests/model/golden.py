"""Rows of one component of an instance's program as LP text, as kept in `golden/`.

`golden/FAMILY.yaml` is an instance, `golden/FAMILY.COMPONENT.lp` the rows of the component with the bounds of their
columns; `golden/objective.MEASURE.lp` is an objective. They were checked by hand against `models/sourcing.md`. `python
-m tests.model.golden` writes them again: read the changes before you keep them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.model.cases import MEASURES, ROOT

import medalopt
from medalopt.export import write_lp
from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.linear_program import NamedLinearProgram
from medalopt.solver.assemble import build_named_program
from medalopt.solver.confidence import separate_cuts

FOLDER = Path(__file__).parent / "golden"
FAMILIES: dict[str, tuple[str, ...]] = {
    "linking": (
        *("define_feed", "define_treated", "define_returned", "define_sent_device", "define_sent_region"),
        *("define_sent_stream", "define_spend", "define_network_footprint", "define_bought"),
    ),
    "supply": ("supply", "bundle_supply"),
    "capacity": ("feed_capacity", "treatment_capacity", "cast_capacity"),
    "metal_balance": ("balance",),
    "offers_in_stock": ("offer_balance",),
    "offer_stock": ("offer_balance", "offer_storage", "closing_stock"),
    "charge_limits": ("charge_limit",),
    "melt": ("melt",),
    "fineness": ("fineness_low", "fineness_high", "others"),
    "demand": ("demand",),
    "castings": ("define_cast_stock",),
    "reserve": ("reserve",),
    "shortfall": ("demand", "define_cast_stock"),
    "commitments": ("purchase", "stream_commitment", "feed_total"),
    "recycled_content": ("recycled",),
    "device_mix": ("mix_low", "mix_high"),
    "participation": ("participation",),
    "footprint": ("footprint_cap",),
    "concentration": ("concentration_smelters", "concentration_regions", "concentration_offers"),
    "process_scrap": ("process_scrap",),
    "fractions": ("fractions", "supply", "define_feed", "define_treated", "define_spend"),
    "impurities": ("define_impurity", "impurity_limit", "define_spend"),
    "prices": ("define_spend",),
    "pooled_settlement": (
        *("withheld_least", "withheld_most", "withheld_all"),
        *("define_returned", "define_spend"),  # from which what is withheld goes off
    ),
    "confidence": ("confidence", "define_assured"),
    "uncertainty_budget": ("confidence", "protected"),
    "activities": (
        *("define_line_feed", "line_least", "line_most", "smelter_most", "treatment_most", "stream_most", "offer_most"),
    ),
    "left_metal": ("left_most", "define_returned_line", "balance"),
    "price_steps": (
        *("stream_steps", "stream_steps_least", "stream_steps_most"),
        *("offer_steps", "offer_steps_least", "offer_steps_most"),
    ),
}


def component(name: str) -> str:
    """Return the component of a row or column by its name."""
    return name.partition("[")[0]


def restricted(program: NamedLinearProgram, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> NamedLinearProgram:
    """Return the program with `rows` alone, and the columns in them."""
    column = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    stays = rows[program.indices]
    columns = np.isin(np.arange(len(program.columns)), column[stays])
    counts = np.bincount(column[stays], minlength=len(columns))[columns]
    return replace(
        program,
        columns=tuple(name for name, kept in zip(program.columns, columns, strict=True) if kept),
        lower=program.lower[columns],
        upper=program.upper[columns],
        cost=program.cost[columns],
        rows=tuple(name for name, kept in zip(program.rows, rows, strict=True) if kept),
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=(np.cumsum(rows) - 1)[program.indices[stays]].astype(np.int32),
        data=program.data[stays],
        integer_columns=type(program.integer_columns)(
            int(np.cumsum(columns)[j]) - 1 for j in program.integer_columns if columns[j]
        ),
    )


def build_cut_routes(instance: Instance) -> Routes:
    """Return the routes with the cuts of the promised confidence at the cheapest plan without it, if any is needed."""
    routes = build_program_routes(instance)
    if "confidence" not in instance.annex:
        return routes
    plan = medalopt.solve(instance.with_changes({"policy.confidence.Ag": "50 %"}))
    return replace(routes, cuts=separate_cuts(instance, routes, plan.account.decisions))


def rows_of(family: str, name: str) -> str:
    """Return the rows of component `name` in the instance of `family`, and the bounds of their columns."""
    instance = medalopt.load(FOLDER / f"{family}.yaml")
    program = build_named_program(instance, routes=build_cut_routes(instance))
    chosen = np.array([component(row) == name for row in program.rows])
    text = write_lp(restricted(program, chosen))
    return text[text.index("subject to") : text.index("end\n")]


def objective(measure: str) -> str:
    """Return the non-zero terms of an objective."""
    program = build_named_program(medalopt.load(FOLDER / "objective.yaml"), measure)
    text = write_lp(program)
    terms = " ".join(text[text.index("objective:") : text.index("subject to")].split()).removeprefix("objective: ")
    kept = [term for term in re.split(r" (?=[+-] )", terms) if not re.match(r"[+-] 0\.0 ", term)]
    return "minimize\n" + "".join(f" {term}\n" for term in kept)


def expected() -> dict[Path, str]:
    """Return every golden file with the text that the code makes of it."""
    files = {
        FOLDER / f"{family}.{name}.lp": rows_of(family, name) for family, names in FAMILIES.items() for name in names
    }
    return files | {FOLDER / f"objective.{measure}.lp": objective(measure) for measure in MEASURES}


if __name__ == "__main__":
    for path, text in expected().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
