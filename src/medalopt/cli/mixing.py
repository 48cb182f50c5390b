"""What `medalopt sensitivity` is asked about the mix of devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import progress

if TYPE_CHECKING:
    from medalopt.analysis.variants import Variants
    from medalopt.report.sensitivity.part import Part

DeviceMix = Annotated[
    bool,
    typer.Option("--device-mix", help="Move the share of each device type in what is offered; compare the `mixes`."),
]
Corners = Annotated[
    str | None,
    typer.Option(
        "--triangle", metavar="A,B,C", help="With --device-mix: also split the tonnes of three devices among them."
    ),
]


@dataclass(frozen=True)
class Mixing:
    """Whether the mix is asked for, and the three devices of a triangle, where there is to be one."""

    asked: bool
    three: tuple[str, ...]

    @classmethod
    def of(cls, device_mix: bool, triangle: str | None) -> Mixing:
        """Return what the options ask for: a triangle asks for the mix as well."""
        three = () if triangle is None else tuple(name.strip() for name in triangle.split(","))
        return cls(device_mix or triangle is not None, three)

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield what makes the part of the report, where it is asked for."""
        if self.asked:
            yield self._part

    def _part(self, variants: Variants) -> Part:
        from medalopt.analysis.sensitivity.mix.mix import device_mix
        from medalopt.report.sensitivity.mix.told import told

        with progress(f"moving the mix of {variants.instance.name}") as step:
            return told(device_mix(variants, self.three, step))
