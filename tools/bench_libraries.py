"""One producer or one worker of a task-queue library, as `make bench` runs them; they need no more than that library.

usage: python tools/bench_libraries.py LIBRARY produce|work <what.json     with {"url": …, "settings": …, "counts": …}

It runs in the course's environment and in those of tools/bench-*.txt, so it imports nothing of the course. `produce`
enqueues `counts` jobs of each kind, one kind after the other, and prints jobs/s. `work` runs until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import types

import redis

QUEUE, GROUP = "bench", "workers"


def drawer(url: str):
    """The job, the same for all: what its kind says, then one RPUSH of the time and the worker's CPU time so far."""
    r = redis.Redis.from_url(url)

    def draw(kind: str) -> None:
        if kind == "computing":
            end = time.thread_time() + 0.001  # of this thread's own CPU time: no other thread can shorten it
            while time.thread_time() < end:
                pass
        elif kind == "waiting":
            time.sleep(0.001)
        r.rpush(f"bench:{kind}", f"{time.monotonic()} {time.process_time()}")

    return draw


def async_drawer(url: str):
    """The same job for libraries that run coroutines: what waits lets others run, what computes does not."""
    import redis.asyncio

    r = redis.asyncio.Redis.from_url(url)

    async def draw(kind: str) -> None:
        if kind == "computing":
            end = time.thread_time() + 0.001
            while time.thread_time() < end:
                pass
        elif kind == "waiting":
            await asyncio.sleep(0.001)
        await r.rpush(f"bench:{kind}", f"{time.monotonic()} {time.process_time()}")

    return draw


# ------------------------------------------------------------ Celery, Dramatiq, RQ, Huey


def celery(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    from celery import Celery

    app = Celery("bench", broker=url)
    app.conf.update(task_acks_late=True, task_ignore_result=True, task_default_queue=QUEUE, **settings["conf"])
    if role == "produce":
        return timed(lambda: [app.send_task("draw", [kind], queue=QUEUE) for kind in kinds], kinds)
    app.task(name="draw")(drawer(url))
    line = ["worker", "--pool=solo", "--concurrency=1", f"--queues={QUEUE}", "--loglevel=ERROR", *settings["options"]]
    app.worker_main(line)


def dramatiq(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    os.environ["dramatiq_queue_prefetch"] = str(settings["prefetch"])  # read by the import; 0: twice the threads
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    store = RedisBroker(url=url)
    actor = dramatiq.actor(drawer(url), actor_name="draw", queue_name=QUEUE, broker=store)
    if role == "produce":
        return timed(lambda: [actor.send(kind) for kind in kinds], kinds)
    dramatiq.Worker(store, worker_threads=settings["threads"]).start()
    signal.pause()


def rq(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    import rq
    from rq.serializers import DefaultSerializer, JSONSerializer

    client, serializer = redis.Redis.from_url(url), JSONSerializer if settings["tuned"] else DefaultSerializer
    queue, more = rq.Queue(QUEUE, connection=client, serializer=serializer), {"retry": rq.Retry(max=1)}
    if role == "produce" and settings["tuned"]:
        more["result_ttl"] = 0  # keep no result
        return timed(
            lambda: queue.enqueue_many([rq.Queue.prepare_data("bench_job.draw", (kind,), **more) for kind in kinds]),
            kinds,
        )
    if role == "produce":
        return timed(lambda: [queue.enqueue("bench_job.draw", kind, **more) for kind in kinds], kinds)
    sys.modules["bench_job"] = types.SimpleNamespace(draw=drawer(url))  # RQ finds jobs by an import path
    rq.SimpleWorker([queue], connection=client, serializer=serializer).work(logging_level="ERROR")


def huey(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    from huey import RedisHuey

    app = RedisHuey("bench", url=url, results=settings["results"])
    draw = app.task(name="draw")(drawer(url))
    if role == "produce":
        return timed(lambda: [draw(kind) for kind in kinds], kinds)
    app.create_consumer(workers=settings["threads"], periodic=settings["periodic"]).run()


# ------------------------------------------------------------ arq, taskiq


async def arq(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    from arq import Worker, create_pool, func
    from arq.connections import RedisSettings

    if role == "produce":
        pool = await create_pool(RedisSettings.from_dsn(url))

        async def put() -> None:
            for kind in kinds:
                await pool.enqueue_job("draw", kind)

        return await timed_async(put, kinds)
    draw = async_drawer(url)

    async def with_context(_: dict, kind: str) -> None:
        await draw(kind)

    await Worker([func(with_context, name="draw")], redis_settings=RedisSettings.from_dsn(url), **settings).async_run()


async def taskiq(role: str, url: str, settings: dict, kinds: list[str]) -> float | None:
    from taskiq.api import run_receiver_task
    from taskiq_redis import RedisStreamBroker

    store = RedisStreamBroker(url, queue_name=QUEUE, consumer_group_name=GROUP, consumer_id="0", **settings["broker"])
    task = store.register_task(async_drawer(url), task_name="draw")
    if role == "produce":
        await store.startup()

        async def put() -> None:
            for kind in kinds:
                await task.kiq(kind)

        return await timed_async(put, kinds)
    await run_receiver_task(store, run_startup=True, **settings["receiver"])


# ------------------------------------------------------------


def timed(put, kinds: list[str]) -> float:
    """Jobs/s that `put` enqueues."""
    began = time.perf_counter()
    put()
    return len(kinds) / (time.perf_counter() - began)


async def timed_async(put, kinds: list[str]) -> float:
    began = time.perf_counter()
    await put()
    return len(kinds) / (time.perf_counter() - began)


def main(library: str, role: str) -> None:
    what = json.load(sys.stdin)  # not an argument: the URL holds a password
    kinds = [kind for kind, count in what["counts"].items() for _ in range(count)]
    function = {f.__name__: f for f in (celery, dramatiq, rq, huey, arq, taskiq)}[library]
    found = function(role, what["url"], what["settings"], kinds)
    if asyncio.iscoroutine(found):
        found = asyncio.run(found)
    if role == "produce":
        print(found)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    main(*sys.argv[1:])
