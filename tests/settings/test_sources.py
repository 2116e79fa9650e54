from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge import settings as settings_room
from bridge.settings import BadConfiguration, load, load_store
from bridge.settings.sections import Listener
from tests.support.unit_settings import GOOD, NEEDED, given, problems, read, shut_out

SECRET = "Ax5-secret_0123456789abcdefgh"
OTHER_SECRET = "Zy6-secret_0123456789abcdefgh"


def credentials(folder: Path, **files: str) -> dict[str, str]:
    """A credentials folder with these files, and the variable that names it."""
    inside = folder / "credentials"
    inside.mkdir()
    for name, content in files.items():
        (inside / name).write_bytes(content.encode())
    return {"CREDENTIALS_DIRECTORY": str(inside)}


def test_a_file_is_read(tmp_path: Path) -> None:
    """Values of the file stand in the settings, all others are defaults."""
    loaded = load(given(tmp_path, GOOD + '[log]\nlevel = "debug"\n'), {})
    assert loaded.settings.log.level == "debug"
    assert loaded.settings.log.format == "auto"
    assert loaded.settings.relay.admin == "operator@example.org"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Settings are frozen, whole and in part."""
    settings = load(given(tmp_path, GOOD), {}).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.log.level = "debug"
    with pytest.raises(ValueError, match="frozen"):
        settings.log = type(settings.log)()


def test_the_environment_is_read(tmp_path: Path) -> None:
    """FAXBRIDGE_SECTION__KEY sets a key: text, numbers, truth, durations, sizes, a key named like a Python word."""
    settings = read(
        tmp_path,
        "",
        FAXBRIDGE_IFAX__QUALITY="HD",
        FAXBRIDGE_IFAX__UPLOADS="7",
        FAXBRIDGE_IFAX__CALLS_PER_SECOND="0.5",
        FAXBRIDGE_NOTICES__DELIVERED="false",
        FAXBRIDGE_SERVICE__SHUTDOWN_TIMEOUT="3m",
        FAXBRIDGE_SMTP__MAX_MESSAGE_SIZE="1MiB",
        FAXBRIDGE_RELAY__FROM="Office <office@fax.local>",
    ).settings
    assert (settings.ifax.quality, settings.ifax.uploads, settings.ifax.calls_per_second) == ("HD", 7, 0.5)
    assert settings.notices.delivered is False
    assert settings.service.shutdown_timeout.total_seconds() == 180
    assert settings.smtp.max_message_size == 2**20
    assert settings.relay.from_ == "Office <office@fax.local>"


@pytest.mark.parametrize(
    "written", ["one.example,two.example", " one.example , two.example ,", '["one.example", "two.example"]']
)
def test_a_list_comes_by_commas_or_as_json(tmp_path: Path, written: str) -> None:
    """A list from the environment is parted by commas, or is JSON."""
    assert read(tmp_path, "", FAXBRIDGE_SMTP__DOMAINS=written).settings.smtp.domains == ("one.example", "two.example")


def test_json_lists_may_hold_commas(tmp_path: Path) -> None:
    """A value with a comma in it comes as JSON."""
    written = '["\\"a,b\\"@example.org"]'
    senders = read(tmp_path, "", FAXBRIDGE_POLICY__SENDERS=written).settings.policy.senders
    assert senders == ('"a,b"@example.org',)


def test_networks_come_by_commas(tmp_path: Path) -> None:
    """A list whose values are no text can be parted by commas too."""
    networks = read(tmp_path, "", FAXBRIDGE_POLICY__NETWORKS="10.0.0.0/24,::1/128").settings.policy.networks
    assert networks == (ip_network("10.0.0.0/24"), ip_network("::1/128"))


def test_an_empty_variable_is_an_empty_list(tmp_path: Path) -> None:
    """A list variable with nothing in it is the empty list, and stands over the file."""
    text = '[policy]\nsenders = ["a@example.org"]\n'
    assert read(tmp_path, text, FAXBRIDGE_POLICY__SENDERS="").settings.policy.senders == ()


def test_lists_of_tables_come_as_json(tmp_path: Path) -> None:
    """A list of tables comes by environment whole, as JSON, and takes the place of the file's."""
    text = '[[smtp.listeners]]\naddress = "127.0.0.1:25"\n[[smtp.listeners]]\naddress = "127.0.0.1:26"\n'
    loaded = read(tmp_path, text, FAXBRIDGE_SMTP__LISTENERS='[{"address": "127.0.0.1:27"}]')
    assert loaded.settings.smtp.listeners == (Listener(address="127.0.0.1:27"),)


