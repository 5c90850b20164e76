"""Every address of Tongpan."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from tongpan.web.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health, name="health"),
    path("admin/", admin.site.urls),
    path("", include("tongpan.console.urls")),
]
