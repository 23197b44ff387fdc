"""What languages are called: by LSP, in fences, and by the files that hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language aiex can parse.

    `id` is LSP's, `aliases` the words used for it in fences, `extensions` without dot with the
    usual one first, `files` whole file names, `interpreters` the programs of a `#!` line,
    `grammar` the module and function of its tree-sitter grammar.
    """

    id: str
    aliases: tuple[str, ...]
    extensions: tuple[str, ...]
    grammar: tuple[str, str]
    comment: str = "//"
    files: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()


LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        ("py", "py3", "python3", "python2", "pyi", "pyw", "ipython", "sage"),
        ("py", "pyi", "pyw"),
        ("tree_sitter_python", "language"),
        "#",
        ("SConstruct", "SConscript", "wscript"),
        ("python", "python3", "python2", "pypy", "pypy3"),
    ),
    Language(
        "javascript",
        ("js", "mjs", "cjs", "node", "nodejs", "ecmascript", "es6"),
        ("js", "mjs", "cjs"),
        ("tree_sitter_javascript", "language"),
        files=("Jakefile",),
        interpreters=("node", "nodejs", "bun"),
    ),
    Language("javascriptreact", ("jsx", "react"), ("jsx",), ("tree_sitter_javascript", "language")),
    Language(
        "typescript",
        ("ts", "mts", "cts"),
        ("ts", "mts", "cts"),
        ("tree_sitter_typescript", "language_typescript"),
        interpreters=("deno", "ts-node", "tsx"),
    ),
    Language(
        "typescriptreact",
        ("tsx", "typescript-react"),
        ("tsx",),
        ("tree_sitter_typescript", "language_tsx"),
    ),
    Language("go", ("golang",), ("go",), ("tree_sitter_go", "language")),
    Language("rust", ("rs",), ("rs",), ("tree_sitter_rust", "language")),
    Language("java", ("jav",), ("java",), ("tree_sitter_java", "language")),
    Language("c", ("h",), ("c", "h"), ("tree_sitter_c", "language")),
    Language(
        "cpp",
        ("c++", "cxx", "cc", "hpp", "hxx", "h++", "cplusplus", "arduino", "ino"),
        ("cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "tpp", "inl", "ino"),
        ("tree_sitter_cpp", "language"),
    ),
    Language(
        "csharp",
        ("cs", "c#", "c-sharp", "c_sharp", "csx", "dotnet"),
        ("cs", "csx"),
        ("tree_sitter_c_sharp", "language"),
    ),
    Language(
        "ruby",
        ("rb", "jruby", "rake"),
        ("rb", "rake", "gemspec", "ru", "podspec"),
        ("tree_sitter_ruby", "language"),
        "#",
        ("Gemfile", "Rakefile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile", "Brewfile"),
        ("ruby", "jruby", "rake"),
    ),
    Language(
        "php",
        ("php3", "php4", "php5", "php7", "php8", "phtml"),
        ("php", "phtml", "php5", "phpt"),
        ("tree_sitter_php", "language_php"),
        interpreters=("php",),
    ),
    Language(
        "elixir",
        ("ex", "exs", "iex"),
        ("ex", "exs"),
        ("tree_sitter_elixir", "language"),
        "#",
        ("mix.lock",),
        ("elixir",),
    ),
    Language(
        "lua",
        ("luau",),
        ("lua", "rockspec"),
        ("tree_sitter_lua", "language"),
        "--",
        (".luacheckrc", ".luacov"),
        ("lua", "luajit"),
    ),
    Language(
        "shellscript",
        ("bash", "sh", "shell", "shell-script", "zsh", "ksh", "bats", "shellsession"),
        ("sh", "bash", "bats", "ksh", "zsh"),
        ("tree_sitter_bash", "language"),
        "#",
        (".bashrc", ".bash_profile", ".bash_aliases", ".profile", ".zshrc", "PKGBUILD", "APKBUILD"),
        ("bash", "sh", "dash", "zsh", "ksh"),
    ),
)

PHP_WITHOUT_TAG = ("tree_sitter_php", "language_php_only")
"""Grammar of PHP as snippets have it: no `<?php` before it."""

OTHERS: dict[str, str] = {
    "bat": "bat", "clj": "clojure", "cmake": "cmake", "css": "css", "dart": "dart",
    "diff": "diff", "dockerfile": "dockerfile", "erl": "erlang", "fs": "fsharp",
    "graphql": "graphql", "groovy": "groovy", "hs": "haskell", "html": "html", "htm": "html",
    "ini": "ini", "ipynb": "json", "jl": "julia", "json": "json", "jsonc": "jsonc",
    "kt": "kotlin", "kts": "kotlin", "less": "less", "m": "objective-c", "md": "markdown",
    "markdown": "markdown", "ml": "ocaml", "mm": "objective-cpp", "nix": "nix",
    "patch": "diff", "pl": "perl", "pm": "perl", "proto": "proto", "ps1": "powershell",
    "r": "r", "rst": "restructuredtext", "scala": "scala", "scss": "scss", "sql": "sql",
    "svelte": "svelte", "swift": "swift", "tex": "latex", "tf": "terraform", "toml": "toml",
    "vb": "vb", "vim": "vim", "vue": "vue", "xml": "xml", "xsl": "xsl", "yaml": "yaml",
    "yml": "yaml", "zig": "zig",
}  # fmt: skip
"""Extensions of languages that are named but not parsed: LSP's ids."""

OTHER_FILES: dict[str, str] = {
    "Dockerfile": "dockerfile", "Makefile": "makefile", "makefile": "makefile",
    "GNUmakefile": "makefile", "CMakeLists.txt": "cmake", "Jenkinsfile": "groovy",
}  # fmt: skip
