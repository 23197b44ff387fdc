"""A guess at the language of code that has no label, and whether a text is prose."""

from __future__ import annotations

import re

MAX_LOOKED_AT = 4000
"""Characters of a block that are looked at: the first screens tell."""

_CLUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "python",
        (
            r"^[ \t]*(?:async )?def \w+\(.*(?:\)|,|\()[^{]*:?[ \t]*$",
            r"^[ \t]*class \w+(?:\([^)\n]*\))?:[ \t]*$",
            r"^(?:from [\w.]+ import |import [\w.]+(?: as \w+)?[ \t]*$)",
            r"^[ \t]*(?:if|elif|for|while|with|try|except|else)\b[^{};]*:[ \t]*(?:#.*)?$",
            r"^[ \t]*@(?:pytest|dataclass|property|staticmethod|classmethod|functools)\b",
            r"\bself\.\w+|__\w+__|\bNone\b|\belif\b",
            r"^[ \t]*assert [^(\n]",
            r"^>>> ",
        ),
    ),
    (
        "javascript",
        (
            r"^[ \t]*(?:export |async )*function\*? ?\w*\([^:)]*\) ?\{",
            r"^[ \t]*(?:export )?(?:const|let|var) [\w{\[]",
            r"=> ?[{(\w]",
            r"\bconsole\.\w+\(|\brequire\(|\bmodule\.exports\b",
            r"^import .* from ['\"]",
            r"^(?:describe|it|test)\(['\"`]",
            r"===|!==",
        ),
    ),
    (
        "typescript",
        (
            r"^[ \t]*(?:export )?(?:interface|type|enum) \w+(?:<[^>\n]*>)?(?: extends \w+)? ?[{=]",
            r"\b(?:const|let) \w+: [\w<>\[\]|{} ]+ =",
            r"\w+\??: (?:string|number|boolean|unknown|any|void|Promise<)[^\n]*[,;)={]",
            r"\): [\w<>\[\]| ]+ (?:\{|=>)",
            r"\b(?:private|public|readonly) \w+:",
            r"^import type ",
        ),
    ),
    (
        "go",
        (
            r"^package \w+[ \t]*$",
            r"^func (?:\(\w+ \*?\w+\) )?\w+\(",
            r":= ",
            r"^import \(|^import \"",
            r"\bif err != nil\b",
            r"^type \w+ (?:struct|interface) \{",
        ),
    ),
    (
        "rust",
        (
            r"^[ \t]*(?:pub(?:\(\w+\))? )?(?:async )?fn \w+",
            r"\blet (?:mut )?\w+(?:: [\w<>&\[\]]+)? = ",
            r"^[ \t]*(?:pub )?(?:struct|enum|trait|impl|mod)\b[^:]*\{",
            r"^use [\w:]+(?:::|;)",
            r"\b(?:println|vec|assert|assert_eq|panic|format)!\(?",
            r"^[ \t]*#\[\w+",
            r"-> (?:Result|Option|Self|&|[iu]\d+)",
        ),
    ),
    (
        "java",
        (
            r"^[ \t]*(?:public|private|protected) (?:static |final |"
            r"abstract )*[\w<>\[\], ]+ \w+\([^)]*\)"
            r"[^;{\n]*\{",
            r"^[ \t]*(?:public |final |abstract )*(?:class|interface|enum|record) \w+[^:\n]*\{",
            r"^import (?:static )?(?:java|javax|org|com)\.",
            r"\bSystem\.out\.print|\bString\[\]|@Override|@Test\b",
            r"^package [\w.]+;",
        ),
    ),
    (
        "csharp",
        (
            r"^using [\w.]+;",
            r"^[ \t]*namespace [\w.]+",
            r"\bConsole\.Write|\bstring\[\]|\bvar \w+ = new\b",
            r"\{ get; (?:private )?(?:set|init);? ?\}",
            r"^[ \t]*(?:public|private|internal|protected) (?:static |async |override |"
            r"sealed )*[\w<>\[\]?]+ \w+",
            r"^[ \t]*\[(?:Fact|Test|TestMethod|HttpGet)",
        ),
    ),
    (
        "cpp",
        (
            r"^#include <(?:iostream|vector|string|memory|map|algorithm|cstd\w+)>",
            r"\bstd::\w+",
            r"^[ \t]*template ?<",
            r"\busing namespace \w+;",
            r"\bcout ?<<|\bnullptr\b|\bconstexpr\b",
            r"^[ \t]*(?:public|private|protected):[ \t]*$",
        ),
    ),
    (
        "c",
        (
            r"^#include [<\"][\w/.]+\.h[>\"]",
            r"^(?:static |const |unsigned )*(?:int|void|char|double|float|size_t|"
            r"bool) \*?\w+\([^)\n]*\)[ \t]*\{?[ \t]*$",
            r"\b(?:printf|malloc|free|sizeof|strlen|memcpy)\(",
            r"^#define \w+",
            r"\b(?:struct \w+|char|int) ?\*\w+",
        ),
    ),
    (
        "ruby",
        (
            r"^[ \t]*def (?:self\.)?\w+[?!]?(?:\([^)\n]*\)|(?: \w+(?:, ?\w+)*)?)[ \t]*$",
            r"^[ \t]*end[ \t]*$",
            r"\bdo \|[^|\n]*\|",
            r"^require(?:_relative)? ['\"]",
            r"\bputs |\battr_(?:reader|accessor)\b|\.each\b|@\w+ = ",
            r"^[ \t]*(?:module|class) [A-Z]\w*(?: < [A-Z]\w*)?[ \t]*$",
        ),
    ),
    (
        "php",
        (r"<\?php", r"\$\w+ = ", r"\$this->", r"^[ \t]*(?:public |private )?function \w+\([^)]*\$"),
    ),
    (
        "elixir",
        (
            r"^[ \t]*defmodule [\w.]+ do",
            r"^[ \t]*defp? \w+[?!]?(?:\([^\n]*\))?(?: when [^\n]+)?(?: do|, do:)",
            r"\|> ",
            r"^[ \t]*(?:use|alias|import) [A-Z][\w.]*",
            r"\bfn [^\n]*->|\bIO\.\w+|%\{",
        ),
    ),
    (
        "lua",
        (
            r"^[ \t]*local (?:function )?\w+",
            r"^[ \t]*function [\w.:]*\([^)\n]*\)[ \t]*$",
            r"\bthen[ \t]*$",
            r"~=|\.\. ?[\"\w]",
            r"\bipairs\(|\bpairs\(",
        ),
    ),
    (
        "shellscript",
        (
            r"^#!/(?:usr/)?bin/(?:env )?(?:ba|z)?sh",
            r"^[ \t]*(?:\$ )?(?:sudo |pip3? install|npm |npx |yarn |pnpm |git |cd |mkdir |"
            r"curl |docker |python3? -m|"
            r"python3? \w+\.py|pytest(?: |$)|apt(?:-get)? |brew |cargo |go (?:test|run|build|"
            r"get)|make(?: |$)|"
            r"export \w+=|echo |chmod |bundle |mix |uv |node )",
            r"^[ \t]*(?:if|while) \[\[? .* \]\]?; ?(?:then|do)",
            r"^[ \t]*(?:fi|done|esac)[ \t]*$",
            r"^set -[euxo]+",
        ),
    ),
    ("html", (r"^<!DOCTYPE html", r"</(?:div|html|body|p|span|script|head)>")),
    (
        "sql",
        (
            r"^[ \t]*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|"
            r"DROP TABLE)\b",
            r"\b(?:FROM \w+ |WHERE \w+|GROUP BY|ORDER BY|VALUES ?\()",
        ),
    ),
    ("diff", (r"^(?:---|\+\+\+) [ab]/", r"^@@ -\d+")),
)

