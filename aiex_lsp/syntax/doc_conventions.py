"""Which convention a documentation comment follows, and how a prompt says it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from aiex_lsp.syntax.doc_forms import Family

_M = re.MULTILINE
_SIGNS: dict[str, re.Pattern[str]] = {
    "numpy": re.compile(
        r"^[ \t]*(?:Parameters|Returns|Raises|Yields|Attributes|Examples|Notes|See Also)[ \t]*"
        r"\r?\n[ \t]*-{3,}[ \t]*$",
        _M,
    ),
    "google": re.compile(
        r"^[ \t]*(?:Args|Arguments|Returns|Raises|Yields|Attributes|Examples?|Keyword Args)"
        r":[ \t]*$",
        _M,
    ),
    "sphinx": re.compile(
        r"^[ \t]*:(?:param|parameter|type|returns?|rtype|raises?|ivar|cvar|var)\b[^:\n]*:", _M
    ),
    "jsdoc": re.compile(r"@(?:param|arg|returns?|type|typedef|property|throws)\s+\{"),
    "tsdoc": re.compile(
        r"@(?:param\s+[\w.$]+\s+-|typeParam|remarks|privateRemarks|packageDocumentation)"
    ),
    "yard": re.compile(r"@(?:param|return|raise|example|option|yield|see|api|note)\b"),
    "rdoc": re.compile(r":(?:call-seq|nodoc|yields|doc):|^[ \t]*=+ \w|^\+\w+\+::|\+\w+\+", _M),
    "emmylua": re.compile(r"@(?:param\s+[\w.?]+\s+\S|return\s+[\w.|]+|class\b|field\b|type\b)"),
    "luadoc": re.compile(r"@(?:tparam|treturn|module|function|usage|tab)\b"),
}  # fmt: skip
_FALLBACK = {"yard": "rdoc"}
"""What the comments of a file are that shows no sign of its language's usual convention."""
_ENOUGH = 3
"""So many docstrings of whole sentences only are a convention, fewer an accident."""

_WORDS: dict[str, str] = {
    "google": "Google style docstring: summary line, then Args:, Returns:, Raises: "
    "where they apply",
    "numpy": "NumPy style docstring: summary line, then sections underlined with dashes "
    "(Parameters, Returns, Raises) where they apply",
    "sphinx": "Sphinx (reStructuredText) docstring: summary line, then :param name:, :returns:, "
    ":raises Error: fields where they apply",
    "plain": "plain prose: a summary line, then details where they are needed, no sections",
    "jsdoc": "JSDoc: summary, then @param {type} name - text, @returns {type} text, @throws",
    "tsdoc": "TSDoc: summary, then @param name - text, @returns text, @throws; no types in braces",
    "rustdoc": "rustdoc in Markdown: summary line, then sections # Errors, # Panics, # Safety, "
    "# Examples where they apply",
    "godoc": "godoc: whole sentences that begin with the name of what is documented, no tags",
    "javadoc": "Javadoc: summary sentence, then @param name text, @return text, @throws Type text",
    "kdoc": "KDoc in Markdown: summary, then @param name text, @return text, @throws Type text",
    "scaladoc": "Scaladoc: summary, then @param name text, @return text, @throws Type text",
    "xmldoc": 'C# XML documentation: <summary>, <param name="…">, <returns>, <exception cref="…">',
    "elixir @doc": "Elixir documentation in Markdown: summary line, then ## Examples with iex> "
    "where it helps",
    "yard": "YARD: summary, then @param name [Type] text, @return [Type] text, @raise [Error] text",
    "rdoc": "RDoc: plain prose, +code+ for names, no tags",
    "doxygen": "Doxygen: @brief summary, then @param name text, @return text",
    "emmylua": "Lua annotations: summary, then @param name type text, @return type text",
    "luadoc": "LDoc: summary, then @tparam type name text, @treturn type text",
    "phpdoc": "PHPDoc: summary, then @param Type $name text, @return Type text, @throws Type",
    "swift markup": "Swift markup: summary, then - Parameter name: text, - Returns: text, "
    "- Throws: text",
    "dartdoc": "dartdoc in Markdown: a summary sentence, names in [brackets], no tags",
}  # fmt: skip


def convention_of(
    contents: Iterable[str], family: Family, usual: Callable[[], str | None] | None = None
) -> str:
    """Return the convention most comments follow, else what `usual` tells, else the language's."""
    texts = list(contents)
    known = [name for name in _SIGNS if name in family.known]
    counts: Counter[str] = Counter()
    for text in texts:
        # A comment in the style of two counts for the more telling, which is listed first.
        sign = next((name for name in known if _SIGNS[name].search(text)), None)
        if sign is not None:
            counts[sign] += 1
    if counts:
        return max(counts, key=lambda name: (counts[name], -known.index(name)))
    # Where a language has one convention nobody needs to be asked.
    told = usual() if usual is not None and known else None
    if told is not None and told in family.known:
        return told
    prose = _FALLBACK.get(family.convention) or ("plain" if "plain" in family.known else None)
    if prose is not None and sum(map(bool, texts)) >= _ENOUGH:
        return prose
    return family.convention


def marker_of(contents: Iterable[str]) -> str:
    r"""Return what begins a comment's commands: `\` where the file writes `\param`, else `@`."""
    joined = "\n".join(contents)
    slashed = len(re.findall(r"(?m)(?:^|\s)\\(?:param|brief|returns?|throws?|file|note)\b", joined))
    return "\\" if slashed > len(re.findall(r"(?m)(?:^|\s)@\w+", joined)) else "@"


def words_of(convention: str, marker: str) -> str:
    """Return what a model is told of a convention."""
    words = _WORDS.get(convention, _WORDS["plain"])
    return words if marker == "@" else re.sub(r"@(?=\w)", lambda _: marker, words)
