"""From the file's sections to what each room is given: frozen options, built here and nowhere else."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bridge.document.options import CoverOptions, DocumentOptions
from bridge.fax.options import (
    Alias,
    Identity,
    LimitOptions,
    PolicyOptions,
    Privacy,
    QuietHours,
    Redial,
    RetryOptions,
    Route,
    Target,
)
from bridge.ifax.options import IfaxOptions
from bridge.intake.options import IntakeOptions, ListenerOptions, Tls
from bridge.mail.options import MailOptions
from bridge.posting.options import RelayOptions, RelaySecurity, WatchOptions
from bridge.receiving.options import ReceivingOptions
from bridge.sending.options import Enclosure, SendingOptions
from bridge.settings import sections
from bridge.settings.identities import NO_OPTIONS
from bridge.settings.sections import StoreSection
from bridge.settings.values import RELAY_SCHEMES, SYSTEMD, is_host_name
from bridge.store.options import ServerOptions, StoreOptions
from bridge.web.options import WebOptions

if TYPE_CHECKING:
    from bridge.settings import Settings

_SECURITY: dict[str, RelaySecurity] = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}


def store_options(store: StoreSection) -> StoreOptions | ServerOptions:
    """Where things are kept."""
    if store.database.startswith("postgresql:"):
        return ServerOptions(store.database, Path(store.blobs))
    return StoreOptions(Path(store.database.removeprefix("sqlite:///")), Path(store.blobs))


def ifax_options(settings: "Settings") -> IfaxOptions:
    """How the carrier is called."""
    ifax = settings.ifax
    return IfaxOptions(
        base_url=ifax.base_url,
        access_token=ifax.access_token.get_secret_value(),
        quality=ifax.quality,
        connect_timeout=ifax.connect_timeout,
        stall_timeout=ifax.stall_timeout,
        call_timeout=ifax.call_timeout,
        uploads=ifax.uploads,
        downloads=ifax.downloads,
        calls_per_second=ifax.calls_per_second,
        max_document=ifax.max_document,
    )


def policy_options(settings: "Settings") -> PolicyOptions:
    """Who may fax to where."""
    policy = settings.policy
    return PolicyOptions(
        networks=policy.networks,
        senders=policy.senders,
        countries=frozenset(policy.countries),
        default_country=policy.default_country,
        identities=tuple(_identity(identity) for identity in settings.identities),
        aliases=tuple(Alias(name.lower(), numbers) for name, numbers in settings.aliases.numbers.items()),
        quiet_hours=QuietHours.read(policy.quiet_hours) if policy.quiet_hours else None,
        options=_options(policy.options),
        privacy=settings.notices.privacy,
        language=settings.notices.language,
    )


def _options(written: tuple[str, ...]) -> frozenset[str]:
    return frozenset(written) - {NO_OPTIONS}


def _identity(identity: sections.Identity) -> Identity:
    """What is empty in the file is the site's."""
    return Identity(
        name=identity.name,
        password_hash=identity.password_hash.get_secret_value(),
        networks=identity.networks,
        senders=identity.senders,
        caller_id=identity.caller_id or None,
        countries=frozenset(identity.countries) or None,
        prefixes=identity.prefixes,
        pages_per_day=identity.pages_per_day,
        notify=identity.notify,
        automatic=identity.automatic,
        quiet_hours=QuietHours.read(identity.quiet_hours) if identity.quiet_hours else None,
        options=_options(identity.options) if identity.options else None,
        cover=identity.cover,
        privacy=Privacy(identity.privacy) if identity.privacy else None,
        language=identity.language or None,
    )


def limit_options(settings: "Settings") -> LimitOptions:
    """What the whole site may fax in one day."""
    return LimitOptions(settings.limits.faxes_per_day, settings.limits.pages_per_day)


def intake_options(settings: "Settings") -> IntakeOptions:
    """How mail is taken in."""
    smtp, limits = settings.smtp, settings.limits
    speaks_tls = any(listener.tls is not Tls.OFF for listener in smtp.listeners)
    return IntakeOptions(
        listeners=tuple(_listener(listener) for listener in smtp.listeners),
        domains=smtp.domains,
        hostname=_hostname(settings),
        max_message_size=smtp.max_message_size,
        admin=settings.relay.admin,
        caller_id=settings.ifax.caller_id or None,
        certificate=Path(smtp.certificate) if speaks_tls else None,
        key=Path(smtp.key) if speaks_tls else None,
        sessions=limits.sessions,
        recipients=limits.recipients,
        reserve=limits.reserve,
        limits=limit_options(settings),
        tell_duplicates=settings.notices.duplicate,
        refuse_after=settings.policy.refuse_after,
    )


def _listener(listener: sections.Listener) -> ListenerOptions:
    scheme, _, name = listener.address.partition(":")
    host, port = ("", 0) if scheme == SYSTEMD else _host_port(listener.address)
    return ListenerOptions(
        host=host,
        port=port,
        socket_name=name if scheme == SYSTEMD else "",
        tls=listener.tls,
        profile=listener.profile,
        auth=listener.auth,
        front=listener.front,
        front_name=listener.front_name,
        proxy=listener.proxy,
        bare_lf=listener.bare_lf,
    )


