"""The addresses of the API."""

from __future__ import annotations

from django.urls import path

from tongpan.api import (
    accounts,
    aftersale,
    assortment,
    carts,
    channels,
    counts,
    customers,
    dealers,
    fulfillment_desk,
    goods,
    health,
    imports,
    inbound,
    metrics,
    nodes,
    order_changes,
    order_edits,
    order_speed,
    orders,
    policies,
    preorders,
    promises,
    quality,
    replenishment,
    returns,
    review,
    routing,
    shipments,
    standards,
    stock,
    supply,
    targets,
    transfers,
    webhooks,
)
from tongpan.api.operations import new_api

api = new_api()
for face in (
    order_changes,
    fulfillment_desk,
    carts,
    preorders,
    order_edits,
    order_speed,
    review,
    routing,
    orders,
    returns,
    aftersale,
    stock,
    policies,
    supply,
    transfers,
    counts,
    replenishment,
    goods,
    assortment,
    standards,
    channels,
    nodes,
    dealers,
    customers,
    metrics,
    targets,
    promises,
    imports,
    webhooks,
    accounts,
    shipments,
    inbound,
    quality,
):
    api.add_router("", face.router)

urlpatterns = [
    path("api/v1/", api.urls),
    path("hooks/<slug:code>", inbound.door),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
