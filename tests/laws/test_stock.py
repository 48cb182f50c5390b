"""Stock that is not asked for changes nothing, to the last byte."""

from __future__ import annotations
