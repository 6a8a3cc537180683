"""Send in a thread of its own: answers are read and times kept, whatever the caller is busy with."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from daybreak.push.policy import judge_failure
from daybreak.push.records import PreparedChunk, Receipt, Trouble
from daybreak.push.sender import Sender
from daybreak.telemetry.run_context import carried


class SendingThread:
    """Run a sender's event loop; chunks come from, and results go to, the thread that entered it."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._ready: Future[asyncio.Event] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._landed: SimpleQueue[tuple[str, Receipt | Trouble] | None] = SimpleQueue()
        self._thread = threading.Thread(target=carried(self._serve), name="daybreak-delivery", daemon=True)

    def __enter__(self) -> "SendingThread":
        """Start the thread."""
        self._thread.start()
        self._ended = self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread; what is under way is cancelled, and the connections are closed."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def send(self, chunk: PreparedChunk) -> None:
        """Begin to send a chunk."""
        self._loop.call_soon_threadsafe(self._begin, chunk)

    def landed(self) -> Iterator[tuple[str, Receipt | Trouble]]:
        """Wait for a chunk to come to its end, and yield it with others that have."""
        landed = self._landed.get()
        while landed is not None:
            yield landed
            try:
                landed = self._landed.get_nowait()
            except Empty:
                return
        raise RuntimeError("The thread that sends chunks has ended.")

    def stop(self) -> None:
        """Make no further request."""
        self._loop.call_soon_threadsafe(self._sender.stop)

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._landed.put(None)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        async with self._sender:
            self._ready.set_result(ended)
            await ended.wait()

    def _begin(self, chunk: PreparedChunk) -> None:
        # Kept, because the loop itself does not keep its tasks alive.
        task = self._loop.create_task(self._settle(chunk))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, chunk: PreparedChunk) -> None:
        try:
            settled = await self._sender.send(chunk)
        except Exception as error:
            settled = judge_failure(error)
        self._landed.put((chunk.key, settled))
