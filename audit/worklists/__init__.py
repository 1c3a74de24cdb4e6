"""Worklists for the reviewers: `export_worklists` writes one workbook and one CSV per insurer and team."""

from audit.worklists.export import ExportReport, export_with_report, export_worklists
from audit.worklists.inputs import FeatureLabel, RuleText, WorklistContext

__all__ = ["ExportReport", "FeatureLabel", "RuleText", "WorklistContext", "export_with_report", "export_worklists"]
