"""Everything that could say a word in a process of ours, made to say one: each library by the way that it has.

Run as a program: `python -m tests.contract.speakers fenced|bare FOLDER`. Each speaker says its own mark. `bare` is the
planted fault: no fence. Speakers may configure logging as libraries do, after the fence is up.
"""

import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import importlib
import logging
import logging.config
import logging.handlers
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tyst.core.events import Room
from tyst.quiet import fence

FOLDER = Path()
SPEAKERS: dict[str, Callable[[str], None]] = {}


class AliceError(Exception):
    """Carries what somebody typed."""


def mark(name: str) -> str:
    """What a speaker says."""
    return f"alice-198.51.100.77-by-{name}"


def speaker(said: Callable[[str], None]) -> Callable[[str], None]:
    SPEAKERS[said.__name__] = said
    return said


def _fail(text: str) -> None:
    secret = text  # a local, as doors have them
    raise AliceError(secret)


@speaker
def root_logger(text: str) -> None:
    logging.basicConfig(force=True, level=logging.DEBUG)
    logging.disable(logging.NOTSET)
    for _ in range(5):
        logging.warning("from %s", text)


@speaker
def own_handler(text: str) -> None:
    logger = logging.getLogger("library")
    logger.propagate, logger.disabled = False, False
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.setLevel(1)
    logger.critical(text)
    logger.log(5, text)


@speaker
def own_class(text: str) -> None:
    class Loud(logging.Logger):
        def isEnabledFor(self, level: int) -> bool:
            return True

    logger = Loud("loud")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.error(text)


@speaker
def log_file(text: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"file": {"class": "logging.FileHandler", "filename": str(FOLDER / "library.log")}},
            "root": {"handlers": ["file"], "level": "DEBUG"},
        }
    )
    logging.getLogger("some.library").error(text)


@speaker
def log_daemon(text: str) -> None:
    handler = logging.handlers.SysLogHandler(address=str(FOLDER / "daemon"))
    handler.handle(logging.makeLogRecord({"msg": text}))
    handler.close()


@speaker
def last_resort(text: str) -> None:
    logger = logging.Logger("nobody's")
    logger.error(text)


@speaker
def warning(text: str) -> None:
    warnings.simplefilter("always")
    with warnings.catch_warnings():
        warnings.warn(text, UserWarning, stacklevel=1)
    warnings.warn_explicit(text, UserWarning, "library.py", 1)


@speaker
def printing(text: str) -> None:
    print(text)
    print(text, file=sys.stderr, flush=True)


@speaker
def original_streams(text: str) -> None:
    print(text, file=sys.__stderr__, flush=True)


@speaker
def descriptor(text: str) -> None:
    os.write(1, text.encode())
    os.write(2, text.encode())


@speaker
def c_library(text: str) -> None:
    ctypes.CDLL(None).dprintf(2, b"%s\n", text.encode())


@speaker
def printed_traceback(text: str) -> None:
    try:
        _fail(text)
    except AliceError:
        traceback.print_exc()


@speaker
def dying_thread(text: str) -> None:
    thread = threading.Thread(target=_fail, args=(text,))
    thread.start()
    thread.join()


@speaker
def failing_destructor(text: str) -> None:
    class Careless:
        def __del__(self) -> None:
            _fail(text)

    Careless()
    gc.collect()


@speaker
def event_loop(text: str) -> None:
    async def life() -> None:
        loop = asyncio.get_running_loop()
        if fence.voice() is not None:  # as the doors of gate and node do
            loop.set_exception_handler(fence.loop_fault)
        loop.call_soon(_fail, text)
        await asyncio.sleep(0)
        loop.call_exception_handler({"message": text, "asked": text})

    asyncio.run(life())


@speaker
def lost_task(text: str) -> None:
    async def late() -> None:
        _fail(text)

    async def life() -> None:
        tasks = {asyncio.ensure_future(late())}
        await asyncio.sleep(0)
        tasks.clear()
        gc.collect()

    asyncio.run(life(), debug=True)


@speaker
def django_request(text: str) -> None:
    from django.utils.log import log_response

    response: Any = SimpleNamespace(status_code=500)
    request: Any = SimpleNamespace(path=f"/{text}")
    try:
        _fail(text)
    except AliceError as error:
        log_response("Internal Server Error: /%s", text, response=response, request=request, exception=error)


@speaker
def uvicorn_loggers(text: str) -> None:
    import uvicorn

    uvicorn.Config(app="nothing:there", log_level="trace")
    logging.getLogger("uvicorn.error").error(text)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', text, "GET", f"/{text}", "1.1", 200)


@speaker
def httpx_client(text: str) -> None:
    import httpx

    logging.basicConfig(force=True, level=logging.DEBUG)
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.get(f"https://processor.test/{text}")


@speaker
def cheroot_server(text: str) -> None:
    from cheroot.wsgi import Server

    try:
        _fail(text)
    except AliceError:
        Server(("127.0.0.1", 0), None).error_log(text, traceback=True)


@speaker
def urllib3_logger(text: str) -> None:
    importlib.import_module("urllib3.connectionpool")  # it makes its own loggers

    logging.basicConfig(force=True, level=logging.DEBUG)
    logging.getLogger("urllib3.connectionpool").warning("asked %s", text)


@speaker
def fault_handler(text: str) -> None:
    """Speaks of functions and lines alone; here it shows that even those go nowhere."""
    names: dict[str, Any] = {}
    exec(f"def f_{text.replace('-', '_').replace('.', '_')}(dump): dump()", names)
    next(one for name, one in names.items() if name.startswith("f_"))(faulthandler.dump_traceback)


def dying(text: str) -> None:
    """The last: nobody catches it."""
    _fail(text)


def speak() -> None:
    for name, one in SPEAKERS.items():
        with contextlib.suppress(AliceError):
            one(mark(name))


def main() -> None:
    global FOLDER
    how, FOLDER = sys.argv[1], Path(sys.argv[2])
    if how == "fenced":
        with fence.raised(Room.GATE):
            speak()
            dying(mark("dying"))
    speak()
    dying(mark("dying"))


if __name__ == "__main__":
    main()
