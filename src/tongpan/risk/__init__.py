"""What looks like diversion of goods (窜货): scores from what is held, each with its evidence."""
