"""Checks of lab 06: wildcards by token, gaps in numbers, a view without a hole, and a durable fan-out."""

from __future__ import annotations

import itertools
import json
import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, values
from mqlab.faults import Proxy

lab = Lab("06-pub-sub")
STRETCH = ("DurableFanout",)


# ---------------------------------------------------------------- task 1

ONE = "star-crosses-dots", "`*` stands for exactly one token.", (
    "Whoever subscribes to kiosk.* would hear all regions, and an ACL like that would let him read them."
)
STAR = "star-needs-a-token", "`*` stands for exactly one token, not for none.", ""
REST = "rest-is-one-token", "`>` stands for one or more tokens.", "A whole tree is what it is for."
SOME = "rest-may-be-empty", "`>` stands for one or more tokens, not for none.", "kiosk itself has no trailing token."
PART = "star-inside-a-token", "`*` and `>` mean something only as a whole token.", "In NATS ord* is an ordinary name."
PLAIN = "special-characters", "Every other character stands for itself.", (
    "fnmatch and regular expressions know more special characters than these rules: ? [ ] . + and others."
)
WHOLE = "matches-a-part", "Pattern and subject match from the first token to the last.", ""
CASE = "ignores-case", "Upper and lower case differ.", ""
ANY = "wildcard-is-choosy", "A wildcard does not look at the characters: a token is what stands between dots.", (
    "Names come from elsewhere, and somebody's region is called eu-north, or Île."
)

VECTORS = [
    (PLAIN, "kiosk.eu", "kioskxeu", False),
    (ONE, "kiosk.*", "kiosk.eu.sales", False), (ONE, "*", "kiosk.eu", False), (ONE, "*.sales", "a.b.sales", False),
    (ONE, "kiosk.*.sales", "kiosk.eu.north.sales", False), (STAR, "kiosk.*", "kiosk", False),
    (STAR, "kiosk.*.sales", "kiosk.sales", False), (STAR, "*.kiosk", "kiosk", False),
    (REST, "kiosk.>", "kiosk.eu.sales", True), (REST, ">", "a.b.c.d.e.f", True), (REST, "kiosk.>", "kiosk.eu", True),
    (REST, "*.b.>", "a.b.c.d", True), (SOME, "kiosk.>", "kiosk", False), (SOME, "*.>", "kiosk", False),
    (WHOLE, "kiosk.eu", "kiosk.eu.sales", False), (WHOLE, "eu.sales", "kiosk.eu.sales", False),
    (WHOLE, "kiosk.e", "kiosk.eu", False), (WHOLE, "kiosk.eu.sales", "kiosk.eu", False),
    (WHOLE, "*.b", "a.b.c", False), (WHOLE, "kiosk.eu", "kiosk.eu\n", False), (WHOLE, "x.*", "ax.b", False),
    (PART, "kiosk.ord*", "kiosk.orders", False), (PART, "kiosk.*s", "kiosk.orders", False),
    (PART, "kiosk.ord*", "kiosk.ord*", True), (PART, "kiosk.a>", "kiosk.a.b", False), (PART, "a>", "a>", True),
    (PART, "**", "kiosk", False), (PART, "a>b.c", "a>b.c", True), (PART, "kiosk.>>", "kiosk.a.b", False),
    (PLAIN, "a.x+y", "a.x+y", True), (PLAIN, "a.x+", "a.xx", False),
    (PLAIN, "kiosk.?u.sales", "kiosk.eu.sales", False), (PLAIN, "kiosk.[ab]", "kiosk.a", False),
    (PLAIN, "kiosk.[ab]", "kiosk.[ab]", True), (PLAIN, "a.(b", "a.(b", True), (PLAIN, "a.b$", "a.b", False),
    (CASE, "Kiosk.eu", "kiosk.eu", False), (CASE, "KIOSK.>", "kiosk.eu", False),
    (ANY, "kiosk.*.sales", "kiosk.eu-north.sales", True), (ANY, "*", "Île", True), (ANY, "k.*", "k.7$a?[b", True),
    (ANY, "kiosk.>", "kiosk.eu-north.a:b", True), (ANY, "*.a", "x\ny.a", True), (ANY, "kiosk.>", "kiosk.x\ny", True),
]  # fmt: skip


def _matches(pattern, subject):
    """The rules, as a recursion: not the way that a learner is likely to choose."""
    if not pattern or not subject:
        return not pattern and not subject
    if pattern[0] == ">":
        return True
    return pattern[0] in ("*", subject[0]) and _matches(pattern[1:], subject[1:])


