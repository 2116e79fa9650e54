import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import SECTIONS, BadConfiguration, Settings, load, sections, sources
from bridge.settings.identities import HASH_COMMAND
from tests.support.unit_contract import (
    IDENTITY,
    IDENTITY_KEYS,
    LATER,
    LISTENER,
    LISTENER_KEYS,
    OUR_IDENTITY,
    OUR_LISTENER,
    REDIALS,
    ROUTE_KEYS,
    SECRETS,
    SETTINGS,
)
from tests.support.unit_settings import GOOD, HASH, NEEDED, a_certificate, given, problems

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config" / "faxbridge.toml"
PAGE = ROOT / "docs" / "settings.md"

_COMMENTED = re.compile(r"# ?((?:\[\[?[a-z._]+\]\]?|[a-z_]+ = (?:\"[^\"]*\"|\[.*\]|[0-9.]+|true|false))(?:\s*#.*)?)")
_TABLE_ROW = re.compile(r"^\| `([a-z_]+)` \| (.*?) ?\| .* \|$", re.MULTILINE)
_ROW = re.compile(r"\| `([a-z_]+)\.([a-z_]+)` \| (.*?) \| .* \|")


def test_settings_have_the_contracts_keys() -> None:
    """The settings have every key of the contract that is built, and nothing else."""
    built = {(section, key) for section, model in SECTIONS.items() for key in sources.key_names(model)}
    assert built == {(section, key) for section, key, _ in SETTINGS}
    assert {*SECTIONS, "identities"} == set(Settings.model_fields)


def test_tables_have_the_contracts_keys() -> None:
    """Listeners, identities, routes have the contract's keys, the first two our own as well, and nothing else."""
    assert tuple(sources.key_names(sections.Listener)) == LISTENER_KEYS
    assert tuple(sources.key_names(sections.Identity)) == IDENTITY_KEYS
    assert tuple(sources.key_names(sections.Route)) == ROUTE_KEYS


@pytest.mark.parametrize(("section", "key", "written"), SETTINGS, ids=[f"{row[0]}.{row[1]}" for row in SETTINGS])
def test_a_default_is_the_contracts(section: str, key: str, written: Any) -> None:
    """A key that is written with the contract's default means the same as one that is not written."""
    model = SECTIONS[section]
    assert model(**{key: written}) == model()


def test_a_default_in_a_table_is_the_contracts() -> None:
    """A listener or identity written with all the contract's defaults is the same as one that is not written out."""
    assert sections.Listener(**LISTENER, **OUR_LISTENER) == sections.Listener()
    assert sections.Identity(**IDENTITY, **OUR_IDENTITY) == sections.Identity(name=IDENTITY["name"])


def test_the_alias_of_the_contract_is_read() -> None:
    """The contract's example of an alias is good, and no alias is the default."""
    pharmacy = sections.Aliases.model_validate({"pharmacy": ["+14155550123"]})
    assert pharmacy.numbers == {"pharmacy": ("+14155550123",)}
    assert sections.Aliases().numbers == {}


def test_the_password_of_an_identity_is_a_secret() -> None:
    """Of an identity's keys the password's hash is the secret one."""
    assert [key for key in IDENTITY_KEYS if sources.is_secret(sections.Identity, key)] == ["password_hash"]


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_is_a_secret(key: str) -> None:
    """Each secret of the contract is one in the settings, and there are no others."""
    section, _, name = key.partition(".")
    assert sources.is_secret(SECTIONS[section], name)
    found = {f"{part}.{one}" for part, model in SECTIONS.items() for one in sources.key_names(model)}
    assert {one for one in found if sources.is_secret(SECTIONS[one.split(".")[0]], one.split(".")[1])} == set(SECRETS)


@pytest.mark.parametrize("later", LATER)
def test_what_is_not_built_is_unknown(tmp_path: Path, later: str) -> None:
    """A key that a later part brings is refused as unknown, never accepted and ignored."""
    config = given(tmp_path, f"{later}\n")
    with pytest.raises(BadConfiguration) as caught:
        load(config, {})
    unknown = [str(problem) for problem in caught.value.problems if "unknown" in problem.text]
    assert len(unknown) == 1
    assert str(config) in unknown[0]


