"""Sales orders, returns, corrections and payments, with their lines, holds and events."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel, Shop
from tongpan.customers.models import Customer
from tongpan.orders.ledger import SHARE_CODE


class Status(models.TextChoices):
    """Where an order stands; derived from its events, and it never goes back (``orders.engine.STATUS_RANK``)."""

    PLACED = "placed", _("Placed")
    PAID = "paid", _("Paid")
    DISPATCHED = "dispatched", _("Dispatched")
    DELIVERED = "delivered", _("Delivered")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class DeliveryMethod(models.TextChoices):
    """How the goods reach the buyer."""

    SHIP = "ship", _("Shipping")
    PICKUP = "pickup", _("Pickup in store")
    INSTANT = "instant", _("Instant delivery")
    DEALER = "dealer", _("Delivery by a dealer")


class Order(models.Model):
    """One sales order as the channel knows it.

    Natural key: (shop, external_id). All amounts are minor units of ``currency``:
    total = goods + charges; paid and refunded are what the channel reports.
    business_date: the day of ``placed_at`` in the channel's zone.
    version: the channel's own time of last change; an older copy never overwrites a newer one.
    digest: BLAKE2 of the canonical content, so that a replayed copy is recognised without comparing lines.
    superseded: the digests of the copies stored before it, at most the last 64, so that none of them comes back.
    is_status_known: False when the channel's status (channel_status) is one that its mapping does not know.
    hold_until: an unpaid order keeps its goods reserved until then. raw_digest: of the payload it came in last.
    local_fields: what people changed here ("address", "delivery", "lines", "promise"): later copies of the channel
    leave it.
    delivery_method … delivery_fee_minor: as ``orders.engine.DeliveryDoc`` says it.
    merge: the orders that it is sent together with.
    revision: counts the changes; who changes an order names the one that was looked at.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False)
    external_id = models.CharField(_("order number"), max_length=120)
    version = models.DateTimeField(null=True)
    digest = models.BinaryField()
    superseded = models.BinaryField(default=b"")
    status = models.CharField(_("status"), max_length=12, choices=Status.choices)
    channel_status = models.CharField(_("status on the channel"), max_length=60, blank=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, db_index=False)
    business_date = models.DateField(_("business day"))
    placed_at = models.DateTimeField(_("placed"))
    paid_at = models.DateTimeField(_("paid"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    completed_at = models.DateTimeField(_("completed"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    promised_at = models.DateTimeField(_("promised"), null=True)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField()
    charges_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField(_("total"))
    paid_minor = models.BigIntegerField(_("paid amount"), null=True)
    refunded_minor = models.BigIntegerField(_("refunded amount"), default=0)
    units = models.BigIntegerField(_("units"))
    ship_province = models.CharField(_("province"), max_length=60, blank=True)
    ship_city = models.CharField(_("city"), max_length=60, blank=True)
    ship_latitude = models.FloatField(null=True)
    ship_longitude = models.FloatField(null=True)
    recipient_sealed = models.BinaryField(default=b"")
    buyer_note = models.TextField(_("buyer's note"), blank=True, db_default="")
    seller_note = models.TextField(_("seller's note"), blank=True, db_default="")
    is_status_known = models.BooleanField(_("status is known"), db_default=True)
    hold_until = models.DateTimeField(_("held until"), null=True)
    invoice_sealed = models.BinaryField(db_default=b"")
    raw_digest = models.BinaryField(null=True)
    import_id = models.BigIntegerField(null=True)
    is_simulated = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now())
    revision = models.PositiveIntegerField(db_default=1)
    local_fields = ArrayField(models.TextField(), db_default=[])
    delivery_method = models.CharField(
        _("delivery method"), max_length=12, choices=DeliveryMethod.choices, db_default="ship"
    )
    delivery_node = models.CharField(_("node of the buyer's choice"), max_length=60, blank=True, db_default="")
    slot_start = models.DateTimeField(null=True)
    slot_end = models.DateTimeField(null=True)
    contactless = models.BooleanField(db_default=False)
    gift_wrap = models.CharField(_("gift wrap"), max_length=60, blank=True, db_default="")
    gift_card_sealed = models.BinaryField(db_default=b"")
    delivery_fee_minor = models.BigIntegerField(null=True)
    merge = models.ForeignKey("orders.Merge", null=True, on_delete=models.PROTECT, db_index=False)

    class Meta:
        db_table = "orders_order"
        constraints = [
            models.UniqueConstraint(fields=["shop", "external_id"], name="order_once"),
            models.CheckConstraint(
                condition=Q(total_minor=models.F("goods_minor") + models.F("charges_minor")),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=~Q(delivery_method="pickup") | ~Q(delivery_node=""), name="pickup_names_a_node"
            ),
            models.CheckConstraint(
                condition=Q(slot_start__isnull=True, slot_end__isnull=True)
                | Q(slot_start__isnull=False, slot_end__isnull=False, slot_end__gt=models.F("slot_start")),
                name="slot_has_two_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_recent"),
            models.Index(fields=["business_date"], name="order_day"),
            models.Index(fields=["channel", "-placed_at", "-id"], name="order_of_channel"),
            models.Index(fields=["customer", "-placed_at"], name="order_of_customer"),
            models.Index(fields=["external_id"], name="order_number", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["import_id"], name="order_of_import"),
            models.Index(fields=["total_minor", "id"], name="order_by_total"),
            # The few that are on their way, called off or stuck; most orders are completed and not in it.
            models.Index(
                fields=["status", "-placed_at", "-id"],
                condition=~Q(status="completed"),
                name="order_not_completed",
            ),
            models.Index(fields=["-placed_at", "-id"], condition=Q(is_status_known=False), name="order_unknown"),
            models.Index(fields=["merge"], condition=Q(merge__isnull=False), name="order_of_merge"),
        ]


class LineKind(models.TextChoices):
    GOODS = "goods", _("Goods")
    CHARGE = "charge", _("Charge")


class OrderLine(models.Model):
    """Goods take stock and have a SKU; a charge (postage, fee, discount, manual) has a code and takes none.

    amount_minor is the truth of money; unit_price is as the channel gave it and may have more decimals.
    part: lines of different parts are routed and sent apart. A line that a person took out keeps its place with a
    quantity and an amount of 0.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_no = models.PositiveIntegerField()
    line_key = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=6, choices=LineKind.choices)
    sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT)
    charge_code = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=300, blank=True)
    qty = models.IntegerField()
    unit_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    amount_minor = models.BigIntegerField()
    wanted_node = models.CharField(max_length=60, blank=True)
    part = models.PositiveSmallIntegerField(db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "line_no"], name="order_line_once"),
            models.CheckConstraint(
                condition=Q(kind="goods", sku__isnull=False, qty__gte=0) | Q(kind="charge", sku__isnull=True),
                name="goods_have_a_sku",
            ),
        ]


class Payment(models.Model):
    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments", db_index=False)
    seq = models.PositiveIntegerField()
    method = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "seq"], name="payment_once")]


class Payer(models.TextChoices):
    """Who bears a share of a discount."""

    PLATFORM = "platform", _("Platform")
    SHOP = "shop", _("Shop")
    BRAND = "brand", _("Brand")
    INFLUENCER = "influencer", _("Influencer")
    DEALER = "dealer", _("Dealer")
    BANK = "bank", _("Bank")
    UNKNOWN = "unknown", _("Unknown")


class Discount(models.Model):
    """What one payer bears of the discount on one line. It explains the price; the line's amount is after it.

    line is null only where an order has no goods lines that the discount could be spread over.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="discounts")
    line = models.ForeignKey(OrderLine, null=True, on_delete=models.CASCADE, db_index=False)
    payer = models.CharField(max_length=12, choices=Payer.choices)
    code = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=200, blank=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="discount_positive")]

    @property
    def label(self) -> str:
        """What the share is called; one that the platform's account told says so."""
        return str(_("as settled")) if self.code == SHARE_CODE else self.name or self.code


