"""Keys, roles and what they give, by a client that is generated from the protos, and by grpcurl."""

import json
import subprocess
import time
import unittest

import grpc

from support import Client, database, databases, details, first_key, module, serving
from test_tools import tool

ACME = "ecosystems/acme"


class Access(unittest.TestCase):
    def test_a_key_opens_the_port_to_its_bearer_and_to_nobody_else(self):
        for kind in databases():
            with self.subTest(database=kind), database(kind) as url, serving(url) as address:
                self.by_keys(address, first_key(url, "acme", "ecosystem_admin"))

    def by_keys(self, address, secret):
        pb = module("trellis.platform.v1.access_pb2")
        service = module("trellis.platform.v1.access_service_pb2")
        ecosystems = module("trellis.platform.v1.ecosystem_service_pb2")
        role = module("trellis.options.v1.options_pb2").Role
        # The server looks once a second whether there is a key by now.
        time.sleep(1.1)
        admin = Client(address, secret)

        def ask(client, method, request):
            return client.call("platform", "access_service", method, request)

        create = ecosystems.CreateEcosystemRequest(ecosystem_id="acme")
        create.ecosystem.display_name = "Acme"
        for stranger in (Client(address), Client(address, secret[:-1] + "~")):
            with self.assertRaises(grpc.RpcError) as refused:
                stranger.call("platform", "ecosystem_service", "CreateEcosystem", create)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            self.assertEqual(details(refused.exception)[0], "UNAUTHENTICATED")
        admin.call("platform", "ecosystem_service", "CreateEcosystem", create)

        made = ask(admin, "CreateApiKey", service.CreateApiKeyRequest(
            parent=ACME,
            api_key=pb.ApiKey(display_name="Ada", person="ada@acme.example"),
            roles=[service.InitialRole(role=role.ROLE_AUDITOR)],
        ))
        auditor = Client(address, made.secret)
        who = ask(auditor, "WhoAmI", service.WhoAmIRequest())
        self.assertEqual((who.principal, who.person), (made.api_key.principal, "ada@acme.example"))
        may = ask(auditor, "CheckAccess", service.CheckAccessRequest(
            parent=ACME, method="trellis.platform.v1.AccessService/CreateApiKey",
        ))
        self.assertFalse(may.allowed)
        self.assertIn("api_keys.create", may.explanation)

        shown = subprocess.run(
            [
                tool("GRPCURL", "grpcurl"), "-plaintext", "-H", f"authorization: Bearer {made.secret}",
                "-d", json.dumps({"parent": ACME}), address,
                "trellis.platform.v1.AccessService/ListApiKeys",
            ],
            check=True, capture_output=True, text=True,
        )
        self.assertEqual(len(json.loads(shown.stdout)["apiKeys"]), 2)
        self.assertNotIn(made.secret, shown.stdout)

        # Reflection asks for the key as well.
        read = subprocess.run(
            [
                tool("BUF", "buf"), "curl", "--http2-prior-knowledge", "--protocol", "grpc",
                "--header", f"authorization: Bearer {made.secret}", "--reflect-header", "*",
                "--data", json.dumps({"name": ACME}),
                f"http://{address}/trellis.platform.v1.EcosystemService/GetEcosystem",
            ],
            check=True, capture_output=True, text=True,
        )
        self.assertEqual(json.loads(read.stdout)["displayName"], "Acme")

        ask(admin, "RevokeApiKey", service.RevokeApiKeyRequest(name=made.api_key.name))
        with self.assertRaises(grpc.RpcError) as refused:
            ask(auditor, "WhoAmI", service.WhoAmIRequest())
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)


if __name__ == "__main__":
    unittest.main()
