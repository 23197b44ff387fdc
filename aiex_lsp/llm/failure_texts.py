"""What users are told about a provider's failure: one sentence, one step, no secrets, no code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.llm.wire.vendor_errors import VendorError


class Fault(StrEnum):
    """What went wrong below HTTP's status codes."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    PROXY = "proxy"
    NO_ANSWER = "no_answer"
    CUT = "cut"
    NOT_HTTP = "not_http"
    BAD_KEY = "bad_key"
    BAD_URL = "bad_url"
    WEB_PAGE = "web_page"
    EMPTY_BODY = "empty_body"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who failed: the provider's name, type and address, the model asked, the texts to hide."""

    provider: str
    type: str = ""
    base_url: str = ""
    model: str | None = None
    secrets: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Return scheme, host and port of the base URL; never its credentials or query."""
        try:
            parts = urlsplit(self.base_url)
        except ValueError:
            return "?"
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "?"


def fault_told(origin: Origin, fault: Fault, detail: str = "") -> tuple[Kind, str, str]:
    """Return the kind, what happened, and the next step, for a failure below HTTP's statuses."""
    kind, what, step = _FAULTS[fault]
    if fault is Fault.REFUSED and _is_loopback(origin.address):
        step = _START.get(origin.type, step)
    fields = {
        "p": origin.provider,
        "at": origin.address,
        "detail": f" ({detail})" if detail else "",
        "key": key_step(origin),
    }
    return kind, what.format(**fields), step.format(**fields)


def told(
    origin: Origin, kind: Kind, error: VendorError, status: int | None, wait: float | None
) -> tuple[str, str]:
    """Return what happened, and the next step, for a failure that a vendor told."""
    p, model = origin.provider, origin.model or "the model"
    code = f" ({status})" if status else ""
    said = clean(error.message, origin.secrets)
    quoted = f': "{said}"' if said else ""
    other = "Try again or choose another provider."
    match kind:
        case Kind.CREDENTIALS:
            return f"{p} refused the API key{code}", key_step(origin)
        case Kind.QUOTA:
            return f"{p} says the account has no credit or quota left{code}", (
                f"Check the plan and billing of your {p} account."
            )
        case Kind.RATE_LIMITED:
            when = f"in {max(1, round(wait))} s" if wait is not None else "in a minute"
            return f"{p} has reached its rate limit{code}", f"Try again {when}."
        case Kind.OVERLOADED:
            return f"{p} is overloaded or still starting{code}", other
        case Kind.PERMISSION if status == 407:
            return f"The proxy before {p} asks for a login (407)", "Set HTTPS_PROXY with a login."
        case Kind.PERMISSION:
            return f"{p} does not allow this key to use {model}{code}", (
                "Choose another model, or a key with more rights."
            )
        case Kind.REGION:
            return f"{p} does not serve your country or region{code}", "Choose another provider."
        case Kind.MODEL_NOT_FOUND:
            return f"{p} has no model '{model}'{code}", _model_step(origin)
        case Kind.CONTEXT_TOO_LONG:
            sizes = ""
            if error.prompt_tokens and error.window:
                sizes = f": {error.prompt_tokens} tokens into {error.window}"
            return f"The prompt is too long for {model} at {p}{sizes}", (
                "Select less code, or a model with a larger context."
            )
        case Kind.CONTENT_FILTER:
            return f"{p}'s content filter refused this request{code}", "Select other code."
        case Kind.MALFORMED:
            return f"{p} at {origin.address} has no such address{code}", "Check its base_url."
        case Kind.BAD_REQUEST:
            return f"{p} refused the request{code}{quoted}", "Check the model and its settings."
        case _ if "memory" in said:
            return f"{p} has too little memory for {model}{code}", "Choose a smaller model."
        case _:
            return f"{p} failed{code}{quoted}", other


def clean(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a vendor's wording without keys, echoed input and line breaks; at most 120 characters.

    Validation errors of FastAPI servers repeat the whole request after `input`.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    text = re.split(r"""['"]input['"]\s*:""", text, maxsplit=1)[0]
    text = _KEY_LIKE.sub("…", text)
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:119].rstrip() + "…"


def key_step(origin: Origin) -> str:
    """Return where the provider's key is looked for, as a step to take."""
    variable = _KEY_VARIABLES.get(origin.provider)
    setting = f"api_key in [providers.{origin.provider}]"
    return f"Check {variable} or {setting}." if variable else f"Check {setting}."


def _model_step(origin: Origin) -> str:
    if origin.type == "ollama" and origin.model:
        return f"Run `ollama pull {origin.model}`."
    return f"Choose one that `aiex-lsp models list --provider {origin.provider}` shows."


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


_KEY_LIKE = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|key|AIza)[-_][\w.*…-]{6,}|\bBearer\s+\S+")

_KEY_VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}

_START = {
    "ollama": "Start it with `ollama serve`.",
    "lm_studio": "Start its server with `lms server start`.",
}

_FAULTS: Mapping[Fault, tuple[Kind, str, str]] = {
    Fault.REFUSED: (
        Kind.CONNECT,
        "{p} is not reachable at {at}",
        "Start the server, or correct its base_url.",
    ),
    Fault.DNS: (
        Kind.CONNECT,
        "The host of {p}, {at}, is not known",
        "Check the network and its base_url.",
    ),
    Fault.TLS: (
        Kind.CONNECT,
        "No secure connection to {p} at {at}{detail}",
        "Check http or https in its base_url, or SSL_CERT_FILE.",
    ),
    Fault.CONNECT_TIMEOUT: (
        Kind.CONNECT_TIMEOUT,
        "{p} at {at} did not accept a connection in time",
        "Check the network, the proxy and its base_url.",
    ),
    Fault.PROXY: (
        Kind.CONNECT,
        "The proxy before {p} refused the connection{detail}",
        "Check HTTPS_PROXY and NO_PROXY.",
    ),
    Fault.NO_ANSWER: (
        Kind.TRANSIENT,
        "{p} closed the connection without an answer",
        "Try again, or look into the log of {p}.",
    ),
    Fault.CUT: (
        Kind.TRUNCATED,
        "{p} broke off before the answer was complete",
        "Try again.",
    ),
    Fault.NOT_HTTP: (
        Kind.MALFORMED,
        "What answers at {at} for {p} does not speak HTTP",
        "Check its base_url.",
    ),
    Fault.BAD_KEY: (
        Kind.CREDENTIALS,
        "The API key or a header of {p} holds characters that cannot be sent",
        "{key}",
    ),
    Fault.BAD_URL: (
        Kind.NOT_CONFIGURED,
        "The base_url of {p} is not a usable http address",
        "Correct base_url in [providers.{p}].",
    ),
    Fault.WEB_PAGE: (
        Kind.MALFORMED,
        "{p} at {at} answered with a web page instead of JSON",
        "Check its base_url and the proxy.",
    ),
    Fault.EMPTY_BODY: (
        Kind.MALFORMED,
        "{p} at {at} answered with an empty body",
        "Try again, or check its base_url.",
    ),
    Fault.NOT_JSON: (
        Kind.MALFORMED,
        "{p} at {at} answered with something that is not valid JSON",
        "Try again, or check its base_url and the proxy.",
    ),
    Fault.TOO_LARGE: (
        Kind.MALFORMED,
        "{p} at {at} answered with more data than an answer can have",
        "Check its base_url.",
    ),
}
