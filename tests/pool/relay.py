"""A way to a TCP port that is as slow as a test wants, and breaks where a test wants it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

Value = TypeVar("Value")

CHUNK = 65536
IN_FLIGHT = 512


@dataclass(eq=False)
class _Pair:
    """One client's connection and ours to the target."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        for task in self.tasks:
            task.cancel()


class Relay:
    """Listens on `host`:`port` of this machine and relays to the target."""

    def __init__(self, target: str, target_port: int, round_trip: float = 0.0) -> None:
        self.host = "127.0.0.1"
        self.round_trip = round_trip
        self.connections = 0
        self.breaks = 0  # connections that were cut
        self.turns = 0  # how often the client spoke after the target
        self.bytes_up = 0
        self.bytes_down = 0
        self._target_spoke = False
        self._cut_up: int | None = None
        self._cut_down: int | None = None
        self._refuses = False
        self._target = (target, target_port)
        self._pairs: set[_Pair] = set()
        self._connecting: set[asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accept, self.host, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Breaks every connection and refuses new ones until `restore`."""
        self._refuses = True
        self._call(self._abort_all())

    def restore(self) -> None:
        self._refuses = False
        self._cut_up = self._cut_down = None

    def lead_to(self, target: str, port: int) -> None:
        """Somewhere else from now on; what is connected breaks."""
        self._target = (target, port)
        self._call(self._abort_all())

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Breaks all connections once so many further bytes have passed; new ones are let through."""
        self._cut_up = None if up is None else self.bytes_up + up
        self._cut_down = None if down is None else self.bytes_down + down

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _end(self) -> None:
        self._server.close()
        for each in self._connecting:  # the target may be gone
            each.cancel()
        await self._abort_all()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)

    async def _abort_all(self) -> None:
        self.breaks += len(self._pairs)
        for pair in list(self._pairs):
            pair.abort()
        self._pairs.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        connecting = asyncio.ensure_future(asyncio.open_connection(*self._target))
        self._connecting.add(connecting)
        try:
            far_reader, far_writer = await connecting
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
            return
        finally:
            self._connecting.discard(connecting)
        self.connections += 1
        for each in (writer, far_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = _Pair([writer, far_writer])
        self._pairs.add(pair)
        start = self._loop.create_task
        pair.tasks += [
            start(self._pass(reader, far_writer, True)),
            start(self._pass(far_reader, writer, False)),
        ]
        await asyncio.gather(*pair.tasks, return_exceptions=True)
        pair.abort()
        self._pairs.discard(pair)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        delivery = self._loop.create_task(self._deliver(queue, writer))
        try:
            while chunk := await reader.read(CHUNK):
                chunk, last = self._counted(chunk, up)
                await queue.put((self._loop.time() + self.round_trip / 2, chunk))
                if last:
                    await queue.join()
                    await self._abort_all()
            await queue.put((self._loop.time() + self.round_trip / 2, b""))
            await delivery
        except OSError:
            delivery.cancel()
        finally:
            delivery.cancel()

    async def _deliver(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            queue.task_done()

    def _counted(self, chunk: bytes, up: bool) -> tuple[bytes, bool]:
        """What of the chunk may pass, and whether it is the last."""
        passed, limit = (self.bytes_up, self._cut_up) if up else (self.bytes_down, self._cut_down)
        last = limit is not None and passed + len(chunk) >= limit
        if last and limit is not None:
            chunk = chunk[: max(0, limit - passed)]
            self._cut_up = self._cut_down = None
        self.turns += up and self._target_spoke
        self._target_spoke = not up
        if up:
            self.bytes_up += len(chunk)
        else:
            self.bytes_down += len(chunk)
        return chunk, last
