"""A benchmark of something that does not work gives no figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from blindplate.cli.benchmarks import match, records
from blindplate.cli.benchmarks.durability import require_held, sync_times
from blindplate.cli.benchmarks.match import measure_match
from blindplate.cli.benchmarks.pseudonyms import measure_pseudonyms
from blindplate.cli.benchmarks.records import measure_records
from blindplate.cli.benchmarks.submitting import Submitter
from blindplate.cli.deployment import create_deployment, default_plan
from blindplate.client.camera.matcher import Matcher, Receipt
from blindplate.core.errors import CommitmentError, ParameterError, ProofError, StateError, StorageError
from blindplate.core.pseudonyms import DomainKey
from blindplate.psi.matcher import Batch, LoadedList, answer_batch
from blindplate.psi.owner import Opened, open_answer
from blindplate.psi.parameters import ParameterSet
from blindplate.server.matcher.storage import Database
from blindplate.v1 import records_pb2


@pytest.fixture
def untested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the self-test, which has tests of its own."""

    def tested(_: ParameterSet) -> None: ...

    monkeypatch.setattr(match, "self_test", tested)


def test_answers_with_another_reads_secret(untested: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def shuffled(loaded: LoadedList, pseudonyms: Sequence[bytes], secrets: Sequence[bytes]) -> Batch:
        return answer_batch(loaded, pseudonyms, secrets[::-1])

    monkeypatch.setattr(match, "answer_batch", shuffled)
    with pytest.raises(ParameterError, match="other reads"):
        measure_match(100, "prompt", batches=1)


def test_answers_that_hide_a_hit(untested: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(secret: bytes, answer: bytes) -> list[Opened]:
        return open_answer(secret, answer)[1:]

    monkeypatch.setattr(match, "open_answer", forgetful)
    with pytest.raises(ParameterError, match="other reads"):
        measure_match(100, "prompt", batches=1)


def test_evaluations_under_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(_key: DomainKey, plate: bytes) -> bytes:
        return plate

    monkeypatch.setattr(DomainKey, "evaluate", other)
    with pytest.raises(ProofError):
        measure_pseudonyms(3, 1)


def test_records_that_open_to_another_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: object) -> records_pb2.Payload:
        return records_pb2.Payload(text_as_read="another")

    monkeypatch.setattr(records, "open_payload", other)
    with pytest.raises(CommitmentError):
        measure_records(2, 1)


def test_refused_submissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_matcher: Matcher, wires: Sequence[bytes]) -> list[Receipt]:
        return [Receipt(accepted=False, refused=True, code="quota") for _ in wires]

    monkeypatch.setattr(Matcher, "submit", refuse)
    deployment = create_deployment(tmp_path / "deployment", default_plan(0, cameras=1))
    with (
        Submitter(deployment, deployment.plan.cameras[0], "127.0.0.1:1") as submitter,
        pytest.raises(StateError, match="quota"),
    ):
        submitter.submit([[b""]])


def test_acknowledged_records_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "matcher.db"
    Database(path).close()
    require_held(path, 0)
    with pytest.raises(StorageError, match="acknowledged 1 records and holds 0"):
        require_held(path, 1)


def test_a_disk_takes_some_time_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    assert all(seconds > 0 for seconds in sync_times(tmp_path))
    assert not list(tmp_path.iterdir())
