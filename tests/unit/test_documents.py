"""Documents: links lead somewhere, commands and log lines exist, examples can be used, no setting is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from blindplate.cli.main import app
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.grants.description import read_description
from blindplate.client.grants.zone import signed_register
from blindplate.client.officer import OfficerSettings
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.signing import SigningKey
from blindplate.edge.settings import ProcessSettings
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.server.matcher.settings import MatcherSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SOURCES = "".join(
    path.read_text()
    for folder in ("server", "client", "core", "cli")
    for path in (ROOT / folder).rglob("*.py")
)


def commands(group: typer.Typer) -> Iterator[str]:
    """Every command there is, groups included, as it is typed."""
    for command in group.registered_commands:
        yield command.name or str(getattr(command.callback, "__name__", ""))
    for part in group.registered_groups:
        assert part.name
        assert part.typer_instance
        yield part.name
        yield from (f"{part.name} {name}" for name in commands(part.typer_instance))


def typed(text: str) -> Iterator[tuple[str, str]]:
    """The two words after the program's name, the second perhaps empty, wherever a document shows what to type."""
    for span in re.findall(r"`([^`\n]+)`|^(?: {4}|\$ )(.+)$", text, re.MULTILINE):
        yield from re.findall(r"(?<![\w-])blindplate ([a-z]+)(?: ([a-z]+)(?![\w./-]))?", " ".join(span))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    here = [target for target in targets if "://" not in target]
    assert [target for target in here if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("model", [MatcherSettings, CustodianSettings, LedgerSettings, OfficerSettings])
def test_every_setting_of_a_service_is_explained(model: type[ProcessSettings]) -> None:
    explained = set(re.findall(r"`(\w+)`", OPERATIONS))
    assert set(model.model_fields) - explained == set()


@pytest.mark.parametrize(("model", "document"), [(OwnerSettings, "owner.md"), (CameraSettings, "camera.md")])
def test_every_setting_of_a_client_is_explained(model: type[ProcessSettings], document: str) -> None:
    explained = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "spec" / document).read_text()))
    assert set(model.model_fields) - explained == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(document: Path) -> None:
    there = set(commands(app))
    groups = {name.split()[0] for name in there if " " in name}
    for first, second in typed(document.read_text()):
        assert first in there
        # Behind what is no group stands an argument.
        assert first not in groups or not second or f"{first} {second}" in there


def test_every_log_line_and_counter_of_an_alarm_exists() -> None:
    alarms = OPERATIONS[OPERATIONS.index("## Alarms") : OPERATIONS.index("## Restoring a custodian")]
    lines = re.findall(r"^\| ([^|]+) \|", alarms, re.MULTILINE)[2:]
    names = {name for line in lines for name in re.findall(r"`([\w-]+)`", line)} - {"index"}
    assert len(names) > 10
    assert {name for name in names if f'"{name}"' not in SOURCES} == set()


def test_the_descriptions_of_a_grant_and_a_zone_can_be_used(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.+?)```", (ROOT / "docs" / "spec" / "grants.md").read_text(), re.DOTALL)
    grant, zone = tmp_path / "grant.toml", tmp_path / "zone.toml"
    # The last is a table that a grant of an emissions list has besides.
    for path, text in zip((grant, zone), examples[:2], strict=True):
        path.write_text(text)
    assert read_description(grant).zones == ("inner", "outer")
    signed_register(zone, SigningKey.generate())
