"""The order hub: intake, lines, payments, returns, corrections, holds and order events."""
