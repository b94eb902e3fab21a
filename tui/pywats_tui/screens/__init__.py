"""The screens, in the order of their keys."""

from pywats_tui.page import Page
from pywats_tui.screens.activity import Activity
from pywats_tui.screens.configuration import Configuration
from pywats_tui.screens.converter import ConverterDetail
from pywats_tui.screens.converter_form import ConverterForm
from pywats_tui.screens.converters import Converters
from pywats_tui.screens.dashboard import Dashboard
from pywats_tui.screens.help import Help
from pywats_tui.screens.instances import Instances
from pywats_tui.screens.queue import Queue
from pywats_tui.screens.report import ReportPage
from pywats_tui.screens.source import SourcePage
from pywats_tui.screens.sources import Sources
from pywats_tui.screens.try_file import TryFilePage

PAGES: tuple[type[Page], ...] = (Dashboard, Queue, Sources, Converters, Configuration, Activity, Instances, Help)
DETAILS: tuple[type[Page], ...] = (ReportPage, SourcePage, ConverterDetail, ConverterForm, TryFilePage)
"""Those that open over one of these."""
