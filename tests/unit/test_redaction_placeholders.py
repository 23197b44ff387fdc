"""Placeholders: what is sent holds no secret, and what comes back is the text to the byte."""

from __future__ import annotations

import json
import re
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.redaction.placeholders import Placeholders, blanked, leftovers
from aiex_lsp.redaction.places import Part
from tests.unit.redaction_corpus import make, plant, planted

FILES = list(planted())
ONE = 'db.connect(password="hunter2secret")\n'
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(make("b|64", Random(n)) for n in range(12))
    + "\nAbCd12==\n-----END RSA PRIVATE KEY-----"
)


def of(*texts: str, before: Placeholders | None = None) -> Placeholders:
    return Placeholders.of([Part(text) for text in texts], before)


def word(text: str = ONE) -> str:
    return of(text).all[0].word


@pytest.mark.parametrize(("name", "template"), FILES, ids=[name for name, _ in FILES])
@pytest.mark.parametrize("seed", range(3))
def test_no_planted_secret_is_left_and_all_come_back(name, template, seed):
    text, spans = plant(template, Random(seed))
    placeholders = of(text)
    sent = placeholders.replace(text)
    for start, end in spans:
        assert text[start:end] not in sent
    assert placeholders.restore(sent) == text
    assert len(re.findall(r"AIEX_SECRET_\d+_[a-f][0-9a-f]{3}", sent)) == len(spans)


def test_a_key_in_a_block_is_one_placeholder_as_a_whole():
    text = f'KEY = """{KEY}"""\n'
    placeholders = of(text)
    assert placeholders.replace(text) == f'KEY = """{placeholders.all[0].word}"""\n'


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n"])
@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_the_end_of_a_key_whose_beginning_was_cut_off_is_replaced(line_end, indent):
    lines = KEY.split("\n")[5:]
    text = line_end.join(indent + line for line in lines) + '"\ncode = 1\n'
    sent = of(text).replace(text)
    assert not [line for line in lines[:-1] if line in sent]
    assert "code = 1" in sent
    assert of(text).restore(sent) == text


def test_the_middle_of_a_key_is_replaced():
    lines = KEY.split("\n")[3:9]
    text = "\n".join(lines)
    assert of(text).replace(text) == of(text).all[0].word


def test_a_certificate_is_no_secret():
    lines = "\n".join(KEY.split("\n")[1:9])
    text = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    assert not of(text)


def block(indent: str, line_end: str = "\n") -> str:
    """Return a key as a block of YAML, each line at `indent`."""
    lines = [f"{indent}{line}" for line in KEY.split("\n")]
    return line_end.join([f"{indent[2:]}key: |", *lines, f"{indent[2:]}b: 1", ""])


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("moved", ["  ", "    ", "        "])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_block_moves_with_its_placeholder_where_a_model_indents_anew(line_end, moved, size):
    placeholders = of(block("    ", line_end))
    sent = placeholders.replace(block("    ", line_end))
    answer = sent.replace("    AIEX", f"{moved}AIEX").replace("  key", f"{moved[2:]}key")
    answer = answer.replace("  b: 1", f"{moved[2:]}b: 1")
    restorer = placeholders.restorer()
    deltas = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert "".join(map(restorer.feed, deltas)) + restorer.finish() == block(moved, line_end)


def test_a_key_behind_other_text_of_its_line_stays_as_it_is():
    text = f'    key = """{KEY}"""\n'
    placeholders = of(text)
    sent = placeholders.replace(text)
    assert placeholders.restore(sent.lstrip()) == text.lstrip()


def test_the_same_secret_has_one_placeholder_and_another_one_another():
    text = 'a = connect(password="hunter2secret")\nb = connect(password="hunter2secret")\n'
    placeholders = of(text, text + 'c = connect(password="0therSecret!")\n')
    assert [one.number for one in placeholders.all] == [1, 2]
    assert placeholders.replace(text).count(placeholders.all[0].word) == 2


def test_a_secret_known_by_its_place_is_replaced_where_nothing_tells_it():
    assert of(ONE, "use hunter2secret").replace("it is `hunter2secret`.") == f"it is `{word()}`."