class OrderTag(models.Model):
    """A word that people or rules put on an order."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="tags", db_index=False)
    tag = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "tag"], name="order_tag_once")]
        indexes = [models.Index(fields=["tag", "order"], name="order_of_tag")]


class RawPayload(models.Model):
    """A payload as a channel sent it, compressed and sealed; the same one is kept once.

    digest: keyed hash by the vault, so that it does not tell what the payload says.
    """

    digest = models.BinaryField(primary_key=True)
    content = models.BinaryField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "orders_rawpayload"


class OrderEvent(models.Model):
    """One thing that happened to an order; append-only. The same (kind, at) of an order is recorded once."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.TextField()
    data = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind", "at"], name="order_event_once")]


class HoldReason(models.TextChoices):
    UNPAID = "unpaid", _("Unpaid")
    ADDRESS = "address", _("Address")
    PRICE_FLOOR = "price_floor", _("Price under its floor")
    RISK = "risk", _("Risk")
    QUOTA = "quota", _("Channel quota used up")
    OUT_OF_STOCK = "out_of_stock", _("Out of stock")
    UNBOOKED = "unbooked", _("Shipped goods were not in the book")
    NO_NODE = "no_node", _("No node serves the shop")
    MANUAL = "manual", _("Manual")
    GROUP = "group", _("Waits for its group")


