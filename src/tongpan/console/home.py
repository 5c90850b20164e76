"""The way in, and the search over everything."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render

from tongpan.access.queries import can
from tongpan.catalog.queries import SkuFilter, fetch_skus
from tongpan.console.access import Request, page
from tongpan.console.navigation import first_page, sections_for
from tongpan.customers.queries import CustomerFilter, fetch_customers
from tongpan.fulfillment.queries import with_tracking
from tongpan.orders.queries import OrderFilter, fetch_orders

_HITS = 10


@page()
def home(request: Request) -> HttpResponse:
    """To the overview, or to the first page that the user's role opens."""
    begin = first_page(sections_for(lambda permission: can(request.user, permission)))
    if not begin:
        return render(request, "console/no_permission.html", {"permission": ""}, status=403)
    return redirect(begin)


@page()
def search(request: Request) -> HttpResponse:
    """Orders, goods and customers that the words point to; a single hit opens at once."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    orders, skus, customers = [], [], []
    if text:
        if can(request.user, "orders.view"):
            wanted = OrderFilter(text=text, sees_customers=can(request.user, "customers.view"))
            orders = fetch_orders(with_tracking(wanted), "-placed", 0, _HITS)
        if can(request.user, "goods.view"):
            skus = fetch_skus(SkuFilter(text=text), "code", 0, _HITS)
        if can(request.user, "customers.view"):
            customers = fetch_customers(CustomerFilter(text=text), "-seen", 0, _HITS)
        if len(orders) + len(skus) + len(customers) == 1:
            if orders:
                return redirect("console:order", orders[0].pk)
            if skus:
                return redirect("console:sku", skus[0].code)
            return redirect("console:customer", customers[0].pk)
    context = {"global_query": text, "orders": orders, "skus": skus, "customers": customers}
    return render(request, "console/search.html", context)
