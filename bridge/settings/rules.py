"""What no single key can tell: rules between keys, and what must be set before the daemon can do its work."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from bridge.settings import identities, listening
from bridge.settings.sections import StoreSection
from bridge.settings.sources import Path_
from bridge.settings.values import is_loopback

if TYPE_CHECKING:
    from bridge.settings import Settings

Broken = tuple[Path_, str]


def broken(settings: "Settings") -> list[Broken]:
    """Every rule that does not hold, with the key to change and what to do."""
    return [
        *_must_be_set(settings),
        *_addresses(settings),
        *_relay(settings),
        *listening.broken(settings),
        *identities.broken(settings),
        *_hooks(settings),
        *broken_store(settings.store),
    ]


def broken_store(store: StoreSection) -> list[Broken]:
    """The rules of ``[store]`` alone. A database's URL is not quoted: somebody may have put a password into it."""
    key = ("store", "database")
    scheme = store.database.partition(":")[0].partition("+")[0].lower()
    if scheme in {"postgresql", "postgres"}:
        if wrong := _server_trouble(store.database):
            return [(key, wrong)]
    elif not store.database.startswith("sqlite:////") or not _is_path(store.database) or store.database.endswith("/"):
        return [(key, "is not a database; write sqlite:////path/to/faxbridge.db (four slashes)")]
    if not store.blobs.startswith("/") or not _is_path(store.blobs):
        return [(("store", "blobs"), f"{store.blobs!r} is not a whole path; begin it with /")]
    return []


def _server_trouble(url: str) -> str:
    """What is wrong with the URL of a PostgreSQL database; empty if nothing is. Hosts may be several, or none."""
    form = "write PostgreSQL's own form, postgresql://user@host/database"
    try:
        parts = urlsplit(url)
        password, query = parts.password, parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        return f"cannot be read; {form}"
    if not url.startswith("postgresql://"):
        return f"names a driver, or is written oddly; {form}"
    if password is not None or "password" in query:
        return "holds a password; put it into a file of libpq's form and end the URL with ?passfile=/path/to/it"
    if not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        return f"holds characters that have no place in a URL; {form}"
    if not parts.path.strip("/") or "/" in parts.path[1:]:
        return f"names no database; {form}"
    return ""


def _is_path(text: str) -> bool:
    return "\0" not in text


def _must_be_set(settings: "Settings") -> Iterator[Broken]:
    if not settings.ifax.access_token.get_secret_value():
        yield (
            ("ifax", "access_token"),
            "must be set: the API key of your iFax account (best as credential ifax_access_token)",
        )
    if not settings.relay.admin:
        yield ("relay", "admin"), "must be set: the mailbox of whoever looks after this daemon"
    if not settings.receiving.recipients:
        yield ("receiving", "recipients"), "must be set: the mailbox for received faxes that no route fits"


def _addresses(settings: "Settings") -> Iterator[Broken]:
    """Mail of ours must not come back to us as faxes."""
    ours = set(settings.smtp.domains)
    if _domain(settings.relay.admin) in ours:
        yield (
            ("relay", "admin"),
            f"{settings.relay.admin} lies inside smtp.domains; what it is told would come back here",
        )
    for index, identity in enumerate(settings.identities):
        if _domain(identity.notify) in ours:
            yield (
                ("identities", index, "notify"),
                f"{identity.notify} lies inside smtp.domains; notices would come back here",
            )
    for index, recipient in enumerate(settings.receiving.recipients):
        if _domain(recipient) in ours:
            yield (
                ("receiving", "recipients", index),
                f"{recipient} lies inside smtp.domains; received faxes would come back here",
            )
    for index, route in enumerate(settings.receiving.routes):
        for target in route.deliver:
            if _domain(target) in ours:
                yield (
                    ("receiving", "routes", index, "deliver"),
                    f"{target} lies inside smtp.domains; faxes would come back here",
                )


def _relay(settings: "Settings") -> Iterator[Broken]:
    if (answers := settings.relay.reply_domain) and answers not in settings.smtp.domains:
        yield ("relay", "reply_domain"), f"{answers} is none of smtp.domains; answers to notices would not come here"
    parts = urlsplit(settings.relay.url)
    if not settings.relay.username:
        return
    if not settings.relay.password.get_secret_value():
        yield ("relay", "password"), "must be set where relay.username is (best as credential relay_password)"
    if parts.scheme == "smtp" and not is_loopback(parts.hostname or ""):
        yield ("relay", "url"), "would send relay.password in the clear; use smtp+starttls or smtps"


def _hooks(settings: "Settings") -> Iterator[Broken]:
    http = settings.http
    if bool(http.hook_user) != bool(http.hook_password.get_secret_value()):
        missing = "hook_password" if http.hook_user else "hook_user"
        yield ("http", missing), "hook_user and hook_password are set both or neither"


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
