"""A screen that changes the configuration: sections at the left, the fields of one at the right."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import OptionList, Static

from pywats_client.errors import IpcError
from pywats_client.ipc.commands.config import GetConfig, SetConfig, SetToken, ValidateConfig
from pywats_client.logs import show_name
from pywats_tui.forms.field import Field
from pywats_tui.forms.form import Form
from pywats_tui.forms.twin import words_of
from pywats_tui.page import Page
from pywats_tui.picture import Link, Picture
from pywats_tui.widgets.ask import Ask
from pywats_tui.widgets.form import MARK, FormView
from pywats_tui.words import several

TOKEN_KEY = "server.token_encrypted"  # noqa: S105 -- the name of the key


class Section(NamedTuple):
    """One form. `root` is what its keys lie in."""

    title: str
    root: str
    about: str
    fields: list[Field]
    values: Mapping[str, Any]


class FormPage(Page):
    """Nothing is written before the service has found all of it valid."""

    WRITES = frozenset({"save", "revert"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+r", "revert", "Revert"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sections: list[Section] = []
        self._forms: dict[str, Form] = {}
        """by root"""
        self._names: list[str] = []
        """of the converters, in the order of the configuration"""
        self._seen: tuple[object, int] | None = None
        self._is_saved = False
        self._why_not = ""
        """why the configuration in force could not be read"""

    def body(self) -> Iterable[Widget]:
        """Sections, fields, and how many changes are not saved."""
        with Horizontal(id="form"):
            yield OptionList(id="sections", markup=False)
            yield FormView()
        yield Static(id="unsaved", markup=False)

    async def sections(self, config: dict[str, Any]) -> list[Section]:
        """What there is to change, by the configuration in force. Raises IpcError."""
        raise NotImplementedError

    # --- what is in force

    def show(self, picture: Picture) -> None:
        """Ask again when another configuration is in force; of another service, nothing typed in counts."""
        heard = picture.heard["snapshot"] + picture.heard["config_changed"]
        if picture.link is Link.LIVE and self._seen != (picture, heard):
            if self._seen and self._seen[0] is not picture:
                self._forms = {}
            self._seen = (picture, heard)
            self.refresh_values()
        self.tell()

    @work(group="refresh", exclusive=True)
    async def refresh_values(self) -> None:
        """What is not dirty shows what is in force."""
        try:
            config = (await self.tui.feed.ask(GetConfig())).config
            sections = await self.sections(config)
        except IpcError as error:
            self._why_not = str(error)
            self.tell()
            return
        self._why_not = ""
        self._names = [converter["name"] for converter in config["converters"]]
        if not self._is_gone:
            await self._take(sections)

    @property
    def _is_gone(self) -> bool:
        """Whether a person has left for good while an answer was under way."""
        return not self.is_attached or not self.query("#sections")

    async def _take(self, sections: Sequence[Section]) -> None:
        view = self.query_one(FormView)
        view.collect()
        before, self._sections = self._sections, list(sections)
        forms, self._forms = self._forms, {}
        for section in sections:
            form = forms.get(section.root)
            if form and list(form.fields.values()) == section.fields:
                form.refresh(section.values)
            else:
                form = Form(section.root, section.fields, section.values)
            self._forms[section.root] = form
        if [section.title for section in before] != [section.title for section in sections]:
            self._list_sections()
        view.fill()
        await self._open(self._chosen)
        self.tell()

    def _list_sections(self) -> None:
        options = self.query_one("#sections", OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([f"  {show_name(section.title)}" for section in self._sections])
        options.highlighted = min(at, len(self._sections) - 1)
        if self.focused is None:
            options.focus()

    @property
    def _chosen(self) -> Section | None:
        at = self.query_one("#sections", OptionList).highlighted
        return self._sections[at] if at is not None and at < len(self._sections) else None

    async def _open(self, section: Section | None) -> None:
        view = self.query_one(FormView)
        if section and view.form is not self._forms[section.root]:
            await view.open(self._forms[section.root], section.about, is_locked=self.tui.is_view_only)

    @on(OptionList.OptionHighlighted, "#sections")
    async def _follow_list(self) -> None:
        await self._open(self._chosen)

    @on(OptionList.OptionSelected, "#sections")
    def _enter_form(self) -> None:
        self.query_one(FormView).focus_field()

    # --- what is typed in

    @property
    def dirty(self) -> int:
        """How many fields are changed."""
        return sum(len(form.dirty) for form in self._forms.values())

    @on(FormView.Typed)
    def tell(self) -> None:
        """Marks and faults, as they are."""
        if self._is_gone:
            return
        self.query_one(FormView).tell()
        options = self.query_one("#sections", OptionList)
        for at, section in enumerate(self._sections):
            form = self._forms[section.root]
            mark = ("!" if form.faults else " ") + (MARK if form.dirty else " ")
            prompt = f"{mark}{show_name(section.title)}"
            if str(options.get_option_at_index(at).prompt) != prompt:
                options.replace_option_prompt_at_index(at, prompt)
        self.query_one("#unsaved", Static).update(self._standing, layout=False)

    @property
    def _standing(self) -> str:
        """The line below: what keeps from saving, or what there is to save."""
        picture = self.tui.picture
        if fault := picture.snapshot.config_fault.partition("\n")[0]:
            return f"! the file cannot be used: {show_name(fault)}"
        if self._why_not:
            return f"! {show_name(self._why_not)}"
        if not self._sections:
            return "asking the service …" if picture.link is Link.LIVE else "the service is not there"
        if self.dirty:
            return f"{MARK} {several(self.dirty, 'change')} not saved"
        return "+ saved, and in force; nothing to save" if self._is_saved else "nothing to save"

    @work(group="save", exclusive=True)
    async def action_save(self) -> None:
        """Let the service look at all changes, and write them when they are valid."""
        self._is_saved = False
        self.query_one(FormView).collect()
        changes = self._changes()
        if any(form.faults for form in self._forms.values()):
            self._show_faults()
            return
        token = changes.pop(TOKEN_KEY, None)
        if changes and not await self._save_values(changes):
            return
        if token is not None and not await self._save_token(str(token)):
            return
        self._is_saved = bool(changes or token)
        self.tell()
        if self._is_saved:
            self.refresh_values()

    def _changes(self) -> dict[str, Any]:
        return {key: value for form in self._forms.values() for key, value in form.changes().items()}

    async def _save_values(self, changes: dict[str, Any]) -> bool:
        """Whether they are in force now."""
        answer = await self.tui.order(ValidateConfig(values=changes))
        if answer is None:
            return False
        if answer.faults:
            self._place({self._by_name(fault.key): fault.why for fault in answer.faults})
            return False
        for words in words_of(changes, self._secrets):
            self.tui.did(*words)
        if await self.tui.order(SetConfig(values=changes)) is None:
            return False
        self._saved(changes)
        return True

    async def _save_token(self, token: str) -> bool:
        self.tui.did("login")
        try:
            await self.tui.feed.ask(SetToken(token=token))
        except IpcError as error:
            self._place({TOKEN_KEY: str(error)})
            return False
        self._saved([TOKEN_KEY])
        return True

    @property
    def _secrets(self) -> set[str]:
        return {
            f"{form.root}.{key}"
            for form in self._forms.values()
            for key, field in form.fields.items()
            if field.is_secret
        }

    def _saved(self, keys: Iterable[str]) -> None:
        keys = list(keys)
        for key in keys:
            if form := self._form_of(key):
                form.saved([key])
        self.query_one(FormView).fill()

    def _by_name(self, key: str) -> str:
        """The service counts converters, we name them."""
        place = re.match(r"converters\[(\d+)\]", key)
        if place and int(place[1]) < len(self._names):
            return f"converters[{self._names[int(place[1])]}]{key[place.end() :]}"
        return key

    def _form_of(self, key: str) -> Form | None:
        """The form that a whole key belongs to."""
        holders = [form for root, form in self._forms.items() if key == root or key.startswith(f"{root}.")]
        return max(holders, key=lambda form: len(form.root), default=None)

    def _place(self, faults: Mapping[str, str]) -> None:
        """Each beside its field; what belongs to none is told."""
        for key, why in faults.items():
            if form := self._form_of(key):
                form.told({key: why})
            else:
                self.tui.complain(f"{key}: {why}" if key else why, "nothing was written")
        self._show_faults()

    def _show_faults(self) -> None:
        """Go where the first fault is."""
        self.tell()
        at = next((at for at, each in enumerate(self._sections) if self._forms[each.root].faults), None)
        if at is not None:
            self.query_one("#sections", OptionList).highlighted = at
            self.call_after_refresh(self._focus_fault, self._forms[self._sections[at].root])

    def _focus_fault(self, form: Form) -> None:
        view = self.query_one(FormView)
        if view.form is form:
            view.focus_field(next(iter(form.faults), ""))

    def action_revert(self) -> None:
        """Back to what is in force."""
        for form in self._forms.values():
            form.revert()
        self.query_one(FormView).fill()
        self.tell()

    def leave(self, go: Callable[[], object]) -> None:
        """Ask before changes are lost."""

        def answered(is_wanted: bool | None) -> None:
            if is_wanted:
                self.action_revert()
                self.app.call_later(go)

        self.query_one(FormView).collect()
        if self.dirty:
            question = f"Leave without saving {several(self.dirty, 'change')}?"
            self.app.push_screen(Ask(question, "What you typed in is lost; ctrl+s saves it."), answered)
        else:
            go()

    def action_back(self) -> None:
        """From a field to the sections."""
        self.query_one("#sections", OptionList).focus()
