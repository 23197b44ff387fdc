"""Why an answer is not applied, in words for the user and for a second try of the model."""

from __future__ import annotations

import re

from aiex_lsp.errors import AnswerError

AGAIN = "Nothing was changed: ask again, or choose a larger model"
UNCHANGED = "The answer changes nothing"
CUT = "The answer was cut off before its end"
ELIDED = "The answer leaves out parts of the code"
PLACEHOLDER = "The answer has a placeholder where code belongs"
ONE_FILE = "Nothing was changed: only code inside the asked range is edited"

_DECLINES = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I (?:can't|cannot|can not|won't) "
    r"(?:help|assist|provide|do|comply|fulfil|write|modify|make|generate|answer)|as an AI\b|"
    r"against my (?:guidelines|policy))",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"\b(?:no (?:changes?|fix(?:es)?|modifications?|edits?) (?:is|are|were)? ?(?:needed|required|"
    r"necessary)|(?:is|looks) (?:already )?(?:correct|fine|good)(?: as (?:it )?is)?|"
    r"already (?:documented|correct|well)|nothing (?:needs )?to (?:be )?(?:fix|change|changed))\b",
    re.IGNORECASE,
)


class NotUsableError(Exception):
    """This reading of an answer cannot be applied; `plan_answer` makes an `AnswerError` of it."""

    def __init__(self, what: str, next_step: str = AGAIN, *, repairable: bool = True) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.repairable = repairable

    def as_answer_error(self, answer: str) -> AnswerError:
        """Return the error for the user, which keeps the answer."""
        return AnswerError(self.what, self.next_step, text=answer, repairable=self.repairable)


def without_code(prose: str) -> NotUsableError:
    """Return why an answer without code was given, as far as its prose tells."""
    start = prose.strip()[:600]
    if not start:
        return NotUsableError("The answer is empty")
    if _DECLINES.search(start):
        return NotUsableError(
            "The model declined to change the code", "Ask in other words", repairable=False
        )
    if _CONTENT.search(prose[:3000]):
        return NotUsableError(
            "The model sees nothing to change here", "Read its answer", repairable=False
        )
    return NotUsableError("The answer has no code, only text")


def shortened(name: str, limit: int = 40) -> str:
    """Return a name for a message, cut at `limit` characters."""
    name = " ".join(name.split())
    return name if len(name) <= limit else name[: limit - 1] + "…"
