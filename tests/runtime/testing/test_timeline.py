"""The page shows what led to a failure, in lanes, and nothing in it is taken for HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import trio

from runtime import Actor, ActorRef, KeyedSpec, SupervisorSpec, message
from runtime.testing.node import Crash, Life
from runtime.testing.recording import record
from runtime.testing.simulation import Plan, Simulation
from runtime.testing.timeline import timeline
from tests.runtime.testing import errands

WITHOUT_END = {"meta", "input", "br", "link"}


@message
class Greeted:
    """Somebody was."""

    name: str


class Clerk(Actor[Any]):
    """Tells another one who was greeted; fails at `boom`."""

    def __init__(self, other: ActorRef[Any] | None = None) -> None:
        super().__init__()
        self.other = other

    def on_receive(self, told: Any) -> None:
        if told == "boom":
            raise ValueError("<b>boom</b>")
        if self.other is not None:
            self.other.tell(Greeted(name=told))


async def office(sim: Simulation) -> None:
    """Two clerks, a silence, and something that must never be."""
    fine = [True]
    sim.always("the <lamp> burns", lambda: fine[0])
    async with sim.running() as system:
        books = system.spawn(Clerk, name="books")
        door = system.spawn(lambda: Clerk(books), name="door")
        door.tell("<script>alert(1)</script>")
        await trio.sleep(100)
        books.tell("boom")
        await trio.sleep(10)
        fine[0] = False
        await trio.sleep(10)
        door.tell("too late")


def drawn(scenario: Any, plan: Plan, **limits: int) -> str:
    """The page."""
    return timeline(record(scenario, plan), name="a <name>", replay="python x --y 'z<'", **limits)


class _Tags(HTMLParser):
    """Every tag is closed; collects ids, links and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id" and value]
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def marks(page: str) -> list[str]:
    """The texts on the lanes, from above."""
    return re.findall(r'class="m [^>]*>([^<]*)</a>', page)


def bars(page: str) -> list[str]:
    """The texts across all lanes, from above."""
    return re.findall(r'class="bar [^>]*><span>([^<]*)</span>', page)


def lanes(page: str) -> list[str]:
    """The names over the lanes."""
    return re.findall(r'class="lane" [^>]*title="([^"]*)"', page)


PLAIN = Plan(seed=1, scheduler="fifo")


