"""Whose signatures an entry must bear, kind by kind.

Guarantees that an entry bears exactly the signatures of its kind: with more of them, one statement could be written as
many entries. Protocol section 7; docs/spec/ledger.md section 4.
"""

from __future__ import annotations

from blindplate.core.errors import EntryError, SignatureError
from blindplate.core.ledger.facts import Facts
from blindplate.core.ledger.refusing import known_grant
from blindplate.core.parties import PartyKeys, key_id
from blindplate.core.signing import Statement, verify_statement
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraCounts, CameraStatus, RegisterEntry
from blindplate.core.statements.erasures import Erasures
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry


def require_signed(facts: Facts, parties: PartyKeys, statement: Statement, model: StatementModel) -> None:
    """Check that ``statement``, which says ``model``, is signed by whoever may enter it, and by nobody else.

    Raises SignatureError; EntryError when who that is cannot be told: an unknown grant or camera.
    """
    if isinstance(model, CameraCounts):
        required: tuple[bytes, ...] = (_camera_key(facts, statement, model),)
    else:
        required = _signers(facts, parties, model)
    if len(statement.signatures) != len(required):
        raise SignatureError(
            "An entry does not bear exactly the signatures that its kind must have.",
            "Have it signed by each party that must sign it, and by no other.",
        )
    verify_statement(statement, model.media_type(), required)


def _signers(facts: Facts, parties: PartyKeys, model: StatementModel) -> tuple[bytes, ...]:
    match model:
        case RegisterEntry() | CameraStatus() | GrantEnd():
            return (parties.operator,)
        case Grant():
            return (parties.operator, parties.custodian_a, parties.custodian_b)
        case ZonePolicy():
            return (parties.custodian_a, parties.custodian_b)
        case GrantSuspension() | EvaluationKey() | DecisionEntry() | EvaluationCounts():
            return (parties.custodian(model.custodian),)
        case ListVersion() | RequestEntry() | OutcomeEntry() | LegalHold() | HoldEnd() | EvidenceErasures():
            return (known_grant(facts, model.grant_id).latest.owner_key,)
        case Batches() | MatcherCounts() | Erasures():
            return (parties.matcher,)
        case _:
            raise EntryError("A statement is of no kind that the ledger takes.")


def _camera_key(facts: Facts, statement: Statement, counts: CameraCounts) -> bytes:
    """The camera's key that signed: it may have had several, and those that were revoked are not its own any more."""
    named = {signature.key_id for signature in statement.signatures}
    for public in facts.camera_keys.get((counts.zone, counts.camera_id), ()):
        if key_id(public) in named and public not in facts.revoked_keys:
            return public
    raise SignatureError("A camera's counts are not signed by a key that the ledger knows for it.")
