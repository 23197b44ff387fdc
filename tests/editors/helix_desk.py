"""A real Helix in a terminal: keys go in, the screen is read."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.editors.harness import PAGES, SOURCE, Desk, desk

HELIX = os.environ.get("AIEX_HX") or shutil.which("hx") or shutil.which("helix")
TMUX = shutil.which("tmux")
Shown = TypeVar("Shown")
OWN = Path(__file__).parent / "emacs_own_server.py"


def missing() -> str | None:
    """Return why Helix cannot be driven here, None where it can."""
    if HELIX is None:
        return "no hx on PATH"
    return None if TMUX is not None else "no tmux on PATH, the terminal that Helix is driven in"


@dataclass(frozen=True)
class Helix:
    """A running Helix, at the desk its programmer sits at."""

    here: Desk
    environment: dict[str, str]

    def _tmux(self, *words: str) -> str:
        assert TMUX is not None
        command = [TMUX, "-S", str(self.here.folder / "tmux"), "-f", os.devnull, *words]
        ran = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=20, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def open(self, file: Path) -> None:
        """Open a file in a terminal of 110 columns."""
        assert HELIX is not None
        where = ["-x", "110", "-y", "36", "-c", str(self.here.source.parent)]
        self._tmux("new-session", "-d", *where, shlex.join([HELIX, str(file)]))

    def close(self) -> None:
        """End the terminal, and Helix with it."""
        self._tmux("kill-server")

    def keys(self, *names: str) -> None:
        """Press keys by their names in tmux: `Enter`, `C-s`, `a`."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type characters as they are."""
        self._tmux("send-keys", "-l", text)

    def escape(self) -> None:
        """Press Escape in the form that is not taken for Alt with the key that follows."""
        self._tmux("send-keys", "-H", "1b", "5b", "32", "37", "75")

    def command(self, line: str) -> None:
        """Run a command of Helix, without its colon."""
        self.type(f":{line}")
        self.keys("Enter")

    def screen(self) -> str:
        """Return what stands on the screen."""
        return self._tmux("capture-pane", "-p")

    def sees(self, *texts: str, not_: str = "", limit: float = 20) -> str:
        """Return the screen once all texts stand on it, and `not_` does not."""

        def there() -> str:
            shown = self.screen()
            wanted = all(text in shown for text in texts) and not (not_ and not_ in shown)
            return shown if wanted else ""

        return self.until(" and ".join(texts), there, limit)

    def until(self, what: str, condition: Callable[[], Shown], limit: float = 20) -> Shown:
        """Return what a condition gives once that is something."""
        end = time.monotonic() + limit
        while not (value := condition()):
            assert time.monotonic() < end, f"no {what}:\n{self.screen()}"
            time.sleep(0.05)
        return value

    def to_total(self) -> None:
        """Put the cursor on the name of the function under test."""
        self.escape()
        self.command("4")
        self.type("wl")
        self.sees(" 4:5")

    def start_over(self) -> None:
        """Have the source as it was in the only window, the cursor on the function's name."""
        self.escape()
        self.escape()
        self.keys("C-w", "o")
        self.here.source.write_text(SOURCE, encoding="utf-8")
        self.command("open prices.py")
        self.command("reload")
        self.sees("def total", "prices.py", not_="prices.py [+]")
        self.to_total()

    def menu(self, title: str = "Explain") -> str:
        """Return the screen with the menu of code actions, in which stands a title."""
        return self.until(f"action {title}", lambda: self._menu_with(title))

    def choose(self, title: str) -> None:
        """Run the code action of a title."""
        shown = self.menu(title)
        line = re.search(r" (\d+):\d+\s*$", shown, re.M)  # the menu begins below the cursor
        assert line is not None, shown
        row = next(i for i, text in enumerate(shown.splitlines()) if f"  {title}" in text)
        self.keys(*["Down"] * (row - int(line[1])), "Enter")

    def _menu_with(self, title: str) -> str:
        """Return the menu if it has an action; no action is while a file is first parsed."""
        self.escape()
        self.type(" a")
        end = time.monotonic() + 2
        while title not in (shown := self.screen()) and time.monotonic() < end:
            time.sleep(0.05)
        return shown if title in shown else ""

    def text(self) -> str:
        """Return the text of the file as Helix writes it now."""
        self.here.source.unlink()
        self.command("w!")
        self.until("file", self.here.source.exists)
        self.sees("prices.py", not_="prices.py [+]")
        return self.here.source.read_text(encoding="utf-8")


@contextmanager
def helix(folder: Path, *, own: bool = True) -> Iterator[Helix]:
    """Yield Helix as its page sets it up, with another server for Python beside aiex by `own`."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "aiex-lsp").symlink_to(Path(sys.executable).parent / "aiex-lsp")
    if own:
        server = programs / "pylsp"
        server.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(OWN)])}\n")
        server.chmod(0o755)
    with desk(folder) as here:
        configuration = folder / "xdg-config" / "helix"
        configuration.mkdir(parents=True)
        for file in ("languages.toml", "config.toml"):
            shutil.copy(PAGES / "helix" / file, configuration)
        templates = here.source.parent / ".aiex" / "templates"
        templates.mkdir(parents=True)
        (templates / "beginner.md.j2").write_text(
            "---\ntitle: Explain to a beginner\nextends: explain\nkind: aiex.beginner\n---\n"
        )
        path = os.pathsep.join([str(programs), "/usr/bin", "/bin"])
        environment = {**here.environment, "PATH": path, "TERM": "xterm-256color"}
        editor = Helix(here, environment)
        editor.open(here.source)
        try:
            yield editor
        finally:
            editor.close()
