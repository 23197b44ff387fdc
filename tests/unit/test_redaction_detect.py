"""Secrets in text: every planted one is found, exactly, and nothing that is harmless."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.redaction.detect import Finding, describe, find_secrets
from tests.unit.redaction_corpus import MARK, harmless, make, plant, planted

FILES = list(planted())
LINES = [
    line
    for _name, template in FILES
    for line in template.splitlines()
    # Those whose file makes them what they are: settings without quotes, values on other lines.
    if line.count("⟦") == 1 == line.count("⟧") and find_secrets(plant(line, Random(0))[0])
]


def found(text: str, language: str | None = None) -> list[str]:
    return [text[one.start : one.end] for one in find_secrets(text, language)]


def test_the_corpus_is_as_large_as_promised():
    assert sum(len(MARK.findall(template)) for _name, template in FILES) >= 60
    assert len(FILES) >= 10
    assert len(harmless()) >= 60
    assert len(LINES) >= 55


@pytest.mark.parametrize(("name", "template"), FILES, ids=[name for name, _ in FILES])
@pytest.mark.parametrize("seed", range(5))
def test_every_planted_secret_is_found_exactly_and_nothing_else(name, template, seed):
    text, spans = plant(template, Random(seed))
    assert [(one.start, one.end) for one in find_secrets(text)] == spans


@pytest.mark.parametrize("line", harmless())
def test_harmless_lines_are_left_alone(line):
    assert found(line) == []


def test_harmless_lines_are_left_alone_together():
    assert found("\n".join(harmless())) == []


NOISE = st.text(
    st.sampled_from("ab \t{}()äß漢字😀𝒳\u200d\u2028é·—"), max_size=30
) | st.sampled_from(harmless())
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    line=st.sampled_from(LINES),
    before=st.lists(NOISE, max_size=5),
    after=st.lists(NOISE, max_size=3),
    newline=BREAKS,
    tabs=st.sampled_from(["", "\t", "\t\t", "    "]),
)
def test_offsets_are_exact_whatever_stands_around(seed, line, before, after, newline, tabs):
    template = newline.join([*before, tabs + line.lstrip(), *after])
    text, ((start, end),) = plant(template, Random(seed))
    findings = find_secrets(text)
    assert (start, end) in [(one.start, one.end) for one in findings]
    (finding,) = [one for one in findings if one.start == start]
    lines = re.split("\r\n|\r|\n", text[:start])
    assert finding.line == len(lines)
    assert_sound(findings, text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(LINES + harmless())).map("\r\n".join))
def test_findings_of_any_text_are_sorted_apart_and_inside(text):
    assert_sound(find_secrets(text), text)


def assert_sound(findings: tuple[Finding, ...], text: str) -> None:
    last = 0
    for one in findings:
        assert last <= one.start < one.end <= len(text)
        assert 1 <= one.line <= len(text) + 1
        last = one.end


def test_replacing_the_spans_and_putting_them_back_gives_the_text():
    text, _spans = plant("".join(template for _name, template in FILES), Random(1))
    findings = find_secrets(text)
    redacted, kept, last = "", [], 0
    for number, one in enumerate(findings):
        redacted += text[last : one.start] + f"<SECRET_{number}>"
        kept.append(text[one.start : one.end])
        last = one.end
    redacted += text[last:]
    assert find_secrets(redacted) == ()
    assert re.sub("<SECRET_(\\d+)>", lambda mark: kept[int(mark[1])], redacted) == text


def test_findings_say_what_and_where_and_never_the_value():
    key = make("AKIA|u|16", Random(2))
    findings = find_secrets(f'# one\n\nkey = "{key}"\npassword = "hunter2"\n')
    assert describe(findings) == ("AWS access key, line 3", "password, line 4")
    assert key not in repr(findings)
    assert "hunter2" not in repr(findings)


def test_a_private_key_is_one_span_from_begin_to_end():
    body = make("b|64|\n|b|64", Random(3))
    block = f"-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----"
    assert found(f"a = 1\n{block}\nb = 2\n") == [block]
    open_block = f"-----BEGIN PRIVATE KEY-----\n{body}"
    assert found(f"{open_block}\n") == [open_block]


def test_the_private_lines_of_a_putty_key_are_one_span():
    lines = f"Private-Lines: 2\r\n{make('b|64|', Random(3))}\r\n{make('b|40|==', Random(4))}"
    text = f"PuTTY-User-Key-File-3: ssh-rsa\r\n{lines}\r\nPrivate-MAC: 00\r\n"
    assert found(text) == [lines]


def test_the_form_names_what_the_name_cannot():
    text = f'password = "{make("ghp_|a|36", Random(4))}"'
    assert [one.kind for one in find_secrets(text)] == ["GitHub token"]


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("password: swordfish", "yaml", ["swordfish"]),
        ("password: swordfish", "typescript", []),
        ("password: string", "yaml", []),
        ("password = swordfish", "properties", ["swordfish"]),
        ("password = swordfish", "python", []),
    ],
)
def test_unquoted_words_are_values_where_the_file_is_one_of_settings(text, language, wanted):
    assert found(text, language) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('x = "postgres://app:p%40ss-w0rd@h/db"', "p%40ss-w0rd"),
        ('url = "https://user:to@ken1@host.example/x"', "to@ken1"),
        ('if "s3cret-word" == password:', "s3cret-word"),
        ("CREATE USER shop WITH PASSWORD 'sh0p-pass';", "sh0p-pass"),
        ("ALTER USER shop IDENTIFIED BY 'sh0p-pass';", "sh0p-pass"),
        ('Secret("redis://me:c0rrect@127.0.0.1:1/0")', "c0rrect"),
        ('"machine a login me password ftp-pa55",', "ftp-pa55"),
        ("machine ftp.example.org login me password ftp-pa55", "ftp-pa55"),
        ('let api_key: &\'static str = "q8Zr2Lw9Xk3Vn7Tb5Jm1";', "q8Zr2Lw9Xk3Vn7Tb5Jm1"),
        ('char *db_password = "c0rrect";', "c0rrect"),
        ('$env:API_TOKEN = "q8Zr2Lw9Xk3Vn7Tb5Jm1"', "q8Zr2Lw9Xk3Vn7Tb5Jm1"),
        ('config :app, secret_key_base: "q8Zr2Lw9Xk3Vn7Tb5Jm1"', "q8Zr2Lw9Xk3Vn7Tb5Jm1"),
        ("'password' => 'phpp4ss',", "phpp4ss"),
        ("DB_PASSWORD=pa$$word#1", "pa$$word#1"),
    ],
)
def test_ways_to_write_a_secret(text, wanted):
    assert found(text) == [wanted]


def test_threads_do_not_disturb_one_another():
    texts = [plant(template, Random(seed)) for seed in range(4) for _name, template in FILES]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda pair: find_secrets(pair[0]), texts))
    for findings, (_text, spans) in zip(results, texts, strict=True):
        assert [(one.start, one.end) for one in findings] == spans


def test_nothing_of_the_librarys_settings_is_touched_and_no_connection_opened():
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from detect_secrets.settings import get_settings\n"
        "before = get_settings().json()\n"
        "from aiex_lsp.redaction.detect import find_secrets\n"
        "text = 'cloudant_key = ' + 'a1' * 32 + '\\nsl_api_key=' + 'b2' * 32\n"
        "assert find_secrets(text)\n"
        "assert get_settings().json() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "password",
            'password="',
            "eyJ",
            "-----BEGIN RSA PRIVATE KEY-----\n",
            "aws",
            "a://b:",
        ),
        *(
            "bearer ",
            "sk-",
            "xoxb-",
            "token_",
            "<token>",
            "token: ",
            "password{",
            "\n",
            "QUJD",
            "login ",
        ),
    ],
)
def test_no_text_takes_long(piece):
    text = piece * (60_000 // len(piece))
    before = time.perf_counter()
    find_secrets(text)
    find_secrets("token" + text)
    find_secrets("token" + " " * 60_000)
    assert time.perf_counter() - before < 5