@lab.task(
    hints=[
        "Split both at the dots. Then you compare lists of tokens, and the dots cannot be crossed.",
        "Deal with > first. Is it anywhere but at the end? At the end: how many tokens must there be at least?",
        "What is left: the same number of tokens, and each pair equal, or a * in the pattern.",
    ],
    broker=False,
)
def match(answer, bench):
    for (code, should, because), pattern, subject, right in VECTORS:
        try:
            got = answer(pattern, subject)
        except ValueError as error:
            raise NotYet("refuses-a-valid-one", f"raised ValueError ({error}) for match({pattern!r}, {subject!r}).",
                         f"{right}: this pattern is valid.") from None
        if got is not None and not isinstance(got, (bool, int)) and not hasattr(got, "span"):
            raise NotYet("not-a-bool", f"returned {got!r:.60} for match({pattern!r}, {subject!r}).", "True or False.")
        if bool(got) != right:
            says = "hears" if got else "does not hear"
            raise NotYet(code, f"says that {pattern!r} {says} {subject!r}.", should, because)
    for pattern in (">.a", "kiosk.>.sales", ">.>", "*.>.*", "a.>.b"):
        for subject in ("a", "kiosk.eu.sales", "other.x.y"):
            try:
                answer(pattern, subject)
            except ValueError:
                continue
            raise NotYet("accepts-rest-inside", f"gave a verdict on the pattern {pattern!r} for {subject!r}.",
                         "ValueError: > as a token stands at the end or nowhere, whatever the subject is.",
                         "Whoever wrote it meant something that these rules cannot say. It should not go unnoticed.")
    patterns = [p for n in (1, 2, 3, 4) for p in itertools.product(("a", "b", "*", ">"), repeat=n) if ">" not in p[:-1]]
    subjects = [s for n in (1, 2, 3, 4, 5) for s in itertools.product("ab", repeat=n)]
    for pattern, subject in itertools.product(patterns, subjects):
        if bool(answer(".".join(pattern), ".".join(subject))) != _matches(pattern, subject):
            raise NotYet("wrong-for-a-mixture", f"is wrong about {'.'.join(pattern)!r} and {'.'.join(subject)!r}.",
                         f"{_matches(pattern, subject)}: the rules hold for every token, wherever it stands.")
    return f"{len(VECTORS)} special cases, {len(patterns) * len(subjects):,} pairs of short ones"


# ---------------------------------------------------------------- task 2


class _Right:
    """What the table says, for comparison: `kind` names the row."""

    def __init__(self, modulus):
        self.modulus, self.place = modulus, None

    def feed(self, epoch, seq):
        if self.place is None:
            kind, verdict = "first", "ok"
        elif epoch > self.place[0]:
            kind, verdict = "restart", "restart"
        elif epoch < self.place[0]:
            return "old-epoch", "dup"
        else:
            steps = (seq - self.place[1]) % self.modulus
            wrapped = seq < self.place[1]
            if steps == 0:
                return "same", "dup"
            if steps * 2 >= self.modulus:
                return ("half" if steps * 2 == self.modulus else "behind"), "dup"
            if steps == 1:
                kind, verdict = ("wrap" if wrapped else "next"), "ok"
            else:
                kind = "gap-wrap" if wrapped else "gap"
                verdict = ("gap", (self.place[1] + 1) % self.modulus, (seq - 1) % self.modulus)
        self.place = epoch, seq
        return kind, verdict


WHY = {
    "first": ("first-message", "Nobody can say what came before the first message. The snapshot covers that."),
    "next": ("next-number", ""),
    "same": ("misses-a-duplicate", "Messages come twice when a sender repeats, or two patterns match."),
    "behind": ("behind-is-ahead", "It takes more than half a round to come to it going up, so it is an old one."),
    "half": ("half-a-round", "Half a round is not less than half a round."),
    "wrap": ("wrap", "After the highest number comes 0. That is no gap, and no repetition."),
    "gap": ("gap-unnoticed", "What is missing has to be fetched, and for that its numbers are needed."),
    "gap-wrap": ("gap-over-the-wrap", "The missing numbers can lie on both sides of 0."),
    "restart": ("restart-unnoticed", "The old publisher may have sent more before its end. Only a snapshot helps now."),
    "old-epoch": ("old-epoch", "A straggler of the publisher that was replaced: the snapshot has it already."),
}
ROWS = ("first", "next", "same", "gap", "wrap", "gap-wrap", "behind", "restart", "old-epoch", "half")


def _verdict(got):
    return tuple(got) if isinstance(got, list) else got


