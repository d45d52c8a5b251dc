"""Whether an entry fits what the ledger holds already, kind by kind: everything but its signatures.

Guarantees that no statement takes effect twice or after a later one of its kind, so that whoever runs the ledger gains
nothing by entering an old one again: numbers, serials and times of making only rise. What is said depends on the
order of entries alone, never on when they were witnessed, so that every party says the same of every entry.
Protocol sections 6 and 7; docs/spec/ledger.md section 4.
"""

from __future__ import annotations

from typing import Final

from blindplate.core.errors import EntryError
from blindplate.core.ledger.facts import Facts
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.hold_rules import require_hold, require_hold_end
from blindplate.core.ledger.refusing import known_grant, refuse_if
from blindplate.core.parties import Custodian
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraStanding, CameraStatus, RegisterEntry
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy
from blindplate.core.statements.release_entries import OutcomeEntry, RequestEntry

# Which edition of the rules this is, models and signers of all kinds included: a party's copy of the ledger that was made
# under another one is read anew. Raised with every release under which an entry counts that did not, or no longer does.
RULES: Final = 3


def require_fitting(facts: Facts, model: StatementModel) -> None:
    """Raise EntryError unless ``model`` may follow the entries that made ``facts``."""
    match model:
        case RegisterEntry():
            _register(facts, model)
        case CameraStatus():
            _camera_status(facts, model)
        case Grant():
            _grant(facts, model)
        case GrantSuspension():
            _suspension(facts, model)
        case GrantEnd():
            _open_grant(facts, model.grant_id)
        case ZonePolicy():
            _policy(facts, model)
        case EvaluationKey():
            _evaluation_key(facts, model)
        case ListVersion():
            _list_version(facts, model)
        case RequestEntry():
            _request(facts, model)
        case OutcomeEntry():
            _outcome(facts, model)
        case LegalHold():
            require_hold(facts, model)
        case HoldEnd():
            require_hold_end(facts, model)
        case _:
            # Batches, counts and decisions say nothing that an earlier entry could contradict here.
            pass


def _open_grant(facts: Facts, grant_id: str) -> GrantHistory:
    history = known_grant(facts, grant_id)
    refuse_if(history.ended_at is not None, f"Grant {grant_id} has ended.")
    return history


def _register(facts: Facts, entry: RegisterEntry) -> None:
    current = facts.current_registers.get(entry.zone)
    # One generation, one set of cameras: otherwise a camera could join a zone under keys that others' grants opened.
    refuse_if(
        current is not None and entry.generation <= current.generation,
        f"Zone {entry.zone} has a register of that generation, or of a later one.",
    )


def _camera_status(facts: Facts, status: CameraStatus) -> None:
    last = facts.statuses.get(status.identity)
    refuse_if(
        last is not None and status.made_at <= last.made_at,
        "A camera's status was not made after the one entered before it.",
    )
    refuse_if(
        status.standing is CameraStanding.ENROLLED and status.signing_key in facts.revoked_keys,
        "A camera is to be enrolled with a key that was revoked.",
    )
    refuse_if(
        status.standing is CameraStanding.SUSPECT and status.identity in facts.revoked,
        "A camera that is revoked is to be under suspicion.",
    )


def _grant(facts: Facts, grant: Grant) -> None:
    for zone in grant.zones:
        register = facts.registers.get(zone.register_digest)
        if register is None:
            raise EntryError(
                f"The register that a grant names for zone {zone.zone} is no document of the ledger.",
                "Enter the register first.",
            )
        refuse_if(
            (register.zone, register.generation) != (zone.zone, zone.generation),
            f"A grant names a register of another zone or generation for zone {zone.zone}.",
        )
    if grant.grant_id not in facts.grants:
        refuse_if(grant.amendment != 0, "A grant's first entry is not its amendment 0.")
        return
    history = _open_grant(facts, grant.grant_id)
    refuse_if(
        grant.amendment != history.latest.amendment + 1,
        f"An amendment of grant {grant.grant_id} is not numbered one more than the last.",
    )
    _require_same_subject(history.latest, grant)
    # Otherwise whatever the public was promised notice of could be changed by an amendment that brings its own. Nothing
    # needs less: what has to stop at once is suspended or ended.
    refuse_if(
        grant.notice_seconds < history.latest.notice_seconds,
        f"An amendment of grant {grant.grant_id} has a shorter notice period than the one before.",
    )


