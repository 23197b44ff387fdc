"""Where configuration, templates and state lie on this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APP_NAME = "aiex-lsp"
FILE_NAME = "config.toml"
WORKSPACE_FILE_NAME = ".aiex.toml"
WORKSPACE_TEMPLATES = ".aiex/templates"


@dataclass(frozen=True, slots=True)
class ConfigPaths:
    """Files and folders of one run; none of them needs to exist.

    `explicit` is true where the user named the file (`--config`, `AIEX_CONFIG`), so that a
    missing one is a problem.
    """

    user_file: Path
    site_file: Path
    state_dir: Path
    explicit: bool = False

    @property
    def user_templates(self) -> Path:
        """Return the folder of the user's own templates."""
        return self.user_file.parent / "templates"

    @property
    def models_dir(self) -> Path:
        """Return the folder `aiex-lsp models install` keeps GGUF files in."""
        return self.state_dir / "models"

    @staticmethod
    def workspace_file(workspace: Path) -> Path:
        """Return a workspace folder's own configuration file."""
        return workspace / WORKSPACE_FILE_NAME

    @staticmethod
    def workspace_templates(workspace: Path) -> Path:
        """Return the folder of a workspace's own templates."""
        return workspace / WORKSPACE_TEMPLATES


def config_paths(env: Mapping[str, str], *, config_file: Path | None = None) -> ConfigPaths:
    """Return the paths for this environment; `config_file` wins over `AIEX_CONFIG`."""
    named = config_file or _path(env.get("AIEX_CONFIG"))
    user = named or _folder(env, "XDG_CONFIG_HOME", ".config", "user_config_path") / FILE_NAME
    state = _path(env.get("AIEX_STATE_DIR")) or _folder(
        env, "XDG_STATE_HOME", ".local/state", "user_state_path"
    )
    return ConfigPaths(
        user_file=user.absolute(),
        site_file=_site(env) / FILE_NAME,
        state_dir=state.absolute(),
        explicit=named is not None,
    )


def _folder(env: Mapping[str, str], xdg: str, below_home: str, platform_default: str) -> Path:
    """Return our folder; `env` counts, not the process's environment, where XDG rules."""
    if _xdg_rules(sys.platform):
        given = env.get(xdg, "").strip()
        if given and Path(given).is_absolute():
            return Path(given) / APP_NAME
        if env.get("HOME"):
            return Path(env["HOME"]) / below_home / APP_NAME
    import platformdirs

    found: Path = getattr(platformdirs, platform_default)(APP_NAME, appauthor=False)
    return found


def _xdg_rules(platform: str) -> bool:
    return platform not in ("darwin", "win32")


def _site(env: Mapping[str, str]) -> Path:
    if _xdg_rules(sys.platform):
        first = env.get("XDG_CONFIG_DIRS", "").split(":")[0].strip()
        return Path(first if first.startswith("/") else "/etc/xdg") / APP_NAME
    import platformdirs

    return platformdirs.site_config_path(APP_NAME, appauthor=False)


def _path(text: str | None) -> Path | None:
    text = (text or "").strip()
    if not text:
        return None
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no home folder to put in place of ~
        return Path(text)
