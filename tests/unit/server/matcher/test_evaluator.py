"""Evaluation in this process, and the cache of loaded lists."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from blindplate.core.errors import StorageError, UploadError
from blindplate.psi.layout import Layout, plan
from blindplate.psi.owner import build_upload, open_answer
from blindplate.psi.parameters import load_set
from blindplate.server.matcher.evaluator import Job, ListCache, ListSource, LocalEvaluator

PROMPT = load_set("prompt")
LAYOUT: Layout = plan(10, PROMPT)
LISTED = [secrets.token_bytes(32) for _ in range(10)]


def source(folder: Path, name: bytes) -> tuple[ListSource, bytes]:
    upload = build_upload(LISTED, LAYOUT, PROMPT)
    path = folder / name.hex()
    path.write_bytes(b"".join(upload.body))
    return ListSource(name, path, "prompt", LAYOUT.bins, LAYOUT.degree), upload.secret


def test_a_batch_is_answered(tmp_path: Path) -> None:
    where, secret = source(tmp_path, b"a")
    reads = [(LISTED[3], bytes(16)), (secrets.token_bytes(32), bytes(16))]
    batch = LocalEvaluator(1 << 30).submit(Job(where, reads)).result()
    [hit] = open_answer(secret, batch.answer)
    assert batch.placed[batch.slots.index(hit.slot)] == 0


def test_no_secret_is_in_a_jobs_text() -> None:
    job = Job(ListSource(b"a", Path("a"), "prompt", 1, 64), [(b"pseudonym", b"secret")])
    assert "pseudonym" not in repr(job)


def test_lists_are_dropped_when_they_outgrow_the_memory(tmp_path: Path) -> None:
    sources = [source(tmp_path, name)[0] for name in (b"a", b"b", b"c")]
    room_for_two = ListCache(5 * 16 * len(PROMPT.data_primes) * PROMPT.poly_degree * LAYOUT.blobs // 2)
    first = room_for_two.get(sources[0])
    room_for_two.get(sources[1])
    assert room_for_two.get(sources[0]) is first
    room_for_two.get(sources[2])
    assert len(room_for_two) == 2
    assert room_for_two.get(sources[0]) is first
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(StorageError):
        room_for_two.get(sources[1])


def test_a_file_that_is_not_what_was_uploaded_is_refused(tmp_path: Path) -> None:
    where, _ = source(tmp_path, b"a")
    where.path.write_bytes(where.path.read_bytes()[:-1])
    with pytest.raises(UploadError):
        LocalEvaluator(1 << 30).submit(Job(where, [])).result()