def written_keys(text: str) -> Iterator[tuple[str, str, str]]:
    """Every table and key of a TOML text, commented or not, as (table, key, the line without its comment sign)."""
    table = ""
    for line in text.splitlines():
        match = _COMMENTED.fullmatch(line)
        bare = match[1] if match else line
        if header := re.fullmatch(r"\[\[?([a-z._]+)\]\]?", bare):
            table = header[1]
        elif key := re.match(r"([a-z_]+) = ", bare):
            yield table, key[1], bare


def test_the_sample_has_every_key() -> None:
    """The sample file shows every setting there is, commented or not, each once, and no other."""
    shown = [f"{table}.{key}" for table, key, _ in written_keys(SAMPLE.read_text(encoding="utf-8"))]
    tables = {"smtp.listeners", "receiving.routes", *(f"retry.{name}" for name in REDIALS)}
    wanted = [f"{section}.{key}" for section, key, _ in SETTINGS if f"{section}.{key}" not in tables]
    wanted += [f"smtp.listeners.{key}" for key in LISTENER_KEYS]
    wanted += [f"identities.{key}" for key in IDENTITY_KEYS]
    wanted += ["aliases.pharmacy"]
    wanted += [f"retry.{name}.{key}" for name, redial in REDIALS.items() for key in redial]
    wanted += [f"receiving.routes.{key}" for key in ROUTE_KEYS]
    assert sorted(shown) == sorted(wanted)


def test_the_sample_shows_the_defaults() -> None:
    """Each value in the sample file is the contract's default."""
    shown = {
        (table, key): tomllib.loads(line)[key]
        for table, key, line in written_keys(SAMPLE.read_text(encoding="utf-8"))
        if "." not in table and table not in {"identities", "aliases"}
    }
    defaults = {(section, key): value for section, key, value in SETTINGS}
    assert {place: value for place, value in shown.items() if defaults[place] != value} == {}
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    assert sample["smtp"]["listeners"] == [{**LISTENER, **OUR_LISTENER}]
    assert sample["retry"] == {"give_up_after": "24h", **REDIALS}


def test_the_sample_shows_an_identity() -> None:
    """The identity in the sample file, which is commented out, has the contract's defaults and ours."""
    lines = [line for table, _, line in written_keys(SAMPLE.read_text(encoding="utf-8")) if table == "identities"]
    assert tomllib.loads("\n".join(lines)) == {**IDENTITY, **OUR_IDENTITY}


def test_the_sample_is_good_with_its_comments_in(tmp_path: Path) -> None:
    """The commented examples of the sample file are good as they stand, once the identity can be somebody."""
    text = SAMPLE.read_text(encoding="utf-8").replace("\n# networks = []", '\n# networks = ["192.0.2.0/28"]')
    text = "\n".join(match[1] if (match := _COMMENTED.fullmatch(line)) else line for line in text.splitlines())
    path = tmp_path / "sample.toml"
    path.write_text(text, encoding="utf-8")
    settings = load(path, NEEDED).settings
    assert [identity.name for identity in settings.identities] == ["front-desk"]
    assert [route.name for route in settings.receiving.routes] == ["front desk"]
    assert settings.aliases.numbers == {"pharmacy": ("+14155550123",)}


def test_the_sample_is_read(tmp_path: Path) -> None:
    """The sample file with the three keys set that must be is a good configuration, and the same as the defaults."""
    text = SAMPLE.read_text(encoding="utf-8")
    for empty, full in (
        ('access_token = ""', 'access_token = "key"'),
        ('admin = ""', 'admin = "operator@example.org"'),
        ("recipients = []", 'recipients = ["fallback@example.org"]'),
    ):
        assert text.count(f"\n{empty}") == 1
        text = text.replace(f"\n{empty}", f"\n{full}")
    sample, short = tmp_path / "sample.toml", tmp_path / "short.toml"
    sample.write_text(text, encoding="utf-8")
    short.write_text(GOOD, encoding="utf-8")
    assert load(sample, {}).settings.model_dump() == load(short, {}).settings.model_dump()


