from pathlib import Path

import pytest

from bridge.settings import BadConfiguration, load
from tests.support.unit_settings import given, problems

ROUTE = '[[receiving.routes]]\nname = "a"\ndeliver = ["mailto:{}"]\n'
OPEN = '[[smtp.listeners]]\naddress = "{}"\n'


def test_what_must_be_set(tmp_path: Path) -> None:
    """An empty configuration is told the three keys that must be set, and nothing else."""
    with pytest.raises(BadConfiguration) as caught:
        load(given(tmp_path, ""), {})
    assert [problem.key for problem in caught.value.problems] == [
        "ifax.access_token",
        "relay.admin",
        "receiving.recipients",
    ]
    assert all(problem.text.startswith("must be set: ") for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        # mail of ours must not come back
        ('[smtp]\ndomains = ["example.org"]\n', "relay.admin: operator@example.org lies inside smtp.domains"),
        ('[relay]\nadmin = "x@FAX.local"\n', "relay.admin: x@FAX.local lies inside"),
        ('[smtp]\ndomains = ["Fax.Local"]\n[relay]\nadmin = "x@fax.local"\n', "relay.admin: x@fax.local lies inside"),
        ('[receiving]\nrecipients = ["a@example.org", "b@fax.local"]\n', "receiving.recipients[2]: b@fax.local lies"),
        (ROUTE.format("x@Fax.Local"), "receiving.routes[1].deliver: mailto:x@Fax.Local lies inside"),
        # the relay
        ('[relay]\nurl = "lmtp://127.0.0.1"\n', "relay.url: "),
        ('[relay]\nurl = "127.0.0.1:25"\n', "relay.url: "),
        ('[relay]\nurl = ""\n', "relay.url: "),
        ('[relay]\nurl = "smtp://"\n', "relay.url: "),
        ('[relay]\nurl = "smtp://[::1"\n', "relay.url: "),
        ('[relay]\nurl = "smtp://127.0.0.1:abc"\n', "relay.url: its port"),
        ('[relay]\nurl = "smtp://127.0.0.1:99999"\n', "relay.url: its port"),
        ('[relay]\nurl = "smtp://127.0.0.1/path"\n', "relay.url: holds more"),
        ('[relay]\nurl = "smtps://u:p@mail.example.org"\n', "relay.url: holds more"),
        ('[relay]\nusername = "u"\n', "relay.password: must be set"),
        (
            '[relay]\nurl = "smtp://mail.example.org"\nusername = "u"\npassword = "p"\n',
            "relay.url: would send relay.password in the clear",
        ),
        # never open to all
        ('[policy]\nnetworks = ["10.0.0.0/23"]\n' + OPEN.format("0.0.0.0:25"), "smtp.listeners[1].address: 0.0.0.0:25"),
        ('[policy]\nnetworks = ["fd00::/63"]\n' + OPEN.format("[::]:25"), "smtp.listeners[1].address: [::]:25"),
        ('[policy]\nnetworks = ["0.0.0.0/0"]\n' + OPEN.format("192.0.2.1:25"), "smtp.listeners[1].address: "),
        (
            '[policy]\nnetworks = ["10.0.0.0/8"]\n' + OPEN.format("127.0.0.1:25") + OPEN.format("mail.example.org:25"),
            "smtp.listeners[2].address: mail.example.org:25 is open",
        ),
        ('[admin]\nlisten = ["0.0.0.0:8081"]\n', "admin.listen[1]: 0.0.0.0:8081 is not loopback"),
        ('[admin]\nlisten = ["127.0.0.1:1", "fax.example.org:1"]\n', "admin.listen[2]: "),
        # hooks
        ('[http]\nhook_user = "u"\n', "http.hook_password: "),
        ('[http]\nhook_password = "p"\n', "http.hook_user: "),
        # the store
        ('[store]\ndatabase = "postgresql+asyncpg://localhost/fax"\n', "store.database: names a driver"),
        ('[store]\ndatabase = "postgres://localhost/fax"\n', "store.database: names a driver"),
        ('[store]\ndatabase = "postgresql:fax"\n', "store.database: names a driver, or is written oddly"),
        ('[store]\ndatabase = "postgresql://localhost"\n', "store.database: names no database"),
        ('[store]\ndatabase = "postgresql://localhost/fax/more"\n', "store.database: names no database"),
        ('[store]\ndatabase = "postgresql://fax:p@localhost/fax"\n', "store.database: holds a password"),
        ('[store]\ndatabase = "postgresql://localhost/fax?password=p"\n', "store.database: holds a password"),
        ('[store]\ndatabase = "postgresql://localhost/fax#x"\n', "store.database: holds characters"),
        ('[store]\ndatabase = "postgresql://localhost/fax?host"\n', "store.database: cannot be read"),
        ('[store]\ndatabase = "postgresql://[::1/fax"\n', "store.database: cannot be read"),
        ('[store]\ndatabase = "sqlite:///relative.db"\n', "store.database: "),
        ('[store]\ndatabase = "/var/lib/faxbridge.db"\n', "store.database: "),
        ('[store]\nblobs = "blobs"\n', "store.blobs: "),
    ],
)
def test_a_broken_rule_is_told(tmp_path: Path, text: str, start: str) -> None:
    """Each rule that is broken is one error that names the key to change."""
    found = problems(tmp_path, text, **unset(text))
    assert len(found) == 1
    place, _, rest = found[0].partition(": ")
    assert place.startswith(("faxbridge.toml:", "environment FAXBRIDGE_"))
    assert rest.startswith(start)


