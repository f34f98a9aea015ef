"""Documents of a lab, as tests of its page need them."""

from typing import Any

from playwright.sync_api import Locator, Page

from tests.world.page import LabPage

_PASTE = """(editor, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  const event = { clipboardData, bubbles: true, cancelable: true };
  editor.dispatchEvent(new ClipboardEvent('paste', event));
}"""


def ask_api(lab_page: LabPage, method: str, path: str, **body: Any) -> Any:
    """One request below ``/api/v1`` as the administrator; gives the JSON of the answer."""
    context = lab_page.signed_in()
    try:
        headers = {"x-keyhole-request": "test", "origin": lab_page.url}
        answer = context.request.fetch(
            f"/api/v1{path}", method=method, headers=headers, data=body or None
        )
        assert answer.ok, answer.text()
        return answer.json()
    finally:
        context.close()


def store(lab_page: LabPage, text: str, message: str | None = None) -> None:
    """Stores documents, whatever versions there were before."""
    ask_api(lab_page, "POST", "/documents", text=text, overwrite=True, message=message)


def yaml_of(page: Page) -> Locator:
    """The text in the editor."""
    return page.get_by_role("textbox", name="YAML of the document")


def write_yaml(page: Page, text: str) -> None:
    """Replaces the whole text in the editor by pasting another one."""
    editor = yaml_of(page)
    editor.click()
    page.keyboard.press("Control+A")
    editor.evaluate(_PASTE, text)
