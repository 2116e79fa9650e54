"""What systemd does for a socket unit: binds, and runs a command with the socket as descriptor 3 (sd_listen_fds(3)).

``python pass_socket.py NAME COMMAND...``
"""

import os
import socket
import sys


def main() -> None:
    """Become the command."""
    name, *command = sys.argv[1:]
    bound = socket.create_server(("127.0.0.1", 0))
    os.dup2(bound.fileno(), 3)
    os.set_inheritable(3, True)
    passed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": name}
    os.execvpe(command[0], command, os.environ | passed)


if __name__ == "__main__":
    main()
