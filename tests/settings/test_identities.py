from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bridge.fax.addresses import Mailbox, OwnMailbox, is_reserved, read_local_part
from bridge.fax.options import RESERVED_NAMES
from bridge.fax.policy import Policy
from bridge.settings import rooms
from tests.support.unit_settings import HASH, problems, read

SOMEBODY = '[[identities]]\nname = "lab"\nnetworks = ["192.0.2.0/28"]\n'
FRONT = '[[smtp.listeners]]\nfront = ["192.0.2.1/32"]\n'
SALT_AND_HASH = HASH.partition("p=1")[2]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        # the name
        ("name = ''\n", "identities[1].name: '' is not a name"),
        ("name = ' lab'\n", "identities[1].name: ' lab' is not a name"),
        ("name = 'lab '\n", "identities[1].name: "),
        ('name = "l\\tab"\n', "identities[1].name: "),
        ('name = "l\\u0000ab"\n', "identities[1].name: "),
        ("name = 'lab:1'\n", "identities[1].name: "),
        ("name = 'Müller'\n", "identities[1].name: "),
        (f"name = '{'x' * 81}'\n", "identities[1].name: "),
        ("name = 5\n", "identities[1].name: "),
        # the password
        ("password_hash = 'secret'\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH}='\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH} '\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH.replace('2id', '2i')}'\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH.replace('v=19', 'v=16')}'\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH.replace('m=8', 'm=08')}'\n", "identities[1].password_hash: is not an argon2 hash"),
        (f"password_hash = '{HASH.replace('m=8', 'm=7')}'\n", "identities[1].password_hash: costs m=7"),
        (f"password_hash = '{HASH.replace('m=8', 'm=262145')}'\n", "identities[1].password_hash: costs m=262145"),
        (f"password_hash = '{HASH.replace('m=8', 'm=65536000000')}'\n", "identities[1].password_hash: costs m="),
        (f"password_hash = '{HASH.replace('t=1', 't=17')}'\n", "identities[1].password_hash: costs"),
        (f"password_hash = '{HASH.replace('m=8,t=1,p=1', 'm=999,t=1,p=17')}'\n", "identities[1].password_hash: costs"),
        ("password_hash = '$argon2id$v=19$m=8,t=1,p=1$c2Fs$AAAA'\n", "identities[1].password_hash: is not"),
        # the rest
        ("networks = ['192.0.2.1/28']\n", "identities[1].networks[1]: '192.0.2.1/28' is not a network; did you mean"),
        ("caller_id = '4155550123'\n", "identities[1].caller_id: "),
        ("countries = ['us']\n", "identities[1].countries[1]: "),
        ("prefixes = ['1900']\n", "identities[1].prefixes[1]: '1900' is not the beginning"),
        ("prefixes = ['+1900', '+1']\n", "identities[1].prefixes[2]: "),
        ("prefixes = ['+0900']\n", "identities[1].prefixes[1]: "),
        ("prefixes = ['+1234567890123456']\n", "identities[1].prefixes[1]: "),
        ("pages_per_day = 0\n", "identities[1].pages_per_day: "),
        ("language = 'it'\n", "identities[1].language: Input should be '', 'en', 'de', 'es' or 'fr'"),
        ("privacy = 'secret'\n", "identities[1].privacy: 'secret' is no level of privacy; write full or minimal"),
        ("cover = 'plain'\n", "identities[1].cover: 'plain' is no cover page here: /etc/faxbridge/covers/plain.html"),
        (
            "cover = '../plain'\n",
            "identities[1].cover: '../plain' is no name of a cover page; write 'standard', 'carrier', or",
        ),
        (
            "options = ['colour']\n",
            "identities[1].options[1]: 'colour' is no option; there are after, body, cover, pages, paper, quality",
        ),
        ("options = ['none', 'body']\n", "identities[1].options: 'none' stands alone, or not at all"),
        ("notify = 'nobody'\n", "identities[1].notify: "),
        ("notify = 'desk@Fax.local'\n", "identities[1].notify: desk@Fax.local lies inside smtp.domains"),
    ],
)
def test_a_wrong_value_is_told(tmp_path: Path, text: str, start: str) -> None:
    """A wrong value of an identity is one error with its line, its key and the way out."""
    key = text.partition(" ")[0]
    kept = [line for line in SOMEBODY.splitlines(keepends=True) if not line.startswith(f"{key} ")]
    found = problems(tmp_path, "".join([*kept, text]))
    assert len(found) == 1
    assert found[0].startswith(f"faxbridge.toml:{len(kept) + 1}: {start}")


