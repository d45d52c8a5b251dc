"""From an engine's JSON or XML to a typed shape: strict about what is used, blind to what is not.

Guarantees that a refusal names the fields that are missing or wrong and quotes no value; field names in it are
this module's own, never the sender's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from blindplate.core.errors import EventError

PlateText = Annotated[str, Field(min_length=1, max_length=64)]
ShortText = Annotated[str, Field(max_length=64)]
# Some engines number their cameras and passes, some name them, some say null.
NameOrNumber = Annotated[
    str,
    Field(max_length=128, coerce_numbers_to_str=True),
    BeforeValidator(lambda said: "" if said is None else said),
]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
# RFC 3339 with an offset: a time without one is a guess that moves reads to another epoch.
Instant = Annotated[AwareDatetime, Field(strict=True)]
Seconds = Annotated[float, Field(ge=0, lt=1 << 32, allow_inf_nan=False)]
Milliseconds = Annotated[int, Field(ge=0, lt=1 << 42)]


class Shape(BaseModel):
    """A part of an event. Fields that are not named are dropped unread."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


_Shape = TypeVar("_Shape", bound=Shape)


def parse_shape(model: type[_Shape], raw: bytes, source: str) -> _Shape:
    """Parse one event of ``source``'s shape. Raises EventError."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            raise EventError(
                f"A {source} event is not JSON.", "Send one JSON object a message, in UTF-8."
            ) from None
        raise _refusal(error, source) from None


def parse_texts(model: type[_Shape], texts: Mapping[str, object], source: str) -> _Shape:
    """The same of texts by name, as XML gives them. Raises EventError."""
    try:
        return model.model_validate_strings(dict(texts))
    except ValidationError as error:
        raise _refusal(error, source) from None


def _refusal(error: ValidationError, source: str) -> EventError:
    places = ", ".join(sorted({".".join(map(str, item["loc"])) or "all of it" for item in error.errors()}))
    return EventError(
        f"A {source} event has missing or wrong fields: {places}.",
        "Correct the engine's output settings; docs/spec/camera.md lists the fields.",
    )
