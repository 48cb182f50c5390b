"""Parties by role, the costs and revenues that each of them bears, and the instance as one party pays for it.

A role that no party has for a region falls to the party before it on the way of the devices: without a carrier the
operator delivers, without an operator the collector treats, and without a collector the region itself is addressed.
Splitting by payer is an accounting identity: the costs of all parties add up to the total cost. Own payers of streams
and treatments come first, then the payer of the kind of cost, then `default`, then `project`.

A transfer is a payment of one party to another, per tonne shipped, treated or fed, or per kilogram returned: a cost
of its payer and a revenue of its receiver, which the project as a whole neither pays nor receives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.arithmetic import Numbers
from medalopt.instance.arrays import Bools, ExactArray, Ints
from medalopt.instance.instance import Instance, Names, PriceSteps
from medalopt.instance.routes import build_routes
from medalopt.text import escape_text, join_names, suggest_name

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount
    from medalopt.instance.instance import Instance, Names


DEFAULT_PARTY = "project"
COST_OBJECTIVE = "cost"
STREAM_KINDS = ("supply", "collection", "storage")  # borne by the payer of the stream, where it has one
TREATMENT_KINDS = ("treatment", "residue")  # likewise of the treatment
PAYER_KINDS = (
    *("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage"),
    *("purchases", "holding", "by_products", "scrap", "shortfall"),
)
_COST_KEYS = {"by_products": "sales"}  # key in the costs of a plan, where it differs from the kind in the file


@dataclass(frozen=True, eq=False)
class CostPayers:
    """The party that bears each cost: by kind, and by stream or treatment with a payer of its own.

    Attributes:
        parties (P,): Names, sorted.
        kinds: Index of the party by kind of cost, named as in the file.
        streams (I,): Index of the party of each stream, -1 for that of the kind.
        treatments (H,): Index of the party of each treatment, -1 for that of the kind.
    """

    parties: Names
    kinds: Mapping[str, int]
    streams: Ints
    treatments: Ints

    @classmethod
    def from_instance(cls, instance: Instance) -> CostPayers:
        """Return the payers that an instance states; one party where it states none.

        Returns:
            Payers by kind of cost, and of single streams and treatments.
        """
        annex = instance.annex
        stated: Mapping[str, str] = annex.get("payers", {})
        default = stated.get("default", DEFAULT_PARTY)
        by_kind = {kind: stated.get(kind, default) for kind in PAYER_KINDS}
        own = [annex.get(f"{section}_payers", {}) for section in ("streams", "treatments")]
        moved = {party for one in _list_transfers(instance) for party in (one.payer, one.receiver)}
        parties = tuple(sorted({*by_kind.values(), *own[0].values(), *own[1].values(), *moved}))
        number = {party: index for index, party in enumerate(parties)}
        streams, treatments = (
            np.array([number.get(of.get(name), -1) for name in names], dtype=np.intp)
            for of, names in zip(own, (instance.streams.names, instance.treatments.names), strict=True)
        )
        treatments = treatments[instance.treatments.owner]
        return cls(parties, {kind: number[party] for kind, party in by_kind.items()}, streams, treatments)

    def assign(self, kind: str, own: Ints | None = None) -> Any:
        """Return the index of the party of one kind of cost.

        Args:
            kind: Kind of cost, named as in the file.
            own (N,): Index of the payer of each stream or treatment, -1 for none.

        Returns:
            Index of the party; (N,) if `own` is given.
        """
        return self.kinds[kind] if own is None else np.where(own >= 0, own, self.kinds[kind])


def has_payers(instance: Instance) -> bool:
    """Return whether an instance states who pays.

    Returns:
        True if the file has `payers`, in a section of its own or of a stream or treatment, or transfers.
    """
    return any(instance.annex.get(name) for name in ("payers", "streams_payers", "treatments_payers", TRANSFERS))


def compute_party_costs(account: PlanAccount) -> Mapping[str, Mapping[str, Numbers]]:
    """Split the cost of a plan by party and kind.

    Returns:
        By party and kind of cost (as in `PlanAccount.costs`, and `transfers`), money by period (T,); revenue is
        negative.
    """
    payers, costs = CostPayers.from_instance(account.instance), account.costs
    result: dict[str, dict[str, Numbers]] = {
        party: {kind: costs[kind] * 0 for kind in costs} for party in payers.parties
    }
    for kind in PAYER_KINDS:
        key = _COST_KEYS.get(kind, kind)
        if key not in costs:
            continue  # no medal may be missed
        own = payers.streams if kind in STREAM_KINDS else payers.treatments if kind in TREATMENT_KINDS else None
        if own is None or (own < 0).all():
            result[payers.parties[payers.kinds[kind]]][key] = costs[key]
            continue
        for index, spent in account.split_costs(kind, payers.assign(kind, own)).items():
            result[payers.parties[index]][key] = spent
    for transfer in _list_transfers(account.instance):
        paid = _compute_transfer(account, transfer)
        for party, amount in ((transfer.payer, paid), (transfer.receiver, -paid)):
            result[party][TRANSFERS] = result[party].get(TRANSFERS, 0) + amount
    return result


def parse_cost_objective(objective: str) -> tuple[str, str | None]:
    """Split an objective `cost@PARTY`.

    Args:
        objective: Objective.

    Returns:
        The objective and the party; None for a party of another objective.
    """
    measure, at, party = objective.partition("@")
    return (measure, party) if at and measure == COST_OBJECTIVE else (objective, None)


_COSTS_OF = ", costs of "  # between the title of an instance and the party to whose costs it is restricted


def get_restricted_party(instance: Instance) -> str:
    """Return the party to whose costs an instance is restricted; '' where it has all costs.

    Args:
        instance: Instance, see `restrict_costs`.
    """
    whole = instance.whole
    return "" if whole is None else instance.title.removeprefix(f"{whole.title or whole.name}{_COSTS_OF}")


def restrict_costs(instance: Instance, party: str) -> Instance:
    """Return the instance with the prices that one party pays or receives; all others are 0.

    Its optimum is the plan that costs the party least; its supply, needs and limits are those of `instance`, which it
    keeps as `whole`.

    Returns:
        Copy of the instance.

    Raises:
        UsageError: No such party pays anything.
    """
    payers = CostPayers.from_instance(instance)
    if party not in payers.parties:
        raise UsageError(
            f"no payer is called `{escape_text(party)}`; those of the instance are {join_names(payers.parties)}"
        )
    changed: dict[str, Any] = {name: getattr(instance, name) for name in dict.fromkeys(part for part, *_ in _PAYMENTS)}
    for part, field, kind in _PAYMENTS:
        own = {"streams": payers.streams, "treatments": payers.treatments}.get(part)
        pays = payers.assign(kind, own if kind in STREAM_KINDS + TREATMENT_KINDS else None)
        kept = _keep_prices(getattr(changed[part], field), np.asarray(pays == payers.parties.index(party)))
        changed[part] = replace(changed[part], **{field: kept})
    for part, kind, own in (("streams", "supply", payers.streams), ("market", "purchases", None)):
        pays = np.broadcast_to(payers.assign(kind, own) == payers.parties.index(party), len(changed[part].names))
        steps: PriceSteps = changed[part].steps  # without the surcharges of others; limits stay
        own_steps = replace(steps, surcharge=_keep_prices(steps.surcharge, pays[steps.owner]))
        changed[part] = replace(changed[part], steps=own_steps)
    return replace(
        _add_transfers(replace(instance, **changed), party),
        title=f"{instance.title or instance.name}{_COSTS_OF}{party}",
        stated_digest=instance.figures,
        whole=instance,
    )


_PAYMENTS = (
    *(("metals", "sell", "by_products"), ("metals", "holding", "holding")),
    *(("streams", "price", "supply"), ("streams", "fixed_charge", "supply"), ("streams", "collection", "collection")),
    *(("streams", "storage_cost", "storage"), ("treatments", "cost", "treatment")),
    *(("treatments", "residue_value", "residue"), ("treatments", "sold", "by_products")),
    *(("treatments", "fixed_charge", "treatment"), ("smelters", "fixed_charge", "smelting")),
    *(("terms", "treatment_charge", "smelting"), ("terms", "refining_charge", "refining")),
    *(("terms", "pays", "by_products"), ("terms", "lot_charge", "smelting")),
    *(("impurities", "penalty_charge", "smelting"), ("lanes", "cost", "transport")),
    *(("market", "price", "purchases"), ("market", "fixed_charge", "purchases"), ("alloys", "holding", "holding")),
    *(("alloys", "sell", "by_products"), ("alloys", "scrap_value", "scrap"), ("medals", "shortfall", "shortfall")),
)
"""Each price and charge of an instance: its part, its array, and the kind of cost that it belongs to."""


def _keep_prices(values: ExactArray, pays: Bools) -> ExactArray:
    """Return the values where the party pays, for all or along the first axis, else 0; infinite ones stay."""
    pays = pays.reshape(pays.shape + (1,) * (values.raw.ndim - pays.ndim))
    return ExactArray(np.where(pays | np.isinf(values.raw), values.raw, 0.0), values.unit, values.factors)


def apply_party(instance: Instance, objective: str) -> tuple[Instance, str]:
    """Return the instance and objective that an analysis of `cost@PARTY` works on.

    Returns:
        The instance at the prices of the party, with objective `cost`; both as given for other objectives.

    Raises:
        UsageError: No such party pays anything.
    """
    measure, party = parse_cost_objective(objective)
    return (instance, objective) if party is None else (restrict_costs(instance, party), measure)


COLLECTOR, OPERATOR, CARRIER, SMELTER, MINT, SELLER, BUYER = (
    *("collector", "operator", "carrier", "smelter", "mint", "seller", "buyer"),
)
SERVED_FIELDS = {COLLECTOR: "regions", OPERATOR: "regions", CARRIER: "regions", SMELTER: "smelters", SELLER: "offers"}
"""Field that names what a party of a role serves; a mint and a buyer serve the whole plan."""
_REGIONAL_ROLES = (COLLECTOR, OPERATOR, CARRIER)
_SINGLE_ROLES = (MINT, BUYER)
PartyFault = tuple[tuple[str | int, ...], str]  # path of the parameter, and what is wrong with it
PartyEntries = Mapping[str, Mapping[str, Any]]


def find_party_faults(parties: PartyEntries, names: Mapping[str, Iterable[str]]) -> Iterator[PartyFault]:
    """Find roles that cannot be assigned.

    Args:
        parties: Parties by name, with those fields that are stated.
        names: Names of the regions, smelters and offers of the instance, by the field that lists them.

    Yields:
        Path and message: lists that do not fit the role, unknown names, and two parties of one role for one thing.
    """
    known = {field: set(each) for field, each in names.items()}
    for name, party in parties.items():
        served = SERVED_FIELDS.get(party.get("role", ""))
        for field in sorted(set(SERVED_FIELDS.values()) & party.keys() - {served}):
            roles = ", ".join(role for role, own in SERVED_FIELDS.items() if own == field)
            yield ("parties", name, field), f"only a party with a role among {roles} has `{field}`: give its `role`"
        for number, other in enumerate(party.get(served, ()) if served else ()):
            if other not in known[str(served)]:
                kind = str(served).removesuffix("s")
                hint = suggest_name(other, known[str(served)])
                yield ("parties", name, str(served), number), f"no {kind} is called `{escape_text(other)}`{hint}"
        if party.get("role") in (SMELTER, SELLER) and served not in party and name not in known[str(served)]:
            text = f"name in `{served}` what it serves, as no {str(served).removesuffix('s')} is called"
            yield ("parties", name, "role"), f"{text} `{escape_text(name)}`"
    yield from _find_ambiguous_roles(parties)


def _find_ambiguous_roles(parties: PartyEntries) -> Iterator[PartyFault]:
    """Yield the second of two parties of one role for the same region, smelter or offer, or for the whole plan."""
    first: dict[tuple[str, str], str] = {}
    for name, party in parties.items():
        role = party.get("role", "")
        single = role in _SINGLE_ROLES or (role in _REGIONAL_ROLES and "regions" not in party)
        for other in [""] if single else party.get(SERVED_FIELDS.get(role, ""), ()):
            holder = first.setdefault((role, other), name)
            if holder != name:
                whom = f" for `{escape_text(other)}`" if other else " without a list of its own"
                yield (
                    ("parties", name, "role"),
                    f"`{escape_text(holder)}` is the {role}{whom} already: keep one of them",
                )


@dataclass(frozen=True)
class PartyDirectory:
    """The parties of an instance by role.

    Attributes:
        entries: Fields stated of each party.
        collectors (G,): Name of the party that hands over the devices of each region; the region where none is stated.
        operators (G,): Name of the party that treats them.
        carriers (G,): Name of the party that carries them to the smelters.
        smelters (K,): Name of the firm that runs each smelter; the smelter where none is stated.
        sellers (O,): Name of the seller of each offer; the offer where none is stated.
        mint: Name of the mint, '' where none is stated.
        buyer: Name of the buyer, '' where none is stated.
    """

    entries: PartyEntries
    collectors: Names
    operators: Names
    carriers: Names
    smelters: Names
    sellers: Names
    mint: str
    buyer: str

    @classmethod
    def from_instance(cls, instance: Instance) -> PartyDirectory:
        """Return the parties of an instance.

        Args:
            instance: Instance.
        """
        entries: PartyEntries = instance.annex.get("parties", {})
        regional = {role: _assign_role(entries, role, instance.regions) for role in _REGIONAL_ROLES}
        addressed = {name for name, party in entries.items() if "role" not in party}  # by their own names
        collectors = tuple(
            region if region in addressed else regional[COLLECTOR].get(region, region) for region in instance.regions
        )
        operators = tuple(map(regional[OPERATOR].get, instance.regions, collectors))
        smelters = _assign_role(entries, SMELTER, instance.smelters.names)
        sellers = _assign_role(entries, SELLER, instance.market.names)
        single = {
            role: next((name for name, one in entries.items() if one.get("role") == role), "") for role in _SINGLE_ROLES
        }
        return cls(
            entries,
            collectors,
            operators,
            tuple(map(regional[CARRIER].get, instance.regions, operators)),
            tuple(smelters.get(name, name) for name in instance.smelters.names),
            tuple(sellers.get(name, name) for name in instance.market.names),
            single[MINT],
            single[BUYER],
        )

    def list_collectors(self, instance: Instance) -> Names:
        """List the party that hands over the devices of each stream.

        A party that pays for a stream and has the role of a collector collects it itself; else the region's does.

        Returns:
            Names (I,).
        """
        payers: Mapping[str, str] = instance.annex.get("streams_payers", {})
        payer = [payers.get(name, "") for name in instance.streams.names]
        return tuple(
            own if self.entries.get(own, {}).get("role") == COLLECTOR else self.collectors[region]
            for own, region in zip(payer, instance.streams.region.tolist(), strict=True)
        )

    def get_details(self, party: str, member: str = "") -> Mapping[str, Any]:
        """Return the fields stated of a party.

        Args:
            party: Name of the party.
            member: Region, smelter or offer whose own entry comes first.

        Returns:
            Fields and their values, those left out absent.
        """
        return {**self.entries.get(party, {}), **self.entries.get(member, {})}


def _assign_role(entries: PartyEntries, role: str, members: Names) -> dict[str, str]:
    """Return the party of a role for each region, smelter or offer that has one."""
    held = {name: party for name, party in entries.items() if party.get("role") == role}
    field = SERVED_FIELDS[role]
    rest = next((name for name, party in held.items() if field not in party and role in _REGIONAL_ROLES), None)
    result = dict.fromkeys(members, rest) if rest else {name: name for name in held if name in members}
    return result | {member: name for name, party in held.items() for member in party.get(field, ())}


def name_buyer_as_payer(instance: Instance, directory: PartyDirectory) -> str:
    """Return the buyer as the payers call it.

    Returns:
        The party with the role of the buyer where it pays anything, else the payer of all that no entry names.
    """
    payers = CostPayers.from_instance(instance)
    stated: Mapping[str, str] = instance.annex.get("payers", {})
    return directory.buyer if directory.buyer in payers.parties else stated.get("default", "")


def restrict_account(account: PlanAccount, objective: str) -> tuple[PlanAccount, str]:
    """Return a plan with the costs that its objective counts, and the objective of that plan.

    Args:
        account: Plan.
        objective: Objective; `cost@PARTY` counts the costs of one party.

    Returns:
        The plan at the prices of the party, with objective `cost`; both as given for other objectives.
    """
    measure, party = parse_cost_objective(objective)
    if party is None:
        return account, objective
    instance = restrict_costs(account.instance, party)
    return replace(account, instance=instance, routes=build_routes(instance, account.read)), measure


TRANSFERS = "transfers"  # section of the file, and kind of cost of a party
RAISED_PRICES = {
    "streams": ("streams", "price"),
    "treatments": ("treatments", "cost"),
    "smelters": ("terms", "treatment_charge"),
    "metals": ("terms", "refining_charge"),
}  # by section of a transfer: part and array of the instance to which it is added
_PER_TONNE, _PER_KILOGRAM = Fraction(1), Fraction(1, 1000)  # of a price in money/t


@dataclass(frozen=True, eq=False)
class PartyTransfer:
    """Payment of one party to another.

    Attributes:
        payer: Party that pays.
        receiver: Party that is paid.
        section: What it is paid for: `streams`, `treatments`, `smelters` or `metals`.
        members (N,): Names in that section.
        price (1 or T,): Money/t, of metals money/kg; one for all periods, or one per period.
    """

    payer: str
    receiver: str
    section: str
    members: Names
    price: ExactArray


def _list_transfers(instance: Instance) -> tuple[PartyTransfer, ...]:
    """Return the transfers that an instance states, by name; none of them has the price 0 in every period."""
    stated: Mapping[str, Mapping[str, Any]] = instance.annex.get(TRANSFERS, {})
    result = []
    for one in stated.values():
        raw = np.array(one["price"], dtype=np.float64)
        factor = _PER_KILOGRAM if one["section"] == "metals" else _PER_TONNE
        price = ExactArray(raw, np.zeros(len(raw), dtype=np.intp), (factor,))
        result.append(PartyTransfer(one["payer"], one["receiver"], one["section"], tuple(one["members"]), price))
    return tuple(result)


def _mark_members(instance: Instance, transfer: PartyTransfer) -> Bools:
    """Return which names of its section are members of a transfer; an instance may have lost some."""
    members = frozenset(transfer.members)
    return np.array([name in members for name in getattr(instance, transfer.section).names], dtype=np.bool_)


def _compute_transfer(account: PlanAccount, transfer: PartyTransfer) -> Numbers:
    """Return what the payer of a transfer pays for a plan, (T,) money by period of shipment; of metals, of credit."""
    amounts = {
        "streams": lambda: account.sent_by_stream,
        "treatments": lambda: account.treated,
        "smelters": lambda: account.feed,
        "metals": lambda: account.called_back,
    }[transfer.section]()
    return (account.read(transfer.price) * amounts[_mark_members(account.instance, transfer)]).sum(axis=0)


def _add_transfers(instance: Instance, party: str) -> Instance:
    """Return an instance with the prices of one party alone, with its transfers added as costs or revenues."""
    for transfer in _list_transfers(instance):
        if party in (transfer.payer, transfer.receiver):
            instance = _add_transfer(instance, transfer, 1 if party == transfer.payer else -1)
    return instance


def _add_transfer(instance: Instance, transfer: PartyTransfer, sign: int) -> Instance:
    """Return the instance with a transfer in its prices: a cost with sign 1, a revenue with sign -1."""
    name, field = RAISED_PRICES[transfer.section]
    part, members = getattr(instance, name), _mark_members(instance, transfer)
    values: ExactArray = getattr(part, field)
    if transfer.section == "smelters":
        members = members[instance.terms.smelter]
    elif transfer.section == "treatments":
        members = members[:, None]
    chosen = np.broadcast_to(members, values.shape[:-1])
    raised = _raise_prices(values, chosen, sign * transfer.price.exact())
    return replace(instance, **{name: replace(part, **{field: raised})})


def _raise_prices(values: ExactArray, chosen: Bools, prices: Numbers) -> ExactArray:
    """Return prices (..., 1 or T) with `prices` (1 or T,) added, exactly, to those that a mask (...) chooses."""
    shape = (*values.shape[:-1], max(values.shape[-1], len(prices)))
    unit = np.broadcast_to(values.unit, values.shape)
    sums = ExactArray(values.raw[chosen], unit[chosen], values.factors).exact() + prices
    raw, unit = np.broadcast_to(values.raw, shape).copy(), np.broadcast_to(unit, shape).copy()
    raw[chosen], unit[chosen] = sums.astype(np.float64), len(values.factors)
    return ExactArray(raw, unit, (*values.factors, Fraction(1)))


def truncate_transfers(annex: Mapping[str, Any], periods: int) -> Mapping[str, Any]:
    """Return the sections of an instance for the rest of its horizon.

    Args:
        annex: Sections of the instance.
        periods: Number of periods that remain.

    Returns:
        The sections, with those prices of transfers that hold in these periods.
    """
    if TRANSFERS not in annex:
        return annex
    left = {
        name: {**one, "price": one["price"][-periods:] if len(one["price"]) > 1 else one["price"]}
        for name, one in annex[TRANSFERS].items()
    }
    return {**annex, TRANSFERS: left}
