"""Writes tests/vectors/plates-v1.json, or with --check fails when it is not what this would write.

Run it as ``python -m tools.generate_plate_vectors``. Imports nothing of blindplate: what is expected was worked out
by hand from docs/spec/plates.md (``plate_vector_cases``), and the encoding is built here anew. So the vectors check
the code, not the code itself.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from tools.plate_vector_cases import CANONICAL, COUNTRIES, MARKS, NOTES, READS, SLOTS

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "plates-v1.json"
FORMATS: Final = {
    "GB_CURRENT": 1,
    "GB_PREFIX": 2,
    "GB_SUFFIX": 3,
    "GB_DATELESS": 4,
    "NI": 5,
    "GB_Q": 6,
    "GB_TRADE": 7,
    "GB_MILITARY": 8,
    "GB_DIPLOMATIC": 9,
    "VERBATIM": 255,
}


def encode(*fields: bytes) -> bytes:
    """Fields behind their lengths, after the protocol's name and the label: docs/spec/plates.md section 1."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in (b"blindplate-v1", b"plate", *fields))


def plate(expected: str) -> dict[str, Any]:
    country, name, text = expected.split("/")
    encoded = encode(b"\x01", country.encode(), bytes([FORMATS[name]]), text.encode())
    return {"version": 1, "country": country, "format": name, "text": text, "encoded": encoded.hex()}


def rows(table: str) -> Iterator[list[str]]:
    return ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())


def raw_text(cell: str) -> str:
    blanks = re.match(r"BLANKS(\d+) ", cell)
    if blanks:
        return " " * int(blanks[1]) + cell[blanks.end() :]
    return str(json.loads(f'"{cell}"'))


def marks() -> Iterator[dict[str, Any]]:
    for name, texts in MARKS.items():
        for text in texts.split():
            yield {
                "comment": name,
                "flags": ["Format"],
                "result": "valid",
                "raw": text,
                "country": "GB",
                "plate": plate(f"GB/{name}/{text}"),
            }


def slots() -> Iterator[dict[str, Any]]:
    for line in SLOTS.strip().splitlines():
        name, mark, *swaps = line.split()
        for swap in swaps:
            for read, meant in [(swap[0], swap[1])] if swap[0] != "!" else [(read, "") for read in swap[1:]]:
                raw = mark.replace(".", read)
                flag = ("FoldToLetter" if meant.isalpha() else "FoldToDigit") if meant else "IllegalFold"
                expected = f"GB/{name}/{mark.replace('.', meant)}" if meant else f"GB/VERBATIM/{raw}"
                yield {
                    "comment": f"{read} in slot {mark.index('.') + 1} of {name}",
                    "flags": [flag],
                    "result": "valid",
                    "raw": raw,
                    "country": "GB",
                    "plate": plate(expected),
                }


def texts() -> Iterator[dict[str, Any]]:
    for flag, raw, country, expected in rows(CANONICAL):
        test = {"flags": [flag], "raw": raw_text(raw), "country": None if country == "-" else country}
        if expected == "-":
            yield {**test, "result": "invalid"}
        else:
            result = "acceptable" if expected.startswith("?") else "valid"
            yield {**test, "result": result, "plate": plate(expected.lstrip("?"))}


def reads() -> Iterator[dict[str, Any]]:
    for flag, raw, country, candidates, confidences, primary, others in rows(READS):
        pairs = [candidate.partition(":") for candidate in candidates.split()]
        yield {
            "flags": [flag],
            "result": "valid",
            "raw": raw,
            "country": None if country == "-" else country,
            "candidates": [
                {"text": text, "confidence": float(confidence) if confidence else None}
                for text, _, confidence in pairs
            ],
            "charConfidences": [int(hundredths) / 100 for hundredths in confidences.split()],
            "primary": plate(primary),
            "alternates": [plate(other) for other in others.split()],
        }


