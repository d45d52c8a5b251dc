"""Log lines hold no content, whatever is handed in and whether or not logging was configured, and never raise."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.core.errors import MessageError
from blindplate.edge.logs import configure, log

CANARY = "AB12CDE"


@dataclass
class Held:
    """A thing whose ``repr`` gives its content away."""

    content: bytes = CANARY.encode()
    text: str = CANARY


class Colour(StrEnum):
    RED = "red"


@pytest.fixture(autouse=True, params=["configured", "unconfigured"])
def logging(request: pytest.FixtureRequest) -> Iterator[str]:
    structlog.reset_defaults()
    if request.param == "configured":
        configure("test")
    yield "test" if request.param == "configured" else "unnamed"
    structlog.reset_defaults()


def line(capsys: pytest.CaptureFixture[str], **fields: object) -> dict[str, object]:
    log().warning("happened", **fields)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert CANARY not in captured.err
    assert CANARY.encode().hex() not in captured.err
    read: dict[str, object] = json.loads(captured.err)
    return read


def test_a_line_holds_event_level_process_and_plain_fields(
    capsys: pytest.CaptureFixture[str], logging: str
) -> None:
    written = line(capsys, number=3, share=0.5, ok=True, none=None, path=Path("a/b"), kind=Colour.RED)
    del written["timestamp"]
    assert written == {
        "event": "happened",
        "level": "warning",
        "process": logging,
        "number": 3,
        "share": 0.5,
        "ok": True,
        "none": None,
        "path": "a/b",
        "kind": "red",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (CANARY.encode(), "<7 bytes>"),
        (bytearray(CANARY.encode()), "<7 bytes>"),
        (memoryview(CANARY.encode()), "<memoryview>"),
        ([CANARY.encode()], ["<7 bytes>"]),
        ((1, {CANARY.encode()}), [1, ["<7 bytes>"]]),
        ({"inner": CANARY.encode()}, {"inner": "<7 bytes>"}),
        ({CANARY.encode(): 1}, {"<7 bytes>": 1}),
        (Held(), "<Held>"),
        ({"deep": [Held()]}, {"deep": ["<Held>"]}),
        ([[[[[CANARY]]]]], [[[["<list>"]]]]),
        (Held, "<type>"),
    ],
)
def test_bytes_and_objects_never_reach_a_line(
    capsys: pytest.CaptureFixture[str], value: object, written: object
) -> None:
    assert line(capsys, value=value)["value"] == written


@pytest.mark.parametrize("error", [ValueError(CANARY), OSError(2, CANARY, CANARY), KeyError(CANARY)])
def test_a_foreign_exception_shows_only_its_type(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    assert line(capsys, error=error)["error"] == type(error).__name__
    assert line(capsys, errors=[error])["errors"] == [type(error).__name__]


def test_a_traceback_is_never_written(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        line(capsys, exc_info=True)
        line(capsys, exc_info=error)
        line(capsys, stack_info=True)


def test_an_error_of_our_own_shows_its_code_and_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert line(capsys, error=MessageError("Too long."))["error"] == {"code": "message", "what": "Too long."}


class _Broken(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


class _Closed(io.StringIO):
    def flush(self) -> None:
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stream", [_Broken(), _Closed(), None])
def test_a_full_or_closed_standard_error_does_not_raise(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    log().error("lost")


def test_a_value_that_cannot_be_put_down_does_not_raise(capsys: pytest.CaptureFixture[str]) -> None:
    class Hostile(dict[str, int]):
        def items(self) -> object:  # type: ignore[override]  # breaks on purpose
            raise RuntimeError(CANARY)

    log().error("lost", value=Hostile())
    assert CANARY not in capsys.readouterr().err


def test_content_is_kept_from_whatever_takes_the_lines() -> None:
    with capture_logs() as taken:
        log().error("happened", value=CANARY.encode())
    assert taken == [{"event": "happened", "log_level": "error", "value": "<7 bytes>"}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_a_process_goes_on_when_the_disk_behind_its_standard_error_is_full() -> None:
    program = (
        "from blindplate.edge.logs import configure, log\n"
        "configure('test')\n"
        "for _ in range(1000): log().info('event', padding='x' * 1000)\n"
        "print('went on')"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=full,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
        )
    assert done.stdout == b"went on\n"
