"""Diagnosis of nets that do not learn: a few steps are run and undone, and detectors name the symptoms."""

from .detectors import DETECTORS
from .examination import doctor
from .report import Finding, Layer, Report

__all__ = ["DETECTORS", "Finding", "Layer", "Report", "doctor"]