@pytest.mark.parametrize(
    ("pattern", "cure"),
    [
        ("example.org", "did you mean *@example.org?"),
        ("@example.org", "did you mean *@example.org?"),
        ("*example.org", "did you mean *@example.org?"),
        ("*.example.org", "did you mean *@*.example.org?"),
        ("@*.example.org", "did you mean *@*.example.org?"),
        ("jane", "write name@example.org"),
        ("*", "no pattern at all lets any sender in"),
        ("", "no pattern at all lets any sender in"),
        ("jane@", "write name@example.org"),
        ("jane doe@example.org", "write name@example.org"),
        ("jane@exam ple.org", "write name@example.org"),
        ("a@b@example.org", "write name@example.org"),
        ("*@*", "fits addresses of strangers too"),
        ("*@*.org", "fits addresses of strangers too"),
        ("*@*example.org", "fits addresses of strangers too"),
        ("*@example.*", "fits addresses of strangers too"),
        ("jane@*", "fits addresses of strangers too"),
    ],
)
def test_a_pattern_that_names_nobody_is_told(tmp_path: Path, pattern: str, cure: str) -> None:
    """A pattern that is none, or that fits strangers, is refused with the nearest right form, the site's as well."""
    for text, key in (
        (f"{SOMEBODY}senders = ['*@example.org', '{pattern}']\n", "faxbridge.toml:4: identities[1].senders[2]: "),
        (f"[policy]\nsenders = ['*@example.org', '{pattern}']\n", "faxbridge.toml:2: policy.senders[2]: "),
    ):
        found = problems(tmp_path, text)
        assert len(found) == 1
        assert found[0].startswith(key)
        assert cure in found[0]


@pytest.mark.parametrize(
    "pattern",
    ["jane@example.org", "*@example.org", "*@*.example.org", "fax-*@mx*.example.org", '"a b"@example.org', "a@host"],
)
def test_a_pattern_that_names_somebody_is_good(tmp_path: Path, pattern: str) -> None:
    """Addresses and patterns of addresses are good as senders of the site and of an identity."""
    assert problems(tmp_path, f"{SOMEBODY}senders = ['{pattern}']\n[policy]\nsenders = ['{pattern}']\n") == []


@pytest.mark.parametrize(
    "rest",
    [
        "networks = ['192.0.2.0/28']",
        "senders = ['*@example.org']",
        f"password_hash = '{HASH}'",
        f"password_hash = '$argon2id$v=19$m=262144,t=16,p=16{SALT_AND_HASH}'",
        f"password_hash = '{PasswordHasher(time_cost=1, memory_cost=64).hash('x')}'",
        f"password_hash = '{PasswordHasher(time_cost=1, memory_cost=64, hash_len=16, salt_len=8).hash('x')}'",
    ],
    ids=["network", "sender", "hash", "costly hash", "fresh hash", "short hash"],
)
def test_an_identity_that_can_be_somebody_is_good(tmp_path: Path, rest: str) -> None:
    """Any of a password, networks and senders makes an identity somebody; hashes as argon2 makes them are good."""
    assert problems(tmp_path, f"[[identities]]\nname = 'Jane Doe <jane@example.org>'\n{rest}\n") == []


def test_an_identity_nobody_could_be_is_told(tmp_path: Path) -> None:
    """An identity without password, networks and senders is an error, unless a peer in front may hand its login on."""
    text = '\n[[identities]]\nname = "lab"\n'
    found = problems(tmp_path, text)
    assert found == [
        "faxbridge.toml:2: identities[1]: nobody could ever be 'lab'; give it a password_hash, networks or senders"
    ]
    assert problems(tmp_path, text + FRONT) == []


def test_a_name_is_missing(tmp_path: Path) -> None:
    """An identity without a name is told so at its line."""
    found = problems(tmp_path, "\n[[identities]]\nnetworks = ['192.0.2.0/28']\n")
    assert found == ["faxbridge.toml:2: identities[1].name: must be set"]


@pytest.mark.parametrize("other", ["lab", "LAB"])
def test_two_identities_of_one_name_are_told(tmp_path: Path, other: str) -> None:
    """The second of two identities that share a name, in whatever case, is an error that points to the first."""
    found = problems(tmp_path, SOMEBODY + SOMEBODY.replace("lab", other))
    assert len(found) == 1
    assert found[0].startswith(f"faxbridge.toml:5: identities[2].name: {other!r} is the name of identities[1] already")


@pytest.mark.parametrize("text", ['[identities]\nname = "lab"\n', 'identities = "lab"\n'])
def test_identities_are_a_list_of_tables(tmp_path: Path, text: str) -> None:
    """One table, or text, where the identities should stand is told how they are written."""
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith("faxbridge.toml:1: identities: is a list of tables; write [[identities]]")


