"""Catalogue of the program's constraint families, of the parameters that limit them, and of its variables.

Whatever treats every family alike (dual values, residuals, shadow prices, binding constraints, conflicts, repairs,
reports) loops over these tables; `tests/test_catalog.py` fails where one of them is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

Path = tuple[str | int, ...]
SUBJECT = "*"  # stands in a path for the name along the first axis of the family
LOWER, UPPER = 0, 1  # bounds of a row
_PER_CENT = "%"


@dataclass(frozen=True)
class Limit:
    """A bound of a constraint family that one parameter of the instance states; `{}` in texts is its subject.

    Attributes:
        kind: Name as a member of a conflict.
        side: Bound of the row: `LOWER` or `UPPER`.
        section: Section of the instance.
        field: Array in that section: one value for each subject, or one for all of them.
        unit: Unit of the parameter in the file; one of t, kg, %.
        title: Noun phrase.
        sentence: Requirement, with `{}` for its amount.
        effect: Meaning of its shadow price: one unit more.
        rule: Phrase before its amount in tables of rules.
        path: Path of the parameter in the file; a number at the end is an end of a window.
        slope: Sign of the change of the bound as the parameter increases.
        repair: Noun phrase of a repair that sets it, for parameters with one value.
    """

    kind: str
    side: int
    section: str
    field: str
    unit: str
    title: str
    sentence: str
    effect: str
    rule: str = ""
    path: Path = ()
    slope: int = 1
    repair: str = ""

    @property
    def parameter(self) -> str:
        """Name of the parameter in its section, without the subject."""
        return self.field if not self.path else str(self.path[2] if self.path[1] == SUBJECT else self.path[1])

    @property
    def step(self) -> int:
        """Direction in which the parameter relaxes the constraint.

        Returns:
            1 where more of the parameter relaxes the constraint, -1 where less does.
        """
        return self.slope if self.side == UPPER else -self.slope

    @property
    def free(self) -> float:
        """Value at which the parameter limits nothing.

        Returns:
            0, 1 or infinity, in the unit of the instance; shares are fractions.
        """
        return 0.0 if self.step < 0 else 1.0 if self.unit == _PER_CENT else float("inf")

    @property
    def common(self) -> bool:
        """Return whether one parameter limits all members of the family.

        Returns:
            True for a limit such as `policy.participation`, which names no member.
        """
        return SUBJECT not in self.locate(SUBJECT)

    def locate(self, subject: str) -> Path:
        """Return the path of the parameter.

        Args:
            subject: Name of the subject.

        Returns:
            The path in the file.
        """
        template = self.path or (self.section, SUBJECT, self.field)
        return tuple(subject if step == SUBJECT else step for step in template)

    def figure(self, subject: str) -> Path:
        """Return the path of the parameter without the end of a window.

        Args:
            subject: Name of the subject.

        Returns:
            Path of the parameter.
        """
        path = self.locate(subject)
        return path[:-1] if isinstance(path[-1], int) else path


@dataclass(frozen=True)
class Family:
    """Rows of one Pyomo component.

    Attributes:
        name: Component.
        title: Name of its kind in reports.
        axes: Axis of each index.
        unit: Unit of the row.
        sign: Sign of its dual values, the change of the objective per unit of the right-hand side: 1, -1, or 0 if free.
        limits: Parameters that state its bounds, where these are parameters.
        identity: Whether it states a balance, or that no more is left than is there, so that it is part of no conflict.
        priced: Whether its dual values enter the certificate.
    """

    name: str
    title: str
    axes: tuple[str, ...]
    unit: str
    sign: int
    limits: tuple[Limit, ...] = ()
    identity: bool = False
    priced: bool = True

    @property
    def periodic(self) -> bool:
        """Return whether there is a row for each period.

        Returns:
            True if the last axis of the family is the period.
        """
        return self.axes[-1:] == ("period",)


def _make_capacity(
    name: str,
    section: str,
    unit: str,
    axis: str,
    sentence: str,
    title: str = "capacity of {}",
) -> Family:
    """Return a family of capacities per period."""
    effect = f"one more {'tonne' if unit == 't' else 'kilogram'} of capacity"
    limit = Limit(name, UPPER, section, "capacity", unit, title, sentence, effect)
    return Family(name, "capacity", (axis, "period"), unit, -1, (limit,))


def _make_offer_stock() -> tuple[Family, Family]:
    """Return the families of stock of offers: the greatest at the end of each period, the least of the last one."""
    storage = Limit(
        *("offer_storage", UPPER, "market", "storage_limit", "kg", "storage limit of {}", "at most {} in stock"),
        *("one more kilogram of storage", "storage of {}, at most", ("market", SUBJECT, "storage", "limit")),
    )
    closing = Limit(
        *("closing_stock", LOWER, "market", "closing_stock", "kg", "closing stock of {}", "at least {} left in stock"),
        *("one more kilogram in stock at the end", "closing stock of {}, at least"),
    )
    title = "stock of offers"
    return (
        Family("offer_storage", title, ("offer", "period"), "kg", -1, (storage,)),
        Family("closing_stock", title, ("offer",), "kg", 1, (closing,)),
    )


def _make_total(name: str, section: str, unit: str, axis: str, limits: Mapping[str, tuple[str, str, str]]) -> Family:
    """Return a family of commitments and limits over the horizon: kind, sentence and rule by field."""
    limit_list = tuple(
        Limit(
            *(kind, LOWER if field == "committed" else UPPER, section, field, unit),
            *(f"{'commitment' if field == 'committed' else field} of {{}}", sentence),
            effect=f"one more {'tonne' if section == 'streams' else unit} {field}",
            rule=rule,
        )
        for field, (kind, sentence, rule) in limits.items()
    )
    return Family(name, "commitments and limits", (axis,), unit, 1 if len(limit_list) == 1 else 0, limit_list)


def _make_mix(name: str, side: int, word: str, asks: str) -> Family:
    """Return the family of one end of the device-mix windows."""
    limit = Limit(
        *(name, side, "policy", ("window_low", "window_high")[side], _PER_CENT, f"{word} share of {{}}"),
        sentence=f"{asks} {{}} of all tonnes sent",
        effect=f"{word} share one per cent higher",
        rule=f"{{}} of all tonnes, {asks}",
        path=("policy", "device_share", SUBJECT, side),
    )
    return Family(name, "device mix", ("window",), "t", 1 if side == LOWER else -1, (limit,))


_POLICY = (
    Family("recycled", "recycled content", ("metal",), "kg", -1, (
        Limit("recycled", UPPER, "policy", "recycled", _PER_CENT, "recycled share of {}", "",
              "one more per cent recycled", "{} recycled, at least",
              ("policy", "recycled", SUBJECT), -1),
    )),
    _make_mix("mix_low", LOWER, "least", "at least"),
    _make_mix("mix_high", UPPER, "greatest", "at most"),
    Family("participation", "participation", ("region",), "t", 1, (
        Limit("participation", LOWER, "policy", "participation", _PER_CENT, "participation of every region", "",
              "every region one per cent more", "collected from every region, at least", ("policy", "participation"),
              repair="a share collected from every region"),
    )),
    Family("footprint_cap", "footprint", (), "kg", -1, (
        Limit("footprint_cap", UPPER, "policy", "footprint_cap", "t", "footprint cap, CO2e", "",
              "one more tonne of CO2e allowed", "CO2e footprint, at most",
              ("policy", "footprint_cap"), repair="a cap on the footprint"),
    )),
)  # fmt: skip
_CONCENTRATION = tuple(
    Family(f"concentration_{name}", "concentration", (axis,), unit, -1, (
        Limit(f"concentration_{name}", UPPER, "policy", f"concentration_{name}", _PER_CENT,
              f"greatest share of one {axis}", f"at most {{}} of {total}", f"every {axis} one per cent more",
              f"one {axis} of {total}, at most", ("policy", "concentration", name),
              repair=f"a greatest share of one {axis}"),
    ))
    for name, axis, unit, total in (
        ("smelters", "smelter", "t", "all feed"),
        ("regions", "region", "t", "all tonnes sent"),
        ("offers", "offer", "kg", "all metal bought"),
    )
)  # fmt: skip
_LOTS = tuple(
    Family(f"{prefix}{name}", "whole lots and minimum orders", (axis, "period"), unit, 0, priced=False)
    for prefix, axis, unit in (("", "stream", "t"), ("offer_", "offer", "kg"))
    for name in ("whole_lots", "least_order", "most_order")
)
_ACTIVITIES = tuple(
    Family(f"{name}_{end}", "lots of feed and fixed charges", axes, unit, 0, priced=False)
    for name, axes, unit in (
        ("line", ("terms", "period"), "t"),
        *((name, (name,), "kg" if name == "offer" else "t") for name in ("smelter", "treatment", "stream", "offer")),
    )
    for end in (("least", "most") if name == "line" else ("most",))
)
_STEPS = tuple(
    Family(f"{name}_steps{end}", "price steps", (f"{name}_step",), unit, sign, priced=not end)
    for name, unit in (("stream", "t"), ("offer", "kg"))
    for end, sign in (("", -1), ("_least", 0), ("_most", 0))
)  # the last two where the price falls
_LISTED = (
    _make_capacity("feed_capacity", "smelters", "t", "smelter", "at most {} of feed"),
    _make_capacity("treatment_capacity", "treatments", "t", "treatment", "at most {} of input"),
    _make_capacity("cast_capacity", "alloys", "kg", "alloy", "at most {} can be cast", "casting of {}"),
    Family("balance", "metal balance", ("metal", "period"), "kg", 0, identity=True),
    Family("offer_balance", "metal balance", ("offer", "period"), "kg", 0, identity=True),
    Family("reserve", "safety stock", ("metal", "period"), "kg", 1),
    Family("melt", "melt", ("alloy", "period"), "kg", 0, identity=True),
    Family("fineness_low", "fineness", ("alloy", "metal", "period"), "kg", 1),
    Family("fineness_high", "fineness", ("alloy", "metal", "period"), "kg", -1),
    Family("others", "fineness", ("alloy", "period"), "kg", -1),
    Family("demand", "demand", ("alloy", "period"), "kg", 0),
    _make_total("purchase", "market", "kg", "offer", {
        "committed": ("offer_committed", "at least {} are committed", "contract for {}, at least"),
        "limit": ("offer_limit", "at most {} can be bought", "{} on offer, at most"),
    }),
    *_make_offer_stock(),
    _make_total("stream_commitment", "streams", "t", "stream", {
        "committed": ("stream_commitment", "at least {} are committed", "contract for {}, at least"),
    }),
    _make_total("feed_total", "smelters", "t", "smelter", {
        "committed": ("feed_committed", "at least {} of feed are committed", "feed committed to {}"),
        "limit": ("feed_limit", "at most {} of feed in total", "feed of {}, at most"),
    }),
    *_POLICY,
    *_CONCENTRATION,
    Family("charge_limit", "limits on offers charged", ("alloy", "charge_limit", "period"), "kg", -1),
    Family("impurity_limit", "impurity limits", ("smelter", "impurity", "period"), "kg", -1),
    Family("process_scrap", "process scrap", ("alloy", "period"), "kg", 0, identity=True),
    Family("supply", "supply", ("stream", "period"), "t", -1),
    Family("bundle_supply", "supply", ("stream", "period"), "t", 0),
    Family("fractions", "fractions", ("stream", "treatment", "period"), "t", 0, identity=True, priced=False),
    Family("withheld_least", "settlement", ("pool", "metal", "period"), "kg", 1),
    Family("withheld_most", "settlement", ("pool", "metal", "period"), "kg", -1),
    Family("withheld_all", "settlement", ("pool", "metal", "period"), "kg", -1),
    Family("left_most", "settlement", ("terms", "metal", "period"), "kg", -1, identity=True),
    *_LOTS,
    *_ACTIVITIES,
    *_STEPS,
)  # fmt: skip
FAMILIES: Mapping[str, Family] = {family.name: family for family in _LISTED}

VARIABLES: Mapping[str, tuple[str, ...]] = {  # component and the axis of each index
    "ship": ("route", "period"),
    "leave": ("exit", "period"),
    "stockpile": ("stream", "period"),
    "take": ("bundle", "period"),
    "feed": ("smelter", "period"),
    "treated": ("treatment", "period"),
    "returned": ("smelter", "metal", "period"),
    "returned_line": ("terms", "metal", "period"),
    "impurity": ("smelter", "impurity", "period"),
    "sent_device": ("device",),
    "sent_region": ("region",),
    "sent_stream": ("stream",),
    "spend": ("period",),
    "network_footprint": ("all",),
    "bought": ("offer",),
    "stock": ("metal", "period"),
    "surplus": ("metal", "period"),
    "left": ("terms", "metal", "period"),
    "charge": ("alloy", "metal", "period"),
    "buy": ("offer", "alloy", "period"),
    "acquire": ("offer", "period"),
    "offer_stock": ("offer", "period"),
    "cast": ("alloy", "period"),
    "cast_stock": ("alloy", "period"),
    "recharge": ("alloy", "period"),
    "scrap": ("alloy", "period"),
    "withheld": ("pool", "metal", "period"),
    "missed": ("medal",),
}
ORDER_VARIABLES: Mapping[
    str, tuple[str, ...]
] = {  # of whole lots, minimum orders, lots of feed, fixed charges, price steps: no term of an extension holds them
    **dict.fromkeys(("shipped", "lots", "ordered"), ("stream", "period")),
    **dict.fromkeys(("offer_lots", "offer_ordered"), ("offer", "period")),
    **dict.fromkeys(("line_feed", "line_used"), ("terms", "period")),
    **{f"{name}_used": (name,) for name in ("smelter", "treatment", "stream", "offer")},
    **{f"{name}_excess": (f"{name}_step",) for name in ("stream", "offer")},
    **{f"{name}_step_used": (f"{name}_step",) for name in ("stream", "offer")},
}

STEP_TITLE = "limit of price step {} of {}"  # number of the step and its owner

# By section and field: `{0}` is the owner, `{1}` the metal or field; `.*` is one entry of a mapping.
PARAMETER_TITLES: Mapping[tuple[str, str], str] = {
    ("exchange", ""): "rate of {0}",
    ("transport_rate", ""): "transport rate",
    ("metals", "sell"): "price of {0} sold",
    ("metals", "holding"): "cost of holding {0}",
    ("metals", "opening_stock"): "{0} in stock at the beginning",
    ("devices", "content"): "{1} in {0}",
    ("streams", "available"): "tonnes of {0}",
    ("streams", "total"): "tonnes of {0}",
    ("streams", "price"): "price of {0}",
    ("streams", "collection"): "collection of {0}",
    ("streams", "committed"): "contract for {0}",
    ("streams", "credited"): "credited share of {0}",
    ("streams", "storage"): "storage {1} of {0}",
    ("treatments", "cost"): "cost of {0}",
    ("treatments", "to_smelter"): "share sent on by {0}",
    ("treatments", "recovery"): "{1} recovered by {0}",
    ("treatments", "fractions.share"): "shares of fractions of {0}",
    ("treatments", "fractions.sold"): "price of fractions sold by {0}",
    ("treatments", "residue_value"): "value of residues of {0}",
    ("treatments", "capacity"): "capacity of {0}",
    ("smelters", "treatment_charge"): "treatment charge of {0}",
    ("smelters", "refining_charge"): "refining charge of {0}",
    ("smelters", "returned"): "{1} returned by {0}",
    ("smelters", "deduction"): "deduction of {0}",
    ("smelters", "pays"): "price that {0} pays for {1} left",
    ("smelters", "refuse"): "{1} at which {0} refuses",
    ("smelters", "penalties"): "{1} penalty of {0}",
    ("smelters", "limits"): "limit of {0} on {1}",
    ("smelters", "capacity"): "capacity of {0}",
    ("smelters", "committed"): "contract with {0}",
    ("smelters", "limit"): "limit of {0}",
    ("lanes", "distance"): "distance of {0}",
    ("lanes", "cost"): "transport on {0}",
    ("market", "price"): "price of {0}",
    ("market", "committed"): "contract for {0}",
    ("market", "limit"): "limit of {0}",
    ("market", "storage"): "storage {1} of {0}",
    ("market", "opening_stock"): "{0} in stock at the beginning",
    ("market", "closing_stock"): "closing stock of {0}",
    ("market", "recycled"): "recycled share of {0}",
    ("alloys", "loss"): "melt loss of {0}",
    ("alloys", "capacity"): "capacity for {0}",
    ("alloys", "limits"): "limit of {0} on {1}",
    ("alloys", "holding"): "cost of holding castings of {0}",
    ("alloys", "sell"): "price of castings of {0}",
    ("alloys", "scrap.share"): "process scrap of {0}",
    ("alloys", "scrap.returned"): "scrap of {0} charged again",
    ("alloys", "scrap.value"): "value of scrap of {0}",
    ("medals", "count"): "number of {0} medals",
    ("medals", "parts"): "mass of a {0} medal",
    ("medals", "parts.*"): "mass of {1} in a {0} medal",
    ("medals", "allowance"): "allowance of {0} medals",
    ("medals", "shortfall"): "penalty of a {0} medal not made",
    ("policy", "recycled"): "least recycled share of {1}",
    ("policy", "device_share"): "window of {1}",
    ("policy", "participation"): "participation",
    ("policy", "footprint_cap"): "cap on the footprint",
    ("policy", "concentration"): "concentration limit of {1}",
}


def list_limits(*sections: str) -> Iterator[tuple[Family, Limit]]:
    """Yield the limits stated in some sections of the instance, each with its family.

    Args:
        sections: Sections; none for all.

    Yields:
        Family and limit, in the order of the catalogue.
    """
    for family in FAMILIES.values():
        yield from ((family, limit) for limit in family.limits if not sections or limit.section in sections)


def group_limits(*sections: str) -> Iterator[tuple[tuple[str, ...], tuple[tuple[Family, Limit], ...]]]:
    """Yield the limits stated in some sections of the instance, those of one axis together.

    Args:
        sections: Sections.

    Yields:
        Axes, and the consecutive families with these axes with their limits.
    """
    for axes, group in groupby(list_limits(*sections), key=lambda pair: pair[0].axes):
        yield axes, tuple(group)


def find_limit(path: Path, effect: str = "") -> tuple[Family, Limit]:
    """Find the limit that a parameter states.

    Args:
        path: Path of the parameter in the file.
        effect: Meaning of its shadow price; '' for any.

    Returns:
        Family and limit; of the ends of a window the lower one, where neither path nor effect names one.

    Raises:
        KeyError: The parameter limits nothing.
    """
    for family, limit in list_limits():
        template = limit.locate(SUBJECT) if isinstance(path[-1], int) else limit.figure(SUBJECT)
        same = len(path) == len(template) and effect in ("", limit.effect)
        if same and all(one in (SUBJECT, other) for one, other in zip(template, path, strict=True)):
            return family, limit
    raise KeyError(path)
