"""An explanation that sends a query needs more rights than one that does not."""

from typing import cast

import pytest

from keyhole.api.explain import explain_query
from keyhole.api.principal import Principal
from keyhole.api.problem import ApiProblem
from keyhole.control.explain import ExplainService
from keyhole.model.role import Role


def test_a_viewer_cannot_have_a_query_sent() -> None:
    viewer = Principal("eve", Role.VIEWER, "token")
    unused = cast(ExplainService, None)
    with pytest.raises(ApiProblem, match="needs the role operator") as caught:
        explain_query(unused, viewer, name="example.org", lookup=True)
    assert (caught.value.status, caught.value.word) == (403, "role_too_low")
