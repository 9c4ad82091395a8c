"""The least that a client of the store's protocol needs, on a plain socket: asks so often whether a path is valid.

Usage: store-client.py SOCKET PATH words|buffer

`words` reads each word of an answer by itself, as Guix's own client does; `buffer` takes whatever has arrived. For each
number that comes in on a line it makes as many requests, and prints how many it made per second.
"""

import socket
import struct
import sys
import time

daemon, path, how = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
connection = socket.socket(socket.AF_UNIX)
connection.connect(daemon)
pending = b""


def read(length):
    global pending
    while len(pending) < length:
        piece = connection.recv(length - len(pending) if how == "words" else 65536)
        if not piece:
            raise EOFError
        pending += piece
    taken, pending = pending[:length], pending[length:]
    return taken


def number():
    return struct.unpack("<Q", read(8))[0]


def encoded(*words):
    return struct.pack("<%dQ" % len(words), *words)


connection.sendall(encoded(0x6E697863))
assert number() == 0x6478696F
version = 0x163 if number() & 0xFF >= 0x60 else 0x114
connection.sendall(encoded(version, 0, 1))
assert number() == 0x616C7473

for line in sys.stdin:
    count = int(line)
    begin = time.perf_counter()
    for _ in range(count):
        connection.sendall(encoded(1, len(path)) + path + b"\0" * (-len(path) % 8))
        assert number() == 0x616C7473
        assert number() == 1
    print(count / (time.perf_counter() - begin), flush=True)
