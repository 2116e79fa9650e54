import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from bridge import cli
from bridge.settings import MASK, BadConfiguration, load
from tests.support.unit_contract import SETTINGS
from tests.support.unit_settings import GOOD, HASH, NEEDED, given, read

FAXBRIDGE = Path(sys.executable).with_name("faxbridge")
HIDDEN = "hunter2-hunter2-hunter2"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Shell(Protocol):
    """Runs ``faxbridge ARGUMENTS`` with these variables and no others of ours."""

    def __call__(self, *arguments: str, **environment: str) -> Done: ...


@pytest.fixture
def faxbridge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The command within this process: the console script's own entry, at a fraction of the time."""

    def run(*arguments: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("FAXBRIDGE_", "CREDENTIALS_")):
                    patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["faxbridge", *arguments])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, said.out, said.err)

    return run


def test_the_console_script_is_there(tmp_path: Path) -> None:
    """`faxbridge check` runs as a process of its own: exit 0 for a good file, 2 for a bad one."""
    environment = {"PATH": os.environ["PATH"]}
    for text, status in ((GOOD, 0), (GOOD + "[log]\nlevle = 1\n", 2)):
        command = [str(FAXBRIDGE), "check", "--config", str(given(tmp_path, text))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == status
        assert "Traceback" not in done.stderr


def test_a_good_configuration_is_good(tmp_path: Path, faxbridge: Shell) -> None:
    """`check` of a good configuration says so and exits 0."""
    done = faxbridge("check", "--config", str(given(tmp_path, GOOD)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "the configuration is good\n", "")


def test_a_bad_configuration_is_exit_2(tmp_path: Path, faxbridge: Shell) -> None:
    """`check` says what is wrong in one line each on standard error, nothing on standard output, and exits 2."""
    path = given(tmp_path, GOOD + '[log]\nlevle = "info"\n[ifxa]\n')
    done = faxbridge("check", "--config", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert sorted(done.stderr.splitlines()) == [
        f"faxbridge: {path}:8: log.levle: unknown key; did you mean level?",
        f"faxbridge: {path}:9: ifxa: unknown section; did you mean ifax?",
    ]


@pytest.mark.parametrize("command", [["check"], ["serve"], ["migrate"], ["list"]])
def test_a_missing_named_file_is_exit_2(tmp_path: Path, faxbridge: Shell, command: list[str]) -> None:
    """A named file that is missing ends any command that reads one with one line and exit 2."""
    nowhere = str(tmp_path / "nowhere.toml")
    for done in (faxbridge(*command, "--config", nowhere), faxbridge(*command, FAXBRIDGE_CONFIG=nowhere)):
        assert done.returncode == 2
        assert done.stderr == f"faxbridge: {nowhere}: No such file or directory\n"


def test_serve_says_the_same_as_check(tmp_path: Path, faxbridge: Shell) -> None:
    """`serve` with a bad configuration says what `check` says, and exits 2."""
    path = str(given(tmp_path, '[log]\nlevel = "loud"\n'))
    serve, check = faxbridge("serve", "--config", path), faxbridge("check", "--config", path)
    assert serve.returncode == check.returncode == 2
    assert serve.stderr == check.stderr != ""


def test_the_variable_names_the_file(tmp_path: Path, faxbridge: Shell) -> None:
    """`check` reads the file that FAXBRIDGE_CONFIG names."""
    assert faxbridge("check", FAXBRIDGE_CONFIG=str(given(tmp_path, GOOD))).returncode == 0


@pytest.mark.parametrize(
    "arguments", [["check", "--nonsense"], ["nonsense"], ["check", "surplus"], ["check", "--config"]]
)
def test_wrong_usage_is_one_line(faxbridge: Shell, arguments: list[str]) -> None:
    """Wrong usage is exit 2 and one line on standard error, like every error."""
    done = faxbridge(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_crash_shows_no_traceback(tmp_path: Path) -> None:
    """Strange values end in a line and exit 2, never in a traceback."""
    command = [str(FAXBRIDGE), "check", "--config"]
    for text in ('[relay]\nurl = "smtp://[::1"\n', '[service]\nshutdown_timeout = "99999999999999d"\n'):
        done = subprocess.run(
            [*command, str(given(tmp_path, text))], env=NEEDED, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_show_has_every_key(tmp_path: Path, faxbridge: Shell) -> None:
    """`check --show` prints every key once with its value and origin, off a terminal parted by tabs."""
    done = faxbridge("check", "--show", "--config", str(given(tmp_path, GOOD)))
    assert done.returncode == 0
    heading, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert heading == ["key", "value", "origin"]
    shown = [row[0] for row in rows]
    assert [key for key in shown if "." in key] == [f"{section}.{key}" for section, key, _ in SETTINGS]
    assert [row for row in rows if "." not in row[0]] == [["identities", "[]", "default"], ["aliases", "{}", "default"]]
    assert {len(row) for row in rows} == {3}


def test_show_has_every_identity_and_alias(tmp_path: Path) -> None:
    """Each identity and each alias is shown in a row of its own with its line, passwords masked."""
    text = (
        f'[[identities]]\nname = "front-desk"\npassword_hash = "{HASH}"\n'
        '[[identities]]\nname = "lab"\nnetworks = ["192.0.2.0/28"]\nprefixes = ["+1900"]\n'
        '[aliases]\nPharmacy = ["+14155550123"]\n"all.labs" = ["+14155550123", "+14155550124"]\n'
    )
    loaded = read(tmp_path, text)
    shown = {key: (value, origin.replace(f"{tmp_path}/", "")) for key, value, origin in loaded.show()}
    desk, line = shown["identities[1]"]
    assert line == "faxbridge.toml:1"
    assert desk.startswith(f'{{ name = "front-desk", password_hash = {MASK}, networks = [], ')
    lab, line = shown["identities[2]"]
    assert line == "faxbridge.toml:4"
    assert 'name = "lab", password_hash = "", networks = ["192.0.2.0/28"], ' in lab
    assert 'prefixes = ["+1900"], pages_per_day = 500, ' in lab
    assert shown["aliases.Pharmacy"] == ('["+14155550123"]', "faxbridge.toml:9")
    assert shown["aliases.all.labs"] == ('["+14155550123", "+14155550124"]', "faxbridge.toml:10")
    assert HASH not in repr(loaded)


def test_show_names_the_origin(tmp_path: Path) -> None:
    """Each value is shown with where it came from: file and line, variable, credential or default."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "relay_password").write_text("p\n", encoding="utf-8")
    text = '[log]\n\nlevel = "debug"\n[relay]\nusername = "u"\n[[smtp.listeners]]\naddress = "127.0.0.1:1"\n'
    loaded = read(tmp_path, text, CREDENTIALS_DIRECTORY=str(folder), FAXBRIDGE_LOG__FORMAT="json")
    shown = {key: (value, origin.replace(f"{tmp_path}/", "")) for key, value, origin in loaded.show()}
    assert shown["log.level"] == ('"debug"', "faxbridge.toml:3")
    assert shown["log.format"] == ('"json"', "environment FAXBRIDGE_LOG__FORMAT")
    assert shown["relay.password"] == (MASK, "credential relay_password")
    assert shown["relay.url"] == ('"smtp://127.0.0.1:25"', "default")
    value, origin = shown["smtp.listeners"]
    assert value.startswith(
        '[{ address = "127.0.0.1:1", tls = "off", profile = "strict", auth = "optional", front = []'
    )
    assert origin == "faxbridge.toml:6"
    assert shown["service.shutdown_timeout"] == ("150s", "default")


def test_show_names_the_source_that_won(tmp_path: Path) -> None:
    """A value that several sources set is shown with the strongest one as its origin."""
    loaded = read(tmp_path, '[log]\nlevel = "debug"\n', FAXBRIDGE_LOG__LEVEL="warning")
    rows = {key: (value, origin) for key, value, origin in loaded.show()}
    assert rows["log.level"] == ('"warning"', "environment FAXBRIDGE_LOG__LEVEL")


SECRETS = f"""\
[ifax]
access_token = "{HIDDEN}"
[relay]
username = "u"
password = "{HIDDEN}"
[http]
hook_secrets = ["{HIDDEN}", "{HIDDEN}2"]
hook_user = "u"
hook_password = "{HIDDEN}"
"""


def test_secrets_are_masked(tmp_path: Path, faxbridge: Shell) -> None:
    """No secret is seen in --show, nor in the repr of settings; an empty one is shown as empty."""
    path = given(tmp_path, SECRETS)
    done = faxbridge(
        "check",
        "--show",
        "--config",
        str(path),
        FAXBRIDGE_RELAY__ADMIN="a@example.org",
        FAXBRIDGE_RECEIVING__RECIPIENTS="b@example.org",
    )
    assert done.returncode == 0
    assert "hunter2" not in done.stdout + done.stderr
    assert done.stdout.count(MASK) == 5
    environment = {name: value for name, value in NEEDED.items() if "TOKEN" not in name}
    loaded = load(path, environment)
    assert "hunter2" not in repr(loaded) + str(loaded.settings) + repr(loaded.settings)
    assert ("relay.password", '""', "default") in read(tmp_path, "").show()


@pytest.mark.parametrize(
    "text",
    [
        f'[relay]\nurl = "smpt://user:{HIDDEN}@mail.example.org"\n',
        f'[relay]\nurl = "smtp://user:{HIDDEN}@mail.example.org"\n',
        f'[store]\ndatabase = "postgresql://fax:{HIDDEN}@db.example.org/fax"\n',
        f'[store]\ndatabase = "postgresql+psycopg://fax:{HIDDEN}@db.example.org/fax"\n',
        f'[ifax]\nbase_url = "http://user:{HIDDEN}@api.example.org/v1"\n',
        f'[http]\nhook_secrets = ["{HIDDEN}!"]\n',
        f'[http]\nhook_secrets = "{HIDDEN}"\n',
        f'[http]\nhook_secrets = [["{HIDDEN}"]]\n',
        f'[ifax]\naccess_tokn = "{HIDDEN}"\n',
        f'[ifax]\naccess_token = ["{HIDDEN}"]\n',
        f'[relay]\npassword = {{ value = "{HIDDEN}" }}\n',
        f'[[identities]]\nname = "a"\npassword_hash = "{HIDDEN}"\n',
        f'[[identities]]\nname = "a"\npassword_hash = ["{HIDDEN}"]\n',
        f'[[identities]]\nname = "a"\npassword = "{HIDDEN}"\n',
        f'[[identities]]\npassword_hash = "$argon2id$v=19$m=8,t=1,p=1${HIDDEN}$x"\n',
        f'[identities]\npassword_hash = "{HIDDEN}"\n',
        f'identities = ["{HIDDEN}"]\n',
    ],
)
def test_no_error_shows_a_secret(tmp_path: Path, text: str) -> None:
    """What is said about a wrong value never holds a password or key that stood in it."""
    environment = {name: value for name, value in NEEDED.items() if "TOKEN" not in name}
    with pytest.raises(BadConfiguration) as caught:
        load(given(tmp_path, text), environment)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_a_postgres_driver_is_named_as_what_is_wrong(tmp_path: Path) -> None:
    """A database URL of PostgreSQL with a driver in it is told about PostgreSQL, not about slashes."""
    with pytest.raises(BadConfiguration, match="PostgreSQL"):
        load(given(tmp_path, '[store]\ndatabase = "postgresql+psycopg://localhost/fax"\n'), NEEDED)


def test_an_address_with_a_login_is_refused(tmp_path: Path) -> None:
    """A login within ifax.base_url or http.public_url is refused: it would be shown, and sent who knows where."""
    for key in ("ifax]\nbase_url", "http]\npublic_url"):
        with pytest.raises(BadConfiguration):
            load(given(tmp_path, f'[{key} = "https://user:{HIDDEN}@fax.example.org/v1"\n'), NEEDED)
