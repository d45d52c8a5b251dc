"""Formats of other packages: an installed one works, a broken one costs its own messages and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.command import main
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import PlatePatch, ReadEvent, Vehicle, known_formats, parser_of
from blindplate.client.camera.events.plugins import guarded
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import Reader
from blindplate.core.errors import BlindplateError, EventError, SettingsError
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import CANARY
from tests.unit.client.camera.samples import NOW, MovedClock, Parties

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "tests" / "example_adapter"
LINE = b"2026-03-01T07:15:30Z;KT21ABC;GB;97;" + CANARY.encode()
EVENT = ReadEvent("KT21ABC", NOW)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the example, as a wheel built of it."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--target", folder, EXAMPLE], check=True, capture_output=True)
    return folder


def test_an_installed_adapter_is_known_by_its_name_and_reads(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "example" not in known_formats()
    monkeypatch.syspath_prepend(str(installed))
    assert "example" in known_formats()
    (event,) = parser_of("example")(LINE)
    assert event == ReadEvent("KT21ABC", 1_772_349_330.0, country="GB", confidence=0.97)
    with pytest.raises(EventError) as caught:
        parser_of("example")(b"KT21ABC")
    assert "KT21" not in str(caught.value)


def test_the_command_takes_an_installed_adapters_name(installed: Path, tmp_path: Path) -> None:
    code = "import sys; from blindplate.client.camera.command import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(tmp_path / "none.toml"), "--format", "example"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])},
        capture_output=True,
        text=True,
    )
    # It got as far as the settings.
    assert "none.toml cannot be read" in done.stderr


def test_the_document_shows_the_example_as_it_is() -> None:
    text = (ROOT / "docs" / "adapters.md").read_text()
    shown = dict(re.findall(r"`([\w/.]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL))
    assert shown == {
        "pyproject.toml": (EXAMPLE / "pyproject.toml").read_text(),
        "example_adapter.py": (EXAMPLE / "example_adapter.py").read_text(),
    }


# -- what another's code may do -----------------------------------------------------------------------------


class Strange(BaseException):
    """Nothing that anybody expects."""


@dataclass(frozen=True)
class Costume(ReadEvent):
    """An event that brings more than an event."""

    note: str = CANARY


def raising(error: BaseException) -> Callable[[bytes], object]:
    def parse(raw: bytes) -> object:
        raise error

    return parse


def returning(value: object) -> Callable[[bytes], object]:
    return lambda _: value


def halfway(raw: bytes) -> Iterator[ReadEvent]:
    yield EVENT
    raise ValueError(raw)


BROKEN = {
    "value error": raising(ValueError(CANARY)),
    "event error": raising(EventError(f"Not read: {CANARY}.")),
    "exit": raising(SystemExit(CANARY)),
    "interrupt": raising(KeyboardInterrupt(CANARY)),
    "strange": raising(Strange(CANARY)),
    "memory": raising(MemoryError(CANARY)),
    "halfway": halfway,
    "none": returning(None),
    "text": returning(CANARY),
    "number": returning(7),
    "dictionary": returning([{"text": "KT21ABC"}]),
    "text of bytes": returning([replace(EVENT, text=b"KT21ABC")]),  # type: ignore[arg-type]
    "no text": returning([replace(EVENT, text="")]),
    "long text": returning([replace(EVENT, text="K" * 65)]),
    "time as text": returning([replace(EVENT, captured_at="2026")]),  # type: ignore[arg-type]
    "no time": returning([replace(EVENT, captured_at=float("nan"))]),
    "percentage": returning([replace(EVENT, confidence=97.0)]),
    "candidates": returning([replace(EVENT, candidates=(("KT21ABD", 41.0),))]),
    "many candidates": returning([replace(EVENT, candidates=(("KT21ABD", None),) * 17)]),
    "vehicle": returning([replace(EVENT, vehicle=CANARY)]),  # type: ignore[arg-type]
    "patch": returning([replace(EVENT, patch=CANARY)]),  # type: ignore[arg-type]
    "long direction": returning([replace(EVENT, direction="x" * 65)]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_adapter_costs_its_message_and_is_not_quoted(name: str) -> None:
    with pytest.raises(EventError) as caught:
        guarded("made-up", BROKEN[name])(LINE)
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_broken_adapter_stops_no_other_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def sometimes(raw: bytes) -> list[ReadEvent]:
        if raw.startswith(b"exit"):
            raise SystemExit(raw)
        return [replace(EVENT, text=raw.decode())]

    counts, parties = Counts(), Parties()
    policy = parties.policy_file(tmp_path, parties.policy())
    reader = Reader(Passes(10), "GB", 3600, counts)
    backlog = Backlog(10, counts, drop_oldest=False)
    feed = Feed(guarded("made-up", sometimes), reader, backlog, policy, MovedClock(), counts)
    failures = [feed.take(raw).failures for raw in (b"exit KT21ABC", b"KT21ABC", b"\xff", b"LB99XYZ")]
    assert [len(one) for one in failures] == [1, 0, 1, 0]
    assert counts[Counted.BAD_EVENTS] == 2
    assert counts[Counted.READS] == 2
    assert "KT21" not in "".join(capfd.readouterr())


def test_pictures_of_other_adapters_lose_their_metadata_and_disguises_are_taken_off() -> None:
    parse = guarded(
        "made-up", returning((Costume("KT21ABC", NOW, patch=PlatePatch(engines.jpeg(), CANARY)),))
    )
    (event,) = parse(b"")
    assert type(event) is ReadEvent
    assert event.patch == PlatePatch(engines.BARE_JPEG, "image/jpeg")
    (event,) = guarded("made-up", returning([replace(EVENT, patch=PlatePatch(b"GIF89a", "image/gif"))]))(b"")
    assert (event.patch, event.patch_left_out) == (None, True)


def test_a_whole_event_goes_through_as_it_is() -> None:
    whole = ReadEvent(
        text="KT21 ABC",
        captured_at=NOW,
        country="GB",
        candidates=(("KT21 A8C", 0.4), ("KT2I ABC", None)),
        char_confidences=(0.9,) * 8,
        confidence=1,
        direction="towards",
        patch=PlatePatch(engines.BARE_JPEG, "image/jpeg"),
        patch_left_out=True,
        vehicle=Vehicle("Ford", "Focus", "blue"),
        pass_id="7",
        engine_camera="gate",
    )
    assert guarded("made-up", returning([whole]))(b"") == [whole]
    assert len(guarded("made-up", lambda _: iter([whole, EVENT]))(b"")) == 2


# -- packages -----------------------------------------------------------------------------------------------


def package(folder: Path, name: str, entry: str, code: str = "") -> None:
    """A made-up installed package with one entry point."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[blindplate.event_formats]\n{entry}\n")
    (folder / f"{name}.py").write_text(code)


