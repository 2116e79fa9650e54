"""The two HTTP sides: the public one for hooks, the operator's for health and metrics."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Addresses are ``host:port``, on the admin side also ``unix:/path``. No hook secret: no hook is taken.

    ``reserve`` bytes of disk are to stay free (``limits.reserve``); with less the daemon is not ready.
    """

    listen: tuple[str, ...]
    admin_listen: tuple[str, ...]
    hook_secrets: tuple[str, ...] = field(default=(), repr=False)
    hook_user: str = ""
    hook_password: str = field(default="", repr=False)
    reserve: int = 0
