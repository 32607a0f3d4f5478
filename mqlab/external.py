"""A server that somebody else runs and others use too: the one REDIS_URL names.

What a lesson will need is tried out at once, so that what is wrong is said here, in one line, and not by a
traceback in the middle of a lesson. No message quotes the URL: it may hold a password.
"""

from __future__ import annotations

import os
import re
import secrets
from urllib.parse import urlsplit

import redis

from mqlab.server import NEEDED, BrokerError, dotted, identify, too_old

PATIENCE = 5  # seconds to wait for a connection, and for an answer
OR_UNSET = "or unset REDIS_URL to use the server that comes with the course."


def connect(url: str) -> tuple[str, str, tuple[int, ...], str]:
    """Return the URL to use, the server's name and version, and a key prefix of our own on it."""
    prefix = f"{os.environ.get('MQLAB_PREFIX', '')}{{mq-{secrets.token_hex(3)}}}:"  # {…}: one slot of a cluster
    try:
        redis.Redis.from_url(url).connection_pool.make_connection()  # reads the URL; does not connect
    except (ValueError, TypeError):  # its text may quote the URL, and with it the password
        raise BrokerError(
            "REDIS_URL is not a Redis URL. Write redis://:password@host:6379/0, with %-escapes for special "
            f"characters in the password, {OR_UNSET}"
        ) from None
    try:
        name, version = _try_out(url, prefix)
    except redis.exceptions.MovedError as moved:  # a cluster, and that slot is on another node of it
        url = _moved(url, *moved.node_addr)
        try:
            name, version = _try_out(url, prefix)
        except redis.RedisError as error:
            raise _explain(error, url, prefix) from None
    except redis.RedisError as error:
        raise _explain(error, url, prefix) from None
    return url, name, version, prefix


def _try_out(url: str, prefix: str) -> tuple[str, tuple[int, ...]]:
    client = redis.Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, protocol=2, decode_responses=True
    )
    with client:
        client.ping()
        name, version = identify(client)
        if too_old(name, version):
            raise BrokerError(
                f"REDIS_URL: {name} {dotted(version)} at {address(url)} is too old; {NEEDED}. Upgrade it, {OR_UNSET}"
            )
        client.set(prefix + "hello", "1", px=1000)
        client.scan(match=prefix + "*", count=1)  # these two are needed to clean up
        client.unlink(prefix + "hello")
    return name, version


def _explain(error: redis.RedisError, url: str, prefix: str) -> BrokerError:
    where, said = address(url), one_line(error)
    if isinstance(error, redis.exceptions.NoPermissionError):
        cause = f"the user of REDIS_URL lacks a permission at {where} ({said})"
        wanted = f"+@all -@dangerous +info ~{prefix.partition('{')[0]}*"
        step = f"Set MQLAB_PREFIX to how the keys it may use start, or have it given {wanted}"
    elif isinstance(error, redis.AuthenticationError) and "without any password" in said:
        cause, step = (
            f"the server at {where} has no password, but the URL gives one",
            "Leave it out of the URL",
        )
    elif isinstance(error, redis.AuthenticationError) or said.startswith("NOAUTH"):
        given = urlsplit(url).password
        cause = f"the server at {where} " + ("refused this user name or password" if given else "wants a password")
        step = "Write redis://user:password@host:port/0, or redis://:password@… for the default user"
    elif isinstance(error, redis.exceptions.InvalidResponse):
        cause, step = f"what answers at {where} is not a Redis server", "Check host and port"
    elif isinstance(error, redis.ConnectionError | redis.TimeoutError):
        cause, step = f"no server can be reached at {where} ({said})", "Start it, or check host and port"
    else:
        cause, step = f"the server at {where} answered: {said}", "Set that right there"
    return BrokerError(f"REDIS_URL: {cause}. {step}, {OR_UNSET}")


def address(url: str) -> str:
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _moved(url: str, host: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    host = host or parts.hostname  # a node that does not know its own name sends none
    return parts._replace(netloc=f"{user}{at}{f'[{host}]' if ':' in host else host}:{port}").geturl()


def one_line(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"^Error \S+ connecting to \S+ ", "", text).rstrip(".")
