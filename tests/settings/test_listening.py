from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.fax.options import LimitOptions
from bridge.intake.options import Auth, ListenerOptions, Profile, Tls
from bridge.settings import BadConfiguration, load, rooms
from tests.support.unit_settings import HASH, NEEDED, a_certificate, given, problems, read, shut_out

LISTENER = '[[smtp.listeners]]\naddress = "{}"\n'
HERE = LISTENER.format("127.0.0.1:2525")
OUT = LISTENER.format("192.0.2.10:25")
JANE = f'[[identities]]\nname = "jane"\npassword_hash = "{HASH}"\n'
WIDE = '[policy]\nnetworks = ["10.0.0.0/8"]\n'
AT = "faxbridge.toml:"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return a_certificate(tmp_path_factory.mktemp("pair"))


def files(certificate: Path | str, key: Path | str) -> str:
    """The section that names them; listeners may follow."""
    return f'[smtp]\ncertificate = "{certificate}"\nkey = "{key}"\n'


@pytest.mark.parametrize(
    ("text", "start"),
    [
        # shapes
        (f'{HERE}tls = "on"\n', f"{AT}3: smtp.listeners[1].tls: "),
        (f'{HERE}profile = "lax"\n', f"{AT}3: smtp.listeners[1].profile: "),
        (f'{HERE}auth = "maybe"\n', f"{AT}3: smtp.listeners[1].auth: "),
        (f'{HERE}front = ["192.0.2.1/24"]\n', f"{AT}3: smtp.listeners[1].front[1]: '192.0.2.1/24' is not a network"),
        (f'{HERE}front = ["192.0.2.1"]\nfront_name = "a b"\n', f"{AT}4: smtp.listeners[1].front_name: "),
        (LISTENER.format("systemd:"), f"{AT}2: smtp.listeners[1].address: names no passed socket; write systemd:NAME"),
        (LISTENER.format("systemd:a:b"), f"{AT}2: smtp.listeners[1].address: names no passed socket"),
        (LISTENER.format("systemd:a b"), f"{AT}2: smtp.listeners[1].address: names no passed socket"),
        ('[http]\nlisten = ["systemd:http"]\n', f"{AT}2: http.listen[1]: is not an address"),
        ('[smtp]\ncertificate = "fax.pem"\n', f"{AT}2: smtp.certificate: 'fax.pem' is not the whole path of a file"),
        ('[smtp]\nkey = "/etc/\\u0000"\n', f"{AT}2: smtp.key: "),
        # auth
        (f'{OUT}auth = "required"\n{JANE}', f"{AT}3: smtp.listeners[1].auth: nobody could log in: a strict listener"),
        (
            f'{LISTENER.format("systemd:smtp")}auth = "required"\n{JANE}',
            f"{AT}3: smtp.listeners[1].auth: nobody could log in: a strict listener",
        ),
        (f'{HERE}auth = "required"\n', f"{AT}3: smtp.listeners[1].auth: nobody could log in: no identity has a"),
        (
            f'{HERE}auth = "required"\n[[identities]]\nname = "lab"\nnetworks = ["192.0.2.0/28"]\n',
            f"{AT}3: smtp.listeners[1].auth: nobody could log in",
        ),
        # peers in front
        (f"{HERE}proxy = true\n", f"{AT}3: smtp.listeners[1].proxy: counts for peers in front alone"),
        (f'{HERE}front_name = "mx.example.org"\n', f"{AT}3: smtp.listeners[1].front_name: counts for peers in front"),
        (f'{HERE}front = ["0.0.0.0/0"]\n', f"{AT}3: smtp.listeners[1].front[1]: 0.0.0.0/0 is everybody"),
        (f'{HERE}front = ["192.0.2.1/32", "::/0"]\n', f"{AT}3: smtp.listeners[1].front[2]: ::/0 is everybody"),
        (f'{HERE}bare_lf = ["192.0.2.0/28"]\n', f"{AT}3: smtp.listeners[1].bare_lf: is for listeners with profile"),
        # who is let in
        (f"{WIDE}{OUT}", f"{AT}4: smtp.listeners[1].address: 192.0.2.10:25 is open to others"),
        (f"{WIDE}{LISTENER.format('systemd:smtp')}", f"{AT}4: smtp.listeners[1].address: systemd:smtp is open"),
        (f'{WIDE}{HERE}front = ["127.0.0.1/32"]\n', f"{AT}4: smtp.listeners[1].address: 127.0.0.1:2525 is open"),
        (
            f'{OUT}[[identities]]\nname = "lab"\nnetworks = ["192.0.2.0/28", "10.0.0.0/23"]\n',
            f"{AT}2: smtp.listeners[1].address: 192.0.2.10:25 is open to others, no senders are named and identities",
        ),
        (f'{OUT}[[identities]]\nname = "lab"\nnetworks = ["fd00::/63"]\n', f"{AT}2: smtp.listeners[1].address: "),
        (f'{OUT}auth = "off"\n{WIDE}{JANE}', f"{AT}2: smtp.listeners[1].address: "),
        # addresses
        (HERE + HERE, f"{AT}4: smtp.listeners[2].address: 127.0.0.1:2525 is taken by smtp.listeners[1].address"),
        (LISTENER.format("[::1]:25") + LISTENER.format("[0:0::1]:025"), f"{AT}4: smtp.listeners[2].address: "),
        (LISTENER.format("LOCALHOST:25") + LISTENER.format("localhost:25"), f"{AT}4: smtp.listeners[2].address: "),
        (LISTENER.format("systemd:a") + LISTENER.format("systemd:a"), f"{AT}4: smtp.listeners[2].address: "),
        (
            '[http]\nlisten = ["127.0.0.1:2525"]\n',
            f"{AT}2: http.listen[1]: 127.0.0.1:2525 is taken by smtp.listeners[1]",
        ),
        (
            '[admin]\nlisten = ["127.0.0.1:8080"]\n',
            f"{AT}2: admin.listen[1]: 127.0.0.1:8080 is taken by http.listen[1]",
        ),
        ('[admin]\nlisten = ["unix:/run/a", "unix:/run/a"]\n', f"{AT}2: admin.listen[2]: "),
        # limits
        ("[limits]\nsessions = 0\n", f"{AT}2: limits.sessions: "),
        ("[limits]\nrecipients = 0\n", f"{AT}2: limits.recipients: "),
        ("[limits]\nfaxes_per_day = 0\n", f"{AT}2: limits.faxes_per_day: "),
        ("[limits]\npages_per_day = 0\n", f"{AT}2: limits.pages_per_day: "),
        ('[limits]\nreserve = "much"\n', f"{AT}2: limits.reserve: 'much' is not a size; write 50MB"),
        ('[limits]\nreserve = "0B"\n', f"{AT}2: limits.reserve: "),
    ],
)
def test_a_broken_rule_is_told(tmp_path: Path, text: str, start: str) -> None:
    """Each rule that is broken is one error with the line and key to change."""
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(start)


