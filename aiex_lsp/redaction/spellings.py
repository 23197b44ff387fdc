"""Less usual ways to write a secret: beside its name, and where only the place tells what it is.

Wrapped in a call, as the other choice behind `||`, over several lines, in a list, in a block of
YAML, in an option of a command, as the second of a pair of name and password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aiex_lsp.redaction.scanning import contains, matches
from aiex_lsp.redaction.values import is_reference

_STRING = r"""(?:[rRuUbB]{0,2})(?P<q>["'`])(?P<v>(?:\\.|(?!(?P=q))[^\r\n\\]){1,500})(?P=q)"""
_CLOSE = r"""(?:\\?["'`])?[ \t]*+\]?(?:[ \t]*+:[ \t]*+[\w.<>\[\]&' ]{1,30}?)?"""
_ASSIGN = rf"{_CLOSE}[ \t]*+(?:\?\?=|\|\|=|:=|=>|=|:|\bby\b)[ \t]*+"

_AFTER = tuple(
    re.compile(_ASSIGN + rest)
    for rest in (
        # password = new String("…"), []byte("…"), String::from("…"), lazy { "…" }
        r"(?:new )?(?:\w+[.:]{1,2})?(?:String(?:::from)?|SecretStr|Secret|SecureString|bytes"
        r"|bytearray|\[\]byte|\[\]rune|from|lazy|Password|[sS]ensitive|SecretString)"
        rf"[ \t]*[({{][ \t]*{_STRING}",
        # password = process.env.PASSWORD || "…", os.environ.get("PASSWORD", "…")
        rf"""[^\r\n"'`]{{0,60}}(?:\|\||\?\?|\bor\b)[ \t]*{_STRING}""",
        r"""[^\r\n"'`]{0,40}(?i:env)[^\r\n"'`]{0,20}["'][\w.-]{1,60}["'][\])]?[ \t]*"""
        rf"""(?:,|\|\||\?\?|\bor\b)[ \t]*{_STRING}""",
        # A text of several lines, or on a line of its own.
        r'''(?P<t>"""|\'\'\')\s{0,40}(?P<v>[^\r\n"']{1,500}?)\s{0,40}(?P=t)''',
        r"[|>][+-]?\d?[ \t]*(?:\r\n|\r|\n)[ \t]+(?P<v>\S[^\r\n]{0,500}?)[ \t]*(?=[\r\n]|\Z)",
    )
)
_GROUP = re.compile(rf"{_ASSIGN}\(?\s{{0,40}}(?=[rRuUbB]{{0,2}}[\"'`])")
_PIECE = re.compile(_STRING)
_JOINT = re.compile(
    r"[ \t]*+(?:\+|\.|&|\\)?(?:\s{1,60}|[ \t]*)(?:\+[ \t]*)?(?=[rRuUbB]{0,2}[\"'`])"
)
_LIST = re.compile(rf"{_ASSIGN}(?P<v>[\[{{(][^\[\]{{}}()]{{4,1000}}[\]}})])")
_ITEM = re.compile(
    rf"(?:(?<=[\[{{(,:>])|(?<=[\[{{(,:>\n] )|(?<=\n))\s{{0,40}}{_STRING}(?!\s*(?::|=>))"
)
_DEFAULT = re.compile(r":[-=]?(?P<v>[^{}\s\"':=-][^{}\s\"']{3,200})\}")
_REMARK = re.compile(r"[ \t]*+[:=][ \t]*+(?P<v>[^\s\"'`,;<>(){}\[\]]{6,200})(?=[\s,;]|\Z)")
_REMARKED = re.compile(r"[ \t]*(?:#|//|--|;|\*|/\*)")
_LIBPQ = re.compile(r"[ \t]*+=[ \t]*+(?P<v>[^\s;&\"'`<>{}$]{4,200})(?=[\s\"'`])")
_ELEMENT = re.compile(r"[^<>\r\n]{0,80}>(?:\s{0,40}<value>)?(?P<v>[^<>\r\n]{4,200})</")
_BLANK = re.compile(r"""[ \t]+"(?P<v>[^"\r\n\s]{6,200})"[ \t]*(?=[\r\n}]|\Z)""")

_PLACES = tuple(
    (kind, needles.split("|"), re.compile(pattern))
    for kind, needles, pattern in (
        ("password", "sshpass", r"\bsshpass[ \t]+-p[ \t]*[\"']?(?P<v>[^\s\"']{4,200})"),
        (
            "password",
            "mysql|mariadb",
            r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n|;&]{0,200}?[ \t]-p[\"']?"
            r"(?P<v>[^\s\"'|;&]{4,200})",
        ),
        (
            "password",
            "requirepass|masterauth",
            r"\b(?:requirepass|masterauth)[\"']?[ \t,]+[\"']?(?P<v>[^\s\"']{4,200})",
        ),
        (
            "password",
            "@tcp(|@udp(|@unix(",
            r"(?<![\w.-])[\w.-]{1,60}:(?P<v>[^\s\"'`@/]{3,200})@(?:tcp|udp|unix)\(",
        ),
        (
            "password",
            "auth|Auth|Credential|UsernamePassword|mysqli|PDO|.login(",
            r"(?:\bauth[ \t]*=[ \t]*\(|BasicAuth\w*\(|NetworkCredential\(|\bUsernamePassword\w*\("
            r"|\bbasic_?[aA]uth\(|\bmysqli(?:_connect)?\(|\bPDO\(|\.login\()"
            r"(?:[^()\r\n]{0,200}?,)??[ \t]*[\"'][^\"'\r\n]{1,100}[\"'],[ \t]*"
            r"[\"'](?P<v>[^\"'\r\n]{4,200})[\"'][ \t]*[,)]",
        ),
        (
            "password in an address",
            "://",
            r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|clickhouse)"
            r"(?:\+\w+)?://[^\s:/@\"'`<>]{0,100}:(?!\d{1,5}[/?#\s])(?P<v>[^\s\"'`<>]{1,200})"
            r"@(?=[\w\[-][\w.:\[\]-]{0,200}(?:[/?#]|[\s\"'`]|\Z))",
        ),
        ("encryption key", "Fernet(", r"\bFernet\([ \t]*b?[\"'](?P<v>[\w-]{43}=)[\"']"),
    )
)
_KUBERNETES = re.compile(r"(?m)^kind:[ \t]*[\"']?Secret\b")
_DATA = re.compile(
    r"(?m)^(?P<in>[ \t]*)(?:data|stringData):[ \t]*(?:\r\n|\r|\n)"
    r"(?:(?P=in)[ \t]+[^\r\n]*(?:\r\n|\r|\n|\Z)){1,200}"
)
_ENTRY = re.compile(
    r"(?m)^[ \t]+[\"']?[\w./-]+[\"']?:[ \t]*[\"']?(?P<v>[^\s\"'|>#{&*!][^\s\"'#]{2,})"
)

Found = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Spelled:
    """What may be a secret beside a name: its pieces, and whether its place alone says so."""

    pieces: tuple[tuple[int, int], ...]
    value: str
    weak: bool = True


def beside_name(text: str, head: str, name: str, end: int) -> Iterator[Spelled]:
    """Yield what may be the value of a name that ends at `end`; `head` is its line before it."""
    if (group := _GROUP.match(text, end)) is not None:
        pieces = _joined(text, group.end())
        if len(pieces) > 1 or "\n" in group[0] or "(" in group[0]:
            value = "".join(text[start:stop] for start, stop in pieces)
            yield Spelled(pieces, value, weak=False)
    for pattern in _AFTER:
        if (found := pattern.match(text, end)) is not None:
            yield _one(found)
    if name.lower().endswith("s") and (found := _LIST.match(text, end)) is not None:
        for item in _ITEM.finditer(text, *found.span("v")):
            yield _one(item)
    if "${" in head[-40:] and (found := _DEFAULT.match(text, end)) is not None:
        yield _one(found)
    if _REMARKED.match(head) and (found := _REMARK.match(text, end)) is not None:
        yield _one(found)
    quoted = "=" in head and ('"' in head or "'" in head)
    if quoted and (found := _LIBPQ.match(text, end)) is not None:
        yield _one(found)
    if "<" in head and (found := _ELEMENT.match(text, end)) is not None:
        yield _one(found)
    if head.rstrip()[-1:] in ("", "{", ";") and (found := _BLANK.match(text, end)) is not None:
        yield _one(found)


def continued(text: str, end: int) -> tuple[tuple[int, int], ...]:
    """Return the literals that are joined to the one that ends at `end`."""
    joint = _JOINT.match(text, end)
    pieces = _joined(text, joint.end()) if joint is not None and joint[0].strip(" \t") else ()
    return tuple((start, stop) for start, stop in pieces if not is_reference(text[start:stop]))


def by_place(text: str) -> Iterator[Found]:
    """Yield what stands where nothing but a secret does; may overlap."""
    for kind, needles, pattern in _PLACES:
        if not any(needle in text for needle in needles):
            continue
        for match in matches(pattern, text):
            if not is_reference(match["v"]):
                yield kind, *match.span("v")
    if "kind:" in text and contains(_KUBERNETES, text):
        for block in matches(_DATA, text):
            for entry in _ENTRY.finditer(text, block.start(), block.end()):
                if not is_reference(entry["v"]):
                    yield "value of a Kubernetes secret", *entry.span("v")


def _one(found: re.Match[str]) -> Spelled:
    return Spelled((found.span("v"),), found["v"])


def _joined(text: str, at: int) -> tuple[tuple[int, int], ...]:
    """Return the literals that are joined to one from `at` on."""
    pieces: list[tuple[int, int]] = []
    while (found := _PIECE.match(text, at)) is not None and len(pieces) < 50:
        pieces.append(found.span("v"))
        joint = _JOINT.match(text, found.end())
        if joint is None or not joint[0]:
            break
        at = joint.end()
    return tuple(pieces)
