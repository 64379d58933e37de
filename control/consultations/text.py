"""Text that people typed."""

import unicodedata

from control.errors import BadInput


def cleaned(text: str, most_characters: int, error: type[BadInput] = BadInput) -> str:
    """``text`` without blanks at its ends; raises ``error`` when it is too long or not text."""
    if not is_text(text):
        raise error("The text holds characters that are not text.")
    text = text.strip()
    if len(text) > most_characters:
        raise error(f"The text has {len(text)} characters; {most_characters} is the most.")
    return text


def is_text(text: str) -> bool:
    """Whether it holds no control characters but line feed and tab, and no half surrogate pairs.

    Neither can be shown, nor stored everywhere.
    """
    return not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in text)
