"""
Errors of the project.

Messages say what was found, what was expected and where: the reader may be a language model.
"""


class AlphaError(Exception):
    """Base class of all errors of the project; any other exception is a defect."""


class ExpressionError(AlphaError):
    """
    The text of a factor was refused.

    Args:
        reason: what is wrong and why, one sentence.
        source: the full text as written.
        position: zero-based offset of the fault in `source`, or None when it concerns all of it.
        suggestion: what to write instead.
        kind: "syntax", "unknown", "type", "leak" or "limit"; the rejection funnel counts by it.
    """

    def __init__(
        self,
        reason: str,
        source: str = "",
        position: int | None = None,
        suggestion: str | None = None,
        kind: str = "syntax",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.source = source
        self.position = position
        self.suggestion = suggestion
        self.kind = kind

    def __str__(self) -> str:
        lines = [self.reason]
        if self.source and self.position is not None:
            lines += _caret(self.source, self.position)
        if self.suggestion:
            lines.append(f"Write instead: {self.suggestion}")
        return "\n".join(lines)


def _caret(source: str, position: int, width: int = 100) -> list[str]:
    """The line of `position` (a part of it when long) and a caret under the position."""
    line_start = source.rfind("\n", 0, position) + 1
    line_end = source.find("\n", position)
    line = source[line_start : line_end if line_end >= 0 else len(source)]
    column = position - line_start
    cut = max(0, column - width // 2)
    number = source.count("\n", 0, position) + 1
    where = f"line {number}, column {column + 1}" if "\n" in source else f"column {column + 1}"
    return [f"  at {where}:", f"    {line[cut : cut + width]}", f"    {' ' * (column - cut)}^"]


class DataError(AlphaError):
    """A table or panel has a wrong shape, columns, order or coverage."""


class SourceError(AlphaError):
    """A data source was unreachable, refused the request, or returned an invalid answer."""


class LakeError(AlphaError):
    """The lake could not be read or written; stored data are unchanged."""


class CorruptFileError(LakeError):
    """A stored file does not match its checksum."""


class MissingPartitionError(LakeError):
    """A required day was not materialized."""


class ModelError(AlphaError):
    """
    The language model could not be loaded, reached, or answered outside the protocol.

    Args:
        message: what was found, and the remedy.
        seconds: duration of the failed call, retries included.
        tries: number of requests.
        prompt_tokens, completion_tokens: tokens used, as reported by the server.
    """

    def __init__(
        self, message: str, seconds: float = 0.0, tries: int = 1, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> None:
        super().__init__(message)
        self.seconds, self.tries = seconds, tries
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens


class BudgetError(AlphaError):
    """A limit of tokens, calls, seconds or money was reached."""


class SettingError(AlphaError):
    """A setting or argument has an invalid value."""
