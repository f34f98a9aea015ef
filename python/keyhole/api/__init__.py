"""The API: the use cases of control over HTTP, for programs and for the page in the browser."""
