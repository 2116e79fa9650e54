"""The two HTTP sides: the public one for hooks, the operator's for health and metrics."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Addresses are ``host:port``, on the admin side also ``unix:/path``. No hook secret: no hook is taken."""

    listen: tuple[str, ...]
    admin_listen: tuple[str, ...]
    hook_secrets: tuple[str, ...] = field(default=(), repr=False)
    hook_user: str = ""
    hook_password: str = field(default="", repr=False)
