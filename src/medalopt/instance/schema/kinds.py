from __future__ import annotations

import math
from typing import Annotated

from medalopt.instance.schema.fields import Flag, Measure, Name, Text, Whole
from medalopt.quantity import Quantity

ZERO, ALL, NO_LIMIT = Quantity(0.0), Quantity(1.0), Quantity(math.inf)

YesOrNo = Annotated[bool, Flag()]
Share = Annotated[Quantity, Measure(high=1)]
ShareBelowAll = Annotated[Quantity, Measure(high=1, below=True)]
Proportion = Annotated[Quantity, Measure()]
Tonnes = Annotated[Quantity, Measure("t")]
DeviceTonnes = Annotated[Quantity, Measure("t", pieces=True)]
Kilograms = Annotated[Quantity, Measure("kg")]
PieceMass = Annotated[Quantity, Measure("kg", above=True)]
Assay = Annotated[Quantity, Measure("kg/t", high=1000, pieces=True)]
Deduction = Annotated[Quantity, Measure("kg/t", high=1000)]
PerTonne = Annotated[Quantity, Measure("money/t", low=None)]
DevicePerTonne = Annotated[Quantity, Measure("money/t", low=None, pieces=True)]
PerKilogram = Annotated[Quantity, Measure("money/kg", low=None)]
HoldingCost = Annotated[Quantity, Measure("money/kg")]
Rate = Annotated[Quantity, Measure("money", above=True)]
TransportRate = Annotated[Quantity, Measure("money/t/km")]
Distance = Annotated[Quantity, Measure("km")]
CarbonPerTonne = Annotated[Quantity, Measure("kg CO2e/t")]
DeviceCarbon = Annotated[Quantity, Measure("kg CO2e/t", pieces=True)]
CarbonPerKilogram = Annotated[Quantity, Measure("kg CO2e/kg")]
CarbonTonnes = Annotated[Quantity, Measure("t CO2e")]
Count = Annotated[int, Whole(0, 10**12)]
Lead = Annotated[int, Whole(0, 10**6)]
ScrapLead = Annotated[int, Whole(1, 10**6)]
FreeText = Annotated[str, Text()]
AnyName = Annotated[str, Name()]
Metal_ = Annotated[str, Name("metal")]
Device_ = Annotated[str, Name("device")]
Treatment_ = Annotated[str, Name("treatment")]
Smelter_ = Annotated[str, Name("smelter")]
Alloy_ = Annotated[str, Name("alloy")]
Currency = Annotated[str, Text("[A-Z]{3}", "a currency by its ISO 4217 code, such as JPY")]
