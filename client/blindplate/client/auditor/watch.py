"""Keeping watch: one audit, continued as the ledger grows, and what was seen remembered from one run to the next.

Guarantees that a ledger which goes back, or shows another history than the one remembered, ends the watch with an error,
also across restarts; and that no entry is shown before everything up to it was verified. The state file holds a
checkpoint's size and root, nothing secret; whoever can alter it can make the watch forget. A run begins by verifying
everything anew: of an earlier run only that root is taken over. Protocol section 7; docs/spec/audit.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Final

from pydantic import ValidationError

from blindplate.client.auditor.audit import Audit, Progress, silent
from blindplate.client.auditor.describing import describe
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Finding, at
from blindplate.client.auditor.keys import AuditKeys
from blindplate.client.auditor.wording import plural
from blindplate.core.errors import NotFoundError, SettingsError, UnavailableError
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.statements.model import Count, Hex32, Part, StatementModel, Text
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.keyfiles import write_public
from blindplate.edge.ledger.source import LedgerSource

# The ledger has its checkpoint witnessed anew every quarter of a minute, whether anything happens or not.
STALE_SECONDS: Final = 300
_MOST_SHOWN: Final = 1000


class Remembered(Part):
    """The state file: which ledger, and the last checkpoint that was verified."""

    origin: Text
    size: Count
    root: Hex32


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed: a line for each new entry and for what else there is to say, and what was found."""

    lines: tuple[str, ...]
    findings: tuple[Finding, ...]


class Watch:
    """Looks at one ledger again and again. Not safe to use from several threads."""

    def __init__(
        self,
        source: LedgerSource,
        keys: AuditKeys,
        state: Path,
        clock: Clock | None = None,
        rest: Callable[[float], None] = sleep,
    ) -> None:
        """Raises SettingsError for a state file that is none, or of another ledger."""
        self._source = source
        self._keys = keys
        self._state = state
        self._clock = clock or SystemClock()
        self._rest = rest
        self._remembered = _recall(state, keys.ledger.origin)
        self._new: list[str] = []
        self._first = True
        self._audit = self._begin()

    @property
    def violated(self) -> bool:
        """Whether a rule is broken anywhere in the ledger, reported now or in an earlier run."""
        return bool(self._audit.violations)

    def look(self, progress: Progress = silent) -> Seen:
        """Verify up to the ledger's checkpoint of now.

        Raises as ``Audit.advance`` and ``fetch_checkpoint``; after UnavailableError and NotFoundError it may be called
        again.
        """
        signed = fetch_checkpoint(self._source, self._keys.ledger.keys())
        remembered = self._remembered
        known = {remembered.size: remembered.root} if remembered else {}
        try:
            findings = tuple(self._audit.advance(signed, known, progress))
        except (UnavailableError, NotFoundError):
            # Half a step cannot be taken up again: what is not verified to its end was not verified.
            self._audit = self._begin()
            raise
        return self._told(signed, findings)

    def wait(self, seconds: float) -> Seen:
        """Rest, then look; a ledger that does not answer is a line and no error."""
        self._rest(seconds)
        try:
            return self.look()
        except (UnavailableError, NotFoundError) as error:
            return Seen((f"The ledger cannot be read now. {error.what}",), ())

    def _begin(self) -> Audit:
        self._new.clear()
        return Audit(self._source, self._keys, self._hear)

    def _hear(self, index: int, model: StatementModel | None) -> None:
        size = self._remembered.size if self._remembered else None
        if size is not None and index >= size:
            self._new.append(f"entry {index}: {describe(model)}")

    def _told(self, signed: SignedCheckpoint, findings: tuple[Finding, ...]) -> Seen:
        checkpoint, before = signed.checkpoint, self._remembered
        lines = list(self._new[:_MOST_SHOWN])
        if len(self._new) > len(lines):
            lines.append(f"and {len(self._new) - len(lines):,} more entries")
        if self._first:
            lines.append(f"{checkpoint.size:,} entries verified, as witnessed on {at(signed.require_both())}")
            size = before.size if before else 0
            new = tuple(one for one in findings if one.index is None or one.index >= size)
            if len(new) < len(findings):
                lines.append(
                    f"{plural(len(findings) - len(new), 'finding')} about entries seen in earlier runs"
                )
            findings = new
        age = self._clock.now() - signed.oldest()
        if age > STALE_SECONDS:
            lines.append(
                f"No fresh checkpoint: the custodians witnessed the ledger's last one {age:,.0f} seconds ago."
            )
        self._remember(Remembered(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root))
        self._first = False
        self._new.clear()
        return Seen(tuple(lines), findings)

    def _remember(self, seen: Remembered) -> None:
        if seen != self._remembered:
            write_public(self._state, seen.model_dump_json(indent=1).encode() + b"\n")
            self._remembered = seen


def _recall(path: Path, origin: str) -> Remembered | None:
    try:
        remembered = Remembered.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"The watch's state file {path} cannot be read: {error.strerror}.") from None
    except ValidationError:
        raise SettingsError(
            f"The file {path} is no state of a watch.", "Name another file; without one, all is new."
        ) from None
    if remembered.origin != origin:
        raise SettingsError(f"The state file {path} is of another ledger.", "Keep one for each ledger.")
    return remembered
