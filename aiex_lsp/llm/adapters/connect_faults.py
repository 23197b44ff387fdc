"""Why a connection was not made, out of the exceptions behind the client's own."""

from __future__ import annotations

import socket
import ssl

from aiex_lsp.llm.failure_texts import Fault
from aiex_lsp.llm.failures import FaultError


def connect_fault(error: BaseException) -> FaultError:
    """Return the fault of a connection that was not made: TLS, an unknown host, or refused."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return FaultError(Fault.TLS, (cause.reason or "").replace("_", " ").lower())
        if isinstance(cause, socket.gaierror):
            return FaultError(Fault.DNS)
    return FaultError(Fault.REFUSED)


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
