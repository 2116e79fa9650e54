"""The one place where every part is built, joined, started and stopped.

Ports are bound first; then the store is opened; then one task group runs the servers and the workers. One stop event
ends them: servers take no more, workers finish the piece in hand, and what has not ended in time is cancelled, which is
safe, since every step is a transaction.
"""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from bridge.document.converter import Converter
from bridge.document.covers import Covers
from bridge.document.renderer import Renderer
from bridge.errors import BridgeError
from bridge.fax.policy import Policy
from bridge.ifax.client import IfaxClient
from bridge.ifax.strangers import StrangerBudget
from bridge.intake import listeners
from bridge.intake.certificates import Certificates
from bridge.intake.listeners import Listeners
from bridge.intake.options import ListenerOptions
from bridge.intake.parts import Intake
from bridge.posting.alarms import Alarms
from bridge.posting.bounces import Bounces
from bridge.posting.courier import Courier
from bridge.posting.troubles import signs
from bridge.posting.undeliverable import Undeliverable
from bridge.posting.watchman import Watchman
from bridge.receiving.backlog import BacklogClerk
from bridge.receiving.fetch import Fetcher
from bridge.receiving.mails import Mailer
from bridge.receiving.poll import Poller
from bridge.receiving.route import Router
from bridge.runtime import memory
from bridge.runtime.events import Events
from bridge.runtime.ids import Ids
from bridge.runtime.worker import Bells, Duty, run_duty
from bridge.sending.breaker import Breaker
from bridge.sending.deadline import DeadlineKeeper
from bridge.sending.delays import DelayTeller
from bridge.sending.dressing import Dresser
from bridge.sending.enclosures import Enclosures
from bridge.sending.evidence import Inquirer
from bridge.sending.hands import InHand
from bridge.sending.orders import OrderClerk
from bridge.sending.prepare import PREPARERS, Preparer
from bridge.sending.previews import Previewer
from bridge.sending.replies import Answerer
from bridge.sending.report import Reporter
from bridge.sending.resending import Resender
from bridge.sending.retry import Retrier
from bridge.sending.settle import Calls, Settler
from bridge.sending.submit import Submitter
from bridge.sending.summaries import Summariser
from bridge.sending.track import Tracker
from bridge.settings import Settings, rooms
from bridge.store import Store
from bridge.store.clockwatch import ClockWatch
from bridge.store.desk import Desk
from bridge.store.trials import Trials
from bridge.web import server as web
from bridge.web.health import Health
from bridge.web.hooks import Hooks

T = TypeVar("T")

SWEEP_INTERVAL = timedelta(hours=6)


class PortTaken(BridgeError):
    """An address we are to listen on cannot be had."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """Everything that listens, bound before anything else is done."""

    smtp: list[tuple[ListenerOptions, socket.socket]]
    http: list[socket.socket]
    admin: list[socket.socket]

    @property
    def smtp_address(self) -> tuple[str, int]:
        """Host and port of the first SMTP listener, as they came out."""
        host, port = self.smtp[0][1].getsockname()[:2]
        return str(host), int(port)

    @property
    def http_address(self) -> tuple[str, int]:
        """Host and port of the first public HTTP listener."""
        host, port = self.http[0].getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Let go of all of them."""
        for each in (*(bound for _, bound in self.smtp), *self.http, *self.admin):
            each.close()


def bind(settings: Settings) -> Sockets:
    """All listening sockets; raises PortTaken with the address and the reason, and then holds none."""
    sockets = Sockets([], [], [])
    try:
        passed = _listen("systemd's sockets", partial(listeners.passed_sockets, dict(os.environ), os.getpid()))
        for listener in rooms.intake_options(settings).listeners:
            name = f"systemd:{listener.socket_name}" if listener.socket_name else f"{listener.host}:{listener.port}"
            bound = _listen(name, partial(listeners.bind, listener, passed))
            sockets.smtp.extend((listener, each) for each in bound)
        options = rooms.web_options(settings)
        sockets.http.extend(_listen(each, partial(web.bind, each)) for each in options.listen)
        sockets.admin.extend(_listen(each, partial(web.bind, each)) for each in options.admin_listen)
    except PortTaken:
        sockets.close()
        raise
    return sockets


