"""Every address of Tongpan."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tongpan.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("tongpan.console.urls")),
]
