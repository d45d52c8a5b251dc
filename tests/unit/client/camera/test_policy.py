"""Zone policies: whose signatures, whose keys, which zone, when; and a new one without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.camera import policy_serials
from blindplate.client.camera.policy import PolicyFile, read_policy
from blindplate.client.camera.policy_serials import PolicySerials
from blindplate.core.errors import (
    ExpiredError,
    MessageError,
    SettingsError,
    SignatureError,
    StorageError,
)
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.policies import ZoneRegister
from blindplate.edge.keyfiles import write_statement
from tests.unit.client.camera.samples import NOW, ZONE, Parties, police

PARTIES = Parties()
TRUST = PARTIES.trust()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return PARTIES.write(tmp_path / "policy.json", PARTIES.policy())


def opened(path: Path) -> PolicyFile:
    """A policy file as a process that starts sees it."""
    return PolicyFile(path, TRUST, ZONE, PolicySerials(path.with_name("serials.json")))


def test_a_policy_of_both_custodians_is_taken(path: Path) -> None:
    assert read_policy(path, TRUST, ZONE) == PARTIES.policy()
    assert read_policy(path, TRUST, None) == PARTIES.policy()


@pytest.mark.parametrize(
    "signers",
    [(), (PARTIES.a,), (PARTIES.b,), (PARTIES.a, PARTIES.matcher), (PARTIES.operator, PARTIES.b)],
    ids=["nobody", "a alone", "b alone", "matcher for b", "operator for a"],
)
def test_a_policy_without_both_custodians_is_refused(tmp_path: Path, signers: tuple[SigningKey, ...]) -> None:
    write_statement(tmp_path / "policy.json", PARTIES.policy().statement(*signers))
    with pytest.raises(SignatureError):
        read_policy(tmp_path / "policy.json", TRUST, ZONE)


@pytest.mark.parametrize("party", ["custodian_a", "custodian_b", "matcher"])
def test_a_policy_that_names_another_key_than_the_pinned_one_is_refused(tmp_path: Path, party: str) -> None:
    policy = PARTIES.policy().model_copy(update={party: SigningKey.generate().public})
    path = PARTIES.write(tmp_path / "policy.json", policy)
    with pytest.raises(SignatureError, match="pinned"):
        read_policy(path, TRUST, ZONE)


def test_a_policy_of_another_zone_is_refused(path: Path) -> None:
    with pytest.raises(SettingsError, match="zone"):
        read_policy(path, TRUST, "outer")


def test_another_statement_is_no_policy(tmp_path: Path) -> None:
    whole = PARTIES.policy().statement()
    register = Statement(ZoneRegister.media_type(), whole.payload).signed_by(PARTIES.a).signed_by(PARTIES.b)
    write_statement(tmp_path / "policy.json", register)
    with pytest.raises(SignatureError):
        read_policy(tmp_path / "policy.json", TRUST, ZONE)


@pytest.mark.parametrize("moment", [NOW - 1001, NOW + 100_000])
def test_a_policy_not_in_force_is_not_used(path: Path, moment: float) -> None:
    with pytest.raises(ExpiredError):
        opened(path).current(moment)


def test_a_new_policy_is_taken_without_a_restart(path: Path) -> None:
    file = opened(path)
    assert file.list_ids() == ("police", "emissions")
    PARTIES.write(path, PARTIES.policy(police(), serial=2))
    assert file.current(NOW).serial == 2
    assert file.list_ids() == ("police",)


def test_an_older_policy_does_not_replace_a_newer(path: Path) -> None:
    PARTIES.write(path, PARTIES.policy(serial=5))
    file = opened(path)
    assert file.current(NOW).serial == 5
    PARTIES.write(path, PARTIES.policy(serial=4))
    assert file.current(NOW).serial == 5


def test_an_older_policy_put_in_place_before_a_restart_is_refused(path: Path) -> None:
    PARTIES.write(path, PARTIES.policy(serial=5))
    opened(path).current(NOW)
    assert opened(path).current(NOW).serial == 5
    PARTIES.write(path, PARTIES.policy(serial=4))
    with pytest.raises(SettingsError, match=r"older.*Install the newest.*serials\.json"):
        opened(path)
    PARTIES.write(path, PARTIES.policy(serial=6))
    assert opened(path).current(NOW).serial == 6


def test_a_policy_taken_while_running_counts_after_a_restart(path: Path) -> None:
    file = opened(path)
    PARTIES.write(path, PARTIES.policy(serial=3))
    file.current(NOW)
    PARTIES.write(path, PARTIES.policy(serial=2))
    with pytest.raises(SettingsError, match="older"):
        opened(path)


def test_a_policy_installed_too_early_does_not_shut_out_the_present_one(path: Path) -> None:
    early = PARTIES.policy(serial=9).model_copy(update={"not_before": int(NOW) + 10})
    PARTIES.write(path, early)
    with pytest.raises(ExpiredError):
        opened(path).current(NOW)
    PARTIES.write(path, PARTIES.policy(serial=8))
    assert opened(path).current(NOW).serial == 8


def test_each_zone_counts_by_itself(path: Path) -> None:
    serials = PolicySerials(path.with_name("serials.json"))
    serials.remember("outer", 7)
    serials.remember("outer", 6)
    serials.remember(ZONE, 2)
    again = PolicySerials(path.with_name("serials.json"))
    again.require_newest(ZONE, 2)
    again.require_newest("third", 0)
    with pytest.raises(SettingsError, match="outer"):
        again.require_newest("outer", 6)


@pytest.mark.parametrize("content", ["", "[]", '{"inner": "many"}', '{"inner": -1}', '{"Not a zone": 1}'])
def test_serials_that_cannot_be_read_are_said_not_taken_for_none(path: Path, content: str) -> None:
    path.with_name("serials.json").write_text(content)
    with pytest.raises(SettingsError, match="serials"):
        opened(path)


def test_a_disk_that_remembers_nothing_stops_no_camera(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _content: bytes) -> None:
        raise StorageError("full")

    monkeypatch.setattr(policy_serials, "write_secret", full)
    file = opened(path)
    assert file.current(NOW).serial == 1
    PARTIES.write(path, PARTIES.policy(serial=0))
    assert file.current(NOW).serial == 1


def test_a_broken_policy_leaves_the_old_one_in_use(path: Path) -> None:
    file = opened(path)
    path.write_text("{}")
    assert file.current(NOW).serial == 1
    path.unlink()
    assert file.current(NOW).serial == 1
    PARTIES.write(path, PARTIES.policy(serial=2))
    assert file.current(NOW).serial == 2


def test_a_file_that_is_no_statement_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text("not JSON")
    with pytest.raises(MessageError):
        read_policy(tmp_path / "policy.json", TRUST, ZONE)
    with pytest.raises(SettingsError):
        read_policy(tmp_path / "nowhere.json", TRUST, ZONE)
