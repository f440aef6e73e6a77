#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A STAMP session sender that was written from the figures of RFC 8762 and RFC 8972 alone, as a stranger would.

    stamp_sender.py ADDRESS [--stateful] [--unsynchronized]

Sends test packets to a reflector at port 862, and judges each byte of the answers. Prints "fine", or what is wrong.
"""
import argparse
import socket
import struct
import sys
import time

NTP_EPOCH = 2208988800
HOPS = 200
IP_RECVTTL = 12  # of linux/in.h; Python has no name for it


def now():
    return time.time() + NTP_EPOCH


def base(number, ssid):
    seconds = now()
    return struct.pack("!IIIHH28x", number, int(seconds), int((seconds % 1) * 2**32), 0x0101, ssid)


def tlv(kind, value, flags=0x80):
    return struct.pack("!BBH", flags, kind, len(value)) + value


class Judge:
    def __init__(self, address, options):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, HOPS)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, HOPS)
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.socket.connect((address, 862))
        self.options = options
        self.faults = []

    def expect(self, what, seen, wanted):
        if seen != wanted:
            self.faults.append(f"{what}: {seen!r} instead of {wanted!r}")

    def ask(self, packet):
        before = now()
        self.socket.send(packet)
        answer, control, _, _ = self.socket.recvmsg(9000, 256)
        self.expect("length", len(answer), len(packet))
        hops = [struct.unpack("i", data)[0] for _, kind, data in control]
        self.expect("TTL of the answer", hops, [255])
        return answer, before, now()

    def judge(self, number, ssid, packet, tlvs):
        answer, before, after = self.ask(packet)
        (sequence, sent, sent_fraction, error, their_ssid, received, received_fraction, copied, copied_time, copied_error,
         zero, hops, zeros) = struct.unpack("!IIIHHIII8sHHB3s", answer[:44])
        self.expect("sequence number", sequence, self.answers if self.options.stateful else number)
        self.answers += 1
        self.expect("SSID", their_ssid, ssid)
        self.expect("sender's sequence number", copied, number)
        self.expect("sender's time", copied_time, packet[4:12])
        self.expect("sender's error estimate", copied_error, 0x0101)
        self.expect("sender's TTL", hops, HOPS)
        self.expect("must be zero", (zero, zeros), (0, b"\0\0\0"))
        self.expect("Z", error >> 14 & 1, 0)
        if self.options.unsynchronized:
            self.expect("S", error >> 15, 0)
        if error & 0xFF == 0:
            self.faults.append("the multiplier of the error estimate is 0")
        received += received_fraction / 2**32
        sent += sent_fraction / 2**32
        if not before - 0.001 <= received <= sent <= after + 0.001:
            self.faults.append(f"times are not in order: {before}, {received}, {sent}, {after}")
        self.expect("TLVs", answer[44:], tlvs)

    def run(self):
        self.answers = 0
        ssid = 0x5D01
        for number in range(3):
            self.judge(number, ssid, base(number, ssid), b"")
        padding = tlv(1, bytes(33))
        unknown = tlv(200, b"odd")
        self.judge(7, ssid, base(7, ssid) + padding + unknown + padding,
                   tlv(1, bytes(33), 0) + tlv(200, b"odd", 0x80) + tlv(1, bytes(33), 0))
        broken = struct.pack("!BBH", 0x80, 1, 4) + b"no"
        self.judge(8, ssid, base(8, ssid) + unknown + broken, tlv(200, b"odd", 0x80) + b"\x40" + broken[1:])
        self.judge(9, ssid, base(9, ssid) + tlv(8, bytes(16)), tlv(8, bytes(16), 0x80))  # HMAC: not checked, so U
        self.judge(10, ssid, base(10, ssid) + tlv(1, bytes(1200)), tlv(1, bytes(1200), 0))
        return self.faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--stateful", action="store_true")
    parser.add_argument("--unsynchronized", action="store_true")
    options = parser.parse_args()
    try:
        faults = Judge(options.address, options).run()
    except OSError as error:
        faults = [f"no answer: {error}"]
    print("\n".join(faults) if faults else "fine")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
