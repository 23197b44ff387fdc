"""The words models use for a finding's parts and severity, in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aiex_lsp.responses.types import Severity


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LISTS = _words(
    """findings issues problems results comments vulnerabilities diagnostics bugs review errors
    warnings suggestions remarks items data analysis"""
)
"""Keys whose value is the list of findings."""

TITLE = _words("title name summary headline")
MESSAGE = _words(
    """message description issue problem text comment detail details finding explanation msg body"""
)
SEVERITY = _words("severity level priority impact risk importance kind type")
CATEGORY = _words("category rule type kind ruleid rule_id code_smell tag check class")
SUGGESTION = _words(
    """suggestion fix recommendation suggested_fix suggestedfix solution remedy remediation
    improvement how_to_fix advice"""
)
QUOTE = _words("quote code snippet code_snippet codesnippet excerpt source")
START = _words(
    """start_line startline line line_number linenumber lineno line_no line_start linestart
    from_line lines line_numbers linenumbers line_range location range position start"""
)
END = _words("end_line endline line_end lineend to_line end_line_number endlinenumber end")
"""Keys of a finding's parts, the likelier first."""

_BY_SEVERITY: Mapping[Severity, str] = {
    "error": "critical blocker high severe error err fatal danger bug urgent p0 p1",
    "warning": "medium moderate major warning warn important p2",
    "information": "low minor info information informational note notice p3",
    "hint": "nit nitpick style hint trivial suggestion cosmetic refactor convention optional",
}

SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {word: severity for severity, text in _BY_SEVERITY.items() for word in text.split()}
)
"""What models call a severity, to ours."""
