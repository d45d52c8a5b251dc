"""``blindplate hotlist`` on the screen: what a file's problems end with, and what status and hits tell."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from blindplate.cli.commands import emissions, hits, hotlist
from blindplate.cli.commands.comparison import table
from blindplate.client.owner import commands
from blindplate.client.owner.commands import ListChange, Sight, SubmitReport
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import Hit, HitState
from blindplate.client.owner.listfile import ListForm, Problem, ProblemKind
from blindplate.client.owner.lists.revisions import Revision
from blindplate.client.owner.publish import Published
from blindplate.client.owner.reveal import Revealed
from blindplate.client.owner.roster import Change, Entry
from blindplate.client.owner.status import ListStatus
from blindplate.client.owner.submitting import Submission
from blindplate.core.domains import HOURLY, Domain
from blindplate.core.plates import canonicalize
from blindplate.core.statements.priorities import Priority

DONE = ListChange(Change(4, 2, 1, 3, waiting=5), Published(2, 2), 1_700_000_000)
BAD = Problem(3, "plate", ProblemKind.PLATE)
NOTICE = Problem(4, "plate", ProblemKind.DUPLICATE)
NARROW = Problem(5, "", ProblemKind.CELLS)


@dataclass
class Owner:
    """Stands in for the owner: takes files as told, and notes how they were handed in."""

    report: SubmitReport
    seen: list[Submission] = field(default_factory=list[Submission])

    def submit(self, _settings: object, _path: Path, submission: Submission, **_how: object) -> SubmitReport:
        self.seen.append(submission)
        return self.report


def run(monkeypatch: pytest.MonkeyPatch, owner: Owner, *options: str, emission: bool = False) -> Result:
    monkeypatch.setattr(commands, "submit", owner.submit)
    monkeypatch.setattr(hotlist, "_owner", lambda _path: None)
    app = emissions.app if emission else hotlist.app
    return CliRunner().invoke(app, ["submit", "settings.toml", "list.csv", *options])


@pytest.mark.parametrize(
    ("problems", "changed", "options", "code"),
    [
        pytest.param((), DONE, (), 0, id="whole"),
        pytest.param((NOTICE,), DONE, (), 0, id="a notice"),
        pytest.param((BAD,), None, (), 1, id="a bad row"),
        pytest.param((NOTICE,), None, ("--strict",), 1, id="a notice, strictly"),
        pytest.param((BAD, NOTICE, NARROW), DONE, ("--skip-bad",), 3, id="rows left out"),
    ],
)
@pytest.mark.parametrize("emission", [False, True])
def test_what_a_submission_ends_with(
    monkeypatch: pytest.MonkeyPatch,
    problems: tuple[Problem, ...],
    changed: ListChange | None,
    options: tuple[str, ...],
    code: int,
    emission: bool,
) -> None:
    result = run(monkeypatch, Owner(SubmitReport(problems, changed)), *options, emission=emission)
    assert result.exit_code == code, result.output
    for problem in problems:
        assert f"line {problem.line}" in result.output
    assert ("the list is as it was" in result.output) == (changed is None)
    if changed is not None:
        assert "5 vehicles wait for their effective date" in result.output


def test_strict_and_skip_bad_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner(SubmitReport((), DONE))
    assert run(monkeypatch, owner, "--strict", "--skip-bad").exit_code == 2
    assert owner.seen == []


def test_a_file_is_handed_in_as_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner(SubmitReport((), DONE))
    options = ("--format", "uk", "--delta", "--revision", "8", "--builds-on", "7", "--priority", "high")
    assert run(monkeypatch, owner, *options, "--strict").exit_code == 0
    assert run(monkeypatch, owner).exit_code == 0
    assert run(monkeypatch, owner, emission=True).exit_code == 0
    first, second, third = owner.seen
    assert (first.expected.form, first.expected.delta) == (ListForm.UK, True)
    assert (first.expected.revision, first.priority) == (Revision(8, 7), Priority.HIGH)
    assert (first.strict, first.skip_bad) == (True, False)
    assert second == Submission()
    assert third.expected.form is ListForm.CSV


PLATE = canonicalize("AB12CDE", "GB")


def sight(image: Path | None = None) -> Sight:
    """A hit whose colour differs, on an entry that was listed a day and an hour before."""
    details = Details(
        reason="[red]stolen[/red]",
        priority=Priority.HIGH,
        action="Stop",
        colour="Blue",
        warning_markers="FI",
        cad="CAD 99",
        weed_date=date(2026, 12, 31),
    )
    revealed = Revealed(
        hit_id=7,
        plate=PLATE,
        text_as_read="AB12 CDE",
        captured_at=1_700_090_000.0,
        alternate=True,
        camera_id="camera-1",
        latitude=51.5,
        longitude=-0.1,
        direction="north",
        confidence=0.9,
        plate_patch=b"x",
        plate_patch_type="image/jpeg",
        vehicle_make="Ford",
        vehicle_model="",
        vehicle_colour="red",
        entry=Entry(1, PLATE, details, 1_700_000_000.0, None),
        revealed_at=1_700_090_100.0,
    )
    return Sight(revealed, image)


def shown(sight: Sight) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table(sight))
    return console.export_text()


def test_what_is_to_be_compared_is_shown_with_warnings_first() -> None:
    text = shown(sight(Path("/owner/images/hit-7.jpg")))
    assert "compare before acting" in text
    assert text.index("The colour differs: seen red, listed Blue.") < text.index("AB12CDE (GB)")
    assert "alternate spelling" in text
    for told in (
        "/owner/images/hit-7.jpg", "Stop", "FI", "high", "CAD 99", "1 d 1 h", "2026-12-31", "51.50000, -0.10000",
        "seen Ford, listed unknown; not compared",
    ):  # fmt: skip
        assert told in text


def test_what_a_list_or_an_engine_wrote_is_not_interpreted() -> None:
    assert "[red]stolen[/red]" in shown(sight())


def test_hits_shows_what_there_is_to_compare_of_a_revealed_hit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    domain, epoch = Domain("police", "inner", 1), HOURLY.at(1_700_090_000)
    found = [
        Hit(number, domain, epoch, 1_700_089_980.0, 60.0, number == 7, 1_700_090_010.0, state)
        for number, state in ((6, HitState.SEALED), (7, HitState.REVEALED))
    ]
    monkeypatch.setattr(commands, "hits", lambda _owner, **_after: found)
    monkeypatch.setattr(commands, "sight", lambda _owner, _hit_id: sight())
    monkeypatch.setattr(commands, "has_media", lambda _owner, hit_id: {6: False, 7: True}[hit_id])
    monkeypatch.setattr("blindplate.edge.settings.load", lambda _model, _path: None)
    result = CliRunner().invoke(hits.app, ["watch", "settings.toml", "--once"])
    assert result.exit_code == 0, result.output
    assert "hit 6: zone inner" in result.output
    assert "sealed, media not here yet" in result.output
    assert "revealed, media here, an alternate" in result.output
    assert result.output.count("compare before acting") == 1


def test_status_shows_revision_priorities_and_what_is_to_end_or_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = ListStatus(
        list_id="police",
        grant_id="police-1",
        grant_ends=2e9,
        version=4,
        committed=None,
        in_force=None,
        revision=12,
        entries=1_500,
        allowed=20_000,
        priorities={Priority.HIGH: 500, Priority.NONE: 1_000},
        expiring=17,
        waiting=3,
        next_effective=date(2026, 4, 1),
        unevaluated={"inner": 0},
        epochs=(),
        answers=0,
        hits={},
        held=2,
        overdue=0,
    )
    monkeypatch.setattr(commands, "status", lambda _owner: found)
    monkeypatch.setattr(hotlist, "_owner", lambda _path: None)
    result = CliRunner().invoke(hotlist.app, ["status", "settings.toml"])
    for told in ("revision 12", "500 high, 1,000 none", "17 within 7 days", "3, the first on 2026-04-01"):
        assert told in result.output
