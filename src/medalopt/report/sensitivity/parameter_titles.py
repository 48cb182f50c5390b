"""Titles of parameters by their path, which may hold `*`: 'silver in phone'."""

from __future__ import annotations

from medalopt.instance.instance import Instance
from medalopt.instance.paths import ParameterPath, render_path
from medalopt.text import escape_text

_PARAMETER_TITLES = {
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
    ("treatments", "residue_value"): "worth of residues of {0}",
    ("treatments", "capacity"): "capacity of {0}",
    ("smelters", "treatment_charge"): "treatment charge of {0}",
    ("smelters", "refining_charge"): "refining charge of {0}",
    ("smelters", "returned"): "{1} returned by {0}",
    ("smelters", "deduction"): "deduction of {0}",
    ("smelters", "capacity"): "capacity of {0}",
    ("smelters", "committed"): "contract with {0}",
    ("smelters", "limit"): "limit of {0}",
    ("lanes", "distance"): "distance of {0}",
    ("lanes", "cost"): "transport on {0}",
    ("market", "price"): "price of {0}",
    ("market", "committed"): "contract for {0}",
    ("market", "limit"): "limit of {0}",
    ("market", "recycled"): "recycled share of {0}",
    ("alloys", "loss"): "melt loss of {0}",
    ("alloys", "capacity"): "capacity for {0}",
    ("alloys", "holding"): "cost of holding castings of {0}",
    ("alloys", "scrap.share"): "process scrap of {0}",
    ("alloys", "scrap.returned"): "scrap of {0} charged again",
    ("alloys", "scrap.value"): "worth of scrap of {0}",
    ("medals", "count"): "number of {0} medals",
    ("medals", "parts"): "mass of a {0} medal",
    ("medals", "allowance"): "allowance of {0} medals",
    ("policy", "recycled"): "recycled share asked of {1}",
    ("policy", "device_share"): "window of {1}",
    ("policy", "participation"): "participation",
    ("policy", "footprint_cap"): "cap on the footprint",
}
_NESTED_FIELDS = ("scrap",)


def title_parameter(instance: Instance, path: ParameterPath, of: str = "") -> str:
    """Return the title of a parameter, such as `price of mined_silver`.

    Args:
        instance: Instance, for the titles of metals.
        path: Path of the parameter in the instance file.
        of: Owner of parameters that change together, such as `device phone`.

    Returns:
        The title; the path itself where it has none.
    """
    section = str(path[0])
    position = {"exchange": 9, "transport_rate": 9, "policy": 1}.get(section, 2)
    field = str(path[position]) if len(path) > position else ""
    rest = path[position + 1 :]
    if field in _NESTED_FIELDS and rest:
        field, rest = f"{field}.{rest[0]}", ()
    template = _PARAMETER_TITLES.get((section, field))
    if template is None:
        return render_path(path)
    one = _title_metal(instance, str(path[1])) if section == "metals" else str(path[1]) if len(path) > 1 else ""
    if of:
        one = of.partition(" ")[2]
    two = _title_metal(instance, str(rest[0])) if rest else "metal"
    return escape_text(template.format(one, two), 200)


def capitalize_first(text: str) -> str:
    """Capitalise the first letter.

    Args:
        text: Beginning of a sentence.

    Returns:
        The text with its first letter in upper case, the rest unchanged.
    """
    return text[:1].upper() + text[1:]


def _title_metal(instance: Instance, name: str) -> str:
    metals = instance.metals
    return metals.titles[metals.names.index(name)] if name in metals.names else name