def test_a_password_that_is_a_word_of_the_code_is_replaced_in_its_place_only():
    text = 'import postgres\npostgres.connect(user="postgres", password="postgres")\n'
    sent = of(text).replace(text)
    assert sent.startswith('import postgres\npostgres.connect(user="postgres", password="AIEX_')
    assert of(text).restore(sent) == text


def test_what_is_sent_does_not_depend_on_the_secrets():
    other = ONE.replace("hunter2secret", "correct-horse-9")
    assert of(ONE).replace(ONE) == of(other).replace(other)


def test_a_question_about_an_answer_keeps_its_placeholders():
    first = of(ONE)
    second = of('x.login(password="An0ther!One")\n' + ONE, before=first)
    assert [one.value for one in second.all] == ["hunter2secret", "An0ther!One"]
    assert second.all[0].word == first.all[0].word


def test_a_word_that_stands_in_the_text_is_no_placeholder():
    taken = word()
    text = f'print("{taken}")\n{ONE}'
    placeholders = of(text)
    assert placeholders.all[0].word != taken
    assert placeholders.restore(placeholders.replace(text)) == text
    # Nor is a shortened one taken for ours where such words are about.
    assert placeholders.restore("AIEX_SECRET_1") == "AIEX_SECRET_1"


W = word()


@pytest.mark.parametrize(
    ("written", "restored"),
    [
        (W, "hunter2secret"),
        (f"`{W}`", "`hunter2secret`"),
        (f"'{W}',", "'hunter2secret',"),
        (f"postgres://u:{W}@host/db", "postgres://u:hunter2secret@host/db"),
        (f"KEY={W}\nB=1", "KEY=hunter2secret\nB=1"),
        (W.lower(), "hunter2secret"),
        (W.replace("_", r"\_"), "hunter2secret"),
        (W.replace("_", "-"), "hunter2secret"),
        ("AIEX_SECRET_1", "hunter2secret"),
        ('"AIEX_SECRET_1"', '"hunter2secret"'),
        (f"{W[:-2]}.", "hunter2secret."),
        (f"AIEX_\nSECRET_1_{W[-4:]}!", "hunter2secret!"),
        (f"# AIEX_SECRET_1_\n# {W[-4:]}", "# hunter2secret"),
        (f"{W}_copy", "hunter2secret_copy"),
        (f"{W}{W}", "hunter2secrethunter2secret"),
    ],
)
def test_variants_that_models_write_are_restored(written, restored):
    assert of(ONE).restore(written) == restored
    assert leftovers(of(ONE).restore(written)) == ()


@pytest.mark.parametrize(
    "written",
    [
        "AIEX_SECRET_2_a000",
        "AIEX_SECRET_1_zzzz",
        "AIEX_SECRET_KEY",
        "aiex_secret_12",
        "AIEX_SECRET_1b",
    ],
)
def test_words_that_stand_for_nothing_are_told(written):
    text = f'password = "{written}"'
    assert of(ONE).restore(text) == text
    assert leftovers(text) == (written,)
    assert leftovers(text, f"the text had {written} before") == ()


@pytest.mark.parametrize(
    "text", ["An aiex secret is safe.", "aiex", "AI", "a", "", "area aiex-lsp"]
)
def test_ordinary_text_is_left_alone(text):
    assert of(ONE).restore(text) == text


PIECES = st.sampled_from(
    [W, W.lower(), W[:-1], W[:-5], "AIEX", "_SECRET", "_", "\\", "\n", "\r\n", "# ", "a", "1", "ai",
     W.replace("_", r"\_"), "AIEX_SECRET_2", " text ", "é😀", "`", W[-4:]]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 7), min_size=1, max_size=40))
def test_however_an_answer_is_cut_into_deltas_it_is_the_same(pieces, sizes):
    text = "".join(pieces)
    placeholders = of(ONE)
    restorer, shown, place = placeholders.restorer(), "", 0
    for turn in range(len(text) + 1):
        size = sizes[turn % len(sizes)]
        shown += restorer.feed(text[place : place + size])
        place += size
    assert shown + restorer.finish() == placeholders.restore(text)


