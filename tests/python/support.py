"""The real binary on a free port over a fresh database, and clients generated from the protos."""

import atexit
import contextlib
import functools
import importlib
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import uuid

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def stubs():
    """Generates the clients of the whole contract, once, and makes them importable."""
    out = tempfile.mkdtemp(prefix="trellis-python-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    ours = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    third_party = ROOT / "third_party" / "proto"
    validate = ["buf/validate/validate.proto"]
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"--proto_path={ROOT / 'proto'}",
        f"--proto_path={third_party}",
        f"--proto_path={well_known}",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
    ]
    if protoc.main(arguments + ours + validate) != 0:
        raise RuntimeError("the protos do not compile with protoc")
    sys.path.insert(0, out)
    return out


def module(name):
    """A generated module: `module("trellis.deal.v1.deal_service_pb2")`."""
    stubs()
    return importlib.import_module(name)


@functools.cache
def binary():
    """The `trellis` binary, built if it is not."""
    subprocess.run(
        ["cargo", "build", "--quiet", "--locked", "--bin", "trellis"], cwd=ROOT, check=True
    )
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return str(pathlib.Path(target) / "debug" / "trellis")


@contextlib.contextmanager
def database(kind):
    """A fresh database: a file for SQLite, one of the test run's server for PostgreSQL."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="trellis-test-") as folder:
            yield f"sqlite:{folder}/trellis.db"
        return
    server = os.environ.get("TRELLIS_TEST_POSTGRES_URL")
    if server is None:
        raise RuntimeError("TRELLIS_TEST_POSTGRES_URL is not set; `make test` sets it")
    name = f"python_{secrets.token_hex(6)}"
    psql(server, f"CREATE DATABASE {name}")
    try:
        parts = urllib.parse.urlsplit(server)
        yield urllib.parse.urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        psql(server, f"DROP DATABASE {name} WITH (FORCE)")


def psql(url, statement):
    program = os.path.join(os.environ["PG_BIN"], "psql") if "PG_BIN" in os.environ else "psql"
    if not os.path.exists(program):
        program = shutil.which("psql") or program
    subprocess.run([program, "--quiet", "--no-psqlrc", url, "-c", statement], check=True)


@contextlib.contextmanager
def server(kind):
    """The address of a server that has just been started."""
    with database(kind) as url, serving(url) as address:
        yield address


def first_key(url, ecosystem, role):
    """The secret of a key that is made where the database is."""
    made = subprocess.run(
        [binary(), "keys", "create", "--ecosystem", ecosystem, "--role", role, "--database-url", url],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )
    return made.stdout.strip()


@contextlib.contextmanager
def serving(url, *flags):
    """The address of a server of a database."""
    log = tempfile.TemporaryFile(mode="w+")
    process = subprocess.Popen(
        [
            binary(), "serve", "--reflection", "--migrate",
            "--listen", "127.0.0.1:0", "--database-url", url, *flags,
        ],
        cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        yield listening(process, log)
    finally:
        process.terminate()
        code = process.wait(timeout=30)
        log.seek(0)
        if code != 0:
            raise RuntimeError(f"the server ended with {code}:\n{log.read()}")


def listening(process, log):
    """Waits until the server says where it listens."""
    import time

    for _ in range(600):
        log.seek(0)
        found = re.search(r"127\.0\.0\.1:([1-9][0-9]*)", log.read())
        if found:
            return found.group(0)
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"the server did not start:\n{log.read()}")
        time.sleep(0.05)
    raise RuntimeError("the server did not say where it listens")


class Client:
    """Calls by somebody, who reads what they have written."""

    def __init__(self, address, key=None):
        self.channel = grpc.insecure_channel(address)
        self.key = key
        self.position = None

    def call(self, package, service, method, request, actor="tester", timeout=20):
        stub = getattr(module(f"trellis.{package}.v1.{service}_pb2_grpc"), f"{camel(service)}Stub")
        # With a key it is known who calls.
        metadata = [("authorization", f"Bearer {self.key}")] if self.key else [("trellis-actor", actor)]
        if self.position:
            metadata.append(("trellis-min-position", self.position))
        answer, call = getattr(stub(self.channel), method).with_call(
            request, metadata=metadata, timeout=timeout
        )
        for key, value in call.initial_metadata():
            if key == "trellis-position":
                self.position = value
        return answer


def camel(snake):
    return "".join(part.capitalize() for part in snake.split("_"))


def request_id():
    return str(uuid.uuid4())


def details(error):
    """The reason, the metadata and the violations of a refusal."""
    status = importlib.import_module("google.rpc.status_pb2").Status()
    error_details = importlib.import_module("google.rpc.error_details_pb2")
    raw = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    status.ParseFromString(raw)
    info, bad = error_details.ErrorInfo(), error_details.BadRequest()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        if detail.Is(bad.DESCRIPTOR):
            detail.Unpack(bad)
    return info.reason, dict(info.metadata), [violation.field for violation in bad.field_violations]


def databases():
    """Which databases to test on."""
    return os.environ.get("TRELLIS_TEST_DATABASES", "sqlite,postgres").split(",")


class OnEach(unittest.TestCase):
    """Runs a test's body on each database."""

    def on_each(self, body):
        for kind in databases():
            with self.subTest(database=kind), server(kind) as address:
                body(address)
