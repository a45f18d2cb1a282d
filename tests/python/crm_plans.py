"""What three plans pay for the deals of a CRM's export, reckoned from its file alone.

    crm_plans.py FOLDER

FOLDER holds sales_pipeline.csv. Amounts are whole cents, rates are exact fractions, and each amount that
is paid is rounded once, half up. Some of the deals that were won are refunded, in part or whole: which,
and how much, is made up here and told beside the totals.

It answers JSON: `refunds`, by opportunity; and `totals`, for each plan those of the agents, `before` and
`after` the refunds.
"""

import csv
import json
import pathlib
import sys
from collections import defaultdict
from fractions import Fraction


def rounded(exact):
    """Whole cents; halves go up. Nothing here is negative."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def cents(text):
    exact = Fraction(text) * 100
    assert exact.denominator == 1, text
    return exact.numerator


def quarter(day):
    """The year and the quarter of a day written as day-month-year."""
    _, month, year = day.split("-")
    return int(year), (int(month) + 2) // 3


def won(folder):
    """The deals that were won: opportunity, agent, quarter, cents."""
    with open(pathlib.Path(folder) / "sales_pipeline.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["deal_stage"] == "Won":
                yield (
                    row["opportunity_id"],
                    row["sales_agent"],
                    quarter(row["close_date"]),
                    cents(row["close_value"]),
                )


def refunds(deals):
    """Every thirty-seventh deal is refunded: in turn a third of it, and all of it."""
    found = {}
    for at, (opportunity, _, _, amount) in enumerate(deals):
        if at % 37 == 0:
            back = amount if at % 2 else amount // 3
            if back > 0:
                found[opportunity] = back
    return found


def percent(amount):
    """7.25 % of each deal."""
    return amount * Fraction(725, 10_000)


def marginal(amount):
    """2 % of what a quarter comes to below 5,000.00, 4.5 % of what is above, 6.75 % above 50,000.00."""
    bands = [(0, Fraction(2, 100)), (500_000, Fraction(45, 1_000)), (5_000_000, Fraction(675, 10_000))]
    ends = [begin for begin, _ in bands[1:]] + [None]
    total = Fraction(0)
    for (begin, rate), end in zip(bands, ends):
        top = amount if end is None else min(amount, end)
        total += max(top - begin, 0) * rate
    return total


def whole(amount):
    """Of all that a quarter comes to: nothing below 5,000.00, 3.3 % from there, 5.1 % from 50,000.00."""
    if amount >= 5_000_000:
        return amount * Fraction(51, 1_000)
    if amount >= 500_000:
        return amount * Fraction(33, 1_000)
    return Fraction(0)


def totals(deals, back):
    """What each plan pays each agent."""
    paid = {plan: defaultdict(int) for plan in ("percent", "marginal", "whole")}
    quarters = defaultdict(int)
    for opportunity, agent, in_quarter, amount in deals:
        net = amount - back.get(opportunity, 0)
        paid["percent"][agent] += rounded(percent(net))
        quarters[agent, in_quarter] += net
    for (agent, _), amount in quarters.items():
        paid["marginal"][agent] += rounded(marginal(amount))
        paid["whole"][agent] += rounded(whole(amount))
    return {
        plan: {agent: amount for agent, amount in agents.items() if amount}
        for plan, agents in paid.items()
    }


def main():
    deals = list(won(sys.argv[1]))
    back = refunds(deals)
    answer = {
        "refunds": back,
        "totals": {"before": totals(deals, {}), "after": totals(deals, back)},
    }
    json.dump(answer, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
