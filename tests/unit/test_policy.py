from ipaddress import ip_network

import phonenumbers
import pytest
from hypothesis import given, strategies as st

from bridge.errors import Refused
from bridge.fax import numbers, routes
from bridge.fax.addresses import FaxNumber, FaxNumbers, Mailbox, OwnMailbox
from bridge.fax.options import Alias, DeliveryKind, Identity, Network, PolicyOptions, Route, Target
from bridge.fax.policy import Permission, Policy, check_not_null, pattern_of

MANY = frozenset(phonenumbers.SUPPORTED_REGIONS)
SITE = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fe80::/64")


def nets(*written: str) -> tuple[Network, ...]:
    """Networks as the settings give them."""
    return tuple(ip_network(each) for each in written)


def policy(
    *identities: Identity,
    networks: tuple[str, ...] = SITE,
    senders: tuple[str, ...] = (),
    countries: str = "US CA",
    aliases: tuple[Alias, ...] = (),
) -> Policy:
    """A policy of these rules."""
    options = PolicyOptions(
        nets(*networks), senders, frozenset(countries.split()), identities=identities, aliases=aliases
    )
    return Policy(options)


def permission(
    identity: Identity | None = None, *, senders: tuple[str, ...] = (), countries: str = "US CA"
) -> Permission:
    """What this identity, or without one a client of the site's networks, may."""
    rules = policy(*([identity] if identity else []), senders=senders, countries=countries)
    found = rules.of_login(identity.name) if identity else rules.of_client("127.0.0.1")
    assert found is not None
    return found


def example(region: str, kind: int = phonenumbers.PhoneNumberType.FIXED_LINE) -> str:
    """A number of this country and kind, from libphonenumber's own examples."""
    known = phonenumbers.example_number_for_type(region, kind)
    assert known is not None
    return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)


def service(code: int) -> str:
    """A number of an international service, which is in no country."""
    known = phonenumbers.example_number_for_non_geo_entity(code)
    assert known is not None
    return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)


# Clients


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0"]
)
def test_clients_of_the_networks_may(address: str) -> None:
    """A client within a network may send, an IPv4 one in IPv6 clothes and one with a zone too."""
    found = policy().of_client(address)
    assert found is not None
    assert (found.identity, found.name, found.caller_id) == (None, None, None)


@pytest.mark.parametrize(
    "address",
    [
        *("128.0.0.1", "11.0.0.1", "::2", "::ffff:11.0.0.1", "0.0.0.0", "::", "2002:0a01:0203::1", "::10.1.2.3"),
        *("", "local", "localhost", "10.1.2.3.4", "010.1.2.3", "10.1.2", "10.1.2.3/8", "::ffff:10.1.2.999", "x" * 999),
        *(
            "%eth0",
            "::1%",
            "[::1]x",
            "\uff11\uff10.1.2.3",
            "10.1.2.3\n",
            "10.1.2.3 ",
            "unix:/run/x",
            "fe80:0:0:1::1%eth0",
        ),
    ],
    ids=ascii,
)
def test_all_others_may_not(address: str) -> None:
    """A client outside, or whose address is none, may not."""
    assert policy(Identity("x", networks=nets("192.0.2.0/24"))).of_client(address) is None


@given(st.text(max_size=60))
def test_an_address_is_read_or_is_none(address: str) -> None:
    """Whatever a client's address is said to be, nothing breaks."""
    policy(networks=()).of_client(address)


def test_an_empty_list_of_networks_lets_nobody_in() -> None:
    """Without networks no client may send."""
    assert policy(networks=()).of_client("127.0.0.1") is None


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("10.1.2.3", "copier"),
        ("::ffff:10.1.2.3", "copier"),
        ("10.1.2.4", "floor"),
        ("10.1.9.9", "house"),
        ("10.9.9.9", None),
        ("2001:db8::7", "six"),
        ("2001:db8::7%eth0", "six"),
    ],
)
def test_the_narrowest_network_counts(client: str, name: str | None) -> None:
    """Of several identities the one with the narrowest network is taken, and the site only where there is none."""
    rules = policy(
        Identity("house", networks=nets("10.1.0.0/16")),
        Identity("floor", networks=nets("192.0.2.0/24", "10.1.2.0/24")),
        Identity("copier", networks=nets("10.1.2.3/32")),
        Identity("six", networks=nets("2001:db8::/32")),
        Identity("login only"),
        networks=("10.0.0.0/8", "10.1.2.3/32"),
    )
    found = rules.of_client(client)
    assert found is not None
    assert found.name == name