@lab.task(
    hints=[
        "Keep two things: epoch and number of the newest message. Deal with the epochs first.",
        "(seq - last) % modulus: the steps up, also across the end of the round. Cases: 1, less than half, the rest.",
        "After a gap the place is the message that came, or the gap is reported again. After a dup it stays.",
    ],
    broker=False,
)
def GapDetector(answer, bench):
    if (got := _verdict(answer(8).feed(1, 6))) != "ok":
        code, because = WHY["first"]
        raise NotYet(code, f"said {got!r:.60} to the first message of all, epoch 1, number 6.", "'ok'.", because)
    a, b = answer(8), answer(8)
    a.feed(1, 3)
    if _verdict(b.feed(1, 6)) != "ok":
        raise NotYet("shared-state", "told a second detector what the first one had been fed.",
                     "Each detector has a place of its own.", "There is one for each channel.")
    epochs = list(itertools.product((1, 2, 3), (0, 1, 7)))
    shorts = [(8, feeds) for n in (2, 3) for feeds in itertools.product(epochs, repeat=n)]
    for modulus, most in ((8, 4), (5, 3)):
        for n in range(2, most + 1):
            seqs = itertools.product(range(modulus), repeat=n)
            shorts += [(modulus, tuple((1, seq) for seq in feeds)) for feeds in seqs]
    shorts.sort(key=lambda short: (len(short[1]), ROWS.index(_kinds(*short)[-1])))  # pairs first, row by row
    for modulus, feeds in shorts:
        _compare(answer, modulus, feeds)
    for first, second in itertools.product(((0, 0), (0, 3)), ((0, 0), (0, 3), (0, 4), (0, 5), (1, 1))):
        try:
            _compare(answer, 8, (first, second))
        except NotYet as wrong:
            raise NotYet("zero-is-nothing", wrong.did, wrong.should, "Epochs and numbers begin at 0. That is a place "
                         "like any other, and in a condition Python takes it for false.") from None
    rng, feeds, epoch, seq = bench.rng, [], 1, 65_500
    for _ in range(20_000):
        dice = rng.random()
        if dice < 0.02:
            epoch, seq = epoch + 1, rng.randrange(3)
        elif dice < 0.90:
            seq = (seq + (1 if dice < 0.6 else rng.randrange(1, 300))) % 65_536
        feeds.append((epoch, seq if dice < 0.90 else (seq - rng.randrange(500)) % 65_536))
    _compare(answer, 65_536, feeds)
    return f"{len(shorts):,} short sequences, one of 20,000 messages"


def _kinds(modulus, feeds):
    right = _Right(modulus)
    return [right.feed(*feed)[0] for feed in feeds]


def _compare(answer, modulus, feeds):
    mine, right = answer(modulus), _Right(modulus)
    for place, (epoch, seq) in enumerate(feeds):
        before = right.place
        kind, verdict = right.feed(epoch, seq)
        got = _verdict(mine.feed(epoch, seq))
        if got == verdict:
            continue
        told = (
            f"said {got!r:.60} when fed epoch {epoch}, number {seq}, with modulus {modulus}; "
            + (f"the place was epoch {before[0]}, number {before[1]}." if before else "it was the first message.")
        )
        code, because = WHY[kind]
        if kind in ("gap", "gap-wrap") and isinstance(got, tuple) and got[:1] == ("gap",):
            raise NotYet("gap-bounds", told, f"{verdict!r}: the first and the last number that are missing.",
                         "Whoever fetches them needs exactly these.")
        if place > 1:  # all pairs were right, so it is the place that is wrong
            previous = _kinds(modulus, feeds[:place])[-1]
            if previous in ("gap", "gap-wrap"):
                raise NotYet("stays-before-the-gap", told + " Right before, it had reported a gap.", f"{verdict!r}.",
                             "A gap is reported once. The place is then the message that came.")
            if previous in ("same", "behind", "half", "old-epoch"):
                raise NotYet("a-duplicate-moves-it", told + " Right before came an old one.", f"{verdict!r}.",
                             "An old message says nothing new. The place stays.")
        raise NotYet(code, told, f"{verdict!r}.", because)


# ---------------------------------------------------------------- task 3

KEY, CHANNEL = "kiosk:stock:clock", "kiosk:sales:clock"


def _stock(r, left=10, version=3):
    r.hset(KEY, mapping={"left": left, "version": version})


def _commit(r, sold):
    """Sell; returns the message about it, which is not published yet."""
    with r.pipeline(transaction=True) as p:
        p.hincrby(KEY, "left", -sold)
        p.hincrby(KEY, "version", 1)
        version = p.execute()[1]
    return json.dumps({"version": version, "sold": sold})


def _tell(r, message, channel=CHANNEL):
    r.publish(channel, message)
    r.ping()  # once the server has answered this, it has sent the copies of the message


def _sell(r, sold):
    message = _commit(r, sold)
    _tell(r, message)
    return message


def _truth(r):
    return int(r.hget(KEY, "left"))


def _left(view):
    if not hasattr(view, "left"):
        raise NotYet("no-left", "has no attribute `left`.", "`left` holds what the page shows.")
    return number(view.left, "left")


def _shows(view, r):
    return f"has left = {_left(view):g}; the stock is {_truth(r)}."


NO_WAITING = ("poll() deals with what has arrived and returns at once.",
              "The page has other things to do: it calls poll() again and again.")  # fmt: skip


def _duration(view):
    begin = time.monotonic()
    _poll(view)
    return time.monotonic() - begin


def _poll(view):
    """poll() in a thread of its own, so that one that waits is noticed."""
    ended = []

    def run():
        try:
            view.poll()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    begin, thread = time.monotonic(), threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(2)
    if time.monotonic() - begin > 0.5:
        raise NotYet("waits", "waited in poll() although no more messages were there.", *NO_WAITING)
    if ended[0] is not None:
        raise ended[0]


