"""The zone policy a camera works by: a file that both custodians signed.

Guarantees that a policy in use bears both pinned signatures, names exactly the pinned keys, is of the zone the
settings name and in force, and that none is used after one of its zone with a higher serial, restarts included. A new
file is taken up without a restart; one that does not hold leaves the old one in use, and says so. The policy that is to
follow lies beside it (``next_path``) and takes its place by itself when it begins. Protocol section 3.
"""

from __future__ import annotations

import threading
from pathlib import Path

from blindplate.client.camera.policy_sequence import PolicySequence
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


def next_path(path: Path) -> Path:
    """Where the policy that is to follow the one in ``path`` is looked for: ``inner.next.json`` beside ``inner.json``."""
    return path.with_suffix(".next.json")


class PolicyFile:
    """A policy file, the one that is to follow, and their last good content. Safe to use from several threads."""

    def __init__(self, path: Path, trust: TrustedKeys, zone: str | None, serials: PolicySerials) -> None:
        """Read it for the first time. Raises as ``read_policy`` does, and SettingsError when a newer one was used."""
        self._path, self._trust, self._zone, self._serials = path, trust, zone, serials
        self._lock = threading.Lock()
        self._seen = self._marks()
        following = self._following()
        present = read_policy(path, trust, zone)
        serials.require_newest(present.zone, max(one.serial for one in (present, *following)))
        self._sequence = PolicySequence((present,)).with_policies(following)
        self._policy = present

    def current(self, moment: float) -> ZonePolicy:
        """The policy, the files read again when they have changed.

        Raises ExpiredError when it is not in force at ``moment`` (seconds since 1970, UTC), SettingsError when a newer one
        was used, of which the file is gone.
        """
        with self._lock:
            marks = self._marks()
            if marks != self._seen:
                self._seen = marks
                self._reload()
            policy = self._sequence.at(moment)
            policy.require_in_force(moment)
            self._serials.require_newest(policy.zone, policy.serial)
            if policy.serial != self._policy.serial:
                log().info("policy-begins", zone=policy.zone, serial=policy.serial)
            self._policy = policy
            self._remember()
            return policy

    @property
    def sequence(self) -> PolicySequence:
        """The policies as last read: by when it was captured, a read is sealed under another than the present one."""
        with self._lock:
            return self._sequence

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
        taken = (policy, *self._following())
        if policy.serial == self._policy.serial:
            self._policy = policy
        self._sequence = self._sequence.with_policies(taken)

    def _read(self) -> ZonePolicy:
        policy = read_policy(self._path, self._trust, self._zone)
        if all(policy.serial != one.serial for one in self._sequence.policies):
            self._serials.require_newest(policy.zone, policy.serial)
        return policy

    def _following(self) -> tuple[ZonePolicy, ...]:
        """The policy that is to follow, if there is one that holds."""
        path = next_path(self._path)
        if not path.exists():
            return ()
        try:
            return (read_policy(path, self._trust, self._zone),)
        except BlindplateError as error:
            log().error("policy-refused", file=path.name, error=error)
            return ()

    def _remember(self) -> None:
        # Only of a policy in force: one installed too early must not shut out the one it was to follow.
        try:
            self._serials.remember(self._policy.zone, self._policy.serial)
        except StorageError as error:
            # A full disk must not keep a camera from handing in, which makes room on it.
            log().error("policy-serial-not-remembered", error=error)

    def _marks(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_mark(path) for path in (self._path, next_path(self._path)))


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)