def _require_same_subject(before: Grant, after: Grant) -> None:
    refuse_if(
        (after.owner, after.list_id, after.list_kind) != (before.owner, before.list_id, before.list_kind),
        f"An amendment of grant {after.grant_id} has another owner or list.",
    )
    generations = {zone.zone: zone.generation for zone in before.zones}
    refuse_if(
        any(zone.generation < generations.get(zone.zone, 0) for zone in after.zones),
        f"An amendment of grant {after.grant_id} goes back to an earlier key generation.",
    )


def _suspension(facts: Facts, suspension: GrantSuspension) -> None:
    last = _open_grant(facts, suspension.grant_id).last_suspension(suspension.custodian)
    refuse_if(
        last is not None and suspension.made_at <= last.made_at,
        "A suspension was not made after the one its custodian entered before it.",
    )


def _policy(facts: Facts, policy: ZonePolicy) -> None:
    last = facts.policies.get(policy.zone)
    refuse_if(
        last is not None and policy.serial <= last.serial,
        f"Zone {policy.zone} has a policy of that serial number, or of a later one.",
    )
    for entry in policy.lists:
        named = {Custodian.A: entry.evaluation_key_a, Custodian.B: entry.evaluation_key_b}
        domain = policy.domain(entry)
        refuse_if(
            any(
                facts.evaluation_keys.get((custodian, domain), key) != key for custodian, key in named.items()
            ),
            f"The policy of zone {policy.zone} names another evaluation key than was entered.",
        )


def _evaluation_key(facts: Facts, key: EvaluationKey) -> None:
    refuse_if(
        (key.custodian, key.domain.domain()) in facts.evaluation_keys,
        f"Custodian {key.custodian.name} has entered an evaluation key for that domain.",
    )


def _list_version(facts: Facts, version: ListVersion) -> None:
    history = _open_grant(facts, version.grant_id)
    grant = history.latest
    refuse_if(version.list_id != grant.list_id, "A list version is of another list than its grant.")
    refuse_if(version.entries > grant.list_size, "A list version has more entries than its grant allows.")
    refuse_if(
        version.leaves > version.entries * len(history.domains()),
        "A list version commits to more leaves than its entries can have.",
    )
    committed = facts.list_versions.get(version.grant_id, ())
    last = committed[-1].statement if committed else None
    refuse_if(
        last is not None and version.list_version <= last.list_version,
        "A list version's number does not rise.",
    )
    before = last.entries if last else 0
    refuse_if(
        version.entries != before + version.added - version.removed,
        "A list version's entries are not those before it with what was added and without what was removed.",
    )


def _request(facts: Facts, request: RequestEntry) -> None:
    history = known_grant(facts, request.grant_id)
    grant = history.latest
    refuse_if(request.request_id in facts.requests, "A release request is entered a second time.")
    refuse_if(request.list_id != grant.list_id, "A release request is of another list than its grant.")
    refuse_if(request.requester != grant.owner, "A release request is not by the owner of its grant.")
    # Not a text of the owner's own: whatever it put there, everyone would read for ever.
    refuse_if(
        all(request.lawful_basis != amendment.grant.lawful_basis for amendment in history.amendments),
        "A release request names another lawful basis than its grant.",
    )
    refuse_if(request.expires_at <= request.made_at, "A release request expires before it was made.")


def _outcome(facts: Facts, outcome: OutcomeEntry) -> None:
    known_grant(facts, outcome.grant_id)
    request = facts.requests.get(outcome.request_id)
    refuse_if(
        request is None or request.grant_id != outcome.grant_id,
        "An outcome is of no release request that was entered under its grant.",
    )
