"""What the client can, what it opted in to, and what the server tells it can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from aiex_lsp.text.snapshot import Encoding

_ENCODINGS: dict[str, Encoding] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


@dataclass(frozen=True, slots=True)
class Client:
    """One editor's capabilities, as far as a ladder of ours asks for them."""

    encoding: Encoding = "utf-16"
    apply_edit: bool = False
    document_changes: bool = False
    create_files: bool = False
    change_annotations: bool = False
    show_document: bool = False
    message_actions: bool = False
    work_done_progress: bool = False
    hover_markdown: bool = False
    versioned_diagnostics: bool = False
    llm_tag: bool = False
    configuration: bool = False
    register_configuration: bool = False
    register_watched_files: bool = False
    relative_patterns: bool = False
    action_literals: bool = False
    provider_health: bool = False
    show_markdown: bool = False
    command_links: bool = False


def read_client(params: Mapping[str, Any]) -> Client:
    """Return what `initialize`'s params tell of the client.

    They are read untyped: a client that declares something of a newer protocol still starts.
    """

    def get(path: str) -> Any:
        return _at(params, f"capabilities.{path}")

    operations = _strings(get("workspace.workspaceEdit.resourceOperations"))
    tags = get("textDocument.codeAction.tagSupport.valueSet")
    return Client(
        encoding=choose_encoding(_strings(get("general.positionEncodings"))),
        apply_edit=get("workspace.applyEdit") is True,
        document_changes=get("workspace.workspaceEdit.documentChanges") is True or bool(operations),
        create_files="create" in operations,
        change_annotations=isinstance(
            get("workspace.workspaceEdit.changeAnnotationSupport"), Mapping
        ),
        message_actions=isinstance(get("window.showMessage"), Mapping),
        # Helix has shown documents since 24.03 and says so since 25.07. An older one answers that
        # it cannot, and gets a message.
        show_document=get("window.showDocument.support") is True
        or _at(params, "clientInfo.name") == "helix",
        work_done_progress=get("window.workDoneProgress") is True,
        hover_markdown="markdown" in _strings(get("textDocument.hover.contentFormat")),
        versioned_diagnostics=get("textDocument.publishDiagnostics.versionSupport") is True,
        llm_tag=isinstance(tags, list) and types.CodeActionTag.LlmGenerated.value in tags,
        configuration=get("workspace.configuration") is True,
        register_configuration=get("workspace.didChangeConfiguration.dynamicRegistration") is True,
        register_watched_files=get("workspace.didChangeWatchedFiles.dynamicRegistration") is True,
        relative_patterns=get("workspace.didChangeWatchedFiles.relativePatternSupport") is True,
        action_literals=isinstance(
            get("textDocument.codeAction.codeActionLiteralSupport"), Mapping
        ),
        provider_health=_opted_in(params, "providerHealth"),
        show_markdown=_opted_in(params, "showMarkdown"),
        command_links=_opted_in(params, "commandLinks"),
    )


def choose_encoding(preferred: Iterable[str]) -> Encoding:
    """Return the first encoding of the client's list that we speak; LSP's default is utf-16."""
    return next((_ENCODINGS[name] for name in preferred if name in _ENCODINGS), "utf-16")


def server_capabilities(
    client: Client, *, version: str, commands: Iterable[str], kinds: Iterable[str]
) -> types.ServerCapabilities:
    """Return what the server can do for this client."""
    return types.ServerCapabilities(
        position_encoding=types.PositionEncodingKind(client.encoding),
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True,
            change=types.TextDocumentSyncKind.Incremental,
            save=types.SaveOptions(include_text=False),
        ),
        notebook_document_sync=types.NotebookDocumentSyncOptions(
            notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")]
        ),
        code_action_provider=types.CodeActionOptions(
            code_action_kinds=list(kinds), resolve_provider=False
        )
        if client.action_literals
        else True,
        hover_provider=True,
        execute_command_provider=types.ExecuteCommandOptions(commands=list(commands)),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            )
        ),
        experimental={"aiex": {"version": version}},
    )


def _opted_in(params: Mapping[str, Any], name: str) -> bool:
    return (
        _at(params, f"capabilities.experimental.aiex.{name}") is True
        or _at(params, f"initializationOptions.aiex.{name}") is True
    )


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
