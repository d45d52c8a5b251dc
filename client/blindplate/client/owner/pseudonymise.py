"""Pseudonyms of the list: each plate evaluated once a zone and generation, whatever becomes of it later.

Guarantees that an evaluation paid for is kept before the next is asked for, so that an interruption, a spent quota
or a custodian that goes away costs nothing twice, and that it is proved under the key that the custodian entered in the
ledger, once it has. Plates leave blinded only. Protocol section 3.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select

from blindplate.client.custodians import BATCH
from blindplate.client.owner.progress import Progress, Stage, silent
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries, evaluations
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import SignatureError
from blindplate.core.membership import SALT_BYTES
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym


def evaluate_missing(session: Session, progress: Progress = silent) -> int:
    """Evaluate every standing entry that lacks it, in every domain of the grant, of now and to come. Gives how many.

    Raises QuotaError when the day's quota is spent, GrantError outside the grant, UnavailableError when a custodian
    does not answer, ProofError when one answers wrongly; what was evaluated before stays.
    """
    # Those of a coming key generation last: what is listed now is to be matched now.
    domains = session.evaluated_domains
    with session.store.reading() as connection:
        total = sum(missing_count(connection, domain) for domain in domains)
    if not total:
        return 0
    session.require_in_force()
    done = 0
    progress(Stage.EVALUATING, done, total)
    for domain in domains:
        for evaluated in _evaluate_domain(session, domain):
            done += evaluated
            progress(Stage.EVALUATING, done, max(done, total))
    return done


def evaluate_one(session: Session, domain: Domain, plate: bytes) -> bytes:
    """F_D (64 bytes) of one plate: the one kept, else evaluated now and not kept. Raises as ``evaluate_missing``."""
    with session.store.reading() as connection:
        chosen = select(evaluations.c.f).where(evaluations.c.plate == plate, _of(domain))
        kept: bytes | None = connection.execute(chosen).scalar()
    if kept is not None:
        return kept
    return session.custodians.evaluate(domain, [plate], *_publics(session, domain))[0]


def pseudonyms_of(
    connection: Connection, domain: Domain, epoch: Epoch, covered: ColumnElement[bool]
) -> list[bytes]:
    """y (32 bytes) in ``domain`` and ``epoch`` of every entry that ``covered`` holds for."""
    joined = entries.join(evaluations, and_(evaluations.c.plate == entries.c.plate, _of(domain)))
    chosen = select(evaluations.c.f).select_from(joined).where(covered)
    return [pseudonym(f, epoch) for f in connection.execute(chosen).scalars()]


def missing_count(connection: Connection, domain: Domain) -> int:
    """How many standing entries are not evaluated in ``domain``."""
    return connection.execute(select(func.count()).select_from(entries).where(_lacks(domain))).scalar_one()


def _evaluate_domain(session: Session, domain: Domain) -> Iterator[int]:
    publics: tuple[bytes, bytes] | None = None
    last = 0
    while missing := _missing(session, domain, last):
        last, plates = max(missing), list(missing.values())
        publics = publics or _publics(session, domain)
        outputs = session.custodians.evaluate(domain, plates, *publics)
        rows = [
            {
                "plate": plate,
                "zone": domain.zone,
                "generation": domain.generation,
                "f": f,
                "salt": secrets.token_bytes(SALT_BYTES),
            }
            for plate, f in zip(plates, outputs, strict=True)
        ]
        with session.store.writing() as connection:
            # Another process may have evaluated the same meanwhile, with the same result; its salt stays.
            connection.execute(insert(evaluations).prefix_with("OR IGNORE"), rows)
        yield len(plates)


def _publics(session: Session, domain: Domain) -> tuple[bytes, bytes]:
    """The custodians' evaluation keys. Raises SignatureError for one that is another than everyone is shown."""
    publics = session.custodians.evaluation_keys(domain)
    entered = session.ledger.state.evaluation_keys
    for custodian, announced in zip(Custodian, publics, strict=True):
        if entered.get((custodian, domain), announced) != announced:
            raise SignatureError(
                f"Custodian {custodian.name} announces another evaluation key than it entered in the ledger.",
                "Do not use it: keep the announcement and tell the operator and the other custodian.",
            )
    return publics


def _missing(session: Session, domain: Domain, after: int) -> dict[int, bytes]:
    """The next plates to evaluate, by entry."""
    with session.store.reading() as connection:
        chosen = (
            select(entries.c.entry_id, entries.c.plate)
            .where(entries.c.entry_id > after, _lacks(domain))
            .order_by(entries.c.entry_id)
            .limit(BATCH)
        )
        return {row.entry_id: row.plate for row in connection.execute(chosen)}


def _lacks(domain: Domain) -> ColumnElement[bool]:
    evaluated = exists().where(evaluations.c.plate == entries.c.plate, _of(domain))
    return and_(entries.c.removed_version.is_(None), ~evaluated)


def _of(domain: Domain) -> ColumnElement[bool]:
    return and_(evaluations.c.zone == domain.zone, evaluations.c.generation == domain.generation)
