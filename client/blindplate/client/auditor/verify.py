"""The whole verification in one call, for the command line and for programs.

Guarantees as ``audit`` and, for a folder, ``folder``. Protocol section 7; docs/spec/audit.md.
"""

from __future__ import annotations

from pathlib import Path

from blindplate.client.auditor.audit import Audit, Progress, fetch_checkpoint, silent
from blindplate.client.auditor.folder import FolderCheck
from blindplate.client.auditor.keys import AuditKeys
from blindplate.edge.ledger.source import FolderSource, open_source


def verify(ledger: str, keys: AuditKeys, progress: Progress = silent) -> Audit:
    """Audit the ledger at ``ledger``, an ``http(s)://`` address or a folder, whose every file is then looked at.

    Raises what ``Audit.advance`` and ``fetch_checkpoint`` raise, SettingsError for an address that is none.
    """
    source = open_source(ledger)
    try:
        audit = Audit(source, keys)
        audit.advance(fetch_checkpoint(source, keys.ledger.keys()), progress=progress)
        if isinstance(source, FolderSource):
            parties, size = keys.parties.parties(), audit.signed.checkpoint.size
            found = FolderCheck(Path(ledger), parties, keys.ledger.keys(), size).run()
            # A prescribed file that is wrong was found before.
            audit.findings += [one for one in found if one not in audit.findings]
        return audit
    finally:
        source.close()
