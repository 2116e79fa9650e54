"""What the daemon says when it can't start, and what it leaves alone then."""

import asyncio
import socket

from tests.support.processes import House


async def test_a_taken_port_is_one_clear_line_and_exit_1(house: House) -> None:
    """A mail or HTTP port taken by another ends the start with 1, one line that names it, and no store."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for section, values in (
            ("smtp", {"listeners": [{"address": address}]}),
            ("admin", {"listen": [address]}),
        ):
            house.configure(**{section: values})
            ran = await house.run("serve")
            assert ran.status == 1, section
            assert ran.out == ""
            (line,) = ran.err.splitlines()
            assert line == f"faxbridge: cannot listen on {address}: Address already in use"
    assert not house.database.exists()


async def test_a_bad_configuration_is_exit_2_before_any_port_is_tried(house: House) -> None:
    """Both serve and check name file, line, key and the nearest right name, and exit 2 though the port is taken too."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = house.configure(http={"listen": [f"127.0.0.1:{taken.getsockname()[1]}"]}, ifax={"qualty": "HD"})
        line = 1 + config.read_text().splitlines().index('qualty = "HD"')
        for command in ("serve", "check"):
            ran = await house.run(command)
            assert ran.status == 2, command
            assert ran.err == f"faxbridge: {config}:{line}: ifax.qualty: unknown key; did you mean quality?\n"
            assert ran.out == ""
    assert not house.database.exists()
    ran = await house.run("serve", FAXBRIDGE_RELAY__ADMIN="someone@fax.local")
    assert ran.status == 2
    ran = await house.run("serve", "--config", str(house.folder / "nowhere.toml"), config=False)
    assert (ran.status, ran.err) == (2, f"faxbridge: {house.folder / 'nowhere.toml'}: No such file or directory\n")


async def test_a_second_daemon_on_the_same_store_is_sent_away(house: House) -> None:
    """A store has one daemon: a second exits 2 with a line that names the database, and disturbs nobody."""
    _, daemon = await house.start()
    ran = await house.run("serve")
    assert ran.status == 2
    lines = ran.err.splitlines()
    assert lines[-1] == f"faxbridge: another faxbridge is running on {house.database}"
    assert not [line for line in lines[:-1] if not line.startswith("{")], ran.err
    assert "Traceback" not in ran.err
    ready = await house.http.get(f"{daemon.admin_url}/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": [], "paused": []})


async def test_a_restart_has_its_ports_at_once(house: House) -> None:
    """A daemon killed with connections open is started again on the very same ports without a wait."""
    _, daemon = await house.start()
    port = daemon.smtp[1]
    reader, writer = await asyncio.open_connection(*daemon.smtp)
    assert (await reader.readline()).startswith(b"220 ")
    await daemon.kill()
    assert await reader.read() == b""
    house.configure(
        smtp={"listeners": [{"address": f"127.0.0.1:{port}"}]},
        http={"listen": [daemon.http_url.removeprefix("http://")]},
        admin={"listen": [daemon.admin_url.removeprefix("http://")]},
    )
    again = await house.start_daemon()
    writer.close()
    assert again.smtp == daemon.smtp
