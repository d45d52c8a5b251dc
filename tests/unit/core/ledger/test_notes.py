"""Signed notes and verifier keys: one spelling each, and everything else refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.ledger.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    SignatureKind,
    VerifierKey,
    parse_signature_lines,
)

# The example of C2SP signed-note, letter by letter.
EXAMPLE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
NAMES = st.text(min_size=1, max_size=40).filter(
    lambda name: name.isprintable() and not set(name) & {" ", "+"} and len(name.encode()) <= 255
)
TEXTS = st.text(st.characters(codec="utf-8", min_codepoint=0x20) | st.just("\n")).map(
    lambda text: text + "\n"
)
SIGNATURES = st.builds(
    NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)
)
KEY = VerifierKey("ledger.example/west", SignatureKind.ED25519, b"k" * 32)
LINE = NoteSignature(KEY.name, KEY.key_id, b"s" * 64).to_line()


@given(TEXTS, st.lists(SIGNATURES, min_size=1, max_size=MAX_SIGNATURES).map(tuple))
def test_notes_come_back(text: str, signatures: tuple[NoteSignature, ...]) -> None:
    note = Note(text, signatures)
    assert Note.from_bytes(note.to_bytes()) == note


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: (text + "\n\n" + LINE).encode()))
def test_whatever_parses_is_written_the_same(data: bytes) -> None:
    try:
        note = Note.from_bytes(data)
    except MessageError:
        return
    assert note.to_bytes() == data


@given(NAMES, st.sampled_from(SignatureKind), st.binary(min_size=32, max_size=32))
def test_verifier_keys_come_back(name: str, kind: SignatureKind, public: bytes) -> None:
    key = VerifierKey(name, kind, public * 41 if kind is SignatureKind.ML_DSA_44 else public)
    assert VerifierKey.from_text(key.to_text()) == key


def test_the_published_example_is_read() -> None:
    note = Note.from_bytes(EXAMPLE)
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert [(one.name, one.key_id.hex(), len(one.signature)) for one in note.signatures] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]
    assert note.to_bytes() == EXAMPLE


def test_the_published_verifier_key_is_read() -> None:
    # Of golang.org/x/mod/sumdb/note, whose own tests use it.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.from_text(text)
    assert (key.name, key.kind, key.key_id.hex()) == ("PeterNeumann", SignatureKind.ED25519, "c74f20a3")
    assert key.to_text() == text


def test_a_later_signature_by_the_same_key_takes_the_place_of_the_earlier() -> None:
    first, other = NoteSignature("a", b"1234", b"x"), NoteSignature("a", b"1235", b"y")
    later = NoteSignature("a", b"1234", b"z")
    assert Note("t\n", (first, other)).with_signatures([later]) == Note("t\n", (later, other))


DEFECTS = {
    "no empty line": b"text\n" + LINE.encode(),
    "no signature": b"text\n\n",
    "no newline at the end": b"text\n\n" + LINE.encode()[:-1],
    "carriage return": b"text\r\n\n" + LINE.encode(),
    "tab": b"te\txt\n\n" + LINE.encode(),
    "zero byte": b"te\0xt\n\n" + LINE.encode(),
    "escape in a name": f"text\n\n{LINE}".replace("ledger", "\x1bledger").encode(),
    "not UTF-8": b"te\xffxt\n\n" + LINE.encode(),
    "overlong UTF-8": b"te\xc0\xafxt\n\n" + LINE.encode(),
    "surrogate": b"te\xed\xa0\x80xt\n\n" + LINE.encode(),
    "hyphen for the dash": f"text\n\n{LINE}".replace("—", "-").encode(),
    "two spaces": f"text\n\n{LINE}".replace("— ", "—  ").encode(),
    "no-break space in a name": f"text\n\n{LINE}".replace("ledger", "led\u00a0ger").encode(),
    "plus in a name": f"text\n\n{LINE}".replace("ledger", "led+ger").encode(),
    "zero-width character in a name": f"text\n\n{LINE}".replace("ledger", "led\u200bger").encode(),
    "name too long": f"text\n\n{LINE}".replace("ledger", "l" * 256).encode(),
    "no name": "text\n\n—  AAAAAAA=\n".encode(),
    "signature without a signature": "text\n\n— a AAAAAA==\n".encode(),
    "signature shorter than its key id": "text\n\n— a AAAA\n".encode(),
    "base64 without padding": "text\n\n— a AAAAAAA\n".encode(),
    "base64 with unused bits set": "text\n\n— a AAAAAAB=\n".encode(),
    "base64 with padding within": "text\n\n— a AAAAAA==AAAA\n".encode(),
    "base64 of the URL's alphabet": "text\n\n— a AAAAAA_-\n".encode(),
    "base64 with letters beyond ASCII": "text\n\n— a AAAAAAé=\n".encode(),
    "space after the signature": f"text\n\n{LINE[:-1]} \n".encode(),
    "text between the signatures": f"text\n\n{LINE}text\n{LINE}".encode(),
    "empty line at the end": f"text\n\n{LINE}\n".encode(),
    "17 signatures": f"text\n\n{LINE * 17}".encode(),
    "too long": b"t" * MAX_NOTE_BYTES + f"\n\n{LINE}".encode(),
}


@pytest.mark.parametrize("data", DEFECTS.values(), ids=DEFECTS)
def test_a_note_out_of_form_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        Note.from_bytes(data)


def test_the_longest_note_is_read() -> None:
    # As many signatures, each as long, as a verifier must be ready for.
    line = NoteSignature("n" * 255, b"1234", b"s" * 5000).to_line()
    assert len(Note.from_bytes(f"text\n\n{line * MAX_SIGNATURES}".encode()).signatures) == MAX_SIGNATURES


@pytest.mark.parametrize("data", [b"", b"\n", LINE.encode()[:-1], LINE.encode() * 17, b"text\n"])
def test_signature_lines_out_of_form_are_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        parse_signature_lines(data)


def test_signature_lines_are_read() -> None:
    (signature,) = parse_signature_lines(LINE.encode())
    assert signature.is_by(KEY)
    assert not signature.is_by(VerifierKey("other.example", KEY.kind, KEY.public))
    assert not signature.is_by(VerifierKey(KEY.name, SignatureKind.COSIGNATURE, KEY.public))


@pytest.mark.parametrize(
    ("text", "signatures"),
    [
        ("text", (NoteSignature("a", b"1234", b"s"),)),
        ("te\rxt\n", (NoteSignature("a", b"1234", b"s"),)),
        ("te\ud800xt\n", (NoteSignature("a", b"1234", b"s"),)),
        ("text\n", ()),
        ("text\n", (NoteSignature("a", b"1234", b"s"),) * 17),
    ],
    ids=["no newline", "control character", "surrogate", "no signature", "17 signatures"],
)
def test_a_note_out_of_form_is_not_made(text: str, signatures: tuple[NoteSignature, ...]) -> None:
    with pytest.raises(MessageError):
        Note(text, signatures)


@pytest.mark.parametrize(
    ("name", "key_id", "signature"),
    [("a b", b"1234", b"s"), ("\ud800", b"1234", b"s"), ("a", b"123", b"s"), ("a", b"1234", b"")],
)
def test_a_signature_out_of_form_is_not_made(name: str, key_id: bytes, signature: bytes) -> None:
    with pytest.raises(MessageError):
        NoteSignature(name, key_id, signature)


def retyped(kind: int, public: bytes) -> str:
    """The text of KEY with other key material behind the same identifier."""
    return f"{KEY.name}+{KEY.key_id.hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


KEY_DEFECTS = {
    "no key": KEY.to_text().rsplit("+", 1)[0],
    "no key material": f"{KEY.name}+{KEY.key_id.hex()}+",
    "another key's identifier": retyped(1, b"x" * 32),
    "kind not in use": retyped(2, b"k" * 32),
    "another kind's identifier": retyped(4, b"k" * 32),
    "key too short": retyped(1, b"k" * 31),
    "key too long": retyped(1, b"k" * 33),
    "Ed25519 key of the other kind": retyped(6, b"k" * 32),
    "upper-case identifier": KEY.to_text().replace(KEY.key_id.hex(), KEY.key_id.hex().upper()),
    "no name": "+" + KEY.to_text().split("+", 1)[1],
    "space in the name": "led ger+" + KEY.to_text().split("+", 1)[1],
    "newline at the end": KEY.to_text() + "\n",
    "key that is not base64": KEY.to_text()[:-1] + "-",
}


@pytest.mark.parametrize("text", KEY_DEFECTS.values(), ids=KEY_DEFECTS)
def test_a_verifier_key_out_of_form_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        VerifierKey.from_text(text)


@pytest.mark.parametrize(("kind", "length"), [(1, 1312), (4, 31), (6, 32), (6, 1311)])
def test_a_key_of_another_kinds_length_is_refused(kind: int, length: int) -> None:
    with pytest.raises(MessageError):
        VerifierKey("a", SignatureKind(kind), bytes(length))
