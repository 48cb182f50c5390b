"""An extension may add to the model and tighten it; any other change is refused, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.model.cases import loaded, plain
from tests.model.test_extensions import HEAD

import medalopt
from medalopt.errors import UsageError

REFUSED = {
    "a row made another": (
        "m.demand['silver', '2'].set_value((0, m.cast['silver', '2'], None))",
        r"`demand\[silver,2\]` of the model was changed",
    ),
    "an expression made another": (
        "m.charged['silver', 'Ag', '1'].set_value(2 * m.charge['silver', 'Ag', '1'])",
        "of the model was changed",
    ),
    "the cost made another": ("m.cost.expr += m.sent_device['phone']", "add what it costs to `objective`"),
    "a bound widened": (
        "m.sent_device['phone'].setlb(-1)",
        "was given a value or a bound outside those of the model",
    ),
    "fixed out of bounds": ("m.sent_device['phone'].fix(-1)", "outside those of the model"),
    "an index taken out": (
        "del m.demand['silver', '2']",
        "an index of the model was added or removed",
    ),
}


@pytest.mark.parametrize(("line", "message"), REFUSED.values(), ids=REFUSED)
def test_what_was_there_stays_as_it_was(line: str, message: str, tmp_path: Path) -> None:
    """Each extension that alters the instance's program is refused, with its file and the altered component."""
    path = tmp_path / "own.py"
    path.write_text(HEAD + f"    {line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message) as refusal:
        medalopt.solve(loaded(plain()), extensions=[path])
    assert str(path) in str(refusal.value)


def test_a_variable_named_as_if_it_defined_a_quantity_is_kept(tmp_path: Path) -> None:
    """A user's row named `define_...` is not taken for a defining row of the network."""
    path = tmp_path / "own.py"
    lines = ("m.u = pyo.Var(domain=pyo.Reals)", "m.define_u = pyo.Constraint(expr=m.u - m.sent_device['phone'] == 0)")
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    plan = medalopt.solve(loaded(plain()), extensions=[path])
    assert [row.name for row in plan.added.rows] == ["define_u"]
    assert plan.added.variables[0].value == pytest.approx(plan.tonnes)
    assert plan.certificate.scope == "instance, 1 added row and 1 added variable"


def test_a_narrowed_bound_is_a_row(tmp_path: Path) -> None:
    """A tightened bound appears in the plan under the name of its variable."""
    path = tmp_path / "own.py"
    path.write_text(HEAD + "    m.sent_device['phone'].setlb(7)\n", encoding="utf-8")
    (row,) = medalopt.solve(loaded(plain()), extensions=[path]).added.rows
    assert (row.name, row.lower, row.upper) == ("bounds of sent_device[phone]", 7.0, float("inf"))
    assert [(term.component, term.key, term.coefficient) for term in row.terms] == [("sent_device", ("phone",), 1.0)]
