"""Sets the exception first and parks then: a release in between is lost."""

import threading
from collections import deque
from concurrent.futures import Future

REJECTED_BY = "parks-too-late"


class KeyedExecutor:
    def __init__(self, n):
        self.change = threading.Condition()
        self.waiting, self.ready, self.parked, self.closed = {}, deque(), {}, False
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def submit(self, key, fn):
        future = Future()
        with self.change:
            if key in self.parked:
                future.set_exception(self.parked[key])
            elif key in self.waiting:
                self.waiting[key].append((fn, future))
            else:
                self.waiting[key] = deque([(fn, future)])
                self.ready.append(key)
                self.change.notify()
        return future

    def release(self, key):
        with self.change:
            self.parked.pop(key, None)

    def close(self):
        with self.change:
            self.closed = True
            self.change.notify_all()
        for thread in self.threads:
            thread.join()

    def work(self):
        while True:
            with self.change:
                self.change.wait_for(lambda: self.ready or self.closed and not self.waiting)
                if not self.ready:
                    return
                key = self.ready.popleft()
                fn, future = self.waiting[key].popleft()
            try:
                result, error = fn(), None
            except BaseException as raised:
                result, error = None, raised
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
            refused = []
            with self.change:
                if error is not None:
                    self.parked[key] = error
                    refused = [late for _, late in self.waiting[key]]
                    self.waiting[key].clear()
                if self.waiting[key]:
                    self.ready.append(key)
                else:
                    del self.waiting[key]
                self.change.notify_all()
            for late in refused:
                late.set_exception(error)