def _until_it_returns(call):
    """Call it until it returns, as the task says; a RedisError may pass through."""
    for attempt in range(6):
        try:
            return call()
        except redis.RedisError as error:
            last = error
            time.sleep(0.01 * attempt)
    raise NotYet("never-recovers", f"raised {type(last).__name__} each of six times it was called ({last}).",
                 "A later call works again: the broker is there.", "A break of a connection lasts a moment.")


def _view(answer, r):
    view = answer(r, KEY, CHANNEL)
    view.start()
    return view


@lab.task(
    hints=[
        "Which comes first, subscribe or snapshot? And from when on does the broker send you everything?",
        "A message that does not follow on what you have says that one is missing, or still under way. What then?",
        "Every confirmation begins a new subscription, the one in start() as well. It needs a new snapshot.",
        "Note that you need a snapshot, read it, then take the note away. Then an error in between is harmless.",
    ],
    limit=20,
)
def LiveView(answer, bench):
    r = bench.r
    _stock(r)
    view = _view(answer, bench.client())
    if not hasattr(view, "left"):
        _left(view)
    if view.left is None or _left(view) != 10:
        raise NotYet("starts-empty", f"has left = {view.left!r:.40} after start(); the stock is 10.",
                     "10: start() makes `left` right.", "Messages tell what changes, not what was there before.")
    _sell(r, 2)
    _poll(view)
    if _left(view) != 8:
        raise NotYet("does-not-follow", f"has left = {_left(view):g} after a sale of 2 and poll(); it was 10.", "8.")
    if (shortest := min(_duration(view) for _ in range(10))) > 0.008:
        raise NotYet("waits", f"took {shortest * 1000:.0f} ms or more in each of ten calls of poll(), with no message "
                     "there.", *NO_WAITING)
    for sold in (1, 1, 2):
        _sell(r, sold)
    _poll(view)
    if _left(view) != 4:
        raise NotYet("one-at-a-time", f"{_shows(view, r)} Three messages had arrived before poll().",
                     "4: poll() deals with everything that has arrived.", "The page would lag ever further behind.")
    with r.pipeline(transaction=False) as p:
        for version in range(8, 2008):
            p.publish(CHANNEL, json.dumps({"version": version, "sold": 1}))
        p.hset(KEY, mapping={"left": -1996, "version": 2007})
        p.execute()
    view.poll()  # not against the clock: there is something to do
    if _left(view) != _truth(r):
        raise NotYet("stops-early", f"{_shows(view, r)} 2,000 messages had arrived before poll().",
                     f"{_truth(r)}: poll() deals with everything that has arrived.", "After a busy minute it would lag "
                     "behind, and nobody tells it to go on.")
    _twice_and_overtaken(answer, bench)
    tried = _every_order(answer, bench, False)
    _slow_to_subscribe(answer, bench)
    _frugal(answer, bench)
    _breaks(answer, bench)
    _no_snapshot_to_be_had(answer, bench)
    tried += _every_order(answer, bench, True)
    lost = lost_reply_sweep(bench, _stock, lambda r: _with_errors(answer, bench, r), _right_again)
    return f"{tried} interleavings of shop and view, {lost}, broken connections"


def _slow_to_subscribe(answer, bench):
    """The subscription is on a slow line, the stock is read on a quick one, and right after that a piece is sold."""
    r, reads, started = bench.client(), _reads(bench.r), threading.Event()
    _stock(r, 100)
    r.client_kill_filter(_type="pubsub")  # the views of before

    def sell():
        while _reads(r) == reads and not started.wait(0.002):
            pass
        _sell(r, 1)

    with Proxy(bench.broker.url) as proxy, redis.Redis.from_url(proxy.url, decode_responses=True) as slow:
        slow.ping()  # the subscription will take this connection
        proxy.delay = 0.1
        client, shop = bench.client(), threading.Thread(target=sell)
        client.pubsub = slow.pubsub
        view = answer(client, KEY, CHANNEL)
        shop.start()
        try:
            view.start()
            hears = bench.r.publish(CHANNEL, json.dumps({"version": 1, "sold": 1}))  # old news
        finally:
            started.set()
            shop.join()
        if not hears:
            raise NotYet("does-not-hear-yet", "returned from start() before the broker had its subscription.",
                         "When start() returns, the view hears everything.",
                         "subscribe() only sends the command. That it has taken effect, the confirmation tells.")
        for _ in range(8):  # the message is on its way
            time.sleep(proxy.delay)
            _poll(view)
            if _left(view) == _truth(r):
                return
        raise NotYet("misses-a-sale", f"{_shows(view, r)} Its subscription was {proxy.delay:g} s on its way, and "
                     "meanwhile a piece was sold.", f"{_truth(r)}.", "The sale fell between the snapshot and the "
                     "moment from which the view hears everything.")


