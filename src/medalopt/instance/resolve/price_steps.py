"""Price steps of offers and streams, from the prices of the file to limits and surcharges."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import EXACT_INFINITY, ExactArray, ExactNumber
from medalopt.instance.instance import NO_STEPS, PriceSteps
from medalopt.instance.reader.rows import STEPPED_FIELD, build_absent_column, convert_column
from medalopt.instance.resolve.broadcast import Figure
from medalopt.instance.resolve.row_validation import is_step_column
from medalopt.instance.schema.containers import MAX_PRICE_STEPS, find_step_fault
from medalopt.instance.schema.document import OfferPriceStep
from medalopt.instance.schema.field_types import ZERO_QUANTITY

if TYPE_CHECKING:
    from medalopt.instance.resolve.streams import StreamRows

_PRICE, _UP_TO = "price", "up_to"


class PriceStep(NamedTuple):
    """One step: its price, and the quantity up to which it holds, None for no limit; in canonical units."""

    price: Fraction
    up_to: Fraction | None


def select_first_price(price: Any) -> Figure:
    """Return the price of the first step.

    Args:
        price: Quantity, list of one by period, or steps.

    Returns:
        Quantity or list of quantities.
    """
    steps = isinstance(price, list) and isinstance(price[0], OfferPriceStep)
    figure: Figure = price[0].price if steps else price
    return figure


def list_price_steps(price: Any) -> tuple[PriceStep, ...]:
    """List the steps of a price.

    Args:
        price: Quantity, list of one by period, or steps.

    Returns:
        The steps in order; none where the price does not depend on the quantity.
    """
    if not (isinstance(price, list) and isinstance(price[0], OfferPriceStep)):
        return ()
    return tuple(PriceStep(step.price.exact, None if step.up_to is None else step.up_to.exact) for step in price)


def list_stream_steps(rows: StreamRows, masses: Sequence[Fraction | None]) -> list[tuple[PriceStep, ...]]:
    """List the price steps of every stream.

    Args:
        rows: Parsed streams.
        masses: Mass of one piece of each device [kg].

    Returns:
        Steps of each stream (I,), in canonical order; none where the price does not depend on the quantity.
    """
    result: list[tuple[PriceStep, ...]] = [()] * len(rows.order)
    place = np.argsort(rows.order)
    for number in range(1, MAX_PRICE_STEPS + 1):
        price = rows.read.get((STEPPED_FIELD, str(number), _PRICE))
        if price is None:
            break
        given = np.flatnonzero(price.filled)
        limit = rows.read.get((STEPPED_FIELD, str(number), _UP_TO), build_absent_column(len(price.raw), ZERO_QUANTITY))
        prices, limits = (
            convert_column(column.select_rows(given), rows.device[given], masses).exact().tolist()
            for column in (price, limit)
        )
        for n, stream in enumerate(given.tolist()):
            up_to = limits[n] if limit.filled[stream] else None
            result[place[stream]] = (*result[place[stream]], PriceStep(prices[n], up_to))
    return result


def check_stream_steps(rows: StreamRows) -> None:
    """Log price steps of streams without a price, whose limits do not rise, or with another price beside them."""
    columns = [key for key in rows.named.sheet.columns if is_step_column(key)]
    if not columns:
        return
    most = max(int(key[1]) for key in columns)
    filled = {key: rows.named.sheet.get_column(key).code[rows.groups.first] > 0 for key in columns}
    nothing = np.zeros(len(rows.groups.names), dtype=np.bool_)
    priced, limited = (
        np.array([filled.get((STEPPED_FIELD, str(n + 1), name), nothing) for n in range(most)])
        for name in (_PRICE, _UP_TO)
    )
    stepped = (priced | limited).any(axis=0)
    masses = [rows.named.draft.unit_mass.get(name) for name in sorted(rows.named.draft.document.devices)]
    steps = list_stream_steps(rows, masses)
    place = np.argsort(rows.order)
    plain = rows.named.sheet.get_column((STEPPED_FIELD,)).code[rows.groups.first] > 0
    for stream in np.flatnonzero(stepped).tolist():
        count = int(np.flatnonzero((priced | limited)[:, stream]).max()) + 1
        limits = [step.up_to for step in steps[place[stream]]]
        if plain[stream]:
            message = "give one price or price steps, not both"
        elif not priced[:count, stream].all():
            message = f"step {int(priced[:count, stream].argmin()) + 1} has no `price`"
        else:
            message = find_step_fault([None] * count if count > MAX_PRICE_STEPS else limits)
        if message:
            row, key = int(rows.groups.first[stream]), next(key for key in columns if filled[key][stream])
            rows.named.add_error(row, key, message, FaultKind.VALUE, rows.named.build_path(row, (STEPPED_FIELD,)))


def set_first_prices(prices: ExactArray, steps: Sequence[Sequence[PriceStep]]) -> ExactArray:
    """Return prices with those of the first steps.

    Args:
        prices: Prices (N, 1 or T), 0 where there are steps.
        steps: Steps of each owner (N,).

    Returns:
        Prices of the same shape.
    """
    stepped = [(n, own[0].price) for n, own in enumerate(steps) if own]
    if not stepped:
        return prices
    raw, unit = np.array(prices.raw), np.array(np.broadcast_to(prices.unit, prices.raw.shape))
    for number, (n, _) in enumerate(stepped):
        raw[n], unit[n] = 1.0, len(prices.factors) + number
    return ExactArray(raw, unit, (*prices.factors, *(Fraction(price) for _, price in stepped)))


def build_price_steps(steps: Sequence[Sequence[PriceStep]]) -> PriceSteps:
    """Build the limits of price steps.

    Args:
        steps: Steps of each owner (N,).

    Returns:
        Limits (S,), by owner and in order.
    """
    rows: list[tuple[int, int, ExactNumber, ExactNumber]] = []
    for owner, own in enumerate(steps):
        for number, step in enumerate(own):
            if step.up_to is None:
                continue
            after = own[number + 1].price if number + 1 < len(own) else None
            surcharge = EXACT_INFINITY if after is None else ExactNumber(1.0, Fraction(after - step.price))
            rows.append((owner, number, ExactNumber(1.0, Fraction(step.up_to)), surcharge))
    if not rows:
        return NO_STEPS
    owners, numbers = (np.array([row[axis] for row in rows], dtype=np.intp) for axis in (0, 1))
    above, surcharges = ExactArray.gather(row[2] for row in rows), ExactArray.gather(row[3] for row in rows)
    return PriceSteps(owners, numbers, above, surcharges)
