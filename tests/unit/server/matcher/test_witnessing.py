"""A list version counts for captures after both custodians' cosignatures, shown by a checkpoint that covers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.core.errors import MessageError, SignatureError, UnwitnessedError, UploadError
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.server.matcher.witnessing import require_witnessed
from tests.unit.core.ledger.entering import VERSION
from tests.unit.core.ledger.samples import KEYS, NOW, ORIGIN, signed

INDEX = 41
COMMITTED = CommittedVersion(INDEX, NOW + 5, VERSION)


def checkpoint(size: int = INDEX + 1, *, a: int | None = NOW, b: int | None = NOW) -> bytes:
    return signed(Checkpoint(ORIGIN, size, b"r" * 32), a=a, b=b).to_bytes()


@pytest.mark.parametrize(("a", "b"), [(NOW, NOW), (NOW - 100, NOW), (NOW, NOW - 100)])
def test_the_second_after_the_later_cosignature_is_the_first_that_may_be_matched(a: int, b: int) -> None:
    require_witnessed(checkpoint(a=a, b=b), KEYS, COMMITTED, NOW + 1)
    for matches_from in (NOW, NOW - 50, 0):
        with pytest.raises(UploadError, match="later second"):
            require_witnessed(checkpoint(a=a, b=b), KEYS, COMMITTED, matches_from)


def test_a_checkpoint_must_cover_the_versions_entry() -> None:
    with pytest.raises(UploadError, match="entry 41"):
        require_witnessed(checkpoint(INDEX), KEYS, COMMITTED, NOW + 1)
    require_witnessed(checkpoint(INDEX + 1000), KEYS, COMMITTED, NOW + 1)


@pytest.mark.parametrize(("a", "b"), [(None, NOW), (NOW, None), (None, None)])
def test_one_custodian_is_not_enough(a: int | None, b: int | None) -> None:
    with pytest.raises(UnwitnessedError):
        require_witnessed(checkpoint(a=a, b=b), KEYS, COMMITTED, NOW + 1)


def test_a_checkpoint_of_another_ledger_or_no_checkpoint_is_refused() -> None:
    stranger = LogSigner.from_seed("another.example", b"s" * 32)
    other = stranger.sign(Checkpoint("another.example", 99, b"r" * 32), NOW).to_bytes()
    with pytest.raises(SignatureError):
        require_witnessed(other, KEYS, COMMITTED, NOW + 1)
    with pytest.raises(SignatureError):
        # The cosignatures are not of this size.
        require_witnessed(checkpoint().replace(b"\n42\n", b"\n43\n"), KEYS, COMMITTED, NOW + 1)
    for nothing in (b"", b"checkpoint"):
        with pytest.raises(MessageError):
            require_witnessed(nothing, KEYS, COMMITTED, NOW + 1)


def test_it_is_the_checkpoints_time_that_counts_and_not_when_the_matcher_read_the_version() -> None:
    late = replace(COMMITTED, witnessed_at=NOW + 3600)
    require_witnessed(checkpoint(), KEYS, late, NOW + 1)
