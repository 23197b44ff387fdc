"""What the event bus is told of requests: begun, answered, known already, failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.calls import Call
from aiex_lsp.llm.fitting import Fitted
from aiex_lsp.llm.types import Completion


@dataclass(frozen=True, slots=True)
class Told:
    """Which request an event is about. `attempt` counts a call's requests; 0: none was sent."""

    call: Call
    adapter: Adapter
    attempt: int = 0

    def facts(self) -> dict[str, Any]:
        """Return the fields that all events of a request share."""
        return {
            "call_id": self.call.id,
            "attempt": self.attempt,
            "task": self.call.task,
            "provider": self.adapter.name,
            "provider_type": self.adapter.settings.type,
        }


class Teller:
    """Publishes a request's events. `now` is Unix time."""

    def __init__(self, bus: EventBus, now: Callable[[], float]) -> None:
        self._bus = bus
        self._now = now

    def started(self, about: Told, fitted: Fitted) -> None:
        """Tell that a request goes out."""
        sent = fitted.call
        self._bus.publish(
            RequestStarted(
                **about.facts(),
                timestamp=self._now(),
                model=sent.model,
                prompt_length=sum(len(message.content) for message in sent.messages),
                input_tokens=fitted.prompt.input_tokens,
                max_tokens=sent.max_tokens,
                temperature=sent.temperature,
            )
        )

    def answered(
        self,
        about: Told,
        answer: Completion,
        seconds: float,
        first_token: float | None,
        cost: float | None,
    ) -> None:
        """Tell that a whole answer came."""
        self._answer(
            about, answer, answer.model, duration=seconds, first_token=first_token, cost=cost
        )

    def kept(self, about: Told, fitted: Fitted, answer: Completion) -> None:
        """Tell that an answer was known already: it took no tokens."""
        self._answer(
            about, answer, answer.model or fitted.call.model, duration=0.0, cost=0.0, cached=True
        )

    def failed(
        self, about: Told, model: str | None, error: ProviderError | None, seconds: float
    ) -> None:
        """Tell that a request failed, or, without an error, that it was cancelled."""
        self._bus.publish(
            RequestFailed(
                **about.facts(),
                timestamp=self._now(),
                model=model,
                error=(error.kind if error else FailureKind.CANCELLED).value,
                message=error.user_message() if error else "Cancelled",
                duration=seconds,
                status=error.status if error else None,
            )
        )

    def _answer(self, about: Told, answer: Completion, model: str, **more: Any) -> None:
        known = bool(more.get("cached"))
        self._bus.publish(
            ResponseReceived(
                **about.facts(),
                **more,
                timestamp=self._now(),
                model=model,
                response_length=len(answer.text),
                input_tokens=0 if known else answer.usage.input_tokens,
                output_tokens=0 if known else answer.usage.output_tokens,
                finish_reason=answer.finish_reason,
            )
        )
