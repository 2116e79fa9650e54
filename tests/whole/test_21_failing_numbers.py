"""A dead number: its senders are told that it fails, and in the end before they have written the next fax."""

import smtplib

from tests.support.processes import ADMIN, SENDER, Daemon, House, a_pdf_mail, until

DEAD = "+14155550153"
WHY = "the last {} faxes to this number failed: The number is not in service"


def asked(daemon: Daemon, recipient: str = DEAD) -> tuple[int, str]:
    """What RCPT is answered."""
    with smtplib.SMTP(*daemon.smtp, timeout=30) as client:
        client.ehlo("client.example.org")
        client.mail(SENDER)
        code, text = client.rcpt(f"{recipient}@fax.local")
    return code, text.decode()


async def test_a_number_fails_until_an_operator_forgets_it(house: House) -> None:
    """Warned, refused, forgotten: over a restart, in the reply, in the notice and in the shell."""
    _, daemon = await house.start(policy={"refuse_after": 2}, aliases={"both": [DEAD, "+14155550101"]})
    assert asked(daemon) == (250, "2.1.5 Ok")
    for count in (1, 2):
        await daemon.take(a_pdf_mail(DEAD, subject=f"number {count}"), DEAD)
        mails = await house.sink.wait(count, event="failed", to=SENDER)
    assert "have all failed" not in mails[0].text
    told = " ".join(mails[1].text.split())
    assert "The last 2 faxes to this number have all failed. From now on faxes to it are refused" in told
    assert await daemon.stop() == 0

    daemon = await house.start_daemon()
    code, text = asked(daemon)
    assert (code, text.startswith(f"5.1.1 {WHY.format(2)}")) == (550, True)
    assert asked(daemon, "both")[0] == 250
    [row] = await house.run_json("failing", "--json")
    assert (row["number"], row["failures"], row["cause"]) == (DEAD, 2, "number-not-in-use")
    assert DEAD in (await house.run("failing")).out

    assert (await house.run("forget", "+1 (415) 555-0153")).out.strip() == f"faxes to {DEAD} are tried again"
    assert (await house.run("forget", DEAD)).out.strip() == f"nothing is held against {DEAD}"
    assert (await house.run("failing")).out.strip() == "no number fails"
    assert (await house.run("forget", "pharmacy")).status == 2

    async def taken_again() -> bool:
        return asked(daemon) == (250, "2.1.5 Ok")

    await until("the number is faxed to again", taken_again, 10)
    assert [mail.event for mail in house.sink.those(to=ADMIN)] == []
    assert await daemon.stop() == 0