def test_a_credential_is_read(tmp_path: Path) -> None:
    """A file SECTION_KEY in the credentials folder is a secret; its name is split at the first underscore."""
    found = credentials(tmp_path, ifax_access_token="from-credential", http_hook_password="p", relay_password="r")
    settings = load(given(tmp_path, GOOD + '[http]\nhook_user = "u"\n'), found).settings
    assert settings.ifax.access_token.get_secret_value() == "from-credential"
    assert settings.http.hook_password.get_secret_value() == "p"
    assert settings.relay.password.get_secret_value() == "r"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("token\n", "token"),
        ("token", "token"),
        ("token\n\n", "token\n"),
        (" token ", " token "),
        ("to\nken\n", "to\nken"),
    ],
)
def test_one_newline_is_removed(tmp_path: Path, content: str, value: str) -> None:
    """One trailing newline of a credential is removed, and nothing else."""
    settings = load(given(tmp_path, GOOD), credentials(tmp_path, relay_password=content)).settings
    assert settings.relay.password.get_secret_value() == value


@pytest.mark.parametrize("content", [f"{SECRET},{OTHER_SECRET}\n", f'["{SECRET}", "{OTHER_SECRET}"]\n'])
def test_a_credential_may_be_a_list(tmp_path: Path, content: str) -> None:
    """A list of secrets comes in one credential, by commas or as JSON."""
    settings = load(given(tmp_path, GOOD), credentials(tmp_path, http_hook_secrets=content)).settings
    assert [secret.get_secret_value() for secret in settings.http.hook_secrets] == [SECRET, OTHER_SECRET]


def test_strangers_credentials_are_left_alone(tmp_path: Path) -> None:
    """Files of the credentials folder whose name begins with no section of ours are not ours to judge."""
    load(given(tmp_path, GOOD), credentials(tmp_path, tls_key="x", other="y", **{"ifax.txt": "z"}))


@pytest.mark.parametrize("name", ["ifax_acess_token", "ifax_base_url", "relay_admin", "http_"])
def test_a_credential_that_is_no_secret_is_an_error(tmp_path: Path, name: str) -> None:
    """A credential of a section of ours that is no secret is an error that names it and those there are."""
    with pytest.raises(BadConfiguration) as caught:
        load(given(tmp_path, GOOD), credentials(tmp_path, **{name: "x"}))
    assert f"credential {name}" in str(caught.value)
    assert "ifax_access_token" in str(caught.value)


def test_a_missing_credentials_folder_is_an_error(tmp_path: Path) -> None:
    """A credentials folder that cannot be read is named."""
    with pytest.raises(BadConfiguration, match="nowhere"):
        load(given(tmp_path, GOOD), {"CREDENTIALS_DIRECTORY": str(tmp_path / "nowhere")})


def test_a_credential_of_no_text_is_an_error(tmp_path: Path) -> None:
    """A credential that is not UTF-8 is an error that names it and shows nothing of it."""
    environment = credentials(tmp_path)
    (tmp_path / "credentials" / "ifax_access_token").write_bytes(b"hunter\xff\xfe2")
    with pytest.raises(BadConfiguration) as caught:
        load(given(tmp_path, GOOD), environment)
    assert "credential ifax_access_token" in str(caught.value)
    assert "hunter" not in str(caught.value)


def test_the_strongest_source_wins(tmp_path: Path) -> None:
    """Environment stands over credential, credential over file, file over default."""
    path = given(tmp_path, GOOD)
    file_alone = load(path, {})
    with_credential = credentials(tmp_path, ifax_access_token="credential")
    both = {**with_credential, "FAXBRIDGE_IFAX__ACCESS_TOKEN": "environment"}
    tokens = [
        loaded.settings.ifax.access_token.get_secret_value()
        for loaded in (file_alone, load(path, with_credential), load(path, both))
    ]
    assert tokens == ["key", "credential", "environment"]


def test_sources_are_joined_key_by_key(tmp_path: Path) -> None:
    """A source that sets one key of a section leaves the section's other keys to the weaker ones."""
    environment = {**credentials(tmp_path, ifax_access_token="c"), "FAXBRIDGE_IFAX__QUALITY": "HD"}
    ifax = load(given(tmp_path, GOOD + "[log]\n").rename(tmp_path / "x.toml"), environment).settings.ifax
    assert (ifax.access_token.get_secret_value(), ifax.quality, ifax.uploads) == ("c", "HD", 2)


