"""What a session remembers, and that it does not grow with the session."""

from __future__ import annotations

from aiex_lsp.tasks.memory import KEPT_ANALYSES, KEPT_DOCUMENTS, Memory


def test_the_newest_reviews_of_a_document_are_kept() -> None:
    memory = Memory()
    for number in range(KEPT_ANALYSES + 2):
        memory.note_analysis("file:///a.py", f"review {number}")
    assert memory.analyses("file:///a.py") == tuple(
        f"review {number}" for number in range(2, KEPT_ANALYSES + 2)
    )


def test_of_many_documents_those_reviewed_last_are_kept() -> None:
    memory = Memory()
    memory.note_analysis("file:///first.py", "old")
    memory.note_analysis("file:///used.py", "old")
    for number in range(KEPT_DOCUMENTS - 1):
        memory.note_analysis(f"file:///{number}.py", "x")
        memory.note_analysis("file:///used.py", "new")
    assert memory.analyses("file:///first.py") == ()
    assert set(memory.analyses("file:///used.py")) == {"new"}
