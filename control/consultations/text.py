"""Text that people typed."""

import unicodedata

from control.errors import BadInput


def cleaned(text: str, most_characters: int, error: type[BadInput] = BadInput) -> str:
    """``text`` without blanks at its ends; raises ``error`` when it is too long or not text."""
    # Control characters but line feed and tab, and halves of surrogate pairs: neither can be
    # shown, nor stored everywhere.
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in text):
        raise error("The text holds characters that are not text.")
    text = text.strip()
    if len(text) > most_characters:
        raise error(f"The text has {len(text)} characters; {most_characters} is the most.")
    return text
