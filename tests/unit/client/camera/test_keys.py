"""The keys a camera seals to: when they are fetched, what stays when a party is away, when sealing must wait."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from blindplate.client.camera.keys import KeyRing
from blindplate.core.errors import ExpiredError, SignatureError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.statements.announced_keys import ReleaseKey, WindowKey
from tests.unit.client.camera.samples import NOW, Parties

PARTIES = Parties()
LATER = Parties()


def release(custodian: Custodian, public: bytes, start: float, end: float) -> ReleaseKey:
    return ReleaseKey(
        custodian=custodian,
        public=public,
        not_before=int(start),
        not_after=int(end),
        destroyed_at=int(end) + 10,
    )


def window(public: bytes, start: float, end: float) -> WindowKey:
    return WindowKey(public=public, not_before=int(start), not_after=int(end), destroyed_at=int(end) + 10)


@dataclass
class Announcers:
    """Custodians and matcher at once; each may be away or lie."""

    windows: list[WindowKey] = field(
        default_factory=lambda: [window(PARTIES.window.public, NOW - 10, NOW + 3600)]
    )
    calls: int = 0
    custodians_fail: Exception | None = None
    matcher_fails: Exception | None = None

    def announced_release_keys(self) -> tuple[tuple[ReleaseKey, ...], tuple[ReleaseKey, ...]]:
        if self.custodians_fail is not None:
            raise self.custodians_fail
        return (
            (release(Custodian.A, PARTIES.release_a.public, NOW - 10, NOW + 86_400),),
            (release(Custodian.B, PARTIES.release_b.public, NOW - 10, NOW + 86_400),),
        )

    def window_keys(self) -> tuple[WindowKey, ...]:
        self.calls += 1
        if self.matcher_fails is not None:
            raise self.matcher_fails
        return tuple(self.windows)


@pytest.fixture
def announcers() -> Announcers:
    return Announcers()


@pytest.fixture
def ring(announcers: Announcers) -> KeyRing:
    return KeyRing(announcers, announcers)


def test_nothing_is_sealed_to_before_keys_are_known(ring: KeyRing) -> None:
    with pytest.raises(UnavailableError):
        ring.at(NOW)


def test_each_key_is_its_partys(ring: KeyRing) -> None:
    assert ring.refresh(NOW) == []
    keys = ring.at(NOW)
    assert (keys.custodian_a.public, keys.custodian_b.public, keys.window.public) == (
        PARTIES.release_a.public,
        PARTIES.release_b.public,
        PARTIES.window.public,
    )


def test_keys_are_asked_for_once_a_minute(ring: KeyRing, announcers: Announcers) -> None:
    for second in range(121):
        ring.refresh(NOW + second)
    assert announcers.calls == 3


def test_a_key_about_to_end_is_replaced_sooner(ring: KeyRing, announcers: Announcers) -> None:
    announcers.windows = [window(PARTIES.window.public, NOW - 10, NOW + 20)]
    ring.refresh(NOW)
    announcers.windows.append(window(LATER.window.public, NOW + 18, NOW + 200))
    for second in range(1, 21):
        ring.refresh(NOW + second)
    assert ring.at(NOW + 17).window.public == PARTIES.window.public
    assert ring.at(NOW + 20).window.public == LATER.window.public


def test_what_is_known_serves_while_a_party_is_away(ring: KeyRing, announcers: Announcers) -> None:
    ring.refresh(NOW)
    announcers.custodians_fail = announcers.matcher_fails = UnavailableError("away")
    assert len(ring.refresh(NOW + 100)) == 2
    assert ring.at(NOW + 3599).window.public == PARTIES.window.public
    with pytest.raises(ExpiredError):
        ring.at(NOW + 3600)


def test_one_party_away_does_not_hide_the_other(ring: KeyRing, announcers: Announcers) -> None:
    announcers.custodians_fail = UnavailableError("away")
    assert [error.code for error in ring.refresh(NOW)] == ["unavailable"]
    announcers.custodians_fail = None
    announcers.matcher_fails = UnavailableError("away")
    ring.refresh(NOW + 100)
    assert ring.at(NOW + 100).custodian_a.public == PARTIES.release_a.public


def test_a_party_that_is_away_is_not_asked_without_pause(ring: KeyRing, announcers: Announcers) -> None:
    announcers.matcher_fails = UnavailableError("away")
    for tenth in range(600):
        ring.refresh(NOW + tenth / 10)
    assert announcers.calls <= 8


def test_a_key_of_the_matchers_own_making_is_not_used(ring: KeyRing, announcers: Announcers) -> None:
    announcers.matcher_fails = SignatureError("another key")
    (error,) = ring.refresh(NOW)
    assert error.code == "signature"
    with pytest.raises(UnavailableError):
        ring.at(NOW)
