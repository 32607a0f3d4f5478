"""Checks of lab 08: a charge, a layer for any effect, the two halves of an outbox, and an inbox."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import closing
from unittest import mock

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.kills import in_a_process, kill_everywhere
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, race, values
from mqlab.checks.traced import Hook, Step, traced_client
from mqlab.faults import SkewedClock

lab = Lab("08-exactly-once")
STRETCH = ("book_once",)


def _own_keys(r, start: str, but=()) -> list[str]:
    """The keys there are, without `but`. Raises NotYet for one that does not begin with `start`."""
    keys = [key for key in r.keys("*") if key not in but]
    for key in keys:
        if not key.startswith(start):
            raise NotYet(
                "keys-of-its-own",
                f"made the key {key!r:.60}.",
                f"All your keys start with {start!r}.",
                "Others use the same broker. Two tenants, or two parts of the shop, must not share a marker.",
            )
    return keys


def _silent(bench, call) -> Exception | None:
    """What `call` raises while the broker answers nobody, and then does late what it was asked. None: nothing."""
    with bench.broker.expendable() as victim, victim.client(socket_timeout=0.1) as client:
        for _ in range(50):  # connected before it falls silent, so that what is asked waits in the socket
            try:
                client.ping()
                break
            except redis.TimeoutError:
                continue
        victim.pause()
        try:
            call(client, None)
        except Exception as error:
            return error
        finally:
            victim.resume()
            with victim.client() as after:
                call(after, "again")
    return None


def _raised(call) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


def _came(error) -> str:
    return f"raised {type(error).__name__}" if error else "returned something"


# ---------------------------------------------------------------- task 1

KEY, OTHER, ACCOUNT = "pay:17", "pay:18", "acct:ann"


def _charge(answer, r, key=KEY, account=ACCOUNT, cents=150, window_s=3600):
    got = answer(r, key, account, cents, window_s=window_s)
    if got is None:
        raise NotYet(
            "gives-no-answer",
            "returned None.",
            "The balance right after the charge of this key.",
            "Whoever asks again had no answer the first time. It needs that answer now.",
        )
    return number(got, "the balance")


def _again(answer, r, **more):
    try:
        return _charge(answer, r, **more)
    except (redis.RedisError, NotYet, NotImplementedError):
        raise
    except Exception as error:
        raise NotYet(
            "duplicate-is-an-error",
            f"raised {type(error).__name__}: {error}"[:150] + " for a key it had seen.",
            "It returns what it returned the first time.",
            "The caller repeats because the first answer was lost. A reproach does not tell it whether it paid.",
        ) from None


def _balance(r) -> int:
    return int(r.get(ACCOUNT) or 0)


@lab.task(
    hints=[
        "Write down the answer, not only that there was one: the marker's value is the balance to return.",
        "Looking for the marker, charging and noting must be one step. A Lua script is one, and so is MULTI, if "
        "WATCH makes sure that nobody came in between.",
        "Neither a script nor MULTI undoes what came before an error. Let the command that can fail come first.",
    ],
    limit=20,
)
def charge_once(answer, bench):
    for part in (
        _charges_once,
        _remembers_in_the_broker,
        _keeps_the_first_answer,
        _tells_purchases_apart,
        _has_a_window,
        _changes_all_or_nothing,
    ):
        bench.flush()
        part(answer, bench.r)
    points = _charge_crashes(answer, bench)
    losses = _charge_losses(answer, bench)
    orders = _charge_rivals(answer, bench)
    _charge_without_broker(answer, bench)
    return f"{points}, {losses}, {orders}, a broker that was late"


def _charges_once(answer, r):
    first = _charge(answer, r)
    if first != 150 or r.get(ACCOUNT) != "150":
        raise NotYet(
            "does-not-charge",
            f"returned {first:g} and left the balance {r.get(ACCOUNT)!r}: 150 on an empty account.",
            "150, and a balance of 150.",
        )
    second = _again(answer, r)
    if _balance(r) != 150:
        raise NotYet(
            "charges-again",
            f"charged {_balance(r) // 150} times for two calls with the same key.",
            "Once.",
            "The key is the name of the customer's intent. Whatever else you look at is new at each attempt.",
        )
    if second != 150:
        raise NotYet("another-answer", f"returned {second:g} the second time and 150 the first.", "150 both times.")


def _tells_purchases_apart(answer, r):
    got = [_charge(answer, r), _charge(answer, r, key=OTHER), _charge(answer, r, key="pay:19", account="acct:bob")]
    if r.get(ACCOUNT) != "300" or r.get("acct:bob") != "150" or got != [150, 300, 150]:
        raise NotYet(
            "content-is-the-key",
            f"returned {got} for three different keys, two of them for the same account and amount; ann's balance is "
            f"{r.get(ACCOUNT)}.",
            "[150, 300, 150], and a balance of 300.",
            "Two purchases may look alike. Only the key says whether it is one purchase or two.",
        )
    got = [_again(answer, r), _again(answer, r, key=OTHER)]
    if r.get(ACCOUNT) != "300":
        raise NotYet(
            "remembers-the-last",
            f"does not know an earlier key after another one was used; the balance is {r.get(ACCOUNT)} instead of 300.",
            "Every key is remembered for its whole window.",
            "Duplicates do not come in a row: other payments come in between.",
        )
    if got != [150, 300]:
        raise NotYet("another-answer", f"returned {got} to those who asked again.", "[150, 300].")


def _keeps_the_first_answer(answer, r):
    _charge(answer, r)
    r.incrby(ACCOUNT, 1000)  # somebody else's payment
    if (got := _again(answer, r)) != 150:
        raise NotYet(
            "current-balance",
            f"returned {got:g}: the balance of today.",
            "150: the answer of the first time.",
            "The second answer replaces the one that was lost. It must not tell another story.",
        )
    bench_key = "pay:refund"
    _charge(answer, r, key=bench_key, cents=-1150)
    if _again(answer, r, key=bench_key, cents=-1150) != 0 or _balance(r) != 0:
        raise NotYet(
            "forgets-zero",
            f"charged again where the first answer had been 0; the balance is {_balance(r)}.",
            "0 is an answer like any other: returned again, and the balance stays 0.",
            "`if not known` is true for a zero, too.",
        )


def _has_a_window(answer, r):
    with mock.patch("time.time", SkewedClock(3600)):
        _charge(answer, r, window_s=600)
    if r.pttl(ACCOUNT) != -1:
        raise NotYet(
            "account-expires",
            "gave the account a lifetime.",
            "The account stays for ever; only the memory of the key ends.",
            "When the window is over, the customer's balance would be gone.",
        )
    keys = _own_keys(r, KEY, but=[ACCOUNT])
    if any(r.pttl(key) == -1 for key in keys):
        raise NotYet(
            "marker-for-ever",
            f"left {len(keys)} key(s) of its own without a lifetime.",
            "They end window_s seconds after the charge.",
            "A marker per payment, for ever, fills the memory.",
        )
    lives = [r.pttl(key) / 1000 for key in keys]
    if not lives or max(lives) > 600 or max(lives) < 590:
        raise NotYet(
            "wrong-window",
            f"remembers the key for {max(lives, default=0):.0f} s with window_s=600; the caller's clock was 1 h ahead.",
            "For 600 s by the broker's clock.",
            "A shorter window lets late duplicates through, a longer one costs memory.",
        )
    for key in keys:
        r.pexpire(key, 60_000)  # as if 540 s had passed
    _again(answer, r, window_s=600)
    if any(r.pttl(key) > 60_000 for key in _own_keys(r, KEY, but=[ACCOUNT])):
        raise NotYet(
            "repeat-prolongs",
            "prolonged the window when somebody asked again.",
            "The window counts from the charge.",
            "A client that asks for ever would be remembered for ever.",
        )


def _changes_all_or_nothing(answer, r):
    for spoiled in ("1.50 EUR", "1.50"):
        _changes_nothing(answer, r, spoiled)


def _changes_nothing(answer, r, spoiled):
    r.set(ACCOUNT, spoiled)
    try:
        got = answer(r, KEY, ACCOUNT, 150, window_s=600)
    except Exception:
        pass
    else:
        raise NotYet(
            "swallows-the-error",
            f"returned {got!r:.30} although the account holds {spoiled!r}, no whole number.",
            "The exception passes through.",
            "Nobody was charged, and nobody is told.",
        )
    if r.get(ACCOUNT) != spoiled:
        raise NotYet("half-a-charge", f"left {r.get(ACCOUNT)!r} where {spoiled!r} had been.", "Nothing changes.")
    r.set(ACCOUNT, 100)
    try:
        got = answer(r, KEY, ACCOUNT, 150, window_s=600)
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    left = r.get(ACCOUNT)
    r.flushall()
    if left != "250":
        raise NotYet(
            "half-a-charge",
            f"did not charge ({got!r:.60}) after the account had been repaired: the failed call had left something "
            "behind.",
            "A charge that failed has changed nothing, so the next call charges.",
            "Neither MULTI nor a script undoes the commands before the one that failed.",
        )


def _remembers_in_the_broker(answer, r):
    in_a_process(lambda: answer(r, "pay:20", ACCOUNT, 150, window_s=600))  # its pool makes new connections there
    _again(answer, r, key="pay:20")
    if _balance(r) != 150:
        raise NotYet(
            "remembers-in-the-process",
            f"charged {_balance(r) // 150} times from two processes.",
            "Once.",
            "What a process remembers dies with it, and others never see it.",
        )


def _charge_crashes(answer, bench):
    seen, endless = [], []

    def look(r):
        return any(r.pttl(key) == -1 for key in _own_keys(r, KEY, but=[ACCOUNT]))

    def recover(r):
        endless[:] = [look(bench.r)]  # and if nobody ever asks again?
        try:
            seen[:] = [_charge(answer, r)]
        except (Exception, NotYet) as error:
            seen[:] = [error]

    def verify(r, result):
        if _balance(r) != 150:
            lost = _balance(r) < 150
            raise NotYet(
                "crash-loses" if lost else "crash-doubles",
                f"charged {_balance(r) // 150} times: a caller was killed, and another one asked with the same key.",
                "Once, wherever the first one was killed.",
                "The marker was there before the charge." if lost else "The charge was there before the marker.",
            )
        if seen != [150]:
            raise NotYet("no-answer-after-crash", f"gave {seen[0]!r:.60} to the one who asked after a crash.", "150.")
        if endless[0] or look(r):
            raise NotYet(
                "crash-leaves-it-for-ever",
                "left a key without a lifetime behind a killed caller.",
                "Whatever it writes has its end from the start.",
                "Between two commands there is room for a crash.",
            )

    return crash_sweep(bench, lambda r: None, lambda r: _charge(answer, r), recover, verify)


def _charge_losses(answer, bench):
    def run(r):
        return answer(r, KEY, ACCOUNT, 150, window_s=600)

    def verify(r, result):
        if not isinstance(result, redis.RedisError):
            [got] = values([result])
            if got is None or number(got, "the balance") != 150:
                raise NotYet(
                    "hides-broker-errors",
                    f"returned {got!r:.40} where the reply to a command was lost.",
                    "The redis.ConnectionError passes through, or it asks again until it knows.",
                    "The caller takes it for the answer, and never asks again.",
                )
        got = _again(answer, r)
        if _balance(r) != 150 or got != 150:
            raise NotYet(
                "lost-reply-doubles",
                f"left the balance {_balance(r)} and returned {got:g} after a lost reply and a second call with the "
                "same key.",
                "150 and 150.",
                "The command had taken effect.",
            )

    return lost_reply_sweep(bench, lambda r: None, run, verify)


def _charge_rivals(answer, bench):
    def same(r, results):
        _no_fall(results)
        if _balance(r) != 150:
            raise NotYet(
                "look-then-charge",
                f"charged {_balance(r) // 150} times: two callers came with the same key.",
                "Once.",
                "Both looked before either had noted it.",
            )
        answers = values(results)
        if any(got != 150 for got in answers):
            raise NotYet(
                "another-answer",
                f"answered {answers!r:.60} to two callers with the same key.",
                "150 to both.",
                "The marker was there, and the answer was not there yet.",
            )

    def different(r, results):
        _no_fall(results)
        if _balance(r) != 300 or sorted(values(results)) != [150, 300]:
            raise NotYet(
                "loses-a-rivals-charge",
                f"left the balance {_balance(r)} after two charges of 150 with two keys; the answers were "
                f"{[int(got) if isinstance(got, float) else got for got in results]!r:.60}.",
                "300; one gets 150 and one 300.",
                "Somebody charged between your reading and your writing.",
            )

    def call(key):
        return lambda r: _charge(answer, r, key=key)

    orders = interleave(bench, lambda r: None, [call(KEY), call(KEY)], same, limit=250)
    interleave(bench, lambda r: None, [call(KEY), call(OTHER)], different, limit=250)
    return orders


def _no_fall(results):
    for error in results:
        if isinstance(error, (redis.WatchError, ValueError, TypeError, LookupError, AttributeError)):
            raise NotYet(
                "falls-over-a-rival",
                f"raised {type(error).__name__}: {error}"[:140] + " when somebody else came between two commands.",
                "It tries again, or does it in one step.",
                "A rival is no error. The caller would have to try again itself.",
            )


def _charge_without_broker(answer, bench):
    error = _raised(lambda: answer(bench.unreachable(), KEY, ACCOUNT, 150, window_s=600))
    if not isinstance(error, redis.RedisError):
        raise NotYet(
            "hides-broker-errors",
            f"{_came(error)} when the broker was down.",
            "The redis.ConnectionError passes through.",
            "Nobody was charged, and nobody is told.",
        )
    seen = {}

    def call(r, when):
        if when is None:
            return answer(r, KEY, ACCOUNT, 150, window_s=600)
        answer(r, KEY, ACCOUNT, 150, window_s=600)
        seen["balance"] = _balance(r)

    error = _silent(bench, call)
    if not isinstance(error, redis.RedisError):
        raise NotYet(
            "hides-broker-errors",
            f"{_came(error)} when the broker did not answer in time.",
            "The redis.TimeoutError passes through.",
            "Nobody knows whether the charge happened. Only the broker's word counts.",
        )
    if seen["balance"] != 150:
        raise NotYet(
            "lost-reply-doubles",
            f"left the balance {seen['balance']} after a time-out and a second call.",
            "150.",
            "The broker did it later. A time-out is no no.",
        )


# ---------------------------------------------------------------- task 2

PREFIX = "idem"


class _Bank:
    """What execute gets for `fn`: counts its calls, notes the tokens, and answers what it was told to."""

    def __init__(self, says="receipt", inside=lambda: None):
        self.tokens, self.says, self.inside = [], says, inside

    def __call__(self, token):
        self.tokens.append(token)
        self.inside()
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says


class _Boom(Exception):
    """A failure of the effect that is no answer."""


class _Killed(BaseException):
    """The process of the caller ends here."""


def _said(layer, bank, key="k", fingerprint="f", lease_ms=5000):
    """What came of it: ("result", value), or ("raised", name of the class, text). Errors of the broker pass through."""
    try:
        return "result", layer.execute(key, fingerprint, bank, lease_ms)
    except (NotImplementedError, redis.RedisError, NotYet):
        raise
    except Exception as error:
        return "raised", type(error).__name__, str(error)


def _is(said, name) -> bool:
    return said[0] == "raised" and said[1] == name


@lab.task(
    hints=[
        "One step decides what the caller finds: new, in progress, done, or another fingerprint; and if new, it "
        "takes the lease in the same step. A key that expires by itself is a lease by the broker's clock.",
        "INCR gives tokens that grow. Storing and freeing ask, in the same step, whether the record still has your "
        "token.",
        "What do you store for None? Put the outcome into something that can also say which kind it is: result or "
        "refusal.",
        "Call fn alone inside your try. An error of your own commands is neither a refusal nor a failure of fn.",
    ],
    limit=25,
)
def IdempotencyLayer(answer, bench):
    for part in (_runs_once, _keeps_any_result, _one_at_a_time, _stores_refusals, _guards_content, _forgets_failures,
                 _ends_its_memory, _fences, _lets_leases_end, _never_counts_anew, _stores_or_says_so):  # fmt: skip
        bench.flush()
        part(answer, bench)
    points, losses = _layer_crashes(answer, bench), _layer_losses(answer, bench)
    orders = _layer_rivals(answer, bench)
    bench.flush()
    _sixteen(answer, bench)
    _without_the_broker(answer, bench)
    return f"{points}, {losses}, {orders}, 16 callers at once, 4 late ones"


def _runs_once(answer, bench):
    bank, layer = _Bank(), answer(bench.r, PREFIX, keep_s=600)
    first, second = _said(layer, bank), _said(answer(bench.r, PREFIX, keep_s=600), bank)
    if first != ("result", "receipt"):
        raise NotYet("wrong-result", f"gave {first!r:.80} for a new key; fn returned 'receipt'.", "'receipt'.")
    if len(bank.tokens) != 1:
        raise NotYet(
            "runs-again",
            f"called fn {len(bank.tokens)} times for one key, one after the other.",
            "Once.",
            "The second call may come from another process, with a layer of its own.",
        )
    if second != first:
        raise NotYet(
            "another-answer",
            f"gave {second!r:.80} the second time.",
            f"{first!r}: what was stored.",
            "Whoever asks again needs the answer that was lost.",
        )
    for key, prefix in (("k2", PREFIX), ("k", f"{PREFIX}:bob")):
        _said(answer(bench.r, prefix, keep_s=600), bank, key=key)
    if len(bank.tokens) != 3:
        raise NotYet(
            "mixes-keys",
            "took another key, or the same key under another prefix, for one it had seen.",
            "Each key of each prefix is one of its own.",
        )
    number(bank.tokens[0], "the token")


def _keeps_any_result(answer, bench):
    layer = answer(bench.r, PREFIX, keep_s=600)
    for n, value in enumerate((None, 0, "", False, [], {}, 1.5, "1", "é ✓", {"id": [1, None]}, {"refused": "x"})):
        bank = _Bank(says=value)
        first, second = _said(layer, bank, key=f"k{n}"), _said(layer, bank, key=f"k{n}")
        if len(bank.tokens) != 1:
            raise NotYet(
                "forgets-falsy",
                f"called fn again for a key whose result was {value!r}.",
                "Once.",
                "That there is a result, and what it is, are two questions.",
            )
        if first != ("result", value) or second != first or type(second[1]) is not type(value):
            raise NotYet(
                "changes-results",
                f"gave {first!r:.60}, then {second!r:.60}, where fn returned {value!r}.",
                "The same value, of the same type, each time.",
            )


def _guards_content(answer, bench):
    layer, no, bank = answer(bench.r, PREFIX, keep_s=600), _Bank(ValueError("no")), _Bank()
    refused, _ = _said(layer, no, key="k3"), _said(layer, bank)
    for asked, stored in ((_said(layer, bank, "k", "g"), "result"), (_said(layer, no, "k3", "g"), "refusal")):
        if _is(asked, "Conflict") and len(bank.tokens) == len(no.tokens) == 1:
            continue
        raise NotYet(
            "accepts-other-content",
            f"gave {asked!r:.60} for a key with a stored {stored} and another fingerprint.",
            "It raises Conflict, and does not call fn.",
            "The stored answer belongs to another question. Somebody has a bug, and should hear of it.",
        )
    if (_said(layer, bank), _said(layer, no, key="k3")) != (("result", "receipt"), refused) or len(bank.tokens) != 1:
        raise NotYet(
            "conflict-destroys",
            "did not return what was stored any more after somebody came with another fingerprint.",
            "A conflict changes nothing.",
        )
    inner = []
    _said(layer, _Bank(inside=lambda: inner.append(_said(layer, bank, "k2", "g"))), "k2", "f")
    if not _is(inner[0], "Conflict"):
        raise NotYet(
            "conflict-hidden-while-running",
            f"gave {inner[0]!r:.60} for another fingerprint while the key was in progress.",
            "Conflict.",
            "InProgress says: ask again later. That will never help here.",
        )


def _one_at_a_time(answer, bench):
    layer, second, inner, waited = answer(bench.r, PREFIX, keep_s=600), _Bank(), [], []

    def inside(lease_ms, clock=time.time):
        begin = time.monotonic()
        with mock.patch("time.time", clock):
            inner.append(_said(answer(bench.r, PREFIX, keep_s=600), second, lease_ms=lease_ms))
        waited.append(time.monotonic() - begin)

    for _ in range(3):  # a machine that stalls for a moment is not the learner's doing
        bench.flush()
        _said(layer, _Bank(inside=lambda: inside(1000)), lease_ms=1000)
        if waited[-1] < 0.3:
            break
    if waited[-1] >= 0.3:
        raise NotYet(
            "waits",
            f"came back after {min(waited):.1f} s where another caller was in progress.",
            "It raises InProgress at once.",
            "How long to wait, and whether, is the caller's business.",
        )
    if second.tokens:
        raise NotYet(
            "runs-twice-at-once",
            "called fn while another caller was in the middle of it, within its lease.",
            "InProgress, at once.",
            "Two charges run side by side; noting the first one's result comes too late.",
        )
    if not _is(inner[-1], "InProgress"):
        raise NotYet(
            "not-in-progress", f"gave {inner[-1]!r:.60} while another caller was in progress.", "It raises InProgress."
        )
    for ahead in (3600, -3600):
        bench.flush()
        clock = SkewedClock(ahead)
        _said(layer, _Bank(inside=lambda clock=clock: inside(20_000, clock)), lease_ms=20_000)
    if second.tokens:
        raise NotYet(
            "own-clock",
            "took over a lease that had not run out: the caller's clock was an hour wrong.",
            "It raises InProgress: only the broker's clock counts.",
            "Clocks of machines differ, and jump.",
        )


def _stores_refusals(answer, bench):
    layer, bank = answer(bench.r, PREFIX, keep_s=600), _Bank(says=ValueError("card expired"))
    first, second = _said(layer, bank), _said(layer, bank)
    if not _is(first, "ValueError") or first[2] != "card expired":
        raise NotYet(
            "changes-refusals", f"gave {first!r:.80} where fn raised ValueError('card expired').", "That ValueError."
        )
    if len(bank.tokens) != 1:
        raise NotYet(
            "refusal-not-stored",
            "called fn again after the bank had refused.",
            "Once: a refusal is an answer.",
            "Asked again, the bank may say yes, and one key has had two answers.",
        )
    if second != first:
        raise NotYet(
            "changes-refusals",
            f"gave {second!r:.80} the second time; the bank had refused with 'card expired'.",
            "A ValueError with the same text.",
        )


def _is_new_again(said):
    if said == ("raised", "InProgress"):
        raise NotYet(
            "failure-keeps-the-lease",
            "raised InProgress in the call after a failure of fn.",
            "The key is new at once: fn is called.",
            "Everybody would wait for a lease that nobody uses.",
        )


def _forgets_failures(answer, bench):
    layer, tokens = answer(bench.r, PREFIX, keep_s=600), []
    for error in (_Boom("503"), ConnectionError("gone"), KeyError("x"), redis.ConnectionError("the bank's own cache")):
        bank = _Bank(says=error)
        try:
            said = ("result", layer.execute("k", "f", bank, 5000))
        except type(error):
            said = None
        except Exception as other:
            said = ("raised", type(other).__name__)
        _is_new_again(said)
        if said is not None and not bank.tokens:
            raise NotYet(
                "stores-failures",
                f"gave {said!r:.60} without a call of fn, after fn had failed with another error.",
                "A failure is no answer: the next call calls fn.",
                "The network was down for a second, and the customer can never pay.",
            )
        if said is not None:
            raise NotYet(
                "hides-failures",
                f"gave {said!r:.60} where fn raised {type(error).__name__}.",
                "The exception passes through.",
            )
        tokens += [number(token, "the token") for token in bank.tokens]
    good = _Bank()
    said = _said(layer, good)
    _is_new_again(said[:2])
    if said != ("result", "receipt"):
        raise NotYet("stores-failures", "did not call fn again after failures.", "fn is called, and its result stored.")
    tokens += [number(token, "the token") for token in good.tokens]
    if any(b <= a for a, b in zip(tokens, tokens[1:], strict=False)):
        raise NotYet(
            "token-does-not-grow",
            f"gave fn the tokens {[int(t) for t in tokens]}.",
            "Each is larger than the one before.",
            "Who keeps the larger one could not tell old from new.",
        )


def _ends_its_memory(answer, bench):
    r, layer = bench.r, answer(bench.r, PREFIX, keep_s=600)
    _said(layer, _Bank(), lease_ms=5000)
    lives = {key: r.pttl(key) / 1000 for key in _own_keys(r, PREFIX)}
    if max(lives.values()) > 606 or max(lives.values()) < 590:
        raise NotYet(
            "wrong-window",
            f"keeps the result {f'for {max(lives.values()):.0f} s' if max(lives.values()) > 0 else 'for ever'} with "
            "keep_s=600.",
            "600 s from when it was stored.",
            "The lease is one time, and the memory of the result another.",
        )
    for key, life in lives.items():
        if life > 0:
            r.pexpire(key, 60_000)  # as if 540 s had passed
    for how, fingerprint in (("", "f"), (" with another fingerprint", "g")):
        _said(layer, _Bank(), fingerprint=fingerprint)
        if any(r.pttl(key) > 60_000 or r.pttl(key) == -1 for key, life in lives.items() if life > 0):
            raise NotYet(
                "repeat-prolongs",
                f"prolonged the memory of a result when somebody asked again{how}.",
                "keep_s counts from when it was stored.",
            )
    for n in range(30):
        says, inside = [("x", None), (ValueError("no"), None), (_Boom("x"), None), ("x", _Killed())][n % 4]
        try:
            layer.execute(f"n{n}", "f", _Bank(says=inside or says), 5000)
        except (ValueError, _Boom, _Killed):
            pass
    sizes = {"list": r.llen, "hash": r.hlen, "set": r.scard, "zset": r.zcard, "stream": r.xlen, "string": lambda key: 1}
    for_ever = sum(sizes[r.type(key)](key) for key in _own_keys(r, PREFIX) if r.pttl(key) == -1)
    if for_ever > 8:
        raise NotYet(
            "grows-for-ever",
            f"left {for_ever} things without a lifetime after 30 keys (results, refusals, failures and callers that "
            "were killed).",
            "A number that does not grow with the keys: a counter, say.",
            "Each payment leaves something for ever, and one day the memory is full of it.",
        )


def _fences(answer, bench):
    for late in ("a result", "a refusal", "a failure"):
        says = {"a result": "late", "a refusal": ValueError("late"), "a failure": _Boom("late")}[late]
        for other in ("in progress", "done"):
            bench.flush()
            _late_one(answer, bench, late, says, other)


def _late_one(answer, bench, late, says, other):
    """A takes so long that B takes over. A comes to its end while B is in progress, or when B is done."""
    begun, go, heard = threading.Event(), threading.Event(), []

    def inside():
        begun.set()
        go.wait(5)

    def slow():
        with bench.client() as client:
            heard.append(_said(answer(client, PREFIX, keep_s=600), first, lease_ms=30))

    def let_it_end():
        go.set()
        thread.join(5)

    first, thread = _Bank(says, inside), threading.Thread(target=slow, daemon=True)
    thread.start()
    begun.wait(5)
    time.sleep(0.05)
    third, layer, meanwhile = _Bank("third"), answer(bench.r, PREFIX, keep_s=600), []

    def in_second():
        if other == "in progress":
            let_it_end()
            meanwhile.append(_said(layer, third))

    second = _Bank("second", in_second)
    said = _said(layer, second)
    if not second.tokens:
        go.set()
        raise NotYet(
            "no-take-over",
            f"gave {said!r:.60} although the lease of the caller before had run out.",
            "It takes over: the key is new.",
            "A killed caller would block this payment for ever.",
        )
    let_it_end()
    if number(second.tokens[0], "the token") <= number(first.tokens[0], "the token"):
        raise NotYet(
            "token-does-not-grow",
            f"gave {second.tokens[0]} to the one who took over, {first.tokens[0]} to the one before.",
            "A larger one.",
        )
    if third.tokens:
        raise NotYet(
            "late-one-frees",
            f"let a third caller in while the second was in progress: the first came late, with {late}, and freed "
            "what was not its own any more.",
            "The third one hears InProgress.",
            "Whoever frees or stores must ask, in the same step, whether it still holds the lease.",
        )
    last = _said(layer, third)
    if meanwhile and not _is(meanwhile[0], "InProgress") or last != said or said != ("result", "second"):
        raise NotYet(
            "late-one-stores",
            f"stored {late} of a late caller over the one who had taken over: the second heard {said!r:.50}, and "
            f"whoever asked later {last!r:.50}.",
            "'second': who took over decides.",
            "Whoever frees or stores must ask, in the same step, whether it still holds the lease.",
        )
    if late != "a failure" and (not heard or not _is(heard[0], "Fenced")):
        raise NotYet(
            "late-one-not-told",
            f"gave {heard[0] if heard else 'nothing'!r:.60} to a late caller with {late}.",
            "It raises Fenced.",
            "Its result is not the one that counts. It must not go on with it.",
        )


def _dies(answer, bench, lease_ms=60) -> int:
    """A caller takes the lease of "k" and is killed in fn; its token."""
    gone = _Gone(_Killed())  # nothing comes of it any more, no clearing up either
    bank = _Bank(_Killed(), gone.go)
    with traced_client(bench.broker.url, gone, socket_timeout=5) as r:
        try:
            answer(r, PREFIX, keep_s=600).execute("k", "f", bank, lease_ms)
        except _Killed:
            pass
    return number(bank.tokens[0], "the token")


def _lets_leases_end(answer, bench):
    """A lease ends when it ends, whatever is asked meanwhile; and then the key is new, for any fingerprint."""
    for fingerprint in ("f", "g"):
        for _ in range(5):
            bench.flush()
            _dies(answer, bench)
            layer = answer(bench.r, PREFIX, keep_s=600)
            if fingerprint == "g" or _is(_said(layer, _Bank(), "k", "h", 20_000), "Conflict"):
                break
        else:
            continue  # the machine stalls: each time the lease had run out before the conflict came
        time.sleep(0.08)
        bank = _Bank()
        said = _said(layer, bank, "k", fingerprint)
        if bank.tokens:
            continue
        if fingerprint == "f":
            raise NotYet(
                "conflict-prolongs",
                f"gave {said!r:.60} when the lease of 60 ms had run out: somebody had come with another fingerprint "
                "meanwhile.",
                "The key is new. A conflict changes nothing.",
                "One caller with a bug could keep all others out for ever.",
            )
        raise NotYet(
            "fingerprint-outlives-the-lease",
            f"gave {said!r:.60} for another fingerprint when the lease of a killed caller had run out.",
            "The key is new: fn is called.",
            "Of a killed caller nothing is left, and so nothing that another content could contradict.",
        )


def _never_counts_anew(answer, bench):
    first = _dies(answer, bench)
    for key in _own_keys(bench.r, PREFIX):
        if bench.r.pttl(key) != -1:
            bench.r.delete(key)  # as if keep_s had passed
    bank = _Bank()
    _said(answer(bench.r, PREFIX, keep_s=600), bank)
    if number(bank.tokens[0], "the token") <= first:
        raise NotYet(
            "token-starts-again",
            f"gave fn the token {bank.tokens[0]} where a caller before had {first:g}: all that has a lifetime had "
            "ended in between.",
            "A larger one, however long ago the last call was.",
            "A caller that was stopped for so long comes back, and its token is that of somebody else.",
        )


def _stores_or_says_so(answer, bench):
    for says in ("receipt", ValueError("no")):
        bench.flush()
        gone = _Gone(redis.ConnectionError("Connection refused."))
        with traced_client(bench.broker.url, gone, socket_timeout=5) as r:
            bank = _Bank(says, gone.go)
            error = _raised(lambda r=r, bank=bank: answer(r, PREFIX, keep_s=600).execute("k", "f", bank, 5000))
        if not isinstance(error, redis.RedisError):
            raise NotYet(
                "not-stored-and-not-told",
                f"{_came(error)} although the broker had gone away after fn, and nothing was stored.",
                "The redis.RedisError passes through.",
                "The next caller calls fn again, and this one believes that the matter is settled.",
            )


class _Gone(Hook):
    """From `go` on, every command raises `error`."""

    def __init__(self, error):
        self.error, self.now = error, False

    def go(self):
        self.now = True

    def before(self, connection, step):
        if self.now:
            raise self.error
        return step


def _until_known(answer, r, bank):
    """Ask until there is an answer, as a caller would; None when there is none within two seconds."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        said = _said(answer(r, PREFIX, keep_s=600), bank, lease_ms=20_000)
        if not _is(said, "InProgress"):
            return said
        time.sleep(0.01)
    return None


