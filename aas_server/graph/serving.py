"""The graph's own process: one thread that owns the view, and forked children that answer from snapshots of it.

It is told of changes and asked queries over one socket. A child that takes too long is killed, one that needs too much
memory dies; another takes its place, and nobody else notices.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
import tomllib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from aas_server.graph import vocabulary
from aas_server.graph.confining import resident
from aas_server.graph.frames import Incoming, framed
from aas_server.graph.functions import functions
from aas_server.graph.projecting import Projector
from aas_server.graph.querying import serve
from aas_server.graph.sharing import NOWHERE, Table
from aas_server.graph.units import Units
from aas_server.graph.view import View
from aas_server.model import Kind

#: Seconds that a snapshot may be older than the view before another is made.
FRESH = 0.5
#: Seconds between looks whether a child that was killed has ended.
REAPED = 0.1


@dataclass(slots=True)
class Question:
    """One query under way."""

    number: int
    asked: dict[str, Any]
    query: bytes
    deadline: float

    @property
    def hidden(self) -> list[str]:
        """The graphs that whoever asks may not see."""
        graphs: list[str] = self.asked.get("hidden", [])
        return graphs

    @property
    def exact(self) -> bool:
        """Whether it must see the view as it is now, however short ago a snapshot was made."""
        return bool(self.asked["do"] == "digests")

    @property
    def profile(self) -> str:
        """The same for all who see the same."""
        return "\n".join(self.hidden)


@dataclass(slots=True)
class Child:
    """A forked process, the version of the view that it sees, who may ask it, and what it is asked."""

    pid: int
    channel: socket.socket
    version: int
    profile: str
    forked: float
    question: Question | None = None
    incoming: Incoming = field(default_factory=Incoming)


class Serving:
    """The loop of the process. `most` children answer at a time; each may take `memory` bytes beside the view."""

    def __init__(self, view: View, table: Table, channel: socket.socket, most: int, memory: int) -> None:
        self._view, self._channel, self._most, self._memory = view, channel, most, memory
        self._table = table
        self._places: dict[str, int] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ, None)
        self._incoming = Incoming()
        self._children: list[Child] = []
        self._dying: set[int] = set()
        self._waiting: deque[Question] = deque()
        self._version = 0
        self._running = True

    def run(self) -> None:
        """Until the other end of the socket is gone."""
        while self._running:
            for key, _ in self._selector.select(self._pause()):
                if key.data is None:
                    self._hear()
                else:
                    self._take(key.data)
            self._stop_late()
            self._hand_out()
            self._reap()
        for child in list(self._children):
            self._end(child)
        self._reap(0)

    def _pause(self) -> float | None:
        """Seconds until something is due."""
        due = [child.question.deadline for child in self._children if child.question]
        due += [question.deadline for question in self._waiting]
        due += [time.monotonic() + REAPED] if self._dying else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    # What we are told

    def _hear(self) -> None:
        data = self._channel.recv(1 << 20)
        self._running = bool(data)
        for header, body in self._incoming.feed(data):
            self._obey(header, body)

    def _obey(self, header: dict[str, Any], body: bytes) -> None:
        match header["do"]:
            case "fill":
                self._view.fill(Kind(header["kind"]), orjson.loads(body))
                self._version += 1
            case "put":
                self._view.put(Kind(header["kind"]), orjson.loads(body))
                self._version += 1
            case "delete":
                self._view.delete(Kind(header["kind"]), body.decode())
                self._version += 1
            case "forget":
                self._forget(header["number"])
            case "places":
                self._places |= orjson.loads(body)
                self._version += 1
            case "reached":
                self._reply(header["number"], {"size": self._view.size, "memory": resident()}, b"")
            case "ask" | "digests":
                deadline = time.monotonic() + header["seconds"]
                self._waiting.append(Question(header["number"], header, body, deadline))

    def _reply(self, number: int, header: dict[str, Any], body: bytes) -> None:
        self._channel.sendall(framed({**header, "number": number}, body))

    def _forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._waiting = deque(each for each in self._waiting if each.number != number)
        for child in list(self._children):
            if child.question is not None and child.question.number == number:
                self._end(child)

    # Children

    def _hand_out(self) -> None:
        """Give waiting questions to children that see the view as it is, or as it was half a second ago."""
        while self._waiting and (child := self._free(self._waiting[0])) is not None:
            child.question = self._waiting.popleft()
            child.channel.sendall(framed(child.question.asked, child.question.query))

    def _free(self, question: Question) -> Child | None:
        """A child that may answer this question; None where all are busy."""
        idle = [child for child in self._children if child.question is None]
        now = time.monotonic()
        for child in [each for each in idle if each.version != self._version]:
            if question.exact or now - child.forked >= FRESH:
                self._end(child)
                idle.remove(child)
        if fit := [child for child in idle if child.profile == question.profile]:
            return max(fit, key=lambda child: child.version)
        if len(self._children) >= self._most and idle:
            self._end(idle[0])  # one that others may ask makes room
        return self._fork(question) if len(self._children) < self._most else None

    def _fork(self, question: Question) -> Child:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for each in (ours, self._channel, *(child.channel for child in self._children)):
                each.close()
            self._selector.close()
            for graph in question.hidden:
                self._view.hide(graph)
            live = [element for element, place in self._places.items() if place != NOWHERE]
            serve(self._view, functions(self._table, self._places), live, theirs, self._memory)
        theirs.close()
        child = Child(pid, ours, self._version, question.profile, time.monotonic())
        self._children.append(child)
        self._selector.register(ours, selectors.EVENT_READ, child)
        return child

    def _take(self, child: Child) -> None:
        """Carry what a child says to who has asked."""
        if child not in self._children:
            return
        try:
            data = child.channel.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._fail(child, "the query needs more memory than it may have, or is nested too deep")
            return
        for header, body in child.incoming.feed(data):
            question, child.question = child.question, None
            if question is not None:
                self._reply(question.number, header, body)

    def _stop_late(self) -> None:
        now = time.monotonic()
        for child in list(self._children):
            if child.question is not None and child.question.deadline <= now:
                self._fail(child, "the query takes longer than it may")
        for question in [each for each in self._waiting if each.deadline <= now]:
            self._waiting.remove(question)
            self._refuse(question, "the query has waited for its turn as long as it may run")

    def _fail(self, child: Child, why: str) -> None:
        question = child.question
        self._end(child)
        if question is not None:
            self._refuse(question, why)

    def _refuse(self, question: Question, why: str) -> None:
        self._reply(question.number, {"problem": "TakesTooLong"}, why.encode())

    def _end(self, child: Child) -> None:
        self._children.remove(child)
        self._selector.unregister(child.channel)
        child.channel.close()
        os.kill(child.pid, signal.SIGKILL)
        self._dying.add(child.pid)

    def _reap(self, options: int = os.WNOHANG) -> None:
        """Let those go that have ended; giving back their memory takes a while, in which others are answered."""
        self._dying = {pid for pid in self._dying if os.waitpid(pid, options) == (0, 0)}


def view_of(root: str, tables: Path) -> View:
    """An empty view that knows units and vocabulary; `tables` is the folder with what is known of them."""
    with (tables / "units.toml").open("rb") as file:
        view = View(Projector(root, Units(tomllib.load(file))))
    view.know(vocabulary.turtle(root, (tables / "alignment.ttl").read_text(encoding="utf-8")).encode())
    return view


def main(descriptor: int, values: int, root: str, tables: str, most: int, memory: int) -> None:
    """Serve over a socket that is open already, as is the file with live values."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us says when it is over
    with socket.socket(fileno=descriptor) as channel, contextlib.suppress(ConnectionError):
        Serving(view_of(root, Path(tables)), Table(values), channel, most, memory).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
