"""What real editors declare in `initialize`, as far as a server looks at it.

Neovim 0.11 as pytest-lsp recorded it; Emacs 29 likewise, with what eglot has declared since; VS
Code as vscode-languageclient 10 fills it in (pytest-lsp's is of 1.65).
"""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

Json = dict[str, Any]

_SYMBOL_KINDS = list(range(1, 27))
_ACTION_KINDS = [
    "",
    "quickfix",
    "refactor",
    "refactor.extract",
    "refactor.inline",
    "refactor.rewrite",
    "source",
    "source.organizeImports",
]


def neovim() -> Json:
    """Neovim 0.11: utf-8 first, resource operations without documentChanges, no annotations."""
    return _recorded("neovim_v0.11.0.json")


def emacs() -> Json:
    """eglot 1.18 (Emacs 30 and 31): utf-32 first, documentChanges, versioned diagnostics."""
    capabilities = _recorded("emacs_v29.1.json")
    capabilities["window"] = {
        "showDocument": {"support": True},
        "showMessage": {"messageActionItem": {"additionalPropertiesSupport": True}},
        "workDoneProgress": True,
    }
    capabilities["textDocument"]["publishDiagnostics"]["versionSupport"] = True
    return capabilities


def vscode() -> Json:
    """VS Code with vscode-languageclient 10: utf-16, everything declared."""
    return copy.deepcopy(_VSCODE)


def bare() -> Json:
    """An editor that declares nothing at all, as ALE or a script does."""
    return {}


def all_profiles() -> dict[str, Json]:
    """Return the profiles by name."""
    return {"neovim": neovim(), "vscode": vscode(), "emacs": emacs()}


def _recorded(name: str) -> Json:
    text = resources.files("pytest_lsp.clients").joinpath(name).read_text("utf-8")
    return json.loads(text)["capabilities"]


_VSCODE: Json = {
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "failureHandling": "textOnlyTransactional",
            "normalizesLineEndings": True,
            "changeAnnotationSupport": {"groupsOnLabel": True},
            "metadataSupport": True,
            "snippetEditSupport": True,
        },
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True},
        "symbol": {"dynamicRegistration": True, "symbolKind": {"valueSet": _SYMBOL_KINDS}},
        "codeLens": {"refreshSupport": True},
        "executeCommand": {"dynamicRegistration": True},
        "workspaceFolders": True,
        "foldingRange": {"refreshSupport": True},
        "textDocumentContent": {"dynamicRegistration": True},
        "fileOperations": {"dynamicRegistration": True, "didCreate": True, "willCreate": True},
    },
    "textDocument": {
        "publishDiagnostics": {
            "relatedInformation": True,
            "versionSupport": False,
            "tagSupport": {"valueSet": [1, 2]},
            "codeDescriptionSupport": True,
            "dataSupport": True,
        },
        "synchronization": {
            "dynamicRegistration": True,
            "willSave": True,
            "willSaveWaitUntil": True,
            "didSave": True,
        },
        "hover": {"dynamicRegistration": True, "contentFormat": ["markdown", "plaintext"]},
        "codeAction": {
            "dynamicRegistration": True,
            "isPreferredSupport": True,
            "disabledSupport": True,
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit", "command"]},
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": _ACTION_KINDS}},
            "honorsChangeAnnotations": True,
            "documentationSupport": True,
            "tagSupport": {"valueSet": [1]},
        },
        "codeLens": {"dynamicRegistration": True},
        "inlineCompletion": {"dynamicRegistration": True},
    },
    "window": {
        "showMessage": {"messageActionItem": {"additionalPropertiesSupport": True}},
        "showDocument": {"support": True},
        "workDoneProgress": True,
    },
    "general": {
        "staleRequestSupport": {"cancel": True, "retryOnContentModified": []},
        "regularExpressions": {"engine": "ECMAScript", "version": "ES2020"},
        "markdown": {"parser": "marked", "version": "1.1.0"},
        "positionEncodings": ["utf-16"],
    },
    "notebookDocument": {
        "synchronization": {"dynamicRegistration": True, "executionSummarySupport": True}
    },
}
