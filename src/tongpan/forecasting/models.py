"""The last forecast of each SKU's demand."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku


class Method(models.TextChoices):
    LEVEL = "level", _("Steady")
    WEEKDAY = "weekday", _("By weekday")
    INTERMITTENT = "intermittent", _("Now and then")


class DemandForecast(models.Model):
    """What ``forecasting.demand.engine.Forecast`` says of one SKU; made anew every night.

    first_day: the day that ``week`` begins with; later days repeat it. observed_days: days of history that it is
    made from.
    """

    sku = models.OneToOneField(Sku, primary_key=True, on_delete=models.CASCADE, related_name="demand_forecast")
    first_day = models.DateField()
    method = models.CharField(max_length=12, choices=Method.choices)
    week = ArrayField(models.FloatField(), size=7)
    weekly_error = models.FloatField()
    wape = models.FloatField(null=True)
    tested_weeks = models.PositiveSmallIntegerField()
    observed_days = models.PositiveSmallIntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "forecasting_demand"
        constraints = [
            models.CheckConstraint(condition=Q(weekly_error__gte=0, week__len=7), name="forecast_of_a_whole_week")
        ]
