"""The report's files: the same figures on the page, in JSON and in CSV, each documented, and none a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.csv_tables import csv_tables, requests_table
from blindplate.client.auditor.findings import Kind
from blindplate.client.auditor.report import PAGE, SCHEMA, SCHEMA_VERSION, json_text, render, write_report
from blindplate.client.auditor.summary import Summary, summarize
from blindplate.client.auditor.wording import PURPOSES, RULES
from blindplate.core.errors import StorageError
from blindplate.core.parties import Custodian
from blindplate.core.statements.matching import MatcherCounts
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome
from blindplate.core.statements.releases import Verdict
from tests.unit.client.auditor.ledgers import BEGINS, EMISSIONS, MATCHER, POLICE, Ledger, audited, grant, row
from tests.unit.client.auditor.month import month
from tests.unit.client.auditor.pages import parse, rows

DOCUMENTED: Final = Path(__file__).parents[4] / "docs" / "spec" / "audit.md"


@cache
def audit_of_month() -> Audit:
    """An audit of the month."""
    return audited(month())


def small_ledger() -> Ledger:
    """A ledger whose every figure is known."""
    ledger = Ledger.begun()
    ledger.list_version(1, 10, 10)
    ledger.list_version(2, 8, 1, 3)
    ledger.counts(row(received=700, claimed=4, erased_acknowledged=600, erased_unclaimed=90))
    ledger.camera(hotlist=650)
    ledger.batches(3)
    confirmed = ledger.release("confirmed")
    ledger.outcome(confirmed)
    ledger.outcome(ledger.release("misread"), Outcome.MISREAD)
    refused = ledger.request("refused")
    ledger.decide(Custodian.A, refused)
    ledger.decide(Custodian.B, refused, Verdict.DENIED, code="membership")
    ledger.release("charge", EMISSIONS)
    ledger.suspend(Custodian.B)
    ledger.now += 400
    ledger.counts(
        row(received=1000, claimed=5, erased_acknowledged=900, erased_unclaimed=90),
        row("liable", "outer", 40, claimed=10),
    )
    return ledger


@cache
def small() -> Summary:
    """Its summary."""
    return summarize(audited(small_ledger()))


def table(text: str) -> list[dict[str, str]]:
    """A CSV file's rows."""
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_shows_what_the_ledger_says() -> None:
    document = parse(render(small()))
    assert rows(document, "From read to hit, list by list") == [
        ["police", "hotlist", "Vehicles sought by police", "1,000", "5", "0.50%", "990", "5"],
        ["emissions", "liable", "Vehicles that owe a charge", "40", "10", "10 of 40", "0", "30"],
    ]
    assert rows(document, "What became of reads, by list and zone") == [
        ["hotlist", "inner", "1,000", "5", "900", "90", "5", "0", "650"],
        ["liable", "outer", "40", "10", "0", "0", "30", "0", "0"],
    ]
    assert rows(document, "From hit to release, list by list") == [
        ["police", "hotlist", "5", "3", "2", "1", "0", "0"],
        ["emissions", "liable", "10", "1", "1", "0", "0", "0"],
    ]
    assert rows(document, "What agencies report of released records") == [
        ["hotlist", "2", "1", "1", "0", "0", "0", "0", "1 of 2"],
        ["liable", "1", "0", "0", "0", "0", "0", "1", "none yet"],
    ]
    assert rows(document, "Did the custodians agree?") == [
        ["hotlist", "2", "0", "0", "1", "0"],
        ["liable", "1", "0", "0", "0", "0"],
    ]
    assert rows(document, "Why custodians refused") == [
        ["The vehicle was not on the list before it was read", "Custodian B", "membership", "1"]
    ]
    assert rows(document, "Purposes and classes of offence, agency by agency") == [
        ["emissions", "Unpaid charge", "1", "1", "0", "0", "0"],
        ["police", "Robbery or theft", "3", "2", "1", "0", "0"],
    ]
    assert rows(document, "Length and change of lists")[1] == [
        *("police", "hotlist", "police-1", "8", "1,000", "2", "11", "3")
    ]
    assert [line[:3] for line in rows(document, "Every grant")] == [
        ["emissions", "emissions-1", "in force"],
        ["police", "police-1", "suspended"],
    ]
    assert [line[1:5] for line in rows(document, "Suspensions by a custodian")] == [
        ["Custodian B", "police-1", "acts on it no longer", "inquiry"]
    ]
    assert rows(document, "Reads compared with lists, over time") == [["2025-03-03", "1,000", "40"]]


def test_suspected_and_revoked_cameras_are_counted_by_zone() -> None:
    found = {one.zone: (one.cameras, one.suspected, one.revoked) for one in summarize(audit_of_month()).zones}
    assert found == {"inner": (2, 0, 0), "outer": (3, 1, 1)}


def test_reads_that_no_later_count_speaks_of_are_shown() -> None:
    ledger = Ledger.begun()
    ledger.counts(row(received=50, claimed=2, erased_acknowledged=8))
    ledger.counts(row(received=5), since=BEGINS + 60)
    summary = summarize(audited(ledger))
    assert [one.lost for one in summary.places] == [40]
    assert "Of 40 reads no later count says what became of them" in parse(render(summary)).text
    assert "no later count says" not in parse(render(small())).text


def test_counts_in_parts_are_shown_once_they_are_whole() -> None:
    ledger = Ledger.begun()
    rows = [row(zone=f"zone-{number}", received=2) for number in range(101)]
    counts = MatcherCounts(since=BEGINS, records=tuple(rows), refused_claims=0, made_at=ledger.now)
    first, second = counts.split()
    ledger.enter(first, MATCHER)
    assert summarize(audited(ledger)).places == ()
    ledger.enter(second, MATCHER)
    summary = summarize(audited(ledger))
    assert len(summary.places) == 101
    assert {(one.counts.received, one.open, one.lost) for one in summary.places} == {(2, 2, 0)}


