"""Error bodies of the vendors and their gateways, read into one shape and one kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiex_lsp.errors import FailureKind as Kind


@dataclass(frozen=True, slots=True)
class VendorError:
    """What a vendor said went wrong. `codes` are lower case, the most telling first."""

    codes: tuple[str, ...] = ()
    message: str = ""
    param: str | None = None
    status: int | None = None
    prompt_tokens: int | None = None
    window: int | None = None

    def mentions(self, word: str) -> bool:
        """Return whether the error is about the parameter `word`."""
        text = self.message.lower()
        return self.param == word or re.search(rf"\b{re.escape(word)}\b", text) is not None

    def most_tokens(self) -> int | None:
        """Return the largest answer a model allows, where a refused limit names it.

        OpenAI: "This model supports at most 16384 completion tokens"; Anthropic:
        "max_tokens: 9216 > 4096, which is the maximum allowed".
        """
        if "max_tokens" not in self.message and "max_completion_tokens" not in self.message:
            return None
        found = re.search(r"at most (\d+)|> (\d+), which is the maximum", self.message)
        return int(found[1] or found[2]) if found else None


def parse_error(body: Any) -> VendorError | None:
    """Return the error in a decoded JSON body, None where there is none.

    Known are `{"error": {...}}` (OpenAI, Anthropic, llama.cpp, OpenRouter), `{"error": "text"}`
    (Ollama, LM Studio), the same in a list (Gemini), `{"detail": ...}` (FastAPI) and
    `{"message": ..., "code"|"type": ...}` (vLLM, Mistral).
    """
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    error = body.get("error")
    if isinstance(error, str) and error.lstrip().startswith("{"):
        # Ollama hands on what the llama.cpp server behind it said, as text.
        inner = parse_error(decode(error.encode()))
        if inner is not None:
            return inner
    if isinstance(error, str) and error:
        return VendorError(message=error, codes=_codes(body.get("code"), body.get("type")))
    if isinstance(error, Mapping) and error:
        return _from_object(error)
    detail = body.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        where = detail[0].get("loc")
        param = str(where[-1]) if isinstance(where, list) and where else None
        return VendorError(message=f"{param}: {detail[0].get('msg', '')}", param=param)
    if isinstance(detail, str | Mapping) and detail:
        return _from_object(detail) if isinstance(detail, Mapping) else VendorError(message=detail)
    if isinstance(body.get("message"), str) and ("code" in body or body.get("object") == "error"):
        return _from_object(body)
    return None


def decode(body: bytes) -> Any:
    """Return the decoded JSON of `body`, None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def kind_of(error: VendorError) -> Kind | None:
    """Return the kind that codes, else the wording, tell; None leaves it to the HTTP status."""
    for code in error.codes:
        if code in _CODES:
            return _CODES[code]
    text = error.message.lower()
    for pattern, kind in _WORDINGS:
        if pattern.search(text):
            return kind
    # Says less than the wording: OpenAI is "overloaded" under it too.
    return Kind.TRANSIENT if any(code in _SERVER_ERRORS for code in error.codes) else None


def _from_object(error: Mapping[str, Any]) -> VendorError:
    details = error.get("details")
    special = details.get("error_code") if isinstance(details, Mapping) else None
    inner = error.get("innererror")
    inner_code = inner.get("code") if isinstance(inner, Mapping) else None
    code, param = error.get("code"), error.get("param")
    message = error.get("message")
    metadata = error.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get("raw"), str):
        # OpenRouter: the vendor behind it speaks here, its own message only says "provider error".
        message = f"{message}: {metadata['raw']}"
    return VendorError(
        codes=_codes(special, inner_code, code, error.get("type"), error.get("status")),
        message=message if isinstance(message, str) else "",
        param=param if isinstance(param, str) else None,
        status=code if isinstance(code, int) and 400 <= code < 600 else None,
        prompt_tokens=_int(error.get("n_prompt_tokens")),
        window=_int(error.get("n_ctx")),
    )