# Logins and proved senders


def test_a_login_is_an_identity() -> None:
    """A login is the identity of exactly that name, or nobody."""
    rules = policy(Identity("front-desk", caller_id="+14155550100"), Identity("lab", caller_id=""))
    found = rules.of_login("front-desk")
    assert found is not None
    assert (found.name, found.caller_id) == ("front-desk", "+14155550100")
    lab = rules.of_login("lab")
    assert lab is not None
    assert lab.caller_id is None
    for name in ("", "Front-Desk", "front-desk ", "nobody", "*"):
        assert rules.of_login(name) is None


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("boss@example.org", "boss"),
        ("BOSS@EXAMPLE.ORG", "boss"),
        ("anybody@example.org", "all"),
        ("a@lab.example.org", "lab"),
        ("a@example.net", None),
    ],
)
def test_a_proved_sender_is_an_identity(sender: str, name: str | None) -> None:
    """A proved sender is the identity whose pattern says most of the address, or one of the site's senders."""
    rules = policy(
        Identity("open"),
        Identity("all", senders=("*@example.org",)),
        Identity("wide", senders=("*@*.example.org",)),
        Identity("lab", senders=("*@lab.example.org",)),
        Identity("boss", senders=("chief@example.com", "boss@example.org")),
        senders=("*@example.net",),
    )
    found = rules.of_sender(sender)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("sender", ["", "a@example.com", "notboss@example.org.evil.test", "x"])
def test_a_proved_sender_may_be_nobody(sender: str) -> None:
    """A sender that no written pattern fits is nobody; no list of senders is no proof for anybody."""
    assert policy(Identity("open"), Identity("boss", senders=("boss@example.org",))).of_sender(sender) is None


# Senders


@pytest.mark.parametrize("sender", ["anybody@example.net", "a@b"])
def test_without_senders_any_may(sender: str) -> None:
    """No list of senders means any sender."""
    permission().check_sender(sender)
    permission(Identity("lab")).check_sender(sender)


@pytest.mark.parametrize("sender", ["a@example.org", "A.B@EXAMPLE.ORG", "boss@example.net", "@example.org"])
def test_named_senders_may(sender: str) -> None:
    """A sender who matches a pattern may; letters match in either case."""
    patterns = ("*@example.org", "boss@example.net")
    permission(senders=patterns).check_sender(sender)
    permission(Identity("lab"), senders=patterns).check_sender(sender)
    permission(Identity("lab", senders=patterns), senders=("x@example.com",)).check_sender(sender)


@pytest.mark.parametrize(
    "sender",
    [
        *("a@example.net", "a@sub.example.org", "a@example.org.evil.example", "a@exampleXorg", "a@example.org\n"),
        *("a@evil.example@example.org", "a@example.orgs", "notboss@example.net", "boss@example.net "),
        *(
            "\na@example.org@",
            "bo\u017f\u017f@example.net",
            "notboss@example.net.evil.test",
            "boss@example.net.evil.test",
        ),
    ],
    ids=ascii,
)
def test_patterns_are_anchored(sender: str) -> None:
    """A sender who only resembles a pattern may not: the whole address counts, a dot is a dot, a star no @."""
    patterns = ("*@example.org", "boss@example.net")
    with pytest.raises(Refused, match=r"policy\.senders"):
        permission(senders=patterns).check_sender(sender)
    with pytest.raises(Refused, match="the senders of this identity"):
        permission(Identity("lab", senders=patterns), senders=("*",)).check_sender(sender)


def test_an_identity_without_senders_has_the_sites() -> None:
    """An identity without senders of its own falls to the site's, and is told of them."""
    with pytest.raises(Refused, match=r"policy\.senders"):
        permission(Identity("lab"), senders=("*@example.org",)).check_sender("a@example.net")


