"""Figures for Prometheus: for who has the token of the settings, or comes from an address that they name."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs_app import conf, metrics, throttling


@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    if not (_has_token(request) or _is_named(throttling.address(request))):
        return HttpResponse("Set ROOST_METRICS_TOKEN or ROOST_METRICS_FROM.\n", "text/plain", 403)
    return HttpResponse(metrics.text(), "text/plain; version=0.0.4; charset=utf-8")


def _has_token(request: HttpRequest) -> bool:
    token = conf.metrics_token()
    return bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")


def _is_named(address: str) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(known in ipaddress.ip_network(network, strict=False) for network in conf.metrics_from())
