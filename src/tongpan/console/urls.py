"""The addresses of the console, namespace ``console``."""

from django.urls import path

from tongpan.console import account, channels, customers, goods, home, imports, orders, overview, saved_views, stock

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("overview/", overview.overview, name="overview"),
    path("search/", home.search, name="search"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path("account/password/", account.password, name="password"),
    path("account/language/", account.language, name="language"),
    path("account/theme/", account.theme, name="theme"),
    path("views/save/", saved_views.save, name="save_view"),
    path("views/<int:view_id>/delete/", saved_views.delete, name="delete_view"),
    path("orders/", orders.order_list, name="orders"),
    path("orders/export/", orders.order_export, name="order_export"),
    path("orders/<int:order_id>/", orders.order_detail, name="order"),
    path("stock/", stock.stock_list, name="stock"),
    path("stock/export/", stock.stock_export, name="stock_export"),
    path("stock/documents/", stock.stock_documents, name="stock_documents"),
    path("stock/adjust/", stock.adjust, name="adjust"),
    path("stock/sku/<path:code>/", stock.sku_stock, name="sku_stock"),
    path("channels/", channels.channel_list, name="channels"),
    path("channels/new/", channels.channel_edit, name="channel_new"),
    path("channels/export/", channels.channel_export, name="channel_export"),
    path("channels/<str:code>/", channels.channel_detail, name="channel"),
    path("channels/<str:code>/edit/", channels.channel_edit, name="channel_edit"),
    path("channels/<str:code>/shops/new/", channels.shop_edit, name="shop_new"),
    path("channels/<str:code>/shops/<str:shop_code>/", channels.shop_edit, name="shop_edit"),
    path("channels/<str:code>/shops/<str:shop_code>/nodes/", channels.services_edit, name="services_edit"),
    path("goods/", goods.goods_list, name="goods"),
    path("goods/export/", goods.goods_export, name="goods_export"),
    path("goods/sku/<path:code>/", goods.sku_detail, name="sku"),
    path("imports/", imports.import_list, name="imports"),
    path("imports/<int:import_id>/", imports.import_detail, name="import"),
    path("imports/<int:import_id>/check/", imports.import_check, name="import_check"),
    path("imports/<int:import_id>/errors/", imports.import_errors, name="import_errors"),
    path("imports/<int:import_id>/again/", imports.import_again, name="import_again"),
    path("imports/<int:import_id>/discard/", imports.import_discard, name="import_discard"),
    path("customers/", customers.customer_list, name="customers"),
    path("customers/export/", customers.customer_export, name="customer_export"),
    path("customers/<int:customer_id>/", customers.customer_detail, name="customer"),
]
