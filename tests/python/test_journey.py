"""The journey end to end, by a client in another language, against the real binary."""

import unittest

import grpc

from support import Client, OnEach, details, module, request_id

SECONDS_A_DAY = 24 * 60 * 60


def usd(units, cents=0):
    money = module("google.type.money_pb2")
    return money.Money(currency_code="USD", units=units, nanos=cents * 10_000_000)


def cents(amount):
    assert amount.currency_code in ("USD", "")
    return amount.units * 100 + amount.nanos // 10_000_000


class Journey(OnEach):
    def test_from_an_invitation_to_a_settled_payout_and_a_refund_after_it(self):
        self.on_each(self.journey)

    def journey(self, address):
        client = Client(address)
        ecosystem = self.found(client)
        self.recruit(client, ecosystem)
        self.promise(client, ecosystem)
        deal = self.sell(client, ecosystem)
        award = self.earn(client, ecosystem, deal)
        self.pay(client, ecosystem)
        self.refund(client, ecosystem, deal, award)
        self.balance(client, ecosystem)

    def found(self, client):
        pb = module("trellis.platform.v1.ecosystem_service_pb2")
        ecosystem = module("trellis.platform.v1.ecosystem_pb2").Ecosystem(
            display_name="Acme", time_zone="Europe/Berlin", currency_code="USD", sandbox=True
        )
        made = client.call(
            "platform", "ecosystem_service", "CreateEcosystem",
            pb.CreateEcosystemRequest(
                ecosystem_id="acme", ecosystem=ecosystem, request_id=request_id()
            ),
        )
        self.assertEqual(made.name, "ecosystems/acme")
        return made.name

    def recruit(self, client, ecosystem):
        pb = module("trellis.partner.v1.partner_service_pb2")
        partner = module("trellis.partner.v1.partner_pb2").Partner
        for who in ("nimbus", "cirrus"):
            name = client.call(
                "partner", "partner_service", "CreatePartner",
                pb.CreatePartnerRequest(
                    parent=ecosystem, partner_id=who, request_id=request_id(),
                    partner=partner(
                        display_name=who, partner_type=partner.PARTNER_TYPE_REFERRAL
                    ),
                ),
            ).name
            invite = pb.InvitePartnerRequest(name=name, request_id=request_id())
            first = client.call("partner", "partner_service", "InvitePartner", invite)
            # The same request again answers what the first one answered, byte for byte.
            again = client.call("partner", "partner_service", "InvitePartner", invite)
            self.assertEqual(first.SerializeToString(), again.SerializeToString())
            for method, request in (
                ("AcceptInvitation", pb.AcceptInvitationRequest),
                ("ActivatePartner", pb.ActivatePartnerRequest),
            ):
                answer = client.call("partner", "partner_service", method, request(name=name))
            self.assertEqual(answer.state, partner.STATE_ACTIVE)
            with self.assertRaises(grpc.RpcError) as refused:
                client.call(
                    "partner", "partner_service", "AcceptInvitation",
                    pb.AcceptInvitationRequest(name=name),
                )
            self.assertEqual(refused.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
            reason, metadata, _ = details(refused.exception)
            self.assertEqual(reason, "ILLEGAL_TRANSITION")
            self.assertEqual(metadata["state"], "ACTIVE")

    def promise(self, client, ecosystem):
        pb = module("trellis.program.v1.program_service_pb2")
        program = module("trellis.program.v1.program_pb2")
        client.call(
            "program", "program_service", "CreateProgram",
            pb.CreateProgramRequest(
                parent=ecosystem, program_id="growth",
                program=program.Program(
                    display_name="Growth", time_zone="Europe/Berlin", currency_code="USD"
                ),
            ),
        )
        name = f"{ecosystem}/programs/growth"
        for rank, tier in enumerate(("registered", "silver", "gold"), start=1):
            client.call(
                "program", "program_service", "CreateTier",
                pb.CreateTierRequest(
                    parent=name, tier_id=tier, tier=program.Tier(display_name=tier, rank=rank)
                ),
            )
        client.call(
            "program", "program_service", "PublishProgram", pb.PublishProgramRequest(name=name)
        )
        enrol = module("trellis.program.v1.enrollment_service_pb2").CreateEnrollmentRequest
        enrollment = module("trellis.program.v1.enrollment_pb2").Enrollment
        for who in ("nimbus", "cirrus"):
            client.call(
                "program", "enrollment_service", "CreateEnrollment",
                enrol(
                    parent=ecosystem,
                    enrollment=enrollment(program=name, partner=f"{ecosystem}/partners/{who}"),
                ),
            )
        self.plan(client, ecosystem, name)

    def plan(self, client, ecosystem, program):
        pb = module("trellis.incentive.v1.plan_service_pb2")
        plan = module("trellis.incentive.v1.plan_pb2").Plan
        version = module("trellis.incentive.v1.plan_version_pb2")
        decimal = module("google.type.decimal_pb2").Decimal
        date = module("google.type.date_pb2").Date
        made = client.call(
            "incentive", "plan_service", "CreatePlan",
            pb.CreatePlanRequest(
                parent=ecosystem, plan_id="commission",
                plan=plan(display_name="12.5 %", program=program),
            ),
        )
        draft = client.call(
            "incentive", "plan_service", "CreatePlanVersion",
            pb.CreatePlanVersionRequest(
                parent=made.name,
                plan_version=version.PlanVersion(
                    effective_from_date=date(year=2020, month=1, day=1),
                    currency_code="USD",
                    kind=version.PlanVersion.KIND_COMMISSION,
                    trigger=version.PlanVersion.TRIGGER_DEAL_WON,
                    measure=version.Measure(
                        source=version.Measure.SOURCE_DEAL_NET,
                        window=version.Measure.WINDOW_EVENT,
                    ),
                    schedule=version.Schedule(
                        mode=version.Schedule.MODE_MARGINAL,
                        bands=[version.Band(rate=decimal(value="0.125"))],
                    ),
                    hold_days=30,
                ),
            ),
        )
        client.call(
            "incentive", "plan_service", "SchedulePlanVersion",
            pb.SchedulePlanVersionRequest(name=draft.name),
        )

    def sell(self, client, ecosystem):
        self.catalogue(client, ecosystem)
        pb = module("trellis.deal.v1.registration_service_pb2")
        registration = module("trellis.deal.v1.registration_pb2").Registration
        states = {}
        names = {}
        for who in ("nimbus", "cirrus"):
            draft = client.call(
                "deal", "registration_service", "CreateRegistration",
                pb.CreateRegistrationRequest(
                    parent=ecosystem,
                    registration=registration(
                        display_name="New branch",
                        partner=f"{ecosystem}/partners/{who}",
                        program=f"{ecosystem}/programs/growth",
                        account=f"{ecosystem}/accounts/contoso",
                        products=[f"{ecosystem}/products/firewall"],
                        deal_type=module("trellis.deal.v1.deal_type_pb2").DEAL_TYPE_NEW,
                        estimated_value=usd(12_000),
                        expected_close_date=module("google.type.date_pb2").Date(
                            year=2030, month=1, day=31
                        ),
                        evidence="Met their head of IT.",
                    ),
                ),
            )
            submitted = client.call(
                "deal", "registration_service", "SubmitRegistration",
                pb.SubmitRegistrationRequest(name=draft.name),
            )
            states[who], names[who] = submitted.state, draft.name
        self.assertEqual(states["nimbus"], registration.STATE_SUBMITTED)
        self.assertEqual(states["cirrus"], registration.STATE_WAITLISTED)
        approved = client.call(
            "deal", "registration_service", "ApproveRegistration",
            pb.ApproveRegistrationRequest(name=names["nimbus"]),
        )
        self.assertEqual(approved.state, registration.STATE_APPROVED)
        with self.assertRaises(grpc.RpcError) as refused:
            client.call(
                "deal", "registration_service", "ApproveRegistration",
                pb.ApproveRegistrationRequest(name=names["cirrus"]),
            )
        self.assertEqual(details(refused.exception)[0], "REGISTRATION_CONFLICT")
        converted = client.call(
            "deal", "registration_service", "ConvertRegistration",
            pb.ConvertRegistrationRequest(name=names["nimbus"]),
        )
        deals = module("trellis.deal.v1.deal_service_pb2")
        won = client.call(
            "deal", "deal_service", "WinDeal",
            deals.WinDealRequest(
                name=converted.deal, amount=usd(12_499, 99), request_id=request_id()
            ),
        )
        self.assertEqual(won.stage, module("trellis.deal.v1.deal_pb2").Deal.STAGE_WON)
        return won.name

    def catalogue(self, client, ecosystem):
        pb = module("trellis.deal.v1.catalog_service_pb2")
        catalog = module("trellis.deal.v1.catalog_pb2")
        family = client.call(
            "deal", "catalog_service", "CreateProductFamily",
            pb.CreateProductFamilyRequest(
                parent=ecosystem, product_family_id="security",
                product_family=catalog.ProductFamily(display_name="Security"),
            ),
        )
        client.call(
            "deal", "catalog_service", "CreateProduct",
            pb.CreateProductRequest(
                parent=ecosystem, product_id="firewall",
                product=catalog.Product(display_name="Firewall", product_family=family.name),
            ),
        )
        client.call(
            "deal", "account_service", "CreateAccount",
            module("trellis.deal.v1.account_service_pb2").CreateAccountRequest(
                parent=ecosystem, account_id="contoso",
                account=module("trellis.deal.v1.account_pb2").Account(
                    display_name="Contoso", region_code="DE", domains=["contoso.example"]
                ),
            ),
        )

    def earn(self, client, ecosystem, deal):
        pb = module("trellis.incentive.v1.award_service_pb2")
        awards = client.call(
            "incentive", "award_service", "ListAwards", pb.ListAwardsRequest(parent=ecosystem)
        ).awards
        self.assertEqual([award.deal for award in awards], [deal])
        award = awards[0]
        # 12.5 % of 12,499.99 is 1,562.49875, rounded once: 1,562.50.
        self.assertEqual(cents(award.entitled_amount), 156_250)
        self.assertEqual(cents(award.buckets.held_amount), 156_250)
        explained = client.call(
            "incentive", "award_service", "ExplainAward", pb.ExplainAwardRequest(name=award.name)
        ).explanation
        self.assertEqual(explained.rounding.exact_amount.value, "1562.49875")
        self.assertEqual(explained.trace_hash, explained.replay_hash)
        with self.assertRaises(grpc.RpcError) as refused:
            client.call(
                "incentive", "award_service", "ApproveAwards",
                pb.ApproveAwardsRequest(parent=ecosystem, names=[award.name]),
            )
        self.assertEqual(details(refused.exception)[0], "NOTHING_TO_APPROVE")
        clock = module("trellis.platform.v1.ecosystem_service_pb2").AdvanceClockRequest
        month = module("google.protobuf.duration_pb2").Duration(seconds=31 * SECONDS_A_DAY)
        client.call(
            "platform", "ecosystem_service", "AdvanceClock", clock(name=ecosystem, duration=month)
        )
        approved = client.call(
            "incentive", "award_service", "ApproveAwards",
            pb.ApproveAwardsRequest(parent=ecosystem, names=[award.name]),
        ).awards[0]
        self.assertEqual(cents(approved.buckets.payable_amount), 156_250)
        return award.name

    def pay(self, client, ecosystem):
        pb = module("trellis.incentive.v1.payout_service_pb2")
        batch = module("trellis.incentive.v1.payout_pb2").PayoutBatch

        def call(method, request, actor):
            return client.call("incentive", "payout_service", method, request, actor=actor)

        made = call(
            "CreateBatch",
            pb.CreateBatchRequest(parent=ecosystem, batch=batch(currency_code="USD")),
            "alex",
        )
        self.assertEqual(cents(made.net_amount), 156_250)
        call("SubmitBatch", pb.SubmitBatchRequest(name=made.name), "alex")
        for actor in ("alex", "anonymous"):
            with self.assertRaises(grpc.RpcError) as refused:
                call("ApproveBatch", pb.ApproveBatchRequest(name=made.name), actor)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
            self.assertEqual(details(refused.exception)[0], "FOUR_EYES")
        call("ApproveBatch", pb.ApproveBatchRequest(name=made.name), "kim")
        call("SendBatch", pb.SendBatchRequest(name=made.name), "alex")
        settled = call("SettleItems", pb.SettleItemsRequest(name=made.name), "alex")
        self.assertEqual(settled.state, batch.STATE_SETTLED)

    def refund(self, client, ecosystem, deal, award):
        pb = module("trellis.deal.v1.deal_service_pb2")
        client.call(
            "deal", "deal_service", "RecordRefund",
            pb.RecordRefundRequest(
                name=deal, external_id="credit-1", amount=usd(2_499, 99),
                reason_code="GOODS_RETURNED",
            ),
        )
        get = module("trellis.incentive.v1.award_service_pb2").GetAwardRequest(name=award)
        after = client.call("incentive", "award_service", "GetAward", get)
        # 12.5 % of 10,000.00; what was paid beyond it is owed.
        self.assertEqual(cents(after.entitled_amount), 125_000)
        self.assertEqual(cents(after.buckets.paid_amount), 156_250)
        self.assertEqual(cents(after.buckets.owed_amount), 31_250)

    def balance(self, client, ecosystem):
        pb = module("trellis.incentive.v1.ledger_service_pb2")
        balance = client.call(
            "incentive", "ledger_service", "GetTrialBalance",
            pb.GetTrialBalanceRequest(parent=ecosystem),
        )
        for currency in balance.currencies:
            self.assertTrue(currency.balanced)
            self.assertEqual(cents(currency.debit_amount), cents(currency.credit_amount))
        verified = client.call(
            "incentive", "ledger_service", "VerifyLedger", pb.VerifyLedgerRequest(parent=ecosystem)
        )
        self.assertTrue(verified.sound, verified)


class Refusals(OnEach):
    def test_all_that_is_wrong_is_told_at_once(self):
        def body(address):
            client = Client(address)
            pb = module("trellis.platform.v1.ecosystem_service_pb2")
            ecosystem = module("trellis.platform.v1.ecosystem_pb2").Ecosystem
            with self.assertRaises(grpc.RpcError) as refused:
                client.call(
                    "platform", "ecosystem_service", "CreateEcosystem",
                    pb.CreateEcosystemRequest(
                        ecosystem_id="Not An Id",
                        ecosystem=ecosystem(time_zone="Mars/Olympus", currency_code="dollars"),
                        request_id="not a uuid",
                    ),
                )
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            reason, _, fields = details(refused.exception)
            self.assertEqual(reason, "INVALID_FIELDS")
            for field in ("ecosystem_id", "ecosystem.display_name", "request_id"):
                self.assertIn(field, fields)

        self.on_each(body)


if __name__ == "__main__":
    unittest.main()