def _settles(answer, r, bank):
    """After a crash or a loss: an answer comes, and stays. At most two calls of fn."""
    said = _until_known(answer, r, bank)
    if said is None:
        raise NotYet(
            "stuck-after-crash",
            "still says InProgress two seconds after the crash; the lease was 60 ms.",
            "When the lease has run out the key is new.",
            "A lease that a crash can make endless is none.",
        )
    calls = len(bank.tokens)
    if _said(answer(r, PREFIX, keep_s=600), bank) != said or len(bank.tokens) != calls or said[0] != "result":
        raise NotYet(
            "no-answer-after-crash",
            f"gave {said!r:.60} after a crash, and then another answer.",
            "The answer of whoever took over, again and again.",
        )
    if calls > 2:
        raise NotYet("runs-again", f"called fn {calls} times around one crash.", "Once or twice.")


def _layer_crashes(answer, bench):
    bank = _Bank()

    def run(r):
        bank.inside = lambda: r.ping()  # a command in the work: the sweep kills there, too
        try:
            return answer(r, PREFIX, keep_s=600).execute("k", "f", bank, 60)
        finally:
            bank.inside = lambda: None

    return crash_sweep(
        bench, lambda r: bank.tokens.clear(), run, lambda r: None, lambda r, result: _settles(answer, r, bank)
    )