def test_a_weaker_source_is_judged_too(tmp_path: Path) -> None:
    """A section that the file writes as a plain value is wrong even where the environment sets keys of it."""
    found = problems(tmp_path, 'log = "debug"\n', FAXBRIDGE_LOG__FORMAT="json")
    assert any("log" in problem for problem in found)


def test_no_other_variable_matters(tmp_path: Path) -> None:
    """Variables without our prefix are not read, not even those pydantic-settings would take."""
    environment = {"IFAX": "x", "LOG": '{"level": "debug"}', "ifax": "x", "LOG__LEVEL": "debug", "PATH": "/bin"}
    assert load(given(tmp_path, GOOD), environment).settings.log.level == "info"


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("FAXBRIDGE_IFAX__QUALTIY", "HD", "quality"),
        ("FAXBRIDGE_RELAY__ADMINS", "x@example.org", "admin"),
        ("FAXBRIDGE_RELAYS__URL", "x", "relay"),
        ("FAXBRIDGE_LGO__LEVEL", "info", "log"),
        ("FAXBRIDGE_LOGLEVEL", "info", "log"),
        ("FAXBRIDGE_LOG_LEVEL", "info", "log"),
        ("FAXBRIDGE_CONFIGS", "x", "known are"),
        ("FAXBRIDGE_RETENTION__DOCUMENTS", "30d", "retention: unknown section"),
        ("FAXBRIDGE_LIMITS__SESSION", "5", "sessions"),
        ("FAXBRIDGE_IDENTITYS", "[]", "identities"),
        ("FAXBRIDGE_ALIAS__PHARMACY", "+14155550123", "aliases"),
    ],
)
def test_an_unknown_variable_is_an_error(tmp_path: Path, name: str, value: str, nearest: str) -> None:
    """A variable with our prefix and an unknown name is an error that names it and the nearest right name."""
    found = problems(tmp_path, "", **{name: value})
    assert len(found) == 1
    assert name in found[0]
    assert nearest in found[0]


