"""Unpickles, and looks at what came out afterwards."""

import pickle

REJECTED_BY = "unpickles"


def decode_task(blob, registry):
    try:
        message = pickle.loads(blob if isinstance(blob, bytes) else blob.encode())
        return registry[message["task"]], list(message["args"])
    except Exception as error:
        raise ValueError(f"refused: {error!r}") from None