def _listen(address: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except OSError as error:
        raise PortTaken(f"cannot listen on {address}: {error.strerror or error}") from error


async def run(settings: Settings, sockets: Sockets, stop: asyncio.Event, events: Events) -> None:
    """The daemon, from open store to closed, until ``stop`` is set. Raises Misconfigured or Unavailable at start."""
    async with AsyncExitStack() as stack:
        store = Store.open(rooms.store_options(settings.store))
        stack.push_async_callback(store.finish)
        clock = store.clock
        ids = Ids(clock)
        desk = Desk(store, clock, ids, Bells(), events, process=ids.token())
        carrier = await stack.enter_async_context(IfaxClient(rooms.ifax_options(settings), clock, events))
        breaker, watch = Breaker(clock, events), ClockWatch(desk)
        events.started(version=version("faxbridge"), database=settings.store.database)
        smtp = [bound for _, bound in sockets.smtp]
        for what, held in (("smtp", smtp), ("http", sockets.http), ("admin", sockets.admin)):
            for each in held:
                events.listening(what=what, address=_shown(each))
        converter = stack.enter_context(Converter())
        document = rooms.document_options(settings.document)
        renderer = Renderer(store.blobs.workspace, converter, options=document)
        covers, country = Covers(rooms.cover_options(settings)), settings.policy.default_country
        dresser = Dresser(renderer, covers, document, clock, country)
        duties = _duties(settings, desk, carrier, renderer, dresser, breaker, watch)
        converter.start()
        jobs = [
            Trials(desk, duties, random.SystemRandom()).run(stop),  # before the workers: what the dead left comes first
            *_smtp(settings, sockets, desk, stack, stop),
            *_web(settings, sockets, desk, breaker, stop),
            *(run_duty(duty, desk.bells, desk.floor, stop, events) for duty in duties),
            _poller(settings, desk, carrier).run(stop),
            _sweep(store, stop, events),
            watch.run(stop),
            _watchman(settings, desk).run(stop),
        ]
        memory.settle()
        clean = await _run_all(jobs, stop, settings.service.shutdown_timeout)
        events.stopped(clean=clean)


async def _run_all(jobs: list[Coroutine[Any, Any, None]], stop: asyncio.Event, patience: timedelta) -> bool:
    """Run all until they have ended; after ``stop`` they have ``patience`` for it. Whether all ended by themselves."""
    clean = True
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        await stop.wait()
        _, late = await asyncio.wait(tasks, timeout=patience.total_seconds())
        for task in late:
            clean = False
            task.cancel()
    return clean


def _watchman(settings: Settings, desk: Desk) -> Watchman:
    return Watchman(desk, rooms.mail_options(settings), signs(desk, rooms.watch_options(settings)))


def _certificates(settings: Settings, events: Events, stack: AsyncExitStack) -> Certificates | None:
    """The certificate of the SMTP listeners, read anew on SIGHUP; without one SIGHUP does nothing."""
    options, loop = rooms.intake_options(settings), asyncio.get_running_loop()
    certificates = None
    if options.certificate is not None and options.key is not None:
        certificates = Certificates(options.certificate, options.key, events)
    loop.add_signal_handler(signal.SIGHUP, certificates.reload if certificates is not None else lambda: None)
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    return certificates


def _smtp(
    settings: Settings, sockets: Sockets, desk: Desk, stack: AsyncExitStack, stop: asyncio.Event
) -> list[Coroutine[Any, Any, None]]:
    """The SMTP side: the listeners, what watches their certificate, and what tells the operator of refused copiers.

    Raises Misconfigured when the certificate cannot be read.
    """
    certificates = _certificates(settings, desk.events, stack)
    options, mail = rooms.intake_options(settings), rooms.mail_options(settings)
    intake = Intake.build(desk, options, rooms.policy_options(settings), mail)
    stack.callback(intake.close)
    watching = [certificates.run(stop)] if certificates is not None else []
    return [Listeners(intake, sockets.smtp, certificates).run(stop), intake.refusals.run(stop), *watching]


def _web(
    settings: Settings, sockets: Sockets, desk: Desk, breaker: Breaker, stop: asyncio.Event
) -> list[Coroutine[Any, Any, None]]:
    options = rooms.web_options(settings)
    return [
        web.serve(Hooks(desk, options).application(), sockets.http, stop),
        web.serve(Health(desk, options.reserve, lambda: breaker.reason).application(), sockets.admin, stop),
    ]


def _duties(  # noqa: PLR0917 - what the workers share, one by one
    settings: Settings,
    desk: Desk,
    carrier: IfaxClient,
    renderer: Renderer,
    dresser: Dresser,
    breaker: Breaker,
    watch: ClockWatch,
) -> list[Duty[Any]]:
    """Every worker's duty; each has a name of its own, under which it holds its leases."""
    sending, receiving = rooms.sending_options(settings), rooms.receiving_options(settings)
    mail = rooms.mail_options(settings)
    reporter = Reporter(desk, sending, mail, Enclosures(desk, renderer, sending))
    resender = Resender(desk, Policy(rooms.policy_options(settings)), sending)
    mailer = Mailer(desk, mail)
    budget = StrangerBudget(desk.clock)
    calls = Calls()
    in_hand = InHand()

    def owner(role: str, number: int = 0) -> str:
        return f"{role}-{number}/{desk.process}"

    relay = rooms.relay_options(settings)
    undeliverable = Undeliverable(desk, mail, receiving.fallback)
    return [
        *(
            Preparer(desk, dresser, reporter, sending, owner("prepare", number), in_hand=in_hand).duty
            for number in range(PREPARERS)
        ),
        Previewer(desk, dresser, mail, sending.max_document, owner("preview")).duty,
        *(
            Submitter(
                desk,
                carrier=carrier,
                reporter=reporter,
                calls=calls,
                options=sending,
                name=owner("submit", number),
                breaker=breaker,
            ).duty
            for number in range(sending.uploads)
        ),
        *(Tracker(desk, carrier, reporter, sending, owner("track", number)).duty for number in range(2)),
        Settler(desk, reporter, calls, sending.settle_window).duty,
        DeadlineKeeper(desk, Retrier(desk, reporter, sending.retry), watch).duty,
        DelayTeller(desk, reporter, sending, watch).duty,
        Inquirer(desk, carrier=carrier, reporter=reporter, budget=budget, name=owner("inquire")).duty,
        *(
            Fetcher(
                desk,
                carrier=carrier,
                renderer=renderer,
                mailer=mailer,
                options=receiving,
                budget=budget,
                name=owner("fetch", number),
            ).duty
            for number in range(receiving.downloads)
        ),
        Router(desk, mailer, receiving, owner("route")).duty,
        BacklogClerk(desk, owner("backlog")).duty,
        OrderClerk(desk, reporter, resender, owner("orders")).duty,
        Summariser(desk, sending.senders, mail, owner("summary")).duty,
        Answerer(desk, reporter, resender, mail, owner("reply")).duty,
        *(Courier(desk, relay, undeliverable, owner("post", number)).duty for number in range(2)),
        Bounces(desk, undeliverable, owner("bounce")).duty,
        Alarms(desk, mail).duty,
    ]


def _poller(settings: Settings, desk: Desk, carrier: IfaxClient) -> Poller:
    return Poller(desk, carrier, Mailer(desk, rooms.mail_options(settings)), rooms.receiving_options(settings))


async def _sweep(store: Store, stop: asyncio.Event, events: Events) -> None:
    """Remove files that no row names, at start and every few hours."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(store.sweep)
        except (BridgeError, OSError) as error:
            events.worker_failed(worker="sweep", error=error)
        try:
            async with asyncio.timeout(SWEEP_INTERVAL.total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


async def serve(settings: Settings, events: Events) -> None:
    """The daemon as a process: until SIGTERM or SIGINT. A second signal ends it at once."""
    sockets = bind(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None

    def on_signal(name: str) -> None:
        if stop.is_set():
            main.cancel()
            return
        events.stopping(signal=name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    try:
        await run(settings, sockets, stop, events)
    finally:
        sockets.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _shown(each: socket.socket) -> str:
    name = each.getsockname()
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else f"unix:{name}"
