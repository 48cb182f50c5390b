"""Errors planted in the MathProg model, one in each part: the random instances tell it from the true one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from tests.instances_at_random.figures import Document
from tests.model.cases import loaded
from tests.random_instances import (
    document,
    with_activities,
    with_concentration,
    with_falling_prices,
    with_fractions,
    with_impurities,
    with_offer_stock,
    with_pools,
    with_price_lists,
    with_price_steps,
    with_reserve,
    with_settlement,
    with_shortfall,
    with_stock,
)
from tests.twin import glpk

from medalopt.catalog import FAMILIES
from medalopt.export import write_mathprog

PLANTED = {
    "deduction": ("POOLED then 0 else deduction[", "POOLED then 0 else 0.5 * deduction["),
    "pi in the deduction": ("\n        * to_smelter[h,device[i]]));", "));"),
    "credited": ("credited[i,e] * max", "max"),
    "refining of what returns too late": (
        "sum{e in METALS: t + lead[k,e] <= n} refining_charge_in[terms[k,device[i],h],e,t+lead[k,e]]",
        "sum{e in METALS} refining_charge_in[terms[k,device[i],h],e,min(t+lead[k,e],n)]",
    ),
    "residue": (
        "- residue_value[h] * (1 - to_smelter[h,device[i]] - sum{f in GOING[i,h]} to_smelter[f,device[i]])",
        "- residue_value[h]",
    ),
    "storage cost": ("storage_cost[i] * stockpile[i,t]", "0 * stockpile[i,t]"),
    "lead": (
        "(i,t-lead[k,e]) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t-lead[k,e]]\n                    - sum{l",
        "(i,t) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t]\n                    - sum{l",
    ),
    "bundle": ("    = (if available[i,t] > 0", "    <= (if available[i,t] > 0"),
    "supply": ("    <= available[i,t];", "    <= 1.1 * available[i,t];"),
    "feed capacity": ("feed[k,t] <= feed_limit[k,t];", "feed[k,t] <= 1.1 * feed_limit[k,t];"),
    "treatment capacity": ("<= treatment_limit[h,t];", "<= 1.1 * treatment_limit[h,t];"),
    "cast capacity": ("cast[a,t] <= cast_limit[a,t];", "cast[a,t] <= 1.1 * cast_limit[a,t];"),
    "opening stock": ("then opening_stock[e] else", "then 0.9 * opening_stock[e] else"),
    "melt loss": ("* (1 - loss[a]) =", "="),
    "least share": ("    >= low[a,e] *", "    >= 0.99 * low[a,e] *"),
    "greatest share": ("    <= high[a,e] *", "    <= 1.01 * high[a,e] *"),
    "others": ("    <= others_share[a] *", "    <= 1.1 * others_share[a] *"),
    "unnamed matter without others": ("composition[o,e] >= 1 - 1e-12}", "composition[o,e] >= 0.9}"),
    "unnamed matter": ("(1 - sum{(a,e) in NAMED} composition[o,e]) * buy", "0 * buy"),
    "allowance": (" * (1 + allowance[m])", ""),
    "deadline": ("MEDALS: due[m] <= t}", "MEDALS: due[m] < t or t = n}"),
    "share of process scrap": ("(1 - scrap_share[a]) * cast[a,u]\n        + sum", "cast[a,u]\n        + sum"),
    "purchase commitment": ("purchase_committed[o] <= bought", "0.9 * purchase_committed[o] <= bought"),
    "purchase limit": ("bought[o] <= purchase_limit[o];", "bought[o] <= 0.9 * purchase_limit[o];"),
    "stream commitment": (">= stream_committed[i];", ">= 0.9 * stream_committed[i];"),
    "feed commitment": ("total_committed[k] <= sum", "0.9 * total_committed[k] <= sum"),
    "feed limit": ("feed[k,t] <= total_limit[k];", "feed[k,t] <= 0.9 * total_limit[k];"),
    "recycled fraction": ("(1 - recycled_fraction[o]) *", ""),
    "least of the mix": (">= window_low[w] * sum", ">= 0.9 * window_low[w] * sum"),
    "greatest of the mix": ("<= window_high[w] * sum", "<= 1.1 * window_high[w] * sum"),
    "participation": (">= participation_share * offer[g];", ">= 0.9 * participation_share * offer[g];"),
    "concentration of smelters": ("<= smelters_share * sum", "<= 1.1 * smelters_share * sum"),
    "concentration of regions": ("<= regions_share * sum", "<= 1.1 * regions_share * sum"),
    "concentration of offers": ("<= offers_share * sum", "<= 1.1 * offers_share * sum"),
    "impurity limit": ("<= content_limit[k,x] * feed", "<= 1.1 * content_limit[k,x] * feed"),
    "impurity penalty": ("- penalty_above[p] * to_smelter[h,d]", "- 0 * to_smelter[h,d]"),
    "impurities accepted": ("> refused[terms[k,d,h],x] * to_smelter", "> 2 * refused[terms[k,d,h],x] * to_smelter"),
    "fractions that stay": (
        "    sum{(h,k) in ROUTES[i]} ship[i,h,k,t] = leave[i,parent[h],t];",
        "    sum{(h,k) in ROUTES[i]} ship[i,h,k,t] <= leave[i,parent[h],t];",
    ),
    "devices of fractions counted twice": (":= {(h,k) in ROUTES[i]: parent[h] = ''};", ":= {(h,k) in ROUTES[i]};"),
    "price of fractions sold": ("to_smelter[f,device[i]] * sold_in[f", "0 * sold_in[f"),
    "footprint": ("* bought[o] <= cap;", "* bought[o] <= 1.1 * cap;"),
    "process scrap": ("then fit[a] * cast[a,t-scrap_lead[a]])", "then scrap_share[a] * cast[a,t-scrap_lead[a]])"),
    "scrap lead": ("cast[a,t-scrap_lead[a]])", "cast[a,t])"),
    "holding": ("holding[e,t] * stock[e,t]", "0 * stock[e,t]"),
    "offers in stock": ("(if t = 1 then offer_opening[o] else offer_stock[o,t-1]) + acquire[o,t]", "acquire[o,t]"),
    "offers in stock before": ("(if t = 1 then offer_opening[o] else offer_stock", "(if t > 1 then offer_stock"),
    "storage of the first period": ("<= offer_storage_limit[o,t];", "<= offer_storage_limit[o,1];"),
    "stock left at the end": ("offer_stock[o,n] >= offer_closing[o];", "offer_stock[o,1] >= offer_closing[o];"),
    "offers charged together": ("buy[o,a,t] <= most_charged[a,l,t];", "buy[o,a,t] <= 1.5 * most_charged[a,l,t];"),
    "castings sold": ("cast_price[a,t] * (1 - scrap_share[a]) * cast", "cast_price[a,t] * cast"),
    "holding of offers": ("* acquire[o,t] + offer_holding[o,t] * offer_stock[o,t])", "* acquire[o,t])"),
    "holding of castings": ("cast_holding[a,t] * cast_stock[a,t]", "0 * cast_stock[a,t]"),
    "castings that are due": ("* cast[a,u] - owed[a,t]\n", "* cast[a,u]\n"),
    "safety stock a period too far": ("u <= t + reserve_periods[e]}", "u <= t + 1 + reserve_periods[e]}"),
    "safety stock of this period": ("u in PERIODS: u > t and", "u in PERIODS: u >= t and"),
    "penalty of a medal not made": ("shortfall[m] * missed[m]", "0.9 * shortfall[m] * missed[m]"),
    "more medals missed than ordered": (">= 0, <= count[m]; ", ">= 0, <= 2 * count[m]; "),
    "medals missed before their date": (
        "MISSABLE: due[m] <= t} in_medal[m,a] * missed[m]\n",
        "MISSABLE} in_medal[m,a] * missed[m]\n",
    ),
    "castings of medals not made": (
        "MISSABLE: due[m] <= t} in_medal[m,a] * missed[m];",
        "MISSABLE: due[m] < 0} in_medal[m,a] * missed[m];",
    ),
    "refining of metal left": ("(pays[l,e,t] + refining_charge_in[l,e,t]) * left", "pays[l,e,t] * left"),
    "price of metal left": ("(pays[l,e,t] + ref", "(pays[l,e,1] + ref"),
    "metal left that is called back": (" - sum{(l,e,t) in LEAVING} left[l,e,t];", ";"),
    "lead of metal left": (
        "(i,t-lead[k,e]) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t-lead[k,e]]\n                         -",
        "(i,t) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t]\n                         -",
    ),
    "no more left than credited": (
        "left[l,e,t] <= returned_line[l,e,t];",
        "left[l,e,t] <= 1.1 * returned_line[l,e,t];",
    ),
    "refining charge at shipment": ("h],e,t+lead[k,e]] * yield[k,i,h,e];", "h],e,t] * yield[k,i,h,e];"),
    "refining charge of metal withheld at shipment": (
        "refining_charge_in[l,e,t+lead[k,e]] * withheld",
        "refining_charge_in[l,e,t] * withheld",
    ),
    "price of the first period": ("    price_in[i,t] +", "    price_in[i,1] +"),
    "treatment charge of the first period": (
        "treatment_charge_in[terms[k,device[i],h],t])",
        "treatment_charge_in[terms[k,device[i],h],1])",
    ),
    "penalty of the first period": ("} penalty_charge_in[p,t]", "} penalty_charge_in[p,1]"),
    "sale": ("sell[e,t] * surplus", "sell[e,1] * surplus"),
    "minimum lot": (">= minimum_lot[l] * line_used[l,t]", ">= 0.5 * minimum_lot[l] * line_used[l,t]"),
    "lot charge": ("lot_charge[l] * line_used[l,t]\n", "0.5 * lot_charge[l] * line_used[l,t]\n"),
    "a line fed without its charge": ("<= most_fed[l,t] * line_used[l,t];", "<= most_fed[l,t];"),
    "a smelter fed without its charge": ("<= most_smelted[k] * smelter_used[k];", "<= most_smelted[k];"),
    "treated without a charge": ("<= most_treated[h] * treatment_used[h];", "<= most_treated[h];"),
    "taken without a charge": ("<= most_taken[i] * stream_used[i];", "<= most_taken[i];"),
    "bought without a charge": ("<= most_used[o] * offer_used[o];", "<= most_used[o];"),
    "feed bounded by half the supply": (
        "sum{(k,i) in SUPPLYING[l,h]} to_smelter[h,device[i]] * can_send",
        "sum{(k,i) in SUPPLYING[l,h]} 0.5 * to_smelter[h,device[i]] * can_send",
    ),
    "limit of a step of a stream": (
        "then stream_excess[s]) <= stream_up_to[s];",
        "then stream_excess[s]) <= 1.5 * stream_up_to[s];",
    ),
    "limit of a step of an offer": (
        "then offer_excess[s]) <= offer_up_to[s];",
        "then offer_excess[s]) <= 1.5 * offer_up_to[s];",
    ),
    "lower price of a stream before its limit": ("+ stream_up_to[s] * stream_step_used[s] <=", "<="),
    "lower price of an offer before its limit": ("+ offer_up_to[s] * offer_step_used[s] <=", "<="),
    "lower price of a stream unused": (
        "most_taken[stream_step[s]] - stream_up_to[s]) * stream_step_used[s];",
        "most_taken[stream_step[s]] - stream_up_to[s]);",
    ),
    "lower price of an offer unused": (
        "most_used[offer_step[s]] - offer_up_to[s]) * offer_step_used[s];",
        "most_used[offer_step[s]] - offer_up_to[s]);",
    ),
    "scrap value": ("scrap_value[a] * (scrap[a,n]", "scrap_value[a] * (0"),
    "scrap value of what fell last": ("t > n - scrap_lead[a]} fit[a]", "t > n - scrap_lead[a]} 0"),
}


KINDS: Mapping[str, tuple[Callable[[int], Document], Sequence[int]]] = {
    "as it is": (document, range(200)),
    "with stock": (with_stock, range(40)),
    "with pooled lots": (with_pools, range(32)),
    "with concentration": (with_concentration, range(40)),
    "with impurities": (with_impurities, range(16)),
    "with stock of offers": (with_offer_stock, range(40)),
    "with fractions": (with_fractions, range(16)),
    "with shortfall": (with_shortfall, range(24)),
    "with settlement": (with_settlement, range(20)),
    "with safety stock": (with_reserve, range(24)),
    "with lists of prices": (
        with_price_lists,
        (*range(18), 24, 56, 197),
    ),  # the last ones tell charges of periods apart
    "with lots of feed": (with_activities, range(24)),
    "with price steps": (with_price_steps, range(16)),
    "with falling prices": (with_falling_prices, range(16)),
}


@cache
def solve_case(kind: str, number: int) -> tuple[str, glpk.Answer]:
    """Return the data of a random instance of a kind with their true answer."""
    text = write_mathprog(loaded(KINDS[kind][0](number)))
    return text, solve_text(kind, text)


def solve_text(kind: str, text: str, model: Path = glpk.MODEL) -> glpk.Answer:
    """Return the answer to the data of an instance; with lots of feed that of the mixed-integer program."""
    return (glpk.solve_whole if kind == "with lots of feed" else glpk.solve)(text, model)


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_is_found(error: str, tmp_path: Path) -> None:
    """With the error in the model, some instance has another status or another optimum."""
    right, wrong = PLANTED[error]
    text = glpk.MODEL.read_text(encoding="utf-8")
    assert text.count(right) == 1
    planted = tmp_path / "planted.mod"
    planted.write_text(text.replace(right, wrong), encoding="utf-8")

    def is_found_in(kind: str, number: int) -> bool:
        data, answer = solve_case(kind, number)
        return differs(solve_text(kind, data, planted), answer)

    fewest_first = sorted(KINDS, key=lambda kind: len(KINDS[kind][1]))
    assert any(is_found_in(kind, number) for kind in fewest_first for number in KINDS[kind][1])


def differs(answer: glpk.Answer, other: glpk.Answer) -> bool:
    """Return whether two answers are not the same by the measure of the twin test."""
    if answer.objective is None or other.objective is None:
        return answer.status != other.status
    return abs(answer.objective - other.objective) > 1e-8 * max(1, abs(answer.objective), answer.paid)


def components(heading: str) -> set[str]:
    """Return the components in the table of models/sourcing.md below `heading`."""
    page = (glpk.MODEL.parent / "sourcing.md").read_text(encoding="utf-8")
    table = page[page.index(heading) :].split("\n\n")[1]
    return {name for line in table.splitlines() for name in re.findall(r"`([a-z_]+)[`\[]", line.split("|")[2])}


def test_the_random_instances_have_teeth() -> None:
    """About two thirds have a plan; every row and column of the page is in some, and every row binds in some."""
    answers = {kind: [solve_case(kind, number)[1] for number in numbers] for kind, (_, numbers) in KINDS.items()}
    counts = Counter(answer.status for answer in answers["as it is"])
    assert counts["optimal"] + counts["infeasible"] == 200
    assert 110 <= counts["optimal"] <= 160

    def in_some(kind: str) -> set[str]:
        return {name.partition("[")[0] for answer in chain(*answers.values()) for name in getattr(answer, kind)}

    promised = {"confidence", "define_assured", "protected", "assured", "budget_threshold", "protection"}
    assert in_some("columns") == components("### Variables") - promised
    whole = {name for name, family in FAMILIES.items() if family.title == "lots of feed and fixed charges"}  # no duals
    whole |= {f"{kind}_steps_{side}" for kind in ("stream", "offer") for side in ("least", "most")}  # of falling prices
    assert (
        in_some("rows") == in_some("binding") | whole | {"define_line_feed"} == components("### Constraints") - promised
    )
