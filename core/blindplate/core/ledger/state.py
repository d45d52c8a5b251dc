"""The ledger's state: its entries, checked one by one and folded into what may be done.

Guarantees that an entry takes effect only when it is in the ledger's form, fits the entries before it, and is signed
by exactly the parties its kind asks for, cheap checks first; that no entry, whatever it says, keeps those after it
from being read; and that every party that reads the same entries says the same of each. Does not know whether entries
are in the ledger at all: ``edge.ledger.replica`` does. Protocol section 7; docs/spec/ledger.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from blindplate.core.domains import Domain
from blindplate.core.errors import BlindplateError, EntryError
from blindplate.core.ledger.entries import (
    document_digest,
    names_document,
    parse_document,
    parse_entry,
    read_model,
    relevant,
)
from blindplate.core.ledger.facts import EnteredHold, EnteredRequest, Facts
from blindplate.core.ledger.folding import fold
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.rules import require_fitting
from blindplate.core.ledger.signers import require_signed
from blindplate.core.ledger.versions import CommittedVersion, version_in_force
from blindplate.core.parties import Custodian, PartyKeys
from blindplate.core.statements.cameras import CameraStatus, RegisterEntry
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy, ZoneRegister
from blindplate.core.statements.release_entries import DecisionEntry

__all__ = ["Applied", "CommittedVersion", "LedgerState", "relevant"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an entry: ``model`` when it took effect, ``error`` when it was refused; one of the two."""

    index: int
    model: StatementModel | None
    error: BlindplateError | None
    witnessed_at: int


class LedgerState:
    """Not safe to change from several threads; ``copy`` first, or change it from one."""

    def __init__(self, parties: PartyKeys, facts: Facts | None = None) -> None:
        self._parties = parties
        self._facts = Facts() if facts is None else facts

    def copy(self) -> LedgerState:
        """The same state, apart from whatever is applied to this one later."""
        return LedgerState(self._parties, self._facts.copy())

    def check(self, entry: bytes, document: bytes | None = None) -> StatementModel:
        """What ``entry`` says, once everything about it was checked against the entries so far.

        ``document`` is the one a RegisterEntry names. Raises MessageError for bytes out of form, EntryError for what
        its kind forbids, SignatureError for signatures that are missing, wrong or too many.
        """
        return self._checked(entry, document)[0]

    def require_fitting(self, model: StatementModel) -> None:
        """Raise EntryError unless ``model``, signed or not yet, fits the entries so far."""
        require_fitting(self._facts, model)

    def apply(self, index: int, entry: bytes, witnessed_at: int, document: bytes | None = None) -> Applied:
        """Check ``entry`` and let it take effect; one that is refused changes nothing and is reported.

        Entries come in the order of their indices; those that are not ``relevant`` may be left out.
        """
        try:
            model, register = self._checked(entry, document)
        except BlindplateError as error:
            return Applied(index, None, error, witnessed_at)
        fold(self._facts, index, witnessed_at, model, register)
        return Applied(index, model, None, witnessed_at)

    def document_named(self, entry: bytes) -> bytes | None:
        """The digest of the document that ``entry`` needs; None when it needs none, or is refused whatever it is."""
        if not names_document(entry):
            return None
        try:
            model = self._checked_alone(entry)
        except BlindplateError:
            return None
        return model.register_digest if isinstance(model, RegisterEntry) else None

    def open_document(self, digest: bytes, document: bytes) -> ZoneRegister:
        """The register that ``digest`` names. Raises MessageError, EntryError for another one, SignatureError."""
        statement = parse_document(document)
        if document_digest(statement) != digest:
            raise EntryError("A document of the ledger is not the one that its entry names.")
        return ZoneRegister.verified(statement, [self._parties.operator])

    @property
    def grants(self) -> Mapping[str, GrantHistory]:
        """Every grant ever entered, by name."""
        return MappingProxyType(self._facts.grants)

    @property
    def registers(self) -> Mapping[bytes, ZoneRegister]:
        """Every zone register ever entered, by digest."""
        return MappingProxyType(self._facts.registers)

    def current_register(self, zone: str) -> RegisterEntry | None:
        """The entry of the zone's register of the latest generation."""
        return self._facts.current_registers.get(zone)

    @property
    def revoked(self) -> Mapping[str, int]:
        """The cameras that are revoked, by identity (SPIFFE id), and when that was witnessed."""
        return MappingProxyType(self._facts.revoked)

    @property
    def suspected(self) -> Mapping[str, int]:
        """The cameras that are under suspicion, by identity (SPIFFE id), and when that was witnessed."""
        return MappingProxyType(self._facts.suspected)

    @property
    def camera_statuses(self) -> Mapping[str, CameraStatus]:
        """The last status entered of each camera, by identity (SPIFFE id)."""
        return MappingProxyType(self._facts.statuses)

    @property
    def revoked_keys(self) -> Mapping[bytes, int]:
        """Every camera key that was ever revoked, and when that was witnessed: none of them counts again."""
        return MappingProxyType(self._facts.revoked_keys)

    @property
    def list_versions(self) -> Mapping[str, tuple[CommittedVersion, ...]]:
        """Every list version committed to, by grant, in order."""
        return MappingProxyType(self._facts.list_versions)

    def version_at(self, grant_id: str, captured_ms: int) -> CommittedVersion:
        """The list version in force at a capture (ms since 1970, UTC). Raises MembershipError when none was."""
        return version_in_force(self._facts.list_versions.get(grant_id, ()), captured_ms)

    @property
    def evaluation_keys(self) -> Mapping[tuple[Custodian, Domain], bytes]:
        """Every public evaluation key (32 bytes)."""
        return MappingProxyType(self._facts.evaluation_keys)

    @property
    def policies(self) -> Mapping[str, ZonePolicy]:
        """The zone policy of the highest serial number, by zone."""
        return MappingProxyType(self._facts.policies)

    @property
    def requests(self) -> Mapping[bytes, EnteredRequest]:
        """Every release request entered, by id."""
        return MappingProxyType(self._facts.requests)

    @property
    def holds(self) -> Mapping[bytes, EnteredHold]:
        """The legal hold entered last of each release request, by the request's id, over or not."""
        return MappingProxyType(self._facts.holds)

    @property
    def last_decisions(self) -> Mapping[Custodian, DecisionEntry]:
        """Each custodian's decision of the highest number, among those applied; they may be left out (``apply``)."""
        return MappingProxyType(self._facts.decisions)

    def _checked_alone(self, entry: bytes) -> StatementModel:
        statement = parse_entry(entry)
        model = read_model(statement)
        require_fitting(self._facts, model)
        require_signed(self._facts, self._parties, statement, model)
        return model

    def _checked(self, entry: bytes, document: bytes | None) -> tuple[StatementModel, ZoneRegister | None]:
        model = self._checked_alone(entry)
        if not isinstance(model, RegisterEntry):
            return model, None
        if document is None:
            raise EntryError("A register is entered without its document.", "Send the register with it.")
        register = self.open_document(model.register_digest, document)
        stated = (model.zone, model.generation, model.cameras)
        if (register.zone, register.generation, len(register.cameras)) != stated:
            raise EntryError("A register is of another zone, generation or size than its entry states.")
        return model, register