@pytest.mark.parametrize(
    "code",
    [
        f"raise ValueError('{CANARY}')",
        "import no_such_module",
        "parse = 7",
        "",
        "def parse(:",
        "raise SystemExit(1)",
    ],
)
def test_a_package_that_cannot_be_loaded_is_told_and_not_quoted(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_{abs(hash(code))}"
    package(tmp_path, name, f"broken = {name}:parse", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError, match="broken") as caught:
        parser_of("broken")
    assert CANARY not in str(caught.value)


def test_two_packages_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        package(tmp_path, f"adapter_{name}", f"same = adapter_{name}:parse", "parse = list")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError, match="More than one"):
        parser_of("same")


def test_no_package_takes_the_place_of_a_format_of_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "adapter_plain", "plain = adapter_plain:parse", "parse = list")
    own = parser_of("plain")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert known_formats().count("plain") == 1
    assert parser_of("plain") is own


@pytest.mark.parametrize("name", ["Loud", "per%cent", "two words", "x" * 64])
def test_a_name_that_is_none_is_not_known(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "adapter_named", f"{name} = adapter_named:parse", "parse = list")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert name not in known_formats()


def test_an_unknown_name_is_told_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BlindplateError, match="hikvision"):
        parser_of("tea-leaves")
    with pytest.raises(SystemExit):
        main(["run", str(tmp_path), "--format", "tea-leaves"])
    assert "hikvision" in capsys.readouterr().err
