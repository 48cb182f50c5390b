"""Extensions: admissible constraints, completeness, and their output."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from tests.model.cases import loaded, plain

import medalopt
from medalopt.errors import NoPlanError, UsageError
from medalopt.model.extensions import redirect_output
from medalopt.plan.plan import Plan

HEAD = "import math\nimport pyomo.environ as pyo\nimport pyomo.gdp as gdp\n\ndef extend(m, instance):\n"


@pytest.fixture
def extended(tmp_path: Path):  # noqa: ANN201
    """Return a function that solves the plain case (5 t are sent, at 900 JPY/t) with `lines` as its extension."""

    def solve(*lines: str) -> Plan:
        path = tmp_path / "own.py"
        path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
        return medalopt.solve(loaded(plain()), extensions=[path])

    return solve


KEPT = {
    "a constraint": ("m.c = pyo.Constraint(expr=m.sent_device['phone'] >= 7)",),
    "a coefficient of 1e-12": ("m.c = pyo.Constraint(expr=1e-12 * m.sent_device['phone'] >= 7e-12)",),
    "a coefficient that is nothing beside the other": (
        "m.c = pyo.Constraint(expr=m.sent_device['phone'] + 1e-16 * m.feed['smelter', '1'] >= 7)",
    ),
    "an indexed constraint": (
        "m.c = pyo.Constraint(pyo.RangeSet(2), rule=lambda m, n: m.sent_device['phone'] >= n + 5)",
    ),
    "a constant in the body": ("m.c = pyo.Constraint(expr=m.sent_device['phone'] + 1 >= 8)",),
    "a bound of a variable": ("m.sent_device['phone'].setlb(7)",),
    "a fixed quantity": ("m.sent_device['phone'].fix(7)",),
    "a fixed shipment": ("m.ship['phone@north', 'whole', 'smelter', '1'].fix(7)",),
    "a variable of its own": (
        "m.u = pyo.Var(bounds=(0, 2))",
        "m.c = pyo.Constraint(expr=m.sent_device['phone'] + m.u >= 9)",
    ),
    "a block, with a name of the model's": (
        "m.b = pyo.Block()",
        "m.b.stock = pyo.Var()",
        "m.b.supply = pyo.Constraint(expr=m.sent_device['phone'] >= m.b.stock)",
        "m.b.balance = pyo.Constraint(expr=m.b.stock >= 7)",
    ),
    "a price on what is missing": (
        "m.u = pyo.Var(domain=pyo.NonNegativeReals)",
        "m.c = pyo.Constraint(expr=m.sent_device['phone'] + m.u >= 7)",
        "m.objective.expr += 1e6 * m.u",
    ),
}


@pytest.mark.parametrize("lines", KEPT.values(), ids=KEPT)
def test_nothing_of_an_extension_is_lost(lines: tuple[str, ...], extended) -> None:  # noqa: ANN001
    """Each of these requires 7 t instead of 5: the plan sends them and states the scope of its proof."""
    plan = extended(*lines)
    assert plan.tonnes == pytest.approx(7, rel=1e-9)
    assert plan.certificate.optimal
    assert plan.certificate.scope == plan.added.scope != "instance"


REFUSED = {
    "power": ("m.c = pyo.Constraint(expr=m.sent_device['phone']**2 >= 1)", "c is not linear"),
    "product": ("m.c = pyo.Constraint(expr=m.spend['1'] * m.spend['2'] >= 1)", "c is not linear"),
    "NaN coefficient": (
        "m.c = pyo.Constraint(expr=math.nan * m.spend['1'] >= 6)",
        "c contains a number that is not finite",
    ),
    "infinite coefficient": ("m.c = pyo.Constraint(expr=math.inf * m.spend['1'] >= 6)", "not finite"),
    "NaN constant": ("m.c = pyo.Constraint(expr=m.spend['1'] + math.nan >= 6)", "not finite"),
    "NaN bound": ("m.c = pyo.Constraint(expr=(None, m.spend['1'], math.nan))", "c has a bound that is no number"),
    "division by nothing": (
        "m.p = pyo.Param(initialize=0, mutable=True); m.c = pyo.Constraint(expr=m.spend['1'] / m.p >= 1)",
        "c contains a value that is not a number",
    ),
    "foreign variable": (
        "x = pyo.Var(); x.construct(); m.c = pyo.Constraint(expr=m.spend['1'] + x >= 1)",
        "c contains a variable that is not part of the model",
    ),
    "NaN variable bound": ("m.spend['1'].setlb(math.nan)", "invalid non-finite lower bound"),
    "crossed bounds": ("m.spend['1'].setlb(7); m.spend['1'].setub(6)", "`spend.*` is above its upper bound"),
    "fixed at nothing": ("m.spend['1'].fix()", "`spend.*` is fixed without a value"),
    "whole numbers": ("m.y = pyo.Var(domain=pyo.Integers)", "`y` is integer"),
    "ordered set": ("m.s = pyo.SOSConstraint(var=m.feed, sos=1)", "SOSConstraint in `s` is not part of a linear"),
    "logic": ("m.b = pyo.BooleanVar(); m.l = pyo.LogicalConstraint(expr=m.b)", "is not part of a linear program"),
    "disjunct": ("m.d = gdp.Disjunct()", "Disjunct in `d` is not part of a linear program"),
    "second objective": ("m.o = pyo.Objective(expr=m.sent)", "there is one objective"),
    "greatest cost": ("m.objective.sense = pyo.maximize", "there is one objective"),
    "no objective": ("m.objective.deactivate()", "`objective` of the model was removed"),
    "rule switched off": ("m.demand.deactivate()", "`demand` of the model was removed"),
    "row switched off": ("m.demand['silver', '2'].deactivate()", "`demand` of the model was removed"),
    "rule deleted": ("m.del_component(m.demand)", "`demand` of the model was removed"),
    "error": ("raise KeyError('x')", "KeyError: 'x'; correct the file"),
    "exit": ("raise SystemExit(0)", "SystemExit: 0; correct the file"),
    "no Exception": ("raise type('Own', (BaseException,), {})('x')", "Own: x; correct the file"),
    "error without text": ("raise type('Own', (BaseException,), {'__str__': lambda self: 1 / 0})", "Own; correct"),
    "generator": ("m.c = pyo.Constraint(expr=m.sent_device['phone'] >= 7); yield", "`extend` is a generator"),
    "wrong signature": ("pass\n\ndef extend(m): pass", "takes 1 positional argument but 2 were given; correct"),
}


@pytest.mark.parametrize(("line", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_linear_program_can_hold_is_refused(line: str, message: str, extended) -> None:  # noqa: ANN001
    """An extension that would be lost, misread or bend the proof is refused, and the message says which part."""
    with pytest.raises(UsageError, match=message):
        extended(line)


def test_an_interruption_goes_on(extended) -> None:  # noqa: ANN001
    """Ctrl-C while an extension runs ends the run, and is no fault of the file."""
    with pytest.raises(KeyboardInterrupt):
        extended("raise KeyboardInterrupt")


def test_an_extension_can_make_every_plan_impossible(extended) -> None:  # noqa: ANN001
    """An extension that requires more than the supply is infeasible, with proof."""
    with pytest.raises(NoPlanError) as refusal:
        extended("m.c = pyo.Constraint(expr=m.sent_device['phone'] >= 21)")
    assert refusal.value.status == "infeasible"


def test_an_extension_can_leave_no_plan_best(extended) -> None:  # noqa: ANN001
    """Something that pays without end: the status is unbounded."""
    with pytest.raises(NoPlanError) as refusal:
        extended("m.u = pyo.Var(domain=pyo.NonNegativeReals)", "m.objective.expr -= m.u")
    assert refusal.value.status == "unbounded"


def test_a_file_that_is_no_extension_is_refused(tmp_path: Path) -> None:
    """No file, a file without the function, a file that is not Python: each message names the file."""
    empty, broken = tmp_path / "empty.py", tmp_path / "broken.py"
    empty.write_text("", encoding="utf-8")
    broken.write_text("def extend(", encoding="utf-8")
    for path, message in (
        (tmp_path / "none.py", "there is no such file"),
        (tmp_path, "there is no such file"),
        (tmp_path / f"{'x' * 300}.py", "there is no such file"),
        (empty, "there is no function `extend"),
        (broken, "SyntaxError"),
    ):
        with pytest.raises(UsageError, match=message) as refusal:
            medalopt.solve(loaded(plain()), extensions=[path])
        assert str(path) in str(refusal.value)


def test_a_function_that_does_not_run_is_refused(tmp_path: Path) -> None:
    """A coroutine, an asynchronous generator or a future returned by `extend` is rejected, since it has not run."""
    path = tmp_path / "own.py"
    waits = "class Own:\n    def __await__(self): yield\n\ndef extend(m, i): return Own()\n"
    for text in ("async def extend(m, i): pass\n", "async def extend(m, i): yield\n", waits):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="so it did not run; write a plain"):
            medalopt.solve(loaded(plain()), extensions=[path])


def test_what_is_said_is_sent_there_and_only_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A print and a message of Pyomo's logger are both in the stream; afterwards the handlers are as before."""
    logger = logging.getLogger("pyomo")
    own = io.StringIO()
    handler = logging.StreamHandler(own)
    logger.addHandler(handler)
    try:
        stream = io.StringIO()
        with redirect_output(stream):
            print("printed")
            logger.error("logged")
        assert "printed" in stream.getvalue()
        assert "logged" in stream.getvalue()
        assert own.getvalue() == ""
        assert handler.stream is own
    finally:
        logger.removeHandler(handler)
    assert capsys.readouterr().out == ""


def test_the_handlers_come_back_after_an_error() -> None:
    """An error in the body leaves no handler with the stream of the body."""
    handler = logging.StreamHandler(io.StringIO())
    own = handler.stream
    logging.getLogger("pyomo").addHandler(handler)
    try:
        with pytest.raises(KeyError), redirect_output(io.StringIO()):
            raise KeyError
        assert handler.stream is own
    finally:
        logging.getLogger("pyomo").removeHandler(handler)