def _codes(*values: Any) -> tuple[str, ...]:
    return tuple(value.lower() for value in values if isinstance(value, str) and value)


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_CODES: Mapping[str, Kind] = {
    # https://platform.openai.com/docs/guides/error-codes, https://docs.claude.com/en/api/errors,
    # llama.cpp tools/server, and the typed errors of the vendors' SDKs. Quota before rate limit:
    # OpenAI sends both as 429.
    **dict.fromkeys(
        (
            "insufficient_quota",
            "billing_error",
            "billing_hard_limit_reached",
            "billing_not_active",
            "contract_spend_limit_reached",
            "enforced_spend_limit_reached",
            "linked_organization_spend_limit_reached",
            "linked_organization_billing_unavailable",
            "organization_on_hold",
            "quota_exceeded",
        ),
        Kind.QUOTA,
    ),
    **dict.fromkeys(
        (
            "rate_limit_exceeded",
            "rate_limit_error",
            "ramp_limit_exceeded",
            "resource_exhausted",
            "too_many_requests",
        ),
        Kind.RATE_LIMITED,
    ),
    **dict.fromkeys(
        ("overloaded_error", "server_overloaded", "slow_down", "unavailable_error", "unavailable"),
        Kind.OVERLOADED,
    ),
    **dict.fromkeys(
        (
            "invalid_api_key",
            "authentication_error",
            "invalid_authentication",
            "unauthenticated",
            "account_deactivated",
            "token_expired",
        ),
        Kind.CREDENTIALS,
    ),
    **dict.fromkeys(
        ("permission_error", "permission_denied", "insufficient_permissions", "access_denied"),
        Kind.PERMISSION,
    ),
    "unsupported_country_region_territory": Kind.REGION,
    **dict.fromkeys(
        ("model_not_found", "deploymentnotfound", "model_not_available", "model_decommissioned"),
        Kind.MODEL_NOT_FOUND,
    ),
    **dict.fromkeys(
        (
            "context_length_exceeded",
            "exceed_context_size_error",
            "string_above_max_length",
            "request_too_large",
            "request_body_too_large_after_decoding",
        ),
        Kind.CONTEXT_TOO_LONG,
    ),
    **dict.fromkeys(
        (
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "moderation_blocked",
            "misalignment",
        ),
        Kind.CONTENT_FILTER,
    ),
}

_SERVER_ERRORS = frozenset(
    (
        "api_error",
        "server_error",
        "internal_server_error",
        "internalservererror",
        "timeout_error",
        "gateway_timeout_error",
    )
)

_WORDINGS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"credit balance is too low|exceeded your current quota|insufficient credits", Kind.QUOTA),
        (r"insufficient balance|spend(ing)? limit|billing", Kind.QUOTA),
        (r"prompt is too long|input is too long|too many (input )?tokens", Kind.CONTEXT_TOO_LONG),
        (
            r"(exceed\w*|overflow\w*|maximum|larger than|longer than)[^.]{0,80}context"
            r"|context (length|size|window)[^.]{0,60}(exceed|too (small|long)|overflow|of only)"
            r"|context (the )?overflows",
            Kind.CONTEXT_TOO_LONG,
        ),
        (
            r"\bmodels?\b[^.]{0,120}(not found|does not exist|doesn't exist|not available"
            r"|is not supported|not loaded|unknown|decommissioned|deprecated and)"
            r"|(no such|unknown|invalid) model|no models? (is |are )?(loaded|available)"
            r"|is not a valid model|failed to load model|^model: ",
            Kind.MODEL_NOT_FOUND,
        ),
        (r"overloaded|loading model|server busy", Kind.OVERLOADED),
        (r"country, region|not (supported|available) in your (region|country)", Kind.REGION),
        (
            r"invalid x-api-key|incorrect api key|api key not valid|invalid api key",
            Kind.CREDENTIALS,
        ),
        (r"content management policy|content filter|safety system", Kind.CONTENT_FILTER),
        (r"rate limit|too many requests", Kind.RATE_LIMITED),
    )
)
