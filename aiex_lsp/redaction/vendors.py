"""Secrets that show by their own form: vendors' tokens, keys in blocks, addresses with passwords.

Formats are those that vendors document for secret scanning, beside the ones `detect-secrets`
brings along (its patterns alone are used: no settings, no filters, no verification).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aiex_lsp.redaction.scanning import contains, matches
from aiex_lsp.redaction.values import is_reference, looks_random


@dataclass(frozen=True, slots=True)
class Format:
    """A form of secrets; text that holds none of `needles` is not searched."""

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]


def _format(kind: str, needles: str, pattern: str) -> Format:
    return Format(kind, tuple(needles.split()), re.compile(pattern))


FORMATS = (
    _format("Anthropic key", "sk-ant-", r"sk-ant-[\w-]{16,}"),
    _format("OpenRouter key", "sk-or-", r"sk-or-[\w-]{16,}"),
    _format("OpenAI key", "sk-", r"sk-(?:proj|svcacct|admin|None)-[\w-]{16,}"),
    _format("API key", "sk-", r"sk-(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}"),
    _format("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _format("GitHub token", "github_pat_", r"github_pat_\w{30,}"),
    _format("GitLab token", "gl", r"gl(?:pat|dt|ft|soat|rt|cbt|ptt|agent|imt|oas)-[\w.-]{20,}"),
    _format("Slack token", "xox", r"xox[abeoprs](?:-[A-Za-z0-9]+){2,}"),
    _format("Slack token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,}"),
    _format(
        "Slack webhook", "hooks.slack.com", r"https://hooks\.slack\.com/services/T\w+/B\w+/\w+"
    ),
    _format(
        "Discord webhook", "/api/webhooks/", r"https://discord(?:app)?\.com/api/webhooks/\d+/[\w-]+"
    ),
    _format(
        "AWS access key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"
    ),
    _format("Google API key", "AIza", r"AIza[\w-]{35}"),
    _format("Google OAuth token", "ya29.", r"ya29\.[\w-]{20,}"),
    _format("Google OAuth secret", "GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    _format("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    _format("npm token", "npm_", r"npm_[A-Za-z0-9]{30,}"),
    _format("npm token", ":_authToken=", r":_authToken=(?P<v>[A-Za-z0-9+/=-]{20,})"),
    _format("PyPI token", "pypi-", r"pypi-Ag[\w-]{40,}"),
    _format("SendGrid key", "SG.", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    _format("Stripe key", "_live_ _test_", r"[srp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _format("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
    _format("JSON Web Token", "eyJ", r"(?<![\w=-])eyJ[\w=-]{8,}\.eyJ[\w=-]{4,}\.[\w=-]{8,}"),
    _format("DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _format("Databricks token", "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    _format("Groq key", "gsk_", r"gsk_[A-Za-z0-9]{30,}"),
    _format("xAI key", "xai-", r"xai-[A-Za-z0-9]{40,}"),
    _format("Perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{30,}"),
    _format("Replicate token", "r8_", r"r8_[A-Za-z0-9]{30,}"),
    _format("Vault token", "hvs. hvb.", r"hv[sb]\.[\w-]{24,}"),
    _format("age key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    _format("Atlassian token", "ATATT3", r"ATATT3[\w=-]{40,}"),
    _format("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _format("Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{32,}"),
    _format("Notion token", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    _format("New Relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _format("Grafana token", "glsa_ glc_", r"(?:glsa|glc)_[A-Za-z0-9+/=_]{32,}"),
    _format("Sentry token", "sntry", r"sntry[su]_[\w+/=-]{32,}"),
    _format("Docker Hub token", "dckr_pat_", r"dckr_pat_[\w-]{24,}"),
    _format("Postman key", "PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _format("Supabase token", "sbp_", r"sbp_[a-f0-9]{40}"),
    _format("PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}"),
    _format("Terraform token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}"),
    _format("Twilio key", "SK", r"SK[0-9a-f]{32}"),
    _format("Mailgun key", "key-", r"key-[0-9a-f]{32}"),
    _format("Mailchimp key", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _format("Telegram bot token", ":AA", r"\d{8,10}:AA[\w-]{33}"),
    _format("Square secret", "sq0", r"sq0(?:csp|atp)-[\w-]{22,43}"),
)

LIBRARY = {
    "cloudant.CloudantDetector": "Cloudant credentials",
    "discord.DiscordBotTokenDetector": "Discord bot token",
    "ibm_cos_hmac.IbmCosHmacDetector": "IBM COS credentials",
    "openai.OpenAIDetector": "OpenAI key",
    "pypi_token.PypiTokenDetector": "PyPI token",
    "softlayer.SoftlayerDetector": "SoftLayer credentials",
}
"""Detectors of `detect_secrets.plugins` that find what the formats above do not."""

LIBRARY_NEEDLES = re.compile(
    r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27}|T3BlbkFJ|pypi-Ag"
    r"|(?i:cloudant|cloud|clou|softlayer|\bsl[_-]?(?:api|key|pwd|pass|tok)|cos[_-]?|secret[_-]?key)"
)
"""Lines the library's patterns are tried on: over whole files they are slow."""

_KEY_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----")
LONGEST_KEY = 20_000
"""Characters of a key in a block, 16,384 bits and its line breaks."""

LONGEST_TOKEN = 16_000
"""Characters of a token with a form, claims and all."""

