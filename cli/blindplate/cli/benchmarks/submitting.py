"""A camera that seals beforehand and then submits as fast as it is answered.

It talks to the matcher as a real one does, under its own certificate, policy and signature. It has random pseudonyms in
place of plates, and release keys that nobody holds: the matcher can tell neither from real ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from blindplate.cli.benchmarks.records import sample_payload
from blindplate.cli.benchmarks.timing import timed
from blindplate.cli.deployment import CameraPlan, Deployment
from blindplate.client.camera.matcher import Matcher
from blindplate.client.camera.policy import read_policy
from blindplate.client.camera.settings import CameraSettings
from blindplate.core.errors import StateError
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.pseudonyms import PSEUDONYM_BYTES
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.core.statements.announced_keys import current
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import load


class Submitter(AbstractContextManager["Submitter"]):
    """One camera and its channel. ``submit`` is for one thread at a time."""

    def __init__(self, deployment: Deployment, camera: CameraPlan, address: str) -> None:
        """Take up the camera's files; ``address`` (``host:port``) is where the matcher listens."""
        settings = load(CameraSettings, deployment.settings(camera.name))
        self._camera_id = settings.camera_id
        self._signing_key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
        self._policy = read_policy(settings.policy, settings.trust, camera.zone)
        self._matcher = Matcher(address, settings.tls, settings.trust.matcher)
        self._release = _unheld_key(), _unheld_key()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the channel."""
        self._matcher.close()

    def seal(self, records: int) -> list[bytes]:
        """Wires of reads captured now, for a list whose policy names the camera, under one signature."""
        now = time.time()
        now_ms = int(now * 1000)
        entry = next(entry for entry in self._policy.lists if not entry.disclosure.camera_withheld)
        context = SealingContext(
            self._policy.domain(entry),
            entry.epoch.rule().at(now),
            *self._release,
            1000 * entry.disclosure.time_granularity_seconds,
            discloses_camera=True,
        )
        window = SealingKey.from_public(current(self._matcher.window_keys(), now).public)
        sealed = [
            seal(
                context,
                Read(sample_payload(number, now_ms), os.urandom(PSEUDONYM_BYTES), now_ms, self._camera_id),
            )
            for number in range(records)
        ]
        attested = attest(context, [one.record for one in sealed], self._signing_key)
        return [
            to_wire(record, one.pseudonym, one.match_secret, window).to_bytes()
            for record, one in zip(attested, sealed, strict=True)
        ]

    def submit(self, submissions: Sequence[Sequence[bytes]]) -> list[float]:
        """Hand in one after the other; how many seconds each took. Raises StateError when a record is refused."""
        return [self._submit(wires) for wires in submissions]

    def _submit(self, wires: Sequence[bytes]) -> float:
        receipts, taken = timed(self._matcher.submit, wires)
        refused = {receipt.code for receipt in receipts if not receipt.accepted}
        if refused:
            raise StateError(
                f"The matcher refused records of the benchmark: {', '.join(sorted(refused))}.",
                "Submit fewer records: one camera's rate is limited.",
            )
        return taken.wall


def _unheld_key() -> SealingKey:
    return OpeningKey.from_seed(generate_seed()).sealing_key()
