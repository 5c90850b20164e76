"""Activities around offers: group-buy, lotteries, trade-in, samples, and what a campaign brought."""
