"""A language's own server, as pyright would be beside aiex: one diagnostic, one hover, one action.

Run as a program on standard input and output; it needs nothing but Python.
"""

from __future__ import annotations

import json
import sys
from typing import Any

CAPABILITIES = {
    "textDocumentSync": 1,
    "hoverProvider": True,
    "codeActionProvider": True,
    "executeCommandProvider": {"commands": ["own.fix"]},
}
PLACE = {"start": {"line": 5, "character": 4}, "end": {"line": 5, "character": 10}}
DIAGNOSTIC = {"range": PLACE, "severity": 2, "source": "own", "message": "Own says so"}
ANSWERS: dict[str, Any] = {
    "initialize": {"capabilities": CAPABILITIES},
    "textDocument/hover": {"contents": "Own documentation"},
    "textDocument/codeAction": [{"title": "Own action", "command": "own.fix"}],
}


def read() -> dict[str, Any] | None:
    """Return the next message, None at the end."""
    length = 0
    while (line := sys.stdin.buffer.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not length:
        return None
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(length))
    return message


def write(message: dict[str, Any]) -> None:
    """Send a message."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def serve() -> None:
    """Answer until the editor goes. A command of another server here is an error."""
    while (message := read()) is not None:
        method, params = message.get("method"), message.get("params") or {}
        if method == "exit":
            return
        if method == "textDocument/didOpen":
            uri = params["textDocument"]["uri"]
            told = {"uri": uri, "diagnostics": [DIAGNOSTIC]}
            write({"method": "textDocument/publishDiagnostics", "params": told})
        elif method == "workspace/executeCommand" and params["command"] != "own.fix":
            error = {"code": -32601, "message": f"{params['command']} is none of mine"}
            write({"id": message["id"], "error": error})
        elif "id" in message and method is not None:
            write({"id": message["id"], "result": ANSWERS.get(method)})


if __name__ == "__main__":
    serve()