def test_a_page_is_whole_and_every_link_leads_somewhere() -> None:
    page = drawn(office, PLAIN)

    tags = _Tags(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    links = [attrs["href"] for _, attrs in tags.seen if "href" in attrs]
    assert links
    assert {str(link)[1:] for link in links} <= set(tags.ids)


def test_nothing_is_loaded_from_elsewhere_and_no_text_is_html() -> None:
    page = drawn(office, PLAIN)

    assert [attrs for _, attrs in _Tags(page).seen if "src" in attrs or "rel" in attrs] == []
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>boom" not in page
    assert "the &lt;lamp&gt; burns" in page
    assert "<title>a &lt;name&gt;, seed 1: failed</title>" in page
    assert "python x --y &#x27;z&lt;&#x27;" in page


def test_the_same_run_gives_the_same_page() -> None:
    assert drawn(office, PLAIN) == drawn(office, PLAIN)


def test_the_failure_comes_last_and_clean_up_is_left_out() -> None:
    page = drawn(office, PLAIN)

    assert lanes(page) == ["root/spawned/books", "root/spawned/door"]
    assert bars(page) == ["PropertyError: not always true: the &lt;lamp&gt; burns"]
    hello = "&#x27;&lt;script&gt;alert(1)&lt;/script&gt;&#x27;"
    assert marks(page) == ["start", hello, "Greeted", "&#x27;boom&#x27;", "restart"]
    assert "stop" not in marks(page)
    assert "&#x27;too late&#x27;" not in marks(page)
    assert re.search(r"\d+ lines of clean-up behind the failure are left out", page)


def test_senders_silences_and_failed_handlers_are_shown() -> None:
    page = drawn(office, PLAIN)

    told, greeted = re.findall(r'<a id="(e\d+)" class="m message"', page)[:2]
    assert f'id="{greeted}" class="m message" href="#{told}"' in page
    assert f'<path class="a" id="a{greeted[1:]}"' in page
    assert "told by root/spawned/door" in page
    assert re.findall(r"<span>([^<]*) of silence", page) == ["100 s", "9.79 s"]
    assert re.search(r'class="m message failed"[^>]*>&#x27;boom&#x27;</a>', page)
    assert "ValueError(&#x27;&lt;b&gt;boom&lt;/b&gt;&#x27;)" in page


def test_only_the_last_rows_are_drawn_and_that_is_said() -> None:
    page = drawn(office, PLAIN, rows=2)

    assert len(marks(page)) == 2
    assert "only the last 2 of 5 things are drawn" in page
    assert "all drawn" in drawn(office, PLAIN)
    assert "href=" not in "".join(re.findall(r'<a id="[^>]*>', page)), "its sender is not there"


async def crowd(sim: Simulation) -> None:
    """Eleven keyed actors, one of which is told more than the others."""
    desk = KeyedSpec(name="desks", factory=lambda _: Clerk())
    async with sim.running(SupervisorSpec(name="root", children=(desk,))) as system:
        desks = system.region("root/desks")
        for number in range(11):
            desks.ref(number).tell("hello")
        desks.ref(10).tell("again")
        await trio.sleep(1)


def test_keyed_actors_beyond_some_share_a_lane() -> None:
    page = drawn(crowd, PLAIN, sessions=2)

    assert lanes(page) == ["root/desks/0", "root/desks/10", "root/desks/ 9 others"]
    assert "7: &#x27;hello&#x27;" in marks(page)
    assert "all drawn" in page
    assert len(lanes(drawn(crowd, PLAIN, sessions=10))) == 11, "nobody is folded alone"


async def line(sim: Simulation) -> None:
    """A node that answers the telephone, until it is killed."""

    async def boot(_: Life) -> None:
        listeners = await trio.open_tcp_listeners(80)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, _answer, listeners)
            await trio.sleep(20)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sim.node("shop", boot).run)
        await trio.sleep(1)
        stream = await trio.open_tcp_stream("shop", 80)
        await stream.send_all(b"hello")
        await stream.send_all(b"again")
        await trio.sleep(1)
        sim.network.cut("shop", "outside")
        await trio.sleep(1)
        sim.heal()


async def _answer(stream: trio.SocketStream) -> None:
    async for _ in stream:
        pass


def test_connections_kills_restarts_and_faults_are_shown() -> None:
    calm = drawn(line, PLAIN)
    killed = drawn(line, Plan(seed=1, scheduler="fifo", crashes=(Crash("shop", 9),)))

    assert lanes(calm)[:2] == ["outside", "shop"]
    assert ">connected :80</span>" in calm
    assert ">5 B</span>" in calm
    assert bars(calm) == ["cut shop, outside: True", "heal", "heal *, *"]
    assert 'class="away"' not in calm
    assert [text for text in bars(killed) if "life" in text] == [
        "crash: shop, life 1, step 9",
        "shop is back, life 2",
    ]
    assert 'class="away"' in killed
    assert "<dt>kill</dt><dd>shop@9</dd>" in killed


def test_without_actors_the_tasks_have_lanes_and_overtakings_rows() -> None:
    page = drawn(errands.race, Plan(seed=1, scheduler="shuffle", choices={"tasks": [0, 0, 0, 2]}))

    assert {"hare", "snail"} <= set(lanes(page))
    assert "task 4 snail overtook task 2 hare and 1 more (choice tasks:3=2)" in bars(page)


def test_too_many_overtakings_are_only_counted() -> None:
    async def busy(_: Simulation) -> None:
        async with trio.open_nursery() as nursery:
            for _each in range(10):
                nursery.start_soon(_steps)

    page = drawn(busy, Plan(seed=1, scheduler="walk"))

    assert bars(page) == []
    assert re.search(r"1\d\d overtakings among tasks are not drawn", page)


async def _steps() -> None:
    for _ in range(20):
        await trio.lowlevel.checkpoint()


def test_a_run_in_which_nothing_happens_has_a_page() -> None:
    async def nothing(_: Simulation) -> None:
        """Nothing."""

    assert _Tags(drawn(nothing, PLAIN)).open == []
    assert "<span>passed with seed 1</span>" in drawn(nothing, PLAIN)
