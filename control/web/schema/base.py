"""What the API takes and gives, in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

# No control characters but line feed, tab and carriage return: what the rules take for text.
_NOT_TEXT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
TEXT_PATTERN = f"^[^{_NOT_TEXT}]*$"
# The same, and not only blanks.
SOME_TEXT_PATTERN = f"^[^{_NOT_TEXT}]*[^\\s{_NOT_TEXT}][^{_NOT_TEXT}]*$"


def text(most_characters: int) -> Any:
    """The field of a text that the rules check in full."""
    return Field(max_length=most_characters, json_schema_extra={"pattern": TEXT_PATTERN})


class Input(BaseModel):
    """What the API takes: no unknown members, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_whole(cls, value: object) -> object:
        """To JSON Schema 4.0 is an integer (section 6.1.1 of its validation)."""
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """JSON can spell halves of surrogate pairs, which are no text (RFC 8259, section 8.2)."""
        if isinstance(value, str):
            # UnicodeEncodeError is a ValueError, which pydantic reports.
            value.encode()
        return value


class Output(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True)
