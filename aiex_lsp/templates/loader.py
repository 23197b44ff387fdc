"""Reads template files: YAML front matter with the line of each key, and the body below it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiex_lsp.templates.types import Source, TemplateProblem

if TYPE_CHECKING:
    from yaml import Node

SUFFIX = ".md.j2"
MAX_FILE_BYTES = 64 * 1024
"""A prompt of 64 KiB is some 16,000 tokens of instructions: more is a mistake or an attack."""
_MAX_HEAD_CHARS = 16 * 1024
_MAX_HEAD_DEPTH = 12


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file as written: `head` are YAML values, `lines` their places ("variables.code.type")."""

    path: Path
    source: Source
    head: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1

    @property
    def stem(self) -> str:
        """Return the file's name without its suffix: the id where the head names none."""
        return self.path.name.removesuffix(SUFFIX)


def load_file(path: Path, source: Source) -> tuple[TemplateFile | None, list[TemplateProblem]]:
    """Return the file's parts, None where it cannot be used, and what is wrong with it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None, [_problem(path, 1, "is not a regular file")]
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return None, [_problem(path, 1, f"cannot be read: {error.strerror or 'I/O error'}")]
    if len(raw) > MAX_FILE_BYTES:
        return None, [_problem(path, 1, f"is larger than {MAX_FILE_BYTES // 1024} KiB")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [_problem(path, line, "is not UTF-8 text")]
    return parse_text(text, path, source)


def parse_text(
    text: str, path: Path, source: Source
) -> tuple[TemplateFile | None, list[TemplateProblem]]:
    """Return the parts of a template file's text, None where it cannot be used, and problems."""
    from frontmatter.default_handlers import YAMLHandler

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    handler = YAMLHandler()
    if not handler.detect(text):
        return None, [_problem(path, 1, "has no front matter: begin with a line ---")]
    try:
        head_text, body = handler.split(text)
    except ValueError:
        return None, [_problem(path, 1, "has front matter without an end: close it with ---")]
    if len(head_text) > _MAX_HEAD_CHARS:
        return None, [_problem(path, 1, f"has front matter above {_MAX_HEAD_CHARS // 1024} KiB")]
    before_head = text[: text.index(head_text, 3)] if head_text else ""
    trusted = source == "builtin"
    head, lines, problems = _parse_head(head_text, before_head.count("\n"), path, trusted)
    if head is None:
        return None, problems
    body_line = text.count("\n", 0, len(text) - len(body)) + 1
    return TemplateFile(path, source, head, lines, body, body_line), problems


def _parse_head(
    text: str, offset: int, path: Path, trusted: bool
) -> tuple[dict[str, Any] | None, dict[str, int], list[TemplateProblem]]:
    import yaml

    lines: dict[str, int] = {}
    problems: list[TemplateProblem] = []
    try:
        loader = _loader(text, trusted)
        node = loader.get_single_node()
        if node is None:
            return {}, lines, problems
        if not isinstance(node, yaml.MappingNode):
            return None, lines, [_problem(path, offset + 1, "has front matter that is no mapping")]
        head = _mapping(loader, node, "", offset, lines, problems, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = offset + (mark.line + 1 if mark else 1)
        what = f"is not valid YAML: {error.problem or error.context or 'syntax error'}"
        return None, lines, [_problem(path, line, what)]
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return None, lines, [_problem(path, offset + 1, "has front matter that is not valid YAML")]
    return head, lines, problems


def _loader(text: str, trusted: bool) -> Any:
    import yaml

    if trusted and yaml.__with_libyaml__:
        # Ten times as fast, but its recursion is C's, which no bound of ours reaches.
        return yaml.CSafeLoader(text)

    class Loader(yaml.SafeLoader):
        """Without anchors and aliases: a few lines of them make gigabytes."""

        depth = 0

        def compose_node(self, parent: Node | None, index: Any) -> Node | None:
            events: Any = self
            mark = events.peek_event().start_mark
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(None, None, "aliases are not available", mark)
            if self.depth >= _MAX_HEAD_DEPTH:
                raise yaml.composer.ComposerError(None, None, "is nested too deeply", mark)
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    return Loader(text)


def _mapping(
    loader: Any,
    node: Any,
    prefix: str,
    offset: int,
    lines: dict[str, int],
    problems: list[TemplateProblem],
    path: Path,
) -> dict[str, Any]:
    """Return a mapping's values; mappings three levels down get their lines noted too."""
    import yaml

    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = offset + key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            problems.append(_problem(path, line, "has a key that is no text"))
            continue
        place = f"{prefix}{key}"
        if key in result:
            problems.append(_problem(path, line, f"sets {key!r} twice"))
        lines[place] = line
        if isinstance(value_node, yaml.MappingNode) and place.count(".") < 2:
            result[key] = _mapping(loader, value_node, f"{place}.", offset, lines, problems, path)
        else:
            result[key] = loader.construct_object(value_node, deep=True)
    return result


def _problem(path: Path, line: int, message: str) -> TemplateProblem:
    return TemplateProblem(str(path), line, message)
