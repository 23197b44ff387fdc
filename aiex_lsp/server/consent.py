"""The one question before a key found in the environment is used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.config.consent import ConsentQuestion
from aiex_lsp.server.background import spawn
from aiex_lsp.server.services import Services
from aiex_lsp.server.show import show_message

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

USE, LATER, NEVER = "Use it", "Not now", "Never"


def ask_once(ls: AiexServer, services: Services) -> None:
    """Ask in the background, the first time a model is wanted; the call at hand goes on."""
    if not ls.consent_asked:
        ls.consent_asked = True
        spawn(ls, _ask(ls, services))


async def _ask(ls: AiexServer, services: Services) -> None:
    question = await asyncio.to_thread(services.consent_question)
    if question is None:
        return
    await asyncio.sleep(ls.limits.apart)
    params = types.ShowMessageRequestParams(
        type=types.MessageType.Info,
        message=(
            f"Use {question.provider} with the key in {question.env}? "
            f"Code you ask about is sent to {question.host}."
        ),
        actions=[types.MessageActionItem(title) for title in (USE, LATER, NEVER)],
    )
    try:
        answer: Any = await ls.protocol.ask(
            types.WINDOW_SHOW_MESSAGE_REQUEST, params, ls.limits.question
        )
    except (TimeoutError, JsonRpcException):
        show_message(ls, _how_to_agree(question))
        return
    chosen = answer.get("title") if isinstance(answer, dict) else None
    if chosen in (USE, NEVER):
        await asyncio.to_thread(services.consent, question.provider, chosen == USE)
        ls.hovers.forget_failures()


def _how_to_agree(question: ConsentQuestion) -> str:
    return (
        f"A key for {question.provider} was found in {question.env} and is not used. "
        f"To use it: aiex-lsp config set providers.{question.provider}.enabled true"
    )
