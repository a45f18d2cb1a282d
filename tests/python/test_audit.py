"""The audit trail, listed and verified in another language by a library of its own."""

import base64
import contextlib
import hashlib
import pathlib
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support import Client, binary, database, databases, first_key, module, psql, serving


def leaf(entry):
    """The leaf of an entry, as docs/audit.md says it."""
    time = entry.time.seconds * 1_000_000 + entry.time.nanos // 1_000
    fields = [
        entry.name, str(time), entry.method, entry.resource, entry.code, entry.reason,
        entry.call_id, entry.request_id, entry.position,
    ]
    data = b"trellis-audit-entry/1"
    for field in [field.encode() for field in fields] + [entry.personal_hash]:
        data += struct.pack(">I", len(field)) + field
    return hashlib.sha256(b"\0" + data).digest()


def personal_hash(entry):
    """The hash of who called, which an entry keeps when the names are erased."""
    data = entry.salt
    for name in (entry.principal.encode(), entry.person.encode()):
        data += struct.pack(">I", len(name)) + name
    return hashlib.sha256(data).digest()


def root(leaves):
    """The root of a tree, as RFC 9162 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def change(kind, url):
    """Changes an entry, past what the database itself holds against it."""
    sql = "UPDATE audit_entries SET code = 'NOT_FOUND' WHERE method LIKE '%/CreateEcosystem'"
    if kind == "postgres":
        psql(url, f"ALTER TABLE audit_entries DISABLE TRIGGER USER; {sql}")
        return
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:"))) as file:
        file.executescript(f"DROP TRIGGER audit_entries_no_update; {sql};")


class Audit(unittest.TestCase):
    def test_a_checkpoint_is_verified_by_hand(self):
        for kind in databases():
            with self.subTest(database=kind), database(kind) as url:
                with serving(url, "--audit-seal-interval", "200ms") as address:
                    kept = self.verified(address, first_key(url, "acme", "ecosystem_admin"))
                self.checked(kind, url, kept)

    def verified(self, address, key):
        audit = module("trellis.platform.v1.audit_service_pb2")
        ecosystems = module("trellis.platform.v1.ecosystem_service_pb2")
        # The server looks every second whether there is a key.
        time.sleep(1.1)
        client = Client(address, key)
        create = ecosystems.CreateEcosystemRequest(ecosystem_id="acme")
        create.ecosystem.display_name = "Acme"
        client.call("platform", "ecosystem_service", "CreateEcosystem", create)
        client.position = None
        request = audit.GetCheckpointRequest(name="ecosystems/acme")
        time.sleep(2)
        checkpoint = client.call("platform", "audit_service", "GetCheckpoint", request)

        entries = client.call("platform", "audit_service", "ListAuditEntries", audit.ListAuditEntriesRequest(
            parent="ecosystems/acme", page_size=1000,
        )).audit_entries
        sealed = entries[:checkpoint.tree_size]
        self.assertIn("/trellis.platform.v1.EcosystemService/CreateEcosystem", [entry.method for entry in sealed])
        for entry in sealed:
            self.assertEqual(personal_hash(entry), entry.personal_hash)
        self.assertEqual(root([leaf(entry) for entry in sealed]), checkpoint.root_hash)

        text, signature = checkpoint.note.split("\n\n")
        name, size, told = text.split("\n")
        self.assertEqual((name, int(size)), ("trellis/ecosystems/acme", checkpoint.tree_size))
        self.assertEqual(base64.b64decode(told), checkpoint.root_hash)
        dash, signer, signed = signature.split()
        self.assertEqual((dash, signer), ("\u2014", name))
        spelled = base64.b64decode(checkpoint.verifier_key.split("+", 2)[2])
        self.assertEqual(spelled[0], 1)
        key = Ed25519PublicKey.from_public_bytes(spelled[1:])
        key.verify(base64.b64decode(signed)[4:], (text + "\n").encode())
        with self.assertRaises(InvalidSignature):
            key.verify(base64.b64decode(signed)[4:], (text + "x\n").encode())

        parts = list(self.verdict(client, audit, checkpoint.note))
        verdict = parts[-1].verdict
        self.assertEqual((list(verdict.findings), verdict.entry_count >= checkpoint.tree_size), ([], True))

        return checkpoint.note

    def checked(self, kind, url, kept):
        """`trellis check` passes the trail as it was, and no other one."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "checkpoint"
            file.write_text(kept, encoding="utf-8")
            check = [binary(), "check", "--database-url", url, "--checkpoint", str(file)]
            passed = subprocess.run(check, capture_output=True, text=True)
            self.assertEqual(passed.returncode, 0, passed.stdout)
            change(kind, url)
            failed = subprocess.run(check, capture_output=True, text=True)
            self.assertEqual(failed.returncode, 1)
            self.assertIn("it was changed, or added, after it was sealed", failed.stdout)
            file.write_text(kept.replace("acme", "nowhere"), encoding="utf-8")
            stray = subprocess.run(check, capture_output=True, text=True)
            self.assertIn("no checkpoint of an ecosystem that is here", stray.stdout)

    def verdict(self, client, audit, kept):
        stub = module("trellis.platform.v1.audit_service_pb2_grpc").AuditServiceStub(client.channel)
        request = audit.VerifyAuditRequest(name="ecosystems/acme", checkpoint=kept)
        return stub.VerifyAudit(request, metadata=[("authorization", f"Bearer {client.key}")], timeout=20)


if __name__ == "__main__":
    unittest.main()
