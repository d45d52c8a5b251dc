"""Which form a list file is of, and whether it is what it was said to be.

Guarantees that a delta is never taken for a whole list, which it would take the place of, nor the reverse.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.owner.lists import genetec, plain, uk
from blindplate.client.owner.lists.genetec import GenetecList
from blindplate.client.owner.lists.layouts import Layout, ListForm
from blindplate.client.owner.lists.revisions import Revision
from blindplate.core.errors import ListFileError

NO_REVISION: Final = Revision()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the file is said to be: of which form (found out unless given), and whether a delta.

    ``revision`` counts for a file that has no such line of its own.
    """

    form: ListForm | None = None
    delta: bool = False
    revision: Revision = NO_REVISION
    genetec: GenetecList = field(default_factory=GenetecList)


def revision_of(said: Revision | None, expected: Expected) -> Revision:
    """The revision of a file whose first line said so, or that is submitted as it. Raises ListFileError for two."""
    if said is not None and expected.revision not in (NO_REVISION, said):
        raise ListFileError(
            "The list file names another revision than the one it is submitted as.",
            "Leave the revision to the file, or take its first line out.",
        )
    return said or expected.revision


def recognised(head: str, configured: GenetecList) -> ListForm:
    """The form of a file by its first line, below any that is about revisions. Raises ListFileError for none."""
    cells = next(csv.reader([head]), list[str]())
    if uk.recognises(cells):
        return ListForm.UK
    if plain.recognises(cells):
        return ListForm.CSV
    if uk.may_be(cells):
        return ListForm.UK
    if genetec.recognises(configured, head.rstrip("\r\n").split(configured.delimiter)):
        return ListForm.GENETEC
    raise ListFileError(
        "The list file begins neither with a header that names a vrm column nor with a row of a form that is known.",
        "Begin the file with a line such as vrm,country,reason,weed_date,make,model,colour, or name its form.",
    )


def layout_of(form: ListForm, first: list[str], configured: GenetecList) -> Layout:
    """The layout of a file of that form with this first row. Raises ListFileError for columns that are not its own."""
    match form:
        case ListForm.UK:
            return uk.layout(first)
        case ListForm.CSV:
            return plain.layout(first)
        case ListForm.GENETEC:
            return genetec.layout(configured)


def require_expected(layout: Layout, revision: Revision, expected: Expected) -> None:
    """Raise ListFileError for a delta where a whole list is expected, or the reverse."""
    if expected.delta and not layout.is_delta:
        raise ListFileError(
            "The file is no delta: it has no Change column.",
            "Submit it as a whole list, or have its source say add, amend or delete in each row.",
        )
    if expected.delta and revision.builds_on is None:
        raise ListFileError(
            "The delta does not name the revision it builds on.",
            "Begin it with a line such as `Revision,13,Builds on,12`, or give both numbers beside it.",
        )
    if not expected.delta and (layout.is_delta or revision.builds_on is not None):
        raise ListFileError(
            "The file is a delta, and would take the place of the whole list.",
            "Submit it as a delta (--delta).",
        )
