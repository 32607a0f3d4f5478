"""Kiosk, the small online shop of all fifteen lessons: the envelope that every message travels in."""

from __future__ import annotations

import time
import uuid
from typing import Any


def envelope(
    kind: str,
    key: str,
    body: dict[str, Any],
    *,
    id: str | None = None,
    seq: int = 1,
    corr: str | None = None,
    causation: str | None = None,
    ts_ms: int | None = None,
) -> dict[str, Any]:
    """A message of type `kind`, ready for `json.dumps`.

    `id` names the message and survives a producer's retries (default: a new UUID). `key` is the ordering key, `seq`
    counts per key. `corr` ties together all messages of one order across services (default: `key`), `causation` is the
    id of the message that led to this one. `ts_ms` is the producer's wall clock in milliseconds (default: now).
    """
    return {
        "id": id or str(uuid.uuid4()),
        "type": kind,
        "v": 1,
        "key": key,
        "seq": seq,
        "ts_ms": time.time_ns() // 1_000_000 if ts_ms is None else ts_ms,
        "corr": corr or key,
        "causation": causation,
        "body": body,
    }
