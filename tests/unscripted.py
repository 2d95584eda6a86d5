"""Services that the checker did not write, as far as it can tell: the fake without its script in a thread, and a gateway before it."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS, Dialect
from harness.scenario.files import resolve_audio
from harness.scenario.script import FakeScript

GA = DIALECTS["openai-ga"]
API_KEY = "behind-the-gateway-0123456789"
GATEWAY_KEY = "gateway-key-0123456789abcdef"


@dataclass
class Place:
    """A running service: where it is, and the paths that were asked for."""

    url: str
    asked: list[str]


@contextmanager
def service(row: Dialect = GA, *, faults: Sequence[str] = ()) -> Iterator[Place]:
    """The fake without a script, in real time. ``row`` may be a dialect that no vendor speaks: a broken service, as with ``faults``."""

    async def start(place: Place, stop: asyncio.Event, ready: threading.Event) -> None:
        async with _fake(row, faults) as fake:
            place.url = fake.url
            ready.set()
            await stop.wait()

    with _in_thread(start) as place:
        yield place


@contextmanager
def gateway(
    *,
    certificate: tuple[Path, Path] | None = None,
    location: bool = True,
    places: int | None = None,
    hang_up: str = "",
) -> Iterator[Place]:
    """A service without a token endpoint: the call request carries a standard key. With a certificate it speaks TLS.

    With ``places`` it bears no more calls than these, and gets one back by a request of the method ``hang_up`` on the call's Location.
    """
    taken: set[str] = set()

    async def start(place: Place, stop: asyncio.Event, ready: threading.Event) -> None:
        async with _fake(GA) as fake, httpx.AsyncClient(base_url=fake.url, trust_env=False) as http:

            async def call(request: Request) -> Response:
                place.asked.append(request.url.path)
                if request.headers.get("authorization") != f"Bearer {GATEWAY_KEY}":
                    return Response('{"error": {"message": "wrong key"}}', 401, media_type="application/json")
                if places is not None and len(taken) >= places:
                    body = '{"error": {"message": "all session slots are busy", "code": "session_limit"}}'
                    return Response(body, 503, media_type="application/json")
                pending = f"pending {len(place.asked)}"
                taken.add(pending)
                token = await http.post(
                    "/v1/realtime/client_secrets",
                    json={"session": {"type": "realtime", "model": GA.default_model}},
                    headers={"authorization": f"Bearer {API_KEY}"},
                )
                answer = await http.post(
                    request.url.path,
                    content=await request.body(),
                    headers={
                        "authorization": f"Bearer {token.json()['value']}",
                        "content-type": request.headers["content-type"],
                    },
                )
                kept = ("content-type", "location") if location else ("content-type",)
                headers = {name: answer.headers[name] for name in kept if name in answer.headers}
                taken.discard(pending)
                taken.add(answer.headers["location"])
                return Response(answer.content, answer.status_code, headers)

            async def nothing(request: Request) -> Response:
                place.asked.append(request.url.path)
                return Response(status_code=404)

            async def over(request: Request) -> Response:
                place.asked.append(f"{request.method} {request.url.path}")
                taken.discard(request.url.path)
                return Response(status_code=204)

            application = Starlette(
                routes=[
                    Route("/v1/realtime/calls", call, methods=["POST"]),
                    *([Route("/v1/realtime/calls/{id}", over, methods=[hang_up])] if hang_up else []),
                    Route("/{path:path}", nothing, methods=["POST"]),
                ]
            )
            chain, key = certificate or (None, None)
            config = uvicorn.Config(
                application, port=0, log_config=None, lifespan="off", ssl_certfile=chain, ssl_keyfile=key
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            place.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
            ready.set()
            await stop.wait()
            server.should_exit = True
            await serving

    with _in_thread(start) as place:
        yield place


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def with_beta_text(row: Dialect) -> Dialect:
    """The row of a service that kept the beta names of text events: a mistake that gateways make."""
    names = {f"response.output_text.{end}": f"response.text.{end}" for end in ("delta", "done")}
    return replace(row, generation=replace(row.generation, names={**row.generation.names, **names}))


def _fake(row: Dialect, faults: Sequence[str] = ()) -> FakeService:
    return FakeService(
        dialects=(row,),
        script=FakeScript(faults=list(faults)),
        audio=lambda name: opus.encode(wav.load(resolve_audio(Path.cwd() / "scenario.yaml", name))),
        settings=FakeSettings(api_keys=(API_KEY,)),
    )


@contextmanager
def _in_thread(start: Callable[[Place, asyncio.Event, threading.Event], Awaitable[None]]) -> Iterator[Place]:
    place, ready = Place("", []), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(start(place, stop, ready))
        except BaseException as error:
            failed.append(error)
            ready.set()
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    assert not failed, failed
    try:
        yield place
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    assert not failed, failed
