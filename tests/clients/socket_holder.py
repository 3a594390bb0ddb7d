"""Stands in for a service manager with a socket unit: holds listening sockets open over restarts.

socket_holder.py ADDRESS COMMAND...

Binds ADDRESS and starts COMMAND with it as systemd does (LISTEN_FDS, LISTEN_PID). For each line on
standard input it ends the command with SIGTERM, waits, and starts it again; says `started PID`.
"""

import ctypes
import os
import signal
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
listening = socket.create_server((host, int(port)), backlog=1024)


def start():
    child = os.fork()
    if child == 0:
        # dies with this script, however it ends (PR_SET_PDEATHSIG)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        os.dup2(listening.fileno(), 3)
        os.set_inheritable(3, True)  # dup2 to itself changes nothing
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execvp(sys.argv[2], sys.argv[2:])
    print("started", child, flush=True)
    return child


def end(child):
    os.kill(child, signal.SIGTERM)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


running = start()
for line in sys.stdin:
    end(running)
    running = start()
end(running)
