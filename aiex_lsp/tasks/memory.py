"""What a session remembers: answers to follow up, recent reviews, plain facts."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from aiex_lsp.errors import UsageError
from aiex_lsp.tasks.types import TaskRequest

KEPT_ANSWERS = 100
KEPT_ANALYSES = 5
KEPT_DOCUMENTS = 100
"""Documents whose reviews are kept, `KEPT_ANALYSES` each."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer with the question it belongs to; `question` is None for a task's first answer."""

    request: TaskRequest
    task: str
    text: str
    question: str | None = None
    before: str | None = None
    """The id of the answer this one follows."""


class Memory:
    """A bounded memory of one server's session. Holds user code: never written to disk."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Remembered] = OrderedDict()
        self._analyses: OrderedDict[str, deque[str]] = OrderedDict()
        self._tasks: deque[str] = deque(maxlen=10)

    def remember(self, answer_id: str, remembered: Remembered) -> None:
        """Keep an answer for follow-up questions; the oldest goes."""
        self._answers[answer_id] = remembered
        self._tasks.append(f"{remembered.task} in {_file_name(remembered.request.snapshot.uri)}")
        while len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)

    def recall(self, answer_id: str) -> Remembered:
        """Return the answer of an id. Raises `UsageError` where it is not known any more."""
        found = self._answers.get(answer_id)
        if found is None:
            raise UsageError(
                f"No answer {answer_id[:40]!r} is known in this session", "Run the task again"
            )
        return found

    def conversation(self, answer_id: str) -> list[Remembered]:
        """Return the answers that led to this one, the first first."""
        turns: list[Remembered] = []
        current: str | None = answer_id
        while current is not None and current in self._answers:
            turns.append(self._answers[current])
            current = turns[-1].before
        return turns[::-1]

    def note_analysis(self, uri: str, summary: str) -> None:
        """Keep one line of a review of a document, for the context of later questions."""
        self._analyses.setdefault(uri, deque(maxlen=KEPT_ANALYSES)).append(summary)
        self._analyses.move_to_end(uri)
        while len(self._analyses) > KEPT_DOCUMENTS:
            self._analyses.popitem(last=False)

    def analyses(self, uri: str) -> tuple[str, ...]:
        """Return the recent reviews of a document."""
        return tuple(self._analyses.get(uri, ()))

    def session(self) -> Mapping[str, str]:
        """Return facts of this session for the context."""
        return {"recent tasks": ", ".join(self._tasks)} if self._tasks else {}


def _file_name(uri: str) -> str:
    return uri.rstrip("/").rsplit("/", 1)[-1]
