"""Base URLs as people write them, made into the one that paths are appended to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

_VERSION = re.compile(r"v\d+\w*$")
_ENDPOINTS = ("/chat/completions", "/completions", "/messages", "/models", "/api/chat", "/api/tags")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """An address without trailing slash, the query that stood in it, and whether it is usable."""

    url: str
    query: dict[str, str]
    valid: bool
    guessed: bool = False
    """True where `/v1` was appended behind a path, which a gateway may not have."""


def parse_base_url(text: str) -> BaseUrl:
    """Return the address without endpoint, slash and query; the scheme is added where it lacks."""
    text = text.strip()
    if "://" not in text:
        local = re.match(r"(localhost|127\.|0\.0\.0\.0|\[|\d+\.\d+\.)", text)
        text = f"{'http' if local else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return BaseUrl(text, {}, valid=False)
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    # 0.0.0.0 is an address to listen on; macOS and Linux connect to it, Windows does not.
    netloc = parts.netloc.replace("0.0.0.0", "127.0.0.1") if host == "0.0.0.0" else parts.netloc
    url = urlunsplit((parts.scheme.lower(), netloc, path.rstrip("/"), "", ""))
    valid = parts.scheme.lower() in ("http", "https") and bool(host)
    return BaseUrl(url, dict(parse_qsl(parts.query)), valid)


def shown(url: str) -> str:
    """Return an address as messages may show it: without a name, password or query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "?"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(url: str) -> bool:
    """Return whether `url` names this machine by a loopback address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or host == "::1" or host.startswith("127.")


def with_version(base: BaseUrl) -> BaseUrl:
    """Return the address with its `/v1`, unless it names a version or an Azure deployment."""
    if not base.valid:
        return base
    segments = [part for part in urlsplit(base.url).path.split("/") if part]
    if "deployments" in segments or any(_VERSION.match(part) for part in segments):
        return base
    return BaseUrl(f"{base.url}/v1", base.query, base.valid, guessed=bool(segments))


def without(base: BaseUrl, *endings: str) -> BaseUrl:
    """Return the address without the first of `endings` that it has, such as `/v1`."""
    for ending in endings:
        if base.url.endswith(ending):
            return BaseUrl(base.url.removesuffix(ending).rstrip("/"), base.query, base.valid)
    return base
