"""From a trace and the findings to a known cause and its fix. The planes are imported in the order in which their causes are shown."""

from __future__ import annotations

from harness.diagnosis import refusals as refusals  # isort: skip
from harness.diagnosis import addresses as addresses  # isort: skip
from harness.diagnosis import requests as requests  # isort: skip
from harness.diagnosis import offers as offers  # isort: skip
from harness.diagnosis import network as network  # isort: skip
from harness.diagnosis import connection as connection  # isort: skip
from harness.diagnosis import session as session  # isort: skip
from harness.diagnosis import responses as responses  # isort: skip
from harness.diagnosis import sound as sound  # isort: skip
from harness.diagnosis import turns as turns  # isort: skip
from harness.diagnosis import audio as audio  # isort: skip
from harness.diagnosis import browser as browser  # isort: skip
from harness.diagnosis import general as general  # isort: skip
from harness.diagnosis.base import CAUSES, Case, Cause, Diagnosis, diagnose
from harness.diagnosis.general import established

__all__ = ["CAUSES", "Case", "Cause", "Diagnosis", "diagnose", "established"]
