"""What an engineer types: `buf curl` and `grpcurl` through reflection, and `trellis demo`."""

import json
import os
import shutil
import subprocess
import unittest

from support import OnEach, binary, database, databases


def tool(variable, name):
    found = os.environ.get(variable) or shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed; `make test` brings it")
    return found


class Tools(OnEach):
    def test_buf_curl_and_grpcurl_read_what_they_wrote_through_reflection(self):
        self.on_each(self.by_tools)

    def by_tools(self, address):
        def buf(method, message, *headers):
            arguments = [tool("BUF", "buf"), "curl", "--http2-prior-knowledge", "--protocol", "grpc"]
            for header in headers:
                arguments += ["--header", header]
            arguments += ["--data", json.dumps(message), f"http://{address}/{method}"]
            return json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)

        ecosystem = buf(
            "trellis.platform.v1.EcosystemService/CreateEcosystem",
            {"ecosystemId": "acme", "ecosystem": {"displayName": "Acme", "sandbox": True}},
        )
        self.assertEqual(ecosystem["name"], "ecosystems/acme")
        partner = buf(
            "trellis.partner.v1.PartnerService/CreatePartner",
            {
                "parent": "ecosystems/acme",
                "partnerId": "nimbus",
                "partner": {"displayName": "Nimbus", "partnerType": "PARTNER_TYPE_RESELLER"},
            },
            "trellis-actor: mara@acme.example",
        )
        self.assertEqual(partner["state"], "STATE_PROSPECT")
        listed = subprocess.run(
            [
                tool("GRPCURL", "grpcurl"), "-plaintext",
                "-d", json.dumps({"parent": "ecosystems/acme", "filter": "state = PROSPECT"}),
                address, "trellis.partner.v1.PartnerService/ListPartners",
            ],
            check=True, capture_output=True,
        )
        names = [one["name"] for one in json.loads(listed.stdout)["partners"]]
        self.assertEqual(names, ["ecosystems/acme/partners/nimbus"])
        events = buf(
            "trellis.platform.v1.EventService/ListEvents",
            {"parent": "ecosystems/acme", "filter": 'type = "partner.created"'},
        )
        self.assertEqual([event["actor"] for event in events["events"]], ["mara@acme.example"])

    def test_a_refusal_is_readable_in_grpcurl(self):
        def body(address):
            refused = subprocess.run(
                [
                    tool("GRPCURL", "grpcurl"), "-plaintext",
                    "-d", json.dumps({"name": "ecosystems/nowhere"}),
                    address, "trellis.platform.v1.EcosystemService/GetEcosystem",
                ],
                capture_output=True, text=True,
            )
            self.assertNotEqual(refused.returncode, 0)
            for word in ("NotFound", "RESOURCE_NOT_FOUND", "trellis.dev"):
                self.assertIn(word, refused.stderr)

        self.on_each(body)


class Demo(unittest.TestCase):
    def test_the_demo_tells_a_sound_journey_as_json_and_the_database_passes_the_check(self):
        for kind in databases():
            with self.subTest(database=kind), database(kind) as url:
                told = subprocess.run(
                    [
                        binary(), "demo", "--exit", "--format", "json", "--migrate",
                        "--listen", "127.0.0.1:0", "--database-url", url,
                    ],
                    check=True, capture_output=True,
                )
                summary = json.loads(told.stdout)
                self.assertTrue(summary["sound"])
                # 12.5 % of 84,999.99, to the cent.
                self.assertIn("10,625.00 USD", json.dumps(summary["pillars"]))
                checked = subprocess.run([binary(), "check", "--database-url", url])
                self.assertEqual(checked.returncode, 0)


if __name__ == "__main__":
    unittest.main()