def _twice_and_overtaken(answer, bench):
    r = bench.r
    _stock(r, 100)
    view = _view(answer, bench.client())
    message = _sell(r, 5)
    _tell(r, message)
    _poll(view)
    _tell(r, message)
    _poll(view)
    if _left(view) != 95:
        raise NotYet("applies-twice", f"{_shows(view, r)} One message came three times.",
                     "95: a version counts once.", "The snapshot, a repetition and an overlapping subscription can all "
                     "bring what the view has already.")
    for polls in (0, 1):
        first, second = _commit(r, 3), _commit(r, 4)
        _tell(r, second)
        for _ in range(polls):
            _poll(view)
        _tell(r, first)
        _poll(view)
        if _left(view) != _truth(r):
            raise NotYet("overtaken", f"{_shows(view, r)} Messages of two tills changed places.", f"{_truth(r)}.",
                         "The message of the newer version came first, and the older one was then taken for old news, "
                         "or both were out of step from there on.")
    before = _truth(r)
    for other in ("kiosk:sales:lamp", CHANNEL + ":refunds", "kiosk"):
        _tell(r, json.dumps({"version": int(r.hget(KEY, "version")) + 1, "sold": 7}), other)
    _poll(view)
    if _left(view) != before:
        raise NotYet("hears-others", f"{_shows(view, r)} Other products were sold.",
                     f"{before}: it listens to its own channel and to no other.",
                     "A pattern such as * brings in every product, and every tenant.")


def _reads(r):
    stats = r.info("commandstats")
    names = ("hmget", "hget", "hgetall", "hvals", "hmget", "eval", "evalsha", "hscan")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in set(names))


def _frugal(answer, bench):
    r = bench.r
    _stock(r, 100)
    view, before = _view(answer, bench.client()), _reads(r)
    for _ in range(25):
        _sell(r, 1)
        _poll(view)
    if (reads := _reads(r) - before) > 5:
        raise NotYet("snapshot-per-message", f"read the stock {reads} times in 25 messages that came in order.",
                     "A snapshot is taken at the start, after a break, and when something is missing.",
                     "A thousand pages would read a thousand times for each sale: the messages were to spare that.")
    if _left(view) != _truth(r):
        raise NotYet("does-not-follow", f"has left = {_left(view):g} after 25 sales of 1; the stock is {_truth(r)}.",
                     f"{_truth(r)}.")


def _breaks(answer, bench):
    """The connection ends, a sale is published that nobody hears, and the view is polled again."""
    r = bench.r
    for code, options, how in (
        ("no-snapshot-after-a-break", {}, "its connection was cut, and get_message raised ConnectionError"),
        ("silent-reconnection", {"retry": Retry(NoBackoff(), 3)},
         "its connection was cut, and redis-py connected and subscribed again without raising anything"),
    ):  # fmt: skip
        _stock(r, 100)
        view = _view(answer, bench.client(**options))
        _sell(r, 1)
        _poll(view)
        for more in (0, 1):  # nothing is sold after the break; or something is, which shows the hole
            r.client_kill_filter(_type="pubsub")
            _sell(r, 5)
            _until_it_returns(lambda view=view: _poll(view))
            for _ in range(more):
                _sell(r, 2)
            _settle(view, r)
            if _left(view) != _truth(r):
                raise NotYet(code, f"{_shows(view, r)} A sale was published while {how}.",
                             f"{_truth(r)}, once poll() has returned.",
                             "The new subscription knows nothing of what was published in between.")


def _no_snapshot_to_be_had(answer, bench):
    """The connection breaks, and the read of the stock then gets an error reply, or no reply in time."""
    r = bench.r
    _stock(r, 100)
    view = _view(answer, bench.client())
    r.client_kill_filter(_type="pubsub")
    _sell(r, 4)
    r.rename(KEY, "aside")
    r.set(KEY, "a string, which is no hash")
    refused = False
    for _ in range(5):
        try:
            _poll(view)
        except redis.ResponseError:
            refused = True
        except redis.RedisError:
            pass
        time.sleep(0.01)
    r.rename("aside", KEY)
    if not refused and _left(view) != _truth(r):
        raise NotYet("hides-an-error", f"{_shows(view, r)} Its read of the stock failed, and poll() returned.",
                     "The error passes through, or poll() has put everything right when it returns.",
                     "Whoever calls it takes the old number for the present one.")
    _settle(view, r)
    if _left(view) != _truth(r):
        raise NotYet("forgets-after-an-error", f"{_shows(view, r)} A read of the stock had got an error reply.",
                     f"{_truth(r)}: a later call puts it right.", "The need for a snapshot must outlive the failure.")
    view = _view(answer, bench.client(socket_timeout=0.15))
    late = _commit(r, 1)
    _sell(r, 2)
    r.client_pause(250)
    try:
        _poll(view)
    except redis.RedisError:
        pass
    time.sleep(0.25)
    _tell(r, late)
    _settle(view, r)
    if _left(view) != _truth(r):
        raise NotYet("forgets-after-an-error", f"{_shows(view, r)} The read of the stock had timed out before.",
                     f"{_truth(r)}: a later call puts it right.", "The need for a snapshot must outlive the failure.")