def unset(text: str) -> dict[str, str]:
    """The variables that would hide what a text sets itself, set to what it sets."""
    return {
        name: value
        for line, name, value in (
            ('admin = "x@FAX.local"', "FAXBRIDGE_RELAY__ADMIN", "x@FAX.local"),
            ('admin = "x@fax.local"', "FAXBRIDGE_RELAY__ADMIN", "x@fax.local"),
            ('"b@fax.local"', "FAXBRIDGE_RECEIVING__RECIPIENTS", "a@example.org,b@fax.local"),
            ('domains = ["example.org"]', "FAXBRIDGE_RECEIVING__RECIPIENTS", "fallback@example.net"),
        )
        if line in text
    }


@pytest.mark.parametrize(
    "text",
    [
        # the widest that is allowed
        '[policy]\nnetworks = ["10.0.0.0/24", "fd00::/64"]\n' + OPEN.format("0.0.0.0:25"),
        # senders are named
        '[policy]\nnetworks = ["10.0.0.0/8"]\nsenders = ["*@example.org"]\n' + OPEN.format("0.0.0.0:25"),
        # loopback only
        '[policy]\nnetworks = ["10.0.0.0/8"]\n' + OPEN.format("[::1]:25") + OPEN.format("localhost:26"),
        # the loopback networks are wide and harmless
        OPEN.format("0.0.0.0:25"),
        '[relay]\nurl = "smtp+starttls://mail.example.org"\nusername = "u"\npassword = "p"\n',
        '[relay]\nurl = "smtp://[::1]:25"\nusername = "u"\npassword = "p"\n',
        '[relay]\nurl = "smtps://mail.example.org:465/"\n',
        '[admin]\nlisten = ["unix:/run/faxbridge/admin.sock", "[::1]:8081", "localhost:8082"]\n',
        '[http]\nhook_user = "u"\nhook_password = "p"\nlisten = ["0.0.0.0:8080"]\n',
        '[http]\npublic_url = "http://127.0.0.1:8080/"\n',
        '[http]\npublic_url = "https://fax.example.org"\n',
        '[ifax]\nbase_url = "http://127.0.0.1:9/v1"\n',
        '[store]\ndatabase = "sqlite:////a/b.db"\nblobs = "/a/blobs"\n',
        '[store]\ndatabase = "postgresql://fax@db.example.org:5433/fax?sslmode=verify-full&passfile=/a/pgpass"\n',
        '[store]\ndatabase = "postgresql:///fax?host=/run/postgresql"\n',
        '[store]\ndatabase = "postgresql://a.example.org:5432,b.example.org/fax?target_session_attrs=primary"\n',
        ROUTE.format("x@sub.fax.local"),
    ],
)
def test_what_breaks_no_rule_is_good(tmp_path: Path, text: str) -> None:
    """A configuration that stays within the rules is good."""
    assert problems(tmp_path, text) == []


def test_rules_name_the_line(tmp_path: Path) -> None:
    """A broken rule is laid at the line of the key to change, or of the section where it is missing."""
    text = '[log]\nlevel = "info"\n[admin]\nlisten = ["0.0.0.0:1"]\n[relay]\nusername = "u"\n'
    assert [problem.split(": ")[0] for problem in problems(tmp_path, text)] == ["faxbridge.toml:5", "faxbridge.toml:4"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[receiving]\npoll_interval = "0s"\n', "receiving.poll_interval"),
        ('[ifax]\ncall_timeout = "0s"\n', "ifax.call_timeout"),
        ('[ifax]\nconnect_timeout = "0ms"\n', "ifax.connect_timeout"),
        ('[ifax]\nmax_document = "0B"\n', "ifax.max_document"),
        ('[smtp]\nmax_message_size = "0MB"\n', "smtp.max_message_size"),
    ],
)
def test_nothing_at_all_is_no_limit(tmp_path: Path, text: str, key: str) -> None:
    """An interval, a time-out or a size of nothing, with which no work can be done, is refused."""
    assert [problem.split(": ")[1] for problem in problems(tmp_path, text)] == [key]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[smtp]\nhostname = "two words"\n', "smtp.hostname"),
        ('[smtp]\nhostname = "fax\\r\\n250-XEVIL"\n', "smtp.hostname"),
        ('[smtp]\ndomains = ["two words"]\n', "smtp.domains[1]"),
        ('[relay]\nfrom = "Fax <fax@fax.local>\\r\\nBcc: x@example.org"\n', "relay.from"),
    ],
)
def test_names_that_go_on_the_wire_are_names(tmp_path: Path, text: str, key: str) -> None:
    """A host name, a domain or a From field that no mail could carry is refused before it is ever used."""
    assert [problem.split(": ")[1] for problem in problems(tmp_path, text)] == [key]
