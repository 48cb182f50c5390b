"""Titles of parameters by their path, which may hold `*`: 'silver in phone'."""

from __future__ import annotations

from medalopt.analysis.infeasibility.messages import format_period
from medalopt.catalog import PARAMETER_TITLES
from medalopt.instance.instance import Instance
from medalopt.instance.paths import ParameterPath, render_path
from medalopt.instance.schema.fields_at_path import ValueForm, find_field_description
from medalopt.text import escape_text

_NESTED_FIELDS = ("scrap", "fractions")


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
    template = PARAMETER_TITLES.get((section, field))
    if template is None:
        return render_path(path)
    one = _title_metal(instance, str(path[1])) if section == "metals" else str(path[1]) if len(path) > 1 else ""
    if of:
        one = of.partition(" ")[2]
    two = _title_metal(instance, str(rest[0])) if rest else "metal"
    return escape_text(template.format(one, two), 200)


def name_parameter(instance: Instance, path: ParameterPath) -> str:
    """Return a path for people, its last index as the name of the period: `market.silver.price 2018-05`.

    Args:
        instance: Instance with its periods.
        path: Path of a parameter in the instance file.

    Returns:
        The path; an index that is no period remains.
    """
    last = path[-1]
    field = find_field_description(path) if isinstance(last, int) else None
    if not isinstance(last, int) or field is None or field.value_form is not ValueForm.PERIODS:
        return render_path(path)
    return f"{render_path(path[:-1])} {format_period(instance.periods[last])}"


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
