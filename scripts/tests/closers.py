#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many connections at once, of which the module has a note each.

usage: closers.py close PORT COUNT
       closers.py refuse PORT COUNT
       closers.py cross PORT COUNT

Prints its pid.

  close  COUNT connections to PORT, all open; each client sends its FIN, and then the
         servers theirs, that of the youngest first: COUNT waits of the clients.
  refuse the same, and while all clients have sent their FIN, a connect() fails whose
         only port a wait holds: one wait more, which began first.
  cross  COUNT connections to a port each, PORT and up, for which a wait refuses the
         client the first port that it tries, and whose SYNs cross: the client is in
         SYN_RECV when it has the server's. The server closes first, so that the
         client leaves no wait. Twice COUNT waits: of those that refused and of the
         servers.
"""
import errno
import os
import resource
import select
import socket
import subprocess
import sys
import time

HOST = "127.0.0.1"
# The first is held by a wait; the kernel tries even distances from it first.
LOCAL = 7101, 7102
MANY = 20000, 60000


def with_peer(listener):
    c = socket.create_connection(listener.getsockname())
    return c, listener.accept()[0]


def close(port, count, meanwhile=lambda: None):
    listener = socket.create_server((HOST, port))
    pairs = [with_peer(listener) for _ in range(count)]
    for c, _ in pairs:
        c.shutdown(socket.SHUT_WR)
    meanwhile()
    for c, s in reversed(pairs):
        end(c, s)


def refuse(port, count):
    held = port + 1
    local_ports(LOCAL[0], LOCAL[0])
    wait_from_first_port(held)
    local_ports(*MANY)
    close(port, count, lambda: find_no_port(held))
    local_ports(*MANY)


def find_no_port(port):
    local_ports(LOCAL[0], LOCAL[0])
    with socket.create_server((HOST, port)) as listener:
        try:
            socket.create_connection(listener.getsockname())
            sys.exit("there was a port")
        except OSError as e:
            if e.errno != errno.EADDRNOTAVAIL:
                raise


def end(c, s):
    # Its FIN is there: they have not crossed.
    s.recv(1)
    s.close()
    c.recv(1)
    c.close()


def wait_from_first_port(port):
    with socket.create_server((HOST, port)) as listener:
        c, s = with_peer(listener)
        if c.getsockname()[1] != LOCAL[0]:
            sys.exit("no wait at %d, but at %d" % (LOCAL[0], c.getsockname()[1]))
        c.shutdown(socket.SHUT_WR)
        end(c, s)


def established(sockets):
    poll = select.poll()
    for s in sockets:
        poll.register(s, select.POLLOUT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready = poll.poll(1000)
        if len(ready) == len(sockets):
            break
        time.sleep(0.2)
    for s in sockets:
        # Fails if it is not.
        s.getpeername()
        s.setblocking(True)


def queue_of_lo(*words):
    subprocess.run(["tc", "qdisc", words[0], "dev", "lo", "root", *words[1:]],
                   check=True)


def to(address, local=None):
    s = socket.socket()
    s.setblocking(False)
    if local:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(local)
    s.connect_ex(address)
    return s


def local_ports(first, last):
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as f:
        f.write("%d %d" % (first, last))


def cross(port, count):
    local_ports(*LOCAL)
    ports = range(port, port + count)
    for p in ports:
        wait_from_first_port(p)
    # The first SYNs are lost. The servers' second ones go out before the clients'.
    queue_of_lo("add", "netem", "loss", "100%")
    servers = [to((HOST, LOCAL[1]), (HOST, p)) for p in ports]
    time.sleep(0.1)
    clients = [to((HOST, p)) for p in ports]
    queue_of_lo("del")
    established(servers + clients)
    for s, c in zip(servers, clients):
        s.shutdown(socket.SHUT_WR)
        end(s, c)


def main():
    actions = {"close": close, "refuse": refuse, "cross": cross}
    if len(sys.argv) != 4 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    action, port, count = actions[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
    # Two sockets each, and a few files.
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 100,) * 2)
    print(os.getpid())
    action(port, count)


main()