class Hold(models.Model):
    """Why an order waits. Several may be open at once; each is released on its own.

    data: {"policy": version of the rules, "found": what the review saw}, of holds that the review opened.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="holds", db_index=False)
    reason = models.CharField(max_length=20, choices=HoldReason.choices)
    detail = models.TextField(blank=True)
    opened_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)
    released_by = models.TextField(blank=True)
    opened_by = models.TextField(db_default="")
    release_note = models.TextField(db_default="")
    data = models.JSONField(db_default={})

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "reason"], condition=Q(released_at__isnull=True), name="hold_open_once"
            )
        ]
        indexes = [models.Index(fields=["reason", "order"], condition=Q(released_at__isnull=True), name="hold_open")]


class ReturnStatus(models.TextChoices):
    RECEIVED = "received", _("Received")
    RESTOCKED = "restocked", _("Restocked")


class Return(models.Model):
    """Goods and money that came back; amounts are negative or zero minor units, as the channel books them."""

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    external_id = models.CharField(_("return number"), max_length=120)
    digest = models.BinaryField()
    status = models.CharField(max_length=12, choices=ReturnStatus.choices)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="returns")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT)
    business_date = models.DateField()
    returned_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField()
    charges_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    units = models.BigIntegerField()
    import_id = models.BigIntegerField(null=True)
    is_simulated = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "external_id"], name="return_once"),
            models.CheckConstraint(
                condition=Q(total_minor=models.F("goods_minor") + models.F("charges_minor")),
                name="return_total_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["business_date"], name="return_day")]


class ReturnLine(models.Model):
    """qty is the number of units that came back (positive); amount_minor is what they took back (≤ 0)."""

    id = models.BigAutoField(primary_key=True)
    return_doc = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_no = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=LineKind.choices)
    sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT, db_index=False)
    charge_code = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=300, blank=True)
    qty = models.IntegerField()
    unit_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["return_doc", "line_no"], name="return_line_once"),
            models.CheckConstraint(
                condition=Q(kind="goods", sku__isnull=False, qty__gt=0) | Q(kind="charge", sku__isnull=True),
                name="returned_goods_have_a_sku",
            ),
        ]


class Correction(models.Model):
    """A correction of the books that is neither a sale nor a return: written-off debt and the like."""

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    external_id = models.CharField(max_length=120)
    line_no = models.PositiveIntegerField()
    business_date = models.DateField()
    corrected_at = models.DateTimeField()
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    import_id = models.BigIntegerField(null=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "external_id", "line_no"], name="correction_once")]
