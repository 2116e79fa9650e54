"""The contract's names as data: those that are built, and what a later part will bring."""

from typing import Any

LISTENER: dict[str, Any] = {
    "address": "127.0.0.1:2525",
    "tls": "off",
    "profile": "strict",
    "auth": "optional",
    "front": [],
    "proxy": False,
}
"""A listener with the contract's defaults."""

OUR_LISTENER: dict[str, Any] = {"front_name": "", "bare_lf": []}
"""What we have in addition to the contract, with its defaults."""

IDENTITY: dict[str, Any] = {
    "name": "front-desk",
    "password_hash": "",
    "networks": [],
    "senders": [],
    "caller_id": "",
    "countries": [],
    "prefixes": [],
    "pages_per_day": 500,
    "cover": "",
    "automatic": False,
    "notify": "",
}
"""An identity with the contract's defaults, and the contract's example for the one key that has none."""

OUR_IDENTITY: dict[str, Any] = {"language": "", "privacy": "", "quiet_hours": "", "options": []}
"""What we have in addition to the contract, and what the contract gives a default that would undo the site's."""

REDIALS: dict[str, dict[str, Any]] = {
    "busy": {"attempts": 5, "delays": ["2m", "5m", "15m", "30m"]},
    "no_answer": {"attempts": 4, "delays": ["5m", "15m", "1h"]},
    "voice": {"attempts": 2, "delays": ["30m"]},
    "line": {"attempts": 3, "delays": ["5m", "30m"]},
    "carrier": {"attempts": 5, "delays": ["10m", "30m", "1h", "2h"]},
}
"""The tables of [retry]: the contract's, and after its example those of the other classes it names."""

SETTINGS: tuple[tuple[str, str, Any], ...] = (
    ("ifax", "base_url", "https://api.ifaxapp.com/v1"),
    ("ifax", "access_token", ""),
    ("ifax", "caller_id", ""),
    ("ifax", "quality", "Standard"),
    ("ifax", "connect_timeout", "10s"),
    ("ifax", "stall_timeout", "60s"),
    ("ifax", "call_timeout", "10m"),
    ("ifax", "uploads", 2),
    ("ifax", "downloads", 2),
    ("ifax", "calls_per_second", 5),
    ("ifax", "max_document", "15MB"),
    ("ifax", "first_poll", "30s"),
    ("ifax", "settle_window", "4h"),
    ("smtp", "listeners", [LISTENER]),
    ("smtp", "domains", ["fax.local"]),
    ("smtp", "hostname", ""),
    ("smtp", "certificate", ""),
    ("smtp", "key", ""),
    ("smtp", "max_message_size", "50MB"),
    ("relay", "url", "smtp://127.0.0.1:25"),
    ("relay", "username", ""),
    ("relay", "password", ""),
    ("relay", "from", "Fax <fax@fax.local>"),
    ("relay", "admin", ""),
    ("relay", "reply_domain", ""),
    ("http", "listen", ["127.0.0.1:8080"]),
    ("http", "public_url", ""),
    ("http", "hook_secrets", []),
    ("http", "hook_user", ""),
    ("http", "hook_password", ""),
    ("admin", "listen", ["127.0.0.1:8081"]),
    ("store", "database", "sqlite:////var/lib/faxbridge/faxbridge.db"),
    ("store", "blobs", "/var/lib/faxbridge/blobs"),
    ("policy", "networks", ["127.0.0.0/8", "::1/128"]),
    ("policy", "senders", []),
    ("policy", "countries", ["US", "CA"]),
    ("policy", "default_country", "US"),
    ("policy", "quiet_hours", ""),
    ("policy", "options", ["after", "body", "cover", "pages", "paper", "quality", "reference"]),
    ("policy", "refuse_after", 5),
    ("limits", "sessions", 200),
    ("limits", "recipients", 100),
    ("limits", "faxes_per_day", 5000),
    ("limits", "pages_per_day", 20000),
    ("limits", "reserve", "500MB"),
    ("document", "body", "cover"),
    ("document", "trim", True),
    ("document", "pages", "auto"),
    ("document", "paper", "auto"),
    ("document", "page_bytes", "150kB"),
    ("document", "long_pages", "split"),
    ("document", "partial", False),
    ("document", "cover", ""),
    ("document", "covers", "/etc/faxbridge/covers"),
    ("document", "company", ""),
    ("document", "header", False),
    ("document", "archives", False),
    ("document", "max_pages", 200),
    ("retry", "give_up_after", "24h"),
    *(("retry", name, redial) for name, redial in REDIALS.items()),
    ("receiving", "poll_interval", "5m"),
    ("receiving", "recipients", []),
    ("receiving", "routes", []),
    ("notices", "accepted", False),
    ("notices", "delivered", True),
    ("notices", "delayed_after", "1h"),
    ("notices", "duplicate", True),
    ("notices", "language", "en"),
    ("notices", "privacy", "full"),
    ("notices", "thumbnail", False),
    ("notices", "attach_document", False),
    ("notices", "attach_proof", False),
    ("notices", "digest", False),
    ("log", "level", "info"),
    ("log", "format", "auto"),
    ("service", "shutdown_timeout", "150s"),
)
"""Section, key, default as the contract writes it (``policy.quiet_hours`` is ours): all keys that are built.

No route is the default of the routes.
"""

