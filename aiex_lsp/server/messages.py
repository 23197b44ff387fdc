"""Params of the `aiex/*` methods, read strictly: what is wrong is said by its name.

Each class reads itself from the JSON object of a request, or from a command's one argument.
"""

# ruff: noqa: RUF009 - attrs fields, made by functions of this module
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

import attrs
from lsprotocol import types

from aiex_lsp.errors import UsageError
from aiex_lsp.server.checks import (
    between,
    diagnostic,
    diagnostics,
    document_uri,
    flag,
    mapping,
    one_of,
    optional,
    position,
    range_,
    required,
    text,
    token,
)

P = TypeVar("P", bound="Params")


@attrs.frozen(kw_only=True)
class Params:
    """Base of all params; unknown keys are left alone, as LSP wants."""

    @classmethod
    def read(cls: type[P], raw: Any) -> P:
        """Return the params of a JSON value (None is an empty object). Raises `UsageError`."""
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            raise UsageError("The params must be one object")
        values = {}
        for field in attrs.fields(cls):
            name = _camel(field.name)
            value = raw.get(name)
            if value is not None:
                values[field.name] = field.metadata["check"](name, value)
            elif field.metadata.get("required"):
                raise UsageError(f"`{name}` is missing")
        return cls(**values)


@attrs.frozen(kw_only=True)
class CallParams(Params):
    """What every call to a model may name. `wait` only means something in a command."""

    provider: str | None = optional(text)
    model: str | None = optional(text)
    strategy: str | None = optional(text)
    work_done_token: int | str | None = optional(token)
    partial_result_token: int | str | None = optional(token)
    wait: bool = optional(flag, False)

    @property
    def reported(self) -> tuple[Mapping[str, Any], ...]:
        """Return the diagnostics the call is about."""
        return ()


def _no_key(_name: str, _value: Any) -> None:
    """Return nothing: a key of this name beside `textDocument` means nothing."""


@attrs.frozen(kw_only=True)
class PlaceParams(CallParams):
    """A call about a place: a range, a position, or the whole document."""

    text_document: str = required(document_uri)
    range: types.Range | None = optional(range_)
    position: types.Position | None = optional(position)
    diagnostics: tuple[Mapping[str, Any], ...] = optional(diagnostics, ())
    version: int | None = attrs.field(default=None, metadata={"check": _no_key})
    """That of `textDocument`, where it names one: the text the places are of."""

    @classmethod
    def read(cls, raw: Any) -> Self:
        """Return the params of a JSON value. Raises `UsageError`."""
        params = super().read(raw)
        version = raw["textDocument"].get("version") if raw else None
        whole = isinstance(version, int) and not isinstance(version, bool)
        return attrs.evolve(params, version=version if whole else None)

    @property
    def reported(self) -> tuple[Mapping[str, Any], ...]:
        """Return the diagnostics the call is about."""
        return self.diagnostics


@attrs.frozen(kw_only=True)
class ExplainParams(PlaceParams):
    """Params of `aiex/explain`."""

    level: str | None = optional(one_of("brief", "standard", "detailed"))


@attrs.frozen(kw_only=True)
class AnalyzeParams(PlaceParams):
    """Params of `aiex/analyze`."""

    analysis_type: str | None = optional(
        one_of("general", "performance", "security", "maintainability")
    )


@attrs.frozen(kw_only=True)
class GenerateTestsParams(PlaceParams):
    """Params of `aiex/generateTests`."""

    framework: str | None = optional(text)


@attrs.frozen(kw_only=True)
class FixParams(PlaceParams):
    """Params of `aiex/fix`: the diagnostic, whose range is the place."""

    diagnostic: dict[str, Any] = required(diagnostic)

    @property
    def reported(self) -> tuple[Mapping[str, Any], ...]:
        """Return the one diagnostic."""
        return (self.diagnostic,)


@attrs.frozen(kw_only=True)
class InstructedParams(PlaceParams):
    """Params of `aiex/document` and `aiex/refactor`."""

    instruction: str | None = optional(text)


@attrs.frozen(kw_only=True)
class RunParams(PlaceParams):
    """Params of `aiex/run`."""

    template: str = required(text)
    variables: dict[str, Any] = optional(mapping, attrs.Factory(dict))


@attrs.frozen(kw_only=True)
class RenderPromptParams(PlaceParams):
    """Params of `aiex/renderPrompt`: one of `task` and `template`."""

    task: str | None = optional(text)
    template: str | None = optional(text)
    variables: dict[str, Any] = optional(mapping, attrs.Factory(dict))
    level: str | None = optional(one_of("brief", "standard", "detailed"))
    analysis_type: str | None = optional(
        one_of("general", "performance", "security", "maintainability")
    )
    framework: str | None = optional(text)
    instruction: str | None = optional(text)
    diagnostic: dict[str, Any] | None = optional(diagnostic)
    answer_id: str | None = optional(text)
    question: str | None = optional(text)

    @property
    def reported(self) -> tuple[Mapping[str, Any], ...]:
        """Return the one diagnostic, else all."""
        return self.diagnostics if self.diagnostic is None else (self.diagnostic,)


@attrs.frozen(kw_only=True)
class FollowUpParams(CallParams):
    """Params of `aiex/followUp`; the document is the earlier answer's unless named."""

    answer_id: str = required(text)
    question: str = required(text)
    text_document: str | None = optional(document_uri)
    range: types.Range | None = optional(range_)
    position: types.Position | None = optional(position)


@attrs.frozen(kw_only=True)
class CancelParams(Params):
    """Params of `aiex/cancel`."""

    id: int | str = required(token)


@attrs.frozen(kw_only=True)
class ClearFindingsParams(Params):
    """Params of `aiex/clearFindings`; without a document, of all."""

    text_document: str | None = optional(document_uri)


@attrs.frozen(kw_only=True)
class ProviderParams(Params):
    """Params of `aiex/models` and `aiex/checkHealth`; without a provider, of all."""

    provider: str | None = optional(text)


@attrs.frozen(kw_only=True)
class SelectProviderParams(Params):
    """Params of `aiex/selectProvider`."""

    provider: str | None = optional(text)
    model: str | None = optional(text)
    strategy: str | None = optional(text)


@attrs.frozen(kw_only=True)
class ResetCircuitParams(Params):
    """Params of `aiex/resetCircuit`."""

    provider: str = required(text)


@attrs.frozen(kw_only=True)
class UsageParams(Params):
    """Params of `aiex/usage`: today and the days before it."""

    days: int = optional(between(1, 90), 7)


@attrs.frozen(kw_only=True)
class PauseParams(Params):
    """Params of `aiex/pause`; without `paused` it only tells the state."""

    paused: bool | None = optional(flag)


@attrs.frozen(kw_only=True)
class NoParams(Params):
    """Params of methods that take none."""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