def test_the_same_ledger_gives_the_same_files(tmp_path: Path) -> None:
    write_report(audited(small_ledger()), tmp_path / "one")
    page = write_report(audited(small_ledger()), tmp_path / "two")
    assert page == tmp_path / "two" / PAGE
    names = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert names == sorted(
        {"report.html", "report.json", "requests.csv", *(f"{one}.csv" for one in csv_tables(small()))}
    )
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_json_file_names_its_form_and_holds_every_figure() -> None:
    found = json.loads(json_text(small()))
    assert (
        (found.pop("schema"), found.pop("schema_version"))
        == (SCHEMA, SCHEMA_VERSION)
        == ("blindplate-public-report", 1)
    )
    assert found["green"] is True
    assert found["head"]["entries"] == small().head.entries
    assert [one["received"] for one in found["by_list"]] == [1000, 40]
    assert found["releases"]["outcomes"][0]["misread"] == 1
    assert found["agencies"][1]["grants"][0]["standing"] == "suspended"
    assert [one["custodian"] for one in found["searches"]] == ["a", "b"]


def fields(text: str) -> set[str]:
    """Every name of a field in a JSON text, at any depth."""
    names: set[str] = set()

    def hear(pairs: list[tuple[str, object]]) -> None:
        names.update(name for name, _ in pairs)

    json.loads(text, object_pairs_hook=hear)
    return names


def test_every_field_of_the_files_is_documented() -> None:
    text = DOCUMENTED.read_text()
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    assert fields(json_text(summarize(audit_of_month()))) <= named
    files = csv_tables(small()) | {"requests": requests_table(audit_of_month())}
    for name, content in files.items():
        assert f"`{name}.csv`" in text
        assert set(content.splitlines()[0].split(",")) <= named, name


def test_every_rule_and_alarm_is_documented_and_has_its_words() -> None:
    named = set(re.findall(r"`([a-z-]+)`", DOCUMENTED.read_text()))
    assert {kind.value for kind in Kind} <= named
    assert set(RULES) == set(Kind)
    assert len(set(RULES.values())) == len(Kind)
    assert set(PURPOSES) == set(Purpose)


def test_csv_and_page_agree_with_the_entries_of_the_month() -> None:
    audit = audit_of_month()
    summary = summarize(audit)
    asked = table(requests_table(audit))
    files = {name: table(text) for name, text in csv_tables(summary).items()}
    assert len(asked) == dict(summary.entries)["request-entry"]
    for by, column in (("day", "made"), ("zone", "zone"), ("list", "list_id")):
        for line in (one for one in files["releases"] if one["by"] == by):
            held = [one for one in asked if one[column] == line["name"]]
            assert int(line["requested"]) == len(held)
            for standing in ("released", "refused", "expired", "waiting"):
                assert int(line[standing]) == sum(one["standing"] == standing for one in held)
    for line in files["places"]:
        days = [
            one for one in files["reads"] if (one["list_id"], one["zone"]) == (line["list_id"], line["zone"])
        ]
        assert int(line["received"]) == sum(int(one["received"]) for one in days)
        left = sum(int(line[name]) for name in ("claimed", "erased_acknowledged", "erased_unclaimed", "open"))
        assert int(line["received"]) == left
    for line in files["outcomes"]:
        held = [one for one in asked if (one["list_id"], one["standing"]) == (line["list_id"], "released")]
        assert int(line["misread"]) == sum(one["outcome"] == "misread" for one in held)
        assert int(line["not_sought"]) == sum(one["outcome"] == "not-the-vehicle-sought" for one in held)
    assert {one["emergency"] for one in asked} == {"true", "false"}


@pytest.mark.parametrize("begins", ["=1+1", "+1", "-1", "@sum(a1)", "  =1", "\uff1d1"])
def test_no_cell_is_taken_for_a_formula(begins: str) -> None:
    hostile = f'{begins}",=2,"=3'
    ledger = Ledger.begun(grant(owner=hostile, purpose=hostile), grant(EMISSIONS))
    ledger.request(requester=hostile)
    ledger.release("charge", EMISSIONS)
    audit = audited(ledger)
    files = csv_tables(summarize(audit)) | {"requests": requests_table(audit)}
    cells = [
        cell for text in files.values() for line in csv.reader(io.StringIO(text, newline="")) for cell in line
    ]
    assert f"'{hostile}" in cells
    for cell in cells:
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")), cell


def test_a_folder_that_cannot_be_written_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as raised:
        write_report(audit_of_month(), tmp_path / "file")
    assert "name another folder" in raised.value.remedy


def test_a_year_is_shown_by_months() -> None:
    ledger = Ledger.begun(grant(not_after=BEGINS + 400 * 86_400), grant(EMISSIONS))
    for day in range(70):
        ledger.now = BEGINS + day * 86_400 + 50_000
        ledger.counts(row(received=10 * (day + 1)))
        ledger.request(f"{day}", POLICE)
    document = parse(render(summarize(audited(ledger))))
    # 3 March to 11 May 2025.
    assert rows(document, "Reads compared with lists, over time") == [
        ["2025-03", "290"],
        ["2025-04", "300"],
        ["2025-05", "110"],
    ]
    assert [line[:2] for line in rows(document, "Releases asked for, over time")] == [
        ["2025-03", "29"],
        ["2025-04", "30"],
        ["2025-05", "11"],
    ]