@pytest.mark.parametrize(
    "text",
    [
        # passwords in the clear: on loopback, and where machines know nothing else
        f'{HERE}profile = "legacy"\nauth = "required"\n{JANE}',
        f'{OUT}profile = "legacy"\nauth = "required"\n{JANE}',
        # a strict listener that offers no AUTH
        f'{OUT}auth = "optional"\n{JANE}',
        # the peer in front logs people in
        f'{HERE}auth = "required"\nfront = ["127.0.0.1/32"]\n',
        f'{HERE}front = ["127.0.0.0/8", "192.0.2.1", "2001:db8::1"]\nproxy = true\nfront_name = "mx.example.org"\n',
        f'{OUT}profile = "legacy"\nbare_lf = ["192.0.2.0/28"]\n',
        # somebody is named
        f'{WIDE}{OUT}profile = "legacy"\nauth = "required"\n{JANE}',
        f'{OUT}[[identities]]\nname = "lab"\nnetworks = ["10.0.0.0/8"]\nsenders = ["*@example.org"]\n',
        f'{OUT}[policy]\nsenders = ["*@example.org"]\n[[identities]]\nname = "lab"\nnetworks = ["10.0.0.0/8"]\n',
        f'{OUT}[[identities]]\nname = "lab"\nnetworks = ["10.0.0.0/24", "fd00::/64", "127.0.0.0/8"]\n',
        # wide, and nobody else gets there
        f"{WIDE}{HERE}",
        # any free port is another one each time
        LISTENER.format("127.0.0.1:0") + LISTENER.format("127.0.0.1:0") + '[http]\nlisten = ["127.0.0.1:0"]\n',
        LISTENER.format("127.0.0.1:25") + LISTENER.format("127.0.0.2:25") + LISTENER.format("systemd:smtp"),
        '[limits]\nsessions = 1\nrecipients = 1\nfaxes_per_day = 1\npages_per_day = 1\nreserve = "1kB"\n',
        # unused files are nobody's business
        files("/nowhere/fax.crt", ""),
    ],
)
def test_what_breaks_no_rule_is_good(tmp_path: Path, text: str) -> None:
    """A configuration that stays within the rules is good."""
    assert problems(tmp_path, text) == []


