"""The bar that says how far long work is."""

from __future__ import annotations

import io

import pytest

from medalopt.report.render.text import show_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal standard error tells what is done, and how many of how many."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with show_progress("moving every figure") as told:
        told(3, 7)
        told(7, 7)
    assert "moving every figure" in screen.getvalue()
    assert "7/7" in screen.getvalue()


def test_no_bar_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe gets none."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with show_progress("moving every figure") as told:
        told(3, 7)
    assert screen.getvalue() == ""