def test_what_is_empty_is_the_sites(tmp_path: Path) -> None:
    """Policy gets identities with the file's values; empty caller ids and countries are left to the site."""
    full = (
        f'[[identities]]\nname = "full"\npassword_hash = "{HASH}"\nnetworks = ["192.0.2.0/28"]\n'
        'senders = ["*@example.org"]\ncaller_id = "+14155550100"\ncountries = ["DE"]\nprefixes = ["+1900"]\n'
        'pages_per_day = 7\nnotify = "desk@example.org"\n'
    )
    settings = read(tmp_path, SOMEBODY + full).settings
    lab, whole = rooms.policy_options(settings).identities
    assert (lab.caller_id, lab.countries, lab.password_hash, lab.notify) == (None, None, "", "")
    assert (whole.name, whole.password_hash, whole.caller_id) == ("full", HASH, "+14155550100")
    assert (whole.countries, whole.prefixes, whole.pages_per_day) == (frozenset({"DE"}), ("+1900",), 7)
    assert (whole.senders, whole.notify) == (("*@example.org",), "desk@example.org")
    assert [str(network) for network in whole.networks] == ["192.0.2.0/28"]
    assert rooms.sending_options(settings).page_limits == {"lab": 500, "full": 7}
    Policy(rooms.policy_options(settings))


# Aliases


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ('"front desk" = ["+14155550123"]', "aliases.front desk: cannot stand left of an @; did you mean front-desk?"),
        ('"a@b" = ["+14155550123"]', "aliases.a@b: cannot stand left of an @; did you mean a-b?"),
        ('"a..b" = ["+14155550123"]', "aliases.a..b: cannot stand left of an @"),
        ('"" = ["+14155550123"]', "aliases.: cannot stand left of an @; write letters and digits"),
        ('"é" = ["+14155550123"]', "aliases.é: cannot stand left of an @"),
        (f'{"x" * 65} = ["+14155550123"]', f"aliases.{'x' * 65}: cannot stand left of an @"),
        ("lab = []", "aliases.lab: must hold at least one"),
        ('lab = "+14155550123"', "aliases.lab: must be a list"),
        ('front.desk = ["+14155550123"]', "aliases.front: must be a list of numbers"),
        ('lab = ["4155550123"]', "aliases.lab[1]: '4155550123' is not a number in E.164; write it like +14155550123"),
        ('lab = ["+14155550123", "(415) 555-0124"]', "aliases.lab[2]: '(415) 555-0124' is not a number in E.164"),
        ("lab = [14155550123]", "aliases.lab[1]: "),
    ],
)
def test_a_wrong_alias_is_told(tmp_path: Path, line: str, start: str) -> None:
    """An alias that no mail could reach, or that stands for no number, is one error with its line and the cure."""
    found = problems(tmp_path, f"[aliases]\n{line}\n")
    assert len(found) == 1
    assert found[0].startswith(f"faxbridge.toml:2: {start}")


def test_an_alias_names_no_other(tmp_path: Path) -> None:
    """An alias within an alias is told that there is no such thing."""
    found = problems(tmp_path, '[aliases]\nlab = ["+14155550123"]\nall = ["lab"]\n')
    assert len(found) == 1
    assert found[0].startswith("faxbridge.toml:3: aliases.all[1]: 'lab' is not a number")
    assert found[0].endswith("an alias stands for numbers alone, not for other names")


@pytest.mark.parametrize("name", [*RESERVED_NAMES, "Postmaster", '"reply+x"', '"ABUSE+"'])
def test_a_name_of_our_own_is_no_alias(tmp_path: Path, name: str) -> None:
    """An alias named like an address of ours is an error, in whatever case and with whatever after a plus."""
    found = problems(tmp_path, f'[aliases]\n{name} = ["+14155550123"]\n')
    assert len(found) == 1
    assert found[0].startswith(f"faxbridge.toml:2: aliases.{name.strip(chr(34))}: is an address of our own")


def test_reserved_names_are_our_mailboxes() -> None:
    """The names that no alias may have are the mailboxes that addresses know, each and no other."""
    assert set(RESERVED_NAMES) == set(Mailbox)
    assert all(is_reserved(name) for name in RESERVED_NAMES)
    assert isinstance(read_local_part("postmaster", "US"), OwnMailbox)


def test_an_alias_in_two_cases_is_told(tmp_path: Path) -> None:
    """An alias that is named twice in different case is an error at the second one."""
    found = problems(tmp_path, '[aliases]\nLab = ["+14155550123"]\nlab = ["+14155550124"]\n')
    assert [problem.partition("; ")[0] for problem in found] == [
        "faxbridge.toml:3: aliases.lab: is the same alias as Lab, in other letters"
    ]


def test_aliases_reach_the_policy_in_lower_case(tmp_path: Path) -> None:
    """Policy gets each alias by its name in lower case, with its numbers in their order; names that vex are good."""
    text = (
        '[aliases]\nLab = ["+14155550124", "+14155550123"]\n"o\'hara.x" = ["+14155550123"]\n1007 = ["+14155550123"]\n'
    )
    options = rooms.policy_options(read(tmp_path, text).settings)
    assert [alias.name for alias in options.aliases] == ["lab", "o'hara.x", "1007"]
    assert options.aliases[0].numbers == ("+14155550124", "+14155550123")
    Policy(options)
