"""Webhooks, taken by a server in another language and verified by its library."""

import http.server
import json
import queue
import threading
import unittest

import standardwebhooks

from support import Client, database, databases, module, serving


class Receiver(http.server.ThreadingHTTPServer):
    """Takes webhooks, but for the first request, which it refuses."""

    def __init__(self):
        self.came = queue.Queue()
        self.refuses = 1
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/trellis"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 503 if self.server.refuses > 0 else 204
        self.server.refuses -= 1
        self.server.came.put((status, dict(self.headers), body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


class Webhooks(unittest.TestCase):
    def test_an_event_comes_signed_and_comes_again_when_it_was_refused(self):
        for kind in databases():
            with (
                self.subTest(database=kind), database(kind) as url,
                serving(url, "--webhook-hosts", "127.0.0.1") as address,
            ):
                receiver = Receiver()
                try:
                    self.told(address, receiver)
                finally:
                    receiver.shutdown()
                    receiver.server_close()

    def told(self, address, receiver):
        webhooks = module("trellis.platform.v1.webhook_service_pb2")
        webhook = module("trellis.platform.v1.webhook_pb2")
        ecosystems = module("trellis.platform.v1.ecosystem_service_pb2")
        partners = module("trellis.partner.v1.partner_service_pb2")
        partner = module("trellis.partner.v1.partner_pb2").Partner
        client = Client(address)
        create = ecosystems.CreateEcosystemRequest(ecosystem_id="acme")
        create.ecosystem.display_name = "Acme"
        client.call("platform", "ecosystem_service", "CreateEcosystem", create)
        made = client.call("platform", "webhook_service", "CreateWebhook", webhooks.CreateWebhookRequest(
            parent="ecosystems/acme", webhook_id="portal",
            webhook=webhook.Webhook(
                display_name="Portal", url=receiver.url, filter='type = "partner.created"'
            ),
        ))
        client.call("partner", "partner_service", "CreatePartner", partners.CreatePartnerRequest(
            parent="ecosystems/acme", partner_id="nimbus",
            partner=partner(display_name="Nimbus", partner_type=partner.PARTNER_TYPE_RESELLER),
        ))
        # The second attempt is made after five seconds.
        (refused, first, _), (taken, second, body) = (receiver.came.get(timeout=60) for _ in range(2))
        self.assertEqual((refused, taken), (503, 204))
        self.assertEqual(first["webhook-id"], second["webhook-id"])
        event = standardwebhooks.Webhook(made.secret).verify(body, second)
        self.assertEqual(event, json.loads(body))
        self.assertEqual(event["subject"], "ecosystems/acme/partners/nimbus")
        self.assertEqual(event["id"], second["webhook-id"])
        with self.assertRaises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(made.secret).verify(body.replace(b"nimbus", b"cirrus"), second)


if __name__ == "__main__":
    unittest.main()