def test_the_page_has_every_setting() -> None:
    """docs/settings.md has a row for every setting, and for nothing else."""
    rows = [(section, key) for section, key, _ in _ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(rows) == sorted((section, key) for section, key, _ in SETTINGS)


def test_the_page_shows_the_defaults() -> None:
    """The default in each row of docs/settings.md is the contract's."""
    shown = {(section, key): cell for section, key, cell in _ROW.findall(PAGE.read_text(encoding="utf-8"))}
    tables = {("smtp", "listeners"): "`127.0.0.1:2525`", ("receiving", "routes"): "none"}
    for section, key, default in SETTINGS:
        cell = shown[section, key]
        if (section, key) in tables:
            assert cell == tables[section, key]
        else:
            assert tomllib.loads(f"value = {cell.strip('`')}") == {"value": default}


def test_the_page_names_the_credentials() -> None:
    """docs/settings.md names the credential of each secret, and the keys of the routes."""
    text = PAGE.read_text(encoding="utf-8")
    assert [key for key in SECRETS if f"`{key.replace('.', '_')}`" not in text] == []
    assert [key for key in ROUTE_KEYS if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    ("heading", "defaults"),
    [
        ("### [[smtp.listeners]]", {**LISTENER, **OUR_LISTENER}),
        ("## [[identities]]", {**IDENTITY, **OUR_IDENTITY, "name": None}),
    ],
)
def test_the_page_has_every_key_of_a_table(heading: str, defaults: dict[str, Any]) -> None:
    """The chapter of a list of tables has a row for each of its keys with its default, and for nothing else."""
    _, found, chapter = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")
    assert found
    rows = _TABLE_ROW.findall(re.split(r"^#", chapter, maxsplit=1, flags=re.MULTILINE)[0])
    shown = {key: tomllib.loads(f"value = {cell.strip('`')}")["value"] if cell else None for key, cell in rows}
    assert shown == defaults


def test_the_page_tells_our_own_keys() -> None:
    """docs/settings.md says which keys of a listener are ours in addition to those that were agreed."""
    keys = " and ".join(f"`{key}`" for key in OUR_LISTENER)
    assert f"{keys} are our own additions" in PAGE.read_text(encoding="utf-8")


def test_the_examples_of_the_page_are_good(tmp_path: Path) -> None:
    """Each example in docs/settings.md is a good configuration, given a real certificate and a real hash."""
    certificate, key = a_certificate(tmp_path)
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 5
    for example in examples:
        text = re.sub(r'"\$argon2id[^"]*"', f'"{HASH}"', example)
        text = text.replace("/etc/faxbridge/tls/fullchain.pem", str(certificate))
        text = text.replace("/etc/faxbridge/tls/privkey.pem", str(key))
        admin = {"FAXBRIDGE_RELAY__ADMIN": "operator@example.net", "FAXBRIDGE_RECEIVING__RECIPIENTS": "a@example.net"}
        assert problems(tmp_path, text, **admin) == []


def test_the_socket_of_the_examples_is_there() -> None:
    """The socket unit that the page speaks of passes its socket under the name that the examples use."""
    unit = (ROOT / "systemd" / "faxbridge-smtp.socket").read_text(encoding="utf-8")
    assert "\nFileDescriptorName=smtp\n" in unit
    assert "\nService=faxbridge.service\n" in unit
    assert '"systemd:smtp"' in PAGE.read_text(encoding="utf-8")
    assert "Sockets=faxbridge-smtp.socket" in (ROOT / "systemd" / "faxbridge.service").read_text(encoding="utf-8")


def test_the_page_says_how_to_make_a_hash() -> None:
    """docs/settings.md names the one-liner that errors about a hash name."""
    assert HASH_COMMAND.removeprefix("python3") in PAGE.read_text(encoding="utf-8")
