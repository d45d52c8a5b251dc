"""Drafts: what a person writes becomes a grant with the ledger's registers and the files' digests, or is refused."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from blindplate.client.grants.description import draft, read_description
from blindplate.core.errors import EntryError, GrantError, SettingsError
from blindplate.core.statements.grants import ChargingTerms, Grant, ReleaseMode
from tests.unit.client.grants.papers import DESCRIPTION, SETS, Papers, described, owner_settings


def drafted(
    folder: Path, text: str = DESCRIPTION, papers: Papers | None = None, *, short_notice: bool = False
) -> Grant:
    who = papers or Papers()
    described(folder, text)
    description = read_description(folder / "grant.toml")
    return draft(
        description,
        folder,
        owner_settings(),
        who.owner.public,
        who.state,
        SETS,
        short_notice=short_notice,
    )


def test_a_draft_names_owner_register_digests_and_notice(tmp_path: Path) -> None:
    papers = Papers()
    grant = drafted(tmp_path, papers=papers)
    assert grant.owner == "spiffe://blindplate/owner/owner-police"
    assert grant.owner_key == papers.owner.public
    assert [zone.register_digest for zone in grant.zones] == list(papers.state.registers)
    assert grant.privacy_assessment.sha256 == sha256(b"dpia.pdf").digest()
    assert grant.notice_seconds == 28 * 86_400
    assert grant.window_seconds == 86_400
    assert grant.release.mode is ReleaseMode.STANDING
    assert grant.evidence_days == 31


def test_a_draft_keeps_evidence_as_long_as_its_description_says(tmp_path: Path) -> None:
    text = DESCRIPTION.replace("notice_days = 28\n", "notice_days = 28\nevidence_days = 90\n")
    assert drafted(tmp_path, text).evidence_days == 90
    with pytest.raises(GrantError):
        drafted(tmp_path, text.replace("= 90", "= 2556"))


def test_a_draft_takes_the_newest_generation_of_a_register(tmp_path: Path) -> None:
    papers = Papers()
    papers.enter_register("inner", 2)
    assert drafted(tmp_path, papers=papers).zones[0].generation == 2


@pytest.mark.parametrize(
    "line", ["notice_days = 28\n", 'file = "dpia.pdf"\n', 'address = "https://police.example/eqia.pdf"\n']
)
def test_a_description_without_notice_or_an_assessment_is_refused(tmp_path: Path, line: str) -> None:
    assert line in DESCRIPTION
    with pytest.raises(SettingsError):
        drafted(tmp_path, DESCRIPTION.replace(line, ""))


def test_no_notice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="notice_days"):
        drafted(tmp_path, DESCRIPTION.replace("notice_days = 28", "notice_days = 0"))


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="officiers"):
        drafted(tmp_path, "officiers = 3\n" + DESCRIPTION)


def test_a_time_without_its_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not_before"):
        drafted(tmp_path, DESCRIPTION.replace("2027-03-01T00:00:00Z", "2027-03-01T00:00:00"))


def test_a_zone_without_a_register_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="abbey"):
        drafted(tmp_path, DESCRIPTION.replace('zones = ["inner"]', 'zones = ["inner", "abbey"]'))


def test_an_end_before_the_beginning_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="ends before it begins"):
        drafted(tmp_path, DESCRIPTION.replace("2028-03-01", "2026-03-01"))


def test_an_assessment_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        drafted(tmp_path, DESCRIPTION.replace('file = "dpia.pdf"', 'file = "nowhere.pdf"'))


def test_a_description_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not TOML"):
        drafted(tmp_path, "grant_id = ")


def test_charging_terms_come_from_the_description_and_are_refused_for_a_hotlist(tmp_path: Path) -> None:
    terms = "\n[charging]\npayment_days = 3\n"
    emissions = (
        DESCRIPTION.replace('list_kind = "hotlist"', 'list_kind = "emissions"')
        .replace("window_hours = 24", "window_hours = 168")
        .replace('kind = "span"\nseconds = 3600', 'kind = "charging-day"')
    )
    assert drafted(tmp_path, emissions + terms).charging == ChargingTerms(payment_days=3)
    with pytest.raises(GrantError, match="charging terms"):
        drafted(tmp_path, DESCRIPTION + terms)
    with pytest.raises(GrantError, match="a window of 5 days"):
        drafted(tmp_path, emissions.replace("window_hours = 168", "window_hours = 96") + terms)


def test_less_than_a_days_notice_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    short = DESCRIPTION.replace("notice_days = 28", "notice_days = 0.00002")
    with pytest.raises(GrantError, match="nobody could object"):
        drafted(tmp_path, short)
    assert drafted(tmp_path, short, short_notice=True).notice_seconds == 2


def test_an_unknown_parameter_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="nonsense"):
        drafted(tmp_path, 'parameter_set = "nonsense"\n' + DESCRIPTION)


@pytest.mark.parametrize(
    "field", ["purpose", "lawful_basis", "consultation", "decision", "privacy_assessment.address"]
)
@pytest.mark.parametrize("text", [" ", "\u00a0\u200b", "two\\nlines", "turned \u202e round"])
def test_a_text_that_says_nothing_or_paints_over_others_is_refused(
    tmp_path: Path, field: str, text: str
) -> None:
    name = field.rsplit(".", 1)[-1]
    blank = re.sub(
        rf'^{name} = ".*"$', lambda _: f'{name} = "{text}"', DESCRIPTION, count=1, flags=re.MULTILINE
    )
    assert blank != DESCRIPTION
    with pytest.raises(SettingsError, match=rf"{field} \(a text holds"):
        drafted(tmp_path, blank)


def test_empty_assessments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="empty document"):
        drafted(tmp_path, DESCRIPTION.replace('file = "dpia.pdf"', 'file = "/dev/null"'))


def test_one_document_for_both_assessments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="both assessments"):
        drafted(tmp_path, DESCRIPTION.replace('file = "eqia.pdf"', 'file = "dpia.pdf"'))


def test_a_release_by_no_officer_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"release\.officers"):
        drafted(tmp_path, DESCRIPTION.replace("officers = 2", "officers = 0"))


def test_what_the_ledger_would_refuse_is_not_drafted(tmp_path: Path) -> None:
    papers = Papers()
    signers = (papers.operator, papers.custodian_a, papers.custodian_b)
    papers.enter(drafted(tmp_path, papers=papers).statement(*signers))
    with pytest.raises(GrantError, match="the ledger's next is 1"):
        drafted(tmp_path, papers=papers)
    shorter = "amendment = 1\n" + DESCRIPTION.replace("notice_days = 28", "notice_days = 27")
    with pytest.raises(EntryError, match="shorter notice"):
        drafted(tmp_path, shorter, papers)
