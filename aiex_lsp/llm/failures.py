"""One table: what went wrong with a provider, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.failure_texts import Fault, Origin, fault_told, told
from aiex_lsp.llm.wire.retry_after import retry_after
from aiex_lsp.llm.wire.vendor_errors import VendorError, decode, kind_of, parse_error


@dataclass(frozen=True, slots=True)
class Disposition:
    """What follows from a failure.

    `retry_same`: the same request may succeed at the same provider later; `fall_back`: another
    provider may succeed; `breaker_weight`: 1 if it speaks against the provider's health.
    """

    retry_same: bool
    fall_back: bool
    breaker_weight: int


DISPOSITIONS: Mapping[Kind, Disposition] = {
    Kind.TRANSIENT: Disposition(True, True, 1),
    Kind.OVERLOADED: Disposition(True, True, 1),
    Kind.RATE_LIMITED: Disposition(True, True, 0),
    Kind.QUOTA: Disposition(False, True, 0),
    Kind.CREDENTIALS: Disposition(False, True, 0),
    Kind.PERMISSION: Disposition(False, True, 0),
    Kind.REGION: Disposition(False, True, 0),
    Kind.MODEL_NOT_FOUND: Disposition(False, True, 0),
    Kind.CONTEXT_TOO_LONG: Disposition(False, True, 0),
    Kind.CONTENT_FILTER: Disposition(False, False, 0),
    Kind.CONNECT: Disposition(True, True, 1),
    Kind.CONNECT_TIMEOUT: Disposition(True, True, 1),
    Kind.FIRST_TOKEN_TIMEOUT: Disposition(False, True, 1),
    Kind.STALL: Disposition(False, True, 1),
    # Ours, not the provider's, and there is no time left to ask another.
    Kind.DEADLINE: Disposition(False, False, 0),
    Kind.TRUNCATED: Disposition(True, True, 1),
    Kind.MALFORMED: Disposition(False, True, 1),
    Kind.EMPTY: Disposition(True, True, 0),
    Kind.BAD_REQUEST: Disposition(False, False, 0),
    Kind.NOT_CONFIGURED: Disposition(False, True, 0),
    Kind.OWN_LIMIT: Disposition(False, True, 0),
    Kind.CIRCUIT_OPEN: Disposition(False, True, 0),
    Kind.CANCELLED: Disposition(False, False, 0),
}


def falls_back(kind: Kind) -> bool:
    """Return whether another provider may be asked after a failure of this kind."""
    return DISPOSITIONS[kind].fall_back


class FaultError(Exception):
    """A `Fault`, on its way to the one who knows the provider."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail


def from_fault(origin: Origin, fault: Fault, detail: str = "") -> ProviderError:
    """Return the error for a failure of the connection or of an answer's form."""
    kind, what, step = fault_told(origin, fault, detail)
    return _error(origin, kind, what, step)


def from_response(
    origin: Origin, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> ProviderError:
    """Return the error for an HTTP answer that is not 2xx; `headers` have lower-case names."""
    if 300 <= status < 400:
        host = urlsplit(headers.get("location", "")).netloc
        target = f" to {host}" if host else ""
        return _error(
            origin,
            Kind.MALFORMED,
            f"{origin.provider} at {origin.address} redirects elsewhere{target} ({status})",
            "Put the final address into its base_url.",
            status=status,
        )
    error = parse_error(decode(body))
    if error is None:
        if status < 500 and status not in (401, 402, 407, 408, 429) and _is_web_page(headers, body):
            found = from_fault(origin, Fault.WEB_PAGE)
            found.status = status
            return found
        error = VendorError()
    return from_vendor(origin, error, status=status, wait=retry_after(headers, now))


def from_body(origin: Origin, body: Any) -> ProviderError | None:
    """Return the error in an answer's or stream event's JSON, None where there is none."""
    error = parse_error(body)
    return None if error is None else from_vendor(origin, error)


def from_vendor(
    origin: Origin, error: VendorError, *, status: int | None = None, wait: float | None = None
) -> ProviderError:
    """Return the error for what a vendor said; its code decides before the HTTP status."""
    status = status or error.status
    kind = kind_of(error)
    if kind is None and "not_found_error" in error.codes and error.mentions("model"):
        kind = Kind.MODEL_NOT_FOUND
    if kind is None or (kind is Kind.TRANSIENT and status is not None and status < 500):
        kind = _by_status(status)
    what, step = told(origin, kind, error, status, wait)
    return _error(origin, kind, what, step, status=status, wait=wait)


def _by_status(status: int | None) -> Kind:
    if status is None or status >= 500:
        return Kind.OVERLOADED if status in (503, 529) else Kind.TRANSIENT
    return {
        401: Kind.CREDENTIALS,
        402: Kind.QUOTA,
        403: Kind.PERMISSION,
        404: Kind.MALFORMED,
        405: Kind.MALFORMED,
        407: Kind.PERMISSION,
        408: Kind.TRANSIENT,
        409: Kind.TRANSIENT,
        413: Kind.CONTEXT_TOO_LONG,
        429: Kind.RATE_LIMITED,
        451: Kind.REGION,
    }.get(status, Kind.BAD_REQUEST)


def _error(
    origin: Origin,
    kind: Kind,
    what: str,
    step: str,
    *,
    status: int | None = None,
    wait: float | None = None,
) -> ProviderError:
    return ProviderError(
        kind,
        what,
        step,
        provider=origin.provider,
        model=origin.model,
        status=status,
        retry_after=wait,
    )


def _is_web_page(headers: Mapping[str, str], body: bytes) -> bool:
    start = body[:200].lstrip().lower()
    return "text/html" in headers.get("content-type", "") or start.startswith(
        (b"<!doctype", b"<html")
    )
