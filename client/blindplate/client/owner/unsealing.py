"""Unsealing: both custodians' answers opened and checked, the payload opened and checked against record and answers.

Guarantees that the plate is the one the record's pseudonym was made of, recomputed through the custodians; that
camera and time, where disclosed, are those both custodians verified; and that a custodian whose answer does not fit
is named. Other fields of the payload are the word of the camera that signed: where a place matters, the register's
place of that camera is the one to go by. Whether the plate is on the list is ``reveal``'s. Protocol sections 4, 6.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from blindplate.client.owner.hits import SealedHit
from blindplate.client.owner.pseudonymise import evaluate_one
from blindplate.client.owner.requests import Reply, Request
from blindplate.client.owner.session import Session
from blindplate.core.errors import CommitmentError, EnvelopeError, MessageError, NotFoundError, ShareError
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records import reply as replying
from blindplate.core.records.commitments import check_pseudonym, check_share
from blindplate.core.records.opening import open_payload
from blindplate.v1.records_pb2 import Payload


def unseal(session: Session, sealed: SealedHit, request: Request) -> Payload:
    """The payload of a hit whose release both custodians approved.

    Raises NotFoundError when an answer is no longer kept; ShareError naming the custodian whose answer does not fit;
    CommitmentError when the camera sealed another plate than its pseudonym, or another camera's name or another time
    than it gave the custodians.
    """
    record, header = sealed.record, sealed.record.header
    opened = [_opened_share(sealed, request, reply) for reply in request.replies]
    payload = open_payload(record, opened[0].share, opened[1].share, sealed.match_secret)
    _check_capture(request, opened, payload)
    if not payload.plate:
        raise CommitmentError("A record's payload holds no plate.")
    f = evaluate_one(session, header.domain, payload.plate)
    y = pseudonym(f, header.epoch)
    if not hmac.compare_digest(opened[0].n_y, opened[1].n_y):
        for reply, one in zip(request.replies, opened, strict=True):
            _check_opening(sealed, y, one.n_y, reply.custodian)
    check_pseudonym(record, y, opened[0].n_y)
    return payload


def _opened_share(sealed: SealedHit, request: Request, reply: Reply) -> replying.Reply:
    if request.reply_seed is None or reply.sealed_share is None:
        raise NotFoundError(
            "The answer of a custodian is no longer kept.", "Ask for the release with a new request."
        )
    key = OpeningKey.from_seed(request.reply_seed)
    try:
        opened = replying.open_reply(reply.sealed_share, key, reply.custodian, request.request_id)
    except (EnvelopeError, MessageError):
        raise ShareError(
            f"The answer of custodian {reply.custodian.name} does not open for this request.",
            "Ask that custodian again; if it fails again, keep the answer and tell both custodians.",
            custodian=reply.custodian.value,
        ) from None
    check_share(sealed.record, reply.custodian, opened.share)
    return opened


def _check_capture(request: Request, opened: Sequence[replying.Reply], payload: Payload) -> None:
    """Camera and time of the payload are the camera's own word: both custodians must have verified the same.

    Raises CommitmentError when neither did, ShareError naming the one that says otherwise.
    """
    said = (payload.camera_id, payload.capture_time_ms)
    differing = [
        reply.custodian
        for reply, one in zip(request.replies, opened, strict=True)
        if (one.camera_id, one.capture_time_ms) != said
    ]
    if len(differing) == 1:
        raise ShareError(
            f"Custodian {differing[0].name} names another camera or capture time than the record and the other"
            " custodian.",
            "Ask that custodian again; if it says the same, keep the answer and tell both custodians: it, or the"
            " camera that sealed the record, is not to be trusted.",
            custodian=differing[0].value,
        )
    if differing:
        raise CommitmentError(
            "A record names another camera or capture time than the ones both custodians verified.",
            "Nothing of it is kept. Tell the operator and both custodians: a camera that seals another camera's"
            " name, or a false time, shows in this way.",
        )


def _check_opening(sealed: SealedHit, y: bytes, n_y: bytes, custodian: Custodian) -> None:
    """Where the custodians give different openings of c_y, at most one is right. Raises ShareError for the other."""
    try:
        check_pseudonym(sealed.record, y, n_y)
    except CommitmentError:
        raise ShareError(
            f"Custodian {custodian.name} gave another opening of the pseudonym than the other custodian.",
            custodian=custodian.value,
        ) from None
