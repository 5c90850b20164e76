"""Writes of after-sale. Every function locks orders first, then cases, then pools, each in ascending order of id."""

from tongpan.orders.aftersale.actions.deciding import approve, assign, refuse, withdraw
from tongpan.orders.aftersale.actions.inspecting import inspect
from tongpan.orders.aftersale.actions.receiving import receive, send
from tongpan.orders.aftersale.actions.refunding import approve_refunds, fail_refunds, pay_refunds, propose_again
from tongpan.orders.aftersale.actions.requesting import request
from tongpan.orders.aftersale.policies import save_policy
from tongpan.orders.aftersale.requests import quote

__all__ = [
    "approve",
    "approve_refunds",
    "assign",
    "fail_refunds",
    "inspect",
    "pay_refunds",
    "propose_again",
    "quote",
    "receive",
    "refuse",
    "request",
    "save_policy",
    "send",
    "withdraw",
]
