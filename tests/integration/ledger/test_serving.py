"""The ledger over real gRPC and HTTP: who may append, what a receipt proves, and how witnesses are met."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from blindplate.cli.deployment import Deployment
from blindplate.client.grants.party import GrantPartySettings
from blindplate.client.ledger_entries import enter
from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    IdentityError,
    MessageError,
    QuotaError,
    RollbackError,
    SettingsError,
    SignatureError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import LogSigner, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.ledger.layout import entries_path
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.cameras import CameraCounts
from blindplate.core.statements.policies import ZoneRegister
from blindplate.edge.clock import SystemClock
from blindplate.edge.keyfiles import read_statement, write_statement
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import load
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.server.ledger.process import build
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.v1 import ledger_pb2, ledger_pb2_grpc
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger.writing import counts, wait_until
from tests.integration.ledger_site import RunningLedger, party_key, party_tls

A, B = Custodian.A, Custodian.B


def public(ledger: RunningLedger) -> SignedCheckpoint | None:
    """The public checkpoint, as anybody reads it."""
    access = ledger.access()
    source = open_source(access.url)
    try:
        return verify_checkpoint(source.get("checkpoint"), access.keys.keys())
    except BlindplateError:
        return None
    finally:
        source.close()


def witnessed(ledger: RunningLedger, size: int) -> Callable[[], bool]:
    """Whether both custodians have cosigned so many entries."""

    def holds() -> bool:
        found = public(ledger)
        return found is not None and found.checkpoint.size >= size and found.require_both() > 0

    return holds


def begin(ledger: RunningLedger) -> None:
    """Start it, and wait until both custodians were heard: before that it takes nothing."""
    ledger.start()
    assert ledger.running is not None
    heard = ledger.running.witnesses.require_confirmed

    def holds() -> bool:
        try:
            heard()
        except UnavailableError:
            return False
        return True

    wait_until(holds)


def append_raw(ledger: RunningLedger, deployment: Deployment, party: str, entries: list[bytes]) -> None:
    """Append bytes as they are, past the client's own care."""
    with open_channel(ledger.access().address, "ledger", party_tls(deployment, party)) as channel:
        stub = ledger_pb2_grpc.LedgerStub(channel)
        with remote_errors("ledger"):
            stub.Append(ledger_pb2.AppendRequest(entries=entries), timeout=20)


@pytest.fixture
def serving(ledger: RunningLedger, witnesses: StrictWitnesses) -> RunningLedger:
    """The ledger, running, its genesis witnessed."""
    witnesses.start_both()
    begin(ledger)
    wait_until(witnessed(ledger, 1))
    return ledger


def number(deployment: Deployment, value: int, party: str = "matcher") -> Statement:
    return counts(party, value, party_key(deployment, party))


def test_what_is_appended_is_witnessed_and_readable_by_anyone(
    serving: RunningLedger, deployment: Deployment
) -> None:
    statements = [number(deployment, value) for value in range(3)]
    index = serving.enter(*statements, by="matcher")
    wait_until(witnessed(serving, index + 1))
    source = open_source(serving.access().url)
    bundle = source.get(entries_path(0, index + 1))
    source.close()
    assert all(entry_bytes(statement) in bundle for statement in statements)


def test_parties_append_their_own_kinds_alone(serving: RunningLedger, deployment: Deployment) -> None:
    entry = entry_bytes(number(deployment, 1))
    for party in ("operator", "camera-1", "owner-police", "custodian-a"):
        with pytest.raises(IdentityError):
            append_raw(serving, deployment, party, [entry])
    # Not even itself, nor an officer.
    for party in ("ledger", "officer-a-1"):
        folder = deployment.home(party)
        if folder.exists():
            with pytest.raises(IdentityError):
                append_raw(serving, deployment, party, [entry])
    append_raw(serving, deployment, "matcher", [entry])


@pytest.mark.parametrize("count", [0, 1_001])
def test_no_more_than_a_thousand_entries_at_once(
    serving: RunningLedger, deployment: Deployment, count: int
) -> None:
    with pytest.raises(MessageError):
        append_raw(serving, deployment, "matcher", [entry_bytes(number(deployment, 1))] * count)


def test_a_camera_that_floods_the_ledger_is_held_back(serving: RunningLedger, deployment: Deployment) -> None:
    key = party_key(deployment, "camera-1")
    entries = [
        entry_bytes(
            CameraCounts(camera_id="camera-1", zone="inner", since=1, accepted=(), made_at=at).statement(key)
        )
        for at in range(101)
    ]
    append_raw(serving, deployment, "camera-1", entries[:100])
    with pytest.raises(QuotaError):
        append_raw(serving, deployment, "camera-1", entries[100:])


def test_a_register_is_entered_from_its_file(
    serving: RunningLedger, deployment: Deployment, tmp_path: Path
) -> None:
    settings = GrantPartySettings.read(deployment.settings("operator"))
    register = ZoneRegister.parsed(read_statement(deployment.public / "registers" / "inner.json").payload)
    newer = register.model_copy(update={"generation": register.generation + 1})
    file = tmp_path / "inner.json"
    write_statement(file, newer.statement(settings.key()))
    [receipt] = enter(settings, [file], SystemClock().now())
    wait_until(witnessed(serving, receipt.index + 1))
    # The same again is no second entry: it does not fit the register that stands there.
    with pytest.raises(EntryError):
        enter(settings, [file], SystemClock().now() + 10)
    assert serving.running is not None
    assert serving.running.size == receipt.index + 1


