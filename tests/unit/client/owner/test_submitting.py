"""Taking list files: deltas on top of their revision, whole or not at all, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from blindplate.client.owner import roster, waiting
from blindplate.client.owner.list_files import last_taken
from blindplate.client.owner.listfile import Expected, ProblemKind, read_list_file
from blindplate.client.owner.lists.revisions import Revision, Taken
from blindplate.client.owner.roster import Change
from blindplate.client.owner.store import Store
from blindplate.client.owner.submitting import Refused, Submission, take_file
from blindplate.core.errors import ListFileError, QuotaError
from tests.unit.client.owner.samples import encoded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
PLATES = ("AB12CDE", "KL63XYZ", "MN20PRS", "GH19JKL")
LIST, DELTA = Submission(), Submission(Expected(delta=True))


class Desk:
    """A list office's files, each taken in a transaction of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "state")

    def take(
        self, text: str, submission: Submission = LIST, limit: int = 10
    ) -> tuple[list[tuple[int, ProblemKind]], Change]:
        path = self.folder / "list.csv"
        path.write_text(text)
        file = read_list_file(
            path,
            country="GB",
            today=date(2026, 3, 1),
            max_vehicles=limit,
            expected=submission.expected,
            priority=submission.priority,
        )
        assert not submission.refuses(file.problems)
        with self.store.writing() as connection:
            problems, change = take_file(connection, file, submission, NOW, limit)
        return [(one.line, one.kind) for one in problems], change

    def listed(self) -> dict[str, str]:
        """Reasons by plate."""
        with self.store.reading() as connection:
            return listed(connection)

    def taken(self) -> Taken | None:
        with self.store.reading() as connection:
            return last_taken(connection)


def listed(connection: Connection) -> dict[str, str]:
    found = (roster.find_entry(connection, encoded(plate)) for plate in PLATES)
    return {one.plate.text: one.details.reason for one in found if one and one.removed_at is None}


