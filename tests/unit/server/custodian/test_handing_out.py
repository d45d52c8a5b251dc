"""A decision is on its way into the ledger as it is made; an approval leaves only once it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from blindplate.core.errors import GoneError, NotFoundError, StorageError
from blindplate.core.parties import Custodian
from blindplate.core.records.reply import open_reply
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.core.statements.releases import Verdict
from blindplate.server.custodian import docket as dockets
from blindplate.server.custodian import outbox
from blindplate.server.custodian.storage import reading
from blindplate.server.custodian.tables import CANDIDATES

from .books import output
from .desk import DOMAIN, LISTED, NOW, Desk
from .statements import OWNER

AUTOMATIC = {"release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=9, emergency=True)}


def kept(desk: Desk) -> int:
    with reading(desk.engine) as connection:
        return connection.execute(select(func.count()).select_from(CANDIDATES)).scalar_one()


def test_an_approval_says_pending_until_its_entry_has_its_receipt(engine: Engine, tmp_path: Path) -> None:
    desk = Desk(tmp_path, engine, terms=AUTOMATIC)
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed, emergency=True))
    desk.enter(sealed, statement)
    for standing in (desk.submit(statement), desk.submissions.standing(statement.statement_id, OWNER)):
        assert (standing.state, standing.decision, standing.sealed_reply) == ("pending", None, None)
    desk.receipts()
    standing = desk.submissions.standing(statement.statement_id, OWNER)
    assert standing.state == "approved"
    assert standing.sealed_reply is not None
    reply = open_reply(standing.sealed_reply, desk.reply_key, Custodian.A, statement.statement_id)
    assert reply.camera_id == "camera-1"
    assert desk.submit(statement) == standing


def test_the_same_for_what_an_officer_approved(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    # The officer is told at once.
    assert desk.say("anna", standing.request_id).state == "approved"
    assert desk.submissions.standing(standing.request_id, OWNER).state == "pending"
    desk.receipts()
    assert desk.submissions.standing(standing.request_id, OWNER).sealed_reply is not None


def test_a_refusal_is_told_at_once(desk: Desk) -> None:
    assert desk.ask(desk.sealed(), match_proof=bytes(32)).state == "denied"


def test_entries_are_chained_as_the_decisions_are(desk: Desk) -> None:
    first = desk.ask(desk.sealed(), match_proof=bytes(32))
    second = desk.ask(desk.sealed())
    desk.say("anna", second.request_id)
    third = desk.ask(desk.sealed())
    desk.clock.moment += 7_200
    desk.docket.expire()
    entries = desk.entries()
    assert [one.sequence for one in entries] == [0, 1, 2]
    assert [one.verdict for one in entries] == ["denied", "approved", "expired"]
    assert [one.code for one in entries] == ["match-proof", "ok", "expired"]
    assert [one.request_id for one in entries] == [one.request_id for one in (first, second, third)]
    assert [one.previous for one in entries] == [bytes(32), *(one.decision_id for one in entries[:2])]
    with reading(desk.engine) as connection:
        decided = [desk.docket.record.find(connection, one.request_id) for one in entries]
    assert [one and one.statement.statement_id for one in decided] == [one.decision_id for one in entries]


def test_an_entry_names_no_officer_and_no_reason(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    desk.say("anna", standing.request_id, Verdict.DENIED)
    with reading(desk.engine) as connection:
        (waiting,) = outbox.waiting(connection, 10)
    assert b"anna" not in waiting.statement.payload
    assert b"Seen." not in waiting.statement.payload


def test_no_decision_without_its_entry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = desk.ask(desk.sealed())

    def full(*_: object) -> int:
        raise StorageError("The disk is full.", "Make room.")

    monkeypatch.setattr(outbox, "put", full)
    with pytest.raises(StorageError):
        desk.say("anna", standing.request_id)
    with reading(desk.engine) as connection:
        found = desk.docket.standing(connection, standing.request_id)
    assert found is not None
    assert (found.state, found.decision) == ("pending", None)


def test_another_owner_learns_nothing(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    with pytest.raises(NotFoundError):
        desk.submissions.standing(standing.request_id, f"{OWNER}-2")


def test_an_answer_erased_with_its_release_key_is_gone(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    desk.say("anna", standing.request_id)
    desk.receipts()
    desk.docket.erase_replies(desk.keys.destroyed(NOW + 10 * 86_400))
    with pytest.raises(GoneError):
        desk.submissions.standing(standing.request_id, OWNER)


# What a request came with.


@pytest.mark.parametrize("how", ["approved", "denied", "expired"])
def test_candidates_are_kept_while_a_request_waits_and_no_longer(desk: Desk, how: str) -> None:
    standing = desk.ask(desk.sealed())
    assert kept(desk) == 1
    if how == "expired":
        desk.clock.moment += 7_200
        desk.docket.expire()
    else:
        desk.say("anna", standing.request_id, Verdict(how))
    assert desk.entries()[-1].verdict == how
    assert kept(desk) == 0


def test_candidates_of_what_is_decided_at_once_are_never_kept(desk: Desk) -> None:
    desk.ask(desk.sealed(), match_proof=bytes(32))
    assert kept(desk) == 0
    assert not holds(desk, output(DOMAIN, LISTED))


def test_nothing_of_the_candidates_remains_in_the_database_or_its_log(desk: Desk) -> None:
    member = output(DOMAIN, LISTED)
    standing = desk.ask(desk.sealed())
    # Shown to be found where it is.
    assert holds(desk, member)
    desk.say("anna", standing.request_id)
    desk.docket.erase_remains()
    assert not holds(desk, member)


def test_remains_that_could_not_be_erased_are_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.docket.erase_remains()
    calls: list[None] = []

    def truncate(_: Engine) -> None:
        calls.append(None)
        if len(calls) == 1:
            raise StorageError("The log is in use.", "It is tried again.")

    monkeypatch.setattr(dockets, "truncate_log", truncate)
    desk.docket.erase_remains()
    assert not calls
    standing = desk.ask(desk.sealed())
    desk.say("anna", standing.request_id)
    with pytest.raises(StorageError):
        desk.docket.erase_remains()
    desk.docket.erase_remains()
    desk.docket.erase_remains()
    assert len(calls) == 2


def holds(desk: Desk, secret: bytes) -> bool:
    files = (desk.folder / "state").iterdir()
    return any(secret in file.read_bytes() for file in files)
