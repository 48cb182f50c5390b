"""What has been read of an instance and awaits its arrays."""

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
    """The validated document, its tables, and where to note what does not fit together.

    `calendar` is None where the periods could not be read; `lanes` is None where the section is absent.
    """

    root: Mapping
    document: Document
    context: Context
    calendar: Calendar | None
    streams: Sheet
    lanes: Sheet | None
    faults: Faults

    def fault(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note a fault of what stands at `path` of the file, or of its key."""
        self.faults.add(key_place(self.root, path) if key else place_of(self.root, path), path, message)

    def warn(self, path: Path, message: str, *, key: bool = True) -> None:
        """Note that what stands at `path` of the file is odd."""
        self.faults.warn(key_place(self.root, path) if key else place_of(self.root, path), path, message)

    @cached_property
    def unit_mass(self) -> dict[str, Fraction]:
        """The mass of one piece in kg, for the devices that give it."""
        devices = self.document.devices.items()
        return {name: device.unit_mass.exact for name, device in devices if device.unit_mass is not None}
