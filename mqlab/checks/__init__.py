"""The checks of the labs: one module per lab, and the engine that runs them.

In a lab:

    from mqlab.checks import lab_checks
    check, hint = lab_checks("01-message-queue-basics")
    check(submit_order)     # passed, not yet (with what happened, what was expected, and why), or not attempted
    hint(submit_order)      # the next hint

To write the checks of a lab, make `mqlab/checks/lab_<slug with _ for ->.py`:

    from mqlab.checks.engine import Lab, NotYet
    from mqlab.checks.sweeps import interleave, values

    lab = Lab("01-message-queue-basics")

    @lab.task(hints=["What can happen between your two commands?", "One Lua script runs without interruption."])
    def submit_order(answer, bench):                        # named after the learner's function
        def full_but_one(r):
            r.rpush("kiosk:orders:q", *range(9))

        def at_most_ten(r, results):
            values(results)                                 # whoever raised, raises again here
            if (depth := r.llen("kiosk:orders:q")) > 10:
                raise NotYet("overshoots-bound",
                             did=f"let the queue grow to {depth} orders.", should="It never holds more than 10.",
                             because="Between looking and acting, somebody else acted on the same look.")

        callers = [lambda r, i=i: answer(r, {"id": i}, max_depth=10) for i in range(2)]
        return interleave(bench, full_but_one, callers, at_most_ten)     # passed (6 interleavings of two callers)

`code` is for tests (a wrong answer in tests/answers names the one that must catch it), the sentences are for people.
The body runs in a child process: what it changes is gone afterwards. `bench.r` is a client of a broker of its own,
`bench.rng` a seeded random generator. Check behaviour, never source; compare numbers with `engine.number`, which is not
fooled by NaN. An exception in the learner's lines is told as theirs, one in yours as an error of the check.
"""

from __future__ import annotations

from importlib import import_module


def lab_checks(slug: str):
    """The pair (check, hint) of the lab. Raises LookupError when there is no such lab."""
    name = f"{__name__}.lab_{slug.replace('-', '_')}"
    try:
        lab = import_module(name).lab
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise LookupError(f"There are no checks for {slug!r}: no module {name}.") from None
    return lab.check, lab.hint