def mail_options(settings: "Settings") -> MailOptions:
    """Who our mail is from."""
    return MailOptions(
        sender=settings.relay.from_,
        hostname=_hostname(settings),
        domain=settings.smtp.domains[0],
        admin=settings.relay.admin,
        default_country=settings.policy.default_country,
        reply_domain=settings.relay.reply_domain,
        language=settings.notices.language,
    )


def relay_options(settings: "Settings") -> RelayOptions:
    """Who takes our mail."""
    parts = urlsplit(settings.relay.url)
    return RelayOptions(
        host=parts.hostname or "",
        port=parts.port or RELAY_SCHEMES[parts.scheme],
        security=_SECURITY[parts.scheme],
        hostname=_hostname(settings),
        username=settings.relay.username,
        password=settings.relay.password.get_secret_value(),
    )


def document_options(document: sections.Document) -> DocumentOptions:
    """What becomes fax pages."""
    return DocumentOptions(
        partial=document.partial,
        archives=document.archives,
        max_pages=document.max_pages,
        pages=document.pages,
        page_bytes=document.page_bytes,
        long_pages=document.long_pages,
        body=document.body,
        trim=document.trim,
        paper=document.paper,
    )


def sending_options(settings: "Settings") -> SendingOptions:
    """How faxes go out."""
    return SendingOptions(
        uploads=settings.ifax.uploads,
        max_document=settings.ifax.max_document,
        first_poll=settings.ifax.first_poll,
        settle_window=settings.ifax.settle_window,
        accepted=settings.notices.accepted,
        delivered=settings.notices.delivered,
        delayed_after=settings.notices.delayed_after,
        limits=limit_options(settings),
        refuse_after=settings.policy.refuse_after,
        enclosed=_enclosed(settings.notices),
        digest=settings.notices.digest,
        page_limits={identity.name: identity.pages_per_day for identity in settings.identities},
        senders=settings.policy.senders,
        retry=retry_options(settings),
    )


def _enclosed(notices: sections.Notices) -> frozenset[Enclosure]:
    wanted: dict[Enclosure, bool] = {
        "thumbnail": notices.thumbnail,
        "document": notices.attach_document,
        "proof": notices.attach_proof,
    }
    return frozenset(name for name, is_on in wanted.items() if is_on)


def retry_options(settings: "Settings") -> RetryOptions:
    """What is tried again, by class of outcome."""
    retry = settings.retry
    classes = {name: getattr(retry, name) for name in type(retry).model_fields if name != "give_up_after"}
    return RetryOptions(
        give_up_after=retry.give_up_after,
        classes={name: Redial(redial.attempts, redial.delays) for name, redial in classes.items()},
    )


def receiving_options(settings: "Settings") -> ReceivingOptions:
    """How faxes come in."""
    receiving = settings.receiving
    return ReceivingOptions(
        poll_interval=receiving.poll_interval,
        fallback=tuple(Target.mail(address) for address in receiving.recipients),
        routes=tuple(
            Route(
                route.name,
                route.number,
                route.caller,
                tuple(Target.read(each) for each in route.deliver),
                Privacy(route.privacy) if route.privacy else None,
            )
            for route in receiving.routes
        ),
        privacy=settings.notices.privacy,
        downloads=settings.ifax.downloads,
    )


def watch_options(settings: "Settings") -> WatchOptions:
    """What the watchman looks at. A fax may use up its time for trying, then wait for evidence, and a while longer."""
    return WatchOptions(
        fax_too_old=settings.retry.give_up_after + settings.ifax.settle_window + timedelta(hours=1),
        poll_interval=settings.receiving.poll_interval,
        reserve=settings.limits.reserve,
        hooked=bool(settings.http.hook_secrets),
        certificate=intake_options(settings).certificate,
    )


def web_options(settings: "Settings") -> WebOptions:
    """The HTTP sides."""
    return WebOptions(
        listen=settings.http.listen,
        admin_listen=settings.admin.listen,
        hook_secrets=tuple(secret.get_secret_value() for secret in settings.http.hook_secrets),
        hook_user=settings.http.hook_user,
        hook_password=settings.http.hook_password.get_secret_value(),
        reserve=settings.limits.reserve,
    )


def _hostname(settings: "Settings") -> str:
    """As configured, else this machine's, unless what it calls itself could not stand in a mail."""
    ours = socket.gethostname()
    return settings.smtp.hostname or (ours if is_host_name(ours) else settings.smtp.domains[0])


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def cover_options(settings: "Settings") -> CoverOptions:
    """Which cover page faxes have, and what stands on all of them."""
    document = settings.document
    return CoverOptions(
        site=document.cover,
        identities={identity.name: identity.cover for identity in settings.identities if identity.cover},
        folder=Path(document.covers),
        company=document.company,
        headline=document.header,
    )
