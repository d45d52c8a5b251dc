"""A zone's policy: drafted from what the ledger holds, signed by each custodian after it has compared it with that.

Guarantees that a draft says of each list what the last amendment of its grant says, under the evaluation keys that both
custodians entered, and begins when those amendments do; and that no custodian signs one that says anything else, names
other keys than those pinned, or has a serial that does not rise. Protocol sections 3 and 7; docs/spec/grants.md section 7.
"""

from __future__ import annotations

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, NotFoundError, PolicyError
from blindplate.core.ledger.grants import Amendment
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian, PartyKeys
from blindplate.core.signing import SigningKey, Statement, verify_statement
from blindplate.core.statements.policies import ListPolicy, PseudonymMode, ZonePolicy


def draft(
    zone: str, state: LedgerState, parties: PartyKeys, now: float, mode: PseudonymMode | None = None
) -> Statement:
    """The zone's next policy, unsigned; ``mode`` as it is now unless named. ``now`` is in seconds since 1970 (UTC).

    Raises NotFoundError where no grant is over the zone, or a custodian has not entered the key of a domain yet, GrantError
    where the amendments that bring another key generation do not begin at one moment.
    """
    before = state.policies.get(zone)
    amendments = _last_amendments(zone, state, now)
    if not amendments:
        raise NotFoundError(f"No grant of the ledger is over zone {zone}.", "Have one entered first.")
    begins = _beginning(amendments, now)
    entries = tuple(_list_policy(zone, amendment, state) for amendment in amendments)
    policy = ZonePolicy(
        zone=zone,
        serial=0 if before is None else before.serial + 1,
        not_before=begins,
        not_after=max(amendment.grant.not_after for amendment in amendments),
        mode=mode or (PseudonymMode.OBLIVIOUS if before is None else before.mode),
        custodian_a=parties.custodian_a,
        custodian_b=parties.custodian_b,
        matcher=parties.matcher,
        lists=entries,
    )
    return policy.statement()


def sign(statement: Statement, custodian: SigningKey, parties: PartyKeys, state: LedgerState) -> Statement:
    """The policy with this custodian's signature.

    Raises IdentityError for a key that is no custodian's, MessageError, SignatureError for another signature that does not
    hold, PolicyError or GrantError for a policy that is not as the ledger says.
    """
    other = {parties.custodian_a: parties.custodian_b, parties.custodian_b: parties.custodian_a}
    if custodian.public not in other:
        raise IdentityError("Only a custodian signs a zone's policy.", "Use a custodian's own settings.")
    policy = ZonePolicy.parsed(statement.payload)
    if statement.payload_type != ZonePolicy.media_type():
        raise PolicyError("The file holds a statement of another kind than a zone's policy.")
    if any(signature.key_id != custodian.key_id for signature in statement.signatures):
        # What it bears already is the other custodian's word, or nobody's.
        verify_statement(statement, statement.payload_type, (other[custodian.public],))
    _require_fitting(policy, parties, state)
    return statement.signed_by(custodian)


def _last_amendments(zone: str, state: LedgerState, now: float) -> list[Amendment]:
    """The last amendment of each grant over the zone that is or will be in force, by list."""
    found = [
        history.amendments[-1]
        for history in state.grants.values()
        if history.ended_at is None
        and history.latest.not_after > now
        and any(one.zone == zone for one in history.latest.zones)
    ]
    return sorted(found, key=lambda amendment: amendment.grant.list_id)


def _beginning(amendments: list[Amendment], now: float) -> int:
    coming = {amendment.begins for amendment in amendments if amendment.begins > now}
    if len(coming) > 1:
        raise GrantError(
            "The amendments over the zone do not all begin at the same moment.",
            "Those that came too late for their notice period have to be made anew, with a later beginning for all.",
        )
    return coming.pop() if coming else int(now)


def _list_policy(zone: str, amendment: Amendment, state: LedgerState) -> ListPolicy:
    grant = amendment.grant
    domain = next(one for one in grant.domains() if one.zone == zone)
    key_a, key_b = (_key(custodian, domain, state) for custodian in Custodian)
    return ListPolicy(
        list_id=grant.list_id,
        list_kind=grant.list_kind,
        generation=domain.generation,
        grant_id=grant.grant_id,
        epoch=grant.epoch,
        disclosure=grant.disclosure,
        evaluation_key_a=key_a,
        evaluation_key_b=key_b,
    )


def _key(custodian: Custodian, domain: Domain, state: LedgerState) -> bytes:
    found = state.evaluation_keys.get((custodian, domain))
    if found is None:
        raise NotFoundError(
            f"Custodian {custodian.upper()} has not entered its key of list {domain.list_id}, zone {domain.zone}, "
            f"generation {domain.generation}.",
            "It does so once it has witnessed the grant: wait a moment.",
        )
    return found


def _require_fitting(policy: ZonePolicy, parties: PartyKeys, state: LedgerState) -> None:
    named = (policy.custodian_a, policy.custodian_b, policy.matcher)
    if named != (parties.custodian_a, parties.custodian_b, parties.matcher):
        raise PolicyError("The policy names other keys than those pinned here.", "Draft it anew.")
    before = state.policies.get(policy.zone)
    if before is not None and policy.serial <= before.serial:
        raise PolicyError("The ledger holds a policy of that serial, or of a later one.", "Draft it anew.")
    if len({entry.list_id for entry in policy.lists}) != len(policy.lists):
        raise PolicyError("The policy names a list twice.", "Draft it anew.")
    for entry in policy.lists:
        _require_granted(policy, entry, state)


def _require_granted(policy: ZonePolicy, entry: ListPolicy, state: LedgerState) -> None:
    history = state.grants.get(entry.grant_id)
    if history is None:
        raise GrantError(f"The ledger holds no grant {entry.grant_id}.", "Draft the policy anew.")
    grant, domain = history.at(policy.not_before), policy.domain(entry)
    if domain not in grant.domains():
        raise GrantError(
            f"Grant {entry.grant_id} does not have that key generation of zone {policy.zone} when the policy begins.",
            "Draft the policy anew, once the grants are amended.",
        )
    said = (entry.list_id, entry.list_kind, entry.epoch, entry.disclosure)
    if said != (grant.list_id, grant.list_kind, grant.epoch, grant.disclosure):
        raise PolicyError(f"The policy says of list {entry.list_id} something else than its grant.")
    keys = (_key(Custodian.A, domain, state), _key(Custodian.B, domain, state))
    if keys != (entry.evaluation_key_a, entry.evaluation_key_b):
        raise PolicyError(
            f"The policy names other evaluation keys of list {entry.list_id} than were entered."
        )