@pytest.mark.parametrize(
    ("text", "place", "key", "nearest"),
    [
        ('\n[log]\nlevle = "info"\n', "faxbridge.toml:3", "log.levle", "level"),
        ("[logs]\n", "faxbridge.toml:1", "logs", "log"),
        ("[log.files]\n", "faxbridge.toml:1", "log.files", "known are level, format"),
        ("\n[ifxa.deep]\nx = 1\n", "faxbridge.toml:2", "ifxa", "ifax"),
        ('log.levle = "info"\n', "faxbridge.toml:1", "log.levle", "level"),
        ('[relay]\nfrom_ = "x@y"\n', "faxbridge.toml:2", "relay.from_", "from"),
        ("[smtp]\nadmin = 'x'\n", "faxbridge.toml:2", "smtp.admin", "relay.admin"),
        ("quality = 'HD'\n", "faxbridge.toml:1", "quality", "ifax.quality"),
        (
            '[[smtp.listeners]]\naddress = "127.0.0.1:1"\n[[smtp.listeners]]\nadress = "127.0.0.1:2"\n',
            "faxbridge.toml:4",
            "smtp.listeners[2].adress",
            "address",
        ),
        (
            '[[receiving.routes]]\nname = "a"\ndeliver = ["mailto:a@example.org"]\nnumbr = "+14155550100"\n',
            "faxbridge.toml:4",
            "receiving.routes[1].numbr",
            "number",
        ),
        ('[[identities]]\nname = "a"\nnetwork = []\n', "faxbridge.toml:3", "identities[1].network", "networks"),
        ('[[identites]]\nname = "a"\n', "faxbridge.toml:1", "identites", "identities"),
        ('[alias]\npharmacy = ["+14155550123"]\n', "faxbridge.toml:1", "alias", "aliases"),
    ],
)
def test_an_unknown_key_is_an_error(tmp_path: Path, text: str, place: str, key: str, nearest: str) -> None:
    """An unknown key or section is an error with file, line and the nearest right name."""
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(f"{place}: {key}: unknown")
    assert nearest in found[0]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('[ifax]\n\nquality = "Fine"\n', "faxbridge.toml:3: ifax.quality"),
        ('[ifax]\nuploads = "many"\n', "faxbridge.toml:2: ifax.uploads"),
        ("[ifax]\nuploads = 0\n", "faxbridge.toml:2: ifax.uploads"),
        ('[ifax]\ncaller_id = "4155550123"\n', "faxbridge.toml:2: ifax.caller_id"),
        ('[ifax]\nbase_url = "http://api.example.org/v1"\n', "faxbridge.toml:2: ifax.base_url"),
        ('[http]\npublic_url = "http://fax.example.org"\n', "faxbridge.toml:2: http.public_url"),
        ('[policy]\ncountries = ["US",\n "usa"]\n', "faxbridge.toml:2: policy.countries[2]"),
        ('[policy]\ndefault_country = "us"\n', "faxbridge.toml:2: policy.default_country"),
        ('[[smtp.listeners]]\naddress = "127.0.0.1"\n', "faxbridge.toml:2: smtp.listeners[1].address"),
        ('[[smtp.listeners]]\naddress = "127.0.0.1:65536"\n', "faxbridge.toml:2: smtp.listeners[1].address"),
        ("smtp.listeners = []\n", "faxbridge.toml:1: smtp.listeners"),
        ('[smtp]\ndomains = ["a@b"]\n', "faxbridge.toml:2: smtp.domains[1]"),
        ("[smtp]\ndomains = []\n", "faxbridge.toml:2: smtp.domains"),
        ('[relay]\nfrom = "nobody"\n', "faxbridge.toml:2: relay.from"),
        ('[admin]\nlisten = ["8081"]\n', "faxbridge.toml:2: admin.listen[1]"),
        ('[http]\nhook_secrets = ["short"]\n', "faxbridge.toml:2: http.hook_secrets[1]"),
        (
            '[[receiving.routes]]\nname = "a"\ndeliver = ["fax:+14155550123"]\n',
            "faxbridge.toml:3: receiving.routes[1].deliver[1]",
        ),
        ('[[receiving.routes]]\nname = "a"\n', "faxbridge.toml:1: receiving.routes[1].deliver"),
        ("[service]\nshutdown_timeout = 150\n", "faxbridge.toml:2: service.shutdown_timeout"),
    ],
)
def test_a_wrong_value_is_an_error(tmp_path: Path, text: str, start: str) -> None:
    """A value that cannot be used is one error with file, line and key."""
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(f"{start}: ")


@pytest.mark.parametrize("network", ["10.0.0.1/8", "nonsense", "10.0.0.0/33", "example.org"])
def test_a_wrong_network_is_one_plain_error(tmp_path: Path, network: str) -> None:
    """A network that is none is one error, in words that an operator understands."""
    found = problems(tmp_path, f'[policy]\nnetworks = ["127.0.0.0/8", "{network}"]\n')
    assert len(found) == 1
    assert found[0].startswith("faxbridge.toml:2: policy.networks[2]: ")
    assert "validator" not in found[0]


@pytest.mark.parametrize("duration", ["99999999999999d", "9" * 400 + "h"])
def test_an_endless_duration_is_an_error_with_a_place(tmp_path: Path, duration: str) -> None:
    """A duration that no clock can count is an error with file, line and key, not a crash."""
    found = problems(tmp_path, f'[service]\nshutdown_timeout = "{duration}"\n')
    assert [problem.startswith("faxbridge.toml:2: service.shutdown_timeout: ") for problem in found] == [True]


