"""The whole of it on PostgreSQL: as on SQLite, and with the server dying under it."""

import json
from pathlib import Path

import pytest

from tests.support.postgresql import Cluster
from tests.support.processes import DELIVERED, SENDER, House, a_pdf_mail


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> dict[str, str]:
    """``[store]`` with a new, empty database."""
    return {"database": cluster.database(), "blobs": str(tmp_path / "blobs")}


async def test_a_mail_becomes_a_fax_and_its_notice_arrives(house: House, store: dict[str, str]) -> None:
    """Serve names migrate and ends with 2; once that was done a mail is faxed, told of, and shown by the shell."""
    await house.start_sandbox()
    house.configure(store=store)
    ran = await house.run("serve")
    assert ran.status == 2
    assert ran.err.splitlines()[-1].endswith("run `faxbridge migrate`")
    assert "Traceback" not in ran.err
    ran = await house.run("check")
    assert ran.status == 2
    ran = await house.run("migrate")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("the database was brought from schema none to ")
    ran = await house.run("check")
    assert (ran.status, ran.err, ran.out) == (0, "", "the configuration is good\n")

    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    message = await daemon.take(a_pdf_mail(DELIVERED, pages=2), DELIVERED)
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.recipients, notice.message["X-Fax-Number"]) == ("delivered", (SENDER,), DELIVERED)
    (fax,) = await house.run_json("list")
    assert (fax["state"], fax["message"], fax["pages"]) == ("delivered", message, 2)
    assert (await house.run_json("show", fax["id"]))["attempts"][0]["result"] == "delivered"
    assert json.loads((await house.run("backlog", "--json")).out) == []
    assert "asked" not in (await house.run("backlog", "--release")).out
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1
