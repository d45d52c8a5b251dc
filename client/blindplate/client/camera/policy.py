"""The zone policy a camera works by: a file that both custodians signed.

Guarantees that a policy in use bears both pinned signatures, names exactly the pinned keys, is of the zone the
settings name and in force, and that none is used after one of its zone with a higher serial, restarts included. A new
file is taken up without a restart; one that does not hold leaves the old one in use, and says so. Protocol section 3.
"""

from __future__ import annotations

import threading
from pathlib import Path

from blindplate.client.camera.policy_serials import PolicySerials
from blindplate.core.errors import BlindplateError, SettingsError, SignatureError, StorageError
from blindplate.core.statements.policies import ZonePolicy
from blindplate.edge.keyfiles import read_statement
from blindplate.edge.logs import log
from blindplate.edge.settings import TrustedKeys


def read_policy(path: Path, trust: TrustedKeys, zone: str | None) -> ZonePolicy:
    """The policy of a file. ``zone``, unless None, is the only one it may be for.

    Raises SettingsError, MessageError, or SignatureError when a custodian's signature is missing or the policy names
    other keys than the pinned ones: then whoever made the file would choose whom the camera seals to.
    """
    policy = ZonePolicy.verified(read_statement(path), (trust.custodian_a, trust.custodian_b))
    named = (policy.custodian_a, policy.custodian_b, policy.matcher)
    if named != (trust.custodian_a, trust.custodian_b, trust.matcher):
        raise SignatureError(
            "The zone policy names other keys than those pinned at enrolment.",
            "Do not use it: ask both custodians which keys are right.",
        )
    if zone is not None and policy.zone != zone:
        raise SettingsError(
            "The zone policy is of another zone.", "Install the policy of this camera's zone."
        )
    return policy


class PolicyFile:
    """A policy file and the last good content of it. Safe to use from several threads."""

    def __init__(self, path: Path, trust: TrustedKeys, zone: str | None, serials: PolicySerials) -> None:
        """Read it for the first time. Raises as ``read_policy`` does, and SettingsError when a newer one was used."""
        self._path, self._trust, self._zone, self._serials = path, trust, zone, serials
        self._lock = threading.Lock()
        self._seen = self._mark()
        self._policy = self._read()

    def current(self, moment: float) -> ZonePolicy:
        """The policy, read again when the file has changed.

        Raises ExpiredError when it is not in force at ``moment`` (seconds since 1970, UTC).
        """
        with self._lock:
            mark = self._mark()
            if mark != self._seen:
                self._seen = mark
                self._reload()
            self._policy.require_in_force(moment)
            self._remember()
            return self._policy

    def list_ids(self) -> tuple[str, ...]:
        """The lists reads are kept for: those last known, whether the policy is in force now or not."""
        with self._lock:
            return tuple(entry.list_id for entry in self._policy.lists)

    def discloses(self, media_type: str) -> bool:
        """Whether the records of any list may disclose media of this type, by the policy last known."""
        with self._lock:
            return any(entry.disclosure.discloses(media_type) for entry in self._policy.lists)

    def _reload(self) -> None:
        try:
            policy = self._read()
        except BlindplateError as error:
            log().error("policy-refused", error=error)
            return
        log().info("policy-taken", zone=policy.zone, serial=policy.serial)
        self._policy = policy

    def _read(self) -> ZonePolicy:
        policy = read_policy(self._path, self._trust, self._zone)
        self._serials.require_newest(policy.zone, policy.serial)
        return policy

    def _remember(self) -> None:
        # Only of a policy in force: one installed too early must not shut out the one it was to follow.
        try:
            self._serials.remember(self._policy.zone, self._policy.serial)
        except StorageError as error:
            # A full disk must not keep a camera from handing in, which makes room on it.
            log().error("policy-serial-not-remembered", error=error)

    def _mark(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_mtime_ns, status.st_size)
