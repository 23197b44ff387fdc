"""Getting one pinned wheel with whatever installer this environment has.

pip and uv know the user's index, proxy and certificates; where neither is found the index is
asked directly. Each fetcher puts the wheel, or its unpacked files, into a folder.
"""

from __future__ import annotations

import html.parser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Progress = Callable[[int, int | None], None]
"""(bytes so far, bytes in all or None)."""

Fetcher = Callable[[str, Path, Callable[[int], None]], None]
"""(requirement "name==version", folder, bytes so far -> None); raises `FetchError`."""

DEFAULT_INDEX = "https://pypi.org/simple"
_INDEX_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 30.0
_BLOCK = 1 << 18


class FetchError(Exception):
    """This way did not bring the wheel; the text says why, without any URL."""


def default_fetchers(environment: Mapping[str, str] | None = None) -> list[Fetcher]:
    """Return the ways there are here, the best first."""
    environment = os.environ if environment is None else environment
    ways: list[Fetcher] = []
    if importlib.util.find_spec("pip") is not None:
        ways.append(pip_fetcher([sys.executable, "-m", "pip"], environment))
    if (uv := shutil.which("uv", path=environment.get("PATH"))) is not None:
        ways.append(uv_fetcher(uv, environment))
    if not ways and (pip := shutil.which("pip", path=environment.get("PATH"))) is not None:
        ways.append(pip_fetcher([pip], environment))
    index = next((environment[name] for name in _INDEX_VARIABLES if environment.get(name)), None)
    ways.append(index_fetcher(index or DEFAULT_INDEX))
    return ways


def pip_fetcher(command: Sequence[str], environment: Mapping[str, str]) -> Fetcher:
    """Return a fetcher by `pip download`."""

    def fetch(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
        options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "-q"]
        _run("pip", [*command, "download", *options, "-d", str(folder), requirement],
             folder, environment, report)  # fmt: skip

    return fetch


def uv_fetcher(uv: str, environment: Mapping[str, str]) -> Fetcher:
    """Return a fetcher by `uv pip install --target`: uv has no download command."""

    def fetch(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
        options = ["--no-deps", "--only-binary", ":all:", "-q", "--python", sys.executable]
        # A cache of its own in the folder shows the bytes as they come.
        options += ["--cache-dir", str(folder / "cache"), "--target", str(folder / "files")]
        _run("uv", [uv, "pip", "install", *options, requirement], folder, environment, report)

    return fetch


def index_fetcher(index: str) -> Fetcher:
    """Return a fetcher that asks a package index's simple API (PEP 503) itself."""

    def fetch(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
        name, _, version = requirement.partition("==")
        page = f"{index.rstrip('/')}/{name}/"
        try:
            with _open(page) as answer:
                base = answer.geturl()
                text = answer.read().decode("utf-8", "replace")
            link = _wheel_link(text, f"{name.replace('-', '_')}-{version}-")
            if link is None:
                raise FetchError(f"the package index has no {requirement}")
            url = urllib.parse.urljoin(base, link).partition("#")[0]
            with (
                _open(url) as answer,
                (folder / Path(urllib.parse.urlsplit(url).path).name).open("wb") as out,
            ):
                done = 0
                while block := answer.read(_BLOCK):
                    out.write(block)
                    done += len(block)
                    report(done)
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise FetchError(f"the package index did not answer: {_clean(str(reason))}") from error

    return fetch


def _open(url: str) -> urllib.request.addinfourl:  # type: ignore[name-defined]
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("no http address")
    request = urllib.request.Request(url, headers={"Accept": "text/html, */*;q=0.1"})
    if parts.username:
        import base64

        login = (
            f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        )
        token = base64.b64encode(login.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        request.full_url = urllib.parse.urlunsplit(bare)
    return urllib.request.urlopen(request, timeout=_CONNECT_SECONDS)


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for key, value in attrs if key == "href" and value]


def _wheel_link(page: str, prefix: str) -> str | None:
    links = _Links()
    links.feed(page)
    for link in links.found:
        name = urllib.parse.urlsplit(link).path.rpartition("/")[2]
        if name.startswith(prefix) and name.endswith(".whl"):
            return link
    return None


def _run(
    tool: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    report: Callable[[int], None],
) -> None:
    # Its temporary files go to our folder, where they can be watched and are removed with it.
    variables = {**environment, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with (folder / "log").open("w+b") as log:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables
            )
        except OSError as error:
            raise FetchError(f"{tool} does not start") from error
        try:
            while True:
                try:
                    code = process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    report(_bytes_below(folder))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if code != 0:
            log.seek(0)
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
            raise FetchError(f"{tool}: {_clean(lines[-1]) if lines else f'exit status {code}'}")


def _bytes_below(folder: Path) -> int:
    total = 0
    for root, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue
    return total


def _clean(text: str) -> str:
    """Return `text` without addresses, which may hold a password, in at most 100 characters."""
    return re.sub(r"\S+://\S+", "…", text).removeprefix("ERROR: ")[:100]
