"""What Emacs' tests share: its packages, its scenarios, and the model that answers there."""

from __future__ import annotations

import os
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
LATEST = os.environ.get("AIEX_EMACS30") or shutil.which("emacs30")
PROGRAMS = {"usual": EMACS, "30": LATEST}
"""The Emacs on PATH, and a later one where it is there; `get_editors.sh` brings it."""
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
def missing(feature: str, which: str = "usual") -> str | None:
    """Return why tests with a package of an Emacs cannot run, None where they can."""
    program = PROGRAMS[which]
    if program is None:
        return "no emacs on PATH" if which == "usual" else "no emacs30 on PATH or in AIEX_EMACS30"
    looked = subprocess.run(
        [program, "--batch", "--eval", f"(progn (package-initialize) (require '{feature}))"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return f"this emacs has no {feature}" if looked.returncode else None


def sit_down(folder: Path, scenario: str, init: str = "", which: str = "usual") -> dict[str, Any]:
    """Return what the programmer of a scenario saw; `init` is their configuration."""
    program = PROGRAMS[which]
    assert program is not None
    (folder / "init.el").write_text(
        init.replace("/path/to/clone", str(PAGES.parent)), encoding="utf-8"
    )
    with desk(folder) as here:
        here.server.answer = Model()
        templates = here.source.parent / ".aiex" / "templates"
        templates.mkdir(parents=True)
        (templates / "beginner.md.j2").write_text(
            "---\ntitle: Explain to a beginner\nextends: explain\n---\n"
        )
        start = [program, "--batch", "--eval", "(package-initialize)"]
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
    found = re.findall(r"^```elisp\n(.*?)^```$", _page(), re.M | re.S)
    return next(block for block in found if f"aiex-{client}-setup" in block)


def compiled(file: str, which: str) -> str:
    """Return what the byte compiler says of a file and of those it needs; warnings are errors."""
    # The compiler renames its output to the destination: never to a device, as root does.
    with TemporaryDirectory() as out:
        return _batch(
            which,
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


def checked(which: str) -> str:
    """Return what checkdoc says of the package."""
    return _batch(
        which,
        "(require 'checkdoc)",
        "(setq checkdoc-arguments-in-order-flag nil checkdoc-verb-check-experimental-flag nil)",
        *(f'(checkdoc-file "{one}")' for one in sorted(PACKAGE.glob("*.el"))),
    )


def installed(folder: Path, which: str) -> list[str]:
    """Return commands that Emacs has by name alone once it has installed the package's folder."""
    names = "'(aiex-menu aiex-beside-setup aiex-eglot-setup)"
    said = _batch(
        which,
        f'(setq package-user-dir "{folder}" package-archives nil inhibit-message t)',
        f'(package-install-file "{PACKAGE}")',
        f'(setq load-path (delete "{PACKAGE}" load-path) inhibit-message nil)',
        f'(dolist (name {names}) (when (fboundp name) (message "has %s" name)))',
    )
    return sorted(line[4:] for line in said.splitlines() if line.startswith("has "))


def set_up_by_use_package() -> str:
    """Return the hooks of programming modes after the page's lines for use-package."""
    block = re.search(r"^\(use-package .*?\)\)$", _page(), re.M | re.S)
    assert block is not None
    lines = block[0].replace("/path/to/clone", str(PAGES.parent))
    return _batch("30", lines, '(message "%S" prog-mode-hook)')


def _page() -> str:
    return (PAGES / "emacs.md").read_text(encoding="utf-8")


def _batch(which: str, *forms: str) -> str:
    program = PROGRAMS[which]
    assert program is not None
    start = [program, "--batch", "-L", str(PACKAGE), "--eval", "(package-initialize)"]
    evaluated = [word for form in forms for word in ("--eval", form)]
    ran = subprocess.run(
        [*start, *evaluated], capture_output=True, text=True, timeout=60, check=False
    )
    loud = [line for line in ran.stderr.splitlines() if not line.startswith(("Loading ", "Wrote "))]
    return "\n".join(line for line in loud if line.strip())
