"""The API of prices seen, patrols, violation cases, complaints and diversion."""

import pytest
from tests.api.calling import Api, key_with
from tests.support.company import NOW
from tests.support.patrol import open_dealer, open_price_book

pytestmark = pytest.mark.usefixtures("company")
