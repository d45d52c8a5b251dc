"""Forms of list files: what a column means in each, what is found out, and that no row goes unnamed in any."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.owner.entries import Details
from blindplate.client.owner.listfile import Expected, ListFile, ListForm, ProblemKind, read_list_file
from blindplate.client.owner.lists.genetec import GenetecList
from blindplate.client.owner.lists.layouts import TEXTS
from blindplate.client.owner.lists.revisions import Revision
from blindplate.client.owner.lists.rows import Change
from blindplate.client.owner.lists.uk import COLUMNS, HEADER
from blindplate.core.errors import ListFileError
from blindplate.core.plates import canonicalize
from blindplate.core.statements.priorities import Priority

TODAY = date(2026, 3, 1)
UK_ROW = (
    "AB12 CDE,FORD,FOCUS,BLUE,Stop,FI,Stolen,E41,Detain driver,43 Kent,31/12/2026,P123,RESTRICTED,CAD 99,x,y"
)


def read(folder: Path, text: str, max_vehicles: int = 100, **expected: object) -> ListFile:
    path = folder / "list"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return read_list_file(
        path,
        country="GB",
        today=TODAY,
        max_vehicles=max_vehicles,
        expected=Expected(**expected),  # type: ignore[arg-type]  # each test gives what it means
    )


def kinds(file: ListFile) -> list[tuple[int, str, ProblemKind]]:
    return [(one.line, one.column, one.kind) for one in file.problems]


@pytest.mark.parametrize(
    "text",
    [
        UK_ROW + "\n",
        ",".join(HEADER) + "\n" + UK_ROW + "\n",
        ",".join(HEADER).lower().replace("&", "and").replace(" ", "_") + "\r\n" + UK_ROW,
        "Revision,7\n" + UK_ROW + "\n",
        'Revision,7,,,,,,,,\n"' + '","'.join(HEADER) + '"\n' + UK_ROW + "\n",
    ],
    ids=["no-header", "header", "another-spelling", "revision", "quoted"],
)
def test_the_uk_form_is_found_out_and_all_sixteen_columns_are_kept(tmp_path: Path, text: str) -> None:
    file = read(tmp_path, text)
    assert (file.form, file.problems) == (ListForm.UK, ())
    (vehicle,) = file.vehicles
    assert vehicle.plate == canonicalize("AB12CDE", "GB")
    assert vehicle.details == Details(
        reason="Stolen",
        action="Stop",
        weed_date=date(2026, 12, 31),
        make="FORD",
        model="FOCUS",
        colour="BLUE",
        warning_markers="FI",
        intelligence="E41",
        information="Detain driver",
        force_area="43 Kent",
        pnc_id="P123",
        marking="RESTRICTED",
        cad="CAD 99",
        spare_1="x",
        spare_2="y",
    )
    assert file.revision == (Revision(7) if "Revision" in text else Revision())


def test_a_uk_row_without_a_weed_date_is_refused_by_its_line(tmp_path: Path) -> None:
    bare = UK_ROW.replace("31/12/2026", "")
    file = read(tmp_path, f"{UK_ROW}\n{bare.replace('AB12', 'KL63')}\n")
    assert kinds(file) == [(2, "weed_date", ProblemKind.NO_WEED_DATE)]
    assert file.refused == file.problems
    assert len(file.vehicles) == 1


def test_a_uk_header_out_of_order_is_not_taken_for_a_row(tmp_path: Path) -> None:
    swapped = ",".join(("VRM", "Model", "Make", *HEADER[3:]))
    with pytest.raises(ListFileError, match="order"):
        read(tmp_path, f"{swapped}\n{UK_ROW}\n", form=ListForm.UK)
    # As plain CSV its own header counts.
    file = read(tmp_path, f"{swapped}\n{UK_ROW}\n")
    assert (file.form, file.vehicles[0].details.make) == (ListForm.CSV, "FOCUS")


@pytest.mark.parametrize("text", ["", "\n", "\r\n" + UK_ROW, "Revision,7\n", "Revision,7"])
@pytest.mark.parametrize("form", [None, *ListForm])
def test_an_empty_file_does_not_empty_the_list(tmp_path: Path, text: str, form: ListForm | None) -> None:
    with pytest.raises(ListFileError):
        read(tmp_path, text, form=form)


def test_a_form_that_is_none_is_refused_without_quoting_the_file(tmp_path: Path) -> None:
    with pytest.raises(ListFileError) as caught:
        read(tmp_path, "AB12CDE,stolen\n")
    assert "AB12" not in str(caught.value)
    for form in (ListForm.UK, ListForm.CSV):
        with pytest.raises(ListFileError) as caught:
            read(tmp_path, "AB12CDE,stolen\n", form=form)
        assert "AB12" not in str(caught.value)


def test_genetecs_form_as_it_comes(tmp_path: Path) -> None:
    file = read(tmp_path, 'Stolen "red" car;GB;AB12CDE;2026-02-01;2026-12-31\n;;KL63XYZ;;\n')
    assert (file.form, file.problems) == (ListForm.GENETEC, ())
    first, second = (vehicle.details for vehicle in file.vehicles)
    assert first.reason == 'Stolen "red" car'
    assert (first.effective_date, first.weed_date) == (date(2026, 2, 1), date(2026, 12, 31))
    assert second == Details()


@pytest.mark.parametrize("delimiter", [";", ":", ",", "\t"])
def test_genetecs_form_as_it_is_configured(tmp_path: Path, delimiter: str) -> None:
    genetec = GenetecList(
        delimiter=delimiter,  # type: ignore[arg-type]  # one of those that are taken
        attributes=("PlateNumber", "Colour", "-", "ExpiryDate", "Priority"),
        dates="MM/dd/yyyy",
    )
    text = delimiter.join(("AB12CDE", "Red", "whatever", "12/31/2026", "High"))
    file = read(tmp_path, text, form=ListForm.GENETEC, genetec=genetec)
    assert file.problems == ()
    assert file.vehicles[0].details == Details(
        colour="Red", weed_date=date(2026, 12, 31), priority=Priority.HIGH
    )


@pytest.mark.parametrize(
    "attributes", [("Category",), ("PlateNumber", "VRM"), ("PlateNumber", "ExpiryDate", "Weed Date")]
)
def test_a_genetec_list_configured_without_plates_or_with_a_field_twice_is_refused(
    tmp_path: Path, attributes: tuple[str, ...]
) -> None:
    genetec = GenetecList(attributes=attributes)
    with pytest.raises(ListFileError, match="columns"):
        read(tmp_path, "a;b;c\n", form=ListForm.GENETEC, genetec=genetec)


@pytest.mark.parametrize(
    ("cells", "column", "kind"),
    [
        ("AB12CDE,urgent,,", "priority", ProblemKind.PRIORITY),
        ("AB12CDE,,2026-02-30,", "effective_date", ProblemKind.EFFECTIVE_DATE),
        ("AB12CDE,,2026-06-02,2026-06-01", "effective_date", ProblemKind.DATES),
    ],
)
def test_a_bad_priority_or_date_is_refused_by_line_and_column(
    tmp_path: Path, cells: str, column: str, kind: ProblemKind
) -> None:
    file = read(tmp_path, f"vrm,priority,effective_date,weed_date\n{cells}\n")
    assert kinds(file) == [(2, column, kind)]
    assert (file.vehicles, file.refused) == ((), file.problems)


def test_every_problem_of_a_row_is_named(tmp_path: Path) -> None:
    file = read(tmp_path, "vrm,country,priority,weed_date\n?,Narnia,urgent,never\n")
    assert {kind for _, _, kind in kinds(file)} == {
        ProblemKind.PLATE,
        ProblemKind.COUNTRY,
        ProblemKind.PRIORITY,
        ProblemKind.WEED_DATE,
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [("HIGH", Priority.HIGH), ("2", Priority.MEDIUM), ("low", Priority.LOW), ("", Priority.MEDIUM)],
)
def test_a_priority_is_a_word_or_a_figure_or_that_of_the_file(
    tmp_path: Path, written: str, meant: Priority
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"vrm,priority\nAB12CDE,{written}\n")
    file = read_list_file(path, country="GB", today=TODAY, max_vehicles=1, priority=Priority.MEDIUM)
    assert file.vehicles[0].details.priority is meant


DELTA = ",".join((*HEADER, "Change"))


def test_a_delta_says_what_becomes_of_each_vehicle(tmp_path: Path) -> None:
    gone = "MN20PRS" + "," * 15
    over = UK_ROW.replace("31/12/2026", "28/02/2026").replace("AB12", "GH19")
    text = f"Revision,8,Builds on,7\n{DELTA}\n{UK_ROW},Add\n{gone},delete\n{over},AMEND\n"
    file = read(tmp_path, text, delta=True)
    assert file.revision == Revision(8, 7)
    assert [(row.line, row.change) for row in file.rows] == [
        (3, Change.ADD),
        (4, Change.DELETE),
        # An amendment that ends an entry takes it off.
        (5, Change.DELETE),
    ]
    assert kinds(file) == [(5, "weed_date", ProblemKind.WEEDED)]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (UK_ROW + ",replace", ProblemKind.CHANGE),
        (UK_ROW + ",", ProblemKind.CHANGE),
        (UK_ROW, ProblemKind.CELLS),
        (UK_ROW.replace("AB12", "KL63") + ",amend", ProblemKind.REPEATED),
    ],
    ids=["no-such-change", "no-change", "no-column", "twice"],
)
def test_a_row_of_a_delta_that_does_not_say_what_to_do_is_refused(
    tmp_path: Path, row: str, kind: ProblemKind
) -> None:
    first = UK_ROW.replace("AB12", "KL63") + ",delete"
    file = read(tmp_path, f"Revision,8,Builds on,7\n{first}\n{row}\n", delta=True)
    assert [(one.line, one.kind) for one in file.refused] == [(3, kind)]
    assert [row.line for row in file.rows] == [2]


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        pytest.param(f"Revision,8,Builds on,7\n{UK_ROW}\n", True, id="a list as a delta"),
        pytest.param(f"{UK_ROW},add\n", True, id="a delta that builds on nothing"),
        pytest.param(f"Revision,8\n{UK_ROW},add\n", True, id="a delta with only its own number"),
        pytest.param(f"{UK_ROW},add\n", False, id="a delta as a list"),
        pytest.param(f"Revision,8,Builds on,7\n{UK_ROW}\n", False, id="a list that builds on another"),
    ],
)
def test_a_delta_and_a_list_are_not_taken_for_each_other(tmp_path: Path, text: str, delta: bool) -> None:
    with pytest.raises(ListFileError):
        read(tmp_path, text, delta=delta)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=8)
PLATES = st.from_regex(r"[A-Y]{2}[0-9]{2}[A-HJ-PR-Z]{3}", fullmatch=True)


@st.composite
def vehicles(draw: st.DrawFn) -> tuple[str, Details]:
    said: dict[str, Any] = {name: draw(TEXT) for name in TEXTS if name in COLUMNS}
    return draw(PLATES), Details(weed_date=draw(st.dates(TODAY, date(2099, 1, 1))), **said)


@settings(max_examples=50, deadline=None)
@given(st.lists(vehicles(), min_size=1, max_size=5, unique_by=lambda one: canonicalize(one[0], "GB")))
def test_a_list_written_in_the_uk_form_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[str, Details]]
) -> None:
    buffer = io.StringIO(newline="")
    rows = [
        [plate if name == "plate" else str(getattr(details, name)) for name in COLUMNS]
        for plate, details in listed
    ]
    csv.writer(buffer).writerows([HEADER, *rows])
    file = read(tmp_path_factory.mktemp("uk"), buffer.getvalue())
    assert {one.kind for one in file.problems} <= {ProblemKind.CORRECTED}
    assert [(one.plate, one.details) for one in file.vehicles] == [
        (canonicalize(plate, "GB"), details) for plate, details in listed
    ]


CELLS = st.sampled_from(
    [
        "AB12CDE",
        "KL63XYZ",
        "MN20 PRS",
        "",
        "?",
        '"',
        "a\x00",
        "\udcff",
        "31/12/2026",
        "1999-01-01",
        "high",
        "add",
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=18), min_size=1, max_size=6),
    form=st.sampled_from([None, *ListForm]),
    delta=st.booleans(),
    head=st.sampled_from(["", "vrm,reason,weed_date,priority\n", DELTA + "\n", ",".join(HEADER) + "\n"]),
)
def test_whatever_comes_every_row_is_used_or_named_and_no_error_quotes_it(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    form: ListForm | None,
    delta: bool,
    head: str,
) -> None:
    divider = ";" if form is ListForm.GENETEC else ","
    text = head + "\n".join(divider.join(cells) for cells in rows) + "\n"
    try:
        file = read(
            tmp_path_factory.mktemp("fuzz"),
            text,
            form=form,
            delta=delta,
            revision=Revision(8, 7) if delta else Revision(),
        )
    except ListFileError as error:
        quoted = [cell for cell in ("AB12", "KL63", "MN20") if cell in str(error)]
        if quoted:
            pytest.fail("an error quotes the file")
        return
    named = {problem.line for problem in file.problems}
    used = {row.line for row in file.rows}
    begun = 1 if not head or form is ListForm.GENETEC else 2
    lines = {number for number, line in enumerate(text.split("\n"), start=1) if line and number >= begun}
    if '"' not in text:
        assert lines <= named | used <= lines | {1}
    assert used.isdisjoint(one.line for one in file.refused)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_bytes_come_nothing_but_a_list_file_error_is_raised(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "list"
    path.write_bytes(content)
    for form in ListForm:
        try:
            read_list_file(path, country="GB", today=TODAY, max_vehicles=3, expected=Expected(form=form))
        except ListFileError:
            continue
