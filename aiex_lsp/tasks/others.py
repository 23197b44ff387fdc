"""What an edit takes away that other files of the workspace use."""

from __future__ import annotations

from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import AnswerError
from aiex_lsp.syntax.languages import language_of_path
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot

_STEP = "Nothing was changed: rename it there as well, or ask for the old name to stay"


def check_uses(request: TaskRequest, plan: EditPlan) -> None:
    """Raise `AnswerError` where a plan takes a name away that another file uses. Blocking.

    Where the project is no part of prompts, the place is not named: the model is told the error.
    """
    from aiex_lsp.context.uses import find_use
    from aiex_lsp.edits.lost import lost_names
    from aiex_lsp.edits.plan import result_of

    changed = {file.uri: result_of(file) for file in plan.files}
    for file in plan.files:
        same = file.uri == request.snapshot.uri
        language = request.snapshot.language_id if same else language_of_path(file.uri)
        lost = lost_names(file.base_text, changed[file.uri], language)
        document = Snapshot(file.uri, file.base_text, language)
        use = find_use(request.workspace, document, lost, changed) if lost else None
        if use is not None:
            project = request.settings.context.project
            place = f"{use.place}:{use.line}" if project else "another file"
            raise AnswerError(
                f"it loses `{use.name}`, which is used in {place}", _STEP, repairable=True
            )
