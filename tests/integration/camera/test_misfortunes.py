"""What goes wrong around a camera, and that nothing accepted is lost by it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytest
import structlog

from blindplate.client.camera import sender
from blindplate.client.camera.process import run_source
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.errors import ProofError, SignatureError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import ZonePolicy
from blindplate.edge.keyfiles import read_secret, read_statement, write_statement
from tests.integration.camera.site import LiveSource, Site, marks, plain_events


@contextmanager
def running(settings: CameraSettings, source: LiveSource) -> Iterator[None]:
    """A camera that runs until the block ends."""
    stop = threading.Event()
    camera = threading.Thread(
        target=run_source,
        args=(settings, source, "plain"),
        kwargs={"stop": stop},
    )
    camera.start()
    try:
        yield
    finally:
        stop.set()
        camera.join(30)
        assert not camera.is_alive()
        # What the camera logs to is this test's own standard error, which ends with it.
        structlog.reset_defaults()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.05)


def log_lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


def test_what_is_sealed_while_the_matcher_is_away_arrives_when_it_is_back(site: Site) -> None:
    source = LiveSource()
    with running(site.camera(), source):
        source.put(plain_events(marks(5)))
        wait_for(lambda: len(site.matcher.taken) == 10)
        site.matcher.stop()
        source.put(plain_events(marks(20, 5)))
        time.sleep(1)
        site.start_matcher()
        wait_for(lambda: len(site.matcher.taken) == 50)


def test_the_spool_outlives_the_process(site: Site) -> None:
    source = LiveSource()
    site.matcher.delay_seconds = 0
    settings = site.camera()
    with running(settings, source):
        wait_for(lambda: site.matcher.keys_asked > 0)
        site.matcher.stop()
        source.put(plain_events(marks(20)))
        wait_for(lambda: site.spooled(settings) >= 40 * 5000)
    site.start_matcher()
    site.run(settings, b"")
    assert len(site.matcher.taken) == 40


def test_a_lost_answer_means_the_same_records_again(site: Site) -> None:
    site.matcher.forget_answers = 2
    site.run(site.camera(), plain_events(marks(5)))
    assert len(site.matcher.taken) == 10
    assert max(Counter(chain.from_iterable(site.matcher.submissions)).values()) >= 2


def test_reads_wait_in_memory_for_a_custodian(site: Site) -> None:
    site.stop_custodian(Custodian.B)
    source = LiveSource()
    settings = site.camera()
    with running(settings, source):
        source.put(plain_events(marks(10)))
        time.sleep(1.5)
        assert site.matcher.taken == {}
        site.start_custodian(Custodian.B)
        wait_for(lambda: len(site.matcher.taken) == 20)


def test_a_camera_ends_in_order_while_a_custodian_keeps_it_waiting(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = site.camera(custodian_b=f"127.0.0.1:{silent.getsockname()[1]}")
        stop = threading.Event()
        ending = threading.Timer(1, stop.set)
        ending.start()
        try:
            run_source(settings, LiveSource(), "plain", stop=stop)
        finally:
            ending.join()
            structlog.reset_defaults()


def test_what_does_not_fit_in_memory_is_counted_as_lost(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.stop_custodian(Custodian.B)
    source = LiveSource()
    with running(site.camera(memory_limit=4), source):
        source.put(plain_events(marks(10)))
        time.sleep(1)
    counts = [line for line in log_lines(capfd) if line["event"] == "counts"][-1]
    # Six of ten for want of room, the other four because the process ended; for each of two lists.
    assert counts["lost-from-memory"] == 20
    assert counts["spooled"] == 0


def test_a_refused_list_is_counted_and_costs_no_other(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    site.matcher.refuse_lists = frozenset({"emissions"})
    site.matcher.refusal = "window-over"
    site.run(site.camera(), plain_events(marks(5)))
    assert Counter(taken.list_id for taken in site.matcher.taken.values()) == {"police": 5}
    lines = log_lines(capfd)
    assert {line["code"] for line in lines if line["event"] == "records-refused"} == {"window-over"}
    counts = [line for line in lines if line["event"] == "counts"][-1]
    assert (counts["accepted"], counts["refused"]) == (5, 5)


def test_what_is_refused_while_a_grant_is_missing_arrives_once_it_is_there(
    site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sender, "_HELD_SECONDS", (0.5, 0.5))
    site.matcher.refuse_lists = frozenset({"emissions"})
    # Ends although half of what it sealed is refused: that stays spooled.
    site.run(site.camera(), plain_events(marks(5)))
    lines = log_lines(capfd)
    assert {(line["code"], line["level"]) for line in lines if line["event"] == "records-held"} == {
        ("grant", "warning")
    }
    counts = [line for line in lines if line["event"] == "counts"][-1]
    assert (counts["accepted"], counts["held"], counts["refused"], counts["in_spool"]) == (5, 5, 0, 5)
    with running(site.camera(), LiveSource()):
        time.sleep(1)
        assert len(site.matcher.taken) == 5
        site.matcher.refuse_lists = frozenset()
        wait_for(lambda: len(site.matcher.taken) == 10)


def test_a_window_key_of_anothers_making_is_not_sealed_to(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.matcher.signer = SigningKey.generate()
    source = LiveSource()
    with running(site.camera(), source):
        source.put(plain_events(marks(3)))
        time.sleep(1.5)
    assert site.matcher.submissions == []
    codes = [line["error"]["code"] for line in log_lines(capfd) if line["event"] == "keys-not-fetched"]
    assert "signature" in codes


def test_a_release_key_signed_by_the_matcher_is_no_custodians(site: Site) -> None:
    """The matcher cannot stand in for a custodian, even if it answered at its address."""
    settings = site.camera()
    matcher = SigningKey.from_seed(read_secret(site.deployment.folder / "matcher" / "signing.key", 32))
    trust = settings.trust.model_copy(update={"custodian_b": matcher.public})
    with (
        CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, trust) as pair,
        pytest.raises(SignatureError),
    ):
        pair.release_keys(time.time())


def test_custodians_at_each_others_address_are_not_taken_for_one_another(site: Site) -> None:
    settings = site.camera()
    with (
        CustodianPair(settings.custodian_b, settings.custodian_a, settings.tls, settings.trust) as pair,
        pytest.raises(UnavailableError),
    ):
        pair.release_keys(time.time())


@pytest.mark.parametrize("custodian", Custodian)
def test_an_evaluation_under_another_key_than_the_policys_is_refused_and_named(
    site: Site, custodian: Custodian
) -> None:
    settings = site.camera()
    domain = Domain("police", "inner", 1)
    with CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust) as pair:
        public = dict(zip(Custodian, pair.evaluation_keys(domain), strict=True))
        other = dict(zip(Custodian, pair.evaluation_keys(Domain("emissions", "inner", 1)), strict=True))
        public[custodian] = other[custodian]
        with pytest.raises(ProofError, match=f"custodian {custodian}"):
            pair.evaluate(domain, [b"plate"], public[Custodian.A], public[Custodian.B])


def test_a_list_with_false_evaluation_keys_is_not_sealed_and_said_loudly(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = site.camera()
    policy = ZonePolicy.parsed(read_statement(settings.policy).payload)
    police, emissions = sorted(policy.lists, key=lambda entry: entry.list_id, reverse=True)
    swapped = police.model_copy(
        update={
            "evaluation_key_a": police.evaluation_key_b,
            "evaluation_key_b": police.evaluation_key_a,
        }
    )
    signers = [
        SigningKey.from_seed(read_secret(site.deployment.folder / f"custodian-{name}" / "signing.key", 32))
        for name in "ab"
    ]
    changed = policy.model_copy(update={"lists": (swapped, emissions)})
    write_statement(settings.policy, changed.statement(*signers))
    source = LiveSource()
    with running(settings, source):
        source.put(plain_events(marks(3)))
        wait_for(lambda: len(site.matcher.taken) == 3)
        time.sleep(0.5)
    assert {taken.list_id for taken in site.matcher.taken.values()} == {"emissions"}
    waits = [line for line in log_lines(capfd) if line["event"] == "sealing-waits"]
    assert [(line["list"], line["error"]["code"], line["level"]) for line in waits] == [
        ("police", "proof", "error")
    ]