def decodings() -> Iterator[dict[str, Any]]:
    version, gb, current, text = b"\x01", b"GB", b"\x01", b"AB12CDE"
    whole = encode(version, gb, current, text)
    for comment, encoded in {
        "empty": b"",
        "truncated": whole[:-1],
        "a byte too many": whole + b"\x00",
        "a field too many": whole + b"\x00\x00\x00\x00",
        "a field too few": encode(version, gb, current),
        "another label": encode(version, gb, current, text).replace(b"plate\x00", b"plato\x00"),
        "another protocol": whole.replace(b"blindplate-v1", b"blindplate-v2"),
        "a length beyond the end": whole[:-8] + b"\x7f" + whole[-7:],
        "another scheme version": encode(b"\x02", gb, current, text),
        "version of two bytes": encode(b"\x00\x01", gb, current, text),
        "no such format": encode(version, gb, b"\x00", text),
        "a format that the text does not have": encode(version, gb, b"\x02", text),
        "verbatim though it is a mark": encode(version, gb, b"\xff", text),
        "verbatim though it folds into a mark": encode(version, gb, b"\xff", b"ABI2CDE"),
        "not folded": encode(version, gb, current, b"ABI2CDE"),
        "a GB format under another country": encode(version, b"FR", current, text),
        "no such country": encode(version, b"UK", current, text),
        "country in lower case": encode(version, b"gb", current, text),
        "country of three letters": encode(version, b"GBR", current, text),
        "country not ASCII": encode(version, b"\xc3\x84", current, text),
        "text in lower case": encode(version, gb, current, b"ab12cde"),
        "text with a space": encode(version, gb, current, b"AB12 CDE"),
        "text not ASCII": encode(version, gb, current, "ＡB12CDE".encode()),
        "no text": encode(version, gb, b"\xff", b""),
        "text of 17": encode(version, gb, b"\xff", b"ABCDEFGH123456789"),
        "far too long": encode(version, gb, b"\xff", b"A" * 1000),
    }.items():
        yield {"comment": comment, "flags": ["Encoding"], "result": "invalid", "encoded": encoded.hex()}


def countries() -> Iterator[dict[str, Any]]:
    for pair in COUNTRIES.replace("\n", " ").split(","):
        text, code = (None if cell == "-" else cell.strip() for cell in pair.rsplit(maxsplit=1))
        yield {"flags": ["CountryName"], "result": "valid", "text": text, "code": code}


def document() -> dict[str, Any]:
    """The whole file, tests numbered from 1."""
    canonical = [*marks(), *slots(), *texts()]
    # Every canonical form once more, as an input: canonicalising it must give itself.
    again = {test["plate"]["encoded"]: test["plate"] for test in canonical if "plate" in test}
    idempotent = [
        {
            "flags": ["Idempotent"],
            "result": "valid",
            "raw": form["text"],
            "country": form["country"],
            "plate": form,
        }
        for form in again.values()
    ]
    groups = {
        "PlateCanonicalize": [*canonical, *idempotent],
        "PlateRead": list(reads()),
        "PlateDecode": list(decodings()),
        "PlateCountry": list(countries()),
    }
    numbers = count(1)
    test_groups = [
        {"type": kind, "tests": [{"tcId": next(numbers), **test} for test in tests]}
        for kind, tests in groups.items()
    ]
    return {
        "algorithm": "BLINDPLATE-PLATES",
        "schema": "plates-v1.schema.json",
        "schemeVersion": 1,
        "header": ["Canonical number plates, scheme version 1: docs/spec/plates.md."],
        "notes": NOTES,
        "numberOfTests": next(numbers) - 1,
        "testGroups": test_groups,
    }


def render() -> str:
    """The text of the file, ASCII alone, so that no editor normalises an input."""
    return json.dumps(document(), indent=1, ensure_ascii=True) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write, or check, the published vectors for number plates.")
    parser.add_argument(
        "--check", action="store_true", help="fail when the file is not what would be written"
    )
    parser.add_argument("--output", type=Path, default=VECTORS)
    options = parser.parse_args(arguments)
    if options.check:
        return int(options.output.read_text(encoding="ascii") != render())
    options.output.write_text(render(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
