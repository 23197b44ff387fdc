"""A server with every method registered."""

from __future__ import annotations

from lsprotocol import types

from aiex_lsp.server import notifications as n
from aiex_lsp.server import requests as r
from aiex_lsp.server.configuration import problems_of
from aiex_lsp.server.convert import diagnostic_of, problem_diagnostic
from aiex_lsp.server.logging import silence_libraries
from aiex_lsp.server.server import AiexServer, Limits
from aiex_lsp.server.services import ServicesFactory


def create_server(
    services_factory: ServicesFactory, limits: Limits | None = None, prefix: str = "aiex"
) -> AiexServer:
    """Return a server for one connection; nothing runs before `transport.serve`.

    `prefix` begins the ids of its work.
    """
    silence_libraries()
    server = AiexServer(services_factory, limits, prefix)
    server.findings.changed = lambda uri: _publish(server, uri)
    for module in (*r.MODULES, *n.MODULES):
        module.register(server)
    return server


def _publish(ls: AiexServer, uri: str) -> None:
    snapshot = ls.documents.get(uri)
    found: list[types.Diagnostic] = []
    if snapshot is not None:
        found = [diagnostic_of(snapshot, f, ls.client.encoding) for f in ls.findings.of(uri)]
        found += [problem_diagnostic(snapshot, p, ls.client.encoding) for p in problems_of(ls, uri)]
    version = snapshot.version if snapshot is not None else None
    params = types.PublishDiagnosticsParams(
        uri=uri,
        diagnostics=found,
        version=version if ls.client.versioned_diagnostics else None,
    )
    ls.protocol.tell(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)
