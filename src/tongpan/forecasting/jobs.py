"""What is forecast by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.forecasting.demand.actions import compute_forecasts


@app.periodic(cron="41 18 * * *")
@app.task(queueing_lock="compute_demand_forecasts")
def compute_demand_forecasts(timestamp: int) -> int:
    """Forecast every SKU's demand anew when the day is over (02:41 in Shanghai); how many SKUs have a forecast.

    timestamp: the minute this run is for, in seconds since 1970.
    """
    return compute_forecasts(now=utc_now())
