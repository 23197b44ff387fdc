"""A template, its variables and its context, as a prompt that fits any window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiex_lsp.context.compressor import compress
from aiex_lsp.context.types import ContextBundle
from aiex_lsp.llm.types import ChangeText, CountTokens, Dropped, FittedPrompt, Message
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.types import Template

CODE = frozenset({"code", "imports", "surrounding", "existing_tests"})
"""Texts in the document's language."""


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

    def with_texts(self, change: ChangeText) -> TemplatePrompt:
        """Return the same prompt with each text of the question changed."""
        facts = self._bundle.facts
        language = str(facts.get("language") or "") or None

        def code(name: str) -> str | None:
            return language if name in CODE else None

        items = tuple(
            replace(item, value=change(item.value, code(item.name))) for item in self._bundle.items
        )
        bundle = replace(
            self._bundle,
            items=items,
            facts={name: _changed(value, change, None) for name, value in facts.items()},
        )
        variables = {
            name: _changed(value, change, code(name)) for name, value in self._variables.items()
        }
        history = [Message(one.role, change(one.content, None)) for one in self._history]
        return TemplatePrompt(self._engine, self._template, bundle, variables, history)

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


def _changed(value: object, change: ChangeText, language: str | None) -> object:
    """Return a value with the texts in it changed."""
    if isinstance(value, str):
        return change(value, language)
    if isinstance(value, Mapping):
        return {key: _changed(one, change, language) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(one, change, language) for one in value]
    return value


def needs_of(template: Template, given: Mapping[str, Any]) -> frozenset[str]:
    """Return the injection rules a template uses for variables that were not given."""
    return frozenset(
        variable.inject
        for variable in template.variables
        if variable.inject and variable.name not in given
    )
