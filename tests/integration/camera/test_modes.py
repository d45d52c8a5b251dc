"""Local mode through a cut cable, and the command with standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blindplate.client.camera.process import run_source
from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.errors import ExpiredError, IdentityError, PolicyError, SettingsError, SignatureError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import PseudonymMode, ZonePolicy
from blindplate.edge.keyfiles import read_secret, read_statement, write_statement
from tests.integration.camera.site import LiveSource, Site, marks, plain_events
from tests.integration.camera.test_misfortunes import running, wait_for
from tests.integration.ledger_site import until


def change_policy(site: Site, **changes: object) -> None:
    """Sign camera-1's policy anew, changed and with the next serial number, enter it, and put it in place."""
    path = site.camera().policy
    last = ZonePolicy.parsed(read_statement(path).payload)
    policy = last.model_copy(update={"serial": last.serial + 1, **changes})
    folders = [site.deployment.folder / f"custodian-{name}" for name in "ab"]
    signers = [SigningKey.from_seed(read_secret(folder / "signing.key", 32)) for folder in folders]
    statement = policy.statement(*signers)
    if policy.serial > last.serial:
        index = site.ledger.enter(statement)
        until(lambda: all(one.replica.size > index for one in site.custodians.values()))
    write_statement(path, statement)


def count_local_keys(monkeypatch: pytest.MonkeyPatch) -> list[Domain]:
    """The domains whose local keys were fetched, from now on."""
    fetched: list[Domain] = []
    fetch = CustodianPair.local_keys

    def counted(self: CustodianPair, domain: Domain) -> tuple[DomainKey, DomainKey]:
        pair = fetch(self, domain)
        fetched.append(domain)
        return pair

    monkeypatch.setattr(CustodianPair, "local_keys", counted)
    return fetched


def test_local_mode_gives_the_same_pseudonyms_through_a_cut_cable(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = plain_events(marks(1))
    site.run(site.camera(), event)
    oblivious = {taken.y for taken in site.matcher.taken.values()}
    site.matcher.taken.clear()
    change_policy(site, mode=PseudonymMode.LOCAL)
    fetched = count_local_keys(monkeypatch)
    source = LiveSource()
    with running(site.camera(), source):
        # Cut before the first read: keys of both lists, and keys to seal to, are all it needs.
        wait_for(lambda: len(fetched) == 2 and site.matcher.keys_asked > 1)
        for custodian in Custodian:
            site.stop_custodian(custodian)
        source.put(event)
        wait_for(lambda: len(site.matcher.taken) == 2)
    assert oblivious == {taken.y for taken in site.matcher.taken.values()}


def test_a_change_of_mode_is_taken_up_without_a_restart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[Domain] = []
    evaluate = CustodianPair.evaluate

    def counted(self: CustodianPair, domain: Domain, *rest: Any) -> list[bytes]:
        evaluated.append(domain)
        return evaluate(self, domain, *rest)

    monkeypatch.setattr(CustodianPair, "evaluate", counted)
    fetched = count_local_keys(monkeypatch)
    source = LiveSource()
    with running(site.camera(), source):
        source.put(plain_events(marks(1)))
        wait_for(lambda: len(site.matcher.taken) == 2)
        assert (len(evaluated), fetched) == (2, [])
        change_policy(site, mode=PseudonymMode.LOCAL)
        source.put(plain_events(marks(1, 1)))
        wait_for(lambda: len(site.matcher.taken) == 4)
        assert (len(evaluated), len(fetched)) == (2, 2)
        change_policy(site, mode=PseudonymMode.OBLIVIOUS)
        source.put(plain_events(marks(1, 2)))
        wait_for(lambda: len(site.matcher.taken) == 6)
        assert len(evaluated) == 4


def test_an_older_policy_put_in_place_before_a_restart_is_refused(site: Site) -> None:
    (serial,) = {ZonePolicy.parsed(read_statement(site.camera().policy).payload).serial}
    change_policy(site, serial=serial + 2)
    site.run(site.camera(), plain_events(marks(1)))
    change_policy(site, serial=serial + 1)
    with pytest.raises(SettingsError, match="older"):
        site.run(site.camera(), plain_events(marks(1)))


def test_custodians_hand_no_keys_out_by_a_policy_that_only_one_of_ledger_and_folder_holds(site: Site) -> None:
    settings, domain = site.camera(), Domain("police", "inner", 1)
    oblivious = read_statement(settings.policy)
    pair = CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust)
    with pair:
        change_policy(site, mode=PseudonymMode.LOCAL)
        local = read_statement(settings.policy)
        write_statement(settings.policy, oblivious)
        with pytest.raises(PolicyError, match="local mode"):
            pair.local_keys(domain)
        write_statement(settings.policy, local)
        assert pair.local_keys(domain)
        change_policy(site, mode=PseudonymMode.OBLIVIOUS)
        write_statement(settings.policy, local)
        with pytest.raises(PolicyError, match="local mode"):
            pair.local_keys(domain)


def test_custodians_hand_no_keys_to_a_camera_in_oblivious_mode_or_of_another_zone(site: Site) -> None:
    settings = site.camera()
    pair = CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust)
    with pair:
        with pytest.raises(PolicyError, match="local mode"):
            pair.local_keys(Domain("police", "inner", 1))
        change_policy(site, mode=PseudonymMode.LOCAL)
        assert pair.local_keys(Domain("police", "inner", 1))
        with pytest.raises(IdentityError):
            pair.local_keys(Domain("police", "outer", 1))


def test_a_camera_does_not_start_on_a_policy_that_does_not_hold(site: Site) -> None:
    with pytest.raises(SettingsError, match="format"):
        run_source(site.camera(), LiveSource(), "tea-leaves")
    with pytest.raises(SettingsError, match="zone"):
        run_source(site.camera(zone="outer"), LiveSource(), "plain")
    change_policy(site, matcher=SigningKey.generate().public)
    with pytest.raises(SignatureError, match="pinned"):
        run_source(site.camera(), LiveSource(), "plain")


def test_a_camera_does_not_start_on_an_expired_policy(site: Site) -> None:
    change_policy(site, not_before=1, not_after=2)
    with pytest.raises(ExpiredError):
        run_source(site.camera(), LiveSource(), "plain")


@pytest.mark.parametrize(("events", "stored"), [(3, 6), (0, 0)])
def test_the_command_reads_standard_input_and_ends_when_drained(site: Site, events: int, stored: int) -> None:
    command = Path(sys.executable).with_name("blindplate-camera")
    ended = subprocess.run(
        [command, "run", site.deployment.settings("camera-1"), "--exit-when-drained"],
        input=plain_events(marks(events)),
        capture_output=True,
        timeout=60,
        env={**os.environ, "BLINDPLATE_BATCH_SIZE": "2"},
    )
    assert ended.returncode == 0
    assert len(site.matcher.taken) == stored
    assert b'"ready"' in ended.stderr
