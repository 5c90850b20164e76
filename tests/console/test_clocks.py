"""The form of the clocks: what it sets, and who may."""

from tongpan.access.models import AuditEntry
from tongpan.fulfillment.actions.offering import current_clocks
from tongpan.fulfillment.promises import Clocks

VALUES = {
    "pickup_minutes": 90, "keep_days": 5, "remind_hours": 24, "after_expiry": "cancel", "ship_hours": 48,
    "ship_clock": "dispatched", "pause_outside_hours": "on", "instant_minutes": 45, "instant_accept_minutes": 5,
    "slot_lead_minutes": 180,
}  # fmt: skip


def test_the_clocks_are_set_and_it_is_written_down_what_changed(sign_in, company):
    client = sign_in()
    assert "120" in client.get("/promises/clocks/").content.decode()

    response = client.post("/promises/clocks/", VALUES)

    assert response.status_code == 302
    assert current_clocks() == Clocks(90, 48, "dispatched", True, 5, 24, "cancel", 45, 5, 180)
    entry = AuditEntry.objects.get(action="clocks.saved")
    assert entry.data["instant_minutes"] == [60, 45]
    client.post("/promises/clocks/", VALUES)
    assert AuditEntry.objects.filter(action="clocks.saved").count() == 1


def test_a_clock_that_makes_no_sense_is_refused_beside_its_field(sign_in, company):
    response = sign_in().post("/promises/clocks/", VALUES | {"instant_minutes": 0})

    assert response.status_code == 200
    assert "id_instant_minutes" in response.content.decode() and "error" in response.content.decode()
    assert current_clocks() == Clocks()


def test_who_may_not_edit_orders_sees_them_and_changes_nothing(sign_in, company):
    client = sign_in("analyst")
    page = client.get("/promises/clocks/").content.decode()

    assert "disabled" in page and 'class="button button-primary"' not in page
    client.post("/promises/clocks/", VALUES)
    assert current_clocks() == Clocks()
