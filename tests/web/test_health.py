"""The operator's side: alive, ready and why not, and the figures under their promised names."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.states import FaxState
from bridge.runtime.clock import rfc3339
from bridge.store import outbox, pauses
from bridge.store.pauses import Work
from tests.web.site import IN, PATH, Web, a_fax_on_its_way, a_web


async def figures(web: Web) -> dict[tuple[str, ...], float]:
    """Every sample by name and label values."""
    answer = await web.admin.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


async def test_a_sound_daemon_is_alive_and_ready(tmp_path: Path) -> None:
    """Both answer 200 with JSON, and ready has no reasons."""
    async with a_web(tmp_path) as web:
        assert (await web.admin.get("/health/live")).json() == {"alive": True}
        answer = await web.admin.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": [], "paused": []})


async def test_a_carrier_that_is_away_is_named(tmp_path: Path) -> None:
    """It is a reason, and yet 200: mail and hooks are to come in all the same."""
    async with a_web(tmp_path) as web:
        web.trouble = "iFax does not answer"
        answer = await web.admin.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["ready"] is True
        assert answer.json()["reasons"] == ["iFax does not answer"]
        assert "faxbridge_carrier_paused 0.0" in (await web.admin.get("/metrics")).text


HARMS = {
    "a table is gone": lambda web: web.kept.alter("ALTER TABLE fax RENAME TO away"),
    "the file is overwritten": lambda web: web.kept.database.write_bytes(b"\0" * web.kept.database.stat().st_size),
    "the store is closed": lambda web: web.desk.store.close(),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_ready_says_why_not(harm: str, tmp_path: Path) -> None:
    """A store that fails is 503 with a reason in words; the process is still alive."""
    async with a_web(tmp_path) as web:
        HARMS[harm](web)
        answer = await web.admin.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["ready"] is False
        [reason] = answer.json()["reasons"]
        assert reason
        assert "SELECT" not in reason
        assert (await web.admin.get("/health/live")).status_code == 200


@pytest.mark.parametrize("harm", ["a table is gone", "the file is overwritten"])
async def test_metrics_without_a_store_are_503(harm: str, tmp_path: Path) -> None:
    """No figures are better than wrong ones."""
    async with a_web(tmp_path) as web:
        HARMS[harm](web)
        assert (await web.admin.get("/metrics")).status_code == 503


async def test_ready_tells_of_mail_the_relay_does_not_take(tmp_path: Path) -> None:
    """Mail owed for over an hour is a reason, with how many and how long; for a few minutes it is none."""
    async with a_web(tmp_path) as web:
        now = web.desk.clock.now()
        for number, age in enumerate((timedelta(minutes=5), timedelta(hours=3))):
            blob = await web.desk.store.blobs.put(web.desk.ids.file_name(), b"x")
            row = Mail(
                web.desk.ids.new(), MailKind.NOTICE, f"p{number}", "failed", "", "a@example.org", "<a@b>", blob.id
            )
            draft = outbox.Draft(row, blob)
            await web.desk.store.write(partial(draft.write, now=now - age))
            answer = await web.admin.get("/health/ready")
            if not number:
                assert answer.status_code == 200
        assert answer.status_code == 503
        assert "2 mails" in answer.json()["reasons"][0]
        assert "3.0 hours" in answer.json()["reasons"][0]


async def test_the_figures_have_their_promised_names(tmp_path: Path) -> None:
    """Every name of the contract is there, with its labels, from the first moment."""
    async with a_web(tmp_path) as web:
        await a_fax_on_its_way(web.desk, "1")
        web.desk.events.fax_accepted(fax="A", message="B", number="+14155550123")
        web.desk.events.fax_ended(fax="A", state="failed", outcome="busy", code=7)
        found = await figures(web)
        assert found["faxbridge_faxes_accepted_total",] == 1
        assert found["faxbridge_faxes_ended_total", "busy"] == 1
        assert found["faxbridge_queue_faxes", "sending"] == 1
        assert {name[1] for name in found if name[0] == "faxbridge_queue_faxes"} == {
            state.value for state in FaxState if not state.final
        }
        assert found["faxbridge_oldest_waiting_seconds",] > 0
        assert found["faxbridge_notices_owed",] == 0
        text = (await web.admin.get("/metrics")).text
        assert "# TYPE faxbridge_carrier_request_seconds histogram" in text


async def test_no_number_and_no_secret_is_among_the_figures(tmp_path: Path) -> None:
    """Metrics hold no fax number, no address and no path of a hook."""
    async with a_web(tmp_path) as web:
        await a_fax_on_its_way(web.desk, "1")
        await web.public.post(PATH, json=IN)
        text = (await web.admin.get("/metrics")).text
        for secret in ("4155550101", "2125550177", "example.org", PATH):
            assert secret not in text


@pytest.mark.parametrize("path", ["/", "/hooks/ifax/x", "/health", "/health/other", PATH])
async def test_nothing_else_is_there(path: str, tmp_path: Path) -> None:
    """The operator's side takes no hooks."""
    async with a_web(tmp_path) as web:
        assert (await web.admin.post(path)).status_code == 404


@pytest.mark.parametrize(("work", "status"), [(Work.SENDING, 200), (Work.INTAKE, 503), (Work.RECEIVING, 200)])
async def test_what_is_paused_is_shown(work: Work, status: int, tmp_path: Path) -> None:
    """Ready names what is paused, by whom and since when; only paused intake keeps traffic away."""
    async with a_web(tmp_path) as web:
        now = web.desk.clock.now()
        await web.desk.store.write(lambda connection: pauses.begin(connection, work, "operator maria", now))
        answer = await web.admin.get("/health/ready")
        said = answer.json()
        assert (answer.status_code, said["ready"]) == (status, status == 200)
        assert said["paused"] == [{"what": work, "by": "operator maria", "since": rfc3339(now)}]
        assert said["reasons"] == [f"{work} is paused since {rfc3339(now)} by operator maria"]
        seen = await figures(web)
        assert {each: seen["faxbridge_paused", each] for each in Work} == {each: float(each is work) for each in Work}
        await web.desk.store.write(lambda connection: pauses.end(connection, work, now))
        assert (await web.admin.get("/health/ready")).json()["paused"] == []