def _layer_losses(answer, bench):
    bank, calls, took = _Bank(), [], []

    def run(r):
        begin = time.monotonic()
        try:
            return answer(r, PREFIX, keep_s=600).execute("k", "f", bank, 100)
        finally:
            took.append(time.monotonic() - begin)

    def verify(r, result):
        in_time = took[-1] < 0.09  # else the machine stalled, and the lease ran out
        if in_time and not isinstance(result, redis.RedisError) and result != "receipt":
            raise NotYet(
                "hides-broker-errors",
                f"gave {result!r:.60} where a reply was lost.",
                "The redis.ConnectionError passes through.",
                "If it looks again, it may find what it has stored itself. (If a connection breaks while it watches, "
                "redis-py raises WatchError.)",
            )
        _settles(answer, r, bank)
        calls.append(len(bank.tokens) if in_time else 1)

    points = lost_reply_sweep(bench, lambda r: bank.tokens.clear(), run, verify)
    if calls[-2] > 1:  # the last command of a run: the result is stored
        raise NotYet(
            "frees-what-was-stored",
            "called fn again after the reply to the storing of a result was lost.",
            "Once: the result was stored.",
            "An error of your own command is no failure of fn. What it freed was the answer itself.",
        )
    return points


def _layer_rivals(answer, bench):
    bank = _Bank()

    def verify(r, results):
        _no_fall(results)
        if len(bank.tokens) != 1:
            raise NotYet(
                "runs-twice-at-once",
                f"called fn {len(bank.tokens)} times for two callers at the same time.",
                "Once.",
                "Both looked before either had taken the lease. Looking and taking must be one step.",
            )
        for said in results:
            if isinstance(said, BaseException) and type(said).__name__ != "InProgress":
                raise said
            if not isinstance(said, BaseException) and said != "receipt":
                raise NotYet(
                    "another-answer",
                    f"gave {said!r:.60} to one of two callers at the same time.",
                    "'receipt', or InProgress.",
                )

    callers = [lambda r: answer(r, PREFIX, keep_s=600).execute("k", "f", bank, 5000)] * 2
    return interleave(bench, lambda r: bank.tokens.clear(), callers, verify, limit=250)