def test_a_wrong_value_is_placed_where_it_was_written(tmp_path: Path) -> None:
    """A wrong value from the environment is laid at the variable's door, not at the file's, whose value it replaces."""
    text = '[[smtp.listeners]]\naddress = "127.0.0.1:25"\n'
    found = problems(tmp_path, text, FAXBRIDGE_SMTP__LISTENERS='[{"address": "nowhere"}]')
    assert len(found) == 1
    assert found[0].startswith("environment FAXBRIDGE_SMTP__LISTENERS: smtp.listeners[1].address: ")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Every wrong key is told in one go."""
    text = '[log]\nlevel = "loud"\nfromat = "json"\n[ifax]\nquality = "Fine"\n'
    assert len(problems(tmp_path, text)) == 3


@pytest.mark.parametrize(
    "text", ["[log\n", 'log.level = "info"\nlog.level = "info"\n', "level", "[log]\nlevel = 'a\n", "\x00", "[a]\n[a]\n"]
)
def test_a_file_that_is_no_toml_is_an_error(tmp_path: Path, text: str) -> None:
    """A file that cannot be read as TOML is one error that names it and the place."""
    with pytest.raises(BadConfiguration, match=r"not TOML: .*(line \d|end of document)") as caught:
        load(given(tmp_path, text), {})
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    """A file that is not UTF-8 is an error that names it."""
    path = tmp_path / "faxbridge.toml"
    path.write_bytes(b"[log]\nlevel = '\xff'\n")
    with pytest.raises(BadConfiguration, match="not TOML"):
        load(path, {})


def test_a_missing_named_file_is_an_error(tmp_path: Path) -> None:
    """A file that was named, by option or by variable, must be there."""
    nowhere = tmp_path / "nowhere.toml"
    for config, environment in ((nowhere, NEEDED), (None, {**NEEDED, "FAXBRIDGE_CONFIG": str(nowhere)})):
        with pytest.raises(BadConfiguration, match=r"nowhere\.toml: No such file"):
            load(config, environment)


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    """FAXBRIDGE_CONFIG names the file; a file named by option stands over it."""
    path = given(tmp_path, GOOD + '[log]\nlevel = "debug"\n')
    assert load(None, {"FAXBRIDGE_CONFIG": str(path)}).settings.log.level == "debug"
    assert load(path, {"FAXBRIDGE_CONFIG": str(tmp_path / "nowhere.toml")}).settings.log.level == "debug"


def test_a_missing_default_file_counts_as_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody named a file and the default one is missing, all else is default."""
    monkeypatch.setattr(settings_room, "DEFAULT_CONFIG", tmp_path / "faxbridge.toml")
    assert load(None, NEEDED).settings.log.level == "info"
    assert load(None, {**NEEDED, "FAXBRIDGE_CONFIG": ""}).settings.log.level == "info"


def test_the_default_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody named a file the default one is read."""
    monkeypatch.setattr(settings_room, "DEFAULT_CONFIG", given(tmp_path, GOOD + '[log]\nlevel = "debug"\n'))
    assert load(None, {}).settings.log.level == "debug"


@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    """A file that we may not read is an error that names it, whether it was named or is the default one."""
    folder = tmp_path / "closed"
    folder.mkdir()
    path = given(folder, GOOD)
    monkeypatch.setattr(settings_room, "DEFAULT_CONFIG", path)
    with shut_out(folder), pytest.raises(BadConfiguration, match=r"faxbridge\.toml: Permission denied"):
        load(path if named else None, NEEDED)


def test_the_store_is_read_alone(tmp_path: Path) -> None:
    """Commands that need [store] alone read it from file and environment, whatever else is wrong or missing."""
    path = given(tmp_path, '[store]\ndatabase = "sqlite:////a/b.db"\n[log]\nlevel = "loud"\n')
    store = load_store(path, {"FAXBRIDGE_STORE__BLOBS": "/a/blobs", "FAXBRIDGE_LOG__LEVLE": "x"})
    assert (store.database, store.blobs) == ("sqlite:////a/b.db", "/a/blobs")


def test_the_store_reads_no_secret(tmp_path: Path) -> None:
    """Commands that need [store] alone open no credential, so that they work for whoever may not read any."""
    assert load_store(given(tmp_path, ""), {"CREDENTIALS_DIRECTORY": str(tmp_path / "nowhere")}).blobs.startswith("/")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('\n[store]\ndatabas = "x"\n', "faxbridge.toml:3: store.databas: unknown key; did you mean database?"),
        ("[store]\nblobs = 5\n", "faxbridge.toml:2: store.blobs: "),
        ('[store]\nblobs = "here"\n', "faxbridge.toml:2: store.blobs: 'here' is not a whole path"),
        ('store = "x"\n', "faxbridge.toml:1: store: "),
        ("store = []\n", "faxbridge.toml:1: store: "),
    ],
)
def test_a_wrong_store_is_an_error_with_a_place(tmp_path: Path, text: str, wanted: str) -> None:
    """What is wrong with [store] is told with file, line and key to commands that read it alone too."""
    with pytest.raises(BadConfiguration) as caught:
        load_store(given(tmp_path, text), {})
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(wanted)


def test_identities_come_from_the_environment_whole(tmp_path: Path) -> None:
    """[[identities]] as JSON in a variable takes the place of the file's, and its errors are laid at the variable."""
    text = '[[identities]]\nname = "a"\nnetworks = ["192.0.2.1/32"]\n'
    written = '[{"name": "b", "senders": ["*@example.org"]}, {"name": "c", "networks": ["192.0.2.2/32"]}]'
    loaded = read(tmp_path, text, FAXBRIDGE_IDENTITIES=written)
    assert [identity.name for identity in loaded.settings.identities] == ["b", "c"]
    origins = [origin for key, _, origin in loaded.show() if key.startswith("identities")]
    assert origins == ["environment FAXBRIDGE_IDENTITIES"] * 2
    found = problems(tmp_path, text, FAXBRIDGE_IDENTITIES='[{"name": "b"}]')
    assert [problem.split(": ")[:2] for problem in found] == [["environment FAXBRIDGE_IDENTITIES", "identities[1]"]]


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"FAXBRIDGE_IDENTITIES": "front-desk"}, "identities"),
        ({"FAXBRIDGE_IDENTITIES": '[{"name": '}, "identities"),
        ({"FAXBRIDGE_IDENTITIES__NAME": "b"}, "identities"),
        ({"FAXBRIDGE_IDENTITIES": "[]", "FAXBRIDGE_IDENTITIES__NAME": "b"}, "identities.name"),
        ({"FAXBRIDGE_ALIASES": "[]"}, "aliases"),
        ({"FAXBRIDGE_ALIASES__A__B": "+14155550123"}, "aliases.a"),
    ],
)
def test_half_a_list_of_tables_is_an_error(tmp_path: Path, variables: dict[str, str], key: str) -> None:
    """A variable that sets but a part of a list of tables, or no list at all, is one error and never ignored."""
    found = problems(tmp_path, "", **variables)
    assert [problem.split(": ")[1] for problem in found] == [key]
    assert found[0].startswith("environment FAXBRIDGE_")


