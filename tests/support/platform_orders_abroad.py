"""What the exports of platforms abroad say, by file name. The form is told in ``platforms``."""

ABROAD = {
    "amazon-orders-29.txt": (
        "amazon-orders",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
            ("111-0000002-0000002", "cancelled", 0, 0, None, 0, [("PLATE", 1, 0)], [], True),
        ],
    ),
    "amazon-orders-32.txt": (
        "amazon-orders",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
            ("111-0000002-0000002", "cancelled", 0, 0, None, 0, [("PLATE", 1, 0)], [], True),
        ],
    ),
    "amazon-shipments-48.txt": (
        "amazon-shipments",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
        ],
    ),
    "amazon-summary-13.txt": (
        "amazon-summary",
        [
            ("111-0000001-0000001", "dispatched", 10000, 0, 10000, 0, [], [], True),
        ],
    ),
    "bigcommerce.csv": (
        "bigcommerce-orders",
        [
            ("501", "completed", 10260, 0, 10260, 0, [], [], True),
            ("502", "placed", 4000, 0, None, 0, [], [], True),
        ],
    ),
    "etsy.csv": (
        "etsy-sales",
        [
            (
                "3200000001",
                "dispatched",
                9000,
                1260,
                10260,
                0,
                [("1500000001 Color:White", 2, 5400), ("1500000002", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
        ],
    ),
    "shopify-66-date.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "shopify-66.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "shopify-79.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "woocommerce.csv": (
        "woocommerce-csv",
        [
            ("727", "dispatched", 10560, 0, 10560, 0, [], [], True),
            ("728", "placed", 3600, 0, None, 0, [], [], True),
        ],
    ),
    "woocommerce.json": (
        "woocommerce-orders",
        [
            (
                "9007199254740993",
                "completed",
                9000,
                1560,
                10560,
                350,
                [("MUG-W", 2, 5400), ("22-23", 1, 3600)],
                [("shop", 600, 0), ("shop", 400, 2)],
                True,
            ),
            ("728", "placed", 3600, 0, None, 0, [("22-23", 1, 3600)], [], True),
        ],
    ),
}