@given(st.text(st.sampled_from("aAiexX_ \n1secrt")))
def test_what_is_held_back_may_be_the_beginning_of_a_placeholder(text):
    restorer = of(ONE).restorer()
    shown = restorer.feed(text)
    held = text[len(shown) :]
    assert text.startswith(shown)
    assert held == "" or "aiex".startswith(held[:4].lower())
    assert len(held) < 120


def test_text_without_the_beginning_of_a_placeholder_is_shown_at_once():
    restorer = of(ONE).restorer()
    for delta in ("The password ", "is taken ", "from the aiexample", " file"):
        assert restorer.feed(delta) == delta


QUOTED = 'login(password="a\\\\\\"b-c9")\n'


@pytest.mark.parametrize("head", ['{"message": "', '\n ```json\n{"message": "'])
@pytest.mark.parametrize("code", [QUOTED, f'KEY = """{KEY}"""\n'])
def test_in_an_answer_in_json_secrets_are_written_as_json_has_them(head, code):
    placeholders = of(code)
    restorer = placeholders.restorer(structured=True)
    answer = f'{head}it is {placeholders.all[0].word}"}}'
    text = "".join(restorer.feed(one) for one in answer) + restorer.finish()
    assert text == placeholders.restore(answer, structured=True)
    found = json.loads(text[text.index("{") :])
    assert found["message"] == f"it is {placeholders.all[0].value}"


def test_prose_in_place_of_json_has_them_as_they_are():
    placeholders = of(QUOTED)
    answer = f"It is {placeholders.all[0].word}"
    assert placeholders.restore(answer, structured=True) == f"It is {placeholders.all[0].value}"


def test_what_was_replaced_is_no_secret_again():
    assert not of(of(ONE).replace(ONE))


def test_a_secret_never_shows_in_a_representation():
    assert "hunter2" not in repr(of(ONE)) + repr(of(ONE).all)


def test_used_placeholders_are_told_with_their_lines():
    text = f"# title\n{ONE}{ONE}"
    placeholders = of(text)
    ((one, line),) = placeholders.used(placeholders.replace(text))
    assert (one.kind, line) == ("password", 2)


@pytest.mark.parametrize(
    "filler",
    [
        *("<REDACTED>", "[REDACTED]", "your-password", "YOUR_PASSWORD_HERE", "********"),
        *("XXXXXXXX", "<your password>", "changeme", "***REMOVED***", "<db-password>"),
    ],
)
def test_an_edit_with_a_filler_in_place_of_a_secret_is_told(filler):
    new = ONE.replace("hunter2secret", filler)
    assert blanked(ONE, new) == ("password, line 1",)
    assert blanked(f"# {filler}\n{ONE}", f"# {filler}\n{ONE}b = 1\n") == ()


@pytest.mark.parametrize(
    "new",
    [
        'db.connect(password=os.environ["DB_PASSWORD"])\n',
        f"# Connects, see <password>.\n{ONE}",
        "",
        'db.connect(password=settings.password, mode="secret")\n',
        "db.connect(secret)\n",
        "def connect(password: Option<Password>, keys: Vec<Key>): pass\n",
    ],
)
def test_a_secret_that_was_kept_or_taken_out_on_purpose_is_no_filler(new):
    assert blanked(ONE, new) == ()


def test_a_long_answer_without_placeholders_costs_little():
    text = "a plain sentence about aie things, " * 20_000
    began = time.perf_counter()
    assert of(ONE).restore(text) == text
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "half", ["AIEX_", "AIEX_S", "AIEX_SEC", "AIEX_SECRE", "SECRET_1_e938", "AIEX_SECRET"]
)
def test_half_a_placeholder_is_left_over_unless_it_was_there(half):
    code = f'password = "{half}"\n'
    assert leftovers(code) == (half,)
    assert leftovers(code, code) == ()
    assert leftovers('AIEX_CONFIG = "a"\nSECRET_1 = SECRET_KEY\n') == ()
