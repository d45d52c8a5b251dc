"""Entries of the ledger and its documents: signed statements, each in one form of bytes.

Guarantees that one statement with its signatures has one form, so that nothing is entered twice by writing it
otherwise, and that the kind of an entry can be told from its first bytes. Verifies no signature: ``state`` says whose
an entry must bear. Protocol section 7; docs/spec/ledger.md section 4.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final

from blindplate.core.errors import EntryError, MessageError
from blindplate.core.ledger.bundles import MAX_ENTRY_BYTES
from blindplate.core.signing import Statement
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
from blindplate.core.statements.policies import ZonePolicy, register_digest
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry

# The longest payload, a register of some ten thousand cameras, in base64 and with its signature.
MAX_DOCUMENT_BYTES: Final = 6 << 20
_FIRST: Final = b'{"payloadType":"'
# What decides who may do what; the rest is for those who count.
_DECISIVE: Final[tuple[type[StatementModel], ...]] = (
    RegisterEntry,
    CameraStatus,
    Grant,
    GrantSuspension,
    GrantEnd,
    ZonePolicy,
    EvaluationKey,
    ListVersion,
    RequestEntry,
    LegalHold,
    HoldEnd,
)
_COUNTED: Final[tuple[type[StatementModel], ...]] = (
    CameraCounts,
    EvaluationCounts,
    Batches,
    MatcherCounts,
    Erasures,
    DecisionEntry,
    OutcomeEntry,
    EvidenceErasures,
)
MODELS: Final[Mapping[str, type[StatementModel]]] = {
    model.media_type(): model for model in (*_DECISIVE, *_COUNTED)
}
_PASSED_OVER: Final = frozenset(model.media_type() for model in _COUNTED)


def entry_bytes(statement: Statement) -> bytes:
    """The entry of a statement: DSSE JSON without white space, signatures in the order of their key identifiers.

    Raises MessageError when it is longer than 65,535 bytes.
    """
    return _short(_compact(statement), MAX_ENTRY_BYTES, "An entry")


def document_bytes(statement: Statement) -> bytes:
    """A document of the ledger, in the same form. Raises MessageError when it is longer than 6 MiB."""
    return _short(_compact(statement), MAX_DOCUMENT_BYTES, "A document")


def document_digest(statement: Statement) -> bytes:
    """The digest (32 bytes) by which an entry names a document and by which the ledger files it."""
    return register_digest(statement.payload)


def parse_entry(entry: bytes) -> Statement:
    """The statement of an entry. Raises MessageError for any bytes but those of ``entry_bytes``."""
    return _parsed(_short(entry, MAX_ENTRY_BYTES, "An entry"))


def parse_document(document: bytes) -> Statement:
    """The statement of a document. Raises MessageError for any bytes but those of ``document_bytes``."""
    return _parsed(_short(document, MAX_DOCUMENT_BYTES, "A document"))


def read_model(statement: Statement) -> StatementModel:
    """What a statement of a kind that is entered says; no signature is looked at.

    Raises EntryError for a kind that is not, MessageError for a payload that is not of its kind.
    """
    model = MODELS.get(statement.payload_type)
    if model is None:
        raise EntryError(
            "A statement is of no kind that the ledger takes.",
            "Bring this party and the ledger to one release.",
        )
    return model.parsed(statement.payload)


def relevant(model: StatementModel) -> bool:
    """Whether what may be done depends on it: everything but batches, counts, decisions and outcomes."""
    return isinstance(model, _DECISIVE)


def passed_over(entry: bytes) -> bool:
    """Whether an entry can only be of a kind that is not ``relevant``, told without parsing it.

    False for an entry of a relevant kind, and for one that no kind has: that one has to be looked at.
    """
    return _payload_type(entry) in _PASSED_OVER


def names_document(entry: bytes) -> bool:
    """Whether an entry can only be of the kind that names a document, told without parsing it."""
    return _payload_type(entry) == RegisterEntry.media_type()


def is_decision(entry: bytes) -> bool:
    """Whether an entry can only be a custodian's decision, told without parsing it."""
    return _payload_type(entry) == DecisionEntry.media_type()


def _payload_type(entry: bytes) -> str | None:
    """The type that an entry in the form of ``entry_bytes`` has; whatever is in another form is no entry."""
    if not entry.startswith(_FIRST):
        return None
    return entry[len(_FIRST) : entry.find(b'"', len(_FIRST))].decode("ascii", "replace")


def _compact(statement: Statement) -> bytes:
    envelope = {
        "payloadType": statement.payload_type,
        "payload": base64.b64encode(statement.payload).decode(),
        "signatures": [
            {"keyid": one.key_id.hex(), "sig": base64.b64encode(one.signature).decode()}
            for one in sorted(statement.signatures, key=lambda one: one.key_id)
        ],
    }
    return json.dumps(envelope, separators=(",", ":")).encode()


def _parsed(data: bytes) -> Statement:
    try:
        statement = Statement.from_json(data.decode("ascii"))
    except UnicodeDecodeError:
        raise MessageError("An entry or document of the ledger is not ASCII.") from None
    # White space, fields of other names and other orders would give one statement many entries.
    if _compact(statement) != data:
        raise MessageError("An entry or document of the ledger is not in the form that it must have.")
    return statement


def _short(data: bytes, most: int, what: str) -> bytes:
    if len(data) > most:
        raise MessageError(f"{what} of the ledger is longer than {most} bytes.")
    return data