def test_the_null_sender_may_not() -> None:
    """The null sender has nothing faxed, whatever the patterns."""
    for senders in ((), ("*",), ("*@example.org",)):
        for found in (permission(senders=senders), permission(Identity("lab", senders=senders))):
            with pytest.raises(Refused, match="without a sender"):
                found.check_sender("")
    with pytest.raises(Refused, match="without a sender"):
        check_not_null("")
    check_not_null("a@example.org")


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_pattern_without_a_star_is_the_address(written: str, address: str) -> None:
    """A pattern without a star matches itself and nothing else, letters in either case apart."""
    plain = written.replace("*", "")
    assert pattern_of(plain).fullmatch(plain)
    if plain.casefold() != address.casefold() and plain.isascii() and address.isascii():
        assert not pattern_of(plain).fullmatch(address)


@pytest.mark.parametrize(
    ("identity", "sender", "address"),
    [
        (Identity("lab", notify="team@example.org"), "a@example.org", "team@example.org"),
        (Identity("lab", notify="team@example.org"), "", "team@example.org"),
        (Identity("lab", senders=("*@example.org",)), "a@example.org", "a@example.org"),
        (Identity("lab", senders=("*@example.org",)), "victim@example.net", "admin@example.com"),
        (Identity("lab"), "a@example.org", "a@example.org"),
        (Identity("lab"), "", "admin@example.com"),
        (None, "a@example.org", "a@example.org"),
        (None, "", "admin@example.com"),
    ],
)
def test_where_notices_go(identity: Identity | None, sender: str, address: str) -> None:
    """Notices go where the identity wants them, else to the sender if it may be used here, else to the admin."""
    assert permission(identity).notice_address(sender, "admin@example.com") == address


# Numbers


@pytest.mark.parametrize("number", ["+14155550123", "+16135550123"])
def test_numbers_of_the_countries_may(number: str) -> None:
    """Numbers in the countries named may be faxed to."""
    permission().check_number(number)
    permission(Identity("lab")).check_number(number)


def test_numbers_elsewhere_may_not() -> None:
    """A number in any other country is refused, of the other lands with country code 1 too; the refusal says where."""
    for region in sorted(MANY - {"US", "CA"}):
        known = phonenumbers.example_number(region)
        assert known is not None
        with pytest.raises(Refused):
            permission().check_number(phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164))
    with pytest.raises(
        Refused, match=r"is in US; faxes may go to no country; the operator can change policy\.countries"
    ):
        permission(countries="").check_number("+14155550123")


def test_an_identity_has_countries_of_its_own() -> None:
    """The countries of an identity take the place of the site's, none of them too; without any the site's count."""
    narrow, none = Identity("lab", countries=frozenset({"CA"})), Identity("lab", countries=frozenset())
    permission(narrow).check_number("+16135550123")
    with pytest.raises(Refused, match="is in US; faxes may go to CA; the operator can change the countries of this id"):
        permission(narrow).check_number("+14155550123")
    with pytest.raises(Refused, match="no country"):
        permission(none).check_number("+14155550123")
    permission(Identity("lab", countries=frozenset({"DE"}))).check_number(example("DE"))
    with pytest.raises(Refused, match=r"policy\.countries"):
        permission(Identity("lab")).check_number(example("DE"))


def test_costly_numbers_may_not() -> None:
    """Premium, shared-cost and personal numbers are refused in every country, though the country is named."""
    refused = 0
    for found in (
        permission(countries=" ".join(MANY)),
        permission(Identity("lab", countries=MANY, prefixes=("+999",))),
    ):
        for region in sorted(MANY):
            for kind in numbers.COSTLY_KINDS:
                if phonenumbers.example_number_for_type(region, kind) is None:
                    continue
                with pytest.raises(Refused, match=r"a (premium-rate|shared-cost|personal) number"):
                    found.check_number(example(region, kind))
                refused += 1
    assert refused > 200


def test_other_kinds_go_by_their_country() -> None:
    """Toll-free, mobile, company-wide, VoIP, pager and voicemail numbers are refused only where the country is."""
    kinds = phonenumbers.PhoneNumberType
    for kind in (kinds.TOLL_FREE, kinds.MOBILE, kinds.UAN, kinds.VOIP, kinds.PAGER, kinds.VOICEMAIL):
        region = next(
            region
            for region in sorted(MANY)
            if phonenumbers.example_number_for_type(region, kind) is not None
            and numbers.country(example(region, kind)) == region
        )
        permission(countries=region).check_number(example(region, kind))
        with pytest.raises(Refused):
            permission(countries="").check_number(example(region, kind))