def _sixteen(answer, bench):
    bank = _Bank(inside=lambda: time.sleep(0.02))
    for said in race(bench, 16, lambda i, r: _said(answer(r, PREFIX, keep_s=600), bank)):
        if isinstance(said, BaseException):
            raise said
        if said != ("result", "receipt") and not _is(said, "InProgress"):
            raise NotYet("another-answer", f"gave {said!r:.60} to one of 16 callers.", "'receipt', or InProgress.")
    if len(bank.tokens) != 1:
        raise NotYet(
            "runs-twice-at-once",
            f"called fn {len(bank.tokens)} times for 16 callers at once.",
            "Once.",
            "All looked before the first had taken the lease.",
        )


def _without_the_broker(answer, bench):
    bank = _Bank()

    def call(r, when):
        if when is None:
            answer(r, PREFIX, keep_s=600).execute("k", "f", bank, 5000)

    for error in (_raised(lambda: call(bench.unreachable(), None)), _silent(bench, call)):
        if bank.tokens:
            raise NotYet(
                "runs-without-the-broker",
                "called fn although the broker did not answer.",
                "The redis.RedisError passes through, and fn is not called.",
                "Without its word nobody knows whether somebody else is at it, or was.",
            )
        if not isinstance(error, redis.RedisError):
            raise NotYet(
                "hides-broker-errors",
                f"{_came(error)} when the broker did not answer.",
                "The redis.RedisError passes through.",
            )


