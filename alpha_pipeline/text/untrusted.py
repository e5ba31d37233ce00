"""
Untrusted text made one printable line of bounded length.

What the line means is for a scorer to say.
"""

import unicodedata

# Characters kept of one text. A headline has fewer, and what reads it may take time with the square of its words.
LONGEST_TEXT = 500
_TYPESET = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": " - ", "\u2014": " - ", "\u2212": "-"}
)


def plain(text: object) -> str:
    """Composed characters, typeset quotes and dashes as typed ones, nothing that does not print; "" for no text."""
    if not isinstance(text, str):
        return ""
    # Cut twice: one character can compose to eighteen.
    composed = unicodedata.normalize("NFKC", text[:LONGEST_TEXT].translate(_TYPESET))[:LONGEST_TEXT]
    # Category C: controls, formats such as zero-width marks, halves of surrogate pairs; line ends are blanks.
    seen = "".join(c if unicodedata.category(c)[0] != "C" else " " * c.isspace() for c in composed)
    return " ".join(seen.split())
