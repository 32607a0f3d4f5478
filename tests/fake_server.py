"""A server that says it is an old Redis. It answers a handful of commands, and can be run as a server binary."""

import os
import re
import socketserver
import sys
from pathlib import Path

import hiredis


class OldRedis(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1; port 0 for a free one, which `server_address` then tells."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0, version: str = "6.2.14"):
        self.version = version
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        commands = hiredis.Reader(encoding="utf-8")
        while data := self.request.recv(65536):
            commands.feed(data)
            while command := commands.gets():
                self.request.sendall(self.answer([word.upper() for word in command]).encode())

    def answer(self, command: list[str]) -> str:
        match command:
            case ["INFO", *_]:
                text = f"# Server\r\nredis_version:{self.server.version}\r\n"
                return f"${len(text)}\r\n{text}\r\n"
            case ["CONFIG", "GET", "DIR"]:
                directory = os.getcwd()
                return f"*2\r\n$3\r\ndir\r\n${len(directory.encode())}\r\n{directory}\r\n"
            case ["PING"]:
                return "+PONG\r\n"
            case ["AUTH", *_] | ["CLIENT", *_] | ["SELECT", *_]:
                return "+OK\r\n"
        return f"-ERR unknown command `{command[0]}`\r\n"


if __name__ == "__main__":  # fake_server.py server.conf
    OldRedis(int(re.search(r"^port (\d+)", Path(sys.argv[1]).read_text(), re.MULTILINE)[1])).serve_forever()