def test_aliases_are_joined_name_by_name(tmp_path: Path) -> None:
    """An alias from the environment stands over the file's of that name, and leaves the others."""
    text = '[aliases]\npharmacy = ["+14155550123"]\nlab = ["+14155550124"]\n'
    loaded = read(tmp_path, text, FAXBRIDGE_ALIASES__PHARMACY="+14155550125, +14155550126")
    assert loaded.settings.aliases.numbers == {
        "pharmacy": ("+14155550125", "+14155550126"),
        "lab": ("+14155550124",),
    }
    origins = {key: origin.replace(f"{tmp_path}/", "") for key, _, origin in loaded.show()}
    assert origins["aliases.pharmacy"] == "environment FAXBRIDGE_ALIASES__PHARMACY"
    assert origins["aliases.lab"] == "faxbridge.toml:3"


@pytest.mark.parametrize(
    "text",
    [
        '[aliases]\n\n"front.desk" = ["4155550123"]\n',
        "[aliases]\nlab = [\n  '+14155550124',\n]\n'front.desk' = ['x=1']\n",
        '\n[ aliases ] # names\n "front.desk"= ["+1"]\n',
    ],
)
def test_a_quoted_name_has_its_line(tmp_path: Path, text: str) -> None:
    """What is wrong with a name that stands in quotes is laid at its own line."""
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if "front.desk" in line)
    found = problems(tmp_path, text)
    assert [problem.split(": ")[:2] for problem in found] == [[f"faxbridge.toml:{line}", "aliases.front.desk[1]"]]


def test_a_table_in_one_line_has_its_line(tmp_path: Path) -> None:
    """What stands in an inline table is shown as coming from its line, and what does not as default."""
    text = (
        'log = { level = "debug" }\naliases = { lab = ["+14155550124"] }\n'
        'identities = [{ name = "a", senders = ["a@example.org"] }]\n'
    )
    rows = {key: origin.replace(f"{tmp_path}/", "") for key, _, origin in read(tmp_path, text).show()}
    assert (rows["log.level"], rows["log.format"]) == ("faxbridge.toml:1", "default")
    assert (rows["aliases.lab"], rows["identities[1]"]) == ("faxbridge.toml:2", "faxbridge.toml:3")


def test_a_password_hash_is_no_credential(tmp_path: Path) -> None:
    """A file of the credentials folder that begins like a list of tables is nobody's, one for a limit is told."""
    load(given(tmp_path, GOOD), credentials(tmp_path, identities_password_hash="x"))
    (tmp_path / "credentials" / "limits_sessions").write_text("5")
    with pytest.raises(BadConfiguration, match=r"limits\.sessions is no secret"):
        load(given(tmp_path, GOOD), {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
