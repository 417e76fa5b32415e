#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A client and a server, each in a namespace of its own, in one program.

usage: hosts.py left|right HOST PORT SCRIPT

Runs SCRIPT, which finds: listen(), connect(local=0), accept(l), sockets whose
names are theirs to choose; in_ns(NAME) to go from one namespace to the other;
lose(MATCH), of nft, on the way into the right host ("output": out of it), until
lose_no_more();
connect_as_if(local, rcv_nxt), by TCP_REPAIR; craft(NAME, WORD...) from there, see
craft.c; has_state(NAME, STATE) of a socket, as /proc/net/tcp has it; abort(); now().
"""
import ctypes
import os
import socket
import struct
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
here, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
now = time.monotonic


def in_ns(name):
    with open("/run/netns/" + name) as f:
        if libc.setns(f.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns " + name)


def nft(rules):
    subprocess.run(["ip", "netns", "exec", "right", "nft", "-f", "-"], check=True,
                   text=True, input=rules)


def lose(match, way="input"):
    nft(f"table inet loss_{way} {{ chain c {{ type filter hook {way} priority 0; "
        f"{match} drop; }}; }}")


def lose_no_more(way="input"):
    nft(f"delete table inet loss_{way}")


def craft(name, *words):
    subprocess.run(["ip", "netns", "exec", name, os.environ["CRAFT"], *map(str, words)],
                   check=True)


def has_state(name, state):
    in_ns(name)
    return any(line.split()[3] == state for f in ("tcp", "tcp6")
               for line in open(f"/proc/thread-self/net/{f}"))


def listen():
    in_ns("right")
    l = socket.create_server((host, port), family=family, backlog=100)
    in_ns("left")
    return l


def connect(local=0, timeout=10):
    in_ns("left")
    c = socket.socket(family)
    c.settimeout(timeout)
    if local:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        c.bind(("", local))
    c.connect((host, port))
    return c


def connect_as_if(local, rcv_nxt, timeout=10):
    """As if the peer had numbered anew so that RCV_NXT is next; it hears of nothing."""
    in_ns("left")
    c = socket.socket(family)
    c.settimeout(timeout)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    c.bind(("", local))
    c.setsockopt(socket.IPPROTO_TCP, 19, 1)
    c.setsockopt(socket.IPPROTO_TCP, 20, 1)
    c.setsockopt(socket.IPPROTO_TCP, 21, struct.pack("I", rcv_nxt & 0xffffffff))
    c.connect((host, port))
    c.setsockopt(socket.IPPROTO_TCP, 19, 0)
    return c


def accept(l):
    s = l.accept()[0]
    s.settimeout(10)
    return s


def abort(*sockets):
    for s in sockets:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


in_ns(here)
exec(compile(sys.argv[4], "SCRIPT", "exec"))
