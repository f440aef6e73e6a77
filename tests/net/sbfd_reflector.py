#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An S-BFD reflector that was written from RFC 7880 and RFC 7881 alone, as a stranger would.

    sbfd_reflector.py ADDRESS DISCRIMINATOR

Answers at port 7784 of ADDRESS, and judges each byte of what it is asked. Prints a line for each fault; SIGUSR1 makes it say
that it is administratively down, SIGUSR2 that it is up again.
"""
import argparse
import ipaddress
import signal
import socket
import struct

PORT = 7784
ADMIN_DOWN, DOWN, UP = 0, 1, 3
POLL, FINAL, DEMAND = 0x20, 0x10, 0x02
IP_RECVTTL = 12  # of linux/in.h; Python has no name for it


class Reflector:
    def __init__(self, address, discriminator):
        self.discriminator = discriminator
        self.state = UP
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.socket.bind((address, PORT))

    @staticmethod
    def expect(what, seen, wanted):
        if seen not in wanted:
            print(f"{what}: {seen} is none of {wanted}", flush=True)

    def judge(self, packet, source, hops):
        first, flags, multiplier, length, mine, yours, transmit, receive, echo = struct.unpack("!BBBBIIIII", packet)
        self.expect("version", first >> 5, [1])
        self.expect("state", flags >> 6, [DOWN, UP])
        self.expect("flags", flags & 0x3F & ~POLL & ~0x08, [DEMAND])
        self.expect("length", length, [24])
        self.expect("multiplier", multiplier, range(1, 256))
        self.expect("my discriminator", mine != 0, [True])
        self.expect("your discriminator", yours, [self.discriminator])
        self.expect("transmit interval", transmit != 0, [True])
        self.expect("receive intervals", (receive, echo), [(0, 0)])
        self.expect("source port is another one", source[1] != PORT, [True])
        self.expect("hop limit", hops, [[255], [254]])
        return multiplier, mine, transmit, flags & POLL

    def answer(self):
        packet, control, _, source = self.socket.recvmsg(2048, 256)
        if len(packet) != 24:
            print(f"{len(packet)} bytes", flush=True)
            return
        hops = [struct.unpack("i", data)[0] for _, kind, data in control]
        multiplier, asker, transmit, poll = self.judge(packet, source, hops)
        flags = self.state << 6 | (FINAL if poll else 0)
        self.socket.sendto(
            struct.pack("!BBBBIIIII", 0x20, flags, multiplier, 24, self.discriminator, asker, transmit, 10000, 0), source)

    def set(self, state):
        self.state = state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("discriminator", type=int)
    options = parser.parse_args()
    reflector = Reflector(options.address, options.discriminator)
    signal.signal(signal.SIGUSR1, lambda *_: reflector.set(ADMIN_DOWN))
    signal.signal(signal.SIGUSR2, lambda *_: reflector.set(UP))
    print("listens", flush=True)
    while True:
        reflector.answer()


if __name__ == "__main__":
    main()
