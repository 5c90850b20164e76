"""The pages of prices seen, patrols, competitors, complaints, violations and diversion."""

from datetime import date, timedelta

import pytest
from tests.support.company import open_company
from tests.support.patrol import BY, look, open_dealer, open_price_book, seen

from tongpan.core.clock import utc_now
from tongpan.pricing.patrol.actions import ComplaintDoc, PlanSpec, register_complaints, save_plan, watch_prices
from tongpan.pricing.patrol.models import Observation, PatrolPlan, PriceComplaint, ViolationCase
from tongpan.risk.actions import CodeDoc, SightingDoc, look_for_diversion, record_sightings, register_codes
from tongpan.risk.models import DiversionScore

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def fill():
    """A dealer with a case, a competitor, a price war, a complaint, a plan that is due, and a diversion case."""
    open_company()
    open_price_book()
    open_dealer()
    now = utc_now()
    by = {"actor": "test", "now": now}
    told = (("x", 60, 10_000), ("y", 59, 10_000), ("x", 40, 9_900), ("y", 30, 9_800), ("x", 20, 9_500))
    look(
        seen(
            8_000,
            "满300减50；券5（会员）",
            channel="dealers",
            seller_class="authorised",
            seller="",
            shop="dl1",
            observed_at=now - HOUR,
        ),
        seen(9_000, seller_class="competitor", seller="rival", observed_at=now - DAY),
        *(seen(price, seller=seller, observed_at=now - ago * HOUR) for seller, ago, price in told),
        now=now,
    )
    watch_prices(now)
    register_complaints([ComplaintDoc("tmall", "C1", "A", "买贵了", now - HOUR)], **by)
    save_plan(PlanSpec("weekly", ("A", "B"), ("own",), 7, "manager", date(2026, 1, 1)), **BY)
    register_codes([CodeDoc("serial", f"S{n}", "A", "d1", now - 9 * DAY) for n in range(3)], **by)
    record_sightings([SightingDoc("serial", f"S{n}", "scan", "北京", now - DAY) for n in range(3)], **by)
    look_for_diversion(**by)


@pytest.fixture
def market(db):
    fill()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/prices/seen/", ["A", "Under the floor", "shop of d1"]),
        ("/prices/seen/?finding=any&seller_class=authorised", ["shop of d1"]),
        ("/prices/seen/new/?sku=A&channel=tmall", ["Due for you"]),
        ("/prices/patrol/", ["weekly", "Never"]),
        ("/prices/patrol/plan/?plan=weekly", ["A B"]),
        ("/prices/competitors/", ["Price wars", "x, y", "rival", "Answer with a coupon", "The band begins at 95.00"]),
        ("/prices/complaints/", ["买贵了", "A price that broke a rule"]),
        ("/prices/violations/", ["VC", "shop of d1", "Diversion"]),
        ("/diversion/", ["dealer d1"]),
    ],
)
def test_every_list_shows_what_there_is(market, sign_in, path, words):
    page = sign_in().get(path).content.decode()

    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize("name", ["seen", "patrol", "competitors", "complaints", "violations"])
def test_every_list_is_exported(market, sign_in, name):
    response = sign_in().get(f"/prices/{name}/export/?format=csv")

    assert b"".join(response.streaming_content).count(b"\n") >= 2


def test_one_price_tells_how_it_came_about(market, sign_in):
    row = Observation.objects.get(shop__code="dl1")

    page = sign_in().get(f"/prices/seen/{row.pk}/").content.decode()

    for words in (
        "Its share of a cart filled up to the threshold",
        "Not for a normal buyer",
        "¥66.67",
        "Least net price",
    ):
        assert words in page


