"""``blindplate audit`` as anyone runs it: the real command line, its exit status, and what it prints."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.cli.main import main
from blindplate.client.auditor.findings import Kind


@dataclass(frozen=True, slots=True)
class Audited:
    """0: no rule is broken; 1: some are; 2: the ledger cannot be read, or is not what its signatures say."""

    status: int
    printed: str

    def names(self, kind: Kind) -> bool:
        """Whether a violation of this kind was printed."""
        return f"violation {kind}," in self.printed


def audit(
    capsys: pytest.CaptureFixture[str], command: str, ledger: Path | str, keys: Path, *more: str
) -> Audited:
    """``blindplate audit verify`` or ``watch`` over a folder or address."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["blindplate", "audit", command, "--ledger", str(ledger), "--keys", str(keys), *more]
        )
        patch.setattr(signal, "signal", _unheard)
        with pytest.raises(SystemExit) as ended:
            main()
    out, error = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    # However wide the terminal is.
    return Audited(ended.value.code, " ".join(f"{out} {error}".split()))


def _unheard(*_: object) -> None:
    """The tests' own handlers stay."""