_OPEN_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:\\[rn]|[\s\"'+,])*[A-Za-z0-9+/=]{16,})+"
)
_KEY_CHARACTER = re.compile(r"[A-Za-z0-9+/=]")
_PUTTY = re.compile(r"Private-Lines: \d+(?:\r?\n[A-Za-z0-9+/=]++(?=[\r\n]|\Z))+")
_URL_PASSWORD = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/@\"'`<>]{0,100}:"
    r"(?P<v>[^\s/?#\"'`<>]{1,200})@(?=[\w\[$<{%.-])"
)
_SCHEME = re.compile(
    r"(?i)\b(?P<scheme>bearer|basic|token|apikey|digest)[ \t]+(?P<v>[A-Za-z0-9._~+/=-]{8,})"
)
_QUERY = re.compile(
    r"(?i)[?&;](?:api[_-]?key|access[_-]?token|auth[_-]?token|token|key|secret|client[_-]?secret"
    r"|password|passwd|pwd|sig|signature|x-amz-signature|accountkey|sharedaccesskey)"
    r"[ \t]*=[ \t]*(?P<v>[^&;\s\"'`<>\])]{4,1000})"
)
_USER_OPTION = re.compile(r"(?<!\S)(?:-u|--user)[ =]+[\"']?[\w.@-]+:(?P<v>[^\s\"']{4,})")
_NETRC = re.compile(r"\blogin[ \t]+\S+\s+password[ \t]+[\"']?(?P<v>[^\s\"',;]{3,200})")
_AWS_SECRET = re.compile(
    r"(?i)aws.{0,30}?(?:key|secret|token).{0,20}?(?<![A-Za-z0-9/+])(?P<v>[A-Za-z0-9/+]{40})"
    r"(?![A-Za-z0-9/+=])"
)

Found = tuple[str, int, int]
"""Kind, start and end of a value."""


def by_form(text: str) -> Iterator[Found]:
    """Yield what shows by its own form; may overlap."""
    yield from _blocks(text)
    for one in FORMATS:
        if any(needle in text for needle in one.needles):
            for match in matches(one.pattern, text, reach=LONGEST_TOKEN):
                start, end = match.span("v" if "v" in one.pattern.groupindex else 0)
                if _stands_alone(text, start, end) and not _blanked(text[start:end]):
                    yield one.kind, start, end
    yield from _in_addresses(text)
    yield from _in_headers(text)
    yield from _by_library(text)


def _blocks(text: str) -> Iterator[Found]:
    if "PRIVATE KEY" in text:
        for match in matches(_KEY_BEGIN, text):
            end = f"-----END {match[1]}-----"
            place = text.find(end, match.end(), match.end() + LONGEST_KEY)
            if place >= 0 and len(_KEY_CHARACTER.findall(text, match.end(), place)) >= 40:
                yield "private key", match.start(), place + len(end)
        for match in matches(_OPEN_KEY_BLOCK, text, reach=LONGEST_KEY):
            yield "private key", *match.span()
    if "Private-Lines:" in text:
        for match in matches(_PUTTY, text, reach=LONGEST_KEY):
            yield "private key", *match.span()


def _in_addresses(text: str) -> Iterator[Found]:
    if "://" in text:
        for match in matches(_URL_PASSWORD, text):
            if not is_reference(match["v"]):
                yield "password in an address", *match.span("v")
    for match in matches(_QUERY, text):
        value = match["v"]
        if not is_reference(value) and (looks_random(value) or _named_password(match[0])):
            yield "key in an address", *match.span("v")
    for match in matches(_USER_OPTION, text):
        if not is_reference(match["v"]):
            yield "password", *match.span("v")
    if "login" in text:
        for match in matches(_NETRC, text):
            if not is_reference(match["v"]):
                yield "password", *match.span("v")


def _named_password(name: str) -> bool:
    return re.match(r"(?i)[;&?](?:password|passwd|pwd)", name) is not None


def _in_headers(text: str) -> Iterator[Found]:
    for match in matches(_SCHEME, text):
        value = match["v"].rstrip(".")
        start = match.start("v")
        if match["scheme"].lower() == "basic":
            wanted = len(value) >= 12 and (value.endswith("=") or looks_random(value))
        else:
            wanted = looks_random(value) and not is_reference(value)
        if wanted and not _blanked(value):
            yield "authorization header", start, start + len(value)
    for match in matches(_AWS_SECRET, text):
        value = match["v"]
        if looks_random(value) or sum(one.isupper() for one in value) > 8:
            yield "AWS secret key", *match.span("v")


def _by_library(text: str) -> Iterator[Found]:
    if not contains(LIBRARY_NEEDLES, text):
        return
    patterns = library_patterns()
    begin = 0
    for line in text.splitlines(keepends=True):
        # Longer lines are data, and the library's patterns backtrack on them.
        if len(line) <= 2000 and LIBRARY_NEEDLES.search(line):
            for kind, pattern in patterns:
                for match in pattern.finditer(line):
                    group = match.lastindex or 0
                    if not _blanked(match[group]):
                        yield kind, begin + match.start(group), begin + match.end(group)
        begin += len(line)


def library_patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the compiled patterns of the library's detectors, with what they find."""
    from importlib import import_module

    found = []
    for name, kind in LIBRARY.items():
        module, _, detector = name.partition(".")
        owner = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)
        found += [(kind, pattern) for pattern in owner.denylist]
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether a match is no part of a longer run of letters and digits."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return not (before.isalnum() or before == "_") and not after.isalnum()


def _blanked(value: str) -> bool:
    """Return whether a token's form was filled with crosses, dots or words: "sk-ant-xxxxxxxx"."""
    return (
        re.search(r"([xX*.0])\1{7,}|(?:x|X){5}|\.\.\.|\*\*\*", value) is not None
        or re.search(
            r"(?i)(?<![a-z0-9])your(?![a-z0-9])|(?:api|access)[_-]?key|[_-]here\b|placeholder|redacted",
            value,
        )
        is not None
    )
