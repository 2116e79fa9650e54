"""A clerk with a bench, and an operator who asks it things."""

from dataclasses import dataclass

from bridge.fax.options import Identity, PolicyOptions
from bridge.fax.orders import Order
from bridge.fax.policy import Policy
from bridge.sending.options import SendingOptions
from bridge.sending.orders import OrderClerk
from bridge.sending.report import Reporter
from bridge.sending.resending import Resender
from bridge.store import commands
from bridge.store.commands import Answer, Command
from tests.support.store_bench import Bench, work
from tests.support.store_carrier import MAIL, OPTIONS

POLICY = PolicyOptions(
    countries=frozenset({"US"}), identities=(Identity("lab", countries=frozenset({"CA"})),), default_country="US"
)
OPERATOR = "operator maria"


@dataclass
class Counter:
    """Where an operator's orders are put and carried out."""

    bench: Bench
    options: SendingOptions = OPTIONS

    def __post_init__(self) -> None:
        self.reporter = Reporter(self.bench.desk, self.options, MAIL)
        self.resender = Resender(self.bench.desk, Policy(POLICY), self.options)
        self.clerk = OrderClerk(self.bench.desk, self.reporter, self.resender, "orders-0/x")

    async def put(self, order: Order, fax_id: str, **arguments: object) -> Command:
        """Write the order down as the shell does."""
        asked = Command(self.bench.ids.new(), order, fax_id, "maria", arguments)
        await self.bench.store.write(lambda connection: commands.ask(connection, asked, self.bench.clock.now()))
        return asked

    async def ask(self, order: Order, fax_id: str, **arguments: object) -> Answer:
        """Put an order and have it carried out; its answer."""
        asked = await self.put(order, fax_id, **arguments)
        assert await work(self.clerk.duty)
        return await self.answer(asked)

    async def answer(self, asked: Command) -> Answer:
        """What stands as the answer."""
        answer = await self.bench.store.read(lambda connection: commands.answer_to(connection, asked.id))
        assert answer is not None
        return answer
