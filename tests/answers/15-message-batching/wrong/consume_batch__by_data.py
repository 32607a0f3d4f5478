"""Looks the result up by the data of the click; two clicks can be equal."""

REJECTED_BY = "confuses-equals"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    verdict = {fields["data"]: result for (_, fields), result in zip(messages, results, strict=True)}
    ids = {fields["data"]: id for id, fields in messages}
    done = [id for data, id in ids.items() if verdict[data] is None]
    if done:
        r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)