_WORD = re.compile(r"[A-Za-z][a-z']+")
_STOPWORDS = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "to",
        "and",
        "is",
        "are",
        "it",
        "this",
        "that",
        "with",
        "which",
        "in",
        "for",
        "on",
        "as",
        "be",
        "by",
        "you",
        "your",
        "we",
        "can",
        "will",
        "function",
        "code",
        "here",
        "returns",
        "uses",
        "used",
        "using",
        "when",
        "each",
        "from",
        "has",
        "have",
        "takes",
        "should",
    ]
)


def detect(code: str) -> str | None:
    """Return the language a block looks like, None where too little tells."""
    head = code[:MAX_LOOKED_AT]
    if _is_json(code):
        return "json"
    best, best_score = None, 0
    for language, patterns in _CLUES:
        score = sum(1 for p in patterns if re.search(p, head, re.MULTILINE))
        if language == "typescript" and score:
            score += 1 + sum(1 for p in _CLUES[1][1] if re.search(p, head, re.MULTILINE))
        if language == "cpp" and score:
            score += sum(1 for p in _CLUES[8][1] if re.search(p, head, re.MULTILINE))
        if score > best_score:
            best, best_score = language, score
    strong = best_score >= 2 or (best_score == 1 and not is_prose(head))
    return best if strong else None


def is_prose(text: str) -> bool:
    """Return whether a text reads as sentences rather than code."""
    head = text[:MAX_LOOKED_AT]
    words = _WORD.findall(head)
    if not words:
        return False
    stop = sum(1 for word in words if word.lower() in _STOPWORDS)
    marks = len(re.findall(r"[{}=;<>\[\]]|\(\)|\):|^[ \t]+\S", head, re.MULTILINE))
    comment = len(re.findall(r"^[ \t]*(?:#|//|\"\"\"|'''|\*|--)", head, re.MULTILINE))
    sentence = bool(re.search(r"[a-z`)]{2}[.:!?](?:\s|$)", head))
    if stop >= 0.2 * len(words) and len(words) >= 4 and comment == 0:
        return marks <= len(words) / 4
    return sentence and marks == 0 and comment == 0 and len(words) >= 3


def _is_json(code: str) -> bool:
    import json

    text = code.strip()
    if not text or text[0] not in "{[" or len(text) > 100_000:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return bool(re.match(r"\{\s*\"[^\"\n]{1,100}\"\s*:", text)) and "=>" not in text[:200]
    return text[0] == "{" or '"' in text or "," in text
