"""Who may call: only one certificate with one SPIFFE URI of the right role, and only what the map names."""

from __future__ import annotations

import grpc
import pytest
import structlog
from cryptography import x509

from blindplate.core.errors import BlindplateError, IdentityError, QuotaError, ShareError
from blindplate.edge.logs import configure
from blindplate.edge.statuses import remote_errors
from blindplate.server.authorization import REFUSALS
from tests.unit.server.conftest import (
    BLAMING,
    BROKEN,
    CLOSED,
    OPEN,
    OWNER,
    REFUSING,
    RESPONSES,
    STREAM,
    Site,
    status,
)

uri = x509.UniformResourceIdentifier


def refused(site: Site, *names: x509.GeneralName, method: str = OPEN) -> None:
    with pytest.raises(IdentityError), remote_errors("server"):
        site.call(method, *names)


def test_a_named_role_is_let_in_as_itself(site: Site) -> None:
    assert site.call(OPEN, OWNER, request=b"!") == b"spiffe://blindplate/owner/owner-1!"
    assert site.call(STREAM, OWNER, request=b"x") == b"owner-1xx"


def test_a_method_that_no_map_names_is_closed_to_everyone(site: Site) -> None:
    refused(site, OWNER, method=CLOSED)


def test_another_role_is_refused(site: Site) -> None:
    refused(site, uri("spiffe://blindplate/camera/owner-1"))
    refused(site, uri("spiffe://blindplate/camera/owner-1"), method=STREAM)


def test_a_dns_name_that_looks_like_an_identity_counts_for_nothing(site: Site) -> None:
    refused(site, x509.DNSName("spiffe://blindplate/owner/owner-1"))
    refused(
        site,
        uri("spiffe://blindplate/camera/owner-1"),
        x509.DNSName("spiffe://blindplate/owner/owner-1"),
    )


def test_two_uris_are_refused(site: Site) -> None:
    refused(site, OWNER, uri("spiffe://blindplate/owner/owner-2"))
    refused(site, OWNER, uri("https://example.org/owner"))
    refused(site, uri("https://example.org/owner"), OWNER)


def test_no_uri_at_all_is_refused(site: Site) -> None:
    refused(site)


@pytest.mark.parametrize(
    "identity",
    [
        "spiffe://elsewhere/owner/owner-1",
        "spiffe://blindplate/emperor/owner-1",
        "spiffe://blindplate/owner",
        "spiffe://blindplate/owner/",
        "spiffe://blindplate/owner/owner-1/more",
        "https://blindplate/owner/owner-1",
    ],
)
def test_an_identity_of_another_shape_is_refused(site: Site, identity: str) -> None:
    refused(site, uri(identity))


def test_a_method_that_streams_responses_is_not_served(site: Site) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        site.call(RESPONSES, OWNER)
    assert status(caught.value) is grpc.StatusCode.UNIMPLEMENTED


def test_a_typed_error_travels_whole_and_is_counted(site: Site) -> None:
    before = REFUSALS.labels(REFUSING, "quota")._value.get()
    with pytest.raises(QuotaError) as caught, remote_errors("server"):
        site.call(REFUSING, OWNER)
    assert (caught.value.what, caught.value.remedy) == ("Nothing is left.", "Wait a day.")
    assert REFUSALS.labels(REFUSING, "quota")._value.get() == before + 1


def test_a_share_error_names_its_custodian(site: Site) -> None:
    with pytest.raises(ShareError) as caught, remote_errors("server"):
        site.call(BLAMING, OWNER)
    assert caught.value.custodian == "b"


def test_an_unforeseen_error_tells_neither_client_nor_log_its_text(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("test")
    with pytest.raises(BlindplateError) as caught, remote_errors("server"):
        site.call(BROKEN, OWNER, request=b"canary-plate")
    assert "canary" not in str(caught.value)
    assert caught.value.code == "blindplate"
    written = "".join(capfd.readouterr())
    structlog.reset_defaults()
    assert "failed" in written
    assert "canary" not in written
