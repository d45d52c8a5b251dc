"""Lines of a stream: bounded, endable, followed."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.feed import MAX_MESSAGE_BYTES
from blindplate.client.camera.source import Line, StreamSource, lines


def read(content: bytes) -> list[tuple[int, bytes]]:
    return [(line.number, line.content) for line in lines(io.BytesIO(content), threading.Event())]


@given(st.lists(st.binary(max_size=20).filter(lambda part: b"\n" not in part), max_size=20))
def test_lines_are_numbered_and_empty_ones_skipped(parts: list[bytes]) -> None:
    expected = [(number, part) for number, part in enumerate(parts, 1) if part.strip()]
    assert read(b"\n".join(parts)) == expected
    assert read(b"\n".join(parts) + b"\n") == expected


def test_lines_longer_than_a_read_are_whole() -> None:
    long = b"x" * 300_000
    assert read(b"a\n" + long + b"\nb") == [(1, b"a"), (2, long), (3, b"b")]


def test_of_a_line_that_is_too_long_no_more_is_held_than_shows_it() -> None:
    found = read(b"a\n" + b"x" * (3 * MAX_MESSAGE_BYTES) + b"\nb\n")
    assert [(number, len(content)) for number, content in found] == [
        (1, 1),
        (2, MAX_MESSAGE_BYTES + 1),
        (3, 1),
    ]


def test_a_line_shows_nothing_of_itself() -> None:
    assert "KT21" not in repr(Line(1, b"KT21ABC"))


def test_a_pipe_that_says_nothing_can_be_left() -> None:
    reading, writing = os.pipe()
    stop = threading.Event()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb"):
        ended = threading.Thread(target=lambda: list(lines(stream, stop)))
        ended.start()
        stop.set()
        ended.join(5)
        assert not ended.is_alive()


def test_a_followed_file_gives_what_is_added_once_the_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(b"one\ntw")
    stop = threading.Event()
    found: list[bytes] = []

    def follow() -> None:
        with path.open("rb") as stream:
            found.extend(line.content for line in lines(stream, stop, follow=True))

    follower = threading.Thread(target=follow)
    follower.start()
    time.sleep(0.1)
    with path.open("ab") as more:
        more.write(b"o\nthree\nfo")
    time.sleep(0.6)
    # Cut short and begun anew, as log rotation by copying does.
    path.write_bytes(b"five\n")
    time.sleep(0.6)
    stop.set()
    follower.join(5)
    assert found[:3] == [b"one", b"two", b"three"]
    assert found[-1].endswith(b"five")


def test_a_file_waits_and_a_pipe_does_not(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.touch()
    with path.open("rb") as stream:
        assert StreamSource(stream).can_wait
        assert not StreamSource(stream, follow=True).can_wait
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert not StreamSource(stream).can_wait