def _settle(view, r):
    """poll() until the view is right, three times at most: a confirmation may still be on its way."""
    for _ in range(3):
        _until_it_returns(lambda: _poll(view))
        if _left(view) == _truth(r):
            return
        time.sleep(0.01)


def _every_order(answer, bench, broken):
    """All interleavings: of start() and two sales, with messages in order and overtaken; or of a break and a sale."""
    seen = {}

    def page(r):
        seen["view"] = view = answer(r, KEY, CHANNEL)
        view.start()
        view.poll()

    def page_after_a_break(r):
        seen["view"] = view = answer(r, KEY, CHANNEL)
        _until_it_returns(view.start)
        bench.r.client_kill_filter(_type="pubsub")
        _until_it_returns(view.poll)
        _until_it_returns(view.poll)

    def sale(r):
        r.publish(CHANNEL, _commit(r, 2))

    def two_sales(r):
        for sold in (1, 2):
            r.publish(CHANNEL, _commit(r, sold))

    def two_tills(r):
        first, second = _commit(r, 1), _commit(r, 2)
        r.publish(CHANNEL, second)
        r.publish(CHANNEL, first)

    def verify(high, low):
        def look(r, results):
            values(results)
            _settle(seen["view"], bench.r)
            left, truth = _left(seen["view"]), _truth(bench.r)
            if left == truth:
                return
            more = left > truth
            raise NotYet(high if more else low, _shows(seen["view"], bench.r),
                         f"{truth}, in whatever order the steps of shop and view come.",
                         "A sale fell between the snapshot and the moment from which the view hears everything."
                         if more else "A sale was in the snapshot, and its message was counted down once more.")

        return look

    if broken:
        return interleave(bench, _stock, [page_after_a_break, sale], verify("hole-after-a-break", "counts-twice"))
    look = verify("misses-a-sale", "counts-twice")
    return sum(interleave(bench, _stock, [page, theirs], look) for theirs in (two_sales, two_tills))


def _with_errors(answer, bench, r):
    """What the lost-reply sweep runs: start, follow, miss one, follow. Errors may pass through any call."""
    view = answer(r, KEY, CHANNEL)
    _until_it_returns(view.start)
    _sell(bench.r, 1)
    _until_it_returns(view.poll)
    late = _commit(bench.r, 2)
    _sell(bench.r, 1)
    _until_it_returns(view.poll)
    _tell(bench.r, late)
    bench.r.client_kill_filter(_type="pubsub")
    _sell(bench.r, 3)
    _until_it_returns(view.poll)
    return view


def _right_again(r, result):
    [view] = values([result])
    _settle(view, r)
    if _left(view) != _truth(r):
        raise NotYet("forgets-after-an-error", f"{_shows(view, r)} One reply was lost on the way.",
                     f"{_truth(r)}: a later call puts right what an earlier one could not.",
                     "When the read fails, what led to it has been taken from the subscription already. "
                     "Who does not remember it has no second chance.")


# ---------------------------------------------------------------- stretch

NAME = "kiosk:shipped"
BODIES = ("a", "b", "a", "two words: ü\n", "")


def _polled(fanout, sub, n):
    """(lost, [(number, body)]) as plain values. Raises NotYet for anything else."""
    got = fanout.poll(sub, n)
    try:
        lost, messages = got
        return number(lost, "lost"), [(int(seq), str(body)) for seq, body in messages]
    except (TypeError, ValueError):
        should = "A pair: (lost, [(number, body), …])."
        raise NotYet("wrong-shape", f"returned {got!r:.80} from poll.", should) from None


