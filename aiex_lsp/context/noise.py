"""Files and folders nobody wrote: dependencies, build output, binaries. Told by name."""

from __future__ import annotations

from pathlib import Path, PurePath


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER = _words(
    ".git .hg .svn .jj .bzr node_modules bower_components jspm_packages .venv __pycache__ .tox"
    " .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .gradle .idea .vs .terraform .next"
    " .nuxt .svelte-kit .cache .eggs site-packages _build .elixir_ls .dart_tool elm-stuff Pods"
    " .yarn .pnpm-store .turbo .parcel-cache .nyc_output .bundle"
)
# Folders of these names are generated only beside a manifest; elsewhere they are source.
_BESIDE_MANIFEST = frozenset({"build", "dist", "target", "vendor", "deps", "out", "coverage"})
_MANIFESTS = _words(
    "pyproject.toml setup.py package.json Cargo.toml go.mod mix.exs pom.xml build.gradle"
    " build.gradle.kts Gemfile composer.json CMakeLists.txt Makefile"
)
_BINARY = _words(
    ".png .jpg .jpeg .gif .webp .bmp .ico .pdf .zip .gz .bz2 .xz .7z .rar .tar .whl .jar .war"
    " .class .pyc .pyo .so .dll .dylib .exe .o .a .lib .wasm .woff .woff2 .ttf .otf .eot .mp3"
    " .mp4 .mov .avi .webm .ogg .wav .flac .sqlite .sqlite3 .db .gguf .safetensors .npy .npz"
    " .parquet .pkl .bin .beam .lockb"
)


def is_generated(folder: Path) -> bool:
    """Return whether a folder holds dependencies or build output."""
    name = folder.name
    if name in _NEVER or name.endswith(".egg-info"):
        return True
    if name in _BESIDE_MANIFEST:
        return any((folder.parent / manifest).exists() for manifest in _MANIFESTS)
    return name in ("venv", "env", "virtualenv") and (folder / "pyvenv.cfg").exists()


def is_binary_name(path: PurePath) -> bool:
    """Return whether a file of this name is not text."""
    return path.suffix.lower() in _BINARY
