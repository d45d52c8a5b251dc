"""The base of every signed statement: frozen, strict about fields, bytes as hexadecimal.

Guarantees that a payload parses to one model or raises MessageError without quoting any value or name of whoever
sent it, and that none longer than its kind needs is taken. It checks signatures only where the caller names the keys
(``verified``). Protocol sections 3, 5, 6 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from blindplate.core.domains import Domain, Epoch, EpochKind, EpochRule
from blindplate.core.errors import MessageError
from blindplate.core.signing import SigningKey, Statement, verify_statement

_MEDIA_TYPE: Final = "application/vnd.blindplate.{}.v1+json"
_MAX_PLACES: Final = 8


def _from_hex(value: object) -> object:
    return bytes.fromhex(value) if isinstance(value, str) else value


# Code points, not categories: whether a statement counts must not depend on which edition of Unicode a reader's Python
# knows. Control characters, line ends, and what reorders the text around it, so that it reads otherwise than it is.
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# Anything but spaces, fillers and marks of no width, of which a text could consist and still show nothing.
_VISIBLE: Final = re.compile(
    r"[^ \xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202f\u205f-\u206f"
    r"\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def _readable(text: str) -> str:
    if _UNREADABLE.search(text):
        raise ValueError("a text holds a control character, a line end or a mark that reorders it")
    if not _VISIBLE.search(text):
        raise ValueError("a text holds nothing that can be seen")
    return text


_HEX: Final = (BeforeValidator(_from_hex), PlainSerializer(bytes.hex))

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
# One line that says something.
Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_readable)]
Hex16 = Annotated[bytes, *_HEX, Field(min_length=16, max_length=16)]
Hex32 = Annotated[bytes, *_HEX, Field(min_length=32, max_length=32)]
HpkePublic = Annotated[bytes, *_HEX, Field(min_length=1216, max_length=1216)]
Blob = Annotated[bytes, *_HEX, Field(max_length=1 << 16)]
# Seconds since 1970, UTC.
Moment = Annotated[int, Field(ge=0, lt=1 << 40)]
Count = Annotated[int, Field(ge=0, lt=1 << 40)]


class Part(BaseModel):
    """A part of a statement: frozen, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StatementModel(Part):
    """A whole statement; ``kind`` names it in its media type, ``max_bytes`` bounds its payload."""

    kind: ClassVar[str]
    max_bytes: ClassVar[int] = 1 << 18

    @classmethod
    def media_type(cls) -> str:
        """The DSSE payload type of this kind of statement."""
        return _MEDIA_TYPE.format(cls.kind)

    def statement(self, *signers: SigningKey) -> Statement:
        """This statement as bytes, signed by each of ``signers``. Raises MessageError when it is too long."""
        payload = self.model_dump_json(indent=1).encode()
        self._require_short(payload)
        statement = Statement(self.media_type(), payload, ())
        for signer in signers:
            statement = statement.signed_by(signer)
        return statement

    @classmethod
    def verified(cls, statement: Statement, required: Sequence[bytes]) -> Self:
        """Check that every Ed25519 key of ``required`` signed ``statement``, then parse it.

        Raises SignatureError when a signature is missing or wrong, MessageError when the payload is not of this kind
        or too long for it.
        """
        cls._require_short(statement.payload)
        return cls.parsed(verify_statement(statement, cls.media_type(), required))

    @classmethod
    def parsed(cls, payload: bytes) -> Self:
        """Parse a payload without looking at signatures. Raises MessageError."""
        cls._require_short(payload)
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise MessageError(
                f"A {cls.kind} statement has missing, wrong or unknown fields: {_places(error)}."
            ) from None

    @classmethod
    def _require_short(cls, payload: bytes) -> None:
        if len(payload) > cls.max_bytes:
            raise MessageError(f"A {cls.kind} statement is longer than {cls.max_bytes} bytes.")


def _places(error: ValidationError) -> str:
    """Where the first errors are, in our own names only: an unknown field's name is the sender's choice."""
    places: list[str] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_PLACES]:
        steps = [str(step) for step in item["loc"]]
        if item["type"] == "extra_forbidden":
            steps[-1] = "(unknown)"
        places.append(".".join(steps) or "all of it")
    return ", ".join(sorted(set(places)))


class DomainPart(Part):
    """A domain inside a statement."""

    list_id: Name
    zone: Name
    generation: Annotated[int, Field(ge=0, lt=1 << 32)]

    def domain(self) -> Domain:
        """The domain meant."""
        return Domain(self.list_id, self.zone, self.generation)

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """The part that stands for ``domain``."""
        return cls(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)


class EpochRulePart(Part):
    """How epochs are cut: ``span`` of some seconds, or ``charging-day``."""

    kind: Annotated[str, Field(pattern=r"^(span|charging-day)$")]
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0

    def rule(self) -> EpochRule:
        """The rule meant. Raises MessageError when kind and seconds contradict each other."""
        return EpochRule(EpochKind.SPAN if self.kind == "span" else EpochKind.CHARGING_DAY, self.seconds)

    @classmethod
    def of(cls, rule: EpochRule) -> Self:
        """The part that stands for ``rule``."""
        return cls(kind="span" if rule.kind is EpochKind.SPAN else "charging-day", seconds=rule.seconds)


class EpochPart(Part):
    """One epoch inside a statement."""

    rule: EpochRulePart
    index: Annotated[int, Field(ge=0, lt=1 << 40)]

    def epoch(self) -> Epoch:
        """The epoch meant."""
        return Epoch(self.rule.rule(), self.index)

    @classmethod
    def of(cls, epoch: Epoch) -> Self:
        """The part that stands for ``epoch``."""
        return cls(rule=EpochRulePart.of(epoch.rule), index=epoch.index)