@lab.task(
    hints=[
        "A stream whose ids are your numbers: 1-0, 2-0, 3-0 … Then XRANGE goes on from a position.",
        "Number and message must come to be in one step, or two publishers take one number, or a crash leaves a hole.",
        "The first message that you can still read tells how many are gone: its number, less the position, less 1.",
        "Raising a number only if it is higher must be one step as well.",
    ],
    limit=25,
)
def DurableFanout(answer, bench):
    r = bench.r
    one = answer(r, NAME, 100)
    one.publish("before")
    one.subscribe("email")
    got = [one.publish(body) for body in BODIES]
    if got != [2, 3, 4, 5, 6]:
        raise NotYet("wrong-numbers", f"returned {got!r} for the second to the sixth message.", "[2, 3, 4, 5, 6].")
    lost, messages = _polled(one, "email", 10)
    if messages[:1] == [(1, "before")] or lost:
        raise NotYet("subscribes-from-the-start", f"gave a new subscription {messages[:2]!r}, lost {lost:g}.",
                     "It gets what is published from now on, and has lost nothing.")
    if messages != (right := list(zip(range(2, 7), BODIES, strict=True))):
        raise NotYet("not-what-was-published", f"returned the messages {messages!r:.90}.",
                     f"{right!r}: numbers and bodies, oldest first.")
    if (few := _polled(one, "email", 2)[1]) != [(2, "a"), (3, "b")]:
        told = "at most n of them, the oldest first" if len(few) != 2 else "the same again: poll moves nothing"
        raise NotYet("poll-moves" if few and few[0][0] > 2 or not few else "ignores-n",
                     f"returned {few!r:.80} from poll(sub, 2), after a poll without a commit.",
                     f"[(2, 'a'), (3, 'b')]: {told}.",
                     "Whoever dies between poll and commit must get the same messages once more.")
    one.commit("email", 4)
    one.subscribe("email")
    two = answer(bench.client(), NAME, 100)
    if _polled(two, "email", 10) != (0, right[3:]):
        raise NotYet("forgets-the-position", f"gave {_polled(two, 'email', 10)!r:.70} to another process, position 4.",
                     f"(0, {right[3:]!r}), also when subscribe was called again.",
                     "A subscription is durable if it outlives its process, and every start calls subscribe.")
    for again in (4, 2):
        try:
            one.commit("email", again)
        except KeyError as error:
            raise NotYet("refuses-an-old-commit", f"raised KeyError({error}) from commit({again}); the position of "
                         "email was 4.", "Nothing happens: the subscription exists, and the position stays.",
                         "A slower worker has done nothing wrong.") from None
    if _polled(one, "email", 1)[1] != right[3:4]:
        raise NotYet("commit-goes-back", "moved the position back from 4 to 2: a slower worker committed later.",
                     "It never moves back.", "What was done would be done again.")
    one.subscribe("sms")
    one.commit("sms", 6)
    if _polled(one, "email", 1)[1] != right[3:4]:
        raise NotYet("one-position-for-all", "moved the position of email when sms committed.",
                     "Each subscription has a position of its own.")
    for call, what in ((lambda: one.poll("nobody", 1), "poll"), (lambda: one.commit("nobody", 1), "commit")):
        try:
            call()
        except KeyError:
            continue
        raise NotYet("unknown-subscription", f"accepted {what} of a subscription that does not exist.", "KeyError.",
                     "A name that is spelled wrong would read nothing for ever, and nobody would notice.")
    _keys_of_its_own(r)
    _retention(answer, bench)
    return _meets_others(answer, bench)


def _keys_of_its_own(r):
    strays = [key for key in r.scan_iter() if not key.startswith(NAME) and key not in (KEY,)]
    if strays:
        raise NotYet("keys-of-others", f"wrote the key {strays[0]!r}.", f"Its keys begin with its name, {NAME!r}.",
                     "Two fan-outs on one broker would mix.")


def _retention(answer, bench):
    r = bench.r
    bench.flush()
    fanout = answer(r, NAME, 3)
    fanout.subscribe("email")
    for n in range(1, 101):
        fanout.publish(f"m{n}")
    lost, messages = _polled(fanout, "email", 10)
    right = [(n, f"m{n}") for n in (98, 99, 100)]
    if len(messages) > 3:
        raise NotYet("keeps-too-much", f"kept {len(messages)} messages or more, with keep=3.", "Exactly the newest 3.",
                     "MAXLEN with ~ (redis-py's default) trims only in large steps.")
    if messages != right:
        raise NotYet("keeps-the-wrong-ones", f"returned {messages!r:.80} from poll(sub, 10), of 100 messages, keep=3.",
                     f"{right!r}: the newest. What is lost does not count among the n.")
    if lost == 0:
        raise NotYet("silent-loss", "said lost = 0; 97 messages are gone, which this subscription never had.",
                     "97, and then the three that are kept.",
                     "Whoever knows of a loss can take a snapshot. Whoever does not is wrong from here on.")
    if lost != 97:
        raise NotYet("wrong-loss", f"said lost = {lost:g}; the position is 0, messages 98 to 100 are kept.", "97.")
    if _polled(fanout, "email", 1) != (97, right[:1]):
        raise NotYet("loss-told-once", f"said {_polled(fanout, 'email', 1)[0]:g} in the next poll, before any commit.",
                     "97 again: poll changes nothing.", "Whoever dies between poll and commit would never know.")
    fanout.commit("email", 98)
    if (got := _polled(fanout, "email", 10)) != (0, right[1:]):
        raise NotYet("wrong-loss", f"said {got!r:.80} after commit(98).", f"(0, {right[1:]!r}).")
    for n in (101, 102):
        fanout.publish(f"m{n}")
    if (got := _polled(fanout, "email", 10))[0] != 1:
        raise NotYet("wrong-loss", f"said lost = {got[0]:g}; the position is 98, messages 100 to 102 are kept.",
                     "1: message 99.")
    fanout.subscribe("late")
    if (got := _polled(fanout, "late", 10)) != (0, []):
        raise NotYet("subscribes-in-the-past", f"gave {got!r:.70} to a subscription made after 102 messages, keep=3.",
                     "(0, []): it gets what is published from now on.", "How many are kept is not how many there were.")
    fanout.commit("email", 102)
    if (got := _polled(fanout, "email", 10)) != (0, []):
        raise NotYet("compares-as-text", f"said {got!r:.80} after commit(102); the position was 98.", "(0, []).",
                     "Compared as text, 102 comes before 98.")
    sizes = []
    for n in range(103, 501):  # all that was published before has been committed by all
        if (got := fanout.publish(f"m{n}")) != n:
            raise NotYet("wrong-numbers", f"returned {got!r:.40} for message {n}; all before it had been committed.",
                         f"{n}.", "A number that comes a second time is below every position: nobody reads it.")
        if n % 20 == 0:
            sizes.append(sum(r.memory_usage(key, samples=0) or 0 for key in r.scan_iter()))
    if max(sizes[-8:]) > max(sizes[:8]) + 300:
        raise NotYet("grows", f"used {max(sizes[:8]):,} bytes after 260 messages, and {max(sizes[-8:]):,} after 500.",
                     "It keeps `keep` messages, and does not grow.", "What is never read again costs memory.")


