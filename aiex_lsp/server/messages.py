"""Params of the `aiex/*` methods, read strictly: what is wrong is said by its name.

Each class reads itself from the JSON object of a request, or from a command's one argument.
"""

# ruff: noqa: RUF009 - attrs fields, made by functions of this module
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
from lsprotocol import types

from aiex_lsp.errors import UsageError

Check = Callable[[str, Any], Any]
"""(name, value) -> the value as wanted; raises `UsageError`."""

P = TypeVar("P", bound="Params")


def text(name: str, value: Any) -> str:
    """Return a string. Raises `UsageError` naming the parameter, as all checks here do."""
    if not isinstance(value, str):
        raise UsageError(f"`{name}` must be a string")
    return value


def flag(name: str, value: Any) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise UsageError(f"`{name}` must be true or false")
    return value


def one_of(*choices: str) -> Check:
    """Return a check for one of a few words."""

    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise UsageError(f"`{name}` must be one of {', '.join(choices)}")
        return str(value)

    return check


def between(least: int, most: int) -> Check:
    """Return a check for a whole number within bounds."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UsageError(f"`{name}` must be a whole number from {least} to {most}")
        return value

    return check


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object")
    return dict(value)


def document_uri(name: str, value: Any) -> str:
    """Return the uri of a `TextDocumentIdentifier`."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with a `uri`")
    return text(f"{name}.uri", value.get("uri"))


def position(name: str, value: Any) -> types.Position:
    """Return a position, not yet held against a document."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with `line` and `character`")
    for key in ("line", "character"):
        number = value.get(key)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise UsageError(f"`{name}.{key}` must be a whole number from 0")
    return types.Position(value["line"], value["character"])


def range_(name: str, value: Any) -> types.Range:
    """Return a range whose end does not lie before its start."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with `start` and `end`")
    start = position(f"{name}.start", value.get("start"))
    end = position(f"{name}.end", value.get("end"))
    if (end.line, end.character) < (start.line, start.character):
        raise UsageError(f"`{name}` ends before it starts")
    return types.Range(start, end)


def token(name: str, value: Any) -> int | str:
    """Return a progress token or an id."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UsageError(f"`{name}` must be a string or a whole number")
    return value


def diagnostics(name: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return diagnostics; each must have a range and a message."""
    if not isinstance(value, list | tuple):
        raise UsageError(f"`{name}` must be a list of diagnostics")
    for index, item in enumerate(value):
        mapping(f"{name}[{index}]", item)
        range_(f"{name}[{index}].range", item.get("range"))
        text(f"{name}[{index}].message", item.get("message"))
    return tuple(value)


def optional(check: Check, default: Any = None) -> Any:
    """Return an attrs field that may be left out or null."""
    return attrs.field(default=default, metadata={"check": check})


def required(check: Check) -> Any:
    """Return an attrs field that must be there."""
    return attrs.field(metadata={"check": check, "required": True})


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


@attrs.frozen(kw_only=True)
class PlaceParams(CallParams):
    """A call about a place: a range, a position, or the whole document."""

    text_document: str = required(document_uri)
    range: types.Range | None = optional(range_)
    position: types.Position | None = optional(position)
    diagnostics: tuple[Mapping[str, Any], ...] = optional(diagnostics, ())


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
    answer_id: str | None = optional(text)
    question: str | None = optional(text)


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
