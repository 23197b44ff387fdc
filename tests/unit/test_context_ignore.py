from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.context.ignore import MAX_FILE_BYTES, WorkspaceFiles
from aiex_lsp.context.secrets import is_secret, is_secret_document


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def names(files: WorkspaceFiles) -> list[str]:
    return sorted(path.relative_to(files.root).as_posix() for path in files.walk())


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.production",
        "config/.envrc",
        "prod.env",
        "server.pem",
        "tls/SERVER.KEY",
        "id_rsa",
        "id_ed25519",
        "store.p12",
        "store.pfx",
        "store.jks",
        "app.keystore",
        ".netrc",
        ".npmrc",
        ".pypirc",
        "credentials",
        "credentials.json",
        "secrets.yml",
        ".aws/config",
        ".ssh/config",
        "kubeconfig",
        ".docker/config.json",
        "terraform.tfstate",
    ],
)
def test_a_secrets_file_is_never_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: "TOKEN=1", "main.py": "x = 1"})
    files = WorkspaceFiles(tmp_path)
    assert not files.may_read(tmp_path / name)
    assert files.read(Path(name)) is None
    assert files.refusal(tmp_path / name) == "may hold secrets"
    assert names(files) == ["main.py"]


def test_source_named_like_secrets_is_not_read_as_context_but_may_be_asked_about() -> None:
    assert is_secret(Path("app/credentials.py"))
    assert not is_secret_document(Path("app/credentials.py"))
    assert not is_secret(Path("environment.py"))
    assert not is_secret(Path("src/keys.py"))


def test_gitignore_nested_negated_and_anchored(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n!keep.log\n/only_root.txt\nprivate/\nnested/*\n!nested/ok.py\n",
            "a.log": "",
            "keep.log": "",
            "only_root.txt": "",
            "sub/only_root.txt": "",
            "sub/.gitignore": "!debug.log\ngen_*.py\n",
            "sub/debug.log": "",
            "sub/gen_a.py": "",
            "gen_a.py": "",
            "private/readme.md": "",
            "private/.gitignore": "!readme.md",
            "nested/ok.py": "",
            "nested/other.py": "",
        },
    )
    files = WorkspaceFiles(tmp_path)
    expected = [
        ".gitignore",
        "gen_a.py",
        "keep.log",
        "nested/ok.py",
        "sub/.gitignore",
        "sub/debug.log",
        "sub/only_root.txt",
    ]
    assert names(files) == expected
    every = [path for path in tmp_path.rglob("*") if path.is_file()]
    readable = [p.relative_to(tmp_path).as_posix() for p in every if files.may_read(p)]
    assert sorted(readable) == expected


def test_a_repository_around_the_workspace_folder_is_respected(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".git/HEAD": "ref: refs/heads/main",
            ".git/info/exclude": "mine.txt\n",
            ".gitignore": "packages/a/generated/\n",
            "packages/a/generated/api.py": "",
            "packages/a/mine.txt": "",
            "packages/a/main.py": "",
        },
    )
    assert names(WorkspaceFiles(tmp_path / "packages" / "a")) == ["main.py"]


def test_aiexignore_hides_from_the_model_what_git_knows(tmp_path: Path) -> None:
    write(tmp_path, {".aiexignore": "billing/\n*.sql", "billing/a.py": "", "q.sql": "", "b.py": ""})
    files = WorkspaceFiles(tmp_path)
    assert names(files) == [".aiexignore", "b.py"]
    assert files.refusal(tmp_path / "billing/a.py") == "is excluded by .aiexignore"
    assert files.refusal(tmp_path / "q.sql")
    assert not files.refusal(tmp_path / "b.py")


def test_aiexignore_cannot_bring_back_what_git_ignores(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "a.txt", ".aiexignore": "!a.txt", "a.txt": "", "b.txt": ""})
    assert "a.txt" not in names(WorkspaceFiles(tmp_path))


def test_a_gitignored_document_may_still_be_asked_about(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "scratch.py", "scratch.py": ""})
    files = WorkspaceFiles(tmp_path)
    assert not files.may_read(tmp_path / "scratch.py")
    assert not files.refusal(tmp_path / "scratch.py")


def test_a_changed_ignore_file_holds_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "b.py": ""})
    files = WorkspaceFiles(tmp_path)
    assert files.may_read(Path("a.py"))
    write(tmp_path, {".aiexignore": "a.py"})
    assert not files.may_read(Path("a.py"))
    write(tmp_path, {".aiexignore": "a.py\nb.py"})
    assert not files.may_read(Path("b.py"))


def test_an_ignore_file_that_cannot_be_read_hides_everything(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": ""})
    os.symlink(tmp_path / "fifo", tmp_path / ".aiexignore")
    os.mkfifo(tmp_path / "fifo")
    files = WorkspaceFiles(tmp_path)
    assert files.read(Path("fifo")) is None
    assert files.read(Path("a.py")) is None
    assert files.refusal(tmp_path / "a.py")


@pytest.mark.alone
def test_a_hostile_ignore_file_costs_no_time_and_hides_no_less(tmp_path: Path) -> None:
    name = "a" * 200
    hostile = "*a" * 40 + "b\n" + "**/a*/" * 30 + "c\n!" + "*a" * 40 + "\nreal.txt\n"
    write(tmp_path, {".gitignore": hostile, name: "", "real.txt": "", "x.py": ""})
    began = time.perf_counter()
    found = names(WorkspaceFiles(tmp_path))
    assert time.perf_counter() - began < 1
    assert "real.txt" not in found


def test_links_never_lead_out_of_the_workspace(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"passwd": "root:x", "lib/x.py": ""})
    root = write(tmp_path / "ws", {"a.py": "", ".env": "S=1"})
    (root / "passwd.txt").symlink_to(outside / "passwd")
    (root / "lib").symlink_to(outside / "lib")
    (root / "settings.txt").symlink_to(root / ".env")
    (root / "alias.py").symlink_to(root / "a.py")
    (root / "loop").symlink_to(root / "loop")
    (root / "self").symlink_to(root)
    files = WorkspaceFiles(root)
    assert files.read(root / "passwd.txt") is None
    assert files.read(root / "lib/x.py") is None
    assert files.read(root / "settings.txt") is None
    assert files.read(root / "loop") is None
    assert files.read(root / "../outside/passwd") is None
    assert files.read(outside / "passwd") is None
    assert names(files) == ["a.py", "alias.py"]
    assert files.refusal(root / "settings.txt")


