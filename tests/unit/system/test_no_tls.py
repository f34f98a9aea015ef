"""A client for connections without TLS is no weak one where there is TLS after all."""

import ssl

import httpx2
import pytest

from keyhole.system.no_tls import trusting_nobody
from tests.world.certificates import Authority
from tests.world.upstream import Upstream


def test_no_certificate_is_believed(authority: Authority) -> None:
    context = trusting_nobody()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs() == []
    with Upstream(authority.issue("127.0.0.1"), protocol="doh") as server:
        url = f"https://127.0.0.1:{server.port}/dns-query"
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx2.get(url, verify=context, trust_env=False)
