from ipaddress import ip_network

import phonenumbers
import pytest
from hypothesis import given, strategies as st

from bridge.errors import Refused
from bridge.fax import numbers, routes
from bridge.fax.options import DeliveryKind, PolicyOptions, Route, Target
from bridge.fax.policy import Policy, pattern_of


def policy(*, networks: tuple[str, ...] = (), senders: tuple[str, ...] = (), countries: str = "US CA") -> Policy:
    """A policy of these rules."""
    options = PolicyOptions(tuple(ip_network(each) for each in networks), senders, frozenset(countries.split()))
    return Policy(options)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0"]
)
def test_clients_of_the_networks_may(address: str) -> None:
    """A client within a network may send, an IPv4 one in IPv6 clothes and one with a zone too."""
    policy(networks=("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fe80::/64")).check_client(address)


@pytest.mark.parametrize(
    "address",
    [
        *("128.0.0.1", "11.0.0.1", "::2", "::ffff:11.0.0.1", "0.0.0.0", "::", "2002:0a01:0203::1", "::10.1.2.3"),
        *("", "local", "localhost", "10.1.2.3.4", "010.1.2.3", "10.1.2", "10.1.2.3/8", "::ffff:10.1.2.999", "x" * 999),
    ],
    ids=repr,
)
def test_all_others_may_not(address: str) -> None:
    """A client outside, or whose address is none, may not."""
    with pytest.raises(Refused, match="may not send") as caught:
        policy(networks=("127.0.0.0/8", "::1/128", "10.0.0.0/8")).check_client(address)
    assert caught.value.smtp.startswith("550 5.7.1 ")
    assert len(caught.value.smtp) < 200


def test_an_empty_list_of_networks_lets_nobody_in() -> None:
    """Without networks no client may send."""
    with pytest.raises(Refused):
        policy().check_client("127.0.0.1")


@pytest.mark.parametrize("sender", ["anybody@example.net", "a@b"])
def test_without_senders_any_may(sender: str) -> None:
    """No list of senders means any sender."""
    policy().check_sender(sender)


@pytest.mark.parametrize("sender", ["a@example.org", "A.B@EXAMPLE.ORG", "boss@example.net", "@example.org"])
def test_named_senders_may(sender: str) -> None:
    """A sender who matches a pattern may; letters match in either case."""
    policy(senders=("*@example.org", "boss@example.net")).check_sender(sender)


@pytest.mark.parametrize(
    "sender",
    [
        *("a@example.net", "a@sub.example.org", "a@example.org.evil.example", "a@exampleXorg", "a@example.org\n"),
        *(
            "a@evil.example@example.org",
            "a@example.orgs",
            "notboss@example.net",
            "boss@example.net ",
            "\na@example.org@",
        ),
    ],
    ids=repr,
)
def test_patterns_are_anchored(sender: str) -> None:
    """A sender who only resembles a pattern may not: the whole address counts, a dot is a dot, a star no @."""
    with pytest.raises(Refused):
        policy(senders=("*@example.org", "boss@example.net")).check_sender(sender)


def test_the_null_sender_may_not() -> None:
    """The null sender has nothing faxed, whatever the patterns."""
    for senders in ((), ("*",), ("*@example.org",)):
        with pytest.raises(Refused, match="without a sender"):
            policy(senders=senders).check_sender("")


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_pattern_without_a_star_is_the_address(written: str, address: str) -> None:
    """A pattern without a star matches itself and nothing else, letters in either case apart."""
    plain = written.replace("*", "")
    assert pattern_of(plain).fullmatch(plain)
    if plain.casefold() != address.casefold() and plain.isascii() and address.isascii():
        assert not pattern_of(plain).fullmatch(address)


@pytest.mark.parametrize("number", ["+14155550123", "+16135550123"])
def test_numbers_of_the_countries_may(number: str) -> None:
    """Numbers in the countries named may be faxed to."""
    policy().check_number(number)


def test_numbers_elsewhere_may_not() -> None:
    """A number in any other country is refused, of the other lands with country code 1 too; the refusal says where."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS - {"US", "CA"}):
        known = phonenumbers.example_number(region)
        assert known is not None
        with pytest.raises(Refused):
            policy().check_number(phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164))
    with pytest.raises(Refused, match="is in US; faxes may go to no country"):
        policy(countries="").check_number("+14155550123")


def test_costly_numbers_may_not() -> None:
    """Premium, shared-cost and personal numbers are refused in every country, though the country is named."""
    refused = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in numbers.COSTLY_KINDS:
            known = phonenumbers.example_number_for_type(region, kind)
            if known is None:
                continue
            number = phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)
            with pytest.raises(Refused, match=r"a (premium-rate|shared-cost|personal) number"):
                policy(countries=" ".join(phonenumbers.SUPPORTED_REGIONS)).check_number(number)
            refused += 1
    assert refused > 100


def test_numbers_of_no_country_may_not() -> None:
    """A number that belongs to no country (a satellite, an international service) is refused."""
    known = phonenumbers.example_number_for_non_geo_entity(870)
    assert known is not None
    with pytest.raises(Refused, match="in no country"):
        policy().check_number(phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164))


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