def test_a_workspace_reached_through_a_link_is_readable(tmp_path: Path) -> None:
    real = write(tmp_path / "real", {"a.py": "x = 1\n"})
    (tmp_path / "link").symlink_to(real)
    files = WorkspaceFiles(tmp_path / "link")
    assert files.read(tmp_path / "link" / "a.py") == "x = 1\n"
    assert files.read(real / "a.py") == "x = 1\n"
    assert list(files.walk()) == [tmp_path / "link" / "a.py"]


def test_dependencies_and_generated_folders_are_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "package.json": "{}",
            "node_modules/x/index.js": "",
            "dist/out.js": "",
            "src/build/step.js": "",
            ".venv/lib/a.py": "",
            "env/pyvenv.cfg": "",
            "env/a.py": "",
            "pkg.egg-info/PKG-INFO": "",
            ".git/config": "",
        },
    )
    assert names(WorkspaceFiles(tmp_path)) == ["package.json", "src/build/step.js"]


def test_binary_large_and_special_files_are_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"ab\0cd")
    (tmp_path / "latin.txt").write_bytes("Größe".encode("latin-1"))
    (tmp_path / "big.py").write_text("x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "pic.png").write_bytes(b"\x89PNG")
    os.mkfifo(tmp_path / "pipe")
    files = WorkspaceFiles(tmp_path)
    for name in ("a.dat", "latin.txt", "big.py", "pic.png", "pipe", "missing", "."):
        assert files.read(tmp_path / name) is None


def test_text_is_returned_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("\ufeffx = 'é'\r\n".encode())
    assert WorkspaceFiles(tmp_path).read(Path("a.py")) == "\ufeffx = 'é'\r\n"


@pytest.mark.alone
def test_a_huge_folder_ends_at_the_limit_and_hides_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "a_data"
    data.mkdir()
    for index in range(3_000):
        (data / f"{index:06}.csv").touch()
    write(tmp_path, {"src/main.py": "", "z.py": ""})
    began = time.perf_counter()
    listing = WorkspaceFiles(tmp_path).scan(limit=1_000)
    assert time.perf_counter() - began < 1
    found = {path.relative_to(tmp_path).as_posix() for path in listing.files}
    assert not listing.complete
    assert len(found) <= 1_000
    assert {"src/main.py", "z.py"} <= found


def test_the_walk_ends_when_its_time_is_over(tmp_path: Path) -> None:
    write(tmp_path, {f"d{index}/f.py": "" for index in range(50)})
    ticks = iter(range(10_000))
    listing = WorkspaceFiles(tmp_path, clock=lambda: float(next(ticks))).scan(seconds=20)
    assert not listing.complete
    assert len(listing.files) < 50


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80), name=st.text(max_size=30))
def test_no_ignore_file_and_no_name_raises(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    root = tmp_path_factory.mktemp("ws")
    (root / ".gitignore").write_bytes(text.encode("utf-8", "surrogatepass"))
    (root / "a.py").touch()
    files = WorkspaceFiles(root)
    list(files.walk())
    files.read(Path(name))
    files.refusal(Path(name))