# ---------------------------------------------------------------- task 3: databases, and kills

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0));
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE inbox (id TEXT PRIMARY KEY);
CREATE TABLE accounts (customer TEXT PRIMARY KEY, cents INTEGER NOT NULL);
"""
S, GROUP = "kiosk:events", "accounting"


class _Shop:
    """A database with the tables of the lab, new with each `reset`; lies beside the broker's data and goes with it."""

    def __init__(self, r):
        self._folder, self._number = r.config_get("dir")["dir"], 0
        self.reset()

    def reset(self):
        self._number += 1
        self.path = os.path.join(self._folder, f"shop-{self._number}.sqlite")
        with closing(self.open()) as db:
            db.executescript(SCHEMA)

    def open(self, timeout=5.0):
        db = sqlite3.connect(self.path, timeout=timeout, check_same_thread=False)
        db.execute("PRAGMA synchronous = OFF")  # the checks kill processes, not machines
        return db

    def ask(self, query, *arguments):
        """The rows, as another process sees them; what is written is committed."""
        with closing(self.open()) as db, db:
            return db.execute(query, arguments).fetchall()

    def column(self, query):
        return [row[0] for row in self.ask(query)]

    def can_write(self) -> bool:
        """Whether somebody else can write at this moment."""
        with closing(self.open(timeout=0)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            db.rollback()
            return True


def _closed(shop, db, when):
    if db.in_transaction or not shop.can_write():
        raise NotYet(
            "leaves-a-transaction-open",
            f"left a transaction open {when}.",
            "Committed or rolled back, whatever happens.",
            "SQLite has one writer at a time. All others wait for it.",
        )


# ---------------------------------------------------------------- task 3, first half

ORDER = {"id": "o-17", "customer": "ann", "cents": 4999}


@lab.task(
    hints=[
        "`with db:` commits at its end, and rolls back if something raises. Both inserts belong inside the same one.",
        "ON CONFLICT (id) DO NOTHING leaves a known order alone, and rowcount says whether a row was added. OR "
        "IGNORE ignores more than that: a broken CHECK as well.",
    ],
    limit=20,
    broker=True,
)
def place_order(answer, bench):
    shop = _Shop(bench.r)
    for part in (_places, _places_once, _refuses_whole, _fails_whole, _two_at_once):
        shop.reset()
        part(answer, shop)
    kills = kill_everywhere(
        bench, shop.reset, shop.open, lambda db, r: answer(db, dict(ORDER)), lambda: _whole(answer, shop)
    )
    return f"{kills} real kills, a full disk, a customer who presses twice"


def _place(answer, shop, order=ORDER):
    with closing(shop.open()) as db:
        got = answer(db, dict(order))
        _closed(shop, db, f"when it had returned {got!r:.20}")
    return got


def _places(answer, shop):
    got = _place(answer, shop)
    orders, events = shop.ask("SELECT id, customer, cents FROM orders"), shop.ask("SELECT id, key, data FROM outbox")
    if orders != [("o-17", "ann", 4999)]:
        raise NotYet(
            "not-committed",
            f"left {len(orders)} orders that others can see.",
            "The order, committed.",
            "When the connection closes, what was not committed is gone.",
        )
    if len(events) != 1:
        raise NotYet("no-event", f"left {len(events)} events in the outbox for one order.", "One.")
    id, key, data = events[0]
    if (id, key) != ("o-17:placed", "ann"):
        raise NotYet(
            "wrong-event",
            f"wrote the event id {id!r} and key {key!r}.",
            "'o-17:placed' and 'ann'.",
            "The id must be the same at each attempt: by it the consumer knows copies."
            if id != "o-17:placed"
            else "What belongs to one customer must keep its order, over all orders of that customer.",
        )
    try:
        content = json.loads(data)
    except ValueError:
        content = data
    if content != ORDER:
        raise NotYet("wrong-event", f"wrote the data {data!r:.80}.", f"{json.dumps(ORDER)}: the order as JSON.")
    if got is not True and got != 1:
        raise NotYet("wrong-word", f"returned {got!r:.30} for a new order.", "True.")
    try:
        _place(answer, shop, {"id": "o-18", "customer": "Sean O'Neill", "cents": 1})
    except sqlite3.OperationalError as error:
        raise NotYet(
            "text-as-sql",
            f"raised OperationalError: {error} for the customer Sean O'Neill."[:150],
            "His order is placed like any other.",
            "Text that becomes part of a statement can end it. Values are passed beside it.",
        ) from None


def _places_once(answer, shop):
    _place(answer, shop)
    for when in ("while its event is in the outbox", "after its event was published"):
        try:
            got = _place(answer, shop)
        except sqlite3.IntegrityError as error:
            raise NotYet(
                "second-press-is-an-error",
                f"raised IntegrityError: {error} when the customer pressed twice.",
                "It returns False.",
                "The order is placed. That is what the customer wants to hear.",
            ) from None
        orders, events = shop.column("SELECT count(*) FROM orders")[0], shop.column("SELECT count(*) FROM outbox")[0]
        if events != (when != "after its event was published"):
            raise NotYet("event-again", f"left {events} events in the outbox after a second press, {when}.",
                         "A known order brings no new event.", "That the outbox does not know it says nothing: it "
                                                               "is empty most of the time.")  # fmt: skip
        if got or orders != 1:
            raise NotYet("wrong-word", f"returned {got!r:.30} for an order that was there.", "False.")
        shop.ask("DELETE FROM outbox")
    _place(answer, shop, ORDER | {"cents": 990})
    if (left := shop.ask("SELECT id, customer, cents FROM orders")) != [("o-17", "ann", 4999)]:
        raise NotYet(
            "changes-the-order",
            f"left the order {left[0] if left else None} after a second press that said 990 cents; it was 4999.",
            "Nothing changes.",
            "The event about it said 4999, and nobody hears of another price.",
        )


def _two_at_once(answer, shop):
    """Another press of the same customer comes right before the n-th statement."""
    for n in range(1, 20):
        shop.reset()
        left, came = [n], []

        def press(statement, left=left, came=came):
            left[0] -= 1
            if left[0] == 0:
                try:
                    with closing(shop.open(timeout=0)) as other, other:
                        other.execute("INSERT INTO orders VALUES ('o-17', 'ann', 4999)")
                        other.execute("INSERT INTO outbox (id, key, data) VALUES ('o-17:placed', 'ann', '{}')")
                    came.append(True)
                except sqlite3.OperationalError:  # it has to wait, and that is fine
                    pass

        with closing(shop.open()) as db:
            db.set_trace_callback(press)
            try:
                got = answer(db, dict(ORDER))
            except sqlite3.Error as error:
                got = f"{type(error).__name__}: {error}"
            db.set_trace_callback(None)
        if came and got not in (False, 0):
            raise NotYet(
                "falls-over-a-rival",
                f"{'raised' if isinstance(got, str) else 'returned'} {got!s:.80}: another process had placed the same "
                f"order right before statement {n}.",
                "False: there is an order with this id.",
                "A customer who presses twice may reach two processes at the same moment.",
            )
        if left[0] > 0:
            return


def _refuses_whole(answer, shop):
    try:
        with closing(shop.open()) as db:
            error = _raised(lambda: answer(db, ORDER | {"cents": 0}))
            _closed(shop, db, "after an order over 0 cents")
            db.commit()
    finally:
        left = shop.column("SELECT id FROM orders"), shop.column("SELECT id FROM outbox")
    if not isinstance(error, sqlite3.IntegrityError):
        raise NotYet(
            "swallows-the-error",
            f"{_came(error)} for an order over 0 cents.",
            "The sqlite3.IntegrityError of the CHECK passes through.",
            "The customer believes that the order was placed before.",
        )
    if left != ([], []):
        raise NotYet(
            "event-without-order",
            f"left the events {left[1]} of an order that the database refused.",
            "Nothing.",
            "The warehouse ships what nobody ordered.",
        )


def _fails_whole(answer, shop):
    shop.ask("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with closing(shop.open()) as db:
        error = _raised(lambda: answer(db, dict(ORDER)))
        opened = db.in_transaction
        db.commit()  # whatever comes next on this connection
    orders = shop.column("SELECT id FROM orders")
    if orders:
        raise NotYet(
            "order-without-event",
            f"left the order {orders[0]} without its event: the outbox could not be written"
            + (", and the open transaction was committed by the next one." if opened else "."),
            "Neither.",
            "Nobody will ever hear of this order.",
        )
    if error is None:
        raise NotYet(
            "swallows-the-error",
            "returned as if nothing had happened when the outbox could not be written.",
            "The exception passes through.",
            "The customer gets a receipt, and no parcel.",
        )


def _whole(answer, shop):
    for again in (False, True):  # as it was left, and when the customer has tried again
        if again:
            _place(answer, shop)
        orders, events = shop.column("SELECT id FROM orders"), shop.column("SELECT id FROM outbox")
        if len(orders) != len(events) or again and not orders:
            raise NotYet(
                "order-without-event" if orders else "event-without-order",
                f"left {len(orders)} order and {len(events)} event when it was killed (a real SIGKILL before one of "
                "its SQL statements).",
                "Both or neither.",
                "Two transactions have a gap between them.",
            )


# ---------------------------------------------------------------- task 3, second half


class _During(Hook):
    """Calls `act(n)` before its n-th broker command."""

    def __init__(self, act):
        self.act, self.n = act, 0

    def before(self, connection, step):
        self.n += 1
        self.act(self.n)
        return step


def _event(n, key="ann", cents=100):
    return f"o-{n}:placed", key, json.dumps({"id": f"o-{n}", "customer": key, "cents": cents})


def _fill(shop, *numbers):
    with closing(shop.open()) as db, db:
        db.executemany("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", [_event(n) for n in numbers])


def _relay(answer, shop, r, batch=10):
    with closing(shop.open()) as db:
        db.execute("PRAGMA reverse_unordered_selects = ON")  # without ORDER BY any order is right: here, not the usual
        got = answer(db, r, S, batch=batch)
        _closed(shop, db, "when it had returned")
    return number(got, "how many it published")


def _published(r):
    return [fields.get("id") for _, fields in r.xrange(S)]


def _first_copies(r):
    return list(dict.fromkeys(_published(r)))


def _ids(*numbers):
    return [f"o-{n}:placed" for n in numbers]


@lab.task(
    hints=[
        'Read first, then publish, then delete: what the broker has acknowledged, row by row, not "all" and not '
        '"up to".',
        "Fetch all rows of the batch before you publish the first, and begin to write in the database after the last.",
        "Catch nothing. What stops the call at the second of five also keeps the third from overtaking it.",
    ],
    limit=20,
)
def relay_once(answer, bench):
    shop = _Shop(bench.r)
    for part in (_relays, _relays_in_order, _lets_the_shop_work, _stops_at_a_loss, _stops_at_a_refusal,
                 _relay_without_broker):  # fmt: skip
        shop.reset()
        bench.flush()
        part(answer, shop, bench)

    def verify():
        there, still = set(_published(bench.r)), set(shop.column("SELECT id FROM outbox"))
        if lost := set(_ids(1, 2, 3, 4)) - there - still:
            raise NotYet(
                "loses-on-kill",
                f"lost {min(lost)}: it is neither in the outbox nor in the stream (a real SIGKILL).",
                "In one of the two at any moment.",
                "It was deleted before the broker had it.",
            )
        _relay(answer, shop, bench.r)
        _relay(answer, shop, bench.r)
        if _first_copies(bench.r) != _ids(1, 2, 3, 4):
            raise NotYet(
                "wrong-sequence",
                f"published {', '.join(_first_copies(bench.r))} around a kill (first copies).",
                "o-1 to o-4, in the order of seq.",
            )

    def prepare():
        shop.reset()
        _fill(shop, 1, 2, 3, 4)

    kills = kill_everywhere(bench, prepare, shop.open, lambda db, r: answer(db, r, S, batch=3), verify)
    return f"{kills} real kills, lost requests and replies, orders that come in meanwhile"


def _relays(answer, shop, bench):
    _fill(shop, *range(1, 8))
    counts = [_relay(answer, shop, bench.r, batch=3)]
    entries = bench.r.xrange(S)
    if len(entries) > 3:
        raise NotYet(
            "ignores-the-batch",
            f"published {len(entries)} events with batch=3.",
            "At most 3.",
            "A batch bounds how many copies one crash can make.",
        )
    rows = [_event(n) for n in range(1, 8)]
    if not entries or tuple(entries[0][1].get(name) for name in ("id", "key", "data")) not in rows:
        raise NotYet(
            "wrong-entry",
            f"added {entries[0][1] if entries else 'nothing'!r:.100}.",
            "The fields id, key and data, as they stand in the outbox.",
        )
    if len(shop.column("SELECT id FROM outbox")) != 4:
        raise NotYet(
            "not-deleted",
            f"left {len(shop.column('SELECT id FROM outbox'))} of 7 events in the outbox, as others see it, after "
            "publishing 3.",
            "4.",
            "What is not deleted, and committed, is published again and again.",
        )
    counts += [_relay(answer, shop, bench.r, batch=3) for _ in range(3)]
    if counts != [3, 3, 1, 0]:
        raise NotYet("wrong-count", f"returned {[int(n) for n in counts]} for 7 events with batch=3.", "[3, 3, 1, 0].")


def _relays_in_order(answer, shop, bench):
    with closing(shop.open()) as db, db:
        for seq, n in ((30, 3), (4, 12), (200, 1)):  # by id, and as text, these come in another order
            db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", (seq, *_event(n)))
    _relay(answer, shop, bench.r, batch=2)
    _relay(answer, shop, bench.r, batch=2)
    if _published(bench.r) != _ids(12, 3, 1):
        raise NotYet(
            "wrong-sequence",
            f"published {', '.join(_published(bench.r))}; their seq are 4, 30, 200 for o-12, o-3, o-1.",
            "o-12, o-3, o-1: smallest seq first, whatever the id.",
            "A SELECT that does not say its order may have any, another one tomorrow.",
        )


def _lets_the_shop_work(answer, shop, bench):
    _fill(shop, 1, 2, 3)
    sold, locked = [], []

    def sell(n):
        try:
            with closing(shop.open(timeout=0)) as db, db:
                db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", _event(10 + n))
            sold.append(f"o-{10 + n}:placed")
        except sqlite3.OperationalError:
            locked.append(n)

    with traced_client(bench.broker.url, _During(sell), socket_timeout=5) as r:
        _relay(answer, shop, r, batch=10)
    if locked:
        raise NotYet(
            "locks-the-shop",
            "kept the database locked while it talked to the broker: an order could not be placed.",
            "No transaction is open meanwhile.",
            "A slow broker would close the shop. That is what the outbox is for.",
        )
    there, still = _published(bench.r), shop.column("SELECT id FROM outbox")
    if any(id not in there and id not in still for id in sold):
        raise NotYet(
            "deletes-unpublished",
            "deleted an event that came in while it was publishing, and was never published.",
            "It deletes what it has published, nothing else.",
            '"All that is there" is more than what was read.',
        )


def _stops_at_a_loss(answer, shop, bench):
    """The n-th request is lost, or its reply; the relay is called again."""
    for n in (1, 2, 3):
        for reply in (False, True):
            shop.reset()
            bench.flush()
            _fill(shop, 1, 2, 3)
            got, error = None, None
            with traced_client(bench.broker.url, _Loses(n, reply), socket_timeout=5) as r, closing(shop.open()) as db:
                try:
                    got = answer(db, r, S, batch=10)
                except redis.RedisError as lost:
                    error = lost
                _closed(shop, db, "when a command had failed")
            still = shop.column("SELECT id FROM outbox")
            if gone := [id for id in _ids(1, 2, 3) if id not in still and id not in _published(bench.r)]:
                raise NotYet(
                    "deletes-unpublished",
                    f"deleted {gone[0]}, which the broker never got.",
                    "Only what was acknowledged is deleted.",
                )
            if error is None and still:
                raise NotYet(
                    "hides-broker-errors",
                    f"returned {got!r:.20} where a command had failed; {len(still)} events are unpublished or "
                    "unconfirmed.",
                    "The redis.ConnectionError passes through.",
                    "The loop around it believes that all is well, and nobody is called.",
                )
            _relay(answer, shop, bench.r)
            if _first_copies(bench.r) != _ids(1, 2, 3):
                raise NotYet(
                    "overtakes",
                    f"published {', '.join(_first_copies(bench.r))} where the {'reply' if reply else 'request'} of "
                    "one was lost (first copies).",
                    "o-1, o-2, o-3.",
                    "What goes on behind a failure arrives before it.",
                )
            if shop.column("SELECT id FROM outbox"):
                raise NotYet("not-deleted", "left events in the outbox in the call after a lost one.", "Nothing.")


def _stops_at_a_refusal(answer, shop, bench):
    """The broker answers with an error: it has no memory left, at the n-th XADD, or (0) the stream is a string."""
    for n in (0, 1, 2):
        shop.reset()
        bench.flush()
        if n == 0:
            bench.r.set(S, "spoiled")
        _fill(shop, 1, 2, 3)
        refuses = _Refuses(n)
        with traced_client(bench.broker.url, refuses, socket_timeout=5) as r, closing(shop.open()) as db:
            error = _raised(lambda db=db, r=r: answer(db, r, S, batch=10))
            _closed(shop, db, "when a command had failed")
        still, there = shop.column("SELECT id FROM outbox"), _published(bench.r) if n else []
        why = "OOM: its memory was full" if n else "WRONGTYPE: the stream's name was taken"
        if gone := [id for id in _ids(1, 2, 3) if id not in still and id not in there]:
            raise NotYet(
                "deletes-unpublished",
                f"deleted {gone[0]}, which the broker had refused ({why}).",
                "Only what was acknowledged is deleted.",
                "An error is an answer, too, and it is not an acknowledgement.",
            )
        if (n == 0 or refuses.n < 0) and not isinstance(error, redis.RedisError):
            raise NotYet(
                "hides-broker-errors",
                f"{_came(error)} when the broker refused an event ({why}).",
                "The redis.ResponseError passes through.",
            )
        if there != _ids(1, 2, 3)[: len(there)]:
            raise NotYet(
                "overtakes",
                f"published {', '.join(there)} when the broker had refused number {n}.",
                "Nothing behind it.",
                "The refused one comes later, and then it comes too late.",
            )


OOM = "OOM command not allowed when used memory > maxmemory."


class _Refuses(Hook):
    """Lets the broker answer the n-th step with XADD in it with an error."""

    def __init__(self, n):
        self.n = n

    def before(self, connection, step):
        self.n -= step.uses_scripts or any(command[0] == "XADD" for command in step.commands)
        if self.n != 0:
            return step
        self.n = -1
        if len(step.commands) > 1:  # MULTI: EXEC refuses it as a whole
            raise redis.exceptions.ExecAbortError("Transaction discarded because of previous errors.")
        return Step((("EVAL", f"return redis.error_reply({OOM!r})", 0),))


class _Loses(Hook):
    """Loses the n-th request, or its reply, once."""

    def __init__(self, n, reply):
        self.n, self.reply = n, reply

    def _lose(self):
        self.n -= 1
        if self.n == 0:
            raise redis.ConnectionError("Connection closed by server.")

    def before(self, connection, step):
        if not self.reply:
            self._lose()
        return step

    def after(self, connection, step, reply):
        if self.reply:
            self._lose()


def _relay_without_broker(answer, shop, bench):
    _fill(shop, 1, 2)

    def call(r, when):
        if when is None:
            with closing(shop.open()) as db:
                answer(db, r, S, batch=10)

    for way in (lambda: _raised(lambda: call(bench.unreachable(), None)), lambda: _silent(bench, call)):
        error = way()
        if not isinstance(error, redis.RedisError):
            raise NotYet(
                "hides-broker-errors",
                f"{_came(error)} when the broker did not answer.",
                "The redis.RedisError passes through.",
            )
        if shop.column("SELECT id FROM outbox") != _ids(1, 2):
            raise NotYet(
                "deletes-unpublished",
                "deleted events although the broker did not answer.",
                "They stay until the broker has acknowledged them.",
            )


# ---------------------------------------------------------------- stretch


def _booked(shop):
    return dict(shop.ask("SELECT customer, cents FROM accounts"))


def _publish(r, *numbers):
    for n in numbers:
        id, key, data = _event(n, key="bob" if n == 2 else "ann")
        r.xadd(S, {"id": id, "key": key, "data": data})


def _book(answer, shop, r, count=10):
    with closing(shop.open()) as db:
        got = answer(db, r, S, GROUP, "me", count=count)
        _closed(shop, db, "when it had returned")
    return number(got, "how many events it booked")


@lab.task(
    hints=[
        "XREADGROUP with the id 0 instead of > gives what this consumer has pending.",
        "INSERT OR IGNORE INTO inbox: rowcount says whether the id was new. The account changes in the same "
        "transaction. XACK comes after the commit.",
    ],
    limit=20,
)
def book_once(answer, bench):
    shop, r = _Shop(bench.r), bench.r
    r.xgroup_create(S, GROUP, "0", mkstream=True)
    _does_not_block(answer, shop, bench)
    if (got := _book(answer, shop, r)) != 0:
        raise NotYet("wrong-count", f"returned {got:g} for an empty stream.", "0, at once.")
    for n, should, code in ((1, 100, "no-row-yet"), (3, 200, "replaces-the-account")):
        _publish(r, n)
        _book(answer, shop, r)
        if (booked := _booked(shop)) != {"ann": should}:
            raise NotYet(
                code,
                f"left the accounts {booked} after {should // 100} event(s) of ann over 100 cents each.",
                f"ann {should}.",
                "She had no row before the first." if n == 1 else "She had a row by then.",
            )

    def prepare():
        shop.reset()
        bench.flush()
        r.xgroup_create(S, GROUP, "0", mkstream=True)
        _publish(r, 1, 2, 1, 3)

    prepare()
    counts = [_book(answer, shop, r, count=2), _book(answer, shop, r, count=2)]
    if _booked(shop) != {"ann": 200, "bob": 100}:
        raise NotYet(
            "books-copies",
            f"left the accounts {_booked(shop)} after o-1 (ann, twice in the stream), o-2 (bob) and o-3 (ann), 100 "
            "cents each.",
            "ann 200, bob 100.",
            "The relay may publish an event again, with the same id.",
        )
    if counts != [2, 1]:
        raise NotYet(
            "wrong-count", f"returned {[int(n) for n in counts]} with count=2.", "[2, 1]: a copy is not booked."
        )
    if r.xpending(S, GROUP)["pending"]:
        raise NotYet(
            "copies-stay-pending",
            "left an entry pending.",
            "Copies are acknowledged, too.",
            "They would come back for ever.",
        )
    if r.xlen(S) != 4:
        raise NotYet(
            "deletes-entries",
            f"left {r.xlen(S)} of 4 entries in the stream.",
            "All of them: it acknowledges, no more.",
            "Other groups read the same stream.",
        )
    for part in (_takes_its_own, _book_without_broker):
        prepare()
        part(answer, shop, bench)

    def verify():
        for _ in range(3):
            _book(answer, shop, r)
        if (booked := _booked(shop)) != {"ann": 200, "bob": 100} or r.xpending(S, GROUP)["pending"]:
            lost = sum(booked.values()) < 300
            raise NotYet(
                "kill-loses" if lost else "kill-doubles",
                f"left the accounts {booked} and {r.xpending(S, GROUP)['pending']} pending after a worker was killed "
                "(a real SIGKILL) and its successor of the same name had worked.",
                "ann 200, bob 100, nothing pending.",
                "Acknowledged, or in the inbox, before it was booked; or nobody looked for what was pending."
                if lost
                else "Booked before it was in the inbox. One transaction does both.",
            )

    bench.flush()
    kills = kill_everywhere(bench, prepare, shop.open, lambda db, r: answer(db, r, S, GROUP, "me", count=10), verify)
    bench.flush()
    prepare()
    _fails_with_the_database(answer, shop, bench)
    return f"{kills} real kills, copies of an event, a full disk"


class _Waits(Hook):
    """Notes a command that would block for longer than a moment, and answers it with a time-out."""

    step = None

    def before(self, connection, step):
        if step.timeout is not None and not 0 < step.timeout <= 0.05:
            self.step = step
            raise redis.TimeoutError("Timeout reading from socket")
        return step


def _does_not_block(answer, shop, bench):
    waits = _Waits()
    with traced_client(bench.broker.url, waits, socket_timeout=5) as r, closing(shop.open()) as db:
        error = _raised(lambda: answer(db, r, S, GROUP, "me", count=10))
    if isinstance(error, NotImplementedError):
        raise error
    if waits.step:
        raise NotYet("blocks", f"sent {waits.step} on an empty stream.", "0, at once: it does not block.")


def _takes_its_own(answer, shop, bench):
    r = bench.r
    r.xreadgroup(GROUP, "you", {S: ">"}, count=1)  # o-1: a colleague is at it
    r.xreadgroup(GROUP, "me", {S: ">"}, count=1)  # o-2: what "me" did not come to acknowledge
    if (got := _book(answer, shop, r, count=1)) != 1 or len(_booked(shop)) != 1:
        raise NotYet(
            "takes-too-many",
            f"returned {got:g} and left the accounts {_booked(shop)} with count=1 and one pending entry (bob's).",
            "1, and bob 100: first what is pending; new ones only if there are none.",
            "count bounds what one call does.",
        )
    _book(answer, shop, r)
    _book(answer, shop, r)
    if not r.xpending_range(S, GROUP, "-", "+", 10, consumername="you"):
        raise NotYet(
            "robs-a-colleague",
            "took an entry that another consumer of the group had just read.",
            "Its own pending entries, and new ones.",
            "The other one is at work on it. Whose work is taken over, and when, is not decided here (lesson 03).",
        )


def _fails_with_the_database(answer, shop, bench):
    _book(answer, shop, bench.r, count=1)
    for event in ("INSERT", "UPDATE"):
        shop.ask(f"CREATE TRIGGER full_{event} BEFORE {event} ON accounts BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with closing(shop.open()) as db:
        error = _raised(lambda: answer(db, bench.r, S, GROUP, "me", count=1))
        _closed(shop, db, "when the account could not be written")
    for event in ("INSERT", "UPDATE"):
        shop.ask(f"DROP TRIGGER full_{event}")
    for _ in range(4):
        _book(answer, shop, bench.r)
    if (booked := _booked(shop)) != {"ann": 200, "bob": 100}:
        raise NotYet(
            "loses-on-an-error",
            f"left the accounts {booked} after the database had refused to write one of bob's (it was full), and was "
            "asked again later.",
            "ann 200, bob 100: what was not booked is neither in the inbox nor acknowledged.",
            "Not every exception says that the event is known.",
        )
    if not isinstance(error, sqlite3.Error):
        raise NotYet(
            "swallows-the-error", f"{_came(error)} when the database was full.", "The sqlite3.Error passes through."
        )


def _book_without_broker(answer, shop, bench):
    with closing(shop.open()) as db:
        error = _raised(lambda: answer(db, bench.unreachable(), S, GROUP, "me", count=10))
    if not isinstance(error, redis.RedisError):
        raise NotYet(
            "hides-broker-errors",
            f"{_came(error)} when the broker was down.",
            "The redis.RedisError passes through.",
            "Nothing to book, and nobody to ask: these are two answers.",
        )
