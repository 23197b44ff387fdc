"""Less usual ways to write a secret, in the languages that have them; and what only looks so."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

import aiex_lsp
from aiex_lsp.redaction.detect import find_secrets
from aiex_lsp.redaction.placeholders import Placeholders
from aiex_lsp.redaction.places import Part
from tests.unit.redaction_corpus import make, plant

WAYS = [
    ("python", 'api_key = (\n    "⟦a|20⟧"\n    "⟦a|20⟧"\n)\n'),
    ("python", 'token = "⟦a|20⟧" \\\n    "⟦a|18⟧"\n'),
    ("javascript", "const token = '⟦a|20⟧' +\n  '⟦a|20⟧';\n"),
    ("python", 'connect(host="h", password="⟦pä$$ w0rd⟧")\n'),
    ("python", 'dsn = "host=db user=app password=⟦Zx9-kk2⟧ dbname=x"\n'),
    ("python", "url = 'postgresql://app:⟦p@ss:w/rd#1⟧@db/x'\n"),
    ("dotenv", "A=1\nB=2\nURL=mysql://u:⟦p#w:9⟧@host/d\n"),
    ("python", 'password = """⟦Hg7-wwq1⟧"""\n'),
    ("toml", 'password = """\n⟦Hg7-wwq1⟧"""\n'),
    ("python", 'os.environ.get("DB_PASSWORD", "⟦Hg7-wwq1⟧")\n'),
    ("python", 'requests.get(url, auth=("admin", "⟦Hg7-wwq1⟧"))\n'),
    ("python", 'auth = HTTPBasicAuth("admin", "⟦Hg7-wwq1⟧")\n'),
    ("python", "# the old password: ⟦Hg7-wwq1⟧\n"),
    ("python", 'box = Fernet(b"⟦w|43|=⟧")\n'),
    ("python", 'SECRETS = {"prod": "⟦a|40⟧", "dev": "⟦a|32⟧"}\n'),
    ("python", 'PASSWORDS = ["⟦alpha-9x⟧", "⟦beta-8y⟧"]\n'),
    ("yaml", "db:\n  password: |\n    ⟦Hg7-wwq1⟧\n  port: 1\n"),
    ("yaml", "db:\n  password: >-\n    ⟦Hg7-wwq1⟧\n  port: 1\n"),
    ("yaml", "password: '⟦it''s-9x⟧'\n"),
    (
        "yaml",
        "kind: Secret\nmetadata:\n  name: shop\ndata:\n  any: ⟦b|24|==⟧\n  tls.key: ⟦b|200⟧\n",
    ),
    ("yaml", "command: redis-server --requirepass ⟦r3dis-p4ss⟧\n"),
    ("yaml", "users:\n- user:\n    client-key-data: ⟦b|120⟧\n"),
    ("properties", "db.user=a\ndb.pass : ⟦colon9x⟧\nx.y=1\n"),
    ("java", 'String password = new String("⟦jPw-991⟧");\n'),
    ("java", '@Value("${db.password:⟦jPw-994⟧}")\n'),
    ("go", 'var password = []byte("⟦gPw-991⟧")\n'),
    ("go", 'const dsn = "app:⟦gPw-993⟧@tcp(db:3306)/x"\n'),
    ("rust", 'let password = String::from("⟦ruPw-991⟧");\n'),
    ("kotlin", 'val apiKey: String by lazy { "⟦a|32⟧" }\n'),
    ("typescript", "const cfg = { password: '⟦tPw-991⟧', apiKey: `⟦a|32⟧` };\n"),
    ("typescript", "const dbPassword = process.env.DB_PASSWORD ?? '⟦tPw-994⟧';\n"),
    ("typescript", "process.env.SECRET_KEY ??= '⟦tPw-992xyz⟧';\n"),
    ("csharp", 'new NetworkCredential("user", "⟦cPw-993⟧");\n'),
    ("groovy", '    storePassword "⟦grPw-991⟧"\n'),
    ("xml", '<property name="password"><value>⟦xPw-993⟧</value></property>\n'),
    ("xml", "<password>⟦xPw 992!⟧</password>\n"),
    ("shellscript", "mysql -uroot -p⟦sPw993⟧ db\n"),
    ("shellscript", "sshpass -p '⟦sPw994⟧' ssh host\n"),
    ("shellscript", "export PGPASSWORD=${PGPASSWORD:-⟦sPw-995⟧}\n"),
]

ORDINARY = [
    "password = new String(chars);",
    "password = config.get('db_password_2')",
    "const token = process.env.TOKEN ?? 'none';",
    "PASSWORDS = ['password', 'passwd', 'pwd']",
    "tokens = ['let', 'x1', '=', '42']",
    "# password: the user's password, at least 8 characters",
    '"password": "Ihr Passwort (min. 8)"',
    "password: |\n  Enter it again\n",
    "kind: Deployment\nmetadata:\n  name: secret\ndata:\n  colour: blue\n",
    "kind: Secret\nstringData:\n  password: ${PASSWORD}\n",
    "mysql -u root -p db < dump.sql",
    "auth = ('user', 'password')",
    "redis://localhost:6379/0?next=a@b",
    "<password>Enter your password</password>",
    "user:name@host",
    "{ password: value, token: other }",
    'password = os.environ.get("DB_PASSWORD", "")',
    '${db.password:}',
    "host=db user=app password=$PASSWORD",
]  # fmt: skip


@pytest.mark.parametrize(("language", "template"), WAYS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_secret_is_found_exactly_however_it_is_written(language, template, newline):
    text, spans = plant(template.replace("\n", newline), Random(5))
    assert [(one.start, one.end) for one in find_secrets(text, language)] == spans
    known = Placeholders.of([Part(text, language)])
    sent = known.replace(text)
    assert not any(text[start:end] in sent for start, end in spans)
    assert known.restore(sent) == text


@pytest.mark.parametrize("text", ORDINARY)
def test_what_only_looks_so_is_left_alone(text):
    assert find_secrets(text) == ()


def test_a_key_in_a_block_with_other_line_endings_is_one_secret():
    body = make("b|64|\r\n|b|64|\r\n|b|20", Random(3))
    block = f"-----BEGIN RSA PRIVATE KEY-----\r\n{body}\r\n-----END RSA PRIVATE KEY-----"
    text = f"x = 1\r\nkey = '''{block}'''\r\n"
    known = Placeholders.of([Part(text, "python")])
    assert [one.value for one in known.all] == [block]
    assert known.restore(known.replace(text)) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("password = (\n", "passwords = [", "password: |\n  ", "auth = (", "mysql ", "x:y@"),
        *("kind: Secret\ndata:\n  a: b\n", "postgres://a:b", "password='a' +\n", "${password:"),
    ],
)
def test_no_text_of_beginnings_takes_long(piece):
    text = piece * (60_000 // len(piece))
    began = time.process_time()
    find_secrets(text)
    assert time.process_time() - began < 5


def test_ordinary_code_is_left_readable():
    folder = Path(aiex_lsp.__file__).parent
    told = [
        (path.name, one.line, one.kind)
        for path in sorted(folder.rglob("*.py"))
        for one in find_secrets(path.read_text(), "python")
    ]
    assert told == [], "this program's own code holds no secret"
