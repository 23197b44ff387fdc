"""One table: what went wrong with a provider, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.failure_texts import Fault, Origin, fault_told, told
from aiex_lsp.llm.wire.retry_after import retry_after
from aiex_lsp.llm.wire.vendor_errors import VendorError, decode, kind_of, parse_error

Retry = Literal["never", "once", "backoff"]
Circuit = Literal["provider", "model"]


@dataclass(frozen=True, slots=True)
class Disposition:
    """What follows from a failure.

    `fall_back`: another provider may succeed. `retry`: whether the same provider may where nobody
    else can be asked: never, once after a moment, or by the design document's backoff. `quick`:
    once after a moment even where another can be asked. `counts_against`: whose circuit it speaks
    against, None if nobody's. `rest`: seconds that calls to come ask others first, where the
    provider named no time itself; the design is silent, these are ours. `rests`: whether it is
    this model or the whole account that rests.
    """

    fall_back: bool
    retry: Retry = "never"
    quick: bool = False
    counts_against: Circuit | None = None
    rest: float = 0.0
    rests: Circuit = "model"


DISPOSITIONS: Mapping[Kind, Disposition] = {
    Kind.TRANSIENT: Disposition(True, "backoff", quick=True, counts_against="model"),
    # It said that it has too much to do: asking again at once makes that worse.
    Kind.OVERLOADED: Disposition(True, "backoff", counts_against="model", rest=10.0),
    Kind.RATE_LIMITED: Disposition(True, "backoff", rest=10.0),
    Kind.QUOTA: Disposition(True, rest=300.0, rests="provider"),
    Kind.CREDENTIALS: Disposition(True, rest=300.0, rests="provider"),
    Kind.PERMISSION: Disposition(True, rest=300.0),
    Kind.REGION: Disposition(True, rest=300.0, rests="provider"),
    Kind.MODEL_NOT_FOUND: Disposition(True, rest=60.0),
    # The same prompt fails again: it goes to a larger window, or is compressed first.
    Kind.CONTEXT_TOO_LONG: Disposition(True),
    Kind.CONTENT_FILTER: Disposition(False),
    # A server that is not running is not started by waiting for it.
    Kind.CONNECT: Disposition(True, "once", counts_against="provider"),
    # Silence has cost its time already.
    Kind.CONNECT_TIMEOUT: Disposition(True, counts_against="provider"),
    Kind.FIRST_TOKEN_TIMEOUT: Disposition(True, counts_against="model"),
    Kind.STALL: Disposition(True, counts_against="model"),
    # Ours, not the provider's, and there is no time left to ask another.
    Kind.DEADLINE: Disposition(False),
    Kind.TRUNCATED: Disposition(True, "once", quick=True, counts_against="model"),
    Kind.MALFORMED: Disposition(True, counts_against="model"),
    Kind.EMPTY: Disposition(True, "once"),
    Kind.BAD_REQUEST: Disposition(False),
    Kind.NOT_CONFIGURED: Disposition(True),
    Kind.OWN_LIMIT: Disposition(True),
    Kind.CIRCUIT_OPEN: Disposition(True),
    Kind.CANCELLED: Disposition(False),
}


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
        host = _host(headers.get("location", ""))
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
    if kind is None or (kind is Kind.TRANSIENT and status is not None):
        # "An internal error" says less than 503 or 529 do, and nothing against a 4xx.
        kind = _by_status(status)
    what, step = told(origin, kind, error, status, wait)
    found = _error(origin, kind, what, step, status=status, wait=wait)
    found.window = error.window
    return found


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


def _host(address: str) -> str:
    """Return host and port; never a name, a password or a query."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _is_web_page(headers: Mapping[str, str], body: bytes) -> bool:
    start = body[:200].lstrip().lower()
    return "text/html" in headers.get("content-type", "") or start.startswith(
        (b"<!doctype", b"<html")
    )
