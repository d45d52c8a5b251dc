"""XML and multipart bodies from outside: bounded, without entities, and refused without a word of theirs."""

from __future__ import annotations

import time

import pytest

from blindplate.client.camera.events.multipart import open_message
from blindplate.client.camera.events.xml import parse_xml
from blindplate.core.errors import EventError
from tests.unit.client.camera.engine_samples import CANARY, multipart

FIELDS = frozenset({"a"})


@pytest.mark.parametrize(
    "declared",
    [
        # Ten of ten of ten of ten: a gigabyte of a kilobyte.
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;"><!ENTITY z "&y;&y;&y;">]><a>&z;</a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]><a/>',
        '<!DOCTYPE a SYSTEM "http://192.0.2.1/x"><a/>',
        "<!DOCTYPE a><a/>",
    ],
)
def test_a_document_type_is_refused_whatever_is_in_it(declared: str) -> None:
    with pytest.raises(EventError, match="document type"):
        parse_xml(declared.encode(), FIELDS, "made-up")


@pytest.mark.parametrize(
    "raw", [b"", b"<a>", b"<a></b>", b"<a>&x;</a>", b"\xff", b"<a/><a/>", CANARY.encode()]
)
def test_what_is_no_xml_is_refused_and_not_quoted(raw: bytes) -> None:
    with pytest.raises(EventError, match="not XML") as caught:
        parse_xml(raw, FIELDS, "made-up")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("raw", [b"<a>" * 33 + b"</a>" * 33, b"<a>" + b"<b/>" * 8192 + b"</a>"])
def test_depth_and_number_of_elements_are_bounded(raw: bytes) -> None:
    with pytest.raises(EventError, match="deeper"):
        parse_xml(raw, FIELDS, "made-up")


def test_an_element_is_known_without_its_namespace_and_keeps_asked_texts_alone() -> None:
    raw = f'<n:r xmlns:n="urn:x"><n:a> one </n:a><a>two</a><b note="{CANARY}">{CANARY}</b></n:r>'.encode()
    root = parse_xml(raw, FIELDS, "made-up")
    assert root.name == "r"
    assert root.texts() == {"a": "one"}
    assert CANARY not in repr([element.text for element in root.walk()])


def test_a_message_that_is_not_multipart_is_its_own_document() -> None:
    assert open_message(b"<a/>", "made-up").document == b"<a/>"


def test_a_boundary_may_be_any_and_content_is_kept_byte_for_byte() -> None:
    content = bytes(range(256)) + b"\r\n--almost\r\n\r\n"
    body = multipart(("p.jpg", "image/jpeg", content), ("e", "text/xml", b"<a/>"), boundary="a'()+_,-./:=? z")
    opened = open_message(body, "made-up")
    assert opened.document == b"<a/>"
    assert [bytes(picture.content) for picture in opened.pictures] == [content]


@pytest.mark.parametrize(
    "body",
    [
        b"--",
        b"--\r\n",
        b"--b\r\nno header\r\n\r\n--b--\r\n",
        multipart(("e", "text/xml", b"<a/>"))[:-4],
        multipart(*[("e", "text/xml", b"<a/>")] * 17),
        multipart(("e" * 2000, "text/xml", b"<a/>")),
        b"--b\r\n" + b"X: y\r\n" * 9 + b"\r\nz\r\n--b--\r\n",
        b"--" + b"b" * 71 + b"\r\n\r\n",
    ],
)
def test_a_multipart_body_that_is_malformed_or_too_much_is_refused(
    body: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EventError, match="multipart"):
        open_message(body, "made-up")
    # The library says what it stumbled over; that must not reach standard error.
    assert "".join(capfd.readouterr()) == ""


def test_pictures_alone_are_no_event() -> None:
    with pytest.raises(EventError, match="no event"):
        open_message(multipart(("p.jpg", "image/jpeg", b"x")), "made-up")


def test_text_in_a_million_pieces_is_put_together_once() -> None:
    begun = time.monotonic()
    root = parse_xml(b"<a>" + b"x<!---->" * 1_000_000 + b"</a>", FIELDS, "made-up")
    assert len(root.text) == 1_000_000
    assert time.monotonic() - begun < 20


def test_a_large_body_is_read_in_a_moment() -> None:
    body = multipart(("e", "text/xml", b"<a/>"), ("p.jpg", "image/jpeg", b"\r\n-" * 1_000_000))
    begun = time.monotonic()
    assert open_message(body, "made-up").document == b"<a/>"
    assert time.monotonic() - begun < 20
