"""Other people's servers, as a learner may have one: behind a password, an ACL, a unix socket or TLS, or a cluster.

Each gives, for a `with`, the environment in which the course uses that server. The server is Redis of the PATH.
"""

import contextlib
import shutil
import subprocess
import tempfile
import time

import pytest
import redis

from mqlab.server import free_port
from tests.kernels import until


def program(name: str) -> str:
    """Where it is; skips where it is not."""
    if not (found := shutil.which(name)):
        pytest.skip(f"{name} is not installed")
    return found


@contextlib.contextmanager
def serving(settings: list[str], url: str, folder: str):
    """Start redis-server in this folder, wait until `url` answers; ended at the end."""
    command = [program("redis-server"), "--dir", folder, "--save", "", "--bind", "127.0.0.1", *settings]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(redis.ConnectionError, FileNotFoundError), redis.Redis.from_url(url) as client:
                if client.ping():
                    break
            assert process.poll() is None and time.monotonic() < deadline, f"{command} does not serve"
            time.sleep(0.02)
        yield {"REDIS_URL": url}
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="mqlab-their-server-", dir="/tmp") as name:  # short: it holds a socket
        yield name


@contextlib.contextmanager
def on_the_path():
    """Not a server of others: the course starts Redis itself."""
    yield {"MQLAB_SERVER": program("redis-server")}


@contextlib.contextmanager
def password():
    port = free_port()
    with folder() as place:
        url = f"redis://:a%20secret@127.0.0.1:{port}/3"
        with serving(["--port", str(port), "--requirepass", "a secret"], url, place) as env:
            yield env


@contextlib.contextmanager
def acl_user():
    """A user who may touch keys and channels of one prefix only, and run nothing dangerous but INFO."""
    port = free_port()
    with folder() as place, serving(["--port", str(port)], f"redis://127.0.0.1:{port}", place):
        redis.Redis(port=port).acl_setuser(
            "anna",
            enabled=True,
            passwords=["+secret"],
            keys=["anna:*"],
            channels=["anna:*"],
            commands=["+@all", "-@dangerous", "+info"],
        )
        yield {"REDIS_URL": f"redis://anna:secret@127.0.0.1:{port}", "MQLAB_PREFIX": "anna:"}


@contextlib.contextmanager
def unix_socket():
    with folder() as place:
        settings = ["--port", "0", "--unixsocket", f"{place}/redis.sock", "--requirepass", "secret"]
        with serving(settings, f"unix://:secret@{place}/redis.sock", place) as env:
            yield env


@contextlib.contextmanager
def tls():
    """With a certificate of its own authority, which the URL names."""
    port = free_port()
    with folder() as place:
        key, certificate = f"{place}/key.pem", f"{place}/certificate.pem"
        command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        settings = ["--port", "0", "--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key]
        settings += ["--tls-ca-cert-file", certificate, "--tls-auth-clients", "no", "--requirepass", "secret"]
        with serving(settings, f"rediss://:secret@127.0.0.1:{port}/0?ssl_ca_certs={certificate}", place) as env:
            yield env


@contextlib.contextmanager
def cluster():
    """Three nodes, a third of the slots each. The URL names the first; `mqlab` finds the one that its keys are on."""
    free = set()
    while len(free) < 6:  # free_port() may give the same one twice
        free.add(free_port())
    ports, buses = sorted(free)[:3], sorted(free)[3:]
    with contextlib.ExitStack() as stack:
        nodes, urls = [], [f"redis://:secret@127.0.0.1:{port}" for port in ports]
        for number, (port, bus, url) in enumerate(zip(ports, buses, urls, strict=True)):
            settings = ["--port", str(port), "--cluster-enabled", "yes", "--cluster-port", str(bus)]
            stack.enter_context(serving([*settings, "--requirepass", "secret"], url, stack.enter_context(folder())))
            nodes.append(stack.enter_context(redis.Redis.from_url(url)))
            slots = range(16384 * number // 3, 16384 * (number + 1) // 3)
            nodes[-1].execute_command("CLUSTER ADDSLOTSRANGE", slots[0], slots[-1])
        for port, bus in list(zip(ports, buses, strict=True))[1:]:
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port, bus)
        until(lambda: all(map(agrees, nodes)), 60)
        yield {"REDIS_URL": urls[0]}


def agrees(node: redis.Redis) -> bool:
    """Whether this node sees all slots served, by three."""
    found = node.execute_command("CLUSTER INFO")
    return found["cluster_state"] == "ok" and found["cluster_known_nodes"] == "3" == found["cluster_size"]


SERVERS = {each.__name__: each for each in (on_the_path, password, acl_user, unix_socket, tls, cluster)}
