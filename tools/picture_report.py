"""Draw docs/images/report.png: the beginning of the public report of the made-up month that the auditor's tests use.

    python -m tools.picture_report

Needs a Chromium on the path (Debian: ``apt-get install chromium``). Nothing is fetched from anywhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from blindplate.client.auditor.report import write_report
from tests.unit.client.auditor.ledgers import audited
from tests.unit.client.auditor.month import month

_PICTURE: Final = Path(__file__).parents[1] / "docs" / "images" / "report.png"
_WIDTH, _HEIGHT = 1000, 2410
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Exit status 1 without a browser."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print(f"None of {', '.join(_BROWSERS)} is installed.", file=sys.stderr)
        return 1
    _PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        page = write_report(audited(month()), Path(folder))
        subprocess.run(
            [
                browser,
                "--headless=new",
                # A browser run by root has no sandbox; the page is our own and runs no script.
                "--no-sandbox",
                "--disable-gpu",
                "--force-device-scale-factor=0.8",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/browser",
                f"--window-size={_WIDTH},{_HEIGHT}",
                f"--screenshot={_PICTURE}",
                page.as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