def _meets_others(answer, bench):
    def prepare(r):
        answer(r, NAME, 2).subscribe("email")

    def publisher(r):
        return answer(r, NAME, 2).publish("x")

    def no_holes(r, results):
        numbers = sorted(values(results))
        lost, messages = _polled(answer(r, NAME, 2), "email", 9)
        if numbers != [1, 2] or messages != [(1, "x"), (2, "x")]:
            raise NotYet("two-publishers", f"gave two publishers the numbers {numbers}; kept are {messages!r:.60}.",
                         "1 and 2, and both messages are kept.", "Both took their number before either had used it.")

    seen = {}

    def start_over(r):
        fanout = answer(r, NAME, 2)
        before = _polled(fanout, "email", 9)[1]
        seen["next"] = (before[-1][0] if before else 0) + 1
        fanout.publish("y")
        fanout.publish("z")

    def no_hole(r, result):
        first = seen["next"]
        lost, messages = _polled(answer(r, NAME, 2), "email", 9)
        if messages != [(first, "y"), (first + 1, "z")] or lost != first - 1:
            raise NotYet("hole-after-a-crash", f"polls {(int(lost), messages)!r:.80} after a publisher broke down half "
                         "way, and two more messages, y and z.",
                         f"{(first - 1, [(first, 'y'), (first + 1, 'z')])!r}: there is no hole.",
                         "A number was taken, and its message never came. A reader cannot tell that from a loss.")

    def committer(upto):
        return lambda r: answer(r, NAME, 9).commit("email", upto)

    def furthest(r, results):
        values(results)
        _, messages = _polled(answer(r, NAME, 9), "email", 9)
        if messages != [(3, "x")]:
            raise NotYet("commits-race", f"goes on with {messages!r:.60} after commit(1) and commit(2) at once.",
                         "[(3, 'x')].", "Both looked before either wrote, and the lower one wrote last.")

    def three(r):
        prepare(r)
        for _ in range(3):
            answer(r, NAME, 9).publish("x")

    def full(r):
        prepare(r)
        for body in "ab":
            answer(r, NAME, 2).publish(body)

    def reader(r):
        return _polled(answer(r, NAME, 2), "email", 9)

    def consistent(r, results):
        (lost, messages), _ = values(results)
        first = messages[0][0] if messages else 0
        if not messages or lost != first - 1 or messages != list(enumerate("abx", 1))[first - 1:][:len(messages)]:
            raise NotYet("poll-in-two-looks", f"polls {(int(lost), messages)!r:.80} while message 3 comes (keep=2).",
                         "What is lost and what it returns follow on each other, each body with its number.",
                         "Between two reads the oldest message went away.")

    def newcomer(r):
        answer(r, NAME, 9).subscribe("sms")

    def diligent(r):
        fanout = answer(r, NAME, 9)
        fanout.subscribe("sms")
        fanout.commit("sms", fanout.publish("x"))

    def not_reset(r, results):
        values(results)
        lost, messages = _polled(answer(r, NAME, 9), "sms", 9)
        if messages or lost:
            raise NotYet("subscribe-resets", f"gives {messages!r:.60} again, which was committed: two processes had "
                         "called subscribe at the same time.", "Nothing: the second call changes nothing.",
                         "Between looking and writing, the other one had made it, and used it.")

    tried = sum(interleave(bench, start, callers, verify, limit=100) for start, callers, verify in (
        (prepare, [publisher] * 2, no_holes), (three, [committer(1), committer(2)], furthest),
        (full, [reader, publisher], consistent), (prepare, [newcomer, diligent], not_reset)))  # fmt: skip
    crashes = crash_sweep(bench, prepare, publisher, start_over, no_hole)

    def despite_errors(r, result):
        if isinstance(result, BaseException) and not isinstance(result, redis.RedisError):
            raise result
        start_over(r)
        no_hole(r, result)

    lost = lost_reply_sweep(bench, prepare, publisher, despite_errors)
    return f"{tried} interleavings, {crashes}, {lost}"
