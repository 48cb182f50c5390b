"""Stock that is not asked for changes nothing, to the last byte."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.random_instances import as_text, document

import medalopt
from medalopt.errors import NoPlanError
from medalopt.report.jsonplan import plan_json