@pytest.mark.parametrize(
    "number",
    [
        *("+12129760100", "+14159760100", "+14169760100", "+18769760100", "+19009760100"),
        *("+16005550100", "+16225550100", "+16335550100", "+16445550100", "+16555550100", "+16775550100"),
        "+16885550100",
    ],
)
def test_premium_numbers_within_country_code_one_may_not(number: str) -> None:
    """The exchange 976 wherever it is, and Canada's area codes without a place; a prefix allows them as any other."""
    with pytest.raises(Refused, match=f"\\{number} is a (premium-rate|personal) number; such numbers are not faxed to"):
        permission(countries="US CA JM").check_number(number)
    permission(Identity("lab", prefixes=(number[:8],))).check_number(number)


@pytest.mark.parametrize(
    "number", ["+12125559760", "+19785550100", "+14155550976", "+18009760100", "+18889760100", "+12125550600"]
)
def test_digits_that_only_look_like_them_may(number: str) -> None:
    """976 and 600 elsewhere in a number, and toll-free numbers, in which every exchange is like any other."""
    permission(countries="US CA").check_number(number)


@pytest.mark.parametrize("region", ["US", "GB", "DE"])
def test_a_prefix_names_costly_numbers(region: str) -> None:
    """A number that begins with one of the prefixes may be faxed to, whatever its country and kind."""
    premium = example(region, phonenumbers.PhoneNumberType.PREMIUM_RATE)
    permission(Identity("lab", prefixes=(premium[:6],), countries=frozenset())).check_number(premium)
    permission(Identity("lab", prefixes=("+999", premium))).check_number(premium)
    for prefixes in ((premium + "0",), ("+999",), ()):
        with pytest.raises(Refused, match="unless the operator allows them by a prefix"):
            permission(Identity("lab", prefixes=prefixes)).check_number(premium)


def test_a_prefix_names_numbers_of_no_country() -> None:
    """A number that belongs to no country (a satellite, an international service) is refused but by a prefix."""
    with pytest.raises(Refused, match="in no country"):
        permission().check_number(service(870))
    permission(Identity("lab", prefixes=("+870",))).check_number(service(870))


@pytest.mark.parametrize("code", [800, 808, 870, 878, 881, 882, 883, 888, 979])
def test_an_empty_country_is_never_allowed(code: int) -> None:
    """Numbers of international services are in no country, and no list of countries lets them in."""
    with pytest.raises(Refused):
        permission(countries=" ".join(MANY)).check_number(service(code))


def test_refusals_are_replies() -> None:
    """Each refusal is one line of a reply with 550 5.7.1, short and in ASCII."""
    lab = permission(Identity("lab", senders=("a@example.org",), countries=MANY))
    for ask, what in ((lab.check_sender, "b@example.org"), (lab.check_sender, ""), (lab.check_number, service(870))):
        with pytest.raises(Refused) as caught:
            ask(what)
        assert caught.value.smtp.startswith("550 5.7.1 ")
        assert caught.value.smtp.isascii()
        assert caught.value.smtp.isprintable()


# The rules themselves


def test_the_site_expands_its_aliases() -> None:
    """A local part is read with the site's aliases and its country."""
    rules = policy(aliases=(Alias("pharmacy", ("+14155550123", "+14155550124")),))
    assert rules.expand("Pharmacy") == FaxNumbers((FaxNumber("+14155550123"), FaxNumber("+14155550124")))
    assert rules.expand("4155550123") == FaxNumbers((FaxNumber("+14155550123"),))
    assert rules.expand("abuse") == OwnMailbox(Mailbox.ABUSE)
    assert rules.default_country == "US"


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ((Alias("postmaster", ("+14155550123",)),), "named like a mailbox of our own"),
        ((Alias("bounce+x", ("+14155550123",)),), "named like a mailbox of our own"),
        ((Alias("a", ("+14155550123",)), Alias("A", ("+14155550124",))), "stands there twice"),
        ((Alias("a", ()),), "needs numbers in E.164"),
        ((Alias("a", ("+14155550123", "4155550124")),), "needs numbers in E.164"),
    ],
)
def test_bad_aliases_are_errors(aliases: tuple[Alias, ...], words: str) -> None:
    """An alias that hides a mailbox of ours or another alias, or leads nowhere, is an error at the start."""
    with pytest.raises(ValueError, match=words):
        policy(aliases=aliases)


