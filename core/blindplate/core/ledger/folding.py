"""What an entry changes once it was checked, kind by kind (protocol section 7; docs/spec/ledger.md section 4).

Trusts what it is given: ``state`` checks first.
"""

from __future__ import annotations

from dataclasses import replace

from blindplate.core.ledger.facts import EnteredHold, EnteredRequest, Facts
from blindplate.core.ledger.grants import Amendment, GrantHistory, Suspension
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.core.retention import DAY_SECONDS
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraStanding, CameraStatus, RegisterEntry
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy, ZoneRegister
from blindplate.core.statements.release_entries import DecisionEntry, RequestEntry


def fold(
    facts: Facts, index: int, witnessed_at: int, model: StatementModel, register: ZoneRegister | None
) -> None:
    """Change ``facts`` by an entry that was checked; ``register`` is the document of a RegisterEntry."""
    match model:
        case RegisterEntry() if register is not None:
            _fold_register(facts, model, register)
        case CameraStatus():
            _fold_status(facts, model, witnessed_at)
        case Grant():
            _fold_grant(facts, Amendment(model, index, witnessed_at))
        case GrantSuspension():
            history = facts.grants[model.grant_id]
            facts.grants[model.grant_id] = history.with_suspension(Suspension(model, index, witnessed_at))
        case GrantEnd():
            history = facts.grants[model.grant_id]
            facts.grants[model.grant_id] = history.ended(witnessed_at, model.reason)
        case ZonePolicy():
            facts.policies[model.zone] = model
        case EvaluationKey():
            facts.evaluation_keys[model.custodian, model.domain.domain()] = model.public
        case ListVersion():
            committed = facts.list_versions.get(model.grant_id, ())
            facts.list_versions[model.grant_id] = (*committed, CommittedVersion(index, witnessed_at, model))
        case RequestEntry():
            days = max(one.grant.evidence_days for one in facts.grants[model.grant_id].amendments)
            due = model.made_at + DAY_SECONDS * days
            facts.requests[model.request_id] = EnteredRequest(
                index, witnessed_at, model.grant_id, model.made_at, due
            )
        case LegalHold():
            facts.holds[model.request_id] = EnteredHold(
                index, model.grant_id, model.reason, model.until, model.made_at
            )
        case HoldEnd():
            held = facts.holds[model.request_id]
            facts.holds[model.request_id] = replace(
                held, until=min(held.until, model.made_at), changed_at=model.made_at, ended=True
            )
        case DecisionEntry():
            last = facts.decisions.get(model.custodian)
            if last is None or model.sequence > last.sequence:
                facts.decisions[model.custodian] = model
        case _:
            pass


def _fold_register(facts: Facts, entry: RegisterEntry, register: ZoneRegister) -> None:
    facts.registers[entry.register_digest] = register
    facts.current_registers[entry.zone] = entry
    for camera in register.cameras:
        _add_key(facts, entry.zone, camera.camera_id, camera.signing_key)


def _fold_status(facts: Facts, status: CameraStatus, witnessed_at: int) -> None:
    facts.statuses[status.identity] = status
    if status.standing is CameraStanding.SUSPECT:
        facts.suspected[status.identity] = witnessed_at
        return
    facts.suspected.pop(status.identity, None)
    if status.standing is CameraStanding.ENROLLED:
        facts.revoked.pop(status.identity, None)
        _add_key(facts, status.zone, status.camera_id, status.signing_key)
        return
    facts.revoked[status.identity] = witnessed_at
    facts.revoked_keys[status.signing_key] = witnessed_at
    # Whatever key it had besides: a camera that is revoked counts for nothing until it is enrolled anew.
    facts.camera_keys.pop((status.zone, status.camera_id), None)


def _fold_grant(facts: Facts, amendment: Amendment) -> None:
    grant_id = amendment.grant.grant_id
    history = facts.grants.get(grant_id)
    facts.grants[grant_id] = (
        GrantHistory(grant_id, (amendment,)) if history is None else history.amended(amendment)
    )


def _add_key(facts: Facts, zone: str, camera_id: str, public: bytes) -> None:
    known = facts.camera_keys.get((zone, camera_id), ())
    if public not in known:
        facts.camera_keys[zone, camera_id] = (*known, public)
