"""Where a received fax goes: the first route that fits the number dialled and the caller, else the fallback."""

from bridge.fax import numbers, policy
from bridge.fax.options import Route, Target

FALLBACK = "fallback"


def fits(route: Route, called: str, caller: str) -> bool:
    """Whether a fax from ``caller`` to ``called`` takes this route; numbers as the carrier gave them will do."""
    if route.number and not numbers.same_line(route.number, called):
        return False
    return not route.caller or policy.pattern_of(route.caller).fullmatch(f"+{caller.removeprefix('+')}") is not None


def choose(routes: tuple[Route, ...], fallback: tuple[Target, ...], called: str, caller: str) -> Route:
    """The first route that fits; if none does, a route named ``fallback`` to the fallback mailboxes."""
    for route in routes:
        if fits(route, called, caller):
            return route
    return Route(FALLBACK, "", "", fallback)