def test_a_price_is_noted_on_the_way_and_the_next_due_one_is_offered(market, sign_in):
    client = sign_in()
    form = {"sku": "B", "channel": "own", "listed": "88", "discounts": "券10", "seller_class": "own", "shop": "mall"}

    told = client.post("/prices/seen/new/", form)
    bad = client.post("/prices/seen/new/", form | {"discounts": "second for free"}).content.decode()
    unknown = client.post("/prices/seen/new/", form | {"sku": "NO"}).content.decode()

    assert (told.status_code, told["Location"]) == (302, "/prices/seen/new/?sku=A&channel=own")
    row = Observation.objects.get(sku__code="B")
    assert (row.effective_minor, row.observer, row.source, row.finding) == (7_800, "manager", "form", "under_floor")
    assert "cannot be read" in bad
    assert "There is no SKU" in unknown
    assert Observation.objects.filter(source="form").count() == 1


def test_a_plan_is_kept_and_faults_are_told(market, sign_in):
    client = sign_in()
    form = {
        "name": "daily",
        "skus": "A，B",
        "channels": ["tmall"],
        "every_days": "1",
        "assignee": "li",
        "starts_on": "2026-11-01",
    }

    assert client.post("/prices/patrol/plan/", form).status_code == 302
    assert "There is no SKU" in client.post("/prices/patrol/plan/", form | {"skus": "NO"}).content.decode()
    assert PatrolPlan.objects.get(name="daily").items.count() == 2


def test_a_complaint_is_registered_once_and_says_what_it_points_to(market, sign_in):
    client = sign_in()
    form = {"channel": "dealers", "number": "T1", "sku": "A", "text": "隔壁更便宜", "said_at": "2026-11-01T08:00"}
    path, now = "/prices/complaints/new/", utc_now().isoformat()

    bad = client.post(path, form | {"sku": "NO"}).content.decode()
    told = client.post(path, form | {"said_at": now, "paid": "88.5", "other_channel": "dealers"}, follow=True)
    again = client.post(path, form | {"paid": "90"}, follow=True).content.decode()

    assert "There is no SKU" in bad
    assert "It points to: A price that broke a rule." in told.content.decode()
    assert "was registered already" in again
    row = PriceComplaint.objects.get(external_id="T1")
    assert (row.paid_minor, row.text, row.case.party, row.recorded_by) == (
        8_850,
        "隔壁更便宜",
        "dealer:d1",
        "user:manager",
    )


def test_a_case_is_taken_on_by_its_page_and_an_old_page_is_refused(market, sign_in):
    client = sign_in()
    case = ViolationCase.objects.get(kind="price", party="dealer:d1")
    path = f"/prices/violations/{case.pk}/"

    client.post(path, {"revision": case.revision, "step": "confirmed", "language": "zh"})
    page = client.get(path).content.decode()
    late = client.post(
        path, {"revision": case.revision, "step": "closed", "reason": "x", "language": ""}
    ).content.decode()
    client.post(path, {"revision": case.revision + 1, "step": "warning", "language": "en"})
    client.post(path, {"note": "They called and apologised.", "reference": ""})

    case.refresh_from_db()
    assert "The policy names: Warn." in page
    assert "was changed meanwhile" in late
    assert case.status == "warning"
    whole = client.get(path).content.decode()
    for words in ("warning for a price violation", "They called and apologised.", "user:manager", "File an appeal"):
        assert words in whole


def test_those_who_only_look_take_no_step(market, sign_in):
    client = sign_in("analyst")
    case = ViolationCase.objects.filter(kind="price").first()

    assert client.get(f"/prices/violations/{case.pk}/").status_code == 200
    assert client.post(f"/prices/violations/{case.pk}/", {"revision": 1, "step": "confirmed"}).status_code == 403
    assert client.get("/prices/seen/new/").status_code == 403
    assert client.post("/diversion/look/").status_code == 403
    assert sign_in("store").get("/prices/seen/").status_code == 403


def test_a_score_shows_its_evidence_the_file_of_the_dealer_and_that_it_can_be_made_again(market, sign_in):
    client = sign_in()
    row = DiversionScore.objects.get(dealer__code="d1")

    page = client.get(f"/diversion/{row.pk}/").content.decode()
    client.post("/diversion/look/")

    for words in (
        "Serials and batches seen outside",
        "北京市",
        "the score is the same",
        "File of the dealer",
        "Too little known",
    ):
        assert words in page
    assert DiversionScore.objects.filter(dealer__code="d1").count() == 2
