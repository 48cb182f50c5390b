"""Options of `medalopt sensitivity` for the device mix."""

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
    """Request for the device mix, with the three devices of a triangle if there is one."""

    asked: bool
    three: tuple[str, ...]

    @classmethod
    def of(cls, device_mix: bool, triangle: str | None) -> Mixing:
        """Return the request of the options; a triangle implies the device mix.

        Args:
            device_mix: Value of `--device-mix`.
            triangle: Value of `--triangle`: three names separated by commas, or None.

        Returns:
            The request.
        """
        three = () if triangle is None else tuple(name.strip() for name in triangle.split(","))
        return cls(device_mix or triangle is not None, three)

    def parts(self) -> Iterator[Callable[[Variants], Part]]:
        """Yield the function of the part of the report, if requested.

        Yields:
            Functions from the runner of variants to a part.
        """
        if self.asked:
            yield self._part

    def _part(self, variants: Variants) -> Part:
        """Return the device mix part."""
        from medalopt.analysis.sensitivity.mix.mix import device_mix
        from medalopt.report.sensitivity.mix.told import told

        with progress(f"moving the mix of {variants.instance.name}") as step:
            return told(device_mix(variants, self.three, step))