@pytest.mark.parametrize("prefix", ["", "+", "1900", "+0", "*", "+1900x", "+1900\n", "+" + "1" * 16])
def test_bad_prefixes_are_errors(prefix: str) -> None:
    """A prefix that would let everything in, or nothing, is an error at the start."""
    with pytest.raises(ValueError, match="not the beginning of a number"):
        policy(Identity("lab", prefixes=("+1900", prefix)))


def test_two_identities_of_one_name_are_an_error() -> None:
    """A login means one identity."""
    with pytest.raises(ValueError, match="one name"):
        policy(Identity("lab"), Identity("lab"))


# Routes


FALLBACK = (Target.mail("fallback@example.org"),)
DESK = (Target.mail("desk@example.org"),)


@pytest.mark.parametrize(
    ("number", "caller", "takes"),
    [
        ("+14155550100", "", True),
        ("", "", True),
        ("+14155550101", "", False),
        ("", "+1212*", True),
        ("", "+1213*", False),
        ("", "*", True),
        ("", "+12125550177", True),
        ("", "+1212", False),
        ("", "1212*", False),
        ("+14155550100", "+1212*", True),
        ("+14155550101", "+1212*", False),
    ],
)
def test_a_route_fits_number_and_caller(number: str, caller: str, *, takes: bool) -> None:
    """A route takes a fax when both the number dialled and the caller fit; empty fits any."""
    route = Route("desk", number, caller, DESK)
    assert routes.fits(route, "+14155550100", "+12125550177") is takes
    chosen = routes.choose((route,), FALLBACK, "+14155550100", "+12125550177")
    assert chosen.deliver == (DESK if takes else FALLBACK)


@pytest.mark.parametrize("called", ["14155550100", "4155550100", "+14155550100"])
def test_the_number_dialled_may_lack_its_plus(called: str) -> None:
    """The number dialled is recognised as the carrier writes it."""
    assert routes.fits(Route("desk", "+14155550100", "", DESK), called, "")


@pytest.mark.parametrize("caller", ["12125550177", "+12125550177"])
def test_the_caller_may_lack_its_plus(caller: str) -> None:
    """The caller is recognised as the carrier writes it, too."""
    assert routes.fits(Route("desk", "", "+1212*", DESK), "+14155550100", caller)


def test_the_first_route_that_fits_is_taken() -> None:
    """Of several routes that fit the first is taken; an unknown caller fits only routes for any."""
    first, second = Route("first", "", "+1*", DESK), Route("second", "", "", FALLBACK)
    assert routes.choose((first, second), FALLBACK, "+14155550100", "+12125550177") is first
    assert routes.choose((first, second), FALLBACK, "+14155550100", "") is second
    assert routes.choose((first,), FALLBACK, "", "").name == routes.FALLBACK


@pytest.mark.parametrize("written", ["mailto:a@example.org", "MAILTO:a@example.org"])
def test_a_target_is_read(written: str) -> None:
    """mailto: and an address is a delivery by mail."""
    assert Target.read(written) == Target(DeliveryKind.MAILTO, "a@example.org")


@pytest.mark.parametrize(
    "written",
    [
        *("", "a@example.org", "mailto:", "mailto:a", "mailto:@b", "mailto:a@", "folder:/x", "mailto:a b@example.org"),
        *("mailto:a@example.org\r\nBcc: b@example.org", "mailto:\u00fc@example.org", "mailto:a@example.org\n"),
        *("mailto:<a@example.org>", "mailto:A <a@example.org>", "mailto:a@example.org,b@example.org"),
    ],
    ids=repr,
)
def test_what_is_no_target_is_an_error(written: str) -> None:
    """Anything else, more than one plain address above all, is a ValueError."""
    with pytest.raises(ValueError, match="is not a"):
        Target.read(written)