LISTENER_KEYS = (*LISTENER, *OUR_LISTENER)
IDENTITY_KEYS = (*IDENTITY, *OUR_IDENTITY)
ROUTE_KEYS = ("name", "number", "caller", "privacy", "deliver")

SECRETS = ("ifax.access_token", "relay.password", "http.hook_secrets", "http.hook_password")

LATER: tuple[str, ...] = ('[retention]\ndocuments = "30d"',)
"""Keys of later parts, as they would be written: unknown until their part is built."""

COMMANDS = (
    *("serve", "demo", "sandbox", "check", "list", "show", "codes", "migrate"),
    *("retry", "hold", "release", "settle", "resend", "cancel", "pause", "resume"),
    *("failing", "forget", "proof"),
)
"""The commands of the parts that are built."""

LATER_COMMANDS = ("doctor", "send")

COMMAND_OPTIONS: tuple[tuple[str, str], ...] = (
    ("demo", "--once"),
    ("sandbox", "--listen"),
    ("sandbox", "--hooks"),
    ("sandbox", "--keep"),
    ("sandbox", "--numbers"),
    ("check", "--show"),
    ("list", "--state"),
    ("list", "--direction"),
    ("list", "--since"),
    ("list", "--limit"),
    ("list", "--json"),
    ("show", "--json"),
    ("settle", "--sent"),
    ("settle", "--not-sent"),
    ("resend", "--to"),
    *((command, "--wait") for command in ("retry", "hold", "release", "settle", "resend", "cancel")),
)

METRICS = (
    "faxbridge_faxes_accepted_total",
    "faxbridge_faxes_ended_total",
    "faxbridge_queue_faxes",
    "faxbridge_oldest_waiting_seconds",
    "faxbridge_notices_owed",
    "faxbridge_carrier_request_seconds",
)

STATES: dict[str, tuple[str, ...]] = {
    "accepted": ("ready", "held", "failed", "cancelled"),
    "ready": ("submitting", "held", "failed", "cancelled"),
    "submitting": ("sending", "ready", "failed", "unconfirmed"),
    "unconfirmed": ("sending", "delivered", "failed", "ready", "cancelled"),
    "sending": ("delivered", "failed", "ready", "unconfirmed", "cancelled"),
    "held": ("accepted", "ready", "cancelled"),
    "delivered": (),
    "failed": (),
    "cancelled": (),
}

RECEIVED_STATES: dict[str, tuple[str, ...]] = {
    "announced": ("fetched", "lost", "quarantined"),
    "fetched": ("routed",),
    "routed": ("delivered",),
    "quarantined": ("announced",),
    "delivered": (),
    "lost": (),
}

HOLD_REASONS = ("limit", "approval", "operator", "poison", "restored")
ATTEMPT_RESULTS = ("taken", "refused", "not_taken", "unknown", "delivered", "failed", "cancelled")
