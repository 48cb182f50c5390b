"""Names along the axes of constraint families, and values of the limits in the catalogue."""

from __future__ import annotations

from medalopt.catalog import Limit
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance, Names
from medalopt.instance.left_metal import list_terms_names
from medalopt.instance.routes import list_pool_names


def list_axis_names(instance: Instance) -> dict[str, Names]:
    """Return the names along every axis that the catalogue knows, but routes and bundles.

    Args:
        instance: Instance.

    Returns:
        By axis, its names.
    """
    return {
        "stream": instance.streams.names,
        "treatment": instance.treatments.names,
        "smelter": instance.smelters.names,
        "metal": instance.metals.names,
        "alloy": instance.alloys.names,
        "offer": instance.market.names,
        "medal": instance.medals.names,
        "device": instance.devices.names,
        "region": instance.regions,
        "window": instance.policy.windows,
        "impurity": instance.impurities.names,
        "pool": list_pool_names(instance),
        "terms": list_terms_names(instance),
        "period": instance.periods,
    }


def list_axis_titles(instance: Instance, axes: tuple[str, ...]) -> Names:
    """Return the names along a family's first axis as people call them: of metals their titles.

    Args:
        instance: Instance.
        axes: Axes of the family.

    Returns:
        The titles; one empty title for a family with a single row.
    """
    return instance.metals.titles if axes[:1] == ("metal",) else list_axis_names(instance)[axes[0]] if axes else ("",)


def get_limit(instance: Instance, limit: Limit) -> ExactArray:
    """Return the values of a limit.

    Args:
        instance: Instance.
        limit: Limit of the catalogue.

    Returns:
        Its array in the instance.
    """
    values: ExactArray = getattr(getattr(instance, limit.section), limit.field)
    return values
