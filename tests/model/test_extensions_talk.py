"""What Pyomo logs, and what is printed, goes where it is sent while the body runs, and nowhere else."""

from __future__ import annotations

import io
import logging

import pytest

from medalopt.model.extensions import redirect_output


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
