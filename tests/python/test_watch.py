"""The programs of `docs/events.md`: they watch the change feed while it is written to, are cut off
again and again, and know everything in the end."""

import functools
import re
import threading
import time
import unittest

import grpc

from support import (
    ROOT, Client, database, databases, first_key, module, request_id, serving, stubs,
)

COUNT = 40
ACME = "ecosystems/acme"


@functools.cache
def shown():
    """What the programs of the document define."""
    stubs()
    document = (ROOT / "docs" / "events.md").read_text()
    defined = {}
    for program in re.findall(r"```python\n(.*?)```", document, re.DOTALL):
        exec(compile(program, "docs/events.md", "exec"), defined)
    return defined


class Lost(grpc.RpcError):
    """What a client is told whose connection is lost."""

    def code(self):
        return grpc.StatusCode.UNAVAILABLE


class Enough(Exception):
    """Leaves a loop that would go on for ever."""


def partner(number):
    return f"{ACME}/partners/partner-{number:02}"


class Vendor:
    """Somebody who writes to an ecosystem with a key."""

    def __init__(self, address, key):
        self.client = Client(address, key)
        self.pb = module("trellis.partner.v1.partner_service_pb2")

    def begin(self):
        # The server looks once a second whether there is a key by now.
        time.sleep(1.1)
        pb = module("trellis.platform.v1.ecosystem_service_pb2")
        ecosystem = module("trellis.platform.v1.ecosystem_pb2").Ecosystem(display_name="Acme")
        create = pb.CreateEcosystemRequest(ecosystem_id="acme", ecosystem=ecosystem)
        self.client.call("platform", "ecosystem_service", "CreateEcosystem", create)

    def create(self, numbers):
        made = module("trellis.partner.v1.partner_pb2").Partner
        made = made(display_name="Partner", partner_type=made.PARTNER_TYPE_RESELLER)
        for number in numbers:
            self.client.call("partner", "partner_service", "CreatePartner", self.pb.CreatePartnerRequest(
                parent=ACME, partner_id=f"partner-{number:02}", request_id=request_id(), partner=made,
            ))

    def get(self, name):
        request = self.pb.GetPartnerRequest(name=name)
        return self.client.call("partner", "partner_service", "GetPartner", request)

    def rename(self, numbers):
        for number in numbers:
            request = self.pb.UpdatePartnerRequest(
                partner=self.get(partner(number)), request_id=request_id()
            )
            request.partner.display_name = f"Renamed {number}"
            request.update_mask.paths.append("display_name")
            self.client.call("partner", "partner_service", "UpdatePartner", request)

    def there(self):
        request = self.pb.ListPartnersRequest(parent=ACME, page_size=1000)
        listed = self.client.call("partner", "partner_service", "ListPartners", request)
        return {partner.name: partner for partner in listed.partners}


class Saved:
    """Positions, kept by somebody whose connection is lost at every third."""

    def __init__(self, done):
        self.positions, self.done = [], done
        self.until = time.monotonic() + 120

    def load(self):
        return self.positions[-1] if self.positions else None

    def save(self, position):
        self.positions.append(position)
        if self.done():
            raise Enough
        if time.monotonic() > self.until:
            raise TimeoutError("there is more that is not told")
        if len(self.positions) % 3 == 0:
            raise Lost


class Watch(unittest.TestCase):
    def on_each(self, body):
        for kind in databases():
            with self.subTest(database=kind), database(kind) as url, serving(url) as address:
                key = first_key(url, "acme", "ecosystem_admin")
                vendor = Vendor(address, key)
                vendor.begin()
                body(vendor, address, f"Bearer {key}")

    def test_a_loop_that_is_cut_off_misses_nothing(self):
        self.on_each(self.watched)

    def watched(self, vendor, address, credential):
        told = []

        def deal_with(event):
            if event.type == "partner.created":
                told.append(event.resource)

        saved = Saved(lambda: len(told) == COUNT)
        writing = threading.Thread(target=vendor.create, args=(range(COUNT),))
        writing.start()
        try:
            with self.assertRaises(Enough):
                shown()["follow"](address, credential, ACME, saved.load, saved.save, deal_with)
        finally:
            writing.join()
        self.assertEqual(told, [partner(number) for number in range(COUNT)])

    def test_a_copy_that_began_with_a_snapshot_is_what_there_is(self):
        self.on_each(self.kept)

    def kept(self, vendor, address, credential):
        kinds = module("trellis.partner.v1.partner_pb2").Partner
        vendor.create(range(COUNT))
        copy, told = {}, []

        def put(resource):
            made = kinds()
            if not resource.Unpack(made):
                return
            if not copy:
                # The snapshot has read this by now, and does not read it again.
                vendor.rename(range(0, COUNT, 2))
                vendor.create(range(COUNT, COUNT + 5))
            copy[made.name] = made

        def ask_again(name):
            if not told:
                snapshot.update(copy)
            told.append(name)
            if name.startswith(f"{ACME}/partners/"):
                copy[name] = vendor.get(name)

        snapshot = {}
        saved = Saved(lambda: partner(COUNT + 4) in told)
        loop = (address, credential, ACME, put, ask_again, saved.load, saved.save)
        with self.assertRaises(Enough):
            while True:
                try:
                    shown()["keep"](*loop)
                except Lost:
                    pass
        self.assertEqual(len(copy), COUNT + 5)
        self.assertEqual(copy, vendor.there())
        # The control: what the snapshot told is of before.
        self.assertNotEqual(snapshot, copy)
