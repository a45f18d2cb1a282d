"""Watching the change feed while it is written to, in the way that `docs/events.md` shows."""

import threading

import grpc

from support import Client, OnEach, module, request_id

COUNT = 40


class Watch(OnEach):
    def test_a_loop_that_is_cut_off_misses_nothing(self):
        self.on_each(self.watched)

    def watched(self, address):
        pb = module("trellis.platform.v1.ecosystem_service_pb2")
        ecosystem = module("trellis.platform.v1.ecosystem_pb2").Ecosystem(display_name="Acme")
        client = Client(address)
        made = client.call(
            "platform", "ecosystem_service", "CreateEcosystem",
            pb.CreateEcosystemRequest(ecosystem_id="acme", ecosystem=ecosystem),
        )
        writing = threading.Thread(target=self.write, args=(Client(address), made.name))
        writing.start()
        try:
            told = self.follow(address, made.name)
        finally:
            writing.join()
        wanted = [f"{made.name}/partners/partner-{number}" for number in range(COUNT)]
        self.assertEqual(told, wanted)

    def write(self, client, parent):
        pb = module("trellis.partner.v1.partner_service_pb2")
        partner = module("trellis.partner.v1.partner_pb2").Partner
        for number in range(COUNT):
            client.call(
                "partner", "partner_service", "CreatePartner",
                pb.CreatePartnerRequest(
                    parent=parent, partner_id=f"partner-{number}", request_id=request_id(),
                    partner=partner(
                        display_name="Partner", partner_type=partner.PARTNER_TYPE_RESELLER
                    ),
                ),
            )

    def follow(self, address, parent):
        """Every partner that is created, cut off after each third message."""
        events = module("trellis.platform.v1.event_service_pb2")
        stubs = module("trellis.platform.v1.event_service_pb2_grpc")
        told, position = [], ""
        while len(told) < COUNT:
            begin = {"after_position": position} if position else {"start": "START_FIRST"}
            request = events.WatchEventsRequest(
                parent=parent, filter='type = "partner.created"', **begin
            )
            request.heartbeat_interval.seconds = 1
            with grpc.insecure_channel(address) as channel:
                stream = stubs.EventServiceStub(channel).WatchEvents(request, timeout=60)
                for _, message in zip(range(3), stream):
                    if message.HasField("event"):
                        told.append(message.event.resource)
                    position = message.position
                stream.cancel()
        return told
