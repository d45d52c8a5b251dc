"""Taking a list file: the whole list made what it says, or a delta done on top of the revision it names.

Guarantees that a file is taken whole or not at all unless its owner says otherwise, in one transaction with the revision
the list is of from then on, and that the same revision handed in again changes nothing. Specified in docs/spec/owner.md
section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from blindplate.client.owner import roster
from blindplate.client.owner.deltas import apply_delta
from blindplate.client.owner.list_files import keep_taken, last_taken
from blindplate.client.owner.listfile import Expected, ListFile, Problem
from blindplate.client.owner.lists.revisions import Taken, is_taken
from blindplate.client.owner.roster import Change, Changing
from blindplate.core.statements.priorities import Priority


@dataclass(frozen=True, slots=True)
class Submission:
    """How a file is to be taken. ``priority`` counts for rows that name none.

    With ``strict`` any problem, a notice too, leaves the list as it was; with ``skip_bad`` rows that cannot be used are
    left out. Without either, only rows that cannot be used leave the list as it was.
    """

    expected: Expected = field(default_factory=Expected)
    priority: Priority = Priority.NONE
    strict: bool = False
    skip_bad: bool = False

    def refuses(self, problems: tuple[Problem, ...]) -> bool:
        """Whether these leave the list as it was."""
        if self.strict:
            return bool(problems)
        return not self.skip_bad and any(problem.kind.refused for problem in problems)


class Refused(Exception):  # noqa: N818  no error: it undoes the caller's transaction, and is told as a report
    """The file is not taken because of what the list itself holds."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("A list file is not taken.")
        self.problems = problems


def take_file(
    connection: Connection, file: ListFile, submission: Submission, now: float, max_vehicles: int
) -> tuple[tuple[Problem, ...], Change]:
    """Take a file that was read, in the caller's transaction; gives every problem in order of lines, and the change.

    Raises ListFileError when its revision may not be taken now, QuotaError when the grant allows fewer entries, and
    ``Refused``, which is to undo the transaction, where a strict delta does not fit the list.
    """
    if is_taken(file.revision, file.digest, last_taken(connection)):
        # Nothing of it is to be done again; whoever handed it in sees the same problems.
        return file.problems, Changing().write(connection, now)
    if submission.expected.delta:
        change, surprises = apply_delta(connection, file.rows, now, max_vehicles)
        problems = tuple(sorted((*file.problems, *surprises), key=lambda problem: problem.line))
        if submission.strict and surprises:
            raise Refused(problems)
    else:
        change, problems = roster.replace_list(connection, file.vehicles, now), file.problems
    keep_taken(connection, Taken(file.revision.number, file.digest), now)
    return problems, change
