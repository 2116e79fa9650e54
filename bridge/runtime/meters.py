"""Counters and timings for Prometheus that only a running process knows; the rest is read from the store."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CALL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds; a ``fax-send`` carries megabytes and may take minutes."""


class Meters:
    """One registry a process: nothing global, so that tests may build as many as they like."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = Counter(
            "faxbridge_faxes_accepted_total", "Faxes taken on, one per recipient", registry=self.registry
        )
        self.ended = Counter(
            "faxbridge_faxes_ended_total", "Faxes that reached a final state", ["outcome"], registry=self.registry
        )
        self.received = Counter("faxbridge_faxes_received_total", "Faxes that came in", registry=self.registry)
        self.refused = Counter("faxbridge_mail_refused_total", "SMTP refusals", ["code"], registry=self.registry)
        self.mailed = Counter("faxbridge_mail_sent_total", "Mails the relay took", ["kind"], registry=self.registry)
        self.undeliverable = Counter(
            "faxbridge_mail_failed_total", "Mails that cannot be delivered", ["kind"], registry=self.registry
        )
        self.carrier_paused = Gauge(
            "faxbridge_carrier_paused", "1 while calls pause since the carrier does not answer", registry=self.registry
        )
        self.carrier_seconds = Histogram(
            "faxbridge_carrier_request_seconds",
            "Time a call to the carrier took",
            ["call", "result"],
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
