"""The certificate we show: read at start, and again on SIGHUP or when its files change. A bad new one is not taken."""

import asyncio
import ssl
from pathlib import Path

from bridge.errors import Misconfigured
from bridge.runtime.events import Events

LOOK_SECONDS = 30.0


def _no_passphrase() -> str:
    """OpenSSL would ask for one at a terminal, and wait."""
    raise PermissionError(0, "the key has a passphrase; store it without one")


class Certificates:
    """The TLS context of new sessions; ``context`` is the latest that could be read."""

    def __init__(self, certificate: Path, key: Path, events: Events) -> None:
        """Raises Misconfigured when certificate and key cannot be read, or are no pair."""
        self._files = (certificate, key)
        self._events = events
        self._wake = asyncio.Event()
        self._seen = self._looks()
        self.context = self._read()

    def reload(self) -> None:
        """Read again, at once. For the signal handler: it only says so, ``run`` does it."""
        self._seen = ()
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look for new files until ``stop``."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait([stopping, waking], timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                self._wake.clear()
                if not stop.is_set() and (looks := self._looks()) != self._seen:
                    self._seen = looks
                    self._try_new()
        finally:
            stopping.cancel()

    def _try_new(self) -> None:
        try:
            self.context = self._read()
        except Misconfigured as error:
            self._events.certificate_refused(why=error.public)
        else:
            self._events.certificate_read(certificate=str(self._files[0]))

    def _looks(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when a file does, or the file a link points to."""
        found = []
        for file in self._files:
            try:
                stat = file.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(*self._files, password=_no_passphrase)
        except (OSError, ssl.SSLError) as error:
            words = getattr(error, "reason", None) or getattr(error, "strerror", None) or "unreadable"
            raise Misconfigured(f"the certificate {self._files[0]} with key {self._files[1]}: {words}") from error
        return context
