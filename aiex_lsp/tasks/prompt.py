"""A template, its variables and its context, as a prompt that fits any window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiex_lsp.context.compressor import compress
from aiex_lsp.context.types import ContextBundle
from aiex_lsp.llm.types import CountTokens, Dropped, FittedPrompt, Message
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.types import Template


class TemplatePrompt:
    """Renders `template` with what of `bundle` fits; `variables` were given by name and stay whole.

    `history` are earlier turns, sent between the system message and the question.
    """

    def __init__(
        self,
        engine: Engine,
        template: Template,
        bundle: ContextBundle,
        variables: Mapping[str, Any],
        history: Sequence[Message] = (),
    ) -> None:
        self._engine = engine
        self._template = template
        self._bundle = bundle
        self._variables = dict(variables)
        self._history = tuple(history)

    def fit(
        self, budget: int | None, count: CountTokens, *, small_model: bool = False
    ) -> FittedPrompt:
        """Return the messages within `budget` tokens. Raises `AiexError` where they cannot fit.

        `small_model` reaches templates that declare a variable of this name.
        """
        fixed = {"small_model": small_model}

        def messages(values: Mapping[str, str]) -> tuple[Message, ...]:
            return self._messages(values, fixed)

        fitted = compress(self._bundle, budget, lambda values: count(messages(values)))
        dropped = tuple(Dropped(one.name, one.tokens, one.truncated) for one in fitted.dropped)
        return FittedPrompt(messages(fitted.values), fitted.tokens, dropped)

    def _messages(self, values: Mapping[str, str], fixed: Mapping[str, Any]) -> tuple[Message, ...]:
        rendered = self._engine.render(self._template.id, self._fill(values), extras=fixed)
        system = (Message("system", rendered.system),) if rendered.system.strip() else ()
        return (*system, *self._history, Message("user", rendered.user))

    def _fill(self, values: Mapping[str, str]) -> dict[str, Any]:
        known: dict[str, Any] = {**self._bundle.facts, **values}
        filled: dict[str, Any] = {}
        for variable in self._template.variables:
            if variable.name in self._variables:
                filled[variable.name] = self._variables[variable.name]
                continue
            for source in (variable.inject, variable.name):
                if source is not None and known.get(source) is not None:
                    filled[variable.name] = known[source]
                    break
        return filled


def needs_of(template: Template, given: Mapping[str, Any]) -> frozenset[str]:
    """Return the injection rules a template uses for variables that were not given."""
    return frozenset(
        variable.inject
        for variable in template.variables
        if variable.inject and variable.name not in given
    )
