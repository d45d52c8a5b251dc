"""Groups of tests/vectors/ledger-v1.json: signatures, and whole notes with every combination that must not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tools.ledger_vector_cases import HEAD, LEDGER, NOW, ORIGIN, A, B, Test, flipped, invalid, relined, valid
from tools.ledger_vector_signer import COSIGNATURE, ED25519, ML_DSA_44, Head, Signer, line, message_of

FORGED: Final = replace(HEAD, root=bytes(32))
LOG_LINES: Final = LEDGER.lines(HEAD, NOW)


def signatures() -> Iterator[Test]:
    """What each kind signs, and the line it makes; ML-DSA-44 without randomness."""
    for signer in (LEDGER, A):
        for kind in signer.kinds():
            yield valid(
                "Normal",
                key=signer.vkeys()[signer.kinds().index(kind)],
                body=HEAD.body(),
                time=str(0 if kind == ED25519 else NOW),
                message=message_of(kind, signer.name, HEAD, NOW).hex(),
                line=signer.line(kind, HEAD, NOW),
            )


def notes() -> Iterator[Test]:
    """Whole notes, under the keys of the group."""
    both = LOG_LINES + A.lines(HEAD, NOW + 2) + B.lines(HEAD, NOW + 1)
    stranger = Signer("witness", "stranger.example", b"s" * 32)
    for flag, comment, lines, witnessed in (
        ("Normal", "by all", both, {"a": NOW + 2, "b": NOW + 1}),
        ("Normal", "in another order", "".join(reversed(both.splitlines(keepends=True))), {"a": NOW + 2, "b": NOW + 1}),
        ("Fewer", "by the ledger alone", LOG_LINES, {}),
        ("Fewer", "by one custodian", LOG_LINES + A.lines(HEAD, NOW), {"a": NOW}),
        ("OneKind", "Ed25519 alone", LOG_LINES + B.line(COSIGNATURE, HEAD, NOW), {}),
        ("OneKind", "ML-DSA-44 alone", LOG_LINES + B.line(ML_DSA_44, HEAD, NOW), {}),
        (
            "TwoTimes",
            "a second apart",
            LOG_LINES + B.line(COSIGNATURE, HEAD, NOW) + B.line(ML_DSA_44, HEAD, NOW + 1),
            {},
        ),
        ("TimeZero", "both kinds", LOG_LINES + B.lines(HEAD, 0), {}),
        ("Unknown", "another witness", LOG_LINES + stranger.line(COSIGNATURE, HEAD, NOW) * 2, {}),
        ("Unknown", "a known name", LOG_LINES + line(ORIGIN, b"none", b"no signature"), {}),
    ):  # fmt: skip
        yield valid(flag, comment=comment, note=f"{HEAD.body()}\n{lines}", witnessed=witnessed)
    for flag, comment, note in defects():
        yield invalid(flag, comment, note=note)


def defects() -> Iterator[tuple[str, str, str]]:
    """Notes that must be refused."""

    def signed(lines: str, head: Head = HEAD) -> str:
        return f"{head.body()}\n{lines}"

    first, second = LEDGER.line(ED25519, HEAD, NOW), LEDGER.line(ML_DSA_44, HEAD, NOW)
    elsewhere = replace(LEDGER, name="ledger.example/east")
    late = b"\x80" + A.signature(COSIGNATURE, HEAD, NOW)[1:]
    yield "Missing", "the ledger's ML-DSA-44", signed(first)
    yield "Missing", "the ledger's Ed25519", signed(second)
    yield (
        "Origin",
        "another ledger's",
        signed(elsewhere.lines(HEAD, NOW), replace(HEAD, origin=elsewhere.name)),
    )
    yield "Forged", "another root over the same signatures", signed(LOG_LINES, FORGED)
    for signer, name in ((LEDGER, "the ledger's"), (A, "a custodian's")):
        good = signer.signature(ML_DSA_44, HEAD, NOW)
        rest = first if signer is LEDGER else LOG_LINES
        yield (
            "Forged",
            f"{name} ML-DSA-44 over another root",
            signed(rest + signer.line(ML_DSA_44, FORGED, NOW)),
        )
        for at in (7, 8, len(good) - 1):
            bent = relined(signer, ML_DSA_44, flipped(good, at))
            yield "Flipped", f"byte {at} of {name} ML-DSA-44", signed(rest + bent)
        yield (
            "Length",
            f"{name} ML-DSA-44, one byte less",
            signed(rest + relined(signer, ML_DSA_44, good[:-1])),
        )
    short = A.signature(COSIGNATURE, HEAD, NOW)
    yield "Flipped", "a custodian's Ed25519", signed(LOG_LINES + relined(A, COSIGNATURE, flipped(short, 8)))
    yield "Length", "a custodian's time alone", signed(LOG_LINES + relined(A, COSIGNATURE, short[:8]))
    yield "TimeRange", "2^63 and more", signed(LOG_LINES + relined(A, COSIGNATURE, late))
    plain = LEDGER.signature(ED25519, HEAD, NOW)
    yield "Flipped", "the ledger's Ed25519", signed(second + relined(LEDGER, ED25519, flipped(plain)))
    yield "Doubled", "the ledger's Ed25519", signed(first + LOG_LINES)
    yield "Doubled", "a custodian's Ed25519", signed(LOG_LINES + A.line(COSIGNATURE, HEAD, NOW) * 2)
    yield "Form", "no empty line", HEAD.body() + LOG_LINES
    yield "Form", "no signature", HEAD.body() + "\n"
    yield "Form", "no newline at the end", signed(LOG_LINES)[:-1]
    yield "Form", "a hyphen for the dash", signed(LOG_LINES.replace("\u2014", "-"))
    yield "Form", "two spaces", signed(LOG_LINES.replace("\u2014 ", "\u2014  "))
    yield "Form", "an extension line", f"{HEAD.body()}extension\n\n{LOG_LINES}"
    yield "TooMany", "17 signatures", signed(LOG_LINES + line("stranger.example", b"none", b"s") * 15)
