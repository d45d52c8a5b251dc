"""Watches over the cameras that registers in force name: takes their signs of life, judges, alarms, and clears.

Guarantees that each change of what is wrong with a camera is logged once, by the camera's name, and counted in the
metrics without it; that what is wrong and what is usual outlive a restart; and that the time in which the matcher itself
was away is no camera's silence. What was read of late is in memory: after a restart the long spans fill anew. Protocol
section 7; docs/spec/matcher.md section 12.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from blindplate.core.errors import IdentityError, MessageError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.matcher.cameras import store
from blindplate.server.matcher.cameras.judging import CameraAlarm, Recent, judge
from blindplate.server.matcher.cameras.metrics import CAMERA_ALARMS, CAMERAS
from blindplate.server.matcher.cameras.store import Seen
from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, Hour, usual_rate
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.metrics import FAILED_ROUNDS
from blindplate.server.matcher.storage import Database

_LOOK_SECONDS: Final = 10.0
# A camera that could not say anything for a day tells of the last day alone.
_LONGEST_SECONDS: Final = 86_400.0
# More than any road brings past a camera.
_MOST_PER_SECOND: Final = 100


@dataclass(slots=True)
class _Watched:
    """A camera: ``usual`` is the rate of the hour of that number, learnt once an hour."""

    seen: Seen
    recent: Recent = field(default_factory=Recent)
    hour: int = -1
    usual: float | None = None


class CameraWatch:
    """Safe to use from several threads."""

    def __init__(self, database: Database, ledger: FollowedLedger, clock: Clock) -> None:
        """Begin with what is known. Raises StorageError."""
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock.now()
        with database.read() as connection:
            known = store.everything(connection)
        self._watched = {identity: _Watched(seen) for identity, seen in known.items()}

    def beat(self, identity: str, seconds: float, passes: int) -> None:
        """A camera's sign of life, and the passes that it read in the ``seconds`` before.

        Raises IdentityError for a camera that no register in force names or that was revoked, MessageError for a time
        that cannot be, StorageError.
        """
        if not seconds >= 0:
            raise MessageError("A camera's sign of life is of no time that can be.", "Set its clock.")
        if identity not in registered(self._ledger.current, self._clock.now()):
            raise IdentityError(
                "No register in force names this camera, or it was revoked.",
                "Enrol it anew, and have the zone's register and grants amended.",
            )
        now, counted = self._clock.now(), min(seconds, _LONGEST_SECONDS)
        passes = min(passes, round(_MOST_PER_SECOND * (counted + 1)))
        with self._lock:
            watched = self._of(identity, now)
            self._learn(watched, now)
            watched.recent.add(now, passes, (watched.usual or 0.0) * counted)
            watched.seen = replace(watched.seen, seen_at=now)
            seen, learnt = watched.seen, watched.seen.alarm is CameraAlarm.NONE
        hours = spread(now, counted, passes)

        def keep(connection: Connection) -> None:
            store.put(connection, [seen])
            store.count(connection, identity, hours, learnt=learnt)

        self._database.write(keep)

    def look(self) -> None:
        """Judge every camera. Raises StorageError."""
        now = self._clock.now()
        names = registered(self._ledger.current, now)
        changed: list[Seen] = []
        with self._lock:
            gone = [identity for identity in self._watched if identity not in names]
            for identity in gone:
                del self._watched[identity]
            for identity in names:
                watched = self._of(identity, now)
                before = watched.seen.alarm
                alarm = judge(watched.recent, max(watched.seen.seen_at, self._began), before, now)
                if alarm is not before:
                    watched.seen = replace(watched.seen, alarm=alarm, since=now)
                    if alarm is CameraAlarm.NONE:
                        watched.recent = Recent()
                    changed.append(watched.seen)
                    _tell(names[identity], before, watched.seen, now)
            counted = [one.seen.alarm for one in self._watched.values()]
        for alarm in CameraAlarm:
            CAMERAS.labels(alarm.value).set(counted.count(alarm))
        if changed or gone:

            def keep(connection: Connection) -> None:
                store.put(connection, changed)
                store.forget(connection, gone)

            self._database.write(keep)

    def run(self, stop: threading.Event) -> None:
        """Look every ten seconds until ``stop`` is set."""
        while not stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  whatever it is, the next look must be tried
                FAILED_ROUNDS.labels("cameras").inc()
                log().error("cameras-not-judged", error=error)

    def seen(self) -> dict[str, Seen]:
        """What is known of each camera watched, by its SPIFFE id; one never seen has ``seen_at`` 0."""
        with self._lock:
            return {identity: watched.seen for identity, watched in self._watched.items()}

    def rates(self, identity: str) -> tuple[float | None, float | None]:
        """Passes an hour that a camera read in the last hour, and that are usual now; None where it is not known."""
        now = self._clock.now()
        with self._lock:
            watched = self._watched.get(identity)
            if watched is None:
                return None, None
            self._learn(watched, now)
            read, _ = watched.recent.since(now - HOUR_SECONDS)
            usual = watched.usual
        return float(read), None if usual is None else HOUR_SECONDS * usual

    def _of(self, identity: str, now: float) -> _Watched:
        watched = self._watched.get(identity)
        if watched is None:
            # One that is registered and silent is dark as soon as one that falls silent now.
            watched = self._watched[identity] = _Watched(Seen(identity, 0.0, CameraAlarm.NONE, now))
        return watched

    def _learn(self, watched: _Watched, now: float) -> None:
        hour = int(now // HOUR_SECONDS)
        if watched.hour != hour:
            with self._database.read() as connection:
                known = store.history(connection, watched.seen.identity)
            watched.hour, watched.usual = hour, usual_rate(known, hour)


def registered(grants: Grants, moment: float) -> Mapping[str, tuple[str, str]]:
    """Name and zone of each camera that a register in force at ``moment`` names, by SPIFFE id; revoked ones left out."""
    found: dict[str, tuple[str, str]] = {}
    for grant in grants.in_force(moment):
        for zone in grant.zones:
            register = grants.registers.get(zone.register_digest)
            for camera in () if register is None else register.cameras:
                if camera.identity not in grants.revoked and camera.signing_key not in grants.revoked_keys:
                    found[camera.identity] = (camera.camera_id, zone.zone)
    return found


def spread(ends: float, seconds: float, passes: int) -> list[Hour]:
    """Passes read in the ``seconds`` before ``ends``, by the hours those lie in, evenly; sums to ``passes``."""
    hours: list[Hour] = []
    begins, left = ends - seconds, passes
    while ends - begins > 0:
        hour = int(begins // HOUR_SECONDS)
        until = min(ends, float((hour + 1) * HOUR_SECONDS))
        share = left if until == ends else round(left * (until - begins) / (ends - begins))
        hours.append(Hour(hour, until - begins, share))
        begins, left = until, left - share
    return hours


def _tell(name: tuple[str, str], before: CameraAlarm, seen: Seen, now: float) -> None:
    camera, zone = name
    if seen.alarm is CameraAlarm.NONE:
        log().info("camera-alarm-over", camera=camera, zone=zone, was=before.value)
        return
    CAMERA_ALARMS.labels(seen.alarm.value).inc()
    silent = round(now - seen.seen_at) if seen.seen_at else None
    log().error("camera-alarm", camera=camera, zone=zone, alarm=seen.alarm.value, silent_seconds=silent)
