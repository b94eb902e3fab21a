"""A form on the screen: a row a field, its help below, and beside it what is wrong with it."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from pywats_client.logs import show_name
from pywats_tui.forms.field import Field
from pywats_tui.forms.form import Form
from pywats_tui.widgets.choice import Choice

MARK = "*"


class FieldRow(Vertical):
    """One field."""

    def __init__(self, form: Form, field: Field, *, is_locked: bool) -> None:
        super().__init__()
        self.field = field
        self._form = form
        text = form.texts[field.key]
        self._label = Static(classes="name", markup=False)
        self._fault = Static(classes="fault", markup=False)
        self._value: Choice | Input = (
            Choice(field.options, text, disabled=is_locked)
            if field.options
            else Input(text, password=field.is_secret, disabled=is_locked, compact=True)
        )

    def compose(self) -> ComposeResult:
        """Name and value, the fault, the help."""
        with Horizontal(classes="value"):
            yield self._label
            yield self._value
        yield self._fault
        if self.field.help:
            yield Static(self.field.help.replace("\n", " "), classes="help", markup=False)

    def on_mount(self) -> None:
        """Show it as it is."""
        self.tell()

    def tell(self) -> None:
        """Mark and fault from the form."""
        key, form = self.field.key, self._form
        mark = MARK if key in form.dirty else " "
        self._label.update(f"{mark} {show_name(self.field.title or key)}", layout=False)
        self._fault.update(f"! {show_name(form.faults[key])}" if key in form.faults else "")
        self._fault.display = key in form.faults
        if isinstance(self._value, Input):
            self._value.placeholder = "(stored, never shown)" if key in form.stored else ""

    def fill(self) -> None:
        """The text from the form."""
        if self._value.value != (text := self._form.texts[self.field.key]):
            self._value.value = text

    def collect(self) -> None:
        """The text into the form: what was typed just now may not have been told yet."""
        self._form.typed(self.field.key, self._value.value)

    def focus_value(self) -> None:
        """Keys go to the value."""
        self._value.focus()

    @on(Input.Changed)
    @on(Choice.Changed)
    def note(self, event: Input.Changed | Choice.Changed) -> None:
        """What a person types is the form's."""
        event.stop()
        if self._value.value != self._form.texts[self.field.key]:
            self.collect()
            self.tell()
            self.post_message(FormView.Typed())


class FormView(VerticalScroll, can_focus=False):
    """Shows one form at a time."""

    class Typed(Message):
        """A field has another text."""

    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None

    async def open(self, form: Form, about: str, *, is_locked: bool) -> None:
        """Show this form from now on; locked: only to be read."""
        self.form = form
        async with self.batch():
            await self.remove_children()
            rows = [FieldRow(form, field, is_locked=is_locked) for field in form.fields.values()]
            await self.mount(Static(about, classes="about", markup=False), Static(classes="whole", markup=False), *rows)
        self.tell()
        self.scroll_home(animate=False)

    def tell(self) -> None:
        """Marks and faults from the form as it is now."""
        if self.form is None:
            return
        others = [f"! {show_name(why)}" for key, why in self.form.faults.items() if key not in self.form.fields]
        for whole in self.query(".whole").results(Static):
            whole.update("\n".join(others))
            whole.display = bool(others)
        for row in self.query(FieldRow):
            row.tell()

    def collect(self) -> None:
        """All that is typed in is the form's, before it is looked at or changed from elsewhere."""
        for row in self.query(FieldRow):
            row.collect()

    def fill(self) -> None:
        """The form has changed by itself: its texts are shown."""
        for row in self.query(FieldRow):
            row.fill()

    def focus_field(self, key: str = "") -> None:
        """To this field; without a key, to the first."""
        for row in self.query(FieldRow):
            if key in ("", row.field.key):
                row.focus_value()
                return
