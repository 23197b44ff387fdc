"""What Emacs' tests share: its packages, its scenarios, and the model that answers there."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.editors.harness import (
    EXPLANATION,
    PAGES,
    REFACTORED,
    answer,
    desk,
    seen_by,
)
from tests.servers.script import Reply, Silence, Step

EMACS = shutil.which("emacs")
PACKAGE = PAGES / "emacs"
SCRIPTS = Path(__file__).parent

FIXED = """\
def total(prices, discount=0):
    \"\"\"Return the sum of prices less a discount.\"\"\"
    if discount < 0:
        raise ValueError("a discount is not negative")
    return sum(prices) - discount  # 😀 total
"""
DOCUMENTED = """\
def total(prices, discount=0):
    \"\"\"Return the sum of prices less a discount, which is 0 where none is given.\"\"\"
    return sum(prices) - discount  # 😀 total
"""
SLOW = 11.5
"""Seconds a model takes that eglot's ten seconds for a command do not cover."""


class Model:
    """A model that does what the instruction or question in the prompt says."""

    def __init__(self) -> None:
        self._cut = False

    def __call__(self, body: dict[str, Any]) -> Step:
        """Return the answer to one request."""
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        code = Reply(f"Shorter:\n\n```python\n{REFACTORED}```")
        if "very slowly" in prompt:
            return Reply(code.text, first_token=SLOW)
        if "a moment later" in prompt:
            return Reply(code.text, first_token=1.0)
        if "Never answer" in prompt:
            return Silence(after_headers=True)
        if "Begin anew" in prompt:
            cut, self._cut = not self._cut, True
            whole = "This came whole at the second try."
            return Reply(whole, between=0.05, cut_after=4 if cut else None)
        if "Why is nothing rounded?" in prompt:
            return Reply("Because nobody asked for it.", between=0.02)
        if "corrects code" in prompt:
            return Reply(f"Checked:\n\n```python\n{FIXED}```")
        if "documents code" in prompt:
            return Reply(f"Documented:\n\n```python\n{DOCUMENTED}```")
        usual = answer(body)
        return Reply(usual.text, between=0.03) if usual.text == EXPLANATION else usual


@cache
def missing(feature: str) -> str | None:
    """Return why tests with a package of Emacs cannot run, None where they can."""
    if EMACS is None:
        return "no emacs on PATH"
    looked = subprocess.run(
        [EMACS, "--batch", "--eval", f"(progn (package-initialize) (require '{feature}))"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return f"this emacs has no {feature}" if looked.returncode else None


def sit_down(folder: Path, scenario: str, init: str = "", config: str = "") -> dict[str, Any]:
    """Return what the programmer of a scenario saw; `init` is their configuration."""
    assert EMACS is not None
    (folder / "init.el").write_text(
        init.replace("/path/to/clone", str(PAGES.parent)), encoding="utf-8"
    )
    with desk(folder) as here:
        here.server.answer = Model()
        settings = folder / "config.toml"
        settings.write_text(settings.read_text() + config)
        templates = here.source.parent / ".aiex" / "templates"
        templates.mkdir(parents=True)
        (templates / "beginner.md.j2").write_text(
            "---\ntitle: Explain to a beginner\nextends: explain\n---\n"
        )
        start = [EMACS, "--batch", "--eval", "(package-initialize)"]
        scripts = ["-l", str(SCRIPTS / "emacs.el"), "-l", str(SCRIPTS / f"emacs-{scenario}.el")]
        return seen_by(
            here,
            [*start, *scripts],
            limit=90,
            AIEX_INIT=str(folder / "init.el"),
            AIEX_SOURCE=str(here.source),
            AIEX_OWN=str(SCRIPTS / "emacs_own_server.py"),
        )


def configuration(client: str) -> str:
    """Return what the page has its reader write for a client."""
    text = (PAGES / "emacs.md").read_text(encoding="utf-8")
    found = re.findall(r"^```elisp\n(.*?)^```$", text, re.M | re.S)
    return next(block for block in found if f"aiex-{client}-setup" in block)


def compiled(file: str) -> str:
    """Return what the byte compiler says of a file and of those it needs; warnings are errors."""
    # The compiler renames its output to the destination: never to a device, as root does.
    with TemporaryDirectory() as out:
        return _batch(
            "(setq byte-compile-error-on-warn t)",
            "(setq byte-compile-dest-file-function"
            f' (lambda (file) (expand-file-name (concat (file-name-base file) ".elc") "{out}")))',
            f'(byte-compile-file "{PACKAGE / file}")',
            *(
                f'(byte-compile-file "{one}")'
                for one in sorted(PACKAGE.glob("*.el"))
                if one.stem not in ("aiex-eglot", "aiex-lsp-mode", "aiex-beside")
            ),
        )


def checked() -> str:
    """Return what checkdoc says of the package."""
    return _batch(
        "(require 'checkdoc)",
        "(setq checkdoc-arguments-in-order-flag nil checkdoc-verb-check-experimental-flag nil)",
        *(f'(checkdoc-file "{one}")' for one in sorted(PACKAGE.glob("*.el"))),
    )


def _batch(*forms: str) -> str:
    assert EMACS is not None
    start = [EMACS, "--batch", "-L", str(PACKAGE), "--eval", "(package-initialize)"]
    evaluated = [word for form in forms for word in ("--eval", form)]
    ran = subprocess.run(
        [*start, *evaluated], capture_output=True, text=True, timeout=60, check=False
    )
    loud = [line for line in ran.stderr.splitlines() if not line.startswith(("Loading ", "Wrote "))]
    return "\n".join(line for line in loud if line.strip())
