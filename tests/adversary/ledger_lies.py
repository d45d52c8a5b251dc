"""What a ledger can say that is not what it said before, or show that is not what it signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.ledger.layout import TILE_WIDTH, document_path, entries_path
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.core.statements.policies import ZoneRegister, register_digest
from tests.adversary.histories import History, flipped
from tests.adversary.stolen_ledger import StolenLedger
from tests.integration.ledger_site import party_key


@dataclass(frozen=True, slots=True)
class Lie:
    """A history to be cosigned, and the files shown in place of its own; ``true_files`` are those it needs besides."""

    history: History
    files: dict[str, bytes | None] = field(default_factory=dict[str, "bytes | None"])

    true_files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def shown(self, ledger: StolenLedger, checkpoint: bytes = b"") -> None:
        """Have the ledger serve it; a file that is None is withheld."""
        ledger.show(self.history, checkpoint)
        for path, content in self.files.items():
            if content is None:
                ledger.files.pop(path, None)
            else:
                ledger.files[path] = content


def end(ledger: StolenLedger, why: str = "No longer needed.", grant_id: str = "emissions-1") -> Statement:
    """What only the operator says, so that an entry of it counts: a grant is at its end."""
    made = GrantEnd(grant_id=grant_id, reason=why, made_at=ledger.now)
    return made.statement(party_key(ledger.deployment, "operator"))


def grown(ledger: StolenLedger) -> History:
    """The honest history and one entry more."""
    return ledger.honest.then(end(ledger))


def last_bundle(history: History) -> tuple[str, list[bytes]]:
    """The path of the bundle at a history's end, and its entries."""
    first = history.size - history.size % TILE_WIDTH
    return entries_path(first // TILE_WIDTH, history.size - first), list(history.entries[first:])


def overreaching(ledger: StolenLedger) -> History:
    """The operator alone gives the police a list as large as it likes."""
    grant = ledger.custodians.grant("police-1")
    forgery = grant.model_copy(update={"amendment": grant.amendment + 1, "list_size": 100_000})
    return ledger.honest.then(forgery.statement(party_key(ledger.deployment, "operator")))


def forged(ledger: StolenLedger) -> Lie:
    """An entry long witnessed is another one."""
    return Lie(grown(ledger).with_entry(2, entry_bytes(end(ledger, "Never was."))))


def dropped(ledger: StolenLedger) -> Lie:
    """An entry long witnessed is gone, and another makes up for it."""
    return Lie(grown(ledger).without(3).then(end(ledger, "Another.")))


def reordered(ledger: StolenLedger) -> Lie:
    """Two entries long witnessed have changed places."""
    return Lie(grown(ledger).swapped(4))


def inserted(ledger: StolenLedger) -> Lie:
    """An entry stands among those long witnessed."""
    honest = ledger.honest
    return Lie(honest.until(1).then(end(ledger)).then_all(honest.entries[1:]))


def rewritten_at_one_size(ledger: StolenLedger) -> Lie:
    """As many entries as before, in another order."""
    return Lie(ledger.honest.swapped(ledger.honest.size - 2))


def truncated(ledger: StolenLedger) -> Lie:
    """One entry fewer than before."""
    return Lie(ledger.honest.until(ledger.honest.size - 1))


def other_entries_shown(ledger: StolenLedger) -> Lie:
    """The new entry shown is not the one signed for: it ends the grant of the police."""
    history = grown(ledger)
    path, entries = last_bundle(history)
    other = entry_bytes(end(ledger, "Not so.", "police-1"))
    return Lie(history, {path: encode_bundle([*entries[:-1], other])})


def fewer_entries_shown(ledger: StolenLedger) -> Lie:
    """The new entry is not shown, in a bundle that is."""
    history = grown(ledger)
    path, entries = last_bundle(history)
    return Lie(history, {path: encode_bundle(entries[:-1])})


def entries_withheld(ledger: StolenLedger) -> Lie:
    """The bundle of the new entry is withheld."""
    history = grown(ledger)
    return Lie(history, {last_bundle(history)[0]: None})


def a_register(ledger: StolenLedger, change: Callable[[bytes], bytes | None]) -> Lie:
    """One entered with a document that is not the one it names."""
    operator = party_key(ledger.deployment, "operator")
    known = next(iter(ledger.custodians.running[Custodian.A].replica.state.registers.values()))
    document = known.model_copy(update={"generation": 2 + ledger.honest.size}).statement(operator)
    register = ZoneRegister.parsed(document.payload)
    entry = RegisterEntry(
        zone=register.zone,
        generation=register.generation,
        cameras=len(register.cameras),
        register_digest=register_digest(document.payload),
        made_at=ledger.now,
    )
    path = document_path(entry.register_digest)
    true = document_bytes(document)
    return Lie(ledger.honest.then(entry.statement(operator)), {path: change(true)}, {path: true})


def document_withheld(ledger: StolenLedger) -> Lie:
    """The new register is withheld."""
    return a_register(ledger, lambda _: None)


def document_altered(ledger: StolenLedger) -> Lie:
    """One bit of the new register's document is turned."""
    return a_register(ledger, lambda document: flipped(document, len(document) // 3))


def document_of_another(ledger: StolenLedger) -> Lie:
    """Another register, signed as well, is shown for the new one."""
    known = next(iter(ledger.custodians.running[Custodian.A].replica.state.registers.values()))
    other = document_bytes(known.statement(party_key(ledger.deployment, "operator")))
    return a_register(ledger, lambda _: other)
