"""The relay: hands one mail over by SMTP and says whether it was taken, may be taken later, or never will be."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aiosmtplib

from bridge.errors import LeaseLost
from bridge.posting.options import RelayOptions
from bridge.runtime import foreign

TIMEOUT_SECONDS = 60.0
PERMANENT_FROM = 500

Lighter = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The relay's word: ``code`` is None where the line broke before one came."""

    taken: bool
    permanent: bool
    code: int | None
    reply: str


class _NoUtf8Error(Exception):
    """The relay greeted us, and does not offer what an address beyond ASCII needs."""


async def hand_over(
    options: RelayOptions,
    sender: str,
    recipient: str,
    content: bytes,
    *,
    lighter: Lighter | None = None,
    may_begin: Callable[[], bool] = lambda: True,
) -> HandedOver:
    """One try for one mail to one recipient. Never raises for what a relay or a network may do.

    Raises LeaseLost, and nothing was handed over, if ``may_begin`` says no once the relay has greeted us.
    ``lighter`` is asked for the mail in a form that every relay takes, where this one says that it does not take it.
    """
    client = aiosmtplib.SMTP(
        hostname=options.host,
        port=options.port,
        local_hostname=options.hostname,
        timeout=TIMEOUT_SECONDS,
        use_tls=options.security == "tls",
        start_tls=options.security == "starttls",
        tls_context=ssl.create_default_context() if options.security != "none" else None,
    )
    try:
        async with client:
            await _greet(client)
            if options.username:
                await client.login(options.username, options.password)
            if lighter is not None and not _takes(client, content):
                content = lighter(content)
            parameters = _parameters(client, recipient, content)
            if not may_begin():
                raise LeaseLost("the mail is somebody else's by now")
            _, reply = await client.sendmail(sender, [recipient], content, mail_options=parameters)
            return HandedOver(taken=True, permanent=False, code=250, reply=foreign.one_line(reply, 300))
    except aiosmtplib.SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        return _refused(refusal.code, refusal.message)
    except aiosmtplib.SMTPAuthenticationError as error:
        # The login is the operator's to mend; the mail waits for it.
        return _later(error.code, error.message)
    except aiosmtplib.SMTPDataError as error:
        return _refused(error.code, error.message)
    except aiosmtplib.SMTPResponseException as error:
        # A no before any recipient was named is about us or the relay, not about this mail: the mail waits.
        return _later(error.code, f"{error.code} {error.message}")
    except _NoUtf8Error:
        reply = "the address has letters beyond ASCII, and the relay takes no such address (it offers no SMTPUTF8)"
        return HandedOver(taken=False, permanent=True, code=None, reply=reply)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _later(None, f"{type(error).__name__}: {error}")


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Learn what the relay offers, where STARTTLS has not shown it; an old one offers nothing."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _takes(client: aiosmtplib.SMTP, content: bytes) -> bool:
    """Whether the relay says that it takes such a mail: as long as this (RFC 1870), with 8-bit text (RFC 6152)."""
    limit = client.esmtp_extensions.get("size", "").strip()
    too_long = limit.isdecimal() and 0 < int(limit) < len(content)
    return not too_long and (content.isascii() or client.supports_extension("8BITMIME"))


def _parameters(client: aiosmtplib.SMTP, recipient: str, content: bytes) -> list[str]:
    """What MAIL says of the mail (RFC 6152, RFC 6531), as far as the relay has words for it.

    A mail that is only passed on goes as it came, whatever its header holds; but an address must be understood.
    """
    parameters = []
    if not content.isascii() and client.supports_extension("8BITMIME"):
        parameters.append("BODY=8BITMIME")
    if client.supports_extension("SMTPUTF8"):
        if not (recipient.isascii() and _is_plain(content)):
            parameters.append("SMTPUTF8")
    elif not recipient.isascii():
        raise _NoUtf8Error
    return parameters


def _is_plain(content: bytes) -> bool:
    """Whether the header is not one of RFC 6532: ASCII, or what is not even UTF-8."""
    header = content[: max(content.find(b"\r\n\r\n"), 0)]
    try:
        return header.isascii() or not header.decode()
    except UnicodeDecodeError:
        return True


def _later(code: int | None, reply: str) -> HandedOver:
    return HandedOver(taken=False, permanent=False, code=code, reply=foreign.one_line(reply, 300))


def _refused(code: int, message: str) -> HandedOver:
    return HandedOver(
        taken=False, permanent=code >= PERMANENT_FROM, code=code, reply=foreign.one_line(f"{code} {message}", 300)
    )
