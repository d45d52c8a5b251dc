"""Officers' decisions: their signed words on requests that wait.

Guarantees that a word counts only when the officer's own key signed it and the officer's own certificate brought
it; that a request is checked anew before an approval counts, its entry's fresh witnesses included, since a grant may
have ended or been suspended meanwhile; and that one refused by such a check is decided by it, whoever approved.
Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from blindplate.core.errors import (
    BlindplateError,
    ExpiredError,
    IdentityError,
    InputError,
    NotFoundError,
    RefusedError,
    SecurityError,
)
from blindplate.core.signing import Statement
from blindplate.core.statements.releases import Approval, ReleaseRequest, Verdict
from blindplate.server.custodian import release_quotas, requests
from blindplate.server.custodian.authentic import authenticate, require_short
from blindplate.server.custodian.checks import SKEW_SECONDS
from blindplate.server.custodian.decision import Case, State, officers_terms, refused, unexamined, voted
from blindplate.server.custodian.docket import Docket, Standing
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.requests import StoredRequest
from blindplate.server.custodian.settling import Examined, settle
from blindplate.server.custodian.storage import reading, writing

DENIED_CODE: Final = "policy"
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, how many officers must approve it, and who has."""

    statement: Statement
    officers_needed: int
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voting:
    """What officers do at the desk."""

    docket: Docket
    permissions: Callable[[], Permissions]

    def pending(self, officer: str, after: bytes) -> list[Waiting]:
        """A page of the requests that wait for an officer, oldest first, after the one of id ``after``.

        An empty ``after`` begins with the oldest; an empty page says that no more wait. Raises IdentityError for
        anyone but an officer, NotFoundError.
        """
        self._key(officer)
        self.docket.expire()
        permissions = self.permissions()
        with reading(self.docket.engine) as connection:
            statements = requests.waiting(connection, after, _PAGE)
            return [self._waiting(connection, statement, permissions) for statement in statements]

    def decisions(self, officer: str, start: int, limit: int) -> list[Statement]:
        """Decisions from sequence number ``start``, at most ``limit``; an empty page says that there are no more.

        Raises IdentityError, MessageError.
        """
        self._key(officer)
        with reading(self.docket.engine) as connection:
            return self.docket.record.page(connection, start, limit)

    def decide(self, statement: Statement, officer: str) -> Standing:
        """Take ``officer``'s signed word on a request; where the request stands then.

        Raises IdentityError for anyone else's word or one for the other custodian, MessageError, SignatureError,
        NotFoundError, PolicyError when the request is decided already, and ExpiredError. The request waits on after
        QuotaError, when the day's releases are used up, and UnwitnessedError, when both custodians have not just
        witnessed its entry, or nothing at all since this one's start.
        """
        word = self._read(statement, officer)
        self.docket.require_caught_up()
        self.docket.expire()
        with reading(self.docket.engine) as connection:
            stored = _stored(connection, word.request_id)
            candidates = requests.candidates(connection, word.request_id)
        if word.verdict is Verdict.APPROVED and not stored.state.final:
            settle(
                self.docket,
                self.permissions,
                lambda permissions: self._examine(stored, candidates, permissions),
                lambda connection, examined: self._hear(connection, word, statement, examined),
            )
        else:
            with writing(self.docket.engine) as connection:
                self._hear(connection, word, statement, None)
        with reading(self.docket.engine) as connection:
            standing = self.docket.standing(connection, word.request_id)
        if standing is None:
            raise NotFoundError("The release request is no longer there.", "Check the database's disk.")
        return standing

    def _waiting(self, connection: Connection, statement: Statement, permissions: Permissions) -> Waiting:
        request, request_id = ReleaseRequest.parsed(statement.payload), statement.statement_id
        history = permissions.history(request.grant_id)
        now = self.docket.clock.now()
        # Under a grant that is no more in force an approval is refused, however many give theirs.
        grant = history.at(now) if history.in_force(now) else history.latest
        stored = _stored(connection, request_id)
        terms = officers_terms(grant.release, request.expires_at)
        case = self.docket.case(connection, stored, terms)
        return Waiting(statement, terms.officers_needed, case.approved_by)

    def _read(self, statement: Statement, officer: str) -> Approval:
        require_short(statement)
        word = Approval.verified(statement, [self._key(officer)])
        if word.custodian is not self.docket.custodian:
            raise IdentityError("An approval is meant for the other custodian.")
        if word.officer != officer:
            raise IdentityError("An approval names another officer than the one who brings it.")
        if abs(word.made_at - self.docket.clock.now()) > SKEW_SECONDS:
            raise ExpiredError("An approval was not made just now.", "Set the officer's clock right.")
        return word

    def _key(self, officer: str) -> bytes:
        key = self.docket.officers.get(officer)
        if key is None:
            raise IdentityError(
                "This custodian has no officer of that name.", "Have the officer's key put into its settings."
            )
        return key

    def _examine(
        self, stored: StoredRequest, candidates: bytes, permissions: Permissions
    ) -> Examined | BlindplateError:
        try:
            authentic = authenticate(stored.statement, candidates, stored.requester, permissions)
        except (SecurityError, RefusedError, InputError) as error:
            return error
        return Examined(authentic, self.docket.examine(authentic, permissions))

    def _hear(
        self,
        connection: Connection,
        word: Approval,
        statement: Statement,
        examined: Examined | BlindplateError | None,
    ) -> None:
        """Let a word count; ``examined`` is what the checks gave just now, None where it is not to approve."""
        stored, now = _stored(connection, word.request_id), self.docket.clock.now()
        request = ReleaseRequest.parsed(stored.statement.payload)
        case = self.docket.case(connection, stored, unexamined(request.expires_at))
        if examined is None or stored.state.final:
            after = voted(case, word.officer, word.verdict, now)
            if after != case:
                requests.put_word(connection, stored.request_id, word.officer, statement, now)
                self.docket.reject(connection, stored.request_id, request, after, DENIED_CODE, word.reason)
            return
        outcome = examined if isinstance(examined, BlindplateError) else examined.outcome
        if isinstance(outcome, BlindplateError):
            case = refused(case)
            self.docket.reject(connection, stored.request_id, request, case, outcome.code, outcome.what)
            return
        terms = officers_terms(outcome.grant.release, request.expires_at)
        after = voted(Case(terms, case.state, case.approved_by), word.officer, word.verdict, now)
        requests.put_word(connection, stored.request_id, word.officer, statement, now)
        if after.state is State.APPROVED:
            release_quotas.debit(connection, outcome.grant, now)
            self.docket.approve(connection, stored.request_id, request, after, outcome, word.reason)


def _stored(connection: Connection, request_id: bytes) -> StoredRequest:
    stored = requests.find(connection, request_id)
    if stored is None:
        raise NotFoundError("This custodian has no such release request.", "List what is pending.")
    return stored
