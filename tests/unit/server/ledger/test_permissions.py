"""Which role may append which kinds: every kind to somebody, nothing to anybody else."""

from __future__ import annotations

import pytest

from blindplate.core.errors import IdentityError, MessageError
from blindplate.core.ledger.entries import MODELS, entry_bytes
from blindplate.core.signing import SigningKey, Statement
from blindplate.server.authorization import Identity, Role
from blindplate.server.ledger import appends
from blindplate.server.ledger.permissions import APPENDERS, rate_of, require_kinds
from tests.unit.server.ledger.site import entries

ALLOWED = {
    Role.OPERATOR: {"register-entry", "camera-status", "grant", "grant-end", "zone-policy"},
    Role.OWNER: {
        "grant",
        "list-version",
        "request-entry",
        "outcome-entry",
        "legal-hold",
        "hold-end",
        "evidence-erasures",
    },
    Role.MATCHER: {"batches", "matcher-counts", "erasures"},
    Role.CUSTODIAN: {
        "grant",
        "grant-suspension",
        "zone-policy",
        "evaluation-key",
        "decision-entry",
        "evaluation-counts",
    },
    Role.CAMERA: {"camera-counts"},
    Role.OFFICER: set[str](),
    Role.LEDGER: set[str](),
}


def of_kind(media_type: str) -> bytes:
    return entry_bytes(Statement(media_type, b"{}").signed_by(SigningKey.generate()))


@pytest.mark.parametrize("role", Role)
def test_a_role_appends_its_own_kinds_and_no_other(role: Role) -> None:
    identity = Identity(role, "name", "spiffe://blindplate/x/name")
    for media_type, model in MODELS.items():
        if model.kind in ALLOWED[role]:
            require_kinds(identity, [of_kind(media_type)])
        else:
            with pytest.raises(IdentityError):
                require_kinds(identity, [of_kind(media_type)])
    assert (role in APPENDERS) is bool(ALLOWED[role])
    assert (role in appends.ACCESS["/blindplate.v1.Ledger/Append"]) is bool(ALLOWED[role])


def test_every_kind_is_somebodys() -> None:
    assert set().union(*ALLOWED.values()) == {model.kind for model in MODELS.values()}


def test_one_foreign_entry_among_many_is_noticed() -> None:
    matcher = Identity(Role.MATCHER, "matcher", "spiffe://blindplate/matcher/matcher")
    foreign = of_kind("application/vnd.blindplate.grant-end.v1+json")
    with pytest.raises(IdentityError):
        require_kinds(matcher, [*entries(3), foreign, *entries(3)])


@pytest.mark.parametrize("entry", [b"", b"{}", b"[]", b"\xff", b'{"payloadType":"x"}'])
def test_what_is_no_entry_is_refused(entry: bytes) -> None:
    matcher = Identity(Role.MATCHER, "matcher", "spiffe://blindplate/matcher/matcher")
    with pytest.raises(MessageError):
        require_kinds(matcher, [entry])


def test_a_camera_may_append_far_less_than_the_matcher() -> None:
    assert rate_of(Role.CAMERA).per_second < 1 < 100 < rate_of(Role.MATCHER).per_second
