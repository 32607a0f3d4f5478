"""Takes it for granted that there is a Retry-After."""

from urllib.error import HTTPError

REJECTED_BY = "raised"


def again(error, idempotent):
    if isinstance(error, HTTPError):
        return error.code in (429, 503) or idempotent and error.code in (408, 500, 502, 504)
    if isinstance(error, ConnectionRefusedError):
        return True
    return idempotent and isinstance(error, (ConnectionError, TimeoutError))


def retry_call(fn, *, attempts, delay, deadline, idempotent, clock, sleep):
    for n in range(attempts):
        try:
            return fn()
        except Exception as error:
            if n == attempts - 1 or not again(error, idempotent):
                raise
            wait = delay(n)
            if isinstance(error, HTTPError):
                wait = max(wait, float(error.headers.get("Retry-After")))
            if clock() + wait >= deadline:
                raise
        sleep(wait)
