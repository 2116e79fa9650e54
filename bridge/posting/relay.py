"""The relay: hands one mail over by SMTP and says whether it was taken, may be taken later, or never will be."""

import ssl
from dataclasses import dataclass

import aiosmtplib

from bridge.posting.options import RelayOptions
from bridge.runtime import foreign

TIMEOUT_SECONDS = 60.0
PERMANENT_FROM = 500


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The relay's word: ``code`` is None where the line broke before one came."""

    taken: bool
    permanent: bool
    code: int | None
    reply: str


async def hand_over(options: RelayOptions, sender: str, recipient: str, content: bytes) -> HandedOver:
    """One try for one mail to one recipient. Never raises for what a relay or a network may do."""
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
            if options.username:
                await client.login(options.username, options.password)
            _, reply = await client.sendmail(sender, [recipient], content)
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
    except UnicodeEncodeError:
        return HandedOver(taken=False, permanent=True, code=None, reply="the address cannot be written in ASCII")
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _later(None, f"{type(error).__name__}: {error}")


def _later(code: int | None, reply: str) -> HandedOver:
    return HandedOver(taken=False, permanent=False, code=code, reply=foreign.one_line(reply, 300))


def _refused(code: int, message: str) -> HandedOver:
    return HandedOver(
        taken=False, permanent=code >= PERMANENT_FROM, code=code, reply=foreign.one_line(f"{code} {message}", 300)
    )
