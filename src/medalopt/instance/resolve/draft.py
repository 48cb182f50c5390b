"""Parsed instance before assembly: document, calendar, currency, sheets of streams and lanes, error log."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.nodes import Mapping, key_place, place_of
from medalopt.instance.reader.sheet import Sheet
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields import Context


@dataclass(frozen=True)
class Draft:
    """Validated document and sheets of an instance whose arrays are not yet built.

    Attributes:
        root: Root of the YAML tree, for locations.
        document: Validated document.
        context: Defined names, money and number of periods, for validation.
        calendar: Periods; None if invalid.
        streams: Rows of streams.
        lanes: Rows of lanes; None if there is no such section.
        faults: Log for errors and warnings.
    """

    root: Mapping
    document: Document
    context: Context
    calendar: Calendar | None
    streams: Sheet
    lanes: Sheet | None
    faults: Faults

    def fault(self, path: Path, message: str, *, key: bool = False) -> None:
        """Add an error at a path of the file.

        Args:
            path: Path of the parameter.
            message: Description and remedy.
            key: True for the location of the key, False for that of the value.
        """
        self.faults.add(key_place(self.root, path) if key else place_of(self.root, path), path, message)

    def warn(self, path: Path, message: str, *, key: bool = True) -> None:
        """Add a warning at a path of the file.

        Args:
            path: Path of the parameter.
            message: Description and remedy.
            key: True for the location of the key, False for that of the value.
        """
        self.faults.warn(key_place(self.root, path) if key else place_of(self.root, path), path, message)

    @cached_property
    def unit_mass(self) -> dict[str, Fraction]:
        """Mass of one piece of each device that gives it [kg]."""
        devices = self.document.devices.items()
        return {name: device.unit_mass.exact for name, device in devices if device.unit_mass is not None}
