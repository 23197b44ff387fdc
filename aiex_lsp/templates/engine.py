"""Renders templates: compiled once, each rendering under its own bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aiex_lsp.errors import TemplateError
from aiex_lsp.templates import variables as values_of
from aiex_lsp.templates.types import Rendered, Template

if TYPE_CHECKING:
    import jinja2

    from aiex_lsp.templates.meter import Limits, Meter
    from aiex_lsp.templates.registry import TemplateRegistry
    from aiex_lsp.templates.sandbox import MeteredContext, Sandbox

_MAX_ANCESTORS = 10


@dataclass(frozen=True, slots=True)
class _Compiled:
    template: Template
    conditionals: tuple[tuple[str, jinja2.Template], ...]
    blocks: Mapping[str, tuple[Callable[..., Any], ...]]


class Engine:
    """Renders the registry's templates; may be used from any thread.

    It reads no files: who wants new ones at once calls `registry.reload_if_changed()` first.
    """

    def __init__(
        self,
        registry: TemplateRegistry,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._limits = limits
        self._clock = clock
        self._env: Sandbox | None = None
        self._compiled: dict[str, _Compiled] = {}
        self._lock = threading.Lock()

    def render(
        self,
        template_id: str,
        variables: Mapping[str, Any],
        *,
        extras: Mapping[str, Any] | None = None,
        strict: bool = False,
    ) -> Rendered:
        """Return the prompt. `variables` win over `extras`, of which unknown ones are ignored.

        Raises `TemplateError` for an unknown template, a missing, mistyped or not listed value,
        with `strict` an undeclared name in `variables`, and anything that goes wrong inside: an
        undefined value, or more time or text than a prompt may take.
        """
        template = self._registry.get(template_id)
        values = values_of.bind(template, variables, extras, strict=strict)
        return self._render(self.compile(template), values)

    def from_texts(self, template_id: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return values of the declared types from a command line's `--var k=v` texts."""
        return values_of.from_texts(self._registry.get(template_id), texts)

    def warm(self) -> None:
        """Compile every template: some milliseconds each, for a thread to spend before the first.

        Those that do not compile are left for `render` to report.
        """
        for template in self._registry.all():
            try:
                self.compile(template)
            except TemplateError:
                continue

    def compile(self, template: Template) -> _Compiled:
        """Return the compiled template, kept until the registry has another one of its id.

        Raises `TemplateError` with file and line.
        """
        with self._lock:
            known = self._compiled.get(template.id)
            if known is None or known.template is not template:
                known = self._compile(template)
                self._compiled[template.id] = known
            return known

    def _compile(self, template: Template) -> _Compiled:
        from aiex_lsp.templates.language import analyze_body, analyze_expression

        env = self._env = self._env or _sandbox()
        known: dict[str, str] = {one.name: one.type for one in template.variables}
        conditionals = []
        for name, expression in template.conditionals.items():
            analysis = analyze_expression(env, expression, known)
            if analysis.problems or analysis.tree is None:
                message = f"conditional {name!r}: {analysis.problems[0][1]}"
                raise _broken(template, message, template.lines.get(f"conditionals.{name}", 1))
            conditionals.append((name, _compiled(env, template, analysis.tree)))
            known[name] = "boolean"
        blocks: dict[str, tuple[Callable[..., Any], ...]] = {}
        for one in ancestry(template):
            analysis = analyze_body(env, one.body, known)
            if analysis.problems or analysis.tree is None:
                line, message = min(analysis.problems)
                raise _broken(template, message, one.body_line + line - 1, one)
            for name, function in _compiled(env, one, analysis.tree).blocks.items():
                blocks[name] = (*blocks.get(name, ()), function)
        if "user" not in blocks:
            raise _broken(template, "has no block user", template.body_line)
        return _Compiled(template, tuple(conditionals), blocks)

    def _render(self, compiled: _Compiled, values: dict[str, Any]) -> Rendered:
        from jinja2.exceptions import TemplateError as JinjaError

        from aiex_lsp.templates.meter import Limits, Meter

        assert self._env is not None
        template = compiled.template
        meter = Meter(self._limits or Limits(), self._clock)
        known = {**self._env.globals, **values}
        name = ""
        try:
            for name, expression in compiled.conditionals:
                context = self._context(template, known, meter)
                list(expression.root_render_func(context))
                known[name] = bool(context.vars["_"])
            name = ""
            context = self._context(template, known, meter)
            context.blocks = {block: list(made) for block, made in compiled.blocks.items()}
            system, user = (
                "".join(context.blocks[part][0](context)) if part in context.blocks else ""
                for part in ("system", "user")
            )
        except (
            JinjaError,
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            raise _failed(template, error, name) from None
        if not user.strip():
            raise TemplateError(
                f"Template {template.id} renders an empty prompt",
                "Give it something to ask",
                file=template.path or None,
                line=template.body_line,
            )
        return Rendered(system, user)

    def _context(self, template: Template, known: dict[str, Any], meter: Meter) -> MeteredContext:
        from aiex_lsp.templates.sandbox import MeteredContext

        assert self._env is not None
        context = MeteredContext(self._env, known, template.id, {})
        context.meter = meter
        return context


def ancestry(template: Template) -> list[Template]:
    """Return the template and those it extends, nearest first."""
    chain = [template]
    while chain[-1].parent is not None and len(chain) <= _MAX_ANCESTORS:
        chain.append(chain[-1].parent)
    return chain


def _sandbox() -> Sandbox:
    from aiex_lsp.templates.sandbox import Sandbox

    return Sandbox()


def _compiled(env: Sandbox, template: Template, tree: Any) -> jinja2.Template:
    import jinja2

    from aiex_lsp.templates.instrument import compile_tree

    try:
        code = compile_tree(env, tree, template.id, template.path)
    except jinja2.TemplateSyntaxError as error:
        line = template.body_line + error.lineno - 1
        raise _broken(template, error.message or "syntax error", line) from None
    return jinja2.Template.from_code(env, code, env.globals)


def _broken(
    template: Template, message: str, line: int, where: Template | None = None
) -> TemplateError:
    path = (where or template).path
    return TemplateError(
        f"Template {template.id}, line {line}: {message}",
        "Run `aiex-lsp templates check`",
        file=path or None,
        line=line,
    )


def _failed(template: Template, error: Exception, conditional: str) -> TemplateError:
    from jinja2.exceptions import SecurityError, UndefinedError

    from aiex_lsp.templates.meter import TooMuch

    one, line = _place(template, error.__traceback__)
    if conditional:
        where = f", conditional {conditional!r}"
        one, line = template, template.lines.get(f"conditionals.{conditional}")
    else:
        where = f", line {line}" if line else ""
    step = "Run `aiex-lsp templates check`"
    if isinstance(error, TooMuch):
        step = "Shorten its loops, or give it less code"
    if isinstance(error, TooMuch | SecurityError | UndefinedError):
        what = (error.message or "failed").splitlines()[0][:100]
    elif isinstance(error, RecursionError | MemoryError):
        what = "works on too large a value"
    else:
        # The text of any other error may quote a value, which may be the user's code.
        what = f"an operation does not fit its values ({type(error).__name__})"
    return TemplateError(
        f"Template {template.id}{where}: {what}",
        step,
        file=one.path or None,
        line=line,
    )


def _place(template: Template, traceback: TracebackType | None) -> tuple[Template, int | None]:
    """Return which template of the ancestry failed, and the line of its file."""
    import jinja2

    found: tuple[Template, int | None] = (template, None)
    known = {one.path or "<template>": one for one in ancestry(template)}
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(module, jinja2.Template):
            one = known.get(traceback.tb_frame.f_code.co_filename, template)
            line = module.get_corresponding_lineno(traceback.tb_lineno)
            found = (one, one.body_line + line - 1)
        traceback = traceback.tb_next
    return found