# Certificates


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_needs_a_certificate(tmp_path: Path, tls: str) -> None:
    """A listener that speaks TLS wants certificate and key, and each that is missing is told once."""
    found = problems(
        tmp_path, f'[smtp]\nhostname = "fax.local"\n{HERE}{OUT}tls = "{tls}"\n{OUT[:-4]}26"\ntls = "{tls}"\n'
    )
    assert [problem.split(": ")[:2] for problem in found] == [
        ["faxbridge.toml:1", "smtp.certificate"],
        ["faxbridge.toml:1", "smtp.key"],
    ]
    assert all("must be set where a listener speaks TLS, as smtp.listeners[2] does" in problem for problem in found)


def test_a_pair_is_good(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """A certificate with its key is good, and the room gets both; passwords may then be required anywhere."""
    text = files(*pair) + f'{OUT}tls = "starttls"\nauth = "required"\n{JANE}'
    assert problems(tmp_path, text) == []
    options = rooms.intake_options(read(tmp_path, text).settings)
    assert (options.certificate, options.key) == pair


def test_files_that_are_none_are_told(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """Files that are missing, no files, or hold something else are told each at its key, in words."""
    certificate, key = pair
    (tmp_path / "empty").write_text("nothing")
    for named, wanted in (
        (("/nowhere/a.crt", "/nowhere/a.key"), ["/nowhere/a.crt does not exist", "/nowhere/a.key does not exist"]),
        ((certificate, tmp_path), [f"{tmp_path} is not a file"]),
        ((key, certificate), [f"{key} holds no certificate in PEM", f"{certificate} holds no private key in PEM"]),
        ((tmp_path / "empty", key), [f"{tmp_path / 'empty'} holds no certificate in PEM"]),
    ):
        found = problems(tmp_path, files(*named) + f'{HERE}tls = "implicit"\n')
        assert [problem.split(": ")[2] for problem in found] == [text.replace(f"{tmp_path}/", "") for text in wanted]
        assert all(
            problem.startswith(("faxbridge.toml:2: smtp.cert", "faxbridge.toml:3: smtp.key")) for problem in found
        )


def test_files_that_are_no_pair_are_told(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """A key of another certificate, one with a passphrase, a short one and a broken certificate are told in words."""
    certificate, _ = pair
    _, other = a_certificate(tmp_path, "other")
    locked = a_certificate(tmp_path, "locked", passphrase="hunter2")
    short = a_certificate(tmp_path, "short", bits=512)
    broken = tmp_path / "broken.crt"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for named, wanted in (
        ((certificate, other), "faxbridge.toml:3: smtp.key: other.key is not the key of smtp.certificate"),
        (locked, "faxbridge.toml:3: smtp.key: locked.key is locked with a passphrase; write one without: "),
        (short, "faxbridge.toml:2: smtp.certificate: short.crt has a key that is too short to be safe"),
        ((broken, other), "faxbridge.toml:2: smtp.certificate: broken.crt cannot be used: "),
    ):
        found = problems(tmp_path, files(*named) + f'{HERE}tls = "implicit"\n')
        assert len(found) == 1
        assert found[0].startswith(wanted)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """Files that the daemon may not read are told so, with the system's reason."""
    closed = tmp_path / "closed"
    closed.mkdir()
    variables = {**NEEDED, "FAXBRIDGE_SMTP__LISTENERS": '[{"tls": "implicit"}]'}
    for name, file in zip(("certificate", "key"), pair, strict=True):
        (closed / name).write_bytes(file.read_bytes())
        variables[f"FAXBRIDGE_SMTP__{name.upper()}"] = str(closed / name)
    load(given(tmp_path, ""), variables)
    with shut_out(closed), pytest.raises(BadConfiguration) as caught:
        load(None, {**variables, "FAXBRIDGE_CONFIG": ""})
    assert [(problem.key, problem.text) for problem in caught.value.problems] == [
        (f"smtp.{name}", f"{closed / name} cannot be read: Permission denied") for name in ("certificate", "key")
    ]


# What intake is given


def test_intake_gets_its_listeners(tmp_path: Path) -> None:
    """Each listener reaches intake with all its values, a passed socket by its name; defaults are the strict ones."""
    text = (
        f'{HERE}{LISTENER.format("systemd:smtp")}profile = "legacy"\nauth = "off"\nfront = ["192.0.2.1/32"]\n'
        'proxy = true\nfront_name = "mx.example.org"\nbare_lf = ["192.0.2.0/28"]\n'
        f"{LISTENER.format('[::1]:2526')}"
    )
    options = rooms.intake_options(read(tmp_path, text).settings)
    assert options.listeners == (
        ListenerOptions("127.0.0.1", 2525, tls=Tls.OFF, profile=Profile.STRICT, auth=Auth.OPTIONAL),
        ListenerOptions(
            host="",
            port=0,
            socket_name="smtp",
            profile=Profile.LEGACY,
            auth=Auth.OFF,
            front=(ip_network("192.0.2.1/32"),),
            front_name="mx.example.org",
            proxy=True,
            bare_lf=(ip_network("192.0.2.0/28"),),
        ),
        ListenerOptions("::1", 2526),
    )
    assert (options.certificate, options.key) == (None, None)


def test_limits_reach_their_rooms(tmp_path: Path) -> None:
    """Limits and the word on duplicates reach intake and sending, the defaults too."""
    options = rooms.intake_options(read(tmp_path, "").settings)
    assert (options.sessions, options.recipients, options.reserve) == (200, 100, 500_000_000)
    assert (options.limits, options.tell_duplicates) == (LimitOptions(5000, 20_000), True)
    text = (
        '[limits]\nsessions = 7\nrecipients = 8\nfaxes_per_day = 9\npages_per_day = 10\nreserve = "1MB"\n'
        '[notices]\nduplicate = false\n[policy]\nsenders = ["*@example.org"]\n'
    )
    settings = read(tmp_path, text).settings
    options = rooms.intake_options(settings)
    assert (options.sessions, options.recipients, options.reserve) == (7, 8, 1_000_000)
    assert (options.limits, options.tell_duplicates) == (LimitOptions(9, 10), False)
    sending = rooms.sending_options(settings)
    assert (sending.limits, sending.page_limits, sending.senders) == (LimitOptions(9, 10), {}, ("*@example.org",))
