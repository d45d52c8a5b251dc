"""Looking at hits: as they come in, and once more when they are revealed, with what there is to compare.

Asks nobody: reads the owner's database, beside the daemon. Specified in docs/spec/owner.md section 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from blindplate.client.owner import hits as hits_
from blindplate.client.owner.evidence import Evidence, is_here, open_evidence, payload_of
from blindplate.client.owner.hits import Hit
from blindplate.client.owner.reveal import Revealed, revealed_before
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.sights import save_image
from blindplate.client.owner.store import Store
from blindplate.core.errors import SecurityError
from blindplate.edge.logs import log

_WATCH_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Sight:
    """A revealed hit, where its image was saved, and its media; ``alarm`` when these are not what its record commits to."""

    revealed: Revealed
    image: Path | None
    evidence: tuple[Evidence, ...] = ()
    alarm: SecurityError | None = None


def hits(settings: OwnerSettings, *, after: int = 0) -> list[Hit]:
    """The hits numbered above ``after``, at most 1,000, in order."""
    store = Store(settings.data)
    try:
        with store.reading() as connection:
            return hits_.hits_after(connection, after)
    finally:
        store.close()


def watch(
    settings: OwnerSettings, *, after: int | None = None, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Hit]:
    """Every hit numbered above ``after`` as it comes in, and every hit once more when it is revealed.

    Those to come when ``after`` is None. Ends once ``stopped`` says so.
    """
    store = Store(settings.data)
    try:
        with store.reading() as connection:
            last = hits_.last_hit(connection) if after is None else after
            looked_at = hits_.last_revealed_at(connection)
        while not stopped():
            with store.reading() as connection:
                found = hits_.hits_after(connection, last)
                newly = hits_.revealed_after(connection, looked_at)
            shown = {hit.hit_id for hit in found}
            for hit in found:
                last = hit.hit_id
                yield hit
            for moment, hit in newly:
                looked_at = moment
                if hit.hit_id not in shown:
                    yield hit
            if not found and not newly:
                time.sleep(_WATCH_SECONDS)
    finally:
        store.close()


def has_media(settings: OwnerSettings, hit_id: int) -> bool | None:
    """Whether a hit's media are here, sealed or opened; None where no media are waited for at all."""
    return is_here(settings.data, hit_id)


def sight(settings: OwnerSettings, hit_id: int) -> Sight | None:
    """What there is to compare of a hit that was revealed before; None for any other. Raises StorageError."""
    store = Store(settings.data)
    try:
        with store.reading() as connection:
            revealed = revealed_before(connection, hit_id)
            payload = payload_of(connection, hit_id)
        if revealed is None or payload is None:
            return None
        image = save_image(settings.data, revealed)
        try:
            return Sight(revealed, image, open_evidence(settings.data, hit_id, payload))
        except SecurityError as error:
            log().error("media-alarm", hit=hit_id, error=error)
            return Sight(revealed, image, alarm=error)
    finally:
        store.close()
