"""What an owner takes of the matcher's word before an answer is looked at: its number."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from blindplate.client.owner import answers
from blindplate.client.owner.session import Session
from blindplate.core.errors import MessageError
from blindplate.v1 import answers_pb2 as v1


@dataclass
class Matcher:
    sequence: int

    def Next(self, request: v1.NextRequest, timeout: float) -> v1.NextResponse:  # noqa: N802  gRPC's name
        return v1.NextResponse(answer=v1.Answer(sequence=self.sequence, segment_id=bytes(32)))


@pytest.mark.parametrize("sequence", [0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_answer_of_a_number_no_store_can_count_on_from_is_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch, sequence: int
) -> None:
    monkeypatch.setattr(answers, "_stub", lambda _session: Matcher(sequence))
    with pytest.raises(MessageError):
        answers.take_next(session, 0)


def test_the_last_number_is_taken_and_counted_on_from(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_stub", lambda _session: Matcher((1 << 63) - 2))
    taken = answers.take_next(session, 0)
    assert taken is not None
    with pytest.raises(MessageError):
        answers.take_next(session, 0)
    with session.store.writing() as connection:
        answers.ask_from_the_first(connection)
