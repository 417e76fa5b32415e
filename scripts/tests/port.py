#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Connections of one local port, one after the other.

usage: port.py HOST PORT ACTION...

Listens on HOST and PORT and connects to it. Each ACTION is done in turn, and what
it came to is printed, a line each: "ok" or the name of the error.

  wait       connect, the client closes first: a TIME_WAIT of the client
  reusable   the same, the client with SO_REUSEADDR
  fin_wait2  connect, only the client closes: a FIN_WAIT2 of the client
  server     connect, the server closes first: a TIME_WAIT of the server
  again      connect once more, the kernel chooses the port
  bound      the same, but bind() chooses the last one
  repair     the same, with TCP_REPAIR
  young      wait and again, within one second of the kernel's clock; once more where
             a busy machine took longer and there was nothing young about it
  deaf       stop to listen
  on_lo      bind the clients to come to the device lo
  NAME=VALUE set a sysctl below net.ipv4
  S          sleep so many seconds

The connections of again, young's second, bound and repair leave no wait.
"""
import errno
import os
import socket
import struct
import sys
import time

TCP_REPAIR = 19


# The clock of ktime_get_seconds(), which goes on with each tick. Python does not name
# it.
CLOCK_MONOTONIC_COARSE = 6


def kernel_second():
    return int(time.clock_gettime(CLOCK_MONOTONIC_COARSE))


class Port:
    def __init__(self, host, port):
        self.host, self.port = host, port
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Of IPv6, and dual: a v4-mapped address is one of its own too.
        self.listener = socket.create_server((host, port), family=self.family,
                                             backlog=1000,
                                             dualstack_ipv6=":" in host)
        self.local = None
        self.device = None
        self.held = []

    def connect(self, bound=False, repair=False, reusable=False):
        c = socket.socket(self.family)
        c.settimeout(30)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bound or reusable)
        if self.device:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device)
        try:
            if repair:
                c.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            if bound:
                c.bind((self.host, self.local))
            c.connect((self.host, self.port))
        except OSError:
            c.close()
            raise
        self.local = c.getsockname()[1]
        return c

    def accept(self):
        return self.listener.accept()[0]

    def wait(self, reusable=False):
        c = self.connect(reusable=reusable)
        s = self.accept()
        c.shutdown(socket.SHUT_WR)
        s.recv(1)
        s.close()
        c.recv(1)
        c.close()

    def reusable(self):
        self.wait(reusable=True)

    def on_lo(self):
        self.device = b"lo"

    def server(self):
        c = self.connect()
        s = self.accept()
        s.shutdown(socket.SHUT_WR)
        c.recv(1)
        c.close()
        s.recv(1)
        s.close()

    def fin_wait2(self):
        c = self.connect()
        s = self.accept()
        c.shutdown(socket.SHUT_WR)
        s.recv(1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        # Until its FIN is acknowledged the socket is a whole one.
        while c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\x05":
            time.sleep(0.01)
        c.close()
        self.held.append(s)

    def leave_none(self, c, accepted=True):
        for s in [c, self.accept()] if accepted else [c]:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.close()

    def again(self):
        self.leave_none(self.connect())

    def bound(self):
        self.leave_none(self.connect(bound=True))

    def repair(self):
        # It is established without a word to the peer.
        c = self.connect(bound=True, repair=True)
        c.close()

    def deaf(self):
        self.listener.close()

    def young(self):
        while True:
            begun = kernel_second()
            while kernel_second() == begun:
                time.sleep(0.005)
            begun = kernel_second()
            self.wait()
            self.again()
            if kernel_second() == begun:
                return

    def do(self, action):
        if "=" in action:
            name, value = action.split("=")
            with open("/proc/sys/net/ipv4/" + name, "w") as f:
                f.write(value)
        elif action.replace(".", "").isdigit():
            time.sleep(float(action))
        else:
            getattr(self, action)()


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    port = Port(sys.argv[1], int(sys.argv[2]))
    for action in sys.argv[3:]:
        try:
            port.do(action)
            print("ok")
        except socket.timeout:
            print("ETIMEDOUT")
        except OSError as e:
            print(errno.errorcode[e.errno])
    sys.stdout.flush()
    os._exit(0)


main()
