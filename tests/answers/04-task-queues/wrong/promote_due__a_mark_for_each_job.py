"""Marks a job as being moved, pushes, removes: a crash leaves a marked job that nobody dares to touch."""

REJECTED_BY = "stuck-after-a-crash"


def promote_due(r, later, queue, now_ms, limit):
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    moved = []
    for job in due:
        if r.set(f"{later}:moving:{job}", 1, nx=True, ex=60):
            r.pipeline().rpush(queue, job).zrem(later, job).execute()
            moved.append(job)
    return moved
