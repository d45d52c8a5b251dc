"""A custodian as a witness of a ledger in memory, which its tests let lie, stop and be put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import REGISTRY

from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.notes import parse_signature_lines
from blindplate.core.parties import Custodian
from blindplate.edge.keyfiles import write_secret
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.settings import LedgerAccess, LedgerKeysPart, TlsFiles
from blindplate.server.custodian.catching_up import CatchingUp
from blindplate.server.custodian.cosigning import Conflict, Cosigned, Cosigning
from blindplate.server.custodian.settings import CustodianSettings

from .published import COSIGNERS, KEYS, NOW, ORIGIN, WITNESS_SEEDS, Published
from .statements import Signatories


@dataclass
class Site:
    """Custodian A as a witness of a ledger in memory, and what the other custodian says its head is."""

    folder: Path
    ledger: Published = field(default_factory=Published)
    who: Signatories = field(default_factory=Signatories)
    moment: float = float(NOW)
    other_head: Callable[[], bytes] = lambda: b""
    opened: list[Replica] = field(default_factory=list[Replica])

    def now(self) -> float:
        return self.moment

    def start(self) -> Cosigning:
        """The custodian's process started again, with whatever its replica holds."""
        self.close()
        parties = self.who.trust.parties()
        self.opened.append(Replica(self.folder / "ledger.sqlite", KEYS, parties))
        # Asked for whatever it says then, not now.
        catching_up = CatchingUp(Custodian.A, KEYS, self.ledger, lambda: self.other_head())  # noqa: PLW0108
        cosigner = COSIGNERS[Custodian.A]
        return Cosigning(
            Custodian.A,
            cosigner,
            KEYS,
            self.replica,
            self.ledger,
            catching_up,
            self.folder / "evidence",
            self,
        )

    def settings(self) -> CustodianSettings:
        """What its process, or a command beside it, is told. There is no certificate and no ledger to speak to."""
        write_secret(self.folder / "signing.key", self.who.custodian_a.seed)
        write_secret(self.folder / "witness.key", WITNESS_SEEDS[Custodian.A])
        log, (a, b) = KEYS.log, (KEYS.witnesses[custodian] for custodian in Custodian)
        keys = LedgerKeysPart(
            origin=ORIGIN,
            log=(log[0].to_text(), log[1].to_text()),
            witness_a=(a[0].to_text(), a[1].to_text()),
            witness_b=(b[0].to_text(), b[1].to_text()),
        )
        return CustodianSettings(
            custodian=Custodian.A,
            listen="127.0.0.1:0",
            data=self.folder,
            tls=TlsFiles(certificate=Path("none"), key=Path("none"), authority=Path("none")),
            trust=self.who.trust,
            signing_key=self.folder / "signing.key",
            witness_key=self.folder / "witness.key",
            pseudonym_seed=self.folder / "none",
            ledger=LedgerAccess(address="127.0.0.1:1", url=str(self.folder), keys=keys),
            other_custodian="127.0.0.1:1",
            policies=self.folder,
        )

    @property
    def replica(self) -> Replica:
        return self.opened[-1]

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def evidence(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.folder / "evidence").glob("*.note"))]


def cosigned_at(site: Site, answer: Cosigned | Conflict, size: int | None = None) -> int:
    """When the answer's cosignatures, which must verify over the ledger's checkpoint, were made."""
    assert isinstance(answer, Cosigned)
    note = site.ledger.note(size).with_signatures(parse_signature_lines(answer.lines))
    return verify_checkpoint(note.to_bytes(), KEYS).witnessed[Custodian.A]


def alarms(code: str) -> float:
    """How many alarms of this error code there were."""
    return REGISTRY.get_sample_value("blindplate_ledger_alarms_total", {"code": code}) or 0.0