def test_health_is_told_to_any_party(serving: RunningLedger, deployment: Deployment) -> None:
    with open_channel(serving.access().address, "ledger", party_tls(deployment, "camera-1")) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_browsers_page_may_read_it(serving: RunningLedger) -> None:
    got = httpx.get(f"{serving.access().url}/checkpoint", headers={"Origin": "https://portal.example"})
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "*")


def test_until_both_custodians_were_heard_it_is_read_and_not_appended_to(
    ledger: RunningLedger, witnesses: StrictWitnesses, deployment: Deployment
) -> None:
    witnesses.start(A)
    ledger.start()
    wait_until(lambda: witnesses.of[A].size > 0)
    with pytest.raises(UnavailableError, match="custodian B"):
        ledger.enter(number(deployment, 1), by="matcher")
    assert httpx.get(f"{ledger.access().url}/tile/0/000.p/{witnesses.of[A].size}").status_code == 200
    assert httpx.get(f"{ledger.access().url}/checkpoint").status_code == 404
    witnesses.start(B)
    wait_until(witnessed(ledger, 1))
    index = ledger.enter(number(deployment, 1), by="matcher")
    # Once heard, a custodian that is away holds up nothing but the public checkpoint.
    witnesses.stop(B)
    assert ledger.enter(number(deployment, 2), by="matcher") == index + 1
    wait_until(lambda: witnesses.of[A].size == index + 2)
    witnesses.start(B)
    wait_until(witnessed(ledger, index + 2))


def test_a_restarted_ledger_goes_on_where_it_was(
    serving: RunningLedger, witnesses: StrictWitnesses, deployment: Deployment
) -> None:
    index = serving.enter(number(deployment, 1), by="matcher")
    serving.stop()
    begin(serving)
    wait_until(witnessed(serving, index + 1))
    assert serving.enter(number(deployment, 1), by="matcher") == index
    assert serving.enter(number(deployment, 2), by="matcher") == index + 1


def test_a_custodian_that_lost_its_memory_is_met_where_it_is(
    serving: RunningLedger, witnesses: StrictWitnesses, deployment: Deployment
) -> None:
    index = serving.enter(number(deployment, 1), by="matcher")
    wait_until(witnessed(serving, index + 1))
    witnesses.of[A].last, witnesses.of[A].head = None, b""
    index = serving.enter(number(deployment, 2), by="matcher")
    wait_until(witnessed(serving, index + 1))


def test_a_fork_that_a_custodian_proves_ends_the_ledger(
    serving: RunningLedger, witnesses: StrictWitnesses, deployment: Deployment
) -> None:
    """Two ledgers grew from one copy, as when a backup was started beside the original."""
    settings = load(LedgerSettings, deployment.settings("ledger"))
    serving.stop()
    head, files = settings.head.read_bytes(), _files(settings.public)
    begin(serving)
    index = serving.enter(number(deployment, 1), by="matcher")
    wait_until(lambda: min(one.size for one in witnesses.of.values()) == index + 1)
    serving.stop()
    settings.head.write_bytes(head)
    _replace(settings.public, files)
    witnesses.stop_both()
    # Asked nothing by the ledger yet, it takes on entries of its own.
    fatal: list[BlindplateError] = []
    running = build(settings, SystemClock(), fatal.append)
    running.sequencer.start()
    running.sequencer.append([entry_bytes(number(deployment, 7))])
    witnesses.start_both()
    running.witnesses.start()
    wait_until(lambda: fatal != [])
    assert {type(error) for error in fatal} == {ForkError}
    with pytest.raises(UnavailableError):
        running.witnesses.require_confirmed()
    running.close()


def test_a_rollback_that_a_custodian_proves_while_it_runs_ends_the_ledger(
    serving: RunningLedger, witnesses: StrictWitnesses, deployment: Deployment
) -> None:
    serving.stop()
    settings = load(LedgerSettings, deployment.settings("ledger"))
    head, files = settings.head.read_bytes(), _files(settings.public)
    begin(serving)
    index = serving.enter(number(deployment, 1), by="matcher")
    wait_until(lambda: min(one.size for one in witnesses.of.values()) == index + 1)
    serving.stop()
    settings.head.write_bytes(head)
    _replace(settings.public, files)
    fatal: list[BlindplateError] = []
    running = build(settings, SystemClock(), fatal.append)
    running.start()
    wait_until(lambda: fatal != [])
    assert {type(error) for error in fatal} == {RollbackError}
    running.close()


@pytest.mark.parametrize("what", ["listen", "http"])
def test_an_address_that_is_taken_is_refused(deployment: Deployment, what: str) -> None:
    settings = load(LedgerSettings, deployment.settings("ledger"))
    free = settings.model_copy(update={"listen": "127.0.0.1:0", "http": "127.0.0.1:0"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match="cannot be bound"):
            build(free.model_copy(update={what: address}), SystemClock())
    # And nothing was left locked.
    build(free, SystemClock()).close()


def test_a_client_of_another_ledger_takes_no_receipt(serving: RunningLedger, deployment: Deployment) -> None:
    keys = serving.access().keys.keys()
    foreign = replace(keys, log=LogSigner.from_seed(keys.origin, bytes(32)).keys)
    with (
        LedgerClient(serving.access().address, party_tls(deployment, "matcher"), foreign) as client,
        pytest.raises(SignatureError),
    ):
        client.append([number(deployment, 1)])


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _replace(folder: Path, files: dict[Path, bytes]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
