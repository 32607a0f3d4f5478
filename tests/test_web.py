"""The shop's front door: real HTTP between processes."""

import time

import pytest

from mqlab.processes import Worker
from mqlab.web import post


def shop() -> None:
    """Answers as the body asks."""
    import time

    from mqlab.web import serve

    def handle(body: dict) -> int:
        time.sleep(body.get("sleep", 0))
        return body["status"]  # a missing key is an error of the handler

    serve(handle)


@pytest.fixture(scope="module")
def service():
    with Worker(shop) as worker:
        yield worker, int(worker.wait_for(r"port (\d+)")[1])


def test_status_code_comes_back(service):
    assert post(service[1], {"status": 202}) == 202


def test_a_handler_that_raises_is_a_500_and_the_service_goes_on(service):
    assert post(service[1], {}) == 500
    service[0].wait_for("KeyError: 'status'")
    assert post(service[1], {"status": 200}) == 200


def test_timeout_is_seen_in_time_and_costs_the_others_nothing(service):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        post(service[1], {"status": 200, "sleep": 5}, timeout=0.1)
    assert time.monotonic() - began < 2
    assert post(service[1], {"status": 200}) == 200


def test_nobody_listens_after_a_kill_and_the_port_can_be_taken_again():
    with Worker(shop) as first:
        port = int(first.wait_for(r"port (\d+)")[1])
        post(port, {"status": 200})
        first.kill()
        with pytest.raises(ConnectionError):
            post(port, {"status": 200}, timeout=2)
    with Worker(again, port) as second:
        second.wait_for(rf"port {port}")
        assert post(port, {"status": 200}) == 200


def again(port: int) -> None:
    """The same service on a given port."""
    from mqlab.web import serve

    serve(lambda body: body["status"], port)
