"""Worked example of the documents: its arithmetic, and the same numbers from medalopt."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import medalopt

ROOT = Path(__file__).parents[2]
MODEL, SENSITIVITY = (
    (ROOT / f"docs/explanation/{name}.md").read_text(encoding="utf-8") for name in ("model", "sensitivity")
)
OPERATORS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(text: str) -> Fraction:
    """Return the value of sums, products and quotients of numbers."""

    def value(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant)
        return Fraction(str(node.value))

    return value(ast.parse(text.replace("×", "*").replace(",", ""), mode="eval").body)


def equations() -> list[tuple[str, str, str]]:
    """Return label and both sides of every equation in a block of text of the two pages."""
    blocks = re.findall(r"^```text\n(.*?)^```", MODEL + SENSITIVITY, flags=re.DOTALL | re.MULTILINE)
    found = [re.fullmatch(r"(.*): (.*) = (.*)", line) for block in blocks for line in block.splitlines()]
    assert all(found) and len(found) == 14
    return [(each[1], each[2], each[3]) for each in found if each]


@pytest.mark.parametrize(("label", "left", "right"), equations())
def test_an_equation_holds(label: str, left: str, right: str) -> None:
    """Both sides of an equation on the page have the same value; a quotient is written to eight digits."""
    assert float(evaluate(left)) == pytest.approx(float(evaluate(right)), rel=1e-8), label


def test_the_example_is_what_medalopt_computes() -> None:
    """Plan, cost and dual values of the page are those of the instance."""
    instance = medalopt.load(ROOT / "instances/two_by_two.yaml")
    plan = medalopt.solve(instance)
    shown = {label: float(evaluate(right)) for label, _, right in equations()}
    assert plan.cost == pytest.approx(shown["cost (EUR)"]) == pytest.approx(shown["lower bound (EUR)"])
    sent = plan.shipments.set_index(["device", "smelter"])["taken [t]"].to_dict()
    assert sent == pytest.approx({("phone", "far"): 40, ("laptop", "near"): 50, ("laptop", "far"): 20})
    prices = plan.shadow_prices.set_index("path")["value"].abs()
    assert prices["metals.Ag"] == pytest.approx(shown["λ from laptop, far"])
    assert prices["smelters.near.capacity"] == pytest.approx(shown["κ from laptop, near"])
    assert prices["streams.phone@city.available"] == pytest.approx(shown["μ from phone, far"])


def test_the_greedy_plan_is_allowed_and_worse() -> None:
    """The plan by the cheapest route costs the amount on the page: the optimum with phones bound to `near`."""
    far = {"treatments.whole.accepts": ["laptop"], "smelters.near.capacity": "10 t", "medals.silver.count": 66}
    rest = medalopt.solve(medalopt.load(ROOT / "instances/two_by_two.yaml").with_changes(far))
    shown = {label: float(evaluate(right)) for label, _, right in equations()}
    assert rest.cost + 40 * 230 == pytest.approx(shown["greedy, cost (EUR)"])


def test_a_wrong_equation_is_seen() -> None:
    """A sum that is wrong has two values."""
    assert evaluate("2 × 3 - 1") == 5 != evaluate("1,000 / 250")