def delta(number: int, builds_on: int, *rows: str) -> str:
    return "\n".join(
        [f"Revision,{number},Builds on,{builds_on}", "vrm,reason,effective_date,change", *rows, ""]
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def begun(desk: Desk) -> None:
    desk.take("Revision,7\nvrm,reason\nAB12CDE,stolen\nKL63XYZ,robbery\n")


def test_a_delta_adds_amends_and_deletes_in_one_version(desk: Desk) -> None:
    begun(desk)
    problems, change = desk.take(
        delta(8, 7, "MN20PRS,new,,add", "AB12CDE,murder,,amend", "KL63XYZ,,,delete"), DELTA
    )
    assert problems == []
    assert change == Change(2, added=1, removed=1, kept=1, reworded=1)
    assert desk.listed() == {"AB12CDE": "murder", "MN20PRS": "new"}
    taken = desk.taken()
    assert taken is not None
    assert taken.number == 8


def test_what_a_delta_supposes_wrongly_is_told_by_line_and_done(desk: Desk) -> None:
    begun(desk)
    rows = ("AB12CDE,again,,add", "MN20PRS,unknown,,amend", "GH19JKL,,,delete")
    problems, change = desk.take(delta(8, 7, *rows), DELTA)
    assert problems == [
        (3, ProblemKind.LISTED),
        (4, ProblemKind.NOT_LISTED),
        (5, ProblemKind.NOTHING_TO_DELETE),
    ]
    assert (change.added, change.removed, change.reworded) == (1, 0, 1)
    assert desk.listed() == {"AB12CDE": "again", "KL63XYZ": "robbery", "MN20PRS": "unknown"}


def test_a_strict_delta_that_does_not_fit_the_list_changes_nothing(desk: Desk) -> None:
    begun(desk)
    strict = Submission(Expected(delta=True), strict=True)
    with pytest.raises(Refused) as caught:
        desk.take(delta(8, 7, "MN20PRS,new,,add", "GH19JKL,,,delete"), strict)
    assert [(one.line, one.kind) for one in caught.value.problems] == [(4, ProblemKind.NOTHING_TO_DELETE)]
    assert desk.listed() == {"AB12CDE": "stolen", "KL63XYZ": "robbery"}
    # The revision is still to be taken.
    desk.take(delta(8, 7, "MN20PRS,new,,add"), strict)


def test_a_delta_knows_what_waits_for_its_day(desk: Desk) -> None:
    begun(desk)
    desk.take(delta(8, 7, "MN20PRS,new,2026-03-05,add", "AB12CDE,later,2026-03-06,amend"), DELTA)
    assert desk.listed() == {"KL63XYZ": "robbery"}
    problems, change = desk.take(delta(9, 8, "MN20PRS,,,delete", "AB12CDE,now,,amend"), DELTA)
    assert (problems, change.waiting) == ([], 0)
    assert desk.listed() == {"AB12CDE": "now", "KL63XYZ": "robbery"}


@pytest.mark.parametrize(("number", "builds_on"), [(9, 8), (8, 6), (7, 6)])
def test_a_delta_out_of_order_changes_nothing(desk: Desk, number: int, builds_on: int) -> None:
    begun(desk)
    with pytest.raises(ListFileError):
        desk.take(delta(number, builds_on, "MN20PRS,new,,add"), DELTA)
    assert "MN20PRS" not in desk.listed()


def test_a_delta_on_a_list_without_a_revision_is_refused(desk: Desk) -> None:
    begun(desk)
    desk.take("vrm\nAB12CDE\n")
    with pytest.raises(ListFileError, match="no known revision"):
        desk.take(delta(8, 7, "MN20PRS,new,,add"), DELTA)


def test_the_same_delta_again_changes_nothing_and_is_no_error(desk: Desk) -> None:
    begun(desk)
    text = delta(8, 7, "MN20PRS,new,,add")
    desk.take(text, DELTA)
    again = desk.take(text, DELTA)
    assert again == ([], Change(None, 0, 0, 3))
    with pytest.raises(ListFileError, match="Another file"):
        desk.take(delta(8, 7, "GH19JKL,new,,add"), DELTA)


def test_a_revision_given_beside_the_file_counts_like_one_in_it(desk: Desk) -> None:
    begun(desk)
    bare = "vrm,change\nMN20PRS,add\n"
    desk.take(bare, Submission(Expected(delta=True, revision=Revision(8, 7))))
    with pytest.raises(ListFileError, match="another revision"):
        desk.take(delta(9, 8, "GH19JKL,,,add"), Submission(Expected(delta=True, revision=Revision(10, 8))))


def test_a_delta_to_more_than_the_grant_allows_changes_nothing(desk: Desk) -> None:
    begun(desk)
    with pytest.raises(QuotaError):
        desk.take(delta(8, 7, "MN20PRS,new,,add", "GH19JKL,new,2026-03-05,add"), DELTA, limit=3)
    assert len(desk.listed()) == 2
    desk.take(delta(8, 7, "MN20PRS,new,,add", "AB12CDE,,,delete", "GH19JKL,,2026-03-05,add"), DELTA, limit=3)


def test_strict_refuses_what_is_otherwise_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("vrm,weed_date\nAB12CDE,\nab12cde,\nKL63XYZ,2026-02-28\n")
    file = read_list_file(path, country="GB", today=date(2026, 3, 1), max_vehicles=9)
    assert len(file.problems) == 2
    assert not Submission().refuses(file.problems)
    assert Submission(strict=True).refuses(file.problems)
    path.write_text("vrm\nAB12CDE\n?\n")
    bad = read_list_file(path, country="GB", today=date(2026, 3, 1), max_vehicles=9)
    assert [Submission(skip_bad=skip).refuses(bad.problems) for skip in (False, True)] == [True, False]


CHANGES = st.sampled_from(["add", "amend", "delete"])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(PLATES), st.tuples(CHANGES, st.booleans()), max_size=4), max_size=5
    )
)
def test_any_run_of_deltas_leaves_what_their_rows_say(
    tmp_path_factory: pytest.TempPathFactory, deltas: list[dict[str, tuple[str, bool]]]
) -> None:
    desk, counting, coming = Desk(tmp_path_factory.mktemp("deltas")), dict[str, str](), set[str]()
    desk.take("Revision,1\nvrm\nAB12CDE\n")
    counting["AB12CDE"] = ""
    for number, rows in enumerate(deltas, start=2):
        lines: list[str] = []
        for plate, (change, later) in rows.items():
            lines.append(f"{plate},{number},{'2026-04-01' if later else ''},{change}")
            counting.pop(plate, None)
            coming.discard(plate)
            if change != "delete" and later:
                coming.add(plate)
            elif change != "delete":
                counting[plate] = str(number)
        desk.take(delta(number, number - 1, *lines), DELTA)
        assert desk.listed() == counting
        with desk.store.reading() as connection:
            assert waiting.count(connection) == len(coming)
    desk.store.close()
